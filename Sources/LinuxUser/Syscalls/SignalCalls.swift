internal import CHost
internal import Glibc

extension LinuxThread {
    func sigaction(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[3] == 8 else { throw .EINVAL }
        let signal = Int(a.int(0))
        guard (1...Signal.count).contains(signal) else { throw .EINVAL }
        var new: SignalAction?
        if a[1] != 0 {
            guard !Signal.unblockable.contains(signal) else { throw .EINVAL }
            let record = GuestRecord(try UserMemory.readBytes(a[1], count: 32))
            new = SignalAction(
                handler: record[0, as: UInt64.self], flags: record[8, as: UInt64.self] & SignalAction.Flag.known,
                restorer: record[16, as: UInt64.self],
                mask: SignalSet(bits: record[24, as: UInt64.self]).subtracting(Signal.unblockable))
        }
        let old: SignalAction
        if let new {
            if new.isHandler, signal == SIGSEGV || signal == SIGBUS { process.engine?.faultsBecomeVisible() }
            old = process.signals.setAction(signal, new)
            if new.handler == SignalAction.ignoreHandler { nt_signals_drop_faults(signalState, Int32(signal)) }
        } else {
            old = process.signals.action(signal)
        }
        if a[2] != 0 {
            var record = GuestRecord(size: 32)
            record[0, as: UInt64.self] = old.handler
            record[8, as: UInt64.self] = old.flags
            record[16, as: UInt64.self] = old.restorer
            record[24, as: UInt64.self] = old.mask.bits
            try UserMemory.write(record.bytes, to: a[2])
        }
        return 0
    }

    func sigprocmask(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[3] == 8 else { throw .EINVAL }
        let old = blocked
        if a[1] != 0 {
            let set = SignalSet(bits: try UserMemory.read(a[1]))
            switch a.int(0) {
            case 0: try setMask(blocked.union(set).subtracting(Signal.unblockable))
            case 1: try setMask(blocked.subtracting(set))
            case 2: try setMask(set.subtracting(Signal.unblockable))
            default: throw .EINVAL
            }
        }
        if a[2] != 0 { try UserMemory.write(old.bits, to: a[2]) }
        return 0
    }

    func sigpending(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[1] <= 8 else { throw .EINVAL }
        var host = GuestRecord(size: 8)
        _ = try host.withMutableAddress { (buffer) throws(LinuxErrno) in
            try hostCall(CallNumber.rtSigpending, buffer, 8)
        }
        var pending = SignalSet(bits: host[0, as: UInt64.self])
        pending.bits |= nt_signals_queued(signalState)
        pending.bits &= blocked.bits
        try UserMemory.write(withUnsafeBytes(of: pending.bits) { Array($0.prefix(Int(a[1]))) }, to: a[0])
        return 0
    }

    func sigsuspend(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[1] == 8 else { throw .EINVAL }
        let mask = SignalSet(bits: try UserMemory.read(a[0])).subtracting(Signal.unblockable)
        return try withTemporaryMask(mask) { (address) throws(LinuxErrno) in
            try interruptible(CallNumber.rtSigsuspend, address, 8)
        }
    }

    func sigtimedwait(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[3] == 8 else { throw .EINVAL }
        let set = SignalSet(bits: try UserMemory.read(a[0])).subtracting(Signal.unblockable)
        let faults = SignalSet(bits: set.bits & Signal.fault.bits)
        // Those that other threads are given for the process are for this one, too, while it waits for them.
        if faults.bits != 0 { nt_signals_set_closed(signalState, blocked.subtracting(faults).bits) }
        defer { if faults.bits != 0 { nt_signals_set_closed(signalState, blocked.bits) } }
        if let info = takeSignal(from: faults) {
            if a[1] != 0 { try UserMemory.write(info.record.bytes, to: a[1]) }
            return UInt64(info.signal)
        }
        let signal = try interruptible(CallNumber.rtSigtimedwait, a[0], a[1], a[2], 8)
        if nt_signals_take_kick(signalState, Int32(signal)) {
            // Somebody else may have been quicker.
            guard let info = takeSignal(from: SignalSet(arrayLiteral: Int(signal))) else { throw .ERESTARTSYS }
            if a[1] != 0 { try UserMemory.write(info.record.bytes, to: a[1]) }
        }
        return signal
    }

    func sigaltstack(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let sp = registers.sp
        let old = alternateStack
        if a[0] != 0 {
            let record = GuestRecord(try UserMemory.readBytes(a[0], count: 24))
            try setAlternateStack(record, stackPointer: sp)
        }
        if a[1] != 0 {
            var record = GuestRecord(size: 24)
            record[0, as: UInt64.self] = old.base
            record[8, as: Int32.self] = old.reportedFlags(stackPointer: sp)
            record[16, as: UInt64.self] = old.size
            try UserMemory.write(record.bytes, to: a[1])
        }
        return 0
    }

    /// - Parameter record: a `stack_t`.
    private func setAlternateStack(_ record: GuestRecord, stackPointer sp: UInt64) throws(LinuxErrno) {
        if alternateStack.contains(stackPointer: sp) { throw .EPERM }
        alternateStack = try AlternateStack(
            base: record[0, as: UInt64.self], size: record[16, as: UInt64.self], flags: record[8, as: Int32.self])
    }

    /// Returns from a handler. A bad frame is a SIGSEGV of the guest.
    func sigreturn() throws(LinuxErrno) -> UInt64 {
        guard holdSignals() else { throw .ERESTARTSYS }
        keepsRegisters = true
        let at = registers.sp
        do throws(LinuxErrno) {
            guard at % 16 == 0 else { throw .EFAULT }
            let frame = GuestRecord(try UserMemory.readBytes(at, count: SignalFrame.size))
            blocked = SignalSet(bits: frame[SignalFrame.Offset.signalMask, as: UInt64.self])
                .subtracting(Signal.unblockable)
            registers.cpu.pointee.exclusive_size = 0
            try SignalFrame.restore(frame, to: registers)
            // The stack that was current when the handler began comes back (it may have disarmed itself). What cannot be is
            // ignored, as in the kernel.
            let stack = Array(frame.bytes[SignalFrame.Offset.stackPointer..<SignalFrame.Offset.signalMask])
            try? setAlternateStack(GuestRecord(stack), stackPointer: registers.sp)
            applyMask()
        } catch {
            // The kernel asks only whether something is mapped at or above.
            let isBelowSomething = process.addressSpace.withMap { ($0.areas.last?.range.upperBound ?? 0) > at }
            let code = isBelowSomething ? SignalInfo.Code.segmentProtection : SignalInfo.Code.segmentNotMapped
            noteEnd(EndedSystemCall.setsRegisters)
            let action = raise(SignalInfo(signal: Signal.SIGSEGV, code: code, address: at), .none, registers)
            if action != .resume { pendingAction = action }
        }
        return registers[x: 0]
    }
}
