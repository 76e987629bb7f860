internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), "Data Processing -- Register": logic, add and subtract, shifts, bit counting, conditional select.
// Register 31 is XZR unless a function says otherwise. None raises a guest exception or ends the TB.

// MARK: Logical (shifted register)

extension Translator {
    mutating func AND_log_shift(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func BIC_log_shift(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func ORR_log_shift(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func ORN_log_shift(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func EOR_log_shift(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func EON(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func ANDS_log_shift(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }
    mutating func BICS(_ f: LogicalShiftedRegister) -> TranslationStep { logicalShifted(f) }

    private mutating func logicalShifted(_ f: LogicalShiftedRegister) -> TranslationStep {
        let is64Bit = f.sf == 1
        guard let type = ShiftType(rawValue: f.shift) else { return undefined() }
        let b = shiftReg(f.Rm, type, by: f.imm6, is64Bit: is64Bit)
        let invert = f.N == 1
        let result: Value
        switch f.opc {
        case 0, 3:
            let a = X(f.Rn, is64Bit: is64Bit)
            result = invert ? ir.andNot(a, b) : ir.and(a, b)
        case 1:
            // With XZR this is MOV and MVN: the builder folds the zero away.
            let operand = invert ? ir.not(b) : b
            result = f.Rn == 31 ? operand : ir.or(X(f.Rn, is64Bit: is64Bit), operand)
        default:
            let operand = invert ? ir.not(b) : b
            result = f.Rn == 31 ? operand : ir.xor(X(f.Rn, is64Bit: is64Bit), operand)
        }
        if f.opc == 3 { ir.flags(.flagsLogic, result) }
        setX(f.Rd, result)
        return .next
    }
}

// MARK: Add/subtract (shifted register)

extension Translator {
    mutating func ADD_addsub_shift(_ f: AddSubShiftedRegister) -> TranslationStep { addSubShifted(f) }
    mutating func ADDS_addsub_shift(_ f: AddSubShiftedRegister) -> TranslationStep { addSubShifted(f) }
    mutating func SUB_addsub_shift(_ f: AddSubShiftedRegister) -> TranslationStep { addSubShifted(f) }
    mutating func SUBS_addsub_shift(_ f: AddSubShiftedRegister) -> TranslationStep { addSubShifted(f) }

    private mutating func addSubShifted(_ f: AddSubShiftedRegister) -> TranslationStep {
        let is64Bit = f.sf == 1
        guard let type = ShiftType(rawValue: f.shift) else { return undefined() }
        let a = X(f.Rn, is64Bit: is64Bit)
        let b = shiftReg(f.Rm, type, by: f.imm6, is64Bit: is64Bit)
        let needsResult = f.Rd != 31
        let result = addWithCarry(a, b, subtract: f.op == 1, setsFlags: f.S == 1, needsResult: needsResult)
        if needsResult { setX(f.Rd, result) }
        return .next
    }
}

// MARK: Add/subtract (extended register)

extension Translator {
    mutating func ADD_addsub_ext(_ f: AddSubExtendedRegister) -> TranslationStep { addSubExtended(f) }
    mutating func ADDS_addsub_ext(_ f: AddSubExtendedRegister) -> TranslationStep { addSubExtended(f) }
    mutating func SUB_addsub_ext(_ f: AddSubExtendedRegister) -> TranslationStep { addSubExtended(f) }
    mutating func SUBS_addsub_ext(_ f: AddSubExtendedRegister) -> TranslationStep { addSubExtended(f) }

    /// Register 31 is SP for `Rn`, XZR for `Rm`, and for `Rd` SP unless flags are set.
    private mutating func addSubExtended(_ f: AddSubExtendedRegister) -> TranslationStep {
        let is64Bit = f.sf == 1
        let setsFlags = f.S == 1
        let a = XSP(f.Rn, is64Bit: is64Bit)
        let b = extendReg(f.Rm, option: f.option, shift: f.imm3, is64Bit: is64Bit)
        let needsResult = !(setsFlags && f.Rd == 31)
        let result = addWithCarry(a, b, subtract: f.op == 1, setsFlags: setsFlags, needsResult: needsResult)
        if needsResult { setXSP(f.Rd, result) }
        return .next
    }
}

// MARK: Add/subtract (with carry)

extension Translator {
    mutating func ADC(_ f: AddSubWithCarry) -> TranslationStep { addSubCarry(f) }
    mutating func ADCS(_ f: AddSubWithCarry) -> TranslationStep { addSubCarry(f) }
    mutating func SBC(_ f: AddSubWithCarry) -> TranslationStep { addSubCarry(f) }
    mutating func SBCS(_ f: AddSubWithCarry) -> TranslationStep { addSubCarry(f) }

    private mutating func addSubCarry(_ f: AddSubWithCarry) -> TranslationStep {
        let is64Bit = f.sf == 1
        let subtract = f.op == 1
        let a = X(f.Rn, is64Bit: is64Bit)
        let b = X(f.Rm, is64Bit: is64Bit)
        // The result before the flags: both read the old C.
        let result = f.Rd == 31 ? Value.none : ir.binary(subtract ? .sbc : .adc, a, b)
        if f.S == 1 { ir.flags(subtract ? .flagsSbc : .flagsAdc, a, b) }
        if f.Rd != 31 { setX(f.Rd, result) }
        return .next
    }
}

// MARK: Data-processing (2 source): division and variable shifts

extension Translator {
    /// `UDIV`: 0 when the divisor is 0.
    mutating func UDIV(_ f: DataProcessing2Source) -> TranslationStep { twoSource(.udiv, f) }
    /// `SDIV`: rounds toward zero; 0 when the divisor is 0; the minimum divided by -1 is the minimum.
    mutating func SDIV(_ f: DataProcessing2Source) -> TranslationStep { twoSource(.sdiv, f) }
    /// `LSLV`, and below `LSRV`, `ASRV`, `RORV`: the amount is `Rm` modulo the register width.
    mutating func LSLV(_ f: DataProcessing2Source) -> TranslationStep { twoSource(.shl, f) }
    mutating func LSRV(_ f: DataProcessing2Source) -> TranslationStep { twoSource(.lshr, f) }
    mutating func ASRV(_ f: DataProcessing2Source) -> TranslationStep { twoSource(.ashr, f) }
    mutating func RORV(_ f: DataProcessing2Source) -> TranslationStep { twoSource(.ror, f) }

    private mutating func twoSource(_ op: Opcode, _ f: DataProcessing2Source) -> TranslationStep {
        let is64Bit = f.sf == 1
        let a = X(f.Rn, is64Bit: is64Bit)
        let b = X(f.Rm, is64Bit: is64Bit)
        setX(f.Rd, ir.binary(op, a, b))
        return .next
    }
}

// MARK: Data-processing (2 source): CRC-32

extension Translator {
    mutating func CRC32B(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32, f) }
    mutating func CRC32H(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32, f) }
    mutating func CRC32W(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32, f) }
    mutating func CRC32X(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32, f) }
    mutating func CRC32CB(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32c, f) }
    mutating func CRC32CH(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32c, f) }
    mutating func CRC32CW(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32c, f) }
    mutating func CRC32CX(_ f: DataProcessing2Source) -> TranslationStep { checksum(.crc32c, f) }

    /// The accumulator is 32 bits in `Rn`; the low `8 << opcode<1:0>` bits of `Rm` go in.
    private mutating func checksum(_ op: Opcode, _ f: DataProcessing2Source) -> TranslationStep {
        let size = f.opcode & 3
        let accumulator = X(f.Rn, is64Bit: false)
        let data = X(f.Rm, is64Bit: size == 3)
        setX(f.Rd, ir.append(IRInst(op, .i32, accumulator, data, aux: UInt8(truncatingIfNeeded: size))))
        return .next
    }
}

