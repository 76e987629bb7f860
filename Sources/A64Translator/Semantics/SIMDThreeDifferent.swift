internal import A64ISA
internal import EmuIR

// Advanced SIMD three different (long, wide and narrow forms) and integer operations with an indexed element. The second
// forms (Q = 1) take their narrow operands from, or put their narrow result into, the high halves.
extension Translator {
    private mutating func longOperands(_ f: SIMDThreeDifferent) -> (Value, Value) {
        let isUnsigned = f.U == 1
        let n = widened(Vpart(f.Rn, f.Q), lane: f.size, isUnsigned: isUnsigned)
        return (n, widened(Vpart(f.Rm, f.Q), lane: f.size, isUnsigned: isUnsigned))
    }
    private mutating func long(_ f: SIMDThreeDifferent, _ op: Opcode) -> TranslationStep {
        let (n, m) = longOperands(f)
        ir.set(.v(f.Rd), ir.vector(op, n, m, lane: f.size + 1))
        return .next
    }
    private mutating func wide(_ f: SIMDThreeDifferent, _ op: Opcode) -> TranslationStep {
        let n = V(f.Rn)
        let m = widened(Vpart(f.Rm, f.Q), lane: f.size, isUnsigned: f.U == 1)
        ir.set(.v(f.Rd), ir.vector(op, n, m, lane: f.size + 1))
        return .next
    }

    /// `SADDL`, `UADDL`
    mutating func addLong(_ f: SIMDThreeDifferent) -> TranslationStep { long(f, .vadd) }
    /// `SSUBL`, `USUBL`
    mutating func subtractLong(_ f: SIMDThreeDifferent) -> TranslationStep { long(f, .vsub) }
    /// `SADDW`, `UADDW`
    mutating func addWide(_ f: SIMDThreeDifferent) -> TranslationStep { wide(f, .vadd) }
    /// `SSUBW`, `USUBW`
    mutating func subtractWide(_ f: SIMDThreeDifferent) -> TranslationStep { wide(f, .vsub) }
    /// `SMULL`, `UMULL`
    mutating func multiplyLong(_ f: SIMDThreeDifferent) -> TranslationStep { long(f, .vmul) }
    /// `SMLAL`, `UMLAL`
    mutating func multiplyAddLong(_ f: SIMDThreeDifferent) -> TranslationStep { multiplyAccumulateLong(f, .vadd) }
    /// `SMLSL`, `UMLSL`
    mutating func multiplySubtractLong(_ f: SIMDThreeDifferent) -> TranslationStep { multiplyAccumulateLong(f, .vsub) }

    private mutating func multiplyAccumulateLong(_ f: SIMDThreeDifferent, _ op: Opcode) -> TranslationStep {
        let (n, m) = longOperands(f)
        let product = ir.vector(.vmul, n, m, lane: f.size + 1)
        ir.set(.v(f.Rd), ir.vector(op, V(f.Rd), product, lane: f.size + 1))
        return .next
    }

    /// `SABDL`, `UABDL`
    mutating func absoluteDifferenceLong(_ f: SIMDThreeDifferent) -> TranslationStep {
        let (n, m) = longOperands(f)
        ir.set(.v(f.Rd), absoluteDifference(n, m, lane: f.size + 1, isUnsigned: f.U == 1))
        return .next
    }
    /// `SABAL`, `UABAL`
    mutating func absoluteDifferenceAccumulateLong(_ f: SIMDThreeDifferent) -> TranslationStep {
        let (n, m) = longOperands(f)
        let difference = absoluteDifference(n, m, lane: f.size + 1, isUnsigned: f.U == 1)
        ir.set(.v(f.Rd), ir.vector(.vadd, V(f.Rd), difference, lane: f.size + 1))
        return .next
    }

