// Shared pseudocode functions of the manual (Arm ARM, "A64 Instruction Set Pseudocode Library") as IR emitters. Names
// are the manual's, lower-camel.

package import EmuIR

/// `ShiftType`, numbered as the `shift` fields are.
package enum ShiftType: Int, BitwiseCopyable, Sendable {
    case lsl, lsr, asr, ror

    var opcode: Opcode {
        switch self {
        case .lsl: .shl
        case .lsr: .lshr
        case .asr: .ashr
        case .ror: .ror
        }
    }
}

/// `SignExtend(value<bits-1:0>, 64)` of an immediate field. `bits` is 1...63; higher bits of `value` are ignored.
package func signExtend(_ value: Int, bits: Int) -> Int64 {
    let shift = 64 - bits
    return (Int64(truncatingIfNeeded: value) << Int64(shift)) >> Int64(shift)
}

/// `DecodeBitMasks(immN, imms, immr, TRUE)`, its `wmask` result: the immediate of the logical instructions.
///
/// - Returns: The value, with bits 63:32 zero when `is64Bit` is false; nil for the reserved combinations (UNDEFINED),
///   among them N = 1 of a 32-bit instruction.
package func decodeBitMasks(N: Int, imms: Int, immr: Int, is64Bit: Bool) -> UInt64? {
    if N == 1 && !is64Bit { return nil }
    let selector = UInt32(truncatingIfNeeded: N << 6 | (~imms & 0x3f))
    // The element size is the highest set bit of N:NOT(imms); an element of one bit is reserved.
    let length = 31 - selector.leadingZeroBitCount
    guard length >= 1 else { return nil }
    let size = 1 << length
    let levels = size - 1
    let s = imms & levels
    let r = immr & levels
    if s == levels { return nil }
    let elementMask: UInt64 = size == 64 ? .max : (1 << UInt64(size)) - 1
    let ones: UInt64 = (1 << UInt64(s + 1)) - 1
    var element = r == 0 ? ones : (ones >> UInt64(r) | ones << UInt64(size - r)) & elementMask
    var width = size
    while width < 64 {
        element |= element << UInt64(width)
        width *= 2
    }
    return is64Bit ? element : element & 0xffff_ffff
}

extension Translator {
    /// `ConditionHolds(cond)` as an i1 value; nil for AL and NV, which always hold.
    package mutating func conditionHolds(_ cond: Int) -> Value? {
        guard let condition = Condition(rawValue: UInt8(truncatingIfNeeded: cond & 15)) else { return nil }
        switch condition {
        case .al, .nv: return nil
        case .eq, .ne, .cs, .cc, .mi, .pl, .vs, .vc, .hi, .ls, .ge, .lt, .gt, .le: return ir.cond(condition)
        }
    }

    /// `ShiftReg(reg, shiftType, amount)`: `X[n]` shifted by a constant, `amount` in 0..<datasize.
    package mutating func shiftReg(_ n: Int, _ type: ShiftType, by amount: Int, is64Bit: Bool) -> Value {
        let value = X(n, is64Bit: is64Bit)
        return n == 31 ? value : ir.shift(type.opcode, value, by: amount)
    }

    /// `ExtendReg(reg, exttype, shift)`: the low byte, halfword, word or all of `X[n]`, extended and shifted left by
    /// `shift` (0...4).
    ///
    /// - Parameter option: UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX as 0...7.
    package mutating func extendReg(_ n: Int, option: Int, shift: Int, is64Bit: Bool) -> Value {
        var value = X(n, is64Bit: is64Bit)
        if n == 31 { return value }
        let width = 8 << (option & 3)
        if width < (is64Bit ? 64 : 32) {
            value =
                option & 4 == 0 ? ir.ubfx(value, lsb: 0, width: width) : ir.sbfx(value, lsb: 0, width: width)
        }
        return ir.shift(.shl, value, by: shift)
    }

    /// `AddWithCarry` as the immediate, shifted and extended add and subtract use it: `a + b` or `a + NOT(b) + 1`, and
    /// NZCV when asked. The result is emitted only when `needsResult`, so that CMP and CMN are one operation.
    package mutating func addWithCarry(
        _ a: Value, _ b: Value, subtract: Bool, setsFlags: Bool, needsResult: Bool = true
    ) -> Value {
        let result = needsResult ? (subtract ? ir.sub(a, b) : ir.add(a, b)) : Value.none
        if setsFlags { ir.flags(subtract ? .flagsSub : .flagsAdd, a, b) }
        return result
    }
}
