internal import A64ISA
internal import EmuIR

// Polynomial multiplication over {0, 1}.
extension Translator {
    mutating func PMUL_advsimd(_ f: SIMDThreeSame) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        setV(f.Rd, ir.call(.polynomialMultiply, n, m, ir.const(0, .i32)), Q: f.Q)
        return .next
    }
    /// `PMULL`, `PMULL2` of bytes, and of doublewords (FEAT_PMULL).
    mutating func PMULL_advsimd(_ f: SIMDThreeDifferent) -> TranslationStep {
        let n = Vpart(f.Rn, f.Q)
        let m = Vpart(f.Rm, f.Q)
        ir.set(.v(f.Rd), ir.call(.polynomialMultiply, n, m, ir.const(f.size == 0 ? 1 : 2, .i32)))
        return .next
    }
}