    mutating func ADDHN_advsimd(_ f: SIMDThreeDifferent) -> TranslationStep { highNarrow(f, .vadd, rounds: false) }
    mutating func SUBHN_advsimd(_ f: SIMDThreeDifferent) -> TranslationStep { highNarrow(f, .vsub, rounds: false) }
    mutating func RADDHN_advsimd(_ f: SIMDThreeDifferent) -> TranslationStep { highNarrow(f, .vadd, rounds: true) }
    mutating func RSUBHN_advsimd(_ f: SIMDThreeDifferent) -> TranslationStep { highNarrow(f, .vsub, rounds: true) }

    /// The high halves of the sums or differences.
    private mutating func highNarrow(_ f: SIMDThreeDifferent, _ op: Opcode, rounds: Bool) -> TranslationStep {
        let lane = f.size + 1
        let half = 8 << f.size
        let n = V(f.Rn)
        var result = ir.vector(op, n, V(f.Rm), lane: lane)
        if rounds { result = ir.vector(.vadd, result, vreplicate(1 << UInt64(half - 1), lane: lane), lane: lane) }
        let high = ir.vector(.vlshr, result, lane: lane, imm: half)
        setVpart(f.Rd, ir.vector(.vnarrow, high, lane: lane), Q: f.Q)
        return .next
    }
}

// MARK: Indexed element

extension Translator {
    /// Element H:L:M of V[Rm<3:0>] for halfwords, H:L of V[M:Rm] for words, in every element.
    mutating func indexedElement(_ f: SIMDIndexed) -> Value {
        indexedElement(Rm: f.Rm, H: f.H, L: f.L, M: f.M, lane: f.size)
    }
    mutating func indexedElement(_ f: SIMDScalarIndexed) -> Value {
        indexedElement(Rm: f.Rm, H: f.H, L: f.L, M: f.M, lane: f.size)
    }
    private mutating func indexedElement(Rm: Int, H: Int, L: Int, M: Int, lane: Int) -> Value {
        let isHalf = lane == 1
        let m = isHalf ? Rm : M << 4 | Rm
        let index = isHalf ? H << 2 | L << 1 | M : H << 1 | L
        return ir.vdup(ir.vextract(V(m), lane: lane, index: index), lane: lane)
    }

    mutating func MUL_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep {
        let element = indexedElement(f)
        setV(f.Rd, ir.vector(.vmul, V(f.Rn), element, lane: f.size), Q: f.Q)
        return .next
    }
    mutating func MLA_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { multiplyAccumulate(f, .vadd) }
    mutating func MLS_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { multiplyAccumulate(f, .vsub) }

    private mutating func multiplyAccumulate(_ f: SIMDIndexed, _ op: Opcode) -> TranslationStep {
        let element = indexedElement(f)
        let product = ir.vector(.vmul, V(f.Rn), element, lane: f.size)
        setV(f.Rd, ir.vector(op, V(f.Rd), product, lane: f.size), Q: f.Q)
        return .next
    }

    private mutating func longProduct(_ f: SIMDIndexed) -> Value {
        let isUnsigned = f.U == 1
        let element = widened(indexedElement(f), lane: f.size, isUnsigned: isUnsigned)
        let n = widened(Vpart(f.Rn, f.Q), lane: f.size, isUnsigned: isUnsigned)
        return ir.vector(.vmul, n, element, lane: f.size + 1)
    }
    /// `SMULL`, `UMULL`
    mutating func multiplyLongElement(_ f: SIMDIndexed) -> TranslationStep {
        ir.set(.v(f.Rd), longProduct(f))
        return .next
    }
    /// `SMLAL`, `UMLAL`
    mutating func multiplyAddLongElement(_ f: SIMDIndexed) -> TranslationStep {
        let product = longProduct(f)
        ir.set(.v(f.Rd), ir.vector(.vadd, V(f.Rd), product, lane: f.size + 1))
        return .next
    }
    /// `SMLSL`, `UMLSL`
    mutating func multiplySubtractLongElement(_ f: SIMDIndexed) -> TranslationStep {
        let product = longProduct(f)
        ir.set(.v(f.Rd), ir.vector(.vsub, V(f.Rd), product, lane: f.size + 1))
        return .next
    }
}
