internal import CHost
internal import GuestMemory
package import GuestState
internal import Support

extension LinuxThread {
    /// Delivers what is queued for this thread and not blocked. Cheap when nothing is. Called by the run loop when an
    /// exit request was seen and after every exception; guest state is complete and between instructions.
    package func deliverPendingSignals(_ registers: GuestRegisters) -> VCPUAction {
        guard needsDelivery || nt_signals_pending(signalState) else { return .resume }
        var action = VCPUAction.resume
        // Blocked while looking, so that the queue stands still; a signal that comes meanwhile comes again afterwards.
        nt_signal_mask(2, SignalSet.all.subtracting(Signal.synchronous).bits, nil)
        nt_signals_clear(signalState)
        needsDelivery = false
        while action == .resume, let info = takeSignal() {
            action = deliver(info, registers)
        }
        temporaryMask = nil
        applyMask()
        return action
    }

    /// Raises a signal that the guest's own instruction caused. Blocked or ignored, it kills, as in the kernel.
    func raise(_ info: SignalInfo, _ registers: GuestRegisters) -> VCPUAction {
        let signal = info.signal
        let effective = temporaryMask ?? blocked
        if effective.contains(signal) || process.signals.action(signal).handler == SignalAction.ignoreHandler {
            process.signals.setAction(signal, SignalAction())
            blocked = blocked.subtracting(SignalSet(arrayLiteral: signal))
        }
        let action = deliver(info, registers)
        applyMask()
        return action
    }

    /// The next queued signal that is not blocked: faults first, then by number.
    private func takeSignal() -> SignalInfo? {
        let deliverable = SignalSet(bits: nt_signals_queued(signalState)).subtracting(temporaryMask ?? blocked)
        guard deliverable.bits != 0 else { return nil }
        let first = deliverable.bits & Signal.synchronous.bits
        let signal = (first != 0 ? first : deliverable.bits).trailingZeroBitCount + 1
        var bytes = [UInt8](repeating: 0, count: 128)
        let taken = bytes.withUnsafeMutableBytes { nt_signals_take(signalState, Int32(signal), $0.baseAddress) }
        return taken ? SignalInfo(bytes: bytes) : nil
    }

    private func deliver(_ info: SignalInfo, _ registers: GuestRegisters) -> VCPUAction {
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
        do throws(LinuxErrno) {
            try enterHandler(action, info, registers)
        } catch {
            // No room for the frame: the kernel forces SIGSEGV, which kills when it was SIGSEGV that did not fit.
            if signal == Signal.SIGSEGV { return .killed(signal: Int32(Signal.SIGSEGV)) }
            return raise(
                SignalInfo(signal: Signal.SIGSEGV, code: SignalInfo.Code.kernel, address: registers.sp), registers)
        }
        if action.flags & SignalAction.Flag.resetHand != 0 { process.signals.setAction(signal, SignalAction()) }
        return .resume
    }

    /// Builds the frame on the guest's stack and points the registers at the handler.
    private func enterHandler(
        _ action: SignalAction, _ info: SignalInfo, _ registers: GuestRegisters
    ) throws(LinuxErrno) {
        let signal = info.signal
        var top = registers.sp
        let wantsAlternate = action.flags & SignalAction.Flag.onStack != 0 && !alternateStack.isDisabled
        if wantsAlternate, !alternateStack.contains(stackPointer: top) {
            top = alternateStack.base &+ alternateStack.size
        }
        let frameRecord = (top &- UInt64(SignalFrame.frameRecordSize)) & ~15
        let frameAddress = (frameRecord &- UInt64(SignalFrame.size)) & ~15

        let isFault = Signal.synchronous.contains(signal) && info.code > 0
        let frame = SignalFrame.make(
            info, mask: blocked, alternateStack: alternateStack, registers: registers,
            faultAddress: isFault ? info.faultAddress : 0)
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

        if alternateStack.disarmsItself, wantsAlternate { alternateStack = AlternateStack() }
        var mask = (temporaryMask ?? blocked).union(action.mask)
        if action.flags & SignalAction.Flag.noDefer == 0 { mask.insert(signal) }
        blocked = mask.subtracting(Signal.unblockable)
        temporaryMask = nil
    }

    /// Gives the host the guest's mask and notes when a queued signal has become deliverable.
    func applyMask() {
        nt_signal_mask(2, blocked.subtracting(Signal.synchronous).bits, nil)
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
            if Signal.synchronous.contains(signal) {
                if signal == Signal.SIGTRAP {
                    _ = nt_signal_set(Int32(signal), NT_DISPOSITION_QUEUE, false, false, false)
                }
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
            if !Signal.synchronous.contains(signal) { applyToHost(signal, action) }
            return old
        }
    }

    func lockForFork() { lock.lock() }
    func unlockAfterFork() { lock.unlock() }

    private func applyToHost(_ signal: Int, _ action: SignalAction) {
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
            Int32(signal), disposition, action.flags & SignalAction.Flag.restart != 0,
            action.flags & SignalAction.Flag.noChildStop != 0, action.flags & SignalAction.Flag.noChildWait != 0)
    }
}
