internal import CHost
internal import Glibc
package import GuestState
internal import Support
internal import Synchronization

/// What a `struct qemu_plugin_scoreboard *` points to. Its elements lie in the vCPU arenas, at the same offset in each.
struct Scoreboard {
    /// The element of vCPU 0; the others follow `NT_ARENA_STRIDE` apart.
    let element0: UnsafeMutableRawPointer
    /// From the start of an arena.
    let arenaOffset: Int
    /// As allocated: a multiple of 8.
    let size: Int
    /// Number of vCPU indices that have had a vCPU: elements from there on are not readable.
    let vcpuCount: UnsafeMutablePointer<Atomic<Int>>

    /// The element of a vCPU, nil for an index that never had one.
    @inline(__always)
    func element(_ index: UInt32) -> UnsafeMutableRawPointer? {
        guard Int(index) < vcpuCount.pointee.load(ordering: .acquiring) else { return nil }
        // The C constant, not VCPUArena.stride: a package declaration would be a call. Below 2^12 * 2^27: no overflow.
        return element0 + Int(index) &* Int(NT_ARENA_STRIDE)
    }
}

/// Hands out the scoreboard part of the vCPU arenas: the same offset for every vCPU, so generated code adds a constant to
/// the pointer it has anyway, nothing ever moves, and a new vCPU needs no work.
///
/// A freed range may still be counted into by TBs that live, so it waits for `reclaim()`.
/// Threads: any; one lock, a leaf.
package final class ScoreboardAllocator: @unchecked Sendable {
    // @unchecked: mutable state is behind `lock`, but for `vcpuCount`, which is atomic.
    let arena: VCPUArena
    let vcpuCount: UnsafeMutablePointer<Atomic<Int>>
    let lock = Lock()
    private var next = Int(NT_SCOREBOARD_OFFSET)
    private var freeOffsets: [Int: [Int]] = [:]
    private var pendingFree: [UnsafeMutablePointer<Scoreboard>] = []

    package init(arena: VCPUArena) {
        self.arena = arena
        vcpuCount = .allocate(capacity: 1)
        vcpuCount.initialize(to: Atomic(0))
    }

    deinit {
        for handle in pendingFree { handle.deallocate() }
        vcpuCount.deinitialize(count: 1)
        vcpuCount.deallocate()
    }

    /// Elements of at least 8 bytes, 8-aligned, from 16 bytes on 16-aligned; zero for every vCPU.
    /// - Returns: nil when the arenas have no room.
    func allocate(elementSize: Int) -> UnsafeMutablePointer<Scoreboard>? {
        guard elementSize >= 0, elementSize <= Int(NT_SCOREBOARD_SIZE) else { return nil }
        let alignment = elementSize >= 16 ? 16 : 8
        let size = max(8, (elementSize + alignment - 1) & -alignment)
        lock.lock()
        defer { lock.unlock() }
        let offset: Int
        if let reused = freeOffsets[size]?.popLast() {
            offset = reused
            clear(offset, size)
        } else {
            offset = (next + alignment - 1) & -alignment
            guard offset + size <= VCPUArena.stride else { return nil }
            next = offset + size
        }
        let handle = UnsafeMutablePointer<Scoreboard>.allocate(capacity: 1)
        handle.initialize(
            to: Scoreboard(element0: arena.base + offset, arenaOffset: offset, size: size, vcpuCount: vcpuCount))
        return handle
    }

    func free(_ handle: UnsafeMutablePointer<Scoreboard>) {
        lock.withLock { pendingFree.append(handle) }
    }

    /// Makes freed ranges usable again. All TBs must be gone.
    func reclaim() {
        lock.lock()
        defer { lock.unlock() }
        for handle in pendingFree {
            freeOffsets[handle.pointee.size, default: []].append(handle.pointee.arenaOffset)
            handle.deallocate()
        }
        pendingFree.removeAll()
    }

    /// Notes that `index` has a vCPU: its elements, zero or as its predecessor left them, are now in use.
    func noteVCPU(_ index: Int) {
        lock.withLock {
            let count = vcpuCount.pointee.load(ordering: .relaxed)
            if index >= count { vcpuCount.pointee.store(index + 1, ordering: .releasing) }
        }
    }

    private func clear(_ offset: Int, _ size: Int) {
        for index in 0..<vcpuCount.pointee.load(ordering: .relaxed) {
            memset(arena.base + index * VCPUArena.stride + offset, 0, size)
        }
    }
}
