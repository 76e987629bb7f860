internal import Glibc
internal import GuestMemory
internal import Support

/// RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK as the guest has set them. The host's would count the emulator's memory, too, so
/// the first two are kept here: for this process and what it forks, not for what it executes. RLIMIT_STACK decides nothing
/// in a running process; a higher one is also set on the host, where an executed program's emulator reads it.
final class MemoryLimits: @unchecked Sendable {
    // @unchecked: `limits` is guarded by `lock`.
    struct Limit: BitwiseCopyable {
        var soft: UInt64
        var hard: UInt64
    }

    private let lock = Lock()
    private var limits: [Int32: Limit] = [:]

    static let data: Int32 = 2
    static let stack: Int32 = 3
    static let addressSpace: Int32 = 9

    static func keeps(_ resource: Int32) -> Bool { [data, stack, addressSpace].contains(resource) }

    private static func ofHost(_ resource: Int32) -> Limit {
        var host = rlimit()
        guard getrlimit(__rlimit_resource_t(UInt32(resource)), &host) == 0 else { return Limit(soft: .max, hard: .max) }
        return Limit(soft: UInt64(host.rlim_cur), hard: UInt64(host.rlim_max))
    }

    func get(_ resource: Int32) -> Limit { lock.withLock { limits[resource] } ?? Self.ofHost(resource) }

    /// - Throws: EINVAL for a soft limit above the hard one, EPERM to raise the hard one without privilege.
    func set(_ resource: Int32, _ new: Limit) throws(LinuxErrno) {
        guard new.soft <= new.hard else { throw .EINVAL }
        guard new.hard <= get(resource).hard || geteuid() == 0 else { throw .EPERM }
        if resource == Self.stack {
            let host = Self.ofHost(resource)
            // The emulator's main thread lives on the host's.
            var wanted = rlimit(rlim_cur: rlim_t(min(max(new.soft, 8 << 20), host.hard)), rlim_max: rlim_t(host.hard))
            setrlimit(__rlimit_resource_t(UInt32(resource)), &wanted)
        }
        lock.withLock { limits[resource] = new }
    }

    /// Throws ENOMEM when `bytes` more would be beyond RLIMIT_AS, or beyond RLIMIT_DATA if they are private and writable.
    /// - Parameter replaced: what is unmapped at the same time.
    func check(
        adding bytes: UInt64, replacing replaced: Range<GuestAddress>?, isData: Bool, in addressSpace: AddressSpace
    ) throws(LinuxErrno) {
        let (space, data) = lock.withLock { (limits[Self.addressSpace]?.soft ?? .max, limits[Self.data]?.soft ?? .max) }
        if space == .max && data == .max { return }
        let areas = addressSpace.withMap { $0.areas }
        func size(_ counts: (VMA) -> Bool) -> UInt64 {
            areas.reduce(0) { sum, area in
                guard counts(area) else { return sum }
                let gone = replaced.map { UInt64(area.range.clamped(to: $0).count) } ?? 0
                return sum + UInt64(area.range.count) - gone
            }
        }
        if size({ _ in true }) + bytes > space { throw .ENOMEM }
        let isOver = isData && size { !$0.isShared && $0.protection.contains(.write) && $0.label != .stack } + bytes > data
        if isOver { throw .ENOMEM }
    }

    func lockForFork() { lock.lock() }
    func unlockAfterFork() { lock.unlock() }
}

extension LinuxThread {
    func setrlimit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard MemoryLimits.keeps(a.int(0)) else { return try interruptible(164, a[0], a[1]) }
        try process.memoryLimits.set(a.int(0), try UserMemory.read(a[1]))
        return 0
    }

    func getrlimit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard MemoryLimits.keeps(a.int(0)) else { return try interruptible(163, a[0], a[1]) }
        try UserMemory.write(process.memoryLimits.get(a.int(0)), to: a[1])
        return 0
    }

    /// pid, resource, new, old.
    func prlimit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let resource = a.int(1)
        let isOwn = a.int(0) == 0 || a.int(0) == getpid()
        guard isOwn, MemoryLimits.keeps(resource) else {
            return try interruptible(CallNumber.prlimit64, a[0], a[1], a[2], a[3])
        }
        let new: MemoryLimits.Limit? = a[2] != 0 ? try UserMemory.read(a[2]) : nil
        let old = process.memoryLimits.get(resource)
        if let new { try process.memoryLimits.set(resource, new) }
        if a[3] != 0 { try UserMemory.write(old, to: a[3]) }
        return 0
    }
}
