/// The arithmetic of the Arm manual's FPAdd, FPMul, FPDiv, FPSqrt, FPMulAdd, FPConvert, FPToFixed, FixedToFP and FPRoundInt, computed
/// exactly in integers and rounded once. Shares nothing with the emulator, nor with the oracle. Slow.
package struct ReferenceFloat {
    /// FPCR: RMode, FZ, DN, AHP, FZ16.
    package let fpcr: UInt64
    package var flags: FloatFlags = []

    package init(fpcr: UInt64) { self.fpcr = fpcr }

    package var rounding: FloatRounding { FloatRounding(rawValue: fpcr >> 22 & 3) ?? .toNearest }
    private var usesDefaultNaN: Bool { fpcr >> 25 & 1 != 0 }
    private var isAlternativeHalf: Bool { fpcr >> 26 & 1 != 0 }
    private func flushes(_ format: FloatFormat) -> Bool { fpcr >> (format == .half ? 19 : 24) & 1 != 0 }

    /// significand * 2^exponent; `hasMore` says that the true value is a bit above, by less than one unit of the significand.
    private struct Value {
        var isNegative = false
        var significand = Natural(0)
        var exponent = 0
        var hasMore = false
        var isZero: Bool { significand.isZero && !hasMore }
    }

    // MARK: Operands

    /// A subnormal operand as 0 where FPCR says so. Only single and double set IDC.
    private mutating func flushed(_ bits: UInt64, _ format: FloatFormat) -> UInt64 {
        guard format.isSubnormal(bits), flushes(format) else { return bits }
        if format != .half { flags.insert(.inputDenormal) }
        return bits & format.sign
    }

    /// - Precondition: finite.
    private func value(_ bits: UInt64, _ format: FloatFormat) -> Value {
        let exponent = Int(bits >> UInt64(format.fractionBits) & format.topExponent)
        let fraction = bits & format.fractionMask
        return Value(
            isNegative: bits & format.sign != 0,
            significand: Natural(UInt128(exponent == 0 ? fraction : fraction + format.fractionMask + 1)),
            exponent: max(exponent, 1) - format.bias - format.fractionBits)
    }

    private mutating func quiet(_ bits: UInt64, _ format: FloatFormat) -> UInt64 {
        if format.isSignalling(bits) { flags.insert(.invalid) }
        return usesDefaultNaN ? format.defaultNaN : bits | format.quietBit
    }

    /// The first signalling NaN, else the first quiet one.
    private mutating func nan(_ operands: [UInt64], _ format: FloatFormat) -> UInt64? {
        let chosen = operands.first { format.isSignalling($0) } ?? operands.first { format.isNaN($0) }
        return chosen.map { quiet($0, format) }
    }

    private mutating func invalid(_ format: FloatFormat) -> UInt64 {
        flags.insert(.invalid)
        return format.defaultNaN
    }

    // MARK: Rounding

    /// Whether `kept` (of which `rest` was cut off) goes up to the next number.
    private func roundsUp(_ kept: UInt128, half: Bool, below: Bool, isNegative: Bool, _ rounding: FloatRounding) -> Bool {
        switch rounding {
        case .toNearest: half && (below || kept & 1 != 0)
        case .tiesAway: half
        case .up: (half || below) && !isNegative
        case .down: (half || below) && isNegative
        case .towardZero: false
        }
    }

    /// The part from 2^position up, and what is below: its first bit, and whether there is more.
    private func cut(_ value: Value, at position: Int) -> (kept: UInt128, half: Bool, below: Bool) {
        let drop = position - value.exponent
        if drop <= 0 {
            precondition(!value.hasMore, "a quotient with too few bits")
            return ((value.significand << -drop).shiftedRight(0), false, false)
        }
        return (
            value.significand.shiftedRight(drop), value.significand.shiftedRight(drop - 1) & 1 != 0,
            value.hasMore || value.significand.hasBits(below: drop - 1)
        )
    }

    private mutating func round(_ value: Value, _ format: FloatFormat, flushing: Bool? = nil, alternative: Bool = false) -> UInt64 {
        let sign = value.isNegative ? format.sign : 0
        if value.isZero { return sign }
        // 2^magnitude is at most the value.
        let magnitude = value.significand.bitCount - 1 + value.exponent
        let least = 1 - format.bias
        if magnitude < least, flushing ?? flushes(format) {
            flags.insert(.underflow)
            return sign
        }
        let (kept, half, below) = cut(value, at: max(magnitude, least) - format.fractionBits)
        let isInexact = half || below
        if magnitude < least && isInexact { flags.insert(.underflow) }
        let up = roundsUp(kept, half: half, below: below, isNegative: value.isNegative, rounding)
        // A carry out of the fraction goes into the exponent, as it should.
        var bits = UInt64(kept) + (up ? 1 : 0)
        if magnitude >= least { bits += UInt64(magnitude - least) << UInt64(format.fractionBits) }
        if alternative {
            // No infinities: one exponent more.
            if bits >= format.sign {
                flags.insert(.invalid)
                return sign | (format.sign - 1)
            }
        } else if bits >= format.infinity {
            flags.formUnion([.overflow, .inexact])
            let toInfinity =
                switch rounding {
                case .toNearest, .tiesAway: true
                case .up: !value.isNegative
                case .down: value.isNegative
                case .towardZero: false
                }
            return sign | (toInfinity ? format.infinity : format.largest)
        }
        if isInexact { flags.insert(.inexact) }
        return sign | bits
    }

    /// The exact sum. An exact 0 from unlike signs is negative only when rounding down.
    private func sum(_ a: Value, _ b: Value) -> Value {
        let exponent = min(a.exponent, b.exponent)
        let x = a.significand << (a.exponent - exponent)
        let y = b.significand << (b.exponent - exponent)
        if a.isNegative == b.isNegative { return Value(isNegative: a.isNegative, significand: x + y, exponent: exponent) }
        if x == y { return Value(isNegative: rounding == .down) }
        return x < y
            ? Value(isNegative: b.isNegative, significand: y - x, exponent: exponent)
            : Value(isNegative: a.isNegative, significand: x - y, exponent: exponent)
    }

    private func product(_ a: Value, _ b: Value) -> Value {
        Value(
            isNegative: a.isNegative != b.isNegative,
            significand: Natural(a.significand.shiftedRight(0) * b.significand.shiftedRight(0)),
            exponent: a.exponent + b.exponent)
    }

    // MARK: Arithmetic

    package mutating func add(_ x: UInt64, _ y: UInt64, _ format: FloatFormat) -> UInt64 {
        let (a, b) = (flushed(x, format), flushed(y, format))
        if let nan = nan([a, b], format) { return nan }
        switch (format.isInfinite(a), format.isInfinite(b)) {
        case (true, true): return a == b ? a : invalid(format)
        case (true, false): return a
        case (false, true): return b
        case (false, false): break
        }
        return round(sum(value(a, format), value(b, format)), format)
    }

    package mutating func subtract(_ x: UInt64, _ y: UInt64, _ format: FloatFormat) -> UInt64 {
        // A NaN keeps its sign.
        add(x, format.isNaN(y) ? y : y ^ format.sign, format)
    }

    package mutating func multiply(_ x: UInt64, _ y: UInt64, _ format: FloatFormat) -> UInt64 {
        let (a, b) = (flushed(x, format), flushed(y, format))
        if let nan = nan([a, b], format) { return nan }
        let sign = (a ^ b) & format.sign
        if format.isInfinite(a) || format.isInfinite(b) {
            return a & ~format.sign == 0 || b & ~format.sign == 0 ? invalid(format) : sign | format.infinity
        }
        return round(product(value(a, format), value(b, format)), format)
    }

    package mutating func divide(_ x: UInt64, _ y: UInt64, _ format: FloatFormat) -> UInt64 {
        let (a, b) = (flushed(x, format), flushed(y, format))
        if let nan = nan([a, b], format) { return nan }
        let sign = (a ^ b) & format.sign
        let zeroes = (a & ~format.sign == 0, b & ~format.sign == 0)
        let infinities = (format.isInfinite(a), format.isInfinite(b))
        if zeroes == (true, true) || infinities == (true, true) { return invalid(format) }
        if infinities.0 || zeroes.1 {
            if !infinities.0 { flags.insert(.divisionByZero) }
            return sign | format.infinity
        }
        if zeroes.0 || infinities.1 { return sign }
        let (n, d) = (value(a, format), value(b, format))
        // 64 more bits than the dividend has: enough for every format, subnormal divisors included, for they have fewer bits.
        let dividend = (n.significand << (117 - n.significand.bitCount)).shiftedRight(0)
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: d.significand.shiftedRight(0))
        return round(
            Value(
                isNegative: sign != 0, significand: Natural(quotient),
                exponent: n.exponent - d.exponent - (117 - n.significand.bitCount), hasMore: remainder != 0), format)
    }

    package mutating func squareRoot(_ x: UInt64, _ format: FloatFormat) -> UInt64 {
        let a = flushed(x, format)
        if let nan = nan([a], format) { return nan }
        if a & ~format.sign == 0 { return a }
        if a & format.sign != 0 { return invalid(format) }
        if format.isInfinite(a) { return a }
        let n = value(a, format)
        // An even exponent and about 120 bits.
        var shift = 120 - n.significand.bitCount
        if (n.exponent - shift) % 2 != 0 { shift -= 1 }
        let square = (n.significand << shift).shiftedRight(0)
        var root: UInt128 = 0
        for bit in stride(from: 60, through: 0, by: -1) {
            let candidate = root | 1 << UInt128(bit)
            if candidate * candidate <= square { root = candidate }
        }
        return round(
            Value(significand: Natural(root), exponent: (n.exponent - shift) / 2, hasMore: root * root != square), format)
    }

    /// addend + x * y, rounded once.
    package mutating func multiplyAdd(_ addend: UInt64, _ x: UInt64, _ y: UInt64, _ format: FloatFormat) -> UInt64 {
        let (c, a, b) = (flushed(addend, format), flushed(x, format), flushed(y, format))
        let isInvalidProduct =
            format.isInfinite(a) && b & ~format.sign == 0 || a & ~format.sign == 0 && format.isInfinite(b)
        if isInvalidProduct && format.isNaN(c) && !format.isSignalling(c) { return invalid(format) }
        if let nan = nan([c, a, b], format) { return nan }
        if isInvalidProduct { return invalid(format) }
        let sign = (a ^ b) & format.sign
        if format.isInfinite(a) || format.isInfinite(b) {
            return format.isInfinite(c) && c & format.sign != sign ? invalid(format) : sign | format.infinity
        }
        if format.isInfinite(c) { return c }
        return round(sum(value(c, format), product(value(a, format), value(b, format))), format)
    }

    package func negated(_ x: UInt64, _ format: FloatFormat) -> UInt64 { x ^ format.sign }

    // MARK: Conversions

    package mutating func convert(_ x: UInt64, from: FloatFormat, to: FloatFormat) -> UInt64 {
        // FCVT of halves does not look at FZ16.
        let a = from == .half ? x : flushed(x, from)
        let readsAlternative = from == .half && isAlternativeHalf
        let writesAlternative = to == .half && isAlternativeHalf
        let sign = a & from.sign == 0 ? 0 : to.sign
        if from.isNaN(a) && !readsAlternative {
            if from.isSignalling(a) || writesAlternative { flags.insert(.invalid) }
            if writesAlternative { return sign }
            if usesDefaultNaN { return to.defaultNaN }
            let fraction = a & from.fractionMask
            let shift = to.fractionBits - from.fractionBits
            let payload = shift >= 0 ? fraction << UInt64(shift) : fraction >> UInt64(-shift)
            return sign | to.infinity | to.quietBit | payload
        }
        if from.isInfinite(a) && !readsAlternative {
            if !writesAlternative { return sign | to.infinity }
            flags.insert(.invalid)
            return sign | (to.sign - 1)
        }
        return round(value(a, from), to, flushing: to == .half ? false : nil, alternative: writesAlternative)
    }

    /// - Parameters:
    ///   - width: of the integer, 16 to 64 bits.
    ///   - fractionBits: how many of them are behind the point.
    /// - Returns: the integer's bits, zero-extended.
    package mutating func toInteger(
        _ x: UInt64, _ format: FloatFormat, width: Int, isSigned: Bool, fractionBits: Int = 0, _ rounding: FloatRounding
    ) -> UInt64 {
        let a = flushed(x, format)
        let mask = UInt64.max >> UInt64(64 - width)
        let isNegative = a & format.sign != 0
        let most: UInt128 = isSigned ? 1 << UInt128(width - 1) : 1 << UInt128(width)
        let saturated = UInt64(truncatingIfNeeded: isNegative ? (isSigned ? 0 &- most : 0) : most - 1) & mask
        if format.isNaN(a) {
            flags.insert(.invalid)
            return 0
        }
        if format.isInfinite(a) {
            flags.insert(.invalid)
            return saturated
        }
        var number = value(a, format)
        number.exponent += fractionBits
        // Far out of range.
        if number.significand.bitCount + number.exponent > 70 {
            flags.insert(.invalid)
            return saturated
        }
        let (kept, half, below) = cut(number, at: 0)
        let whole =
            kept + (roundsUp(kept, half: half, below: below, isNegative: isNegative, rounding) ? 1 : 0)
        let isTooMuch = isNegative ? whole > (isSigned ? most : 0) : whole >= most
        if isTooMuch {
            flags.insert(.invalid)
            return saturated
        }
        if half || below { flags.insert(.inexact) }
        return UInt64(truncatingIfNeeded: isNegative ? 0 &- whole : whole) & mask
    }

    /// - Parameter bits: an integer of `width` bits.
    package mutating func fromInteger(
        _ bits: UInt64, width: Int, isSigned: Bool, fractionBits: Int = 0, _ format: FloatFormat
    ) -> UInt64 {
        let extended = bits & (UInt64.max >> UInt64(64 - width))
        let isNegative = isSigned && extended >> UInt64(width - 1) != 0
        let magnitude = isNegative ? UInt128(1) << UInt128(width) - UInt128(extended) : UInt128(extended)
        return round(Value(isNegative: isNegative, significand: Natural(magnitude), exponent: -fractionBits), format)
    }

    /// FRINT: an integer in the same format.
    package mutating func roundToIntegral(
        _ x: UInt64, _ format: FloatFormat, _ rounding: FloatRounding, signalsInexact: Bool
    ) -> UInt64 {
        let a = flushed(x, format)
        if let nan = nan([a], format) { return nan }
        if format.isInfinite(a) { return a }
        let number = value(a, format)
        // Big numbers are integers.
        if number.exponent >= 0 { return a }
        let (kept, half, below) = cut(number, at: 0)
        let isNegative = number.isNegative
        let whole = kept + (roundsUp(kept, half: half, below: below, isNegative: isNegative, rounding) ? 1 : 0)
        if signalsInexact && (half || below) { flags.insert(.inexact) }
        var exact = ReferenceFloat(fpcr: 0)
        return exact.round(Value(isNegative: isNegative, significand: Natural(whole)), format)
    }
}