// MARK: Data-processing (1 source)

extension Translator {
    mutating func RBIT(_ f: DataProcessing1Source) -> TranslationStep { oneSource(.rbit, f) }
    /// `REV16`: bytes reversed within each halfword.
    mutating func REV16(_ f: DataProcessing1Source) -> TranslationStep { oneSource(.rev16, f) }
    /// `REV` of a W register.
    mutating func REV_32(_ f: DataProcessing1Source) -> TranslationStep { oneSource(.bswap, f) }
    /// `REV` of an X register.
    mutating func REV_64(_ f: DataProcessing1Source) -> TranslationStep { oneSource(.bswap, f) }
    mutating func CLZ_int(_ f: DataProcessing1Source) -> TranslationStep { oneSource(.clz, f) }
    mutating func CLS_int(_ f: DataProcessing1Source) -> TranslationStep { oneSource(.cls, f) }

    /// `REV32`: bytes reversed within each word of an X register.
    mutating func REV32(_ f: DataProcessing1Source) -> TranslationStep {
        let reversed = ir.unary(.bswap, X(f.Rn))
        setX(f.Rd, ir.shift(.ror, reversed, by: 32))
        return .next
    }

    private mutating func oneSource(_ op: Opcode, _ f: DataProcessing1Source) -> TranslationStep {
        let operand = X(f.Rn, is64Bit: f.sf == 1)
        setX(f.Rd, ir.unary(op, operand))
        return .next
    }
}

