internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), `MRS` and `MSR (register)`, as EL0 sees them under Linux: what EL0 may not touch is UNDEFINED,
// and reads of the ID space give the values of the configuration (Linux, "ARM64 CPU Feature Registers").

/// What of FPCR and FPSR can be written. Trap enables and the AArch32-only fields are RES0; there are no trapped
/// floating-point exceptions.
private enum FPControl {
    /// AHP, DN, FZ, RMode.
    static let fpcr: UInt64 = 0x07c0_0000
    /// FZ16, with FEAT_FP16.
    static let fpcrFZ16: UInt64 = 1 << 19
    /// QC, IDC, IXC, UFC, OFC, DZC, IOC.
    static let fpsr: UInt64 = 0x0800_009f
}

private let pstateDIT: UInt64 = 1 << 24
private let pstateSSBS: UInt64 = 1 << 12

extension Translator {
    /// The register that an MRS or MSR names. Bit 15 of the key is the encoding's fixed op0<1>.
    private var systemRegister: SystemRegister {
        SystemRegister(key: UInt16(truncatingIfNeeded: word >> 5))
    }

    mutating func MRS(_ f: SystemRegisterMove) -> TranslationStep {
        let value: Value
        switch systemRegister {
        case .NZCV: value = ir.flagsGet()
        case .FPCR where has(.FEAT_FP): value = ir.get(.fpcr)
        case .FPSR where has(.FEAT_FP): value = ir.call(.fpsrRead)
        case .TPIDR_EL0: value = ir.get(.tpidrEL0)
        case .TPIDRRO_EL0: value = ir.get(.tpidrroEL0)
        case .CNTVCT_EL0: value = ir.call(.cntvct)
        // Self-synchronised: a call is in program order anyway.
        case .CNTVCTSS_EL0 where has(.FEAT_ECV): value = ir.call(.cntvct)
        case .CNTFRQ_EL0: value = ir.const(SystemRegister.counterFrequency)
        case .DIT where has(.FEAT_DIT): value = ir.and(ir.get(.pstate), ir.const(pstateDIT))
        case .SSBS where has(.FEAT_SSBS2): value = ir.and(ir.get(.pstate), ir.const(pstateSSBS))
        case .RNDR where has(.FEAT_RNG), .RNDRRS where has(.FEAT_RNG):
            value = ir.call(.randomNumber)
            // Z would say that no number came in reasonable time.
            ir.flagsSet(ir.const(0))
        // No counter is open to EL0.
        case .PMUSERENR_EL0: value = ir.const(0)
        case let register:
            guard let known = identification(register) else { return undefined() }
            value = ir.const(known)
        }
        setX(f.Rt, value)
        return .next
    }

    mutating func MSR_reg(_ f: SystemRegisterMove) -> TranslationStep {
        switch systemRegister {
        case .NZCV:
            ir.flagsSet(X(f.Rt))
        case .FPCR where has(.FEAT_FP):
            let implemented = FPControl.fpcr | (has(.FEAT_FP16) ? FPControl.fpcrFZ16 : 0)
            let value = ir.and(X(f.Rt), ir.const(implemented))
            ir.set(.fpcr, value)
            // Later instructions are translated for the new mode.
            ir.exitTo(pc &+ 4)
            return .ended
        case .FPSR where has(.FEAT_FP):
            let value = ir.and(X(f.Rt), ir.const(FPControl.fpsr))
            ir.call(.fpsrWrite, value)
        case .TPIDR_EL0:
            ir.set(.tpidrEL0, X(f.Rt))
        case .DIT where has(.FEAT_DIT):
            return setPSTATE(bit: 24, to: ir.and(X(f.Rt), ir.const(pstateDIT)))
        case .SSBS where has(.FEAT_SSBS2):
            return setPSTATE(bit: 12, to: ir.and(X(f.Rt), ir.const(pstateSSBS)))
        default:
            return undefined()
        }
        return .next
    }

    /// A constant register that EL0 may read; nil when the read is UNDEFINED.
    private func identification(_ register: SystemRegister) -> UInt64? {
        config.idRegisters[register.key] ?? (register.isInIDSpace ? 0 : nil)
    }
}
