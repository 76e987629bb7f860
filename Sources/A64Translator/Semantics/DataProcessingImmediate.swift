internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), "Data Processing -- Immediate". None of these raises a guest exception or ends the TB, but
// the logical ones are UNDEFINED for a reserved bit mask.

// MARK: PC-rel. addressing

extension Translator {
    /// `ADR`: PC plus a signed 21-bit offset in bytes.
    mutating func ADR(_ f: PCRelAddressing) -> TranslationStep {
        let offset = signExtend(f.immhi << 2 | f.immlo, bits: 21)
        setX(f.Rd, ir.const(pc &+ UInt64(bitPattern: offset)))
        return .next
    }

    /// `ADRP`: the PC's 4 KiB page plus a signed 21-bit offset in pages.
    mutating func ADRP(_ f: PCRelAddressing) -> TranslationStep {
        let offset = signExtend(f.immhi << 2 | f.immlo, bits: 21) << 12
        setX(f.Rd, ir.const((pc & ~0xfff) &+ UInt64(bitPattern: offset)))
        return .next
    }
}

// MARK: Add/subtract (immediate)

extension Translator {
    mutating func ADD_imm(_ f: AddSubImmediate) -> TranslationStep { addSubImmediate(f) }
    mutating func ADDS_imm(_ f: AddSubImmediate) -> TranslationStep { addSubImmediate(f) }
    mutating func SUB_imm(_ f: AddSubImmediate) -> TranslationStep { addSubImmediate(f) }
    mutating func SUBS_imm(_ f: AddSubImmediate) -> TranslationStep { addSubImmediate(f) }

    /// Register 31 is SP for `Rn`, and for `Rd` unless flags are set (then XZR).
    private mutating func addSubImmediate(_ f: AddSubImmediate) -> TranslationStep {
        let is64Bit = f.sf == 1
        let setsFlags = f.S == 1
        let a = XSP(f.Rn, is64Bit: is64Bit)
        if f.imm12 == 0 && !setsFlags {
            setXSP(f.Rd, a)  // MOV to or from SP
            return .next
        }
        let b = ir.const(UInt64(f.imm12) << (f.sh == 1 ? 12 : 0), is64Bit ? .i64 : .i32)
        let needsResult = !(setsFlags && f.Rd == 31)
        let result = addWithCarry(a, b, subtract: f.op == 1, setsFlags: setsFlags, needsResult: needsResult)
        if needsResult { setXSP(f.Rd, result) }
        return .next
    }
}

// MARK: Logical (immediate)

extension Translator {
    mutating func AND_imm(_ f: LogicalImmediate) -> TranslationStep { logicalImmediate(f) }
    mutating func ORR_imm(_ f: LogicalImmediate) -> TranslationStep { logicalImmediate(f) }
    mutating func EOR_imm(_ f: LogicalImmediate) -> TranslationStep { logicalImmediate(f) }
    mutating func ANDS_imm(_ f: LogicalImmediate) -> TranslationStep { logicalImmediate(f) }

    /// Register 31 is XZR for `Rn`, and SP for `Rd` unless flags are set. UNDEFINED for a reserved bit mask.
    private mutating func logicalImmediate(_ f: LogicalImmediate) -> TranslationStep {
        let is64Bit = f.sf == 1
        guard let mask = decodeBitMasks(N: f.N, imms: f.imms, immr: f.immr, is64Bit: is64Bit) else {
            return undefined()
        }
        let a = X(f.Rn, is64Bit: is64Bit)
        let b = ir.const(mask, is64Bit ? .i64 : .i32)
        switch f.opc {
        case 0: setXSP(f.Rd, ir.and(a, b))
        case 1: setXSP(f.Rd, ir.or(a, b))
        case 2: setXSP(f.Rd, ir.xor(a, b))
        default:
            let result = ir.and(a, b)
            ir.flags(.flagsLogic, result)
            setX(f.Rd, result)
        }
        return .next
    }
}

// MARK: Move wide (immediate)

extension Translator {
    /// `MOVN`: NOT of the shifted immediate.
    mutating func MOVN(_ f: MoveWideImmediate) -> TranslationStep {
        let value = ~(UInt64(f.imm16) << UInt64(f.hw * 16))
        setX(f.Rd, ir.const(value, f.sf == 1 ? .i64 : .i32))
        return .next
    }

