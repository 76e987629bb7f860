internal import A64ISA
internal import EmuIR

// Advanced SIMD three same, vector and scalar: element-wise operations of two registers. A scalar operation is the vector
// one on 64-bit elements with a 64-bit datasize.
extension Translator {
    mutating func threeSame(_ f: SIMDThreeSame, _ op: Opcode) -> TranslationStep {
        let n = V(f.Rn)
        let m = V(f.Rm)
        setV(f.Rd, ir.vector(op, n, m, lane: f.size), Q: f.Q)
        return .next
    }

    mutating func ADD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vadd) }
    mutating func SUB_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vsub) }
    mutating func MUL_advsimd_vec(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vmul) }
    mutating func SMAX_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vsmax) }
    mutating func SMIN_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vsmin) }
    mutating func UMAX_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vumax) }
    mutating func UMIN_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vumin) }
    mutating func CMEQ_advsimd_reg(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vcmpEQ) }
    mutating func CMGE_advsimd_reg(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vcmpSGE) }
    mutating func CMGT_advsimd_reg(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vcmpSGT) }
    mutating func CMHI_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vcmpUGT) }
    mutating func CMHS_advsimd(_ f: SIMDThreeSame) -> TranslationStep { threeSame(f, .vcmpUGE) }
    mutating func CMTST_advsimd(_ f: SIMDThreeSame) -> TranslationStep {
        compareTest(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: f.Q)
    }

    private mutating func compareTest(Rn: Int, Rm: Int, Rd: Int, lane: Int, Q: Int) -> TranslationStep {
        let n = V(Rn)
        let common = ir.vector(.vand, n, V(Rm))
        let isClear = ir.vector(.vcmpEQ, common, vzero, lane: lane)
        setV(Rd, ir.vector(.vnot, isClear), Q: Q)
        return .next
    }

    mutating func MLA_advsimd_vec(_ f: SIMDThreeSame) -> TranslationStep { multiplyAccumulate(f, .vadd) }
    mutating func MLS_advsimd_vec(_ f: SIMDThreeSame) -> TranslationStep { multiplyAccumulate(f, .vsub) }

    private mutating func multiplyAccumulate(_ f: SIMDThreeSame, _ op: Opcode) -> TranslationStep {
        let n = V(f.Rn)
        let product = ir.vector(.vmul, n, V(f.Rm), lane: f.size)
        setV(f.Rd, ir.vector(op, V(f.Rd), product, lane: f.size), Q: f.Q)
        return .next
    }

    mutating func SABD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { absoluteDifference(f, accumulates: false) }
    mutating func UABD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { absoluteDifference(f, accumulates: false) }
    mutating func SABA_advsimd(_ f: SIMDThreeSame) -> TranslationStep { absoluteDifference(f, accumulates: true) }
    mutating func UABA_advsimd(_ f: SIMDThreeSame) -> TranslationStep { absoluteDifference(f, accumulates: true) }

    private mutating func absoluteDifference(_ f: SIMDThreeSame, accumulates: Bool) -> TranslationStep {
        let n = V(f.Rn)
        var result = absoluteDifference(n, V(f.Rm), lane: f.size, isUnsigned: f.U == 1)
        if accumulates { result = ir.vector(.vadd, V(f.Rd), result, lane: f.size) }
        setV(f.Rd, result, Q: f.Q)
        return .next
    }
}

// MARK: Bitwise

extension Translator {
    mutating func AND_advsimd(_ f: SIMDThreeSame) -> TranslationStep { bitwise(f, .vand) }
    mutating func BIC_advsimd_reg(_ f: SIMDThreeSame) -> TranslationStep { bitwise(f, .vandNot) }
    mutating func EOR_advsimd(_ f: SIMDThreeSame) -> TranslationStep { bitwise(f, .vxor) }

    private mutating func bitwise(_ f: SIMDThreeSame, _ op: Opcode) -> TranslationStep {
        let n = V(f.Rn)
        setV(f.Rd, ir.vector(op, n, V(f.Rm)), Q: f.Q)
        return .next
    }

