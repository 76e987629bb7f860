internal import A64ISA
internal import EmuIR

// Advanced SIMD two-register miscellaneous, vector and scalar, and across lanes.
extension Translator {
    private mutating func unary(_ f: SIMDTwoRegisterMisc, _ op: Opcode) -> TranslationStep {
        setV(f.Rd, ir.vector(op, V(f.Rn), lane: f.size), Q: f.Q)
        return .next
    }
    private mutating func unary(_ f: SIMDScalarTwoRegisterMisc, _ op: Opcode) -> TranslationStep {
        setV(f.Rd, ir.vector(op, V(f.Rn), lane: 3), Q: 0)
        return .next
    }

    mutating func ABS_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { unary(f, .vabs) }
    mutating func NEG_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { unary(f, .vneg) }
    mutating func CNT_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { unary(f, .vcnt) }
    mutating func ABS_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { unary(f, .vabs) }
    mutating func NEG_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { unary(f, .vneg) }
    /// `NOT` (MVN); its size field is part of the opcode.
    mutating func NOT_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        setV(f.Rd, ir.vector(.vnot, V(f.Rn)), Q: f.Q)
        return .next
    }

    mutating func REV16_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { reverse(f, container: 1) }
    mutating func REV32_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { reverse(f, container: 2) }
    mutating func REV64_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { reverse(f, container: 3) }

    private mutating func reverse(_ f: SIMDTwoRegisterMisc, container: Int) -> TranslationStep {
        setV(f.Rd, ir.vector(.vrev, V(f.Rn), lane: f.size, imm: container), Q: f.Q)
        return .next
    }

    /// `RBIT`: the bits of each byte; halves swapped at three scales.
    mutating func RBIT_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        var value = V(f.Rn)
        for (distance, mask) in [(4, UInt64(0x0f)), (2, 0x33), (1, 0x55)] {
            let low = vreplicate(mask, lane: 0)
            let up = ir.vector(.vshl, ir.vector(.vand, value, low), lane: 0, imm: distance)
            let down = ir.vector(.vand, ir.vector(.vlshr, value, lane: 0, imm: distance), low)
            value = ir.vector(.vor, up, down)
        }
        setV(f.Rd, value, Q: f.Q)
        return .next
    }

    mutating func CLZ_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        setV(f.Rd, countLeadingZeros(V(f.Rn), lane: f.size), Q: f.Q)
        return .next
    }
    /// `CLS`: a bit that differs from the one below it ends the run of sign bits.
    mutating func CLS_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let n = V(f.Rn)
        let changes = ir.vector(.vxor, n, ir.vector(.vashr, n, lane: f.size, imm: 1))
        let zeros = countLeadingZeros(changes, lane: f.size)
        setV(f.Rd, ir.vector(.vsub, zeros, vreplicate(1, lane: f.size), lane: f.size), Q: f.Q)
        return .next
    }
    /// Spreads the highest one downward; the zeros that remain are counted bytewise and added up.
    private mutating func countLeadingZeros(_ value: Value, lane: Int) -> Value {
        var spread = value
        var distance = 1
        while distance < 8 << lane {
            spread = ir.vector(.vor, spread, ir.vector(.vlshr, spread, lane: lane, imm: distance))
            distance *= 2
        }
        var count = ir.vector(.vcnt, ir.vector(.vnot, spread))
        for wide in stride(from: 1, through: lane, by: 1) { count = addedPairs(count, lane: wide - 1, isUnsigned: true) }
        return count
    }

    /// Sums of neighbours, in elements of twice the size.
    mutating func addedPairs(_ value: Value, lane: Int, isUnsigned: Bool) -> Value {
        let bits = 8 << lane
        let shift: Opcode = isUnsigned ? .vlshr : .vashr
        let low = ir.vector(shift, ir.vector(.vshl, value, lane: lane + 1, imm: bits), lane: lane + 1, imm: bits)
        let high = ir.vector(shift, value, lane: lane + 1, imm: bits)
        return ir.vector(.vadd, low, high, lane: lane + 1)
    }
    /// `SADDLP`, `UADDLP`
    mutating func addLongPairwise(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        setV(f.Rd, addedPairs(V(f.Rn), lane: f.size, isUnsigned: f.U == 1), Q: f.Q)
        return .next
    }
    /// `SADALP`, `UADALP`
    mutating func addAccumulateLongPairwise(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let sums = addedPairs(V(f.Rn), lane: f.size, isUnsigned: f.U == 1)
        setV(f.Rd, ir.vector(.vadd, V(f.Rd), sums, lane: f.size + 1), Q: f.Q)
        return .next
    }

    /// `XTN`, `XTN2`
    mutating func XTN_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        setVpart(f.Rd, ir.vector(.vnarrow, V(f.Rn), lane: f.size + 1), Q: f.Q)
        return .next
    }
    /// `SHLL`, `SHLL2`: shifted by the element size.
    mutating func SHLL_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let wide = widened(Vpart(f.Rn, f.Q), lane: f.size, isUnsigned: true)
        ir.set(.v(f.Rd), ir.vector(.vshl, wide, lane: f.size + 1, imm: 8 << f.size))
        return .next
    }
}

