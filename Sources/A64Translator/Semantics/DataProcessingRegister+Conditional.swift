internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), "Data Processing -- Register": what reads a condition or computes NZCV by itself. Flag words are
// NZCV in bits 31:28, as in the NZCV register.

// MARK: Conditional compare

extension Translator {
    mutating func CCMN_reg(_ f: ConditionalCompareRegister) -> TranslationStep {
        conditionalCompare(b: X(f.Rm, is64Bit: f.sf == 1), subtract: false, f.Rn, f.sf, f.cond, f.nzcv)
    }
    mutating func CCMP_reg(_ f: ConditionalCompareRegister) -> TranslationStep {
        conditionalCompare(b: X(f.Rm, is64Bit: f.sf == 1), subtract: true, f.Rn, f.sf, f.cond, f.nzcv)
    }
    mutating func CCMN_imm(_ f: ConditionalCompareImmediate) -> TranslationStep {
        let b = ir.const(UInt64(f.imm5), f.sf == 1 ? .i64 : .i32)
        return conditionalCompare(b: b, subtract: false, f.Rn, f.sf, f.cond, f.nzcv)
    }
    mutating func CCMP_imm(_ f: ConditionalCompareImmediate) -> TranslationStep {
        let b = ir.const(UInt64(f.imm5), f.sf == 1 ? .i64 : .i32)
        return conditionalCompare(b: b, subtract: true, f.Rn, f.sf, f.cond, f.nzcv)
    }

    /// NZCV of the comparison when the condition holds, else the instruction's `nzcv`.
    private mutating func conditionalCompare(
        b: Value, subtract: Bool, _ n: Int, _ sf: Int, _ cond: Int, _ nzcv: Int
    ) -> TranslationStep {
        let a = X(n, is64Bit: sf == 1)
        if let holds = conditionHolds(cond) {
            ir.flagsCcmp(subtract: subtract, holds, a, b, otherwise: UInt8(truncatingIfNeeded: nzcv))
        } else {
            ir.flags(subtract ? .flagsSub : .flagsAdd, a, b)
        }
        return .next
    }
}

// MARK: Conditional select

extension Translator {
    mutating func CSEL(_ f: ConditionalSelect) -> TranslationStep {
        let m = X(f.Rm, is64Bit: f.sf == 1)
        return conditionalSelect(f, otherwise: m)
    }

    /// `CSINC` (CINC, CSET).
    mutating func CSINC(_ f: ConditionalSelect) -> TranslationStep {
        if f.Rn == 31, f.Rm == 31, let isClear = conditionHolds(f.cond ^ 1) {
            setX(f.Rd, isClear)
            return .next
        }
        let is64Bit = f.sf == 1
        let m = X(f.Rm, is64Bit: is64Bit)
        let one = ir.const(1, is64Bit ? .i64 : .i32)
        return conditionalSelect(f, otherwise: ir.add(m, one))
    }

    /// `CSINV` (CINV, CSETM).
    mutating func CSINV(_ f: ConditionalSelect) -> TranslationStep {
        let is64Bit = f.sf == 1
        if f.Rn == 31, f.Rm == 31, let isClear = conditionHolds(f.cond ^ 1) {
            setX(f.Rd, ir.sext(isClear, is64Bit ? .i64 : .i32))
            return .next
        }
        let m = X(f.Rm, is64Bit: is64Bit)
        return conditionalSelect(f, otherwise: ir.not(m))
    }

    /// `CSNEG` (CNEG).
    mutating func CSNEG(_ f: ConditionalSelect) -> TranslationStep {
        let is64Bit = f.sf == 1
        let m = X(f.Rm, is64Bit: is64Bit)
        let zero = ir.const(0, is64Bit ? .i64 : .i32)
        return conditionalSelect(f, otherwise: ir.sub(zero, m))
    }

    /// `X[n]` when the condition holds, else `other`.
    private mutating func conditionalSelect(_ f: ConditionalSelect, otherwise other: Value) -> TranslationStep {
        let n = X(f.Rn, is64Bit: f.sf == 1)
        if let holds = conditionHolds(f.cond) {
            setX(f.Rd, ir.select(holds, n, other))
        } else {
            setX(f.Rd, n)
        }
        return .next
    }
}