    /// `ORR` (MOV when both sources are the same).
    mutating func ORR_advsimd_reg(_ f: SIMDThreeSame) -> TranslationStep {
        if f.Rn != f.Rm { return bitwise(f, .vor) }
        setV(f.Rd, V(f.Rn), Q: f.Q)
        return .next
    }
    mutating func ORN_advsimd(_ f: SIMDThreeSame) -> TranslationStep {
        let inverted = ir.vector(.vnot, V(f.Rm))
        setV(f.Rd, ir.vector(.vor, V(f.Rn), inverted), Q: f.Q)
        return .next
    }
    mutating func BSL_advsimd(_ f: SIMDThreeSame) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        setV(f.Rd, ir.vector(.vselect, d, n, m), Q: f.Q)
        return .next
    }
    mutating func BIT_advsimd(_ f: SIMDThreeSame) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        setV(f.Rd, ir.vector(.vselect, m, n, d), Q: f.Q)
        return .next
    }
    mutating func BIF_advsimd(_ f: SIMDThreeSame) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        setV(f.Rd, ir.vector(.vselect, m, d, n), Q: f.Q)
        return .next
    }
}

// MARK: Pairwise

extension Translator {
    mutating func ADDP_advsimd_vec(_ f: SIMDThreeSame) -> TranslationStep { pairwise(f, .vadd) }
    mutating func SMAXP_advsimd(_ f: SIMDThreeSame) -> TranslationStep { pairwise(f, .vsmax) }
    mutating func SMINP_advsimd(_ f: SIMDThreeSame) -> TranslationStep { pairwise(f, .vsmin) }
    mutating func UMAXP_advsimd(_ f: SIMDThreeSame) -> TranslationStep { pairwise(f, .vumax) }
    mutating func UMINP_advsimd(_ f: SIMDThreeSame) -> TranslationStep { pairwise(f, .vumin) }

    /// Elements 2i and 2i+1 of the second register above the first.
    private mutating func pairwise(_ f: SIMDThreeSame, _ op: Opcode) -> TranslationStep {
        let low = f.Q == 1 ? V(f.Rn) : concatenated(f.Rn, f.Rm)
        let high = f.Q == 1 ? V(f.Rm) : low
        let even = ir.vector(.vuzp1, low, high, lane: f.size)
        let odd = ir.vector(.vuzp2, low, high, lane: f.size)
        setV(f.Rd, ir.vector(op, even, odd, lane: f.size), Q: f.Q)
        return .next
    }
    mutating func ADDP_advsimd_pair(_ f: SIMDScalarPairwise) -> TranslationStep {
        let n = V(f.Rn)
        let low = ir.lo64(n)
        setV(f.Rd, ir.add(low, ir.hi64(n)))
        return .next
    }
}

// MARK: Halving

extension Translator {
    mutating func SHADD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { halving(f, .vashr) }
    mutating func UHADD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { halving(f, .vlshr) }
    mutating func SRHADD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { halving(f, .vashr, rounds: true) }
    mutating func URHADD_advsimd(_ f: SIMDThreeSame) -> TranslationStep { halving(f, .vlshr, rounds: true) }

