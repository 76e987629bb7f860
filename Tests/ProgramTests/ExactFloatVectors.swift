import A64ISA
import Foundation
import ReferenceFloat
import TestSupport

/// Records for the guest `exact` and what each must leave, by exact arithmetic.
struct ExactFloatVectors {
    struct Record {
        var test: Int
        var fpcr: UInt64
        var inputs: [UInt64]
        /// V0, X0, FPSR.
        var expected: [UInt64]
    }
    /// An instruction of the guest's tests.h, its name taken apart.
    struct Instruction {
        let number: Int
        let name: String
        let operation: String
        let result: Substring
        let source: Substring
        let fractionBits: Int

        init(number: Int, name: String) {
            self.number = number
            self.name = name
            let parts = name.split(separator: "_").filter { $0 != "element" }
            operation = String(parts[0])
            fractionBits = parts.last.flatMap { Int($0) } ?? 0
            let formats = parts.dropFirst().filter { Int($0) == nil }
            result = formats.first ?? ""
            source = formats.last ?? ""
        }

        static func format(_ name: Substring) -> FloatFormat? {
            switch name.last {
            case "d": .double
            case "s": .single
            case "h": .half
            default: nil
            }
        }
        var usesHalf: Bool { Instruction.format(result) == .half || Instruction.format(source) == .half }
        /// Needs FEAT_FP16, unlike conversions between formats.
        var needsHalfArithmetic: Bool { usesHalf && !["cvt", "cvtl", "cvtn"].contains(operation) }
        var operands: Int {
            switch operation {
            case "add", "sub", "mul", "div": 2
            case "madd", "msub", "nmadd", "nmsub", "mla", "mls": 3
            default: 1
            }
        }
    }

    let randomCount: Int
    private(set) var records: [Record] = []
    let instructions: [Instruction]

    /// - Parameters:
    ///   - header: text of the guest's tests.h.
    ///   - randomCount: random inputs for each instruction and mode, beside all combinations of edge values.
    init(header: String, randomCount: Int, seed: UInt64) {
        self.randomCount = randomCount
        var names: [String] = []
        for line in header.split(separator: "\n") where line.hasPrefix("TEST(") {
            names.append(String(line.dropFirst(5).prefix { $0 != "," }))
        }
        instructions = names.enumerated().map { Instruction(number: $0.offset, name: $0.element) }
        var random = SplitMix64(seed: seed)
        for instruction in instructions {
            if instruction.needsHalfArithmetic && !A64FeatureSet.max.contains(.FEAT_FP16) { continue }
            for mode in ExactFloatVectors.modes(instruction) { add(instruction, mode, &random) }
        }
    }

    /// Four roundings; FZ, DN; everything; what only halves look at.
    private static func modes(_ instruction: Instruction) -> [UInt64] {
        let roundings: [UInt64] = [0, 1 << 22, 2 << 22, 3 << 22]
        let modes = roundings + [1 << 24, 1 << 25, 1 << 22 | 3 << 24]
        if !instruction.usesHalf { return modes }
        let flushing: [UInt64] = A64FeatureSet.max.contains(.FEAT_FP16) ? [1 << 19, 2 << 22 | 1 << 19] : []
        return modes + [1 << 26, 3 << 22 | 1 << 26] + flushing
    }

    private mutating func add(_ instruction: Instruction, _ fpcr: UInt64, _ random: inout SplitMix64) {
        let edges = ExactFloatVectors.edges(instruction.source)
        // Thinner grids where there are more operands.
        let step = [1, 1, 2, 5][instruction.operands]
        let offset = Int.random(in: 0..<step, using: &random)
        let grid = stride(from: offset, to: edges.count, by: step).map { edges[$0] }
        for a in grid {
            for b in instruction.operands > 1 ? grid : [0] {
                for c in instruction.operands > 2 ? grid : [0] { append(instruction, fpcr, [a, b, c]) }
            }
        }
        for _ in 0..<randomCount {
            append(instruction, fpcr, ExactFloatVectors.inputs(instruction, &random))
        }
    }

