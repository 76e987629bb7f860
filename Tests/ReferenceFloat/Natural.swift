/// A natural number of any size: just what exact sums of floating-point numbers need. Limbs of 64 bits, lowest first.
struct Natural: Equatable {
    private(set) var limbs: [UInt64]

    init(_ value: UInt128) {
        limbs = [UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value >> 64)]
        trim()
    }

    private mutating func trim() { while limbs.last == 0 { limbs.removeLast() } }

    var isZero: Bool { limbs.isEmpty }
    /// Bits up to the highest that is set.
    var bitCount: Int { limbs.isEmpty ? 0 : limbs.count * 64 - limbs[limbs.count - 1].leadingZeroBitCount }

    static func << (a: Natural, shift: Int) -> Natural {
        if a.isZero { return a }
        var result = a
        let (words, bits) = (shift / 64, UInt64(shift % 64))
        if bits != 0 {
            result.limbs.append(0)
            for n in stride(from: result.limbs.count - 1, through: 1, by: -1) {
                result.limbs[n] = result.limbs[n] << bits | result.limbs[n - 1] >> (64 - bits)
            }
            result.limbs[0] <<= bits
        }
        result.limbs.insert(contentsOf: [UInt64](repeating: 0, count: words), at: 0)
        result.trim()
        return result
    }

    static func + (a: Natural, b: Natural) -> Natural {
        var (long, short) = a.limbs.count >= b.limbs.count ? (a, b) : (b, a)
        short.limbs += [UInt64](repeating: 0, count: long.limbs.count - short.limbs.count)
        var carry: UInt64 = 0
        for n in long.limbs.indices {
            let (first, over) = long.limbs[n].addingReportingOverflow(short.limbs[n])
            let (second, overAgain) = first.addingReportingOverflow(carry)
            long.limbs[n] = second
            carry = over || overAgain ? 1 : 0
        }
        if carry != 0 { long.limbs.append(1) }
        return long
    }

    /// - Precondition: `a` is at least `b`.
    static func - (a: Natural, b: Natural) -> Natural {
        var result = a
        var borrow: UInt64 = 0
        for n in a.limbs.indices {
            let (first, under) = a.limbs[n].subtractingReportingOverflow(n < b.limbs.count ? b.limbs[n] : 0)
            let (second, underAgain) = first.subtractingReportingOverflow(borrow)
            result.limbs[n] = second
            borrow = under || underAgain ? 1 : 0
        }
        precondition(borrow == 0, "a difference below 0")
        result.trim()
        return result
    }

    static func < (a: Natural, b: Natural) -> Bool {
        if a.limbs.count != b.limbs.count { return a.limbs.count < b.limbs.count }
        for n in a.limbs.indices.reversed() where a.limbs[n] != b.limbs[n] { return a.limbs[n] < b.limbs[n] }
        return false
    }

    /// The bits from `lsb` up, of which at most 128 may be set.
    func shiftedRight(_ lsb: Int) -> UInt128 {
        func limb(_ n: Int) -> UInt64 { n < limbs.count ? limbs[n] : 0 }
        let (words, bits) = (lsb / 64, UInt128(lsb % 64))
        let low = UInt128(limb(words)) | UInt128(limb(words + 1)) << 64
        if bits == 0 { return low }
        return low >> bits | UInt128(limb(words + 2)) << (128 - bits)
    }

    /// A bit below `count` is set.
    func hasBits(below count: Int) -> Bool {
        let words = count / 64
        if limbs.prefix(words).contains(where: { $0 != 0 }) { return true }
        return words < limbs.count && count % 64 != 0 && limbs[words] << UInt64(64 - count % 64) != 0
    }
}
