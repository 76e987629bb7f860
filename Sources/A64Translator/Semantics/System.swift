internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), "Branches, Exception Generating and System instructions": exceptions, hints, barriers, PSTATE
// and SYS. MRS and MSR of registers are in `System+Registers.swift`.

// MARK: Exception generation

extension Translator {
    /// `UDF`: permanently undefined.
    mutating func UDF(_ f: PermanentlyUndefined) -> TranslationStep { undefined() }

    /// `SVC`: the PC the exception leaves is that of the next instruction.
    mutating func SVC(_ f: ExceptionGeneration) -> TranslationStep {
        ir.raise(.svc, info: UInt64(f.imm16), pc: pc &+ 4)
        return .ended
    }

    mutating func BRK(_ f: ExceptionGeneration) -> TranslationStep {
        ir.raise(.breakpoint, info: UInt64(f.imm16), pc: pc)
        return .ended
    }

    mutating func HLT(_ f: ExceptionGeneration) -> TranslationStep {
        ir.raise(.halt, info: UInt64(f.imm16), pc: pc)
        return .ended
    }

    /// `HVC` and `SMC`: UNDEFINED at EL0; `DCPS1`...`DCPS3`: UNDEFINED outside Debug state.
    mutating func HVC(_ f: ExceptionGeneration) -> TranslationStep { undefined() }
    mutating func SMC(_ f: ExceptionGeneration) -> TranslationStep { undefined() }
    mutating func DCPS1(_ f: ExceptionGeneration) -> TranslationStep { undefined() }
    mutating func DCPS2(_ f: ExceptionGeneration) -> TranslationStep { undefined() }
    mutating func DCPS3(_ f: ExceptionGeneration) -> TranslationStep { undefined() }
}

// MARK: Hints

extension Translator {
    /// Also every hint that no row names.
    mutating func HINT(_ f: Hints) -> TranslationStep { .next }
    mutating func NOP(_ f: Hints) -> TranslationStep { .next }
    mutating func YIELD(_ f: Hints) -> TranslationStep { hintThatItWaits() }
    /// `WFE` and `WFI` may end for any reason at any time; here at once.
    mutating func WFE(_ f: Hints) -> TranslationStep { hintThatItWaits() }
    mutating func WFI(_ f: Hints) -> TranslationStep { .next }
    /// `WFET` and `WFIT`: as above. Waiting for the time in Xd would miss the events of other threads, which nobody counts.
    mutating func WFET(_ f: SystemWithRegister) -> TranslationStep { hintThatItWaits() }
    mutating func WFIT(_ f: SystemWithRegister) -> TranslationStep { .next }
    private mutating func hintThatItWaits() -> TranslationStep {
        // A thread that is alone waits for nobody.
        if config.isParallel { ir.call(.spinHint) }
        return .next
    }
    mutating func SEV(_ f: Hints) -> TranslationStep { .next }
    mutating func SEVL(_ f: Hints) -> TranslationStep { .next }
    mutating func DGH(_ f: Hints) -> TranslationStep { .next }
    mutating func ESB(_ f: Hints) -> TranslationStep { .next }
    mutating func PSB_CSYNC(_ f: Hints) -> TranslationStep { .next }
    mutating func TSB_CSYNC(_ f: Hints) -> TranslationStep { .next }
    mutating func BTI(_ f: Hints) -> TranslationStep { .next }
    mutating func BTI_c(_ f: Hints) -> TranslationStep { .next }
    mutating func BTI_j(_ f: Hints) -> TranslationStep { .next }
    mutating func BTI_jc(_ f: Hints) -> TranslationStep { .next }

    /// `CSDB`: nothing here speculates past what the host does; the compiler must not turn selects before it into
    /// branches.
    mutating func CSDB(_ f: Hints) -> TranslationStep {
        ir.fence(.compiler)
        return .next
    }
}

// MARK: Barriers

