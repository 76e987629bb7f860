internal import CHost
internal import GuestMemory
package import GuestState
internal import Support

extension LinuxThread {
    /// Delivers what is queued for this thread and not blocked. Cheap when nothing is. Called by the run loop when an
    /// exit request was seen and after every exception; guest state is complete and between instructions.
    package func deliverPendingSignals(_ registers: GuestRegisters) -> VCPUAction {
        var action = VCPUAction.resume
        // Each delivery opens the mask for the next signal, whose frame comes above before the first handler begins.
        while action == .resume, needsDelivery || nt_signals_pending(signalState) {
            action = deliverQueued(registers)
        }
        return action
    }

    private func deliverQueued(_ registers: GuestRegisters) -> VCPUAction {
        var action = VCPUAction.resume
        // Blocked while looking, so that what comes meanwhile is judged by the mask of then.
        if !nt_signals_pending(signalState) { nt_signal_mask(2, Signal.hostBlockable.bits, nil) }
        nt_signals_clear(signalState)
        needsDelivery = false
        while action == .resume, let info = takeSignal() {
            action = deliver(info, registers)
        }
        temporaryMask = nil
        applyMask()
        return action
    }

    /// Raises a signal that the guest's own instruction caused, and remembers what later frames tell of it. Blocked or ignored, it
    /// kills, as in the kernel.
    func raise(_ info: SignalInfo, _ report: FaultReport, _ registers: GuestRegisters) -> VCPUAction {
        lastFault = report
        return force(info, registers)
    }

    private func force(_ info: SignalInfo, _ registers: GuestRegisters) -> VCPUAction {
        let signal = info.signal
        let effective = temporaryMask ?? blocked
        if effective.contains(signal) || process.signals.action(signal).handler == SignalAction.ignoreHandler {
            process.signals.reset(signal)
            blocked = blocked.subtracting(SignalSet(arrayLiteral: signal))
        }
        let action = deliver(info, registers, isRaised: true)
        applyMask()
        return action
    }

    /// The next queued signal that is not blocked: faults first, then by number.
    private func takeSignal() -> SignalInfo? {
        takeSignal(from: SignalSet.all.subtracting(temporaryMask ?? blocked))
    }

    func takeSignal(from set: SignalSet) -> SignalInfo? {
        let deliverable = SignalSet(bits: nt_signals_queued(signalState) & set.bits)
        guard deliverable.bits != 0 else { return nil }
        let first = deliverable.bits & Signal.synchronous.bits
        let signal = (first != 0 ? first : deliverable.bits).trailingZeroBitCount + 1
        var bytes = [UInt8](repeating: 0, count: 128)
        let taken = bytes.withUnsafeMutableBytes { nt_signals_take(signalState, Int32(signal), $0.baseAddress) }
        return taken ? SignalInfo(bytes: bytes) : nil
    }

    /// - Parameter isRaised: by the guest's own instruction.
    private func deliver(_ info: SignalInfo, _ registers: GuestRegisters, isRaised: Bool = false) -> VCPUAction {
        let signal = info.signal
        guard (1...Signal.count).contains(signal) else { return .resume }
        process.log.write(.strace, "--- \(Signal.name(signal)) {\(info.traceText)} ---\n")
        let action = process.signals.action(signal)
        switch action.handler {
        case SignalAction.ignoreHandler:
            return .resume
        case SignalAction.defaultHandler:
            switch Signal.defaultAction(signal) {
            case .ignore, .stop: return .resume  // stops are left to the host, which never queues them
            case .terminate, .core: return .killed(signal: Int32(signal))
            }
        default:
            break
        }
        if action.flags & SignalAction.Flag.resetHand != 0 { process.signals.reset(signal) }
        do throws(LinuxErrno) {
            let pc = registers.pc
            try enterHandler(action, info, registers)
            if process.isObserved { process.engine?.signalDelivered(from: pc, isRaisedByGuest: isRaised, registers) }
        } catch {
            // No room for the frame: the kernel forces SIGSEGV, which kills when it was SIGSEGV that did not fit.
            if signal == Signal.SIGSEGV { return .killed(signal: Int32(Signal.SIGSEGV)) }
            return force(SignalInfo(forced: Signal.SIGSEGV), registers)
        }
        return .resume
    }

    /// Builds the frame on the guest's stack and points the registers at the handler.
    private func enterHandler(
        _ action: SignalAction, _ info: SignalInfo, _ registers: GuestRegisters
    ) throws(LinuxErrno) {
        let signal = info.signal
        var top = registers.sp
        if action.flags & SignalAction.Flag.onStack != 0, alternateStack.isFree(stackPointer: top) {
            top = alternateStack.top
        }
        let frameRecord = (top &- UInt64(SignalFrame.frameRecordSize)) & ~15
        let frameAddress = (frameRecord &- UInt64(SignalFrame.size)) & ~15

        var info = info
        let showsTag = action.flags & SignalAction.Flag.exposeTagBits != 0 || signal == Signal.SIGTRAP
        if Signal.synchronous.contains(signal), info.code > 0, info.code < SignalInfo.Code.kernel, !showsTag {
            info.faultAddress = FaultReport.untagged(info.faultAddress)
        }
        let frame = SignalFrame.make(
            info, mask: blocked, alternateStack: alternateStack, registers: registers, fault: lastFault)
        try UserMemory.write(frame.bytes, to: frameAddress)
        try UserMemory.write(registers[x: 29], to: frameRecord)
        try UserMemory.write(registers[x: 30], to: frameRecord &+ 8)

        registers[x: 0] = UInt64(signal)
        if action.flags & SignalAction.Flag.signalInfo != 0 {
            registers[x: 1] = frameAddress
            registers[x: 2] = frameAddress &+ UInt64(SignalFrame.Offset.context)
        }
        registers[x: 29] = frameRecord
        registers[x: 30] =
            action.flags & SignalAction.Flag.restorer != 0 ? action.restorer : process.signalTrampoline
        registers.sp = frameAddress
        registers.pc = action.handler
        // A handler is entered as by a call.
        if process.configuration.hasBranchTargets {
            registers.cpu.pointee.pstate = registers.cpu.pointee.pstate & ~(3 << 10) | 2 << 10
        }
        // An exception's return opens the monitor.
        registers.cpu.pointee.exclusive_size = 0

        if alternateStack.disarmsItself { alternateStack = AlternateStack() }
        var mask = (temporaryMask ?? blocked).union(action.mask)
        if action.flags & SignalAction.Flag.noDefer == 0 { mask.insert(signal) }
        blocked = mask.subtracting(Signal.unblockable)
        temporaryMask = nil
    }