// MARK: Compare with zero

extension Translator {
    private enum ZeroComparison { case eq, ge, gt, le, lt }

    private mutating func comparedWithZero(_ n: Int, _ comparison: ZeroComparison, lane: Int) -> Value {
        let value = V(n)
        let zero = vzero
        switch comparison {
        case .eq: return ir.vector(.vcmpEQ, value, zero, lane: lane)
        case .ge: return ir.vector(.vcmpSGE, value, zero, lane: lane)
        case .gt: return ir.vector(.vcmpSGT, value, zero, lane: lane)
        case .le: return ir.vector(.vcmpSGE, zero, value, lane: lane)
        case .lt: return ir.vector(.vcmpSGT, zero, value, lane: lane)
        }
    }
    private mutating func compareWithZero(_ f: SIMDTwoRegisterMisc, _ c: ZeroComparison) -> TranslationStep {
        setV(f.Rd, comparedWithZero(f.Rn, c, lane: f.size), Q: f.Q)
        return .next
    }
    private mutating func compareWithZero(_ f: SIMDScalarTwoRegisterMisc, _ c: ZeroComparison) -> TranslationStep {
        setV(f.Rd, comparedWithZero(f.Rn, c, lane: 3), Q: 0)
        return .next
    }

    mutating func CMEQ_advsimd_zero(_ f: SIMDTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .eq) }
    mutating func CMGE_advsimd_zero(_ f: SIMDTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .ge) }
    mutating func CMGT_advsimd_zero(_ f: SIMDTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .gt) }
    mutating func CMLE_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .le) }
    mutating func CMLT_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .lt) }
    mutating func CMEQ_advsimd_zero_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .eq) }
    mutating func CMGE_advsimd_zero_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .ge) }
    mutating func CMGT_advsimd_zero_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .gt) }
    mutating func CMLE_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .le) }
    mutating func CMLT_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep { compareWithZero(f, .lt) }
}

// MARK: Across lanes

extension Translator {
    mutating func ADDV_advsimd(_ f: SIMDAcrossLanes) -> TranslationStep { reduce(f, .vadd) }
    mutating func SMAXV_advsimd(_ f: SIMDAcrossLanes) -> TranslationStep { reduce(f, .vsmax) }
    mutating func SMINV_advsimd(_ f: SIMDAcrossLanes) -> TranslationStep { reduce(f, .vsmin) }
    mutating func UMAXV_advsimd(_ f: SIMDAcrossLanes) -> TranslationStep { reduce(f, .vumax) }
    mutating func UMINV_advsimd(_ f: SIMDAcrossLanes) -> TranslationStep { reduce(f, .vumin) }

    private mutating func reduce(_ f: SIMDAcrossLanes, _ op: Opcode) -> TranslationStep {
        let n = V(f.Rn)
        setV(f.Rd, reduced(n, op, lane: f.size, bytes: f.Q == 1 ? 16 : 8))
        return .next
    }

    /// `Reduce(op, value, esize)` of the low `bytes`: each step folds the upper half onto the lower.
    private mutating func reduced(_ value: Value, _ op: Opcode, lane: Int, bytes: Int) -> Value {
        var folded = value
        var distance = bytes / 2
        while distance >= 1 << lane {
            folded = ir.vector(op, folded, ir.vector(.vext, folded, folded, imm: distance), lane: lane)
            distance /= 2
        }
        return ir.vextract(folded, lane: lane, index: 0)
    }

    /// `SADDLV`, `UADDLV`: the sum in an element of twice the size.
    mutating func addLongAcross(_ f: SIMDAcrossLanes) -> TranslationStep {
        let isUnsigned = f.U == 1
        var wide = widened(V(f.Rn), lane: f.size, isUnsigned: isUnsigned)
        if f.Q == 1 {
            let high = widened(Vpart(f.Rn, 1), lane: f.size, isUnsigned: isUnsigned)
            wide = ir.vector(.vadd, wide, high, lane: f.size + 1)
        }
        setV(f.Rd, reduced(wide, .vadd, lane: f.size + 1, bytes: 16))
        return .next
    }
}
