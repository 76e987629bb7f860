internal import CHost
internal import CPluginAPI
internal import Glibc
package import GuestState
internal import Support
internal import Synchronization

/// What a `struct qemu_plugin_scoreboard *` points to. Its elements lie in the vCPU arenas, at the same offset in each.
///
/// It stands in `ScoreboardHandles`, and its memory stays there: a handle that was freed, or is none, can be told from one that is
/// alive in a few instructions.
struct Scoreboard {
    /// First, for `isAlive(_:)`, which is how to ask.
    private var alive = true
    /// The element of vCPU 0; the others follow `NT_ARENA_STRIDE` apart.
    let element0: UnsafeMutableRawPointer
    /// From the start of an arena.
    let arenaOffset: Int
    /// As allocated: a multiple of 8.
    let size: Int
    /// Number of vCPU indices that have had a vCPU: elements from there on are not readable.
    let vcpuCount: UnsafeMutablePointer<Atomic<Int>>

    init(element0: UnsafeMutableRawPointer, arenaOffset: Int, size: Int, vcpuCount: UnsafeMutablePointer<Atomic<Int>>) {
        self.element0 = element0
        self.arenaOffset = arenaOffset
        self.size = size
        self.vcpuCount = vcpuCount
    }

    /// False from the time it is freed; memory that no scoreboard has used reads as false. Atomic: a plugin may free on one thread what
    /// it is registering on another.
    @inline(__always)
    static func isAlive(_ handle: UnsafeMutablePointer<Scoreboard>) -> UnsafeMutablePointer<Atomic<Bool>> {
        // SAFETY: a struct's first member stands at its start, and an atomic Bool is laid out as a Bool.
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: Atomic<Bool>.self)
    }

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

    // `vcpuCount` stays: handles point to it, and a plugin may keep one.

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
        guard let handle = ScoreboardHandles.take() else { return nil }
        handle.initialize(
            to: Scoreboard(
                element0: arena.base + offset, arenaOffset: offset, size: size, vcpuCount: vcpuCount))
        return handle
    }

    /// Once for each live scoreboard.
    func free(_ handle: UnsafeMutablePointer<Scoreboard>) {
        lock.withLock {
            guard Scoreboard.isAlive(handle).pointee.exchange(false, ordering: .relaxed) else { return }
            pendingFree.append(handle)
        }
    }

    /// Makes freed ranges usable again. All TBs must be gone.
    func reclaim() {
        lock.lock()
        defer { lock.unlock() }
        for handle in pendingFree {
            freeOffsets[handle.pointee.size, default: []].append(handle.pointee.arenaOffset)
            ScoreboardHandles.giveBack(handle)
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

extension PluginHost {
    /// Addresses of `qemu_plugin_u64_add` and `qemu_plugin_scoreboard_find`, by which callbacks of plugins count.
    package static var scoreboardAdd: UInt {
        let function: @convention(c) (qemu_plugin_u64, CUnsignedInt, UInt64) -> Void = pluginU64Add
        return unsafeBitCast(function, to: UInt.self)
    }
    package static var scoreboardFind: UInt {
        let function: @convention(c) (OpaquePointer?, CUnsignedInt) -> UnsafeMutableRawPointer? = pluginScoreboardFind
        return unsafeBitCast(function, to: UInt.self)
    }

    /// Where a vCPU has the 64 bits at `offset` of a live scoreboard's element: distance from its CPU struct. nil when the handle
    /// or the offset is none. The range stays the scoreboard's as long as TBs live that were made before it was freed.
    package static func scoreboardEntry(_ handle: UInt, _ offset: UInt) -> UInt64? {
        guard let scoreboard = ScoreboardHandles.live(handle), offset <= UInt(scoreboard.pointee.size &- 8) else { return nil }
        return UInt64(UInt(scoreboard.pointee.arenaOffset) &+ offset)
    }
}

/// Where handles of scoreboards stand, of all allocators: one range of addresses, of which memory is used as far as it was
/// needed.
enum ScoreboardHandles {
    private static let stride = 64
    private static let limit = 1 << 20
    static let lock = Lock()
    // SAFETY: `taken` and `free` are guarded by `lock`. `start` is set before the first handle exists; who has none reads 0.
    nonisolated(unsafe) private static var start: UInt = 0
    nonisolated(unsafe) private static var taken = 0
    nonisolated(unsafe) private static var free: [UnsafeMutablePointer<Scoreboard>] = []

    static func take() -> UnsafeMutablePointer<Scoreboard>? {
        lock.withLock {
            if let handle = free.popLast() { return handle }
            if start == 0 {
                let memory = mmap(
                    nil, stride * limit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                guard let memory, memory != MAP_FAILED else { return nil }
                start = UInt(bitPattern: memory)
            }
            guard taken < limit else { return nil }
            taken += 1
            return UnsafeMutablePointer(bitPattern: start + UInt((taken - 1) * stride))
        }
    }

    static func giveBack(_ handle: UnsafeMutablePointer<Scoreboard>) { lock.withLock { free.append(handle) } }

    /// The live scoreboard that a plugin's handle names; nil, with a line on stderr, for anything else.
    @inline(__always)
    static func scoreboard(_ handle: OpaquePointer?) -> UnsafeMutablePointer<Scoreboard>? {
        if let scoreboard = live(UInt(bitPattern: handle)) { return scoreboard }
        complain(handle)
        return nil
    }

    /// The live scoreboard that stands at an address.
    @inline(__always)
    static func live(_ address: UInt) -> UnsafeMutablePointer<Scoreboard>? {
        guard start != 0, address &- start < UInt(stride &* limit), address & UInt(stride &- 1) == 0,
            let scoreboard = UnsafeMutablePointer<Scoreboard>(bitPattern: address),
            Scoreboard.isAlive(scoreboard).pointee.load(ordering: .relaxed)
        else { return nil }
        return scoreboard
    }

    private static func complain(_ handle: OpaquePointer?) {
        pluginDiagnostic("a plugin passed \(handle == nil ? "NULL" : "a wrong or freed pointer") as a scoreboard")
    }
}
