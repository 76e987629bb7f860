/// Instructions on vector registers, all VEX-encoded: three operands, the part above 128 bits cleared, no alignment asked for.
extension Assembler {
    /// Operations `d = a op b` of map 1 with prefix 66.
    enum VectorOperation: UInt8 {
        case and = 0xdb
        case andNot = 0xdf  // NOT a AND b
        case or = 0xeb
        case xor = 0xef
        case add8 = 0xfc
        case add16 = 0xfd
        case add32 = 0xfe
        case add64 = 0xd4
        case sub8 = 0xf8
        case sub16 = 0xf9
        case sub32 = 0xfa
        case sub64 = 0xfb
        case mul16 = 0xd5
        case compareEqual8 = 0x74
        case compareEqual16 = 0x75
        case compareEqual32 = 0x76
        case compareGreater8 = 0x64
        case compareGreater16 = 0x65
        case compareGreater32 = 0x66
        case addSigned8 = 0xec
        case addSigned16 = 0xed
        case addUnsigned8 = 0xdc
        case addUnsigned16 = 0xdd
        case subSigned8 = 0xe8
        case subSigned16 = 0xe9
        case subUnsigned8 = 0xd8
        case subUnsigned16 = 0xd9
        case max16 = 0xee
        case maxUnsigned8 = 0xde
        case min16 = 0xea
        case minUnsigned8 = 0xda
        case unpackLow8 = 0x60
        case unpackLow16 = 0x61
        case unpackLow32 = 0x62
        case unpackLow64 = 0x6c
        case unpackHigh8 = 0x68
        case unpackHigh16 = 0x69
        case unpackHigh32 = 0x6a
        case unpackHigh64 = 0x6d
        case packUnsigned16 = 0x67
    }
    /// Operations of map 2 with prefix 66; unary ones ignore `a`.
    enum VectorOperation2: UInt8 {
        case shuffle8 = 0x00
        case abs8 = 0x1c
        case abs16 = 0x1d
        case abs32 = 0x1e
        case compareEqual64 = 0x29
        case packUnsigned32 = 0x2b
        case compareGreater64 = 0x37
        case min8 = 0x38
        case min32 = 0x39
        case minUnsigned16 = 0x3a
        case minUnsigned32 = 0x3b
        case max8 = 0x3c
        case max32 = 0x3d
        case maxUnsigned16 = 0x3e
        case maxUnsigned32 = 0x3f
        case mul32 = 0x40
        case signExtend8 = 0x20
        case signExtend16 = 0x23
        case signExtend32 = 0x25
        case zeroExtend8 = 0x30
        case zeroExtend16 = 0x33
        case zeroExtend32 = 0x35
        case broadcast8 = 0x78
        case broadcast16 = 0x79
        case broadcast32 = 0x58
        case broadcast64 = 0x59
    }

    mutating func vector(_ op: VectorOperation, _ d: XMM, _ a: XMM, _ b: XMM) {
        vex(1, 1, op.rawValue, d.number, a.number, b.number)
    }
    mutating func vector(_ op: VectorOperation, _ d: XMM, _ a: XMM, _ m: HostAddress) {
        vex(1, 1, op.rawValue, d.number, a.number, m)
    }
    mutating func vector(_ op: VectorOperation2, _ d: XMM, _ a: XMM, _ b: XMM) {
        vex(1, 2, op.rawValue, d.number, a.number, b.number)
    }
    mutating func vector(_ op: VectorOperation2, _ d: XMM, _ a: XMM, _ m: HostAddress) {
        vex(1, 2, op.rawValue, d.number, a.number, m)
    }
    mutating func vector(unary op: VectorOperation2, _ d: XMM, _ a: XMM) { vex(1, 2, op.rawValue, d.number, 0, a.number) }

    mutating func move(_ d: XMM, _ s: XMM) {
        if d != s { vex(0, 1, 0x28, d.number, 0, s.number) }
    }
    mutating func load(_ d: XMM, _ m: HostAddress) { vex(0, 1, 0x10, d.number, 0, m) }
    mutating func store(_ m: HostAddress, _ s: XMM) { vex(0, 1, 0x11, s.number, 0, m) }
    /// `1 << size` bytes, 4 to 16, zeros above.
    mutating func load(_ d: XMM, _ m: HostAddress, size: Int) {
        switch size {
        case 2: vex(1, 1, 0x6e, d.number, 0, m)
        case 3: vex(2, 1, 0x7e, d.number, 0, m)
        default: load(d, m)
        }
    }
    mutating func store(_ m: HostAddress, _ s: XMM, size: Int) {
        switch size {
        case 2: vex(1, 1, 0x7e, s.number, 0, m)
        case 3: vex(1, 1, 0xd6, s.number, 0, m)
        default: store(m, s)
        }
    }
    /// From and to general registers; zeros above.
    mutating func moveIn(_ d: XMM, _ s: GPR, wide: Bool) { vex(1, 1, 0x6e, d.number, 0, s.number, wide: wide) }
    mutating func moveOut(_ d: GPR, _ s: XMM, wide: Bool) { vex(1, 1, 0x7e, s.number, 0, d.number, wide: wide) }
    /// The low 64 bits, zeros above.
    mutating func moveLow(_ d: XMM, _ s: XMM) { vex(2, 1, 0x7e, d.number, 0, s.number) }

