/// Instructions on general registers. `wide`: 64 bits; otherwise 32, and the upper half of the result is zero.
extension Assembler {
    /// The eight operations of opcode rows 00...38, by their number in ModRM.reg of 81 and 83.
    enum Arithmetic: UInt8 {
        case add = 0
        case or
        case adc
        case sbb
        case and
        case sub
        case xor
        case cmp
    }

    mutating func mov(_ d: GPR, _ s: GPR, wide: Bool) { plain(0, 0x8b, d.number, s, wide: wide) }
    mutating func mov(_ d: GPR, _ m: HostAddress, wide: Bool) { plain(0, 0x8b, d.number, m, wide: wide) }
    mutating func mov(_ m: HostAddress, _ s: GPR, wide: Bool) { plain(0, 0x89, s.number, m, wide: wide) }
    /// Leaves the flags alone.
    mutating func mov(_ d: GPR, _ value: UInt64) {
        if value <= UInt64(UInt32.max) {
            if d.number >= 8 { byte(0x41) }
            byte(0xb8 | d.number & 7)
            word(UInt32(value))
        } else if Int64(Int32(truncatingIfNeeded: value)) == Int64(bitPattern: value) {
            plain(0, 0xc7, 0, d, wide: true)
            word(UInt32(truncatingIfNeeded: value))
        } else {
            byte(0x48 | d.number >> 3)
            byte(0xb8 | d.number & 7)
            quad(value)
        }
    }
    /// A number of this process, always in eight bytes. Leaves the flags alone.
    mutating func mov(_ d: GPR, address: UInt, _ kind: Relocation.Kind) {
        byte(0x48 | d.number >> 3)
        byte(0xb8 | d.number & 7)
        quad(UInt64(address))
        note(kind)
    }
    /// - Parameter size: log2 of bytes; the 32-bit value is sign-extended for 8.
    mutating func mov(_ m: HostAddress, _ value: Int32, size: Int) {
        switch size {
        case 0:
            plain(0, 0xc6, 0, m, wide: false, trailing: 1)
            byte(UInt8(truncatingIfNeeded: value))
        case 1:
            plain(0, 0xc7, 0, m, wide: false, prefix: 0x66, trailing: 2)
            byte(UInt8(truncatingIfNeeded: value))
            byte(UInt8(truncatingIfNeeded: value >> 8))
        default:
            plain(0, 0xc7, 0, m, wide: size == 3, trailing: 4)
            word(UInt32(bitPattern: value))
        }
    }
    /// Loads `1 << size` bytes, extended to 32 or 64 bits.
    mutating func load(_ d: GPR, _ m: HostAddress, size: Int, signed: Bool, wide: Bool) {
        switch (size, signed) {
        case (0, false): plain(1, 0xb6, d.number, m, wide: false)
        case (1, false): plain(1, 0xb7, d.number, m, wide: false)
        case (0, true): plain(1, 0xbe, d.number, m, wide: wide)
        case (1, true): plain(1, 0xbf, d.number, m, wide: wide)
        case (2, true) where wide: plain(0, 0x63, d.number, m, wide: true)
        default: plain(0, 0x8b, d.number, m, wide: size == 3)
        }
    }
    mutating func store(_ m: HostAddress, _ s: GPR, size: Int) {
        switch size {
        case 0: plain(0, 0x88, s.number, m, wide: false, narrow: true)
        case 1: plain(0, 0x89, s.number, m, wide: false, prefix: 0x66)
        default: plain(0, 0x89, s.number, m, wide: size == 3)
        }
    }