// MARK: Rotate right into flags, evaluate into flags

extension Translator {
    /// `RMIF`: bits 3:0 of `X[n]` rotated right by imm6 replace the flags that `mask` selects.
    mutating func RMIF(_ f: RotateRightIntoFlags) -> TranslationStep {
        // Rotated so that the four bits come to 31:28, where the flag word has them.
        let rotated = ir.shift(.ror, X(f.Rn), by: (f.imm6 + 64 - 28) & 63)
        if f.mask == 15 {
            ir.flagsSet(rotated)
        } else if f.mask != 0 {
            let selected = UInt64(f.mask) << 28
            let kept = ir.and(ir.flagsGet(), ir.const(~selected))
            let new = ir.and(rotated, ir.const(selected))
            ir.flagsSet(ir.or(kept, new))
        }
        return .next
    }

    mutating func SETF8(_ f: EvaluateIntoFlags) -> TranslationStep { evaluateIntoFlags(f, width: 8) }
    mutating func SETF16(_ f: EvaluateIntoFlags) -> TranslationStep { evaluateIntoFlags(f, width: 16) }

    /// N and Z of the low `width` bits, V = bit `width` EOR bit `width - 1`, C stays.
    private mutating func evaluateIntoFlags(_ f: EvaluateIntoFlags, width: Int) -> TranslationStep {
        let value = X(f.Rn)
        let aligned = ir.shift(.shl, value, by: 32 - width)  // bit width-1 at 31, bit width at 32
        let n = ir.and(aligned, ir.const(1 << 31))
        let low = ir.and(value, ir.const((1 << UInt64(width)) - 1))
        let z = ir.shift(.shl, ir.zext(ir.icmp(.icmpEQ, low, ir.const(0)), .i64), by: 30)
        let differs = ir.xor(ir.shift(.lshr, aligned, by: 4), ir.shift(.lshr, aligned, by: 3))
        let v = ir.and(differs, ir.const(1 << 28))
        let c = ir.and(ir.flagsGet(), ir.const(1 << 29))
        ir.flagsSet(ir.or(ir.or(n, z), ir.or(c, v)))
        return .next
    }
}

// MARK: Flag manipulation (encoded with the PSTATE instructions)

extension Translator {
    /// `CFINV`: inverts C.
    mutating func CFINV(_ f: PSTATE) -> TranslationStep {
        ir.flagsSet(ir.xor(ir.flagsGet(), ir.const(1 << 29)))
        return .next
    }

    /// `XAFLAG`: floating-point comparison flags from the alternative to the Arm format.
    mutating func XAFLAG(_ f: PSTATE) -> TranslationStep {
        // N = !C && !Z, Z = Z && C, C = C || Z, V = !C && Z: each computed at its own bit position.
        let old = ir.flagsGet()
        let zAtC = ir.shift(.lshr, old, by: 1)
        let cAtZ = ir.shift(.shl, old, by: 1)
        let z = ir.and(ir.and(old, cAtZ), ir.const(1 << 30))
        let c = ir.and(ir.or(old, zAtC), ir.const(1 << 29))
        let neither = ir.not(ir.or(old, zAtC))  // bit 29: !C && !Z
        let n = ir.and(ir.shift(.shl, neither, by: 2), ir.const(1 << 31))
        let zOnly = ir.andNot(zAtC, old)  // bit 29: Z && !C
        let v = ir.and(ir.shift(.lshr, zOnly, by: 1), ir.const(1 << 28))
        ir.flagsSet(ir.or(ir.or(n, z), ir.or(c, v)))
        return .next
    }

    /// `AXFLAG`: floating-point comparison flags from the Arm to the alternative format.
    mutating func AXFLAG(_ f: PSTATE) -> TranslationStep {
        // N = 0, Z = Z || V, C = C && !V, V = 0.
        let old = ir.flagsGet()
        let z = ir.and(ir.or(old, ir.shift(.shl, old, by: 2)), ir.const(1 << 30))
        let c = ir.and(ir.andNot(old, ir.shift(.shl, old, by: 1)), ir.const(1 << 29))
        ir.flagsSet(ir.or(z, c))
        return .next
    }
}