    /// (a + b) >> 1 without the carry: common bits plus half the differing ones; rounded up, any bits less half of them.
    private mutating func halving(_ f: SIMDThreeSame, _ shift: Opcode, rounds: Bool = false) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        let half = ir.vector(shift, ir.vector(.vxor, n, m), lane: f.size, imm: 1)
        let whole = ir.vector(rounds ? .vor : .vand, n, m)
        setV(f.Rd, ir.vector(rounds ? .vsub : .vadd, whole, half, lane: f.size), Q: f.Q)
        return .next
    }

    mutating func SHSUB_advsimd(_ f: SIMDThreeSame) -> TranslationStep { halvingSubtract(f, .vashr) }
    mutating func UHSUB_advsimd(_ f: SIMDThreeSame) -> TranslationStep { halvingSubtract(f, .vlshr) }

    /// (a - b) >> 1: halves subtracted, less the borrow that the low bits make.
    private mutating func halvingSubtract(_ f: SIMDThreeSame, _ shift: Opcode) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        let a = ir.vector(shift, n, lane: f.size, imm: 1)
        let b = ir.vector(shift, m, lane: f.size, imm: 1)
        let difference = ir.vector(.vsub, a, b, lane: f.size)
        let ones = vreplicate(1, lane: f.size)
        let borrow = ir.vector(.vand, ir.vector(.vandNot, m, n), ones)
        setV(f.Rd, ir.vector(.vsub, difference, borrow, lane: f.size), Q: f.Q)
        return .next
    }
}

// MARK: Shifts by register

extension Translator {
    mutating func SSHL_advsimd(_ f: SIMDThreeSame) -> TranslationStep { shiftByRegister(f, rounds: false) }
    mutating func USHL_advsimd(_ f: SIMDThreeSame) -> TranslationStep { shiftByRegister(f, rounds: false) }
    mutating func SRSHL_advsimd(_ f: SIMDThreeSame) -> TranslationStep { shiftByRegister(f, rounds: true) }
    mutating func URSHL_advsimd(_ f: SIMDThreeSame) -> TranslationStep { shiftByRegister(f, rounds: true) }

    private mutating func shiftByRegister(_ f: SIMDThreeSame, rounds: Bool) -> TranslationStep {
        shiftByRegister(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, isUnsigned: f.U == 1, rounds: rounds, Q: f.Q)
    }
    private mutating func shiftByRegister(
        Rn: Int, Rm: Int, Rd: Int, lane: Int, isUnsigned: Bool, rounds: Bool, Q: Int
    ) -> TranslationStep {
        let (n, m) = (V(Rn), V(Rm))
        let mode = ir.const(UInt64(lane | (isUnsigned ? 4 : 0) | (rounds ? 8 : 0)), .i32)
        setV(Rd, ir.call(.vshlRegister, n, m, mode), Q: Q)
        return .next
    }
}

// MARK: Scalar three same

extension Translator {
    private mutating func threeSame(_ f: SIMDScalarThreeSame, _ op: Opcode) -> TranslationStep {
        let n = V(f.Rn)
        setV(f.Rd, ir.vector(op, n, V(f.Rm), lane: 3), Q: 0)
        return .next
    }

    mutating func ADD_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep {
        let n = D(f.Rn)
        setV(f.Rd, ir.add(n, D(f.Rm)))
        return .next
    }
    mutating func SUB_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep {
        let n = D(f.Rn)
        setV(f.Rd, ir.sub(n, D(f.Rm)))
        return .next
    }
    mutating func CMEQ_advsimd_reg_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { threeSame(f, .vcmpEQ) }
    mutating func CMGE_advsimd_reg_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { threeSame(f, .vcmpSGE) }
    mutating func CMGT_advsimd_reg_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { threeSame(f, .vcmpSGT) }
    mutating func CMHI_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { threeSame(f, .vcmpUGT) }
    mutating func CMHS_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { threeSame(f, .vcmpUGE) }
    mutating func CMTST_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep {
        compareTest(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: 3, Q: 0)
    }
    mutating func SSHL_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { shiftByRegister(f, rounds: false) }
    mutating func USHL_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { shiftByRegister(f, rounds: false) }
    mutating func SRSHL_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { shiftByRegister(f, rounds: true) }
    mutating func URSHL_advsimd_scalar(_ f: SIMDScalarThreeSame) -> TranslationStep { shiftByRegister(f, rounds: true) }

    private mutating func shiftByRegister(_ f: SIMDScalarThreeSame, rounds: Bool) -> TranslationStep {
        shiftByRegister(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: 3, isUnsigned: f.U == 1, rounds: rounds, Q: 0)
    }
}