    /// `MOVZ`: the shifted immediate.
    mutating func MOVZ(_ f: MoveWideImmediate) -> TranslationStep {
        setX(f.Rd, ir.const(UInt64(f.imm16) << UInt64(f.hw * 16)))
        return .next
    }

    /// `MOVK`: replaces one halfword, keeps the others.
    mutating func MOVK(_ f: MoveWideImmediate) -> TranslationStep {
        let is64Bit = f.sf == 1
        if f.Rd == 31 { return .next }
        let old = X(f.Rd, is64Bit: is64Bit)
        let half = ir.const(UInt64(f.imm16), is64Bit ? .i64 : .i32)
        setX(f.Rd, ir.bfi(old, half, lsb: f.hw * 16, width: 16))
        return .next
    }
}

// MARK: Bitfield

extension Translator {
    /// Fields of the bitfield instructions as this file uses them: with `imms >= immr` the field `imms:immr` of the
    /// source goes to bit 0 (extract), otherwise its `imms + 1` low bits go to bit `lsb` (insert).
    private struct BitfieldMove {
        let is64Bit: Bool
        let bits: Int
        let isExtract: Bool
        let lsb: Int
        let width: Int

        init(_ f: Bitfield) {
            is64Bit = f.sf == 1
            bits = is64Bit ? 64 : 32
            isExtract = f.imms >= f.immr
            lsb = isExtract ? f.immr : bits - f.immr
            width = isExtract ? f.imms - f.immr + 1 : f.imms + 1
        }

        /// The field ends at the top of the register, so that a shift alone does it.
        var isShift: Bool { lsb + width == bits }
    }

    /// `SBFM` (ASR, SBFX, SBFIZ, SXTB, SXTH, SXTW).
    mutating func SBFM(_ f: Bitfield) -> TranslationStep {
        let move = BitfieldMove(f)
        let source = X(f.Rn, is64Bit: move.is64Bit)
        if move.isExtract {
            setX(
                f.Rd,
                move.isShift
                    ? ir.shift(.ashr, source, by: move.lsb) : ir.sbfx(source, lsb: move.lsb, width: move.width))
        } else {
            let field = move.isShift ? source : ir.sbfx(source, lsb: 0, width: move.width)
            setX(f.Rd, ir.shift(.shl, field, by: move.lsb))
        }
        return .next
    }

    /// `UBFM` (LSL, LSR, UBFX, UBFIZ, UXTB, UXTH).
    mutating func UBFM(_ f: Bitfield) -> TranslationStep {
        let move = BitfieldMove(f)
        let source = X(f.Rn, is64Bit: move.is64Bit)
        if move.isExtract {
            setX(
                f.Rd,
                move.isShift
                    ? ir.shift(.lshr, source, by: move.lsb) : ir.ubfx(source, lsb: move.lsb, width: move.width))
        } else {
            let field = move.isShift ? source : ir.ubfx(source, lsb: 0, width: move.width)
            setX(f.Rd, ir.shift(.shl, field, by: move.lsb))
        }
        return .next
    }

    /// `BFM` (BFI, BFXIL, BFC): the other bits of `Rd` stay.
    mutating func BFM(_ f: Bitfield) -> TranslationStep {
        let move = BitfieldMove(f)
        if f.Rd == 31 { return .next }
        let source = X(f.Rn, is64Bit: move.is64Bit)
        if move.width == move.bits {
            setX(f.Rd, source)
            return .next
        }
        let old = X(f.Rd, is64Bit: move.is64Bit)
        let field = move.isExtract && f.Rn != 31 ? ir.shift(.lshr, source, by: move.lsb) : source
        setX(f.Rd, ir.bfi(old, field, lsb: move.isExtract ? 0 : move.lsb, width: move.width))
        return .next
    }
}

// MARK: Extract

extension Translator {
    /// `EXTR` (ROR by an immediate when both sources are one register).
    mutating func EXTR(_ f: Extract) -> TranslationStep {
        let is64Bit = f.sf == 1
        let low = X(f.Rm, is64Bit: is64Bit)
        if f.imms == 0 {
            setX(f.Rd, low)
        } else if f.Rn == f.Rm {
            setX(f.Rd, ir.shift(.ror, low, by: f.imms))
        } else {
            let high = X(f.Rn, is64Bit: is64Bit)
            setX(f.Rd, ir.extr(high, low, lsb: f.imms))
        }
        return .next
    }
}
