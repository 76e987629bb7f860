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
                handler: record[0, as: UInt64.self], flags: record[8, as: UInt64.self],
                restorer: record[16, as: UInt64.self],
                mask: SignalSet(bits: record[24, as: UInt64.self]).subtracting(Signal.unblockable))
        }
        let old: SignalAction
        if let new {
            old = process.signals.setAction(signal, new)
            if new.isHandler, signal == Signal.SIGSEGV || signal == Signal.SIGBUS {
                process.engine?.guestHandlesFaults()
            }
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
            case 0: blocked = blocked.union(set).subtracting(Signal.unblockable)
            case 1: blocked = blocked.subtracting(set)
            case 2: blocked = set.subtracting(Signal.unblockable)
            default: throw .EINVAL
            }
            // While a signal waits for delivery everything stays blocked; the delivery sets the mask.
            nt_signal_mask(2, SignalSet.all.subtracting(Signal.synchronous).bits, nil)
            if !nt_signals_pending(signalState) { applyMask() }
        }
        if a[2] != 0 { try UserMemory.write(old.bits, to: a[2]) }
        return 0
    }

    func sigpending(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[1] <= 8 else { throw .EINVAL }
        var host = GuestRecord(size: 8)
        _ = try host.withMutableAddress { (buffer) throws(LinuxErrno) in try hostCall(136, buffer, 8) }
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

    func sigaltstack(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let sp = registers.sp
        let old = alternateStack
        if a[0] != 0 {
            let record = GuestRecord(try UserMemory.readBytes(a[0], count: 24))
            if old.contains(stackPointer: sp) { throw .EPERM }
            typealias Flag = AlternateStack.Flag
            let flags = record[8, as: Int32.self]
            var new = AlternateStack(
                base: record[0, as: UInt64.self], size: record[16, as: UInt64.self], isDisabled: false,
                disarmsItself: flags & Flag.autoDisarm != 0)
            switch flags & ~Flag.autoDisarm {
            case Flag.disable: new = AlternateStack()
            case 0, Flag.onStack:
                if new.size < SignalFrame.minimumStackSize { throw .ENOMEM }
            default: throw .EINVAL
            }
            alternateStack = new
        }
        if a[1] != 0 {
            var record = GuestRecord(size: 24)
            record[0, as: UInt64.self] = old.base
            record[8, as: Int32.self] = old.flags(stackPointer: sp)
            record[16, as: UInt64.self] = old.size
            try UserMemory.write(record.bytes, to: a[1])
        }
        return 0
    }

    /// Returns from a handler. A bad frame is a SIGSEGV of the guest.
    func sigreturn() -> UInt64 {
        keepsRegisters = true
        let at = registers.sp
        do throws(LinuxErrno) {
            guard at % 16 == 0 else { throw .EFAULT }
            let frame = GuestRecord(try UserMemory.readBytes(at, count: SignalFrame.size))
            try SignalFrame.restore(frame, to: registers)
            blocked = SignalSet(bits: frame[SignalFrame.Offset.signalMask, as: UInt64.self])
                .subtracting(Signal.unblockable)
            // The stack that was current when the handler began comes back (it may have disarmed itself).
            let stackFlags = frame[SignalFrame.Offset.stackFlags, as: Int32.self]
            alternateStack = AlternateStack(
                base: frame[SignalFrame.Offset.stackPointer, as: UInt64.self],
                size: frame[SignalFrame.Offset.stackSize, as: UInt64.self],
                isDisabled: stackFlags & AlternateStack.Flag.disable != 0,
                disarmsItself: stackFlags & AlternateStack.Flag.autoDisarm != 0)
            needsDelivery = true
        } catch {
            let fault = SignalInfo(signal: Signal.SIGSEGV, code: SignalInfo.Code.kernel, address: at)
            let action = raise(fault, registers)
            if action != .resume { pendingAction = action }
        }
        return registers[x: 0]
    }
}
