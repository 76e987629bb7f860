internal import CHost
internal import Glibc
internal import GuestMemory
internal import GuestState

/// New threads and processes.
///
/// A thread is a vCPU on a host thread of its own. A process is a fork of the emulator: what the guest wants shared beyond
/// memory (descriptors, working directory, semaphore undo lists) or separate (namespaces) is the host kernel's business,
/// what it wants stored or reset is ours. A process that shares memory without being a thread cannot be: two emulators
/// would run on one heap.
extension LinuxThread {
    func clone(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try clone(try CloneRequest(a), number: 220)
    }

    func clone3(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try clone(try CloneRequest(arguments: a[0], size: a[1]), number: 435)
    }

    private func clone(_ request: CloneRequest, number: UInt32) throws(LinuxErrno) -> UInt64 {
        if request.has(CloneFlag.thread) { return try cloneThread(request, number) }
        // The borrower of CLONE_VFORK gives the memory back changed, so a copy that is copied back does as well.
        if request.has(CloneFlag.vm), !request.has(CloneFlag.vfork) {
            throw refusal(request, number, "a process cannot share memory with its parent")
        }
        return try fork(request, number)
    }

    /// EINVAL, as for a flag that this kernel does not know.
    private func refusal(_ request: CloneRequest, _ number: UInt32, _ reason: String) -> LinuxErrno {
        process.reportUnimplemented(
            number, "Unsupported clone flags \(String(request.flags, radix: 16)): \(reason)\n")
        return .EINVAL
    }

    // MARK: Processes

    private func fork(_ request: CloneRequest, _ number: UInt32) throws(LinuxErrno) -> UInt64 {
        var hostFlags = request.flags & ~(CloneFlag.ours | CloneFlag.ignored | CloneFlag.vm | CloneFlag.sighand)
        // With CLONE_FILES the link's ends would be the same descriptors in both.
        let sharesFiles = request.has(CloneFlag.files)
        let isVfork = request.has(CloneFlag.vfork)
        if isVfork, sharesFiles { hostFlags |= CloneFlag.vfork }
        // fork of the host's libc does right by a heap that other threads are busy with, but takes no flags.
        let isPlain =
            hostFlags & ~CloneFlag.pidfd == 0 && request.exitSignal == UInt64(Signal.SIGCHLD) && request.threadIDs.isEmpty
        let isAlone = process.lock.withLock { process.liveThreads == 1 }
        if !isPlain, !isAlone {
            throw refusal(request, number, "not while other threads run")
        }
        let pidfd = isPlain && request.has(CloneFlag.pidfd) ? try ChildDescriptor(at: request.pidfd) : nil

        let vfork = isVfork && !sharesFiles ? VforkLink() : nil
        process.engine?.prepareFork()
        // A signal of the parent must not be queued while the child copies the queue; and other threads must not be in
        // the middle of a change to what the child inherits.
        nt_signal_mask(2, Signal.hostBlockable.bits, nil)
        process.lockForFork()
        var failure: LinuxErrno?
        var pid: Int32
        if isPlain {
            pid = nt_linux_fork()
            if pid < 0 { failure = .last }
        } else {
            (pid, failure) = Self.hostClone(request, hostFlags)
        }
        if pid == 0 {
            vforkParent = vfork?.becomeChild() ?? -1
            pidfd?.becomeChild()
            becomeForkChild(request)
            return 0
        }
        pidfd?.complete(pid)
        process.unlockAfterFork()
        process.engine?.afterForkInParent()
        if failure == nil {
            if request.has(CloneFlag.parentSetTID) { _ = try? UserMemory.write(pid, to: request.parentTID) }
            vfork?.wait(for: pid, addressSpace: process.addressSpace, stackPointer: registers.sp, isAlone: isAlone)
        } else {
            vfork?.discard()
        }
        applyMask()
        if let failure { throw failure }
        return UInt64(pid)
    }

    private static func hostClone(_ request: CloneRequest, _ hostFlags: UInt64) -> (pid: Int32, LinuxErrno?) {
        var ids = request.threadIDs
        // A sibling ends as its creator does.
        let exitSignal = request.has(CloneFlag.parent) ? 0 : request.exitSignal
        let result = ids.withUnsafeMutableBufferPointer {
            nt_linux_clone(
                hostFlags, exitSignal, request.pidfd, $0.baseAddress, UInt64($0.count), request.cgroup)
        }
        return result < 0 ? (-1, LinuxErrno(rawValue: Int32(-result))) : (Int32(truncatingIfNeeded: result), nil)
    }