    private mutating func append(_ instruction: Instruction, _ fpcr: UInt64, _ inputs: [UInt64]) {
        records.append(
            Record(
                test: instruction.number, fpcr: fpcr, inputs: inputs,
                expected: instruction.expected(inputs, fpcr: fpcr)))
    }

    // MARK: Inputs

    private static func edges(_ source: Substring) -> [UInt64] {
        guard let format = Instruction.format(source) else {
            return [0, 1, 2, 3, .max, .max - 1].flatMap { [$0] }
                + (7...63).flatMap { n -> [UInt64] in [1 << n, (1 << n) - 1, (1 << n) + 1, 0 &- (1 << n), ~(1 << n)] }
        }
        let one = UInt64((1 << (format.exponentBits - 1)) - 1) << UInt64(format.fractionBits)
        let step: UInt64 = 1 << UInt64(format.fractionBits)
        let small = [0, 1, 2, step / 2, step - 1, step, step + 1]
        let near = [one, one + 1, one - 1, one + step, one + step / 2, one - step, one + step * 3 / 2]
        let shifted = [UInt64(format.fractionBits), UInt64(format.fractionBits) + 1].flatMap { [one - $0 * step, one + $0 * step] }
        let limits: [UInt64] = format == .half ? [] : [31, 32, 63, 64].flatMap { [one + $0 * step, one + $0 * step - 1] }
        let large = [format.infinity - 1, format.infinity - step, format.infinity]
        let nans = [format.defaultNaN, format.defaultNaN + 0x15, format.infinity + 1, format.infinity + step / 4 + 3]
        // Where narrower formats end, in this one's terms.
        let narrower: [UInt64] =
            switch format {
            case .double:
                [
                    0x47ef_ffff_efff_ffff, 0x47ef_ffff_f000_0000, 0x3690_0000_0000_0001, 0x380f_ffff_f000_0000,
                    0x380f_ffff_e000_0000,
                    0x40ef_fe00_0000_0000, 0x40ef_fdff_ffff_ffff, 0x3e60_0000_0000_0001, 0x3f0f_fc00_0000_0000,
                    0x3f0f_fe00_0000_0000,
                ]
            case .single: [0x477f_f000, 0x477f_efff, 0x3300_0000, 0x3300_0001, 0x387f_e000, 0x387f_f000]
            default: []
            }
        let positive = small + near + shifted + limits + large + nans + narrower
        return positive + positive.enumerated().filter { $0.offset % 2 == 0 }.map { $0.element | format.sign }
    }

    private static func inputs(_ instruction: Instruction, _ random: inout SplitMix64) -> [UInt64] {
        guard let format = Instruction.format(instruction.source) else {
            return [random.next() >> UInt64.random(in: 0..<64, using: &random), 0, 0]
        }
        let (a, b) = (number(format, &random), number(format, &random))
        var c = number(format, &random)
        if instruction.operands == 3, random.oneIn(2) {
            // An addend that nearly cancels the product shows what rounds twice.
            var arithmetic = ReferenceFloat(fpcr: 0)
            c = arithmetic.multiply(a, b, format) ^ format.sign ^ random.next() & 1
        }
        return [a, b, c]
    }

    private static func number(_ format: FloatFormat, _ random: inout SplitMix64) -> UInt64 {
        let top = (UInt64(1) << UInt64(format.exponentBits)) - 1
        let bias = top / 2
        let exponent: UInt64 =
            switch Int.random(in: 0..<8, using: &random) {
            case 0: random.next() & top
            case 1: UInt64.random(in: 0..<4, using: &random)
            case 2: top - UInt64.random(in: 1..<4, using: &random)
            case 3: bias / 2 + UInt64.random(in: 0..<4, using: &random)
            default: bias + UInt64.random(in: 0..<12, using: &random) - 6
            }
        // Sparse fractions make ties.
        var fraction = random.next()
        if random.oneIn(2) { fraction &= random.next() & random.next() & random.next() }
        if random.oneIn(8) { fraction = ~fraction }
        return random.next() & format.sign | exponent << UInt64(format.fractionBits)
            | fraction & ((1 << UInt64(format.fractionBits)) - 1)
    }
}

