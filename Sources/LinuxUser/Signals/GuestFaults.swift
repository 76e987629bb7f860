package import CHost
package import GuestMemory
package import GuestState

// Exceptions of the guest's own instructions: system calls, and the signals that the kernel makes of all others.
extension LinuxThread {
    /// What a TB that ended in a guest exception asks for. `registers.pc` as `nt_exception` says.
    package func handleException(
        _ registers: GuestRegisters, _ exception: nt_exception, info: UInt64
    ) -> VCPUAction {
        typealias Code = SignalInfo.Code
        if exception == NT_EXCEPTION_SVC { return systemCall(registers) }
        // A signal that is there already has come before the instruction, which will raise its exception again.
        guard holdSignals() else { return deliverPendingSignals(registers) }
        let pc = registers.pc
        switch exception {
        case NT_EXCEPTION_UNDEFINED, NT_EXCEPTION_HALT:
            return raise(SignalInfo(signal: Signal.SIGILL, code: Code.illegalOpcode, address: pc), .none, registers)
        case NT_EXCEPTION_BRANCH_TARGET:
            return raise(
                SignalInfo(signal: Signal.SIGILL, code: Code.illegalOpcode, address: pc), FaultReport(.branchTarget),
                registers)
        case NT_EXCEPTION_PAC_FAIL:
            return raise(
                SignalInfo(signal: Signal.SIGILL, code: Code.illegalOperand, address: pc),
                FaultReport(.pointerAuthentication), registers)
        case NT_EXCEPTION_BREAKPOINT:
            // The kernel leaves what it remembers of the fault before.
            return raise(SignalInfo(signal: Signal.SIGTRAP, code: Code.breakpoint, address: pc), lastFault, registers)
        case NT_EXCEPTION_PC_ALIGNMENT:
            return raise(
                SignalInfo(signal: Signal.SIGBUS, code: Code.busAlignment, address: info), FaultReport(.pcAlignment),
                registers)
        case NT_EXCEPTION_DATA_ALIGNMENT:
            let access = faultingAccess(registers)
            let report = FaultReport(
                .dataAbort, .alignment, isWrite: access?.isWrite ?? false, address: FaultReport.untagged(info))
            return raise(SignalInfo(signal: Signal.SIGBUS, code: Code.busAlignment, address: info), report, registers)
        case NT_EXCEPTION_INSTRUCTION_ABORT:
            return fetchFailed(registers, at: info)
        default:
            preconditionFailure("guest exception \(exception.rawValue) reached the Linux layer\n\(registers.dump())")
        }
    }

    private func fetchFailed(_ registers: GuestRegisters, at address: GuestAddress) -> VCPUAction {
        typealias Code = SignalInfo.Code
        let area = process.addressSpace.withMap { $0.area(at: address) }
        let (signal, code, status) =
            switch area {
            case nil: (Signal.SIGSEGV, Code.segmentNotMapped, FaultReport.Status.translation)
            // It may be executed, but there is nothing: a file has ended before it.
            case let area? where area.protection.contains(.execute): (Signal.SIGBUS, Code.busAddress, .translation)
            default: (Signal.SIGSEGV, Code.segmentProtection, .permission)
            }
        let report = FaultReport(
            .instructionAbort, status, isWrite: false, address: FaultReport.untagged(address))
        return raise(SignalInfo(signal: signal, code: code, address: address), report, registers)
    }

    /// A guest access faulted on the host with this signal, si_code and address. Guest state, PC included, is that
    /// before the instruction.
    package func handleFault(
        _ registers: GuestRegisters, address: GuestAddress, signal: Int32, code: Int32
    ) -> VCPUAction {
        guard holdSignals() else { return deliverPendingSignals(registers) }
        typealias Code = SignalInfo.Code
        var code = code
        var isWrite = registers.cpu.pointee.fault_write != 0
        var status = FaultReport.Status.translation
        if signal == Int32(Signal.SIGSEGV) {
            // The host may have something of its own where the guest has nothing.
            let area = process.addressSpace.withMap { $0.area(at: FaultReport.untagged(address)) }
            code = area == nil ? Code.segmentNotMapped : Code.segmentProtection
            if let area, !area.protection.isEmpty { status = .permission }
            if let access = faultingAccess(registers), access.isReadModifyWrite {
                isWrite = area?.protection.contains(.read) ?? false
            }
        }
        let report = FaultReport(.dataAbort, status, isWrite: isWrite, address: FaultReport.untagged(address))
        return raise(SignalInfo(signal: Int(signal), code: code, address: address), report, registers)
    }

    private func faultingAccess(_ registers: GuestRegisters) -> FaultingAccess? {
        guard let word = try? UserMemory.read(registers.pc, as: UInt32.self) else { return nil }
        return FaultingAccess(word, pc: registers.pc, registers)
    }
}
