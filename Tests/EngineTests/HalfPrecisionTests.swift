import CHost
import TestSupport
import Testing

/// Half-precision arithmetic against what doubles know exactly: sums and products of two halves fit in a double's fraction, and
/// quotients and roots are found by multiplying back. No emulator has a part in it.
@Suite struct HalfPrecisionTests {
    private enum Rounding: Int, CaseIterable { case nearest, up, down, zero }
    private static let invalid = 1
    private static let overflow = 4
    private static let underflow = 8
    private static let inexact = 16

    /// A CPU whose FPCR rounds so; freed when the closure returns.
    private func withCPU(_ rounding: Rounding, _ body: (UnsafeMutablePointer<nt_cpu>) -> Void) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Int(NT_JUMP_CACHE_OFFSET), alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: Int(NT_JUMP_CACHE_OFFSET))
        let cpu = memory.assumingMemoryBound(to: nt_cpu.self)
        cpu.pointee.fpcr = UInt64(rounding.rawValue) << 22
        body(cpu)
    }

    /// Finite halves, those around limits often.
    private static func operands(_ generator: inout SplitMix64) -> Float16 {
        while true {
            var bits = UInt16(truncatingIfNeeded: generator.next())
            if generator.next() & 3 == 0 { bits = bits & 0x8c03 | 0x03fc &* (bits >> 4 & 1) }
            let value = Float16(bitPattern: bits)
            if value.isFinite { return value }
        }
    }

    /// `result` is the half for `exact`; `isBelow`/`isAbove` compare a candidate with the exact value.
    private func expect(
        _ result: UInt64, _ cpu: UnsafeMutablePointer<nt_cpu>, _ rounding: Rounding, magnitude: Double,
        _ comment: @autoclosure () -> String, order: (Double) -> Int
    ) {
        let value = Float16(bitPattern: UInt16(truncatingIfNeeded: result))
        let flags = Int(cpu.pointee.fpsr)
        cpu.pointee.fpsr = 0
        // -1: below the exact value.
        let here = order(Double(value))
        var isRight = result <= 0xffff
        switch rounding {
        case .nearest:
            // Not beyond the midpoints to the neighbours; on one only when even. An infinity stands for 65536 here.
            func finite(_ x: Float16) -> Double { x.isInfinite ? (x < 0 ? -65536 : 65536) : Double(x) }
            let low = order((finite(value) + finite(value.nextDown)) / 2)
            let high = order((finite(value) + finite(value.nextUp)) / 2)
            let isEven = result & 1 == 0
            isRight = isRight && (value == -.infinity || low < 0 || low == 0 && isEven)
            isRight = isRight && (value == .infinity || high > 0 || high == 0 && isEven)
        case .up: isRight = isRight && here >= 0 && (here == 0 || order(Double(value.nextDown)) < 0)
        case .down: isRight = isRight && here <= 0 && (here == 0 || order(Double(value.nextUp)) > 0)
        case .zero:
            let next = Double(value.sign == .minus ? value.nextDown : value.nextUp)
            let isInside = value.sign == .minus ? here >= 0 && order(next) < 0 : here <= 0 && order(next) > 0
            isRight = isRight && (here == 0 || isInside)
        }
        var expected = 0
        if here != 0 { expected |= Self.inexact }
        if here != 0 && magnitude < 0x1p-14 { expected |= Self.underflow }
        if value.isInfinite || magnitude >= 65536 { expected |= Self.overflow | Self.inexact }
        #expect(isRight && flags == expected, "\(comment()) = \(value), flags \(flags), \(rounding)")
    }

    private func sign(_ x: Double) -> Int { x < 0 ? -1 : x > 0 ? 1 : 0 }

    @Test func sumsProductsAndQuotients() {
        var generator = SplitMix64(seed: 16)
        for rounding in Rounding.allCases {
            withCPU(rounding) { cpu in
                for _ in 0..<40_000 {
                    let a = Self.operands(&generator)
                    let b = Self.operands(&generator)
                    let (x, y) = (Double(a), Double(b))
                    func compute(_ op: nt_fp_binary) -> UInt64 {
                        nt_half_binary(cpu, UInt64(a.bitPattern), UInt64(b.bitPattern), op.rawValue)
                    }
                    for (op, exact) in [(NT_FP_ADD, x + y), (NT_FP_SUB, x - y), (NT_FP_MUL, x * y), (NT_FP_NMUL, -x * y)] {
                        // FNMUL rounds before it changes the sign.
                        var result = compute(op)
                        if op == NT_FP_NMUL { result ^= 0x8000 }
                        let value = op == NT_FP_NMUL ? -exact : exact
                        expect(result, cpu, rounding, magnitude: value.magnitude, "\(op.rawValue): \(a), \(b)") {
                            sign($0 - value)
                        }
                    }
                    if b == 0 { continue }
                    expect(compute(NT_FP_DIV), cpu, rounding, magnitude: (x / y).magnitude, "\(a) / \(b)") {
                        $0.isInfinite ? sign($0) : sign($0 * y - x) * sign(y)
                    }
                }
            }
        }
    }

    @Test func squareRoots() {
        for rounding in Rounding.allCases {
            withCPU(rounding) { cpu in
                for bits in 0..<UInt16(0x7c00) {
                    let x = Double(Float16(bitPattern: bits))
                    let result = nt_half_unary(cpu, UInt64(bits), NT_FP_SQRT.rawValue, 0)
                    expect(result, cpu, rounding, magnitude: x.squareRoot(), "root of \(x)") {
                        $0 < 0 ? -1 : sign($0 * $0 - x)
                    }
                }
            }
        }
    }

    /// A product and an addend whose sum is exact in a double.
    @Test func fusedMultiplyAdd() {
        var generator = SplitMix64(seed: 17)
        for rounding in Rounding.allCases {
            withCPU(rounding) { cpu in
                for _ in 0..<40_000 {
                    let (a, b, c) = (
                        Self.operands(&generator), Self.operands(&generator), Self.operands(&generator)
                    )
                    let product = Double(a) * Double(b)
                    let exact = product + Double(c)
                    // Knuth's two-sum: what the addition lost.
                    let part = exact - product
                    if product - (exact - part) + (Double(c) - part) != 0 { continue }
                    let result = nt_half_fma(cpu, UInt64(c.bitPattern), UInt64(a.bitPattern), UInt64(b.bitPattern))
                    expect(result, cpu, rounding, magnitude: exact.magnitude, "\(c) + \(a) * \(b)") { sign($0 - exact) }
                }
            }
        }
    }

    /// Whole vectors on the host's unit against one element after the other: results and flags, and no flag too many where the
    /// host leaves it to the elements.
    @Test(.enabled(if: nt_host_instructions() & NT_HOST_F16C != 0, "the host has no F16C: this code never runs here"))
    func hostVectors() {
        let edges: [UInt16] = [0, 1, 0x3ff, 0x400, 0x401, 0x7bff, 0x7c00, 0x3c00, 0x3bff, 0x1400, 0x3800, 0x7e00, 0x7c01]
        var generator = SplitMix64(seed: 18)
        /// Eight halves of one kind: edges, small, large, or any.
        func vector() -> nt_vec {
            let kind = generator.next() & 3
            var words: [UInt64] = [0, 0]
            for lane in 0..<8 {
                let random = UInt16(truncatingIfNeeded: generator.next())
                let element: UInt16 =
                    switch kind {
                    case 0: edges[Int(random & 0xfff) % edges.count] | random & 0x8000
                    case 1: random & 0x9fff
                    case 2: random & 0xbfff
                    default: random
                    }
                words[lane / 4] |= UInt64(element) << UInt64(lane % 4 * 16)
            }
            return nt_vec(words[0], words[1])
        }
        func lanes(_ v: nt_vec) -> [UInt64] { (0..<8).map { v[$0 / 4] >> UInt64($0 % 4 * 16) & 0xffff } }
        let binary = [
            NT_FP_MUL, NT_FP_DIV, NT_FP_ADD, NT_FP_SUB, NT_FP_MAX, NT_FP_MIN, NT_FP_MAXNM, NT_FP_MINNM, NT_FP_NMUL, NT_FP_MULX,
            NT_FP_ABD, NT_FP_CMEQ, NT_FP_CMGE, NT_FP_CMGT, NT_FP_ACGE, NT_FP_ACGT,
        ]
        withCPU(.nearest) { cpu in
            var decided = 0
            func check(_ name: String, count: Int, _ host: (inout nt_vec) -> Int32, _ element: (Int) -> UInt64) {
                var expected: [UInt64] = []
                cpu.pointee.fpsr = 0
                for n in 0..<8 { expected.append(n < count ? element(n) : 0) }
                let flags = cpu.pointee.fpsr
                var result = nt_vec(0, 0)
                nt_fp_collect(cpu)
                cpu.pointee.fpsr = 0
                let isDecided = host(&result) != 0
                nt_fp_collect(cpu)
                if isDecided {
                    decided += 1
                    #expect(lanes(result) == expected && cpu.pointee.fpsr == flags, "\(name)")
                } else {
                    #expect(cpu.pointee.fpsr & ~flags == 0, "\(name)")
                }
            }
            for _ in 0..<4000 {
                let (a, b, c) = (vector(), vector(), vector())
                let (x, y, z) = (lanes(a), lanes(b), lanes(c))
                let count = [1, 4, 8][Int(generator.next() % 3)]
                for op in binary {
                    check(
                        "\(op.rawValue): \(x), \(y)", count: count, { nt_half_host_binary(a, b, op.rawValue, UInt32(count), &$0) }
                    ) {
                        nt_half_binary(cpu, x[$0], y[$0], op.rawValue)
                    }
                }
                check("\(z) + \(x) * \(y)", count: count, { nt_half_host_fma(c, a, b, UInt32(count), &$0) }) {
                    nt_half_fma(cpu, z[$0], x[$0], y[$0])
                }
                for (op, mode) in [(NT_FP_SQRT, 0), (NT_FP_ROUND, 0), (NT_FP_ROUND, 1), (NT_FP_ROUND, 2), (NT_FP_ROUND, 15)] {
                    let number = UInt32(mode)
                    check(
                        "\(op.rawValue) \(mode): \(x)", count: count,
                        { nt_half_host_unary(a, op.rawValue, number, UInt32(count), &$0) }
                    ) {
                        nt_half_unary(cpu, x[$0], op.rawValue, number)
                    }
                }
            }
            #expect(decided > 20_000)
        }
    }

    /// Every half to integers of all sizes, and every 16-bit integer back.
    @Test func integers() {
        let rules: [FloatingPointRoundingRule] = [.toNearestOrEven, .up, .down, .towardZero, .toNearestOrAwayFromZero]
        let sizes: [(bits: Int, flag: UInt32)] = [(16, 64), (32, 0), (64, 32)]
        withCPU(.nearest) { cpu in
            for bits in 0...UInt16.max where Float16(bitPattern: bits).isFinite {
                let x = Double(Float16(bitPattern: bits))
                for (mode, rule) in rules.enumerated() {
                    let rounded = x.rounded(rule)
                    for size in sizes {
                        for isUnsigned in [false, true] {
                            let low = isUnsigned ? 0 : -(Double(sign: .plus, exponent: size.bits - 1, significand: 1))
                            let high = Double(sign: .plus, exponent: isUnsigned ? size.bits : size.bits - 1, significand: 1) - 1
                            let clamped = Swift.min(Swift.max(rounded, low), high)
                            let mask = UInt64.max >> UInt64(64 - size.bits)
                            let expected = UInt64(bitPattern: Int64(clamped)) & mask
                            let number = UInt32(mode) | size.flag | (isUnsigned ? 16 : 0)
                            let result = nt_half_to_int(cpu, UInt64(bits), number)
                            let flags = clamped != rounded ? Self.invalid : rounded != x ? Self.inexact : 0
                            #expect(result == expected && Int(cpu.pointee.fpsr) == flags, "\(x) by \(rule) to \(size.bits) bits")
                            cpu.pointee.fpsr = 0
                        }
                    }
                }
            }
        }
        for rounding in Rounding.allCases {
            withCPU(rounding) { cpu in
                for bits in 0...UInt16.max {
                    for fraction in [0, 3, 16] {
                        let scale = Double(sign: .plus, exponent: -fraction, significand: 1)
                        let signed = Double(Int16(bitPattern: bits)) * scale
                        let unsigned = Double(bits) * scale
                        for (exact, flag) in [(signed, 0), (unsigned, 16)] as [(Double, UInt32)] {
                            let result = nt_half_from_int(cpu, UInt64(bits), 64 | flag | UInt32(fraction) << 8)
                            expect(result, cpu, rounding, magnitude: exact.magnitude, "\(exact)") { sign($0 - exact) }
                        }
                    }
                }
            }
        }
    }
}
