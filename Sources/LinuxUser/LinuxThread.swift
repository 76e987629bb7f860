package import CHost
internal import Glibc
internal import GuestMemory
internal import GuestState

/// One guest thread as the kernel would know it. Threads: its own vCPU's only.
package final class LinuxThread: @unchecked Sendable {
    // @unchecked: handed to the vCPU's host thread once, used there only.
    package let process: LinuxProcess
    /// The host's thread id, which is also the guest's.
    package internal(set) var tid: Int32

    /// Signals the guest blocks. The host's mask follows it, but for faults.
    var blocked = SignalSet(bits: 0)
    /// The mask of rt_sigsuspend, ppoll, pselect6 or epoll_pwait while signals of that call are delivered.
    var temporaryMask: SignalSet?
    /// What frames tell of the last fault.
    var lastFault = FaultReport.none
    /// A queued signal may be deliverable although the handler has set no flag.
    var needsDelivery = false
    var alternateStack = AlternateStack()
    /// CLONE_CHILD_CLEARTID: cleared and woken when the thread ends.
    var clearChildTID: GuestAddress = 0
    /// Where a new thread stores its tid before its first instruction.
    var setTIDAtStart: [GuestAddress] = []
    /// CLONE_FS, CLONE_FILES and CLONE_SYSVSEM as far as this thread was made without them.
    var unshareAtStart: UInt64 = 0
    /// Of set_robust_list.
    var robustList = RobustList()
    /// In a child of CLONE_VFORK: the link to the waiting parent; else -1.
    var vforkParent: Int32 = -1
    /// The file that the thread has opened last, while it is open; else -1.
    var lastOpened: Int32 = -1
    let signalState: OpaquePointer

    // What a system call handler may set besides its result.
    /// Registers during a system call.
    var registers: GuestRegisters!
    /// Ends the thread or process after this call.
    var pendingAction: VCPUAction?
    /// The call has set all registers itself (rt_sigreturn).
    var keepsRegisters = false
    /// The system call under way, for observers; nil without them, and once they were told of its end.
    private var observedCall: (number: Int64, pc: GuestAddress)?
    /// Two buffers of PATH_MAX for redirected paths.
    let pathBuffers: UnsafeMutablePointer<UInt8>

    static let pathLimit = 4096

    init(process: LinuxProcess, tid: Int32, blocked: SignalSet? = nil) {
        self.process = process
        self.tid = tid
        guard let state = nt_signals_new() else { preconditionFailure("no memory for a thread's signal queue") }
        signalState = state
        pathBuffers = .allocate(capacity: 2 * Self.pathLimit)
        pathBuffers.initialize(repeating: 0, count: 2 * Self.pathLimit)
        if let blocked {
            self.blocked = blocked
        } else {
            var mask: UInt64 = 0
            nt_signal_mask(0, 0, &mask)
            self.blocked = SignalSet(bits: mask)
        }
    }

    deinit {
        nt_signals_free(signalState)
        pathBuffers.deallocate()
    }

    /// Binds this thread to the calling host thread and its vCPU. Call once on that thread before the guest runs.
    package func attach(_ cpu: UnsafeMutablePointer<nt_cpu>) {
        tid = Int32(truncatingIfNeeded: nt_linux_syscall(CallNumber.gettid, 0, 0, 0, 0, 0, 0))
        for address in setTIDAtStart {
            // CLONE_PARENT_SETTID and CLONE_CHILD_SETTID; the kernel ignores bad addresses in the child, too.
            _ = try? UserMemory.write(tid, to: address)
        }
        setTIDAtStart = []
        if unshareAtStart != 0 { _ = nt_linux_syscall(CallNumber.unshare, unshareAtStart, 0, 0, 0, 0, 0) }
        nt_signals_attach(signalState, cpu)
        applyMask()
    }

    /// Undoes `attach` and does, in the kernel's order, what it does when a thread ends. Call last on its host thread.
    package func detach() {
        // What is sent to the process from now on is for other threads. Faults must still be possible.
        nt_signal_mask(2, Signal.hostBlockable.bits, nil)
        nt_signals_attach(nil, nil)
        defer { nt_signal_mask(2, SignalSet.all.bits, nil) }
        // Who sees the cleared tid may unmap the list, so the kernel's walk at the host thread's end would come too late.
        robustList.release(owner: UInt32(bitPattern: tid))
        _ = nt_linux_syscall(CallNumber.setRobustList, 0, UInt64(RobustList.headSize), 0, 0, 0, 0)
        guard clearChildTID != 0 else { return }
        do throws(LinuxErrno) {
            try UserMemory.write(UInt32(0), to: clearChildTID)
            try hostCall(CallNumber.futex, clearChildTID, 1, 1)  // FUTEX_WAKE, one waiter
        } catch {
            // The kernel ignores a bad address here, too.
        }
    }

    func systemCall(_ registers: GuestRegisters) -> VCPUAction {
        self.registers = registers
        if process.isObserved {
            observedCall = (number: Int64(bitPattern: registers[x: 8]), pc: registers.pc &- 4)
        }
        let number = UInt32(truncatingIfNeeded: registers[x: 8])
        var arguments = SyscallArguments(registers)
        let isTraced = process.log.isOn(.strace)
        let row = SyscallTable.row(number)
        if TaggedAddresses.isOn, let row { arguments = TaggedAddresses.strip(arguments, row.signature) }
        if isTraced { Strace.enter(self, number, row, arguments) }
        var failure: LinuxErrno?
        do throws(LinuxErrno) {
            let result = try dispatch(number, row, arguments)
            if keepsRegisters {
                keepsRegisters = false
                noteEnd(EndedSystemCall.setsRegisters)
            } else {
                registers[x: 0] = result
                noteEnd(Int64(bitPattern: result))
            }
        } catch {
            failure = error
            if error == .ERESTARTSYS {
                // As if the signal had come before the instruction: its handler returns to the SVC.
                registers.pc &-= 4
                if temporaryMask != nil {
                    temporaryMask = nil
                    nt_signals_set_closed(signalState, blocked.bits)
                }
                noteEnd(EndedSystemCall.restarts)
            } else {
                registers[x: 0] = UInt64(bitPattern: Int64(-error.rawValue))
                noteEnd(Int64(-error.rawValue))
            }
        }
        if isTraced { Strace.leave(self, number, row, failure) }
        if let action = pendingAction {
            pendingAction = nil
            return action
        }
        if temporaryMask != nil { needsDelivery = true }
        return deliverPendingSignals(registers)
    }

    /// Tells observers that the call under way has ended.
    func noteEnd(_ result: Int64) {
        guard let call = observedCall else { return }
        observedCall = nil
        guard pendingAction == nil else { return }
        process.engine?.systemCallEnded(
            EndedSystemCall(number: call.number, result: result, pc: call.pc), registers)
    }

    private func dispatch(
        _ number: UInt32, _ row: SyscallRow?, _ arguments: SyscallArguments
    ) throws(LinuxErrno) -> UInt64 {
        guard let row else {
            process.reportUnimplemented(number, "Unsupported syscall: \(number)\n")
            throw .ENOSYS
        }
        switch row.handling {
        case .emulated(let handler):
            return try handler(self, arguments)
        case .host:
            return try interruptible(
                number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5])
        case .notEmulated(let reason):
            process.reportUnimplemented(number, "Unsupported syscall: \(number) (\(row.name)): \(reason)\n")
            throw .ENOSYS
        }
    }

    /// A host call that a queued guest signal interrupts or keeps from beginning (ERESTARTSYS).
    @discardableResult
    func interruptible(
        _ number: UInt32, _ a0: UInt64 = 0, _ a1: UInt64 = 0, _ a2: UInt64 = 0, _ a3: UInt64 = 0, _ a4: UInt64 = 0,
        _ a5: UInt64 = 0
    ) throws(LinuxErrno) -> UInt64 {
        if VirtualTime.isOn { return try virtuallyTimed(number, [a0, a1, a2, a3, a4, a5]) }
        return try checked(nt_linux_interruptible(signalState, number, a0, a1, a2, a3, a4, a5))
    }
}
