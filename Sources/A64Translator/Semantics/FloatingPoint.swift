internal import A64ISA
internal import EmuIR

// Scalar floating point, single and double (half only in FCVT). Arithmetic goes through helpers that apply FPCR and collect FPSR;
// moves, sign changes and selections are plain integer operations.
extension Translator {
    /// `ftype`: 0 single, 1 double. Half-precision arithmetic is FEAT_FP16, which rows gate.
    private func isDouble(_ ftype: Int) -> Bool { ftype == 1 }

    /// An FP register's bits as the helpers take them: S and H forms have garbage above their width.
    private mutating func F(_ n: Int) -> Value { D(n) }

    /// Writes an S or D result; everything above is zero.
    private mutating func setF(_ n: Int, _ value: Value, _ ftype: Int) {
        setV(n, ftype == 1 ? value : ir.ubfx(value, lsb: 0, width: ftype == 0 ? 32 : 16))
    }

    /// The number operand of a helper (CHost, nt_fp_helpers.h).
    private mutating func operation(_ number: Int, _ ftype: Int = 0) -> Value {
        ir.const(UInt64(number | (isDouble(ftype) ? 0x100 : 0)), .i32)
    }

    // MARK: Arithmetic

    mutating func floatBinary(_ f: FloatDataProcessing2Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        let b = F(f.Rm)
        let result = ir.call(.fpBinary, a, b, operation(f.opcode, f.ftype))
        setF(f.Rd, result, f.ftype)
        return .next
    }

    /// FMADD a + n*m, FMSUB a - n*m, FNMADD -a - n*m, FNMSUB -a + n*m, the signs changed before the one rounding.
    mutating func floatMultiplyAdd(_ f: FloatDataProcessing3Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let sign: UInt64 = isDouble(f.ftype) ? 1 << 63 : 1 << 31
        var addend = F(f.Ra)
        var n = F(f.Rn)
        let m = F(f.Rm)
        if f.o1 != 0 { addend = ir.xor(addend, ir.const(sign)) }
        if f.o1 != f.o0 { n = ir.xor(n, ir.const(sign)) }
        let result = ir.call(isDouble(f.ftype) ? .fpFMA64 : .fpFMA32, addend, n, m)
        setF(f.Rd, result, f.ftype)
        return .next
    }

    mutating func FSQRT_float(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        let result = ir.call(.fpUnary, a, operation(0, f.ftype))
        setF(f.Rd, result, f.ftype)
        return .next
    }

    /// FRINTN, P, M, Z, A by `opcode` 8...12; X (14, raises inexact) and I (15) round as FPCR says.
    mutating func floatRound(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let mode = f.opcode <= 12 ? f.opcode - 8 : 7
        let inexact = f.opcode == 14 ? 1 : 0
        let a = F(f.Rn)
        let result = ir.call(.fpUnary, a, operation(2 | mode << 16 | inexact << 20, f.ftype))
        setF(f.Rd, result, f.ftype)
        return .next
    }

    /// FCVT between half, single and double.
    mutating func FCVT_float(_ f: FloatDataProcessing1Source) -> TranslationStep {
        let to = f.opcode & 3
        let a = F(f.Rn)
        let result = ir.call(.fpUnary, a, operation(1 | f.ftype << 16 | to << 20))
        setF(f.Rd, result, to)
        return .next
    }

    // MARK: Moves and selections

    mutating func FMOV_float_reg(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        setF(f.Rd, a, f.ftype)
        return .next
    }

    mutating func FABS_float(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        setV(f.Rd, ir.ubfx(a, lsb: 0, width: isDouble(f.ftype) ? 63 : 31))
        return .next
    }

    mutating func FNEG_float(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        setF(f.Rd, ir.xor(a, ir.const(isDouble(f.ftype) ? 1 << 63 : 1 << 31)), f.ftype)
        return .next
    }

