internal import CHost
internal import Glibc
internal import GuestState

/// `CLONE_*` of `linux/sched.h`.
enum CloneFlag {
    static let signalMask: UInt64 = 0xff
    static let vm: UInt64 = 0x100
    static let fs: UInt64 = 0x200
    static let files: UInt64 = 0x400
    static let sighand: UInt64 = 0x800
    static let vfork: UInt64 = 0x4000
    static let thread: UInt64 = 0x10000
    static let sysvsem: UInt64 = 0x40000
    static let settls: UInt64 = 0x80000
    static let parentSetTID: UInt64 = 0x100000
    static let childClearTID: UInt64 = 0x200000
    static let detached: UInt64 = 0x400000
    static let childSetTID: UInt64 = 0x1000000

    /// What a thread library asks for; nothing else can be a thread here.
    static let threadRequired = vm | fs | files | sighand | thread
    static let threadOptional = sysvsem | settls | parentSetTID | childClearTID | childSetTID | detached
    /// What fork can honour. CLONE_VM is honoured only together with CLONE_VFORK, where a copy does as well.
    static let forkAllowed = signalMask | vfork | vm | settls | parentSetTID | childClearTID | childSetTID | detached
}

extension LinuxThread {
    func exit(_ a: SyscallArguments) -> UInt64 {
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

    // MARK: clone

    /// arm64's order: flags, stack, parent_tid, tls, child_tid.
    func clone(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = a[0]
        if flags & CloneFlag.thread != 0 || flags & (CloneFlag.vm | CloneFlag.vfork) == CloneFlag.vm {
            return try cloneThread(a)
        }
        guard flags & ~CloneFlag.forkAllowed == 0, flags & CloneFlag.signalMask == UInt64(Signal.SIGCHLD) else {
            process.reportUnimplemented(220, "Unsupported clone flags \(String(flags, radix: 16))\n")
            throw .EINVAL
        }
        return try fork(a)
    }

    private func fork(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = a[0]
        let vfork = flags & CloneFlag.vfork != 0 ? VforkLink() : nil
        process.engine?.prepareFork()
        // A signal of the parent must not be queued while the child copies the queue; and other threads must not be in
        // the middle of a change to what the child inherits.
        nt_signal_mask(2, Signal.hostBlockable.bits, nil)
        process.lockForFork()
        let pid = nt_linux_fork()
        let error = LinuxErrno.last
        if pid == 0 {
            vforkParent = vfork?.becomeChild() ?? -1
            becomeForkChild(a)
            return 0
        }
        process.unlockAfterFork()
        process.engine?.afterForkInParent()
        if pid > 0 {
            if flags & CloneFlag.parentSetTID != 0 { _ = try? UserMemory.write(pid, to: a[2]) }
            let isAlone = process.lock.withLock { process.liveThreads == 1 }
            vfork?.wait(for: pid, addressSpace: process.addressSpace, stackPointer: registers.sp, isAlone: isAlone)
        } else {
            vfork?.discard()
        }
        applyMask()
        if pid < 0 { throw error }
        return UInt64(pid)
    }

    private func becomeForkChild(_ a: SyscallArguments) {
        let flags = a[0]
        process.unlockAfterFork()
        tid = Int32(truncatingIfNeeded: nt_linux_syscall(CallNumber.gettid, 0, 0, 0, 0, 0, 0))
        process.lock.withLock { process.liveThreads = 1 }
        // Signals pending for the parent are not the child's.
        nt_signals_forked(signalState)
        needsDelivery = false
        if a[1] != 0 { registers.sp = a[1] }
        if flags & CloneFlag.settls != 0 { registers.cpu.pointee.tpidr_el0 = a[3] }
        if flags & CloneFlag.childSetTID != 0 { _ = try? UserMemory.write(tid, to: a[4]) }
        clearChildTID = flags & CloneFlag.childClearTID != 0 ? a[4] : 0
        process.engine?.afterForkInChild()
        applyMask()
    }

    private func cloneThread(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = a[0]
        let known = CloneFlag.threadRequired | CloneFlag.threadOptional
        guard flags & CloneFlag.threadRequired == CloneFlag.threadRequired, flags & ~known == 0 else {
            process.reportUnimplemented(220, "Unsupported clone flags \(String(flags, radix: 16))\n")
            throw .EINVAL
        }
        let thread = LinuxThread(process: process, tid: 0, blocked: blocked)
        if flags & CloneFlag.parentSetTID != 0 { thread.setTIDAtStart.append(a[2]) }
        if flags & CloneFlag.childSetTID != 0 { thread.setTIDAtStart.append(a[4]) }
        if flags & CloneFlag.childClearTID != 0 { thread.clearChildTID = a[4] }

        let copy = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<nt_cpu>.size, alignment: 16)
        defer { copy.deallocate() }
        copy.copyMemory(from: registers.cpu, byteCount: MemoryLayout<nt_cpu>.size)
        let state = GuestRegisters(copy.assumingMemoryBound(to: nt_cpu.self))
        state[x: 0] = 0
        if a[1] != 0 { state.sp = a[1] }
        if flags & CloneFlag.settls != 0 { state.cpu.pointee.tpidr_el0 = a[3] }

        nt_signal_mask(2, Signal.hostBlockable.bits, nil)
        process.lock.withLock { process.liveThreads += 1 }
        let started = process.engine?.startThread(thread, registers: state) ?? false
        applyMask()
        guard started else {
            process.lock.withLock { process.liveThreads -= 1 }
            process.reportUnimplemented(220, "clone: cannot start a guest thread\n")
            throw .EAGAIN
        }
        return UInt64(UInt32(bitPattern: thread.tid))
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