    /// Makes the host block all that it can. While it does, the guest's mask may change.
    /// - Returns: false when a signal waits for delivery, which must be judged by the mask as it is.
    func holdSignals() -> Bool { setHostMask(Signal.hostBlockable) }

    /// Changes the guest's mask.
    /// - Throws: ERESTARTSYS when a signal waits for delivery; nothing has changed then.
    func setMask(_ new: SignalSet) throws(LinuxErrno) {
        if new == blocked { return }
        nt_signals_set_closed(signalState, new.bits)
        guard setHostMask(new.subtracting(Signal.fault)) else {
            nt_signals_set_closed(signalState, blocked.bits)
            throw .ERESTARTSYS
        }
        blocked = new
        noteDeliverable()
    }

    /// Gives the host the guest's mask, unless a signal waits for delivery, which does so itself; notes when a signal that was
    /// kept here has become deliverable.
    func applyMask() {
        nt_signals_set_closed(signalState, blocked.bits)
        _ = setHostMask(blocked.subtracting(Signal.fault))
        noteDeliverable()
    }

    /// - Returns: false when a signal waits for delivery: the host goes on blocking all, and the next delivery sets the mask.
    private func setHostMask(_ mask: SignalSet) -> Bool {
        withUnsafeBytes(of: mask.bits) {
            nt_linux_interruptible(signalState, CallNumber.rtSigprocmask, 2, address($0.baseAddress), 0, 8, 0, 0) == 0
        }
    }

    private func noteDeliverable() {
        if SignalSet(bits: nt_signals_queued(signalState)).subtracting(blocked).bits != 0 { needsDelivery = true }
    }
}

/// The guest's signal actions, shared by its threads, and what the host does for them.
///
/// Threads: any. The lock is a leaf.
final class SignalActions: @unchecked Sendable {
    // @unchecked: `actions` is only touched with `lock` held.
    private let lock = Lock()
    private var actions = [SignalAction](repeating: SignalAction(), count: Signal.count + 1)

    /// Takes over the dispositions this process was started with and installs the fault handlers.
    func install() {
        _ = nt_signals_install_faults()
        for signal in 1...Signal.count where !Signal.unblockable.contains(signal) {
            if Signal.fault.contains(signal) {
                nt_fault_signal_restarts(Int32(signal), false)
            } else if nt_signal_get(Int32(signal)) == NT_DISPOSITION_IGNORE {
                actions[signal].handler = SignalAction.ignoreHandler
            } else {
                applyToHost(signal, actions[signal])
            }
        }
    }

    func action(_ signal: Int) -> SignalAction { lock.withLock { actions[signal] } }

    /// - Returns: the previous action.
    @discardableResult
    func setAction(_ signal: Int, _ action: SignalAction) -> SignalAction {
        lock.withLock {
            let old = actions[signal]
            actions[signal] = action
            applyToHost(signal, action)
            return old
        }
    }

    /// SA_RESETHAND, and what the kernel does before it kills: the default handler; flags and mask stay.
    func reset(_ signal: Int) {
        lock.withLock {
            actions[signal].handler = SignalAction.defaultHandler
            applyToHost(signal, actions[signal])
        }
    }

    func lockForFork() { lock.lock() }
    func unlockAfterFork() { lock.unlock() }

    private func applyToHost(_ signal: Int, _ action: SignalAction) {
        let restarts = action.flags & SignalAction.Flag.restart != 0
        if Signal.fault.contains(signal) {
            nt_fault_signal_restarts(Int32(signal), restarts)
            return
        }
        if action.isHandler, signal == 32 || signal == 33 { nt_signal_reserve_for_guest() }
        let disposition: nt_disposition
        switch action.handler {
        case SignalAction.ignoreHandler:
            disposition = NT_DISPOSITION_IGNORE
        case SignalAction.defaultHandler:
            // Deadly ones come to us, so that plugins can have their last word; the others the host does better.
            switch Signal.defaultAction(signal) {
            case .ignore, .stop: disposition = NT_DISPOSITION_DEFAULT
            case .terminate, .core: disposition = NT_DISPOSITION_QUEUE
            }
        default:
            disposition = NT_DISPOSITION_QUEUE
        }
        _ = nt_signal_set(
            Int32(signal), disposition, restarts,
            action.flags & SignalAction.Flag.noChildStop != 0, action.flags & SignalAction.Flag.noChildWait != 0)
    }
}