    /// Lane `index` of `1 << lane` bytes from a general register.
    mutating func insert(_ d: XMM, _ a: XMM, _ s: GPR, lane: Int, index: UInt8) {
        if lane == 1 {
            vex(1, 1, 0xc4, d.number, a.number, s.number)
        } else {
            vex(1, 3, lane == 0 ? 0x20 : 0x22, d.number, a.number, s.number, wide: lane == 3)
        }
        byte(index)
    }
    /// Zero-extended.
    mutating func extract(_ d: GPR, _ s: XMM, lane: Int, index: UInt8) {
        switch lane {
        case 0: vex(1, 3, 0x14, s.number, 0, d.number)
        case 1: vex(1, 1, 0xc5, d.number, 0, s.number)
        default: vex(1, 3, 0x16, s.number, 0, d.number, wide: lane == 3)
        }
        byte(index)
    }

    /// Shifts of lanes of 2, 4 or 8 bytes by a constant; no arithmetic one of 8.
    mutating func shift(_ kind: Shift, _ d: XMM, _ s: XMM, lane: Int, _ amount: UInt8) {
        let code: UInt8 = lane == 1 ? 0x71 : lane == 2 ? 0x72 : 0x73
        let digit: UInt8 = kind == .left ? 6 : kind == .right ? 2 : 4
        vex(1, 1, code, digit, d.number, s.number)
        byte(amount)
    }
    /// PALIGNR: bytes of high:low from `amount` on.
    mutating func align(_ d: XMM, high: XMM, low: XMM, _ amount: UInt8) {
        vex(1, 3, 0x0f, d.number, high.number, low.number)
        byte(amount)
    }
    /// PBLENDW: words of b where the mask has ones.
    mutating func blend(_ d: XMM, _ a: XMM, _ b: XMM, _ mask: UInt8) {
        vex(1, 3, 0x0e, d.number, a.number, b.number)
        byte(mask)
    }
    /// SHUFPS.
    mutating func shufflePairs(_ d: XMM, _ a: XMM, _ b: XMM, _ order: UInt8) {
        vex(0, 1, 0xc6, d.number, a.number, b.number)
        byte(order)
    }

    // MARK: Floating point

    /// ADD, MUL, SUB, DIV, SQRT, MIN, MAX, and the logic ones, by their opcodes in map 1.
    enum FloatOperation: UInt8 {
        case add = 0x58
        case mul = 0x59
        case sub = 0x5c
        case div = 0x5e
        case sqrt = 0x51
    }
    private static func pp(double: Bool, scalar: Bool) -> UInt8 { scalar ? (double ? 3 : 2) : (double ? 1 : 0) }

    mutating func float(_ op: FloatOperation, _ d: XMM, _ a: XMM, _ b: XMM, double: Bool, scalar: Bool) {
        vex(Self.pp(double: double, scalar: scalar), 1, op.rawValue, d.number, op == .sqrt && !scalar ? 0 : a.number, b.number)
    }
    /// d += a * b, rounded once.
    mutating func multiplyAdd(_ d: XMM, _ a: XMM, _ b: XMM, double: Bool, scalar: Bool) {
        vex(1, 2, scalar ? 0xb9 : 0xb8, d.number, a.number, b.number, wide: double)
    }
    /// ROUNDSS...: `mode` as the immediate has it.
    mutating func round(_ d: XMM, _ s: XMM, double: Bool, scalar: Bool, mode: UInt8) {
        let code: UInt8 = (scalar ? 0x0a : 0x08) | (double ? 1 : 0)
        vex(1, 3, code, d.number, scalar ? s.number : 0, s.number)
        byte(mode)
    }
    /// UCOMIS, or COMIS, which signals for quiet NaNs, too.
    mutating func compare(_ a: XMM, _ b: XMM, double: Bool, signals: Bool = false) {
        vex(double ? 1 : 0, 1, signals ? 0x2f : 0x2e, a.number, 0, b.number)
        clobberFlags()
    }
    mutating func compare(_ a: XMM, _ m: HostAddress, double: Bool) {
        vex(double ? 1 : 0, 1, 0x2e, a.number, 0, m)
        clobberFlags()
    }
    /// CMPPS...: all ones where `predicate` holds.
    mutating func compareMask(_ d: XMM, _ a: XMM, _ b: XMM, double: Bool, scalar: Bool, predicate: UInt8) {
        vex(Self.pp(double: double, scalar: scalar), 1, 0xc2, d.number, a.number, b.number)
        byte(predicate)
    }
    mutating func compareMask(_ d: XMM, _ a: XMM, _ m: HostAddress, double: Bool, predicate: UInt8) {
        vex(double ? 1 : 0, 1, 0xc2, d.number, a.number, m, trailing: 1)
        byte(predicate)
    }
    /// MOVMSKPS, MOVMSKPD.
    mutating func signs(_ d: GPR, _ s: XMM, double: Bool) { vex(double ? 1 : 0, 1, 0x50, d.number, 0, s.number) }
    /// CVTSS2SD and back.
    mutating func convertScalar(_ d: XMM, _ s: XMM, fromDouble: Bool) {
        vex(fromDouble ? 3 : 2, 1, 0x5a, d.number, s.number, s.number)
    }
    /// CVTTSS2SI, CVTTSD2SI.
    mutating func truncate(_ d: GPR, _ s: XMM, double: Bool, wide: Bool) {
        vex(double ? 3 : 2, 1, 0x2c, d.number, 0, s.number, wide: wide)
    }
    /// CVTSI2SS, CVTSI2SD; the upper part is a's.
    mutating func convert(_ d: XMM, _ a: XMM, _ s: GPR, double: Bool, wide: Bool) {
        vex(double ? 3 : 2, 1, 0x2a, d.number, a.number, s.number, wide: wide)
    }
}
