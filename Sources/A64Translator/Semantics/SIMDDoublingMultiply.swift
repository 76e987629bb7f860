internal import A64ISA
internal import EmuIR

// Saturating doubling multiplies: high half (SQDMULH and its kin, FEAT_RDM) and long (SQDMULL, SQDMLAL, SQDMLSL), of vectors,
// scalars, and by element.
extension Translator {
    /// Doubled, only the square of the minimum is out of range.
    private mutating func highProduct(_ shape: SIMDShape, _ m: Value, rounds: Bool) -> TranslationStep {
        let n = operand(shape.Rn, shape)
        let lane = shape.lane
        let minimum = signBits(lane: lane)
        let both = ir.vector(
            .vand, ir.vector(.vcmpEQ, n, minimum, lane: lane), ir.vector(.vcmpEQ, m, minimum, lane: lane))
        setQC(ifAny: both)
        setV(shape.Rd, ir.vector(rounds ? .vsqrdmulh : .vsqdmulh, n, m, lane: lane), Q: shape.Q)
        return .next
    }
    private mutating func highProduct(_ shape: SIMDShape, rounds: Bool) -> TranslationStep {
        let m = V(shape.Rm)
        return highProduct(shape, m, rounds: rounds)
    }
    mutating func SQDMULH_advsimd_vec(_ f: SIMDThreeSame) -> TranslationStep {
        highProduct(SIMDShape(f), rounds: false)
    }
    mutating func SQRDMULH_advsimd_vec(_ f: SIMDThreeSame) -> TranslationStep {
        highProduct(SIMDShape(f), rounds: true)
    }
    mutating func SQDMULH_advsimd_vec_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep {
        highProduct(SIMDShape(f), rounds: false)
    }
    mutating func SQRDMULH_advsimd_vec_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep {
        highProduct(SIMDShape(f), rounds: true)
    }
    mutating func SQDMULH_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep {
        let element = indexedElement(f)
        return highProduct(SIMDShape(f), element, rounds: false)
    }
    mutating func SQRDMULH_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep {
        let element = indexedElement(f)
        return highProduct(SIMDShape(f), element, rounds: true)
    }
    mutating func SQDMULH_advsimd_elt_scalar(_ f: SIMDScalarIndexed) -> TranslationStep {
        let element = indexedElement(f)
        return highProduct(SIMDShape(f), element, rounds: false)
    }
    mutating func SQRDMULH_advsimd_elt_scalar(_ f: SIMDScalarIndexed) -> TranslationStep {
        let element = indexedElement(f)
        return highProduct(SIMDShape(f), element, rounds: true)
    }
}

// MARK: FEAT_RDM

extension Translator {
    /// (d << esize - 1) ± n * m, rounded at the same bit, in elements of twice the size, where nothing overflows.
    private mutating func accumulateHighProduct(_ shape: SIMDShape, _ m: Value, subtracts: Bool) -> TranslationStep {
        let n = operand(shape.Rn, shape)
        let d = operand(shape.Rd, shape)
        let lane = shape.lane
        let low = accumulatedHighProducts(d, n, m, lane: lane, subtracts: subtracts)
        let lowLimited = limited(low, .signedToSigned, lane: lane)
        guard shape.Q == 1 else {
            setV(shape.Rd, ir.vector(.vnarrow, lowLimited, lane: lane + 1), Q: 0)
            return .next
        }
        let d1 = ir.vector(.vext, d, d, imm: 8)
        let n1 = ir.vector(.vext, n, n, imm: 8)
        let m1 = ir.vector(.vext, m, m, imm: 8)
        let high = accumulatedHighProducts(d1, n1, m1, lane: lane, subtracts: subtracts)
        let highLimited = limited(high, .signedToSigned, lane: lane)
        ir.set(.v(shape.Rd), ir.vector(.vuzp1, lowLimited, highLimited, lane: lane))
        return .next
    }
    /// Of the low half, not yet limited.
    private mutating func accumulatedHighProducts(_ d: Value, _ n: Value, _ m: Value, lane: Int, subtracts: Bool)
        -> Value
    {
        let bits = 8 << lane
        let a = widened(n, lane: lane, isUnsigned: false)
        let product = ir.vector(.vmul, a, widened(m, lane: lane, isUnsigned: false), lane: lane + 1)
        let accumulator = ir.vector(.vshl, widened(d, lane: lane, isUnsigned: false), lane: lane + 1, imm: bits - 1)
        let sum = ir.vector(subtracts ? .vsub : .vadd, accumulator, product, lane: lane + 1)
        let rounded = ir.vector(.vadd, sum, vreplicate(1 << UInt64(bits - 2), lane: lane + 1), lane: lane + 1)
        return ir.vector(.vashr, rounded, lane: lane + 1, imm: bits - 1)
    }