    mutating func arithmetic(_ op: Arithmetic, _ d: GPR, _ s: GPR, wide: Bool) {
        plain(0, op.rawValue << 3 | 3, d.number, s, wide: wide)
        clobberFlags()
    }
    mutating func arithmetic(_ op: Arithmetic, _ d: GPR, _ m: HostAddress, wide: Bool) {
        plain(0, op.rawValue << 3 | 3, d.number, m, wide: wide)
        clobberFlags()
    }
    mutating func arithmetic(_ op: Arithmetic, _ d: GPR, _ value: Int32, wide: Bool) {
        if let small = Int8(exactly: value) {
            plain(0, 0x83, op.rawValue, d, wide: wide)
            byte(UInt8(bitPattern: small))
        } else {
            plain(0, 0x81, op.rawValue, d, wide: wide)
            word(UInt32(bitPattern: value))
        }
        clobberFlags()
    }
    mutating func arithmetic(_ op: Arithmetic, _ m: HostAddress, _ value: Int32, wide: Bool) {
        if let small = Int8(exactly: value) {
            plain(0, 0x83, op.rawValue, m, wide: wide, trailing: 1)
            byte(UInt8(bitPattern: small))
        } else {
            plain(0, 0x81, op.rawValue, m, wide: wide, trailing: 4)
            word(UInt32(bitPattern: value))
        }
        clobberFlags()
    }
    mutating func arithmetic(_ op: Arithmetic, _ m: HostAddress, _ s: GPR, wide: Bool) {
        plain(0, op.rawValue << 3 | 1, s.number, m, wide: wide)
        clobberFlags()
    }
    /// CMP of a byte in memory with a constant.
    mutating func compareByte(_ m: HostAddress, _ value: UInt8) {
        plain(0, 0x80, 7, m, wide: false, trailing: 1)
        byte(value)
        clobberFlags()
    }
    mutating func test(_ a: GPR, _ b: GPR, wide: Bool) {
        plain(0, 0x85, b.number, a, wide: wide)
        clobberFlags()
    }
    mutating func lea(_ d: GPR, _ m: HostAddress, wide: Bool) { plain(0, 0x8d, d.number, m, wide: wide) }
    mutating func neg(_ d: GPR, wide: Bool) {
        plain(0, 0xf7, 3, d, wide: wide)
        clobberFlags()
    }
    /// Leaves the flags alone.
    mutating func not(_ d: GPR, wide: Bool) { plain(0, 0xf7, 2, d, wide: wide) }
    mutating func imul(_ d: GPR, _ s: GPR, wide: Bool) {
        plain(1, 0xaf, d.number, s, wide: wide)
        clobberFlags()
    }
    /// RDX:RAX = RAX * s. `signed` by IMUL.
    mutating func multiplyWide(_ s: GPR, signed: Bool) {
        plain(0, 0xf7, signed ? 5 : 4, s, wide: true)
        clobberFlags()
    }
    /// RAX = RDX:RAX / s.
    mutating func divide(_ s: GPR, signed: Bool, wide: Bool) {
        plain(0, 0xf7, signed ? 7 : 6, s, wide: wide)
        clobberFlags()
    }
    /// RDX = the sign of RAX.
    mutating func signIntoDX(wide: Bool) {
        if wide { byte(0x48) }
        byte(0x99)
    }

