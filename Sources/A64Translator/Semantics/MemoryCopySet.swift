internal import A64ISA
internal import EmuIR

// Memory copy and set (FEAT_MOPS). What the non-temporal and unprivileged forms (op2) ask for makes no difference at EL0.
extension Translator {
    /// CPYP, CPYM, CPYE (o0 = 1) and CPYFP, CPYFM, CPYFE: `op1` is the stage.
    mutating func memoryCopy(_ f: MemoryCopySet) -> TranslationStep {
        guard areDistinct(f), f.Rs != 31 else { return undefined() }
        return memoryOperation(f, stage: f.op1, kind: f.o0 != 0 ? 0x4_0000 : 0xc_0000)
    }

    /// SETP, SETM, SETE: op2<3:2> is the stage. XZR is a value to set.
    mutating func memorySet(_ f: MemoryCopySet) -> TranslationStep {
        guard areDistinct(f) else { return undefined() }
        return memoryOperation(f, stage: f.op2 >> 2, kind: 0)
    }

    /// The manual's checks: registers that are the same, or 31 where it would be written, are UNDEFINED.
    private func areDistinct(_ f: MemoryCopySet) -> Bool {
        f.Rs != f.Rn && f.Rs != f.Rd && f.Rn != f.Rd && f.Rd != 31 && f.Rn != 31
    }

    private mutating func memoryOperation(_ f: MemoryCopySet, stage: Int, kind: Int) -> TranslationStep {
        let what = f.Rd | f.Rs << 5 | f.Rn << 10 | stage << 16 | kind
        ir.call(.mops, ir.const(pc), ir.const(UInt64(what), .i32))
        return .next
    }
}
