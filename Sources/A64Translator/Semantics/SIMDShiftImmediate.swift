internal import A64ISA
internal import EmuIR

/// Element size and amount of the shifts by immediate: the highest set bit of immh is the size, the rest the distance.
struct ShiftAmount {
    /// log2 of the element size in bytes; of the narrow elements for the narrowing and lengthening shifts.
    let lane: Int
    private let value: Int

    /// immh is never 0 here.
    init(immh: Int, immb: Int) {
        lane = Int.bitWidth - 1 - immh.leadingZeroBitCount
        value = immh << 3 | immb
    }

    /// 0 to the element size less one.
    var left: Int { value - (8 << lane) }
    /// 1 to the element size.
    var right: Int { (16 << lane) - value }
}

// Advanced SIMD shift by immediate, vector and scalar. A scalar shift is one of 64-bit elements with a 64-bit datasize.
extension Translator {
    private mutating func shiftRight(
        _ amount: ShiftAmount, Rn: Int, Rd: Int, Q: Int, isUnsigned: Bool, rounds: Bool = false, accumulates: Bool = false
    ) -> TranslationStep {
        let n = V(Rn)
        var result = shiftedRight(n, amount.right, lane: amount.lane, isUnsigned: isUnsigned, rounds: rounds)
        if accumulates { result = ir.vector(.vadd, V(Rd), result, lane: amount.lane) }
        setV(Rd, result, Q: Q)
        return .next
    }

    /// Rounding adds the last bit shifted out.
    mutating func shiftedRight(_ n: Value, _ amount: Int, lane: Int, isUnsigned: Bool, rounds: Bool) -> Value {
        let shifted = ir.vector(isUnsigned ? .vlshr : .vashr, n, lane: lane, imm: amount)
        if !rounds { return shifted }
        let last = ir.vector(.vlshr, n, lane: lane, imm: amount - 1)
        let carry = ir.vector(.vand, last, vreplicate(1, lane: lane))
        return ir.vector(.vadd, shifted, carry, lane: lane)
    }

    private mutating func shiftRight(_ f: SIMDShiftImmediate, rounds: Bool, accumulates: Bool) -> TranslationStep {
        shiftRight(
            ShiftAmount(immh: f.immh, immb: f.immb), Rn: f.Rn, Rd: f.Rd, Q: f.Q, isUnsigned: f.U == 1, rounds: rounds,
            accumulates: accumulates)
    }
    private mutating func shiftRight(_ f: SIMDScalarShiftImmediate, rounds: Bool, accumulates: Bool) -> TranslationStep {
        shiftRight(
            ShiftAmount(immh: f.immh, immb: f.immb), Rn: f.Rn, Rd: f.Rd, Q: 0, isUnsigned: f.U == 1, rounds: rounds,
            accumulates: accumulates)
    }

    /// `SSHR`, `USHR`
    mutating func shiftRightVector(_ f: SIMDShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: false, accumulates: false)
    }
    /// `SSRA`, `USRA`
    mutating func shiftRightAccumulateVector(_ f: SIMDShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: false, accumulates: true)
    }
    /// `SRSHR`, `URSHR`
    mutating func roundingShiftRightVector(_ f: SIMDShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: true, accumulates: false)
    }
    /// `SRSRA`, `URSRA`
    mutating func roundingShiftRightAccumulateVector(_ f: SIMDShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: true, accumulates: true)
    }
    mutating func shiftRightScalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: false, accumulates: false)
    }
    mutating func shiftRightAccumulateScalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: false, accumulates: true)
    }
    mutating func roundingShiftRightScalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: true, accumulates: false)
    }
    mutating func roundingShiftRightAccumulateScalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftRight(f, rounds: true, accumulates: true)
    }

    mutating func SHL_advsimd(_ f: SIMDShiftImmediate) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        setV(f.Rd, ir.vector(.vshl, V(f.Rn), lane: amount.lane, imm: amount.left), Q: f.Q)
        return .next
    }
    mutating func SHL_advsimd_scalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        setV(f.Rd, ir.shift(.shl, D(f.Rn), by: ShiftAmount(immh: f.immh, immb: f.immb).left))
        return .next
    }

    mutating func SLI_advsimd(_ f: SIMDShiftImmediate) -> TranslationStep {
        shiftLeftInsert(ShiftAmount(immh: f.immh, immb: f.immb), Rn: f.Rn, Rd: f.Rd, Q: f.Q)
    }
    mutating func SLI_advsimd_scalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftLeftInsert(ShiftAmount(immh: f.immh, immb: f.immb), Rn: f.Rn, Rd: f.Rd, Q: 0)
    }
    private mutating func shiftLeftInsert(_ amount: ShiftAmount, Rn: Int, Rd: Int, Q: Int) -> TranslationStep {
        let shifted = ir.vector(.vshl, V(Rn), lane: amount.lane, imm: amount.left)
        let mask = vreplicate(.max << UInt64(amount.left), lane: amount.lane)
        setV(Rd, ir.vector(.vselect, mask, shifted, V(Rd)), Q: Q)
        return .next
    }

    mutating func SRI_advsimd(_ f: SIMDShiftImmediate) -> TranslationStep {
        shiftRightInsert(ShiftAmount(immh: f.immh, immb: f.immb), Rn: f.Rn, Rd: f.Rd, Q: f.Q)
    }
    mutating func SRI_advsimd_scalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftRightInsert(ShiftAmount(immh: f.immh, immb: f.immb), Rn: f.Rn, Rd: f.Rd, Q: 0)
    }
    private mutating func shiftRightInsert(_ amount: ShiftAmount, Rn: Int, Rd: Int, Q: Int) -> TranslationStep {
        let shifted = ir.vector(.vlshr, V(Rn), lane: amount.lane, imm: amount.right)
        let bits = 8 << amount.lane
        // Shifting by the whole element inserts nothing.
        let inserted: UInt64 = amount.right == bits ? 0 : (UInt64.max >> UInt64(64 - bits)) >> UInt64(amount.right)
        let mask = vreplicate(inserted, lane: amount.lane)
        setV(Rd, ir.vector(.vselect, mask, shifted, V(Rd)), Q: Q)
        return .next
    }

    /// `SHRN`, `SHRN2`
    mutating func SHRN_advsimd(_ f: SIMDShiftImmediate) -> TranslationStep { shiftRightNarrow(f, rounds: false) }
    mutating func RSHRN_advsimd(_ f: SIMDShiftImmediate) -> TranslationStep { shiftRightNarrow(f, rounds: true) }

    private mutating func shiftRightNarrow(_ f: SIMDShiftImmediate, rounds: Bool) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        let n = V(f.Rn)
        let shifted = shiftedRight(n, amount.right, lane: amount.lane + 1, isUnsigned: true, rounds: rounds)
        setVpart(f.Rd, ir.vector(.vnarrow, shifted, lane: amount.lane + 1), Q: f.Q)
        return .next
    }

    /// `SSHLL`, `SSHLL2` (SXTL), `USHLL`, `USHLL2` (UXTL)
    mutating func shiftLeftLong(_ f: SIMDShiftImmediate) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        var result = widened(Vpart(f.Rn, f.Q), lane: amount.lane, isUnsigned: f.U == 1)
        if amount.left != 0 { result = ir.vector(.vshl, result, lane: amount.lane + 1, imm: amount.left) }
        ir.set(.v(f.Rd), result)
        return .next
    }
}