    private func becomeForkChild(_ request: CloneRequest) {
        process.unlockAfterFork()
        tid = Int32(truncatingIfNeeded: nt_linux_syscall(CallNumber.gettid, 0, 0, 0, 0, 0, 0))
        process.lock.withLock { process.liveThreads = 1 }
        VirtualTime.shared.reinitialiseAfterFork()
        // Signals pending for the parent are not the child's.
        nt_signals_forked(signalState)
        needsDelivery = false
        if request.has(CloneFlag.clearSighand) {
            for signal in 1...Signal.count where process.signals.action(signal).isHandler {
                process.signals.setAction(signal, SignalAction())
            }
        }
        if request.stackPointer != 0 { registers.sp = request.stackPointer }
        if request.has(CloneFlag.settls) { registers.cpu.pointee.tpidr_el0 = request.tls }
        if request.has(CloneFlag.childSetTID) { _ = try? UserMemory.write(tid, to: request.childTID) }
        clearChildTID = request.has(CloneFlag.childClearTID) ? request.childTID : 0
        robustList = RobustList()
        process.engine?.afterForkInChild()
        applyMask()
    }

    // MARK: Threads

    private func cloneThread(_ request: CloneRequest, _ number: UInt32) throws(LinuxErrno) -> UInt64 {
        typealias Flag = CloneFlag
        let known =
            Flag.vm | Flag.sighand | Flag.thread | Flag.shareable | Flag.settls | Flag.parentSetTID | Flag.childSetTID
            | Flag.childClearTID | Flag.parent | Flag.ignored
        guard request.flags & ~known == 0, request.threadIDs.isEmpty else {
            throw refusal(request, number, "not for a thread")
        }
        let thread = LinuxThread(process: process, tid: 0, blocked: blocked)
        if request.has(Flag.parentSetTID) { thread.setTIDAtStart.append(request.parentTID) }
        if request.has(Flag.childSetTID) { thread.setTIDAtStart.append(request.childTID) }
        if request.has(Flag.childClearTID) { thread.clearChildTID = request.childTID }
        // Host threads share all three.
        thread.unshareAtStart = Flag.shareable & ~request.flags

        let copy = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<nt_cpu>.size, alignment: 16)
        defer { copy.deallocate() }
        copy.copyMemory(from: registers.cpu, byteCount: MemoryLayout<nt_cpu>.size)
        let state = GuestRegisters(copy.assumingMemoryBound(to: nt_cpu.self))
        state[x: 0] = 0
        if request.stackPointer != 0 { state.sp = request.stackPointer }
        if request.has(Flag.settls) { state.cpu.pointee.tpidr_el0 = request.tls }

        nt_signal_mask(2, Signal.hostBlockable.bits, nil)
        process.lock.withLock { process.liveThreads += 1 }
        let started = process.engine?.startThread(thread, registers: state) ?? false
        applyMask()
        guard started else {
            process.lock.withLock { process.liveThreads -= 1 }
            throw .EAGAIN
        }
        return UInt64(UInt32(bitPattern: thread.tid))
    }
}

/// CLONE_PIDFD where the host's fork cannot do it: a descriptor taken before the fork, so that failing is still possible,
/// and made the child's afterwards, while the child waits lest it be gone by then.
private struct ChildDescriptor {
    private let descriptor: Int32
    private let reader: Int32
    private let writer: Int32
    private static let closeOnExec: UInt64 = 0o2000000

    /// - Throws: EMFILE and the like; EFAULT for a bad address.
    init(at address: GuestAddress) throws(LinuxErrno) {
        // First, so that it gets the number the kernel would give. What it names meanwhile does not matter.
        descriptor = Int32(truncatingIfNeeded: try hostCall(CallNumber.pidfdOpen, UInt64(getpid())))
        var ends: [Int32] = [-1, -1]
        do throws(LinuxErrno) {
            _ = try checked(
                ends.withUnsafeMutableBytes {
                    nt_linux_syscall(CallNumber.pipe2, LinuxUser.address($0.baseAddress), Self.closeOnExec, 0, 0, 0, 0)
                })
            try UserMemory.write(descriptor, to: address)
        } catch {
            for opened in [descriptor] + ends where opened >= 0 { close(opened) }
            throw error
        }
        (reader, writer) = (ends[0], ends[1])
    }

    /// Child: returns when the parent has its descriptor.
    func becomeChild() {
        close(descriptor)
        close(writer)
        var byte: UInt8 = 0
        while read(reader, &byte, 1) < 0, errno == EINTR {}
        close(reader)
    }

    /// Parent; `pid` is negative when there is no child.
    func complete(_ pid: Int32) {
        if pid > 0, let new = try? hostCall(CallNumber.pidfdOpen, UInt64(pid)) {
            _ = nt_linux_syscall(CallNumber.dup3, new, UInt64(descriptor), Self.closeOnExec, 0, 0, 0)
            close(Int32(truncatingIfNeeded: new))
        } else {
            close(descriptor)
        }
        close(reader)
        close(writer)
    }
}
