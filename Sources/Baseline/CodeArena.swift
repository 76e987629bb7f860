internal import CHost
internal import Glibc
internal import Support

/// Executable memory for baseline code: chunks of one reservation, so that all code is in reach of all jumps. They are filled from start
/// to end, and used again when nothing in them is wanted. When the last one is full, it is for the caller to release the code in the
/// oldest (`oldest`).
///
/// Threads: any. Host addresses of faults are looked up outside generated code, under the lock.
package final class CodeArena: @unchecked Sendable {
    // @unchecked: everything is guarded by `lock`.
    private let lock = Lock()
    /// By address, without gaps from the start of the reservation on.
    private var chunks: [Chunk] = []
    /// Indices of all chunks, in the order in which they were begun.
    private var order: [Int] = []
    /// The chunk that is being filled.
    private var current: Int?
    private var liveBytesTotal = 0
    private var limit: Int
    /// Start of the reservation; nil before the first code, and where the host gives no memory that may be written and executed.
    private var memory: UnsafeMutableRawPointer?

    /// Bytes of one chunk: so few that the oldest code is a small part of all, and enough for the longest TBs.
    private var chunkSize: Int { min(max(limit / Self.leastChunks, Self.smallestChunk), Self.largestChunk) & ~4095 }
    private static let leastChunks = 16
    private static let smallestChunk = 128 << 10
    private static let largestChunk = 1 << 20

    private struct Chunk {
        let start: UnsafeMutableRawPointer
        var used = 0
        /// Up to here there is memory, as far as the kernel gives it ahead.
        var populated = 0
        /// Codes in use.
        var users = 0
        /// By address.
        var codes: [Placed] = []
        /// Those of all codes, one behind the other.
        var faults: [BaselineCompiler.FaultEntry] = []
    }
    private struct Placed {
        let start: UInt32
        let blockIndex: UInt32
        /// Indices of its entries in the chunk's `faults`.
        let firstFault: UInt32
        let faultCount: UInt32
    }

    /// - Parameter limit: bytes of all chunks, below 2^31; half as many, or half of that, where the host does not give them.
    package init(limit: Int) { self.limit = limit }

    /// Bytes of code in use or not yet given back.
    package var bytes: Int { lock.withLock { liveBytesTotal } }

    /// Whether code of a size has no room before other code is released. False where that would not help.
    package func isFull(for size: Int) -> Bool {
        lock.withLock {
            guard memory != nil, size <= chunkSize, (chunks.count + 1) * chunkSize > limit else { return false }
            return !chunks.contains { $0.users == 0 } && !(current.map { chunks[$0].used + size <= chunkSize } ?? false)
        }
    }

    /// What was placed in the oldest chunks, an eighth of all, for the caller to release what of it is still in use. What remains counts as
    /// new.
    package func oldest() -> [(blockIndex: UInt32, address: UInt)] {
        lock.withLock {
            let count = (order.count + Self.oldestShare - 1) / Self.oldestShare
            let oldest = Array(order.prefix(count))
            order = order.dropFirst(count) + oldest
            return oldest.flatMap { n in
                chunks[n].codes.map { ($0.blockIndex, UInt(bitPattern: chunks[n].start) + UInt($0.start)) }
            }
        }
    }
    private static let oldestShare = 8

    /// Copies the code to where it runs.
    /// - Parameter blockIndex: of its TB in the engine's table, for `faultPoint`.
    /// - Returns: the address; nil when there is no memory.
    package func place(
        _ code: UnsafeRawBufferPointer, blockIndex: UInt32, faults: UnsafeBufferPointer<BaselineCompiler.FaultEntry>
    ) -> UInt? {
        lock.withLock {
            let size = (code.count + 15) & ~15
            guard size <= chunkSize, let n = chunk(for: size) else { return nil }
            let start = chunks[n].start + chunks[n].used
            populate(&chunks[n], to: chunks[n].used + size)
            start.copyMemory(from: code.baseAddress!, byteCount: code.count)
            chunks[n].codes.append(
                Placed(
                    start: UInt32(chunks[n].used), blockIndex: blockIndex, firstFault: UInt32(chunks[n].faults.count),
                    faultCount: UInt32(faults.count)))
            // Copied: the compiler's own array keeps room for the longest TB.
            chunks[n].faults.append(contentsOf: faults)
            chunks[n].used += size
            chunks[n].users += 1
            liveBytesTotal += size
            return UInt(bitPattern: start)
        }
    }

    /// Asks for the pages of a part of a chunk at once: one by one they cost several times as much, at a fault each.
    private func populate(_ chunk: inout Chunk, to end: Int) {
        guard end > chunk.populated else { return }
        let next = min(chunkSize, (end + Self.populationStep - 1) & ~(Self.populationStep - 1))
        // MADV_POPULATE_WRITE. A kernel that does not know it gives pages one by one.
        madvise(chunk.start + chunk.populated, next - chunk.populated, 23)
        chunk.populated = next
    }
    private static let populationStep = 64 << 10

    private func chunk(for size: Int) -> Int? {
        if let current, chunks[current].used + size <= chunkSize { return current }
        // One that nobody uses any more.
        if let place = order.firstIndex(where: { chunks[$0].users == 0 }) {
            let n = order.remove(at: place)
            liveBytesTotal -= chunks[n].used
            chunks[n].used = 0
            chunks[n].codes.removeAll(keepingCapacity: true)
            chunks[n].faults.removeAll(keepingCapacity: true)
            return begin(n)
        }
        if memory == nil { reserve() }
        // There may be less than was wanted.
        guard let memory, size <= chunkSize, (chunks.count + 1) * chunkSize <= limit else { return nil }
        chunks.append(Chunk(start: memory + chunks.count * chunkSize))
        return begin(chunks.count - 1)
    }

    private func begin(_ n: Int) -> Int {
        order.append(n)
        current = n
        return n
    }

    /// Of a small address space most is left to everything else: only what is to be had besides this much is taken.
    private static let addressSpaceShare: UInt = 8

    private func reserve() {
        var space = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space) == 0, space.rlim_cur != UInt.max {
            let share = Int(space.rlim_cur / Self.addressSpaceShare)
            limit = min(limit, share) / chunkSize * chunkSize
            let others = mmap(nil, share, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            guard others != MAP_FAILED else { return limit = 0 }
            defer { munmap(others, share) }
            return reserveWithinLimit()
        }
        reserveWithinLimit()
    }

    private func reserveWithinLimit() {
        while limit >= chunkSize {
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
            let start = mmap(nil, limit, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0)
            if let start, start != MAP_FAILED {
                if nt_baseline_range_add(start, start + limit) { memory = start } else { limit = 0 }
                return
            }
            limit /= 2
        }
    }

    /// Gives up one TB's code. No vCPU may be in it.
    package func release(_ address: UInt) {
        lock.withLock {
            guard let n = index(of: address) else { return }
            chunks[n].users -= 1
        }
    }

    private func index(of address: UInt) -> Int? {
        guard let memory, address >= UInt(bitPattern: memory) else { return nil }
        let n = Int(address - UInt(bitPattern: memory)) / chunkSize
        return n < chunks.count ? n : nil
    }

    /// The TB and the guest instruction whose access stands at a host address; nil when it is none of this code.
    package func faultPoint(at address: UInt) -> (blockIndex: UInt32, instruction: Int)? {
        lock.withLock {
            guard let n = index(of: address) else { return nil }
            let chunk = chunks[n]
            let offset = UInt32(truncatingIfNeeded: address - UInt(bitPattern: chunk.start))
            guard let code = last(chunk.codes, { $0.start <= offset }) else { return nil }
            let entries = chunk.faults[Int(code.firstFault)..<Int(code.firstFault + code.faultCount)]
            let entry = last(entries) { $0.offset <= offset - code.start }
            return (code.blockIndex, Int(entry?.instruction ?? 0))
        }
    }

    /// The last element for which `holds`, which holds for a prefix.
    private func last<C: RandomAccessCollection>(_ elements: C, _ holds: (C.Element) -> Bool) -> C.Element?
    where C.Index == Int {
        var low = elements.startIndex
        var high = elements.endIndex
        while low < high {
            let middle = (low + high) / 2
            if holds(elements[middle]) { low = middle + 1 } else { high = middle }
        }
        return low > elements.startIndex ? elements[low - 1] : nil
    }

    /// In a fork child, where the caller held no lock of this.
    package func reinitialiseAfterFork() { lock.reinitialiseAfterFork() }
}
