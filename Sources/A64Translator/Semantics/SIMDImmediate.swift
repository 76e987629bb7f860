internal import A64ISA
internal import EmuIR

/// `AdvSIMDExpandImm(op, cmode, imm8)`: 64 bits, the same in both halves of the register.
package func advSIMDExpandImm(op: Int, cmode: Int, imm8: Int) -> UInt64 {
    let byte = UInt64(imm8)
    func words(_ value: UInt64) -> UInt64 { value | value << 32 }
    switch cmode >> 1 {
    case 0, 1, 2, 3: return words(byte << UInt64(8 * (cmode >> 1)))
    case 4, 5: return (byte << UInt64(8 * (cmode >> 1 & 1))) &* 0x0001_0001_0001_0001
    case 6: return words(cmode & 1 == 0 ? byte << 8 | 0xff : byte << 16 | 0xffff)
    default:
        switch (cmode & 1, op) {
        case (0, 0): return byte &* 0x0101_0101_0101_0101
        case (0, _):
            var value: UInt64 = 0
            for bit in 0..<8 where imm8 >> bit & 1 == 1 { value |= 0xff << UInt64(8 * bit) }
            return value
        case (_, 0): return words(vfpExpandImm(imm8, size: 2))
        default: return vfpExpandImm(imm8, size: 3)
        }
    }
}

/// `VFPExpandImm(imm8)`: the floating-point number of 1 << `size` bytes with sign, three exponent bits and four fraction bits.
package func vfpExpandImm(_ imm8: Int, size: Int) -> UInt64 {
    let exponentBits = size == 1 ? 5 : size == 2 ? 8 : 11
    let width = 8 << size
    let fractionBits = width - exponentBits - 1
    let sign = UInt64(imm8 >> 7)
    let inverted = UInt64(imm8 >> 6 & 1)
    let repeated = inverted == 1 ? (UInt64(1) << UInt64(exponentBits - 3)) - 1 : 0
    let exponent = (inverted ^ 1) << UInt64(exponentBits - 1) | repeated << 2 | UInt64(imm8 >> 4 & 3)
    let fraction = UInt64(imm8 & 15) << UInt64(fractionBits - 4)
    return sign << UInt64(width - 1) | exponent << UInt64(fractionBits) | fraction
}

// Advanced SIMD modified immediate.
extension Translator {
    private func expanded(_ f: SIMDModifiedImmediate) -> UInt64 {
        advSIMDExpandImm(op: f.op, cmode: f.cmode, imm8: f.abc << 5 | f.defgh)
    }
    private mutating func setImmediate(_ f: SIMDModifiedImmediate, _ value: UInt64) -> TranslationStep {
        ir.set(.v(f.Rd), ir.vconst(lo: value, hi: f.Q == 1 ? value : 0))
        return .next
    }

    /// `MOVI` and `FMOV` of every element size.
    mutating func moveImmediateVector(_ f: SIMDModifiedImmediate) -> TranslationStep { setImmediate(f, expanded(f)) }
    /// `MVNI` of every element size.
    mutating func moveInvertedImmediateVector(_ f: SIMDModifiedImmediate) -> TranslationStep {
        setImmediate(f, ~expanded(f))
    }
    /// `FMOV` of half-precision elements.
    mutating func FMOV_advsimd_half(_ f: SIMDModifiedImmediate) -> TranslationStep {
        setImmediate(f, vfpExpandImm(f.abc << 5 | f.defgh, size: 1) &* 0x0001_0001_0001_0001)
    }
    /// `ORR` (vector, immediate) of every element size.
    mutating func orrImmediateVector(_ f: SIMDModifiedImmediate) -> TranslationStep { combine(f, .vor) }
    /// `BIC` (vector, immediate) of every element size.
    mutating func bicImmediateVector(_ f: SIMDModifiedImmediate) -> TranslationStep { combine(f, .vandNot) }

    private mutating func combine(_ f: SIMDModifiedImmediate, _ op: Opcode) -> TranslationStep {
        let value = expanded(f)
        let d = V(f.Rd)
        setV(f.Rd, ir.vector(op, d, ir.vconst(lo: value, hi: value)), Q: f.Q)
        return .next
    }
}