// MARK: Data-processing (3 source)

extension Translator {
    mutating func MADD(_ f: DataProcessing3Source) -> TranslationStep {
        let is64Bit = f.sf == 1
        let n = X(f.Rn, is64Bit: is64Bit)
        let m = X(f.Rm, is64Bit: is64Bit)
        return accumulate(ir.mul(n, m), subtract: false, f)
    }

    mutating func MSUB(_ f: DataProcessing3Source) -> TranslationStep {
        let is64Bit = f.sf == 1
        let n = X(f.Rn, is64Bit: is64Bit)
        let m = X(f.Rm, is64Bit: is64Bit)
        return accumulate(ir.mul(n, m), subtract: true, f)
    }

    mutating func SMADDL(_ f: DataProcessing3Source) -> TranslationStep {
        accumulate(longProduct(f, isSigned: true), subtract: false, f)
    }
    mutating func SMSUBL(_ f: DataProcessing3Source) -> TranslationStep {
        accumulate(longProduct(f, isSigned: true), subtract: true, f)
    }
    mutating func UMADDL(_ f: DataProcessing3Source) -> TranslationStep {
        accumulate(longProduct(f, isSigned: false), subtract: false, f)
    }
    mutating func UMSUBL(_ f: DataProcessing3Source) -> TranslationStep {
        accumulate(longProduct(f, isSigned: false), subtract: true, f)
    }

    /// `SMULH`: bits 127:64 of the signed product; `Ra` is ignored.
    mutating func SMULH(_ f: DataProcessing3Source) -> TranslationStep {
        let n = X(f.Rn)
        let m = X(f.Rm)
        setX(f.Rd, ir.binary(.smulh, n, m))
        return .next
    }

    /// `UMULH`: bits 127:64 of the unsigned product; `Ra` is ignored.
    mutating func UMULH(_ f: DataProcessing3Source) -> TranslationStep {
        let n = X(f.Rn)
        let m = X(f.Rm)
        setX(f.Rd, ir.binary(.umulh, n, m))
        return .next
    }

    /// The 64-bit product of two W registers.
    private mutating func longProduct(_ f: DataProcessing3Source, isSigned: Bool) -> Value {
        // SXTW and UXTW of the sources; one operation each on the X register.
        let option = isSigned ? 6 : 2
        let n = extendReg(f.Rn, option: option, shift: 0, is64Bit: true)
        let m = extendReg(f.Rm, option: option, shift: 0, is64Bit: true)
        return ir.mul(n, m)
    }

    private mutating func accumulate(_ product: Value, subtract: Bool, _ f: DataProcessing3Source) -> TranslationStep {
        if f.Ra == 31 && !subtract {
            setX(f.Rd, product)
            return .next
        }
        let a = X(f.Ra, is64Bit: f.sf == 1)
        setX(f.Rd, subtract ? ir.sub(a, product) : ir.add(a, product))
        return .next
    }
}