extension ExactFloatVectors.Instruction {
    private static let roundings: [Character: FloatRounding] = [
        "n": .toNearest, "p": .up, "m": .down, "z": .towardZero, "a": .tiesAway,
    ]

    /// V0, X0 and FPSR behind the instruction; both registers held ones before.
    func expected(_ inputs: [UInt64], fpcr: UInt64) -> [UInt64] {
        typealias Format = Self
        var arithmetic = ReferenceFloat(fpcr: fpcr)
        if result == "w" || result == "x" {
            let integer = scalar(inputs, &arithmetic, Format.format(source), nil)
            return [.max, .max, integer, arithmetic.flags.rawValue]
        }
        let format = Format.format(result)
        let value = scalar(inputs, &arithmetic, Format.format(source), format)
        let width = UInt64(format?.width ?? 64)
        // Lanes, if the name starts with their number.
        let lanes = UInt64(result.first?.wholeNumberValue ?? 1)
        var halves: [UInt64] = [0, 0]
        for lane in 0..<lanes { halves[Int(lane * width / 64)] |= value << (lane * width % 64) }
        return halves + [.max, arithmetic.flags.rawValue]
    }

    /// - Parameters:
    ///   - source: nil for an integer register.
    ///   - target: nil for an integer register.
    private func scalar(
        _ inputs: [UInt64], _ arithmetic: inout ReferenceFloat, _ source: FloatFormat?, _ target: FloatFormat?
    ) -> UInt64 {
        guard let format = source ?? target else { preconditionFailure("\(name) has no format") }
        let mask = UInt64.max >> UInt64(64 - format.width)
        let (a, b, c) = (inputs[0] & mask, inputs[1] & mask, inputs[2] & mask)
        let letters = Array(operation)
        switch operation {
        case "add": return arithmetic.add(a, b, format)
        case "sub": return arithmetic.subtract(a, b, format)
        case "mul": return arithmetic.multiply(a, b, format)
        case "div": return arithmetic.divide(a, b, format)
        case "sqrt": return arithmetic.squareRoot(a, format)
        case "madd", "mla": return arithmetic.multiplyAdd(c, a, b, format)
        case "msub", "mls": return arithmetic.multiplyAdd(c, a ^ format.sign, b, format)
        case "nmadd": return arithmetic.multiplyAdd(c ^ format.sign, a ^ format.sign, b, format)
        case "nmsub": return arithmetic.multiplyAdd(c ^ format.sign, a, b, format)
        case "cvt", "cvtl", "cvtn": return arithmetic.convert(a, from: format, to: target ?? format)
        case "cvtfs", "cvtfu":
            let width = result == self.source ? format.width : self.source == "w" ? 32 : 64
            return arithmetic.fromInteger(
                inputs[0], width: width, isSigned: letters[4] == "s", fractionBits: fractionBits, target ?? format)
        case let name where name.hasPrefix("cvt"):
            let width = result == "w" ? 32 : result == "x" ? 64 : format.width
            return arithmetic.toInteger(
                a, format, width: width, isSigned: letters[4] == "s", fractionBits: fractionBits,
                Self.roundings[letters[3]] ?? .toNearest)
        case let name where name.hasPrefix("rint"):
            return arithmetic.roundToIntegral(
                a, format, Self.roundings[letters[4]] ?? arithmetic.rounding, signalsInexact: letters[4] == "x")
        default: preconditionFailure("\(name) has no reference")
        }
    }
}
