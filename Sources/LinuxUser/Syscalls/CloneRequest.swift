internal import GuestMemory

/// `CLONE_*` of `linux/sched.h`.
enum CloneFlag {
    static let signalMask: UInt64 = 0xff
    static let vm: UInt64 = 0x100
    static let fs: UInt64 = 0x200
    static let files: UInt64 = 0x400
    static let sighand: UInt64 = 0x800
    static let pidfd: UInt64 = 0x1000
    static let ptrace: UInt64 = 0x2000
    static let vfork: UInt64 = 0x4000
    static let parent: UInt64 = 0x8000
    static let thread: UInt64 = 0x10000
    static let newNS: UInt64 = 0x20000
    static let sysvsem: UInt64 = 0x40000
    static let settls: UInt64 = 0x80000
    static let parentSetTID: UInt64 = 0x100000
    static let childClearTID: UInt64 = 0x200000
    static let detached: UInt64 = 0x400000
    static let untraced: UInt64 = 0x800000
    static let childSetTID: UInt64 = 0x1000000
    static let newUser: UInt64 = 0x1000_0000
    static let newPID: UInt64 = 0x2000_0000
    static let io: UInt64 = 0x8000_0000
    static let clearSighand: UInt64 = 0x1_0000_0000
    static let intoCgroup: UInt64 = 0x2_0000_0000
    /// NEWTIME (which shares its bit with the exit signal of the old call), NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER,
    /// NEWPID, NEWNET.
    static let namespaces: UInt64 = 0x80 | newNS | 0x200_0000 | 0x400_0000 | 0x800_0000 | newUser | newPID | 0x4000_0000

    /// What can be shared with a process that is a copy otherwise.
    static let shareable = fs | files | sysvsem
    /// Carried out here, whoever makes the process.
    static let ours = settls | parentSetTID | childClearTID | childSetTID | clearSighand | vfork
    /// Without meaning here: nothing traces a guest; sharing an I/O context is a hint to the disk's scheduler.
    static let ignored = ptrace | untraced | detached | io
}

/// What `clone` or `clone3` asks for, checked as the kernel checks it.
struct CloneRequest: Equatable {
    /// Without the exit signal.
    var flags: UInt64 = 0
    var exitSignal: UInt64 = 0
    /// The child's SP; 0 for the parent's.
    var stackPointer: GuestAddress = 0
    var tls: UInt64 = 0
    var pidfd: GuestAddress = 0
    var parentTID: GuestAddress = 0
    var childTID: GuestAddress = 0
    /// Wanted thread ids by PID namespace, innermost first.
    var threadIDs: [Int32] = []
    var cgroup: UInt64 = 0

    func has(_ flag: UInt64) -> Bool { flags & flag != 0 }

    /// The old call. arm64's order: flags, stack, parent_tid, tls, child_tid.
    init(_ a: SyscallArguments) throws(LinuxErrno) {
        flags = a[0] & 0xffff_ffff & ~CloneFlag.signalMask
        exitSignal = a[0] & CloneFlag.signalMask
        stackPointer = a[1]
        parentTID = a[2]
        pidfd = a[2]
        tls = a[3]
        childTID = a[4]
        if has(CloneFlag.pidfd), has(CloneFlag.detached) { throw .EINVAL }
        try check()
    }

    /// `struct clone_args` of clone3.
    /// - Throws: EINVAL, E2BIG and EFAULT as the kernel.
    init(arguments: GuestAddress, size: UInt64) throws(LinuxErrno) {
        let (firstVersion, known) = (UInt64(64), UInt64(88))
        if size > guestPageSize { throw .E2BIG }
        if size < firstVersion { throw .EINVAL }
        let bytes = try UserMemory.readBytes(arguments, count: Int(size))
        if bytes.dropFirst(Int(known)).contains(where: { $0 != 0 }) { throw .E2BIG }
        let record = GuestRecord(bytes + [UInt8](repeating: 0, count: Int(known)))
        func word(_ index: Int) -> UInt64 { record[index * 8, as: UInt64.self] }
        flags = word(0)
        pidfd = word(1)
        childTID = word(2)
        parentTID = word(3)
        exitSignal = word(4)
        let (stack, stackSize) = (word(5), word(6))
        tls = word(7)
        let (idArray, idCount) = (word(8), word(9))
        cgroup = word(10)

        if idCount > 32 || (idArray == 0) != (idCount == 0) { throw .EINVAL }
        if exitSignal > UInt64(Signal.count) { throw .EINVAL }
        if has(CloneFlag.intoCgroup), cgroup > UInt64(Int32.max) || size < known { throw .EINVAL }
        for index in 0..<idCount { threadIDs.append(try UserMemory.read(idArray &+ index * 4)) }
        let allowed = 0xffff_ffff | CloneFlag.clearSighand | CloneFlag.intoCgroup
        if flags & ~allowed != 0 || has(CloneFlag.detached | CloneFlag.signalMask & ~0x80) { throw .EINVAL }
        if has(CloneFlag.sighand), has(CloneFlag.clearSighand) { throw .EINVAL }
        if has(CloneFlag.thread | CloneFlag.parent), exitSignal != 0 { throw .EINVAL }
        if (stack == 0) != (stackSize == 0) { throw .EINVAL }
        if stack != 0 {
            let (end, overflow) = stack.addingReportingOverflow(stackSize)
            if overflow { throw .EINVAL }
            stackPointer = end
        }
        try check()
    }

    /// Combinations that no kernel accepts.
    private func check() throws(LinuxErrno) {
        if has(CloneFlag.fs), has(CloneFlag.newNS | CloneFlag.newUser) { throw .EINVAL }
        if has(CloneFlag.thread), !has(CloneFlag.sighand) { throw .EINVAL }
        if has(CloneFlag.sighand), !has(CloneFlag.vm) { throw .EINVAL }
        if has(CloneFlag.pidfd), has(CloneFlag.parentSetTID), pidfd == parentTID { throw .EINVAL }
        if has(CloneFlag.thread), has(CloneFlag.newUser | CloneFlag.newPID) { throw .EINVAL }
    }
}
