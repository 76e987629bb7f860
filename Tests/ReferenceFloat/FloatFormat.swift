/// IEEE 754's binary16, binary32 and binary64 as bit patterns.
package struct FloatFormat: Hashable, Sendable {
    package let exponentBits: Int
    package let fractionBits: Int
    package static let half = FloatFormat(exponentBits: 5, fractionBits: 10)
    package static let single = FloatFormat(exponentBits: 8, fractionBits: 23)
    package static let double = FloatFormat(exponentBits: 11, fractionBits: 52)

    package var width: Int { 1 + exponentBits + fractionBits }
    var bias: Int { (1 << (exponentBits - 1)) - 1 }
    var topExponent: UInt64 { (1 << UInt64(exponentBits)) - 1 }
    var fractionMask: UInt64 { (1 << UInt64(fractionBits)) - 1 }
    package var sign: UInt64 { 1 << UInt64(width - 1) }
    package var infinity: UInt64 { topExponent << UInt64(fractionBits) }
    package var defaultNaN: UInt64 { infinity | quietBit }
    var quietBit: UInt64 { 1 << UInt64(fractionBits - 1) }
    var largest: UInt64 { infinity - 1 }

    func isNaN(_ bits: UInt64) -> Bool { bits & ~sign > infinity }
    func isSignalling(_ bits: UInt64) -> Bool { isNaN(bits) && bits & quietBit == 0 }
    func isInfinite(_ bits: UInt64) -> Bool { bits & ~sign == infinity }
    func isSubnormal(_ bits: UInt64) -> Bool { bits & infinity == 0 && bits & fractionMask != 0 }
}

package enum FloatRounding: UInt64, CaseIterable, Sendable {
    /// FPCR.RMode's numbers.
    case toNearest, up, down, towardZero
    /// Only of instructions that name it: to nearest, halves away from 0.
    case tiesAway
}

/// FPSR's cumulative bits.
package struct FloatFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let invalid = FloatFlags(rawValue: 1)
    package static let divisionByZero = FloatFlags(rawValue: 2)
    package static let overflow = FloatFlags(rawValue: 4)
    package static let underflow = FloatFlags(rawValue: 8)
    package static let inexact = FloatFlags(rawValue: 16)
    package static let inputDenormal = FloatFlags(rawValue: 128)
}
