internal import A64ISA
package import TestSupport

/// All that a case starts from and is compared by, as the bytes that the guest harness loads and dumps.
///
///     0    X0...X30, SP        256  NZCV, FPCR, FPSR, fault PC 288  V0...V31        800  scratch memory
package struct MachineState: Equatable, Sendable {
    package static let scratchSize = 512
    package static let size = 800 + scratchSize
    /// Where the guest keeps the scratch memory.
    package static let scratchAddress: UInt32 = 0x3000_0000

    package var words: [UInt64]

    package init() {
        words = [UInt64](repeating: 0, count: MachineState.size / 8)
        sp = UInt64(MachineState.scratchAddress) + 256
    }

    /// - Precondition: `bytes` has `size` bytes.
    package init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == MachineState.size, "a state has \(MachineState.size) bytes")
        words = (0..<MachineState.size / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
    }

    package var bytes: [UInt8] { words.withUnsafeBytes { Array($0) } }

    package var sp: UInt64 {
        get { words[31] }
        set { words[31] = newValue }
    }
    package static let fpcrIndex = 33

    /// Names of the 64-bit parts: `x3`, `sp`, `nzcv`, `fpcr`, `fpsr`, `v3.lo`, `v3.hi`, `m1f8` (scratch offset, hex).
    package static let names: [String] =
        (0...30).map { "x\($0)" } + ["sp", "nzcv", "fpcr", "fpsr", "fault"]
        + (0...31).flatMap { ["v\($0).lo", "v\($0).hi"] }
        + (0..<scratchSize / 8).map { "m" + String($0 * 8, radix: 16) }

    /// Registers and memory with a liking for edge values.
    package init(using random: inout SplitMix64) {
        self.init()
        for n in 0...30 { words[n] = random.integerValue() }
        words[32] = UInt64.random(in: 0..<16, using: &random) << 28
        if Int.random(in: 0..<3, using: &random) == 0 {
            words[MachineState.fpcrIndex] = random.next() & MachineState.fpcrMask
        }
        if Int.random(in: 0..<4, using: &random) == 0 { words[34] = random.next() & 0x0800_009f }
        for n in 0..<32 {
            let value = random.vectorValue()
            words[36 + 2 * n] = value.0
            words[37 + 2 * n] = value.1
        }
        for n in 100..<words.count { words[n] = random.vectorValue().0 }
    }

    /// AHP, DN, FZ and RMode, and FZ16 with half precision: what both emulators implement.
    package static let fpcrMask: UInt64 = A64FeatureSet.max.contains(.FEAT_FP16) ? 0x07c8_0000 : 0x07c0_0000
}

extension SplitMix64 {
    mutating func integerValue() -> UInt64 {
        let edges: [UInt64] = [
            0, 1, 2, .max, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 0xffff_ffff, 0x1_0000_0000,
            0xffff_ffff_8000_0000, 0x8000, 0x7fff, 0xff, 0x80, 63, 64, 31, 32, 0xaaaa_aaaa_aaaa_aaaa,
        ]
        return switch Int.random(in: 0..<8, using: &self) {
        case 0, 1, 2: edges.randomElement(using: &self)!
        case 3: next() & 0xff
        case 4: ~(next() & 0xffff)
        case 5: next() >> UInt64.random(in: 0..<64, using: &self)
        default: next()
        }
    }

    mutating func vectorValue() -> (UInt64, UInt64) {
        switch Int.random(in: 0..<7, using: &self) {
        case 0: (next(), next())
        case 1: (doubleValue(), doubleValue())
        case 2: (floatValue() | floatValue() << 32, floatValue() | floatValue() << 32)
        case 3: (halfValue(), halfValue())
        case 4: (laneEdges(8), laneEdges(8))
        case 5: (laneEdges(16), laneEdges(32))
        default: (integerValue(), integerValue())
        }
    }

    private mutating func laneEdges(_ bits: UInt64) -> UInt64 {
        let mask = (UInt64(1) << bits) - 1
        let edges: [UInt64] = [0, 1, mask, mask >> 1, (mask >> 1) + 1, 2, mask - 1]
        var value: UInt64 = 0
        for lane in 0..<64 / bits {
            let element = Bool.random(using: &self) ? edges.randomElement(using: &self)! : next() & mask
            value |= element << (lane * bits)
        }
        return value
    }

    /// A bit pattern of a format with the given fraction and exponent widths.
    private mutating func pattern(fraction: UInt64, exponent: UInt64) -> UInt64 {
        let sign = (next() & 1) << (fraction + exponent)
        let top = (UInt64(1) << exponent) - 1
        let bias = top >> 1
        let ones = (UInt64(1) << fraction) - 1
        let exponents: [UInt64] = [
            0, 0, 1, 2, bias - 1, bias, bias + 1, bias + 2, bias + fraction, bias + fraction + 1, top - 1, top, top,
        ]
        let fractions: [UInt64] = [
            0, 0, 1, ones, 1 << (fraction - 1), (1 << (fraction - 1)) - 1, next() & ones, next() & ones,
        ]
        switch Int.random(in: 0..<5, using: &self) {
        case 0: return sign | (bias &+ (next() & 31) &- 16) << fraction | next() & ones
        case 1: return next() & (ones | top << fraction | 1 << (fraction + exponent))
        // Around the limits of 32- and 64-bit integers.
        case 2 where exponent > 5:
            let limits: [UInt64] = [30, 31, 32, 62, 63, 64]
            let biased = bias + limits.randomElement(using: &self)!
            return sign | biased << fraction | fractions.randomElement(using: &self)!
        default:
            let biased = exponents.randomElement(using: &self)!
            return sign | biased << fraction | fractions.randomElement(using: &self)!
        }
    }
    private mutating func doubleValue() -> UInt64 { pattern(fraction: 52, exponent: 11) }
    private mutating func floatValue() -> UInt64 { pattern(fraction: 23, exponent: 8) }
    private mutating func halfValue() -> UInt64 {
        (0..<4).reduce(0) { value, _ in value << 16 | pattern(fraction: 10, exponent: 5) }
    }
}