    mutating func FCSEL_float(_ f: FloatConditionalSelect) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        let b = F(f.Rm)
        guard let condition = conditionHolds(f.cond) else {
            setF(f.Rd, a, f.ftype)
            return .next
        }
        setF(f.Rd, ir.select(condition, a, b), f.ftype)
        return .next
    }

    /// VFPExpandImm.
    mutating func FMOV_float_imm(_ f: FloatImmediate) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let imm8 = UInt64(f.imm8)
        let sign = imm8 >> 7
        let b6 = imm8 >> 6 & 1
        let low = imm8 & 0x3f
        let bits =
            isDouble(f.ftype)
            ? sign << 63 | (b6 ^ 1) << 62 | (b6 != 0 ? 0xff << 54 : 0) | low << 48
            : sign << 31 | (b6 ^ 1) << 30 | (b6 != 0 ? 0x1f << 25 : 0) | low << 19
        setV(f.Rd, ir.const(bits))
        return .next
    }

    /// FMOV between a general and an FP register; `opcode` 6 reads the FP register, 7 writes it.
    mutating func FMOV_float_gen(_ f: FloatIntegerConversion) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        if f.opcode == 6 {
            let a = F(f.Rn)
            setX(f.Rd, f.sf != 0 ? a : ir.ubfx(a, lsb: 0, width: 32))
        } else {
            let a = X(f.Rn)
            setF(f.Rd, a, f.ftype)
        }
        return .next
    }

    /// FMOV to and from bits 127:64; the other half stays.
    mutating func FMOV_float_gen_top(_ f: FloatIntegerConversion) -> TranslationStep {
        if f.opcode == 6 {
            let a = ir.get(.vhi(f.Rn))
            setX(f.Rd, a)
        } else {
            let low = D(f.Rd)
            let high = X(f.Rn)
            setV(f.Rd, ir.pack128(lo: low, hi: high))
        }
        return .next
    }

    // MARK: Comparisons

    /// `opcode2` bit 3 compares with zero, bit 4 signals for quiet NaNs too.
    mutating func floatCompare(_ f: FloatCompare) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        let b = f.opcode2 & 8 != 0 ? ir.const(0) : F(f.Rm)
        let nzcv = ir.call(.fpCompare, a, b, operation(f.opcode2 >> 4, f.ftype))
        ir.flagsSet(nzcv)
        return .next
    }

    mutating func floatConditionalCompare(_ f: FloatConditionalCompare) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        guard let condition = conditionHolds(f.cond) else {
            let a = F(f.Rn)
            let b = F(f.Rm)
            let nzcv = ir.call(.fpCompare, a, b, operation(f.op, f.ftype))
            ir.flagsSet(nzcv)
            return .next
        }
        // The comparison may raise flags, so it must see harmless operands when the condition fails.
        let zero = ir.const(0)
        let a = F(f.Rn)
        let b = F(f.Rm)
        let x = ir.select(condition, a, zero)
        let y = ir.select(condition, b, zero)
        let compared = ir.call(.fpCompare, x, y, operation(f.op, f.ftype))
        ir.flagsSet(ir.select(condition, compared, ir.const(UInt64(f.nzcv) << 28)))
        return .next
    }

    // MARK: Conversions

    /// Rounding by `rmode`, ties away by `opcode` 4 and 5.
    mutating func floatToInteger(_ f: FloatIntegerConversion) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let mode = f.opcode >= 4 ? 4 : f.rmode
        let a = F(f.Rn)
        let result = ir.call(.fpToInt, a, operation(mode << 16 | (f.opcode & 1) << 20 | f.sf << 21, f.ftype))
        setX(f.Rd, result)
        return .next
    }

    mutating func FJCVTZS(_ f: FloatIntegerConversion) -> TranslationStep {
        let a = F(f.Rn)
        let result = ir.call(.fpToInt, a, operation(1 << 22))
        setX(f.Rd, ir.ubfx(result, lsb: 0, width: 32))
        ir.flagsSet(ir.shift(.shl, ir.shift(.lshr, result, by: 32), by: 30))
        return .next
    }

    mutating func floatToFixed(_ f: FloatFixedConversion) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = F(f.Rn)
        let number = 3 << 16 | (f.opcode & 1) << 20 | f.sf << 21 | (64 - f.scale) << 24
        let result = ir.call(.fpToInt, a, operation(number, f.ftype))
        setX(f.Rd, result)
        return .next
    }

    mutating func integerToFloat(_ f: FloatIntegerConversion) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = X(f.Rn)
        let result = ir.call(.fpFromInt, a, operation((f.opcode & 1) << 20 | f.sf << 21, f.ftype))
        setF(f.Rd, result, f.ftype)
        return .next
    }

    mutating func fixedToFloat(_ f: FloatFixedConversion) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = X(f.Rn)
        let number = (f.opcode & 1) << 20 | f.sf << 21 | (64 - f.scale) << 24
        let result = ir.call(.fpFromInt, a, operation(number, f.ftype))
        setF(f.Rd, result, f.ftype)
        return .next
    }
}