    enum Shift: UInt8 {
        case rotateRight = 1
        case left = 4
        case right = 5
        case arithmeticRight = 7
    }
    mutating func shift(_ kind: Shift, _ d: GPR, _ amount: UInt8, wide: Bool) {
        plain(0, 0xc1, kind.rawValue, d, wide: wide)
        byte(amount)
        clobberFlags()
    }
    /// By CL.
    mutating func shiftByCL(_ kind: Shift, _ d: GPR, wide: Bool) {
        plain(0, 0xd3, kind.rawValue, d, wide: wide)
        clobberFlags()
    }
    /// SHLX, SHRX, SARX: the amount modulo the width, flags left alone.
    mutating func shift(_ kind: Shift, _ d: GPR, _ s: GPR, by amount: GPR, wide: Bool) {
        let pp: UInt8 = kind == .left ? 1 : kind == .right ? 3 : 2
        vex(pp, 2, 0xf7, d.number, amount.number, s.number, wide: wide)
    }
    /// RORX: flags left alone.
    mutating func rotateRight(_ d: GPR, _ s: GPR, _ amount: UInt8, wide: Bool) {
        vex(3, 3, 0xf0, d.number, 0, s.number, wide: wide)
        byte(amount)
    }
    /// SHRD: d = low half of (high:d) >> amount.
    mutating func shiftRightDouble(_ d: GPR, high: GPR, _ amount: UInt8, wide: Bool) {
        plain(1, 0xac, high.number, d, wide: wide)
        byte(amount)
        clobberFlags()
    }
    /// ANDN: d = NOT a AND b.
    mutating func andNot(_ d: GPR, not a: GPR, _ b: GPR, wide: Bool) {
        vex(0, 2, 0xf2, d.number, a.number, b.number, wide: wide)
        clobberFlags()
    }
    /// BZHI: the low bits of s, as many as the low byte of `count` says.
    mutating func lowBits(_ d: GPR, _ s: GPR, count: GPR, wide: Bool) {
        vex(0, 2, 0xf5, d.number, count.number, s.number, wide: wide)
        clobberFlags()
    }
    /// LZCNT: the width for 0.
    mutating func leadingZeros(_ d: GPR, _ s: GPR, wide: Bool) {
        plain(1, 0xbd, d.number, s, wide: wide, prefix: 0xf3)
        clobberFlags()
    }
    mutating func byteSwap(_ d: GPR, wide: Bool) {
        let rex = (wide ? 8 : 0) | d.number >> 3
        if rex != 0 { byte(0x40 | rex) }
        byte(0x0f)
        byte(0xc8 | d.number & 7)
    }
    /// CRC32: accumulates `1 << size` bytes of s into d.
    mutating func crc32c(_ d: GPR, _ s: GPR, size: Int) {
        if size == 1 { byte(0x66) }
        plain(2, size == 0 ? 0xf0 : 0xf1, d.number, s, wide: size == 3, prefix: 0xf2, narrow: size == 0)
    }
    /// MOVZX and MOVSX of registers, MOVSXD; `from`: log2 of bytes.
    mutating func extend(_ d: GPR, _ s: GPR, from: Int, signed: Bool, wide: Bool) {
        switch (from, signed) {
        case (0, false): plain(1, 0xb6, d.number, s, wide: false, narrow: true)
        case (1, false): plain(1, 0xb7, d.number, s, wide: false)
        case (0, true): plain(1, 0xbe, d.number, s, wide: wide, narrow: true)
        case (1, true): plain(1, 0xbf, d.number, s, wide: wide)
        case (2, true) where wide: plain(0, 0x63, d.number, s, wide: true)
        default: plain(0, 0x8b, d.number, s, wide: false)
        }
    }
    mutating func set(_ d: GPR, if condition: HostCondition) {
        plain(1, 0x90 | condition.rawValue, 0, d, wide: false, narrow: true)
    }
    mutating func set(_ m: HostAddress, if condition: HostCondition) {
        plain(1, 0x90 | condition.rawValue, 0, m, wide: false)
    }
    mutating func move(_ d: GPR, _ s: GPR, if condition: HostCondition, wide: Bool) {
        plain(1, 0x40 | condition.rawValue, d.number, s, wide: wide)
    }
    mutating func move(_ d: GPR, _ m: HostAddress, if condition: HostCondition, wide: Bool) {
        plain(1, 0x40 | condition.rawValue, d.number, m, wide: wide)
    }
    /// LOCK XADD or XCHG of `1 << size` bytes; the register gets what memory held.
    mutating func exchange(_ m: HostAddress, _ r: GPR, adds: Bool, size: Int) {
        if adds { byte(0xf0) }
        let prefix: UInt8 = size == 1 ? 0x66 : 0
        if adds {
            plain(1, size == 0 ? 0xc0 : 0xc1, r.number, m, wide: size == 3, prefix: prefix, narrow: size == 0)
        } else {
            plain(0, size == 0 ? 0x86 : 0x87, r.number, m, wide: size == 3, prefix: prefix, narrow: size == 0)
        }
        clobberFlags()
    }
    /// LOCK CMPXCHG of `1 << size` bytes with RAX, which gets what memory held.
    mutating func compareExchange(_ m: HostAddress, _ new: GPR, size: Int) {
        byte(0xf0)
        plain(
            1, size == 0 ? 0xb0 : 0xb1, new.number, m, wide: size == 3, prefix: size == 1 ? 0x66 : 0, narrow: size == 0)
        clobberFlags()
    }
    /// A full barrier: a locked operation that changes nothing.
    mutating func fence() {
        byte(0xf0)
        plain(0, 0x83, 1, HostAddress(.rsp), wide: false, trailing: 1)
        byte(0)
        clobberFlags()
    }
    mutating func loadMXCSR(_ m: HostAddress) { plain(1, 0xae, 2, m, wide: false) }
}
