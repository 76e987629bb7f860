internal import A64ISA
internal import EmuIR

// AdvSIMD half precision (FEAT_FP16) where it has encodings of its own. They have `a` where the others have the top bit of size,
// and "three same" only the low bits of opcode.
extension Translator {
    private static func operation(U: Int, a: Int, opcode: Int) -> FPBinary {
        binaryOperation(U: U, a: a, opcode: 0b11000 | opcode)
    }

    mutating func fpThreeSameHalf(_ f: SIMDThreeSameFP16) -> TranslationStep {
        let op = Self.operation(U: f.U, a: f.a, opcode: f.opcode)
        return threeSame(FPElements(lane: 1, Q: f.Q), op, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm)
    }

    mutating func fpScalarThreeSameHalf(_ f: SIMDScalarThreeSameFP16) -> TranslationStep {
        let op = Self.operation(U: f.U, a: f.a, opcode: f.opcode)
        return threeSame(FPElements(scalar: 1), op, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm)
    }

    mutating func fpPairwiseHalf(_ f: SIMDThreeSameFP16) -> TranslationStep {
        let op = Self.operation(U: f.U, a: f.a, opcode: f.opcode)
        return pairwise(lane: 1, Q: f.Q, op, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm)
    }

    mutating func fpMultiplyAddHalf(_ f: SIMDThreeSameFP16) -> TranslationStep {
        multiplyAdd(FPElements(lane: 1, Q: f.Q), subtracts: f.a == 1, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm)
    }

    mutating func fpTwoRegisterHalf(_ f: SIMDTwoRegisterMiscFP16) -> TranslationStep {
        let a = V(f.Rn)
        setElements(f.Rd, oneRegister(a, U: f.U, a: f.a, opcode: f.opcode, FPElements(lane: 1, Q: f.Q)))
        return .next
    }

    mutating func fpScalarTwoRegisterHalf(_ f: SIMDScalarTwoRegisterMiscFP16) -> TranslationStep {
        let a = V(f.Rn)
        setElements(f.Rd, oneRegister(a, U: f.U, a: f.a, opcode: f.opcode, FPElements(scalar: 1)))
        return .next
    }

    /// FABS, FNEG.
    mutating func changeSignHalf(_ f: SIMDTwoRegisterMiscFP16) -> TranslationStep {
        changeSign(lane: 1, Q: f.Q, Rd: f.Rd, Rn: f.Rn, f.U == 0 ? .vandNot : .vxor)
    }
}
