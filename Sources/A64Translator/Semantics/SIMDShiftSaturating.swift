internal import A64ISA
internal import EmuIR

// Saturating shifts, by immediate and by register, vector and scalar.
extension Translator {
    /// Shifting back tells whether bits were lost.
    private mutating func shiftLeft(_ shape: SIMDShape, by amount: Int, toUnsigned: Bool) -> TranslationStep {
        let lane = shape.lane
        let n = operand(shape.Rn, shape)
        if shape.isUnsigned || toUnsigned {
            // SQSHLU: negative elements become zero, which counts as saturation.
            let value = toUnsigned ? ir.vector(.vsmax, n, vzero, lane: lane) : n
            let shifted = ir.vector(.vshl, value, lane: lane, imm: amount)
            let back = ir.vector(.vlshr, shifted, lane: lane, imm: amount)
            let fits = ir.vector(.vcmpEQ, back, value, lane: lane)
            setQC(where: back, differs: n)
            setV(shape.Rd, ir.vector(.vor, shifted, ir.vector(.vnot, fits)), Q: shape.Q)
            return .next
        }
        let shifted = ir.vector(.vshl, n, lane: lane, imm: amount)
        let back = ir.vector(.vashr, shifted, lane: lane, imm: amount)
        let fits = ir.vector(.vcmpEQ, back, n, lane: lane)
        let sign = ir.vector(.vashr, n, lane: lane, imm: (8 << lane) - 1)
        let limit = ir.vector(.vxor, sign, vreplicate(1 << UInt64((8 << lane) - 1) - 1, lane: lane))
        setQC(where: back, differs: n)
        setV(shape.Rd, ir.vector(.vselect, fits, shifted, limit), Q: shape.Q)
        return .next
    }

    private mutating func shiftLeft(_ f: SIMDShiftImmediate, toUnsigned: Bool) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        return shiftLeft(SIMDShape(f, lane: amount.lane), by: amount.left, toUnsigned: toUnsigned)
    }
    private mutating func shiftLeft(_ f: SIMDScalarShiftImmediate, toUnsigned: Bool) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        return shiftLeft(SIMDShape(f, lane: amount.lane), by: amount.left, toUnsigned: toUnsigned)
    }
    /// `SQSHL`, `UQSHL` (immediate)
    mutating func saturatingShiftLeft(_ f: SIMDShiftImmediate) -> TranslationStep { shiftLeft(f, toUnsigned: false) }
    mutating func saturatingShiftLeft(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftLeft(f, toUnsigned: false)
    }
    mutating func SQSHLU_advsimd(_ f: SIMDShiftImmediate) -> TranslationStep { shiftLeft(f, toUnsigned: true) }
    mutating func SQSHLU_advsimd_scalar(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        shiftLeft(f, toUnsigned: true)
    }

    private mutating func shiftRightNarrow(
        _ shape: SIMDShape, by amount: Int, rounds: Bool, _ saturation: NarrowingSaturation
    ) -> TranslationStep {
        let n = wideOperand(shape)
        let isUnsigned = saturation == .unsignedToUnsigned
        let shifted = shiftedRight(n, amount, lane: shape.lane + 1, isUnsigned: isUnsigned, rounds: rounds)
        setNarrowed(shape, shifted, saturation)
        return .next
    }
    /// Bit 0 of `opcode` is rounding; SQSHRUN and SQRSHRUN have opcodes 0b1000x.
    private func saturation(_ opcode: Int, U: Int) -> NarrowingSaturation {
        opcode & 2 == 0 ? .signedToUnsigned : U == 1 ? .unsignedToUnsigned : .signedToSigned
    }
    /// `SQSHRN`, `SQRSHRN`, `UQSHRN`, `UQRSHRN`, `SQSHRUN`, `SQRSHRUN`
    mutating func saturatingShiftRightNarrow(_ f: SIMDShiftImmediate) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        return shiftRightNarrow(
            SIMDShape(f, lane: amount.lane), by: amount.right, rounds: f.opcode & 1 == 1, saturation(f.opcode, U: f.U))
    }
    mutating func saturatingShiftRightNarrow(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        let amount = ShiftAmount(immh: f.immh, immb: f.immb)
        return shiftRightNarrow(
            SIMDShape(f, lane: amount.lane), by: amount.right, rounds: f.opcode & 1 == 1, saturation(f.opcode, U: f.U))
    }

    private mutating func shiftByRegister(_ shape: SIMDShape, rounds: Bool) -> TranslationStep {
        let n = operand(shape.Rn, shape)
        let mode = ir.const(UInt64(shape.lane | (shape.isUnsigned ? 4 : 0) | (rounds ? 8 : 0)), .i32)
        setV(shape.Rd, ir.call(.vshlSaturating, n, V(shape.Rm), mode), Q: shape.Q)
        return .next
    }
    /// `SQSHL`, `UQSHL` (register)
    mutating func saturatingShiftByRegister(_ f: SIMDThreeSame) -> TranslationStep {
        shiftByRegister(SIMDShape(f), rounds: false)
    }
    mutating func saturatingShiftByRegister(_ f: SIMDScalarThreeSame) -> TranslationStep {
        shiftByRegister(SIMDShape(f), rounds: false)
    }
    /// `SQRSHL`, `UQRSHL`
    mutating func saturatingRoundingShiftByRegister(_ f: SIMDThreeSame) -> TranslationStep {
        shiftByRegister(SIMDShape(f), rounds: true)
    }
    mutating func saturatingRoundingShiftByRegister(_ f: SIMDScalarThreeSame) -> TranslationStep {
        shiftByRegister(SIMDShape(f), rounds: true)
    }
}
