internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), the instructions of FEAT_CSSC: of "Data-processing (1 source)", "Data-processing (2 source)" and
// "Min/max (immediate)". None of these touches the flags or raises a guest exception.

extension Translator {
    /// `CTZ`: trailing zeros; the register's width when it is 0.
    mutating func CTZ(_ f: DataProcessing1Source) -> TranslationStep {
        let reversed = ir.unary(.rbit, X(f.Rn, is64Bit: f.sf == 1))
        setX(f.Rd, ir.unary(.clz, reversed))
        return .next
    }

    /// `CNT`: ones.
    mutating func CNT_int(_ f: DataProcessing1Source) -> TranslationStep {
        let operand = ir.zext(X(f.Rn, is64Bit: f.sf == 1), .i128)
        let bytes = ir.lo64(ir.vector(.vcnt, operand))
        // The product's top byte is the sum of all bytes, 64 at most.
        let sums = ir.mul(bytes, ir.const(0x0101_0101_0101_0101))
        setX(f.Rd, ir.shift(.lshr, sums, by: 56))
        return .next
    }

    /// `ABS`: the least number stays as it is.
    mutating func ABS_int(_ f: DataProcessing1Source) -> TranslationStep {
        let is64Bit = f.sf == 1
        let operand = X(f.Rn, is64Bit: is64Bit)
        let zero = ir.const(0, is64Bit ? .i64 : .i32)
        let isNegative = ir.icmp(.icmpSLT, operand, zero)
        setX(f.Rd, ir.select(isNegative, ir.binary(.sub, zero, operand), operand))
        return .next
    }

    /// `SMAX`, `UMAX`, `SMIN`, `UMIN`: opcode<0> is unsigned, opcode<1> the minimum.
    mutating func minMaxRegister(_ f: DataProcessing2Source) -> TranslationStep {
        let is64Bit = f.sf == 1
        return minMax(f.opcode & 3, X(f.Rn, is64Bit: is64Bit), X(f.Rm, is64Bit: is64Bit), to: f.Rd)
    }

    /// The same with an 8-bit immediate, signed for `SMAX` and `SMIN`.
    mutating func minMaxImmediate(_ f: MinMaxImmediate) -> TranslationStep {
        let is64Bit = f.sf == 1
        let immediate = f.opc & 1 == 0 ? UInt64(bitPattern: signExtend(f.imm8, bits: 8)) : UInt64(f.imm8)
        return minMax(f.opc, X(f.Rn, is64Bit: is64Bit), ir.const(immediate, is64Bit ? .i64 : .i32), to: f.Rd)
    }

    private mutating func minMax(_ kind: Int, _ a: Value, _ b: Value, to Rd: Int) -> TranslationStep {
        let isLess = ir.icmp(kind & 1 == 0 ? .icmpSLT : .icmpULT, a, b)
        setX(Rd, kind & 2 == 0 ? ir.select(isLess, b, a) : ir.select(isLess, a, b))
        return .next
    }
}