extension Translator {
    /// `CLREX`; CRm is ignored.
    mutating func CLREX(_ f: Barriers) -> TranslationStep {
        ir.clearExclusive()
        return .next
    }

    mutating func DMB(_ f: Barriers) -> TranslationStep { memoryBarrier(f) }
    /// `DSB`, and with it SSBB and PSSBB (CRm = 0 and 4): as strong a fence as DMB of the same kind is what memory
    /// sees.
    mutating func DSB(_ f: Barriers) -> TranslationStep { memoryBarrier(f) }

    /// The shareability domain (CRm<3:2>) makes no difference; CRm<1:0> = 0 is reserved and full.
    private mutating func memoryBarrier(_ f: Barriers) -> TranslationStep {
        switch f.CRm & 3 {
        case 1: ir.fence(.load)
        case 2: ir.fence(.store)
        default: ir.fence(.full)
        }
        return .next
    }

    /// `ISB`: what follows is fetched anew, so the TB ends and the run loop looks at what changed.
    mutating func ISB(_ f: Barriers) -> TranslationStep {
        ir.exitTo(pc &+ 4)
        return .ended
    }

    /// `SB`: a speculation barrier only.
    mutating func SB(_ f: Barriers) -> TranslationStep {
        ir.fence(.compiler)
        return .next
    }
}

// MARK: PSTATE

extension Translator {
    mutating func MSR_UAO(_ f: PSTATE) -> TranslationStep { undefined() }
    mutating func MSR_PAN(_ f: PSTATE) -> TranslationStep { undefined() }
    mutating func MSR_SPSel(_ f: PSTATE) -> TranslationStep { undefined() }
    /// `DAIFSet` and `DAIFClr` at EL0 trap while SCTLR_EL1.UMA is 0, as Linux has it.
    mutating func MSR_DAIFSet(_ f: PSTATE) -> TranslationStep { undefined() }
    mutating func MSR_DAIFClr(_ f: PSTATE) -> TranslationStep { undefined() }

    /// The immediate is CRm<0>; CRm<3:1> is ignored.
    mutating func MSR_SSBS(_ f: PSTATE) -> TranslationStep { setPSTATE(bit: 12, to: ir.const(UInt64(f.CRm & 1) << 12)) }
    mutating func MSR_DIT(_ f: PSTATE) -> TranslationStep { setPSTATE(bit: 24, to: ir.const(UInt64(f.CRm & 1) << 24)) }

    /// Replaces one bit of the `pstate` slot by that bit of `value`, which has no other set.
    mutating func setPSTATE(bit: Int, to value: Value) -> TranslationStep {
        let others = ir.and(ir.get(.pstate), ir.const(~(1 << UInt64(bit))))
        ir.set(.pstate, ir.or(others, value))
        return .next
    }
}

// MARK: System instructions (IC, DC, AT, TLBI)

extension Translator {
    /// `SYS`: the cache maintenance that EL0 may do; every other operation is UNDEFINED there, CFP, CPP and DVP RCTX with
    /// them: Linux leaves SCTLR_EL1.EnRCTX at 0.
    mutating func SYS(_ f: SystemInstructions) -> TranslationStep {
        guard f.op1 == 3, f.CRn == 7 else { return undefined() }
        switch (f.CRm, f.op2) {
        case (4, 1):  // DC ZVA
            let block = address(X(f.Rt))
            ir.zeroBlock(block)
        case (5, 1):  // IC IVAU
            let line = address(X(f.Rt))
            ir.call(.icacheInvalidate, line)
        case (10, 1), (11, 1), (14, 1):  // DC CVAC, CVAU, CIVAC: the host's data caches are coherent
            break
        case (12, 1) where has(.FEAT_DPB), (13, 1) where has(.FEAT_DPB2):  // DC CVAP, CVADP
            break
        default:
            return undefined()
        }
        return .next
    }

    /// `SYSL`: no operation is accessible at EL0.
    mutating func SYSL(_ f: SystemInstructions) -> TranslationStep { undefined() }
}
