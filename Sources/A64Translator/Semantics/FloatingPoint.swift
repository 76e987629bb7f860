internal import A64ISA
internal import EmuIR

// Scalar floating point. Arithmetic is IR operations on one element of a vector register, which apply FPCR and collect FPSR; moves,
// sign changes and selections are plain integer operations.
extension Translator {
    /// `ftype`: 0 single, 1 double. Half-precision arithmetic is FEAT_FP16, which rows gate.
    private func isDouble(_ ftype: Int) -> Bool { ftype == 1 }

    /// log2 of the size in bytes of `ftype` (0 single, 1 double, 3 half).
    func elementSize(ftype: Int) -> Int { ftype == 3 ? 1 : 2 + ftype }

    /// An FP register's low bits: S and H forms have garbage above their width.
    private mutating func F(_ n: Int) -> Value { D(n) }

    /// Writes an S or D result; everything above is zero.
    private mutating func setF(_ n: Int, _ value: Value, _ ftype: Int) {
        setV(n, ftype == 1 ? value : ir.ubfx(value, lsb: 0, width: ftype == 0 ? 32 : 16))
    }

    // MARK: Arithmetic

    mutating func floatBinary(_ f: FloatDataProcessing2Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = V(f.Rn)
        let b = V(f.Rm)
        ir.set(.v(f.Rd), ir.fpBinary(FPBinary(rawValue: UInt8(f.opcode))!, a, b, lane: elementSize(ftype: f.ftype), count: 1))
        return .next
    }

    /// FMADD a + n*m, FMSUB a - n*m, FNMADD -a - n*m, FNMSUB -a + n*m, the signs changed before the one rounding.
    mutating func floatMultiplyAdd(_ f: FloatDataProcessing3Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let lane = elementSize(ftype: f.ftype)
        var addend = V(f.Ra)
        var n = V(f.Rn)
        let m = V(f.Rm)
        if f.o1 != 0 { addend = fpNegated(addend, lane: lane) }
        if f.o1 != f.o0 { n = fpNegated(n, lane: lane) }
        ir.set(.v(f.Rd), ir.fpFMA(addend, n, m, lane: lane, count: 1))
        return .next
    }

    /// The sign of each element changed.
    mutating func fpNegated(_ a: Value, lane: Int) -> Value {
        ir.vector(.vxor, a, vreplicate(1 << UInt64((8 << lane) - 1), lane: lane))
    }

    mutating func FSQRT_float(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let a = V(f.Rn)
        ir.set(.v(f.Rd), ir.fpUnary(.sqrt, a, lane: elementSize(ftype: f.ftype), count: 1))
        return .next
    }

    /// FRINTN, P, M, Z, A by `opcode` 8...12; X (14, raises inexact) and I (15) round as FPCR says.
    mutating func floatRound(_ f: FloatDataProcessing1Source) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let mode: FPMode = f.opcode <= 12 ? .rounding(f.opcode - 8) : f.opcode == 14 ? [.current, .inexact] : .current
        let a = V(f.Rn)
        ir.set(.v(f.Rd), ir.fpUnary(.round, a, lane: elementSize(ftype: f.ftype), count: 1, mode: mode))
        return .next
    }

    /// FCVT between half, single and double.
    mutating func FCVT_float(_ f: FloatDataProcessing1Source) -> TranslationStep {
        let a = V(f.Rn)
        let to = elementSize(ftype: f.opcode & 3)
        ir.set(.v(f.Rd), ir.fpConvert(a, from: elementSize(ftype: f.ftype), to: to, count: 1))
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
        let a = V(f.Rn)
        let b = f.opcode2 & 8 != 0 ? vzero : V(f.Rm)
        ir.flagsFPCompare(a, b, lane: elementSize(ftype: f.ftype), signals: f.opcode2 >> 4 != 0)
        return .next
    }

    mutating func floatConditionalCompare(_ f: FloatConditionalCompare) -> TranslationStep {
        if f.ftype == 3 { return undefined() }
        let lane = elementSize(ftype: f.ftype)
        var a = V(f.Rn)
        var b = V(f.Rm)
        guard let condition = conditionHolds(f.cond) else {
            ir.flagsFPCompare(a, b, lane: lane, signals: f.op != 0)
            return .next
        }
        // The comparison may raise flags, so it must see harmless operands when the condition fails.
        let zero = vzero
        a = ir.select(condition, a, zero)
        b = ir.select(condition, b, zero)
        ir.flagsFPCompare(a, b, lane: lane, signals: f.op != 0)
        let compared = ir.flagsGet()
        ir.flagsSet(ir.select(condition, compared, ir.const(UInt64(f.nzcv) << 28)))
        return .next
    }

    // MARK: Conversions

    private func integerMode(isUnsigned: Bool, sf: Int) -> FPMode {
        let width: FPMode = sf != 0 ? .is64Bit : []
        return isUnsigned ? width.union(.unsigned) : width
    }

    private mutating func toInteger(Rd: Int, Rn: Int, ftype: Int, sf: Int, opcode: Int, _ mode: FPMode) -> TranslationStep {
        if ftype == 3 { return undefined() }
        let a = V(Rn)
        let whole = mode.union(integerMode(isUnsigned: opcode & 1 != 0, sf: sf))
        setX(Rd, ir.fpToGeneral(a, lane: elementSize(ftype: ftype), sf != 0 ? .i64 : .i32, mode: whole))
        return .next
    }

    /// Rounding by `rmode`, ties away by `opcode` 4 and 5.
    mutating func floatToInteger(_ f: FloatIntegerConversion) -> TranslationStep {
        toInteger(
            Rd: f.Rd, Rn: f.Rn, ftype: f.ftype, sf: f.sf, opcode: f.opcode, f.opcode >= 4 ? .tiesAway : .rounding(f.rmode))
    }

    mutating func floatToFixed(_ f: FloatFixedConversion) -> TranslationStep {
        toInteger(
            Rd: f.Rd, Rn: f.Rn, ftype: f.ftype, sf: f.sf, opcode: f.opcode, FPMode.zero.union(.fraction(64 - f.scale)))
    }

    mutating func FJCVTZS(_ f: FloatIntegerConversion) -> TranslationStep {
        let a = F(f.Rn)
        let result = ir.call(.fpJavaScript, a)
        setX(f.Rd, ir.ubfx(result, lsb: 0, width: 32))
        ir.flagsSet(ir.shift(.shl, ir.shift(.lshr, result, by: 32), by: 30))
        return .next
    }

    private mutating func fromInteger(Rd: Int, Rn: Int, ftype: Int, sf: Int, opcode: Int, _ mode: FPMode) -> TranslationStep {
        if ftype == 3 { return undefined() }
        let a = X(Rn, is64Bit: sf != 0)
        let whole = mode.union(integerMode(isUnsigned: opcode & 1 != 0, sf: sf))
        ir.set(.v(Rd), ir.fpFromGeneral(a, lane: elementSize(ftype: ftype), mode: whole))
        return .next
    }

    mutating func integerToFloat(_ f: FloatIntegerConversion) -> TranslationStep {
        fromInteger(Rd: f.Rd, Rn: f.Rn, ftype: f.ftype, sf: f.sf, opcode: f.opcode, [])
    }

    mutating func fixedToFloat(_ f: FloatFixedConversion) -> TranslationStep {
        fromInteger(Rd: f.Rd, Rn: f.Rn, ftype: f.ftype, sf: f.sf, opcode: f.opcode, .fraction(64 - f.scale))
    }
}