    /// `SQRDMLAH`; SQRDMLSH has bit 0 of its opcode set.
    mutating func accumulateHighProduct(_ f: SIMDThreeSameExtra) -> TranslationStep {
        let m = V(f.Rm)
        return accumulateHighProduct(SIMDShape(f), m, subtracts: f.opcode & 1 == 1)
    }
    mutating func accumulateHighProduct(_ f: SIMDScalarThreeSameExtra) -> TranslationStep {
        let m = V(f.Rm)
        return accumulateHighProduct(SIMDShape(f), m, subtracts: f.opcode & 1 == 1)
    }
    /// By element: SQRDMLSH has bit 1 set.
    mutating func accumulateHighProduct(_ f: SIMDIndexed) -> TranslationStep {
        let m = indexedElement(f)
        return accumulateHighProduct(SIMDShape(f), m, subtracts: f.opcode & 2 == 2)
    }
    mutating func accumulateHighProduct(_ f: SIMDScalarIndexed) -> TranslationStep {
        let m = indexedElement(f)
        return accumulateHighProduct(SIMDShape(f), m, subtracts: f.opcode & 2 == 2)
    }
}

// MARK: Long

private enum Accumulation { case none, add, subtract }

extension Translator {
    /// The doubled product saturates, then its addition to the accumulator does. `m` has narrow elements in its low half.
    private mutating func longProduct(_ shape: SIMDShape, _ m: Value, _ accumulation: Accumulation) -> TranslationStep {
        let wide = shape.lane + 1
        let n = shape.isScalar ? operand(shape.Rn, shape) : Vpart(shape.Rn, shape.Q)
        let a = widened(n, lane: shape.lane, isUnsigned: false)
        let product = ir.vector(.vmul, a, widened(m, lane: shape.lane, isUnsigned: false), lane: wide)
        var result = saturating(product, product, lane: wide, isUnsigned: false, subtracts: false)
        if accumulation != .none {
            let d = shape.isScalar ? operand(shape.Rd, shape, lane: wide) : V(shape.Rd)
            result = saturating(d, result, lane: wide, isUnsigned: false, subtracts: accumulation == .subtract)
        }
        setV(shape.Rd, result, Q: shape.isScalar ? 0 : 1)
        return .next
    }
    private mutating func longProduct(_ f: SIMDThreeDifferent, _ accumulation: Accumulation) -> TranslationStep {
        let m = Vpart(f.Rm, f.Q)
        return longProduct(SIMDShape(f), m, accumulation)
    }
    private mutating func longProduct(_ f: SIMDScalarThreeDifferent, _ accumulation: Accumulation) -> TranslationStep {
        let m = V(f.Rm)
        return longProduct(SIMDShape(f), m, accumulation)
    }
    private mutating func longProduct(_ f: SIMDIndexed, _ accumulation: Accumulation) -> TranslationStep {
        let m = indexedElement(f)
        return longProduct(SIMDShape(f), m, accumulation)
    }
    private mutating func longProduct(_ f: SIMDScalarIndexed, _ accumulation: Accumulation) -> TranslationStep {
        let m = indexedElement(f)
        return longProduct(SIMDShape(f), m, accumulation)
    }
    mutating func SQDMULL_advsimd_vec(_ f: SIMDThreeDifferent) -> TranslationStep { longProduct(f, .none) }
    mutating func SQDMLAL_advsimd_vec(_ f: SIMDThreeDifferent) -> TranslationStep { longProduct(f, .add) }
    mutating func SQDMLSL_advsimd_vec(_ f: SIMDThreeDifferent) -> TranslationStep { longProduct(f, .subtract) }
    mutating func SQDMULL_advsimd_vec_scalar(_ f: SIMDScalarThreeDifferent) -> TranslationStep { longProduct(f, .none) }
    mutating func SQDMLAL_advsimd_vec_scalar(_ f: SIMDScalarThreeDifferent) -> TranslationStep { longProduct(f, .add) }
    mutating func SQDMLSL_advsimd_vec_scalar(_ f: SIMDScalarThreeDifferent) -> TranslationStep {
        longProduct(f, .subtract)
    }
    mutating func SQDMULL_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { longProduct(f, .none) }
    mutating func SQDMLAL_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { longProduct(f, .add) }
    mutating func SQDMLSL_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { longProduct(f, .subtract) }
    mutating func SQDMULL_advsimd_elt_scalar(_ f: SIMDScalarIndexed) -> TranslationStep { longProduct(f, .none) }
    mutating func SQDMLAL_advsimd_elt_scalar(_ f: SIMDScalarIndexed) -> TranslationStep { longProduct(f, .add) }
    mutating func SQDMLSL_advsimd_elt_scalar(_ f: SIMDScalarIndexed) -> TranslationStep { longProduct(f, .subtract) }
}
