internal import CHost
internal import Glibc
internal import GuestState

extension LinuxThread {
    func exit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // A signal that this thread has been given would be lost with it.
        guard holdSignals() else { throw .ERESTARTSYS }
        tellVforkParent()
        // Counted here and not when the host thread ends, so that of several that exit at once exactly one is the last.
        let isLast = process.lock.withLock {
            process.liveThreads -= 1
            return process.liveThreads == 0
        }
        pendingAction = isLast ? .exit(status: a.int(0) & 0xff) : .exitThread
        return 0
    }

    func exitGroup(_ a: SyscallArguments) -> UInt64 {
        tellVforkParent()
        pendingAction = .exit(status: a.int(0) & 0xff)
        return 0
    }

    private func tellVforkParent() {
        guard vforkParent >= 0 else { return }
        VforkLink.childEnds(vforkParent)
        vforkParent = -1
    }

    func setTIDAddress(_ a: SyscallArguments) -> UInt64 {
        clearChildTID = a[0]
        return UInt64(UInt32(bitPattern: tid))
    }

    // MARK: prctl

    /// Options whose meaning does not depend on the processor or on the emulator's memory. What is missing is EINVAL, as from
    /// a kernel that does not have it: other architectures' options, seccomp filters and PR_SET_MM, PR_SET_MDWE and syscall user
    /// dispatch, which would hit the emulator, tagged addresses and vector lengths.
    private static let hostPrctlOptions: Set<Int32> = [
        1, 2,  // PDEATHSIG
        3, 4,  // DUMPABLE
        7, 8,  // KEEPCAPS
        13, 14,  // TIMING
        15, 16,  // NAME
        23, 24,  // CAPBSET
        27, 28,  // SECUREBITS
        29, 30,  // TIMERSLACK
        31, 32,  // TASK_PERF_EVENTS
        33, 34,  // MCE_KILL
        36, 37,  // CHILD_SUBREAPER
        38, 39,  // NO_NEW_PRIVS
        41, 42,  // THP_DISABLE
        47,  // CAP_AMBIENT
        52, 53,  // SPECULATION_CTRL
        57, 58,  // IO_FLUSHER
        62,  // SCHED_CORE
        67, 68,  // MEMORY_MERGE
        0x5961_6d61,  // PTRACER
        0x5356_4d41,  // VMA
    ]

    func prctl(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let option = a.int(0)
        if option == 40 {  // PR_GET_TID_ADDRESS
            try UserMemory.write(clearChildTID, to: a[1])
            return 0
        }
        if let result = try PointerAuthenticationKeys.prctl(option, a, self) { return result }
        if let result = try TaggedAddresses.prctl(option, a) { return result }
        guard Self.hostPrctlOptions.contains(option) else { throw .EINVAL }
        return try interruptible(CallNumber.prctl, a[0], a[1], a[2], a[3], a[4])
    }
}
