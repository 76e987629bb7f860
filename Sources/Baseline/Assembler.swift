/// Writes x86-64 instructions into a buffer (Intel SDM volume 2, chapter 2: instruction format).
///
/// Knows whether the arithmetic flags are still those that somebody noted: `flagsEpoch` changes with each instruction that
/// changes them.
struct Assembler: ~Copyable {
    let start: UnsafeMutablePointer<UInt8>
    private(set) var at: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private(set) var flagsEpoch: UInt32 = 0
    /// 16-byte constants behind the code, and the operands that name them.
    private var pool: [(UInt64, UInt64)] = []
    private var poolUses: [(at: Int, index: Int32, trailing: Int)] = []
    /// Places of the code that are true of this process only.
    private(set) var relocations: [Relocation] = []

    /// - Parameter capacity: bytes; the caller looks at `room` before it writes much.
    init(capacity: Int) {
        self.capacity = capacity
        start = .allocate(capacity: capacity)
        at = start
        pool.reserveCapacity(16)
        poolUses.reserveCapacity(32)
        relocations.reserveCapacity(64)
    }
    deinit { start.deallocate() }

    mutating func reset() {
        at = start
        flagsEpoch &+= 1
        pool.removeAll(keepingCapacity: true)
        poolUses.removeAll(keepingCapacity: true)
        relocations.removeAll(keepingCapacity: true)
    }

    /// What was written last is of this process.
    mutating func note(_ kind: Relocation.Kind) {
        relocations.append(Relocation(kind, at: UInt32(truncatingIfNeeded: offset - kind.size)))
    }
    /// Bytes written.
    var offset: Int { at - start }
    /// Bytes that may still be written.
    var room: Int { capacity - offset }

    mutating func clobberFlags() { flagsEpoch &+= 1 }

    // MARK: Bytes

    @inline(__always) mutating func byte(_ value: UInt8) {
        at.pointee = value
        at += 1
    }
    @inline(__always) mutating func word(_ value: UInt32) {
        UnsafeMutableRawPointer(at).storeBytes(of: value, as: UInt32.self)
        at += 4
    }
    @inline(__always) mutating func quad(_ value: UInt64) {
        UnsafeMutableRawPointer(at).storeBytes(of: value, as: UInt64.self)
        at += 8
    }

    // MARK: Operands

    @inline(__always) private mutating func direct(_ reg: UInt8, _ rm: UInt8) { byte(0xc0 | (reg & 7) << 3 | rm & 7) }

    /// ModRM, SIB and displacement. `trailing`: bytes of the instruction behind them.
    private mutating func indirect(_ reg: UInt8, _ m: HostAddress, trailing: Int) {
        let r = (reg & 7) << 3
        if m.poolIndex >= 0 {
            byte(r | 5)
            poolUses.append((offset, m.poolIndex, trailing))
            word(0)
            return
        }
        let base = m.base.number & 7
        let mode: UInt8 =
            m.displacement == 0 && base != 5 ? 0 : Int32(Int8(truncatingIfNeeded: m.displacement)) == m.displacement ? 1 : 2
        if let index = m.index {
            byte(mode << 6 | r | 4)
            byte(m.scale << 6 | (index.number & 7) << 3 | base)
        } else if base == 4 {
            byte(mode << 6 | r | 4)
            byte(0x24)
        } else {
            byte(mode << 6 | r | base)
        }
        if mode == 1 { byte(UInt8(truncatingIfNeeded: m.displacement)) }
        if mode == 2 {
            word(UInt32(bitPattern: m.displacement))
            // So far away that it is always four bytes.
            if m.isEntry { note(.entry) }
        }
    }

    @inline(__always) private mutating func opcode(_ map: UInt8, _ code: UInt8) {
        if map != 0 { byte(0x0f) }
        if map == 2 { byte(0x38) }
        if map == 3 { byte(0x3a) }
        byte(code)
    }

    /// An instruction with a REX prefix where it needs one. `narrow`: an operand is a byte register, so SPL...DIL are meant.
    mutating func plain(
        _ map: UInt8, _ code: UInt8, _ reg: UInt8, _ rm: GPR, wide: Bool, prefix: UInt8 = 0, narrow: Bool = false
    ) {
        if prefix != 0 { byte(prefix) }
        let rex = (wide ? 8 : 0) | (reg >> 3) << 2 | rm.number >> 3
        if rex != 0 || narrow && (reg >= 4 || rm.number >= 4) { byte(0x40 | rex) }
        opcode(map, code)
        direct(reg, rm.number)
    }
    mutating func plain(
        _ map: UInt8, _ code: UInt8, _ reg: UInt8, _ m: HostAddress, wide: Bool, prefix: UInt8 = 0, narrow: Bool = false,
        trailing: Int = 0
    ) {
        if prefix != 0 { byte(prefix) }
        let rex = (wide ? 8 : 0) | (reg >> 3) << 2 | ((m.index?.number ?? 0) >> 3) << 1 | m.base.number >> 3
        if rex != 0 || narrow && reg >= 4 { byte(0x40 | rex) }
        opcode(map, code)
        indirect(reg, m, trailing: trailing)
    }

    /// A VEX-encoded instruction of 128 bits. `pp`: 0 none, 1 66, 2 F3, 3 F2. `second`: the operand in VEX.vvvv.
    mutating func vex(_ pp: UInt8, _ map: UInt8, _ code: UInt8, _ reg: UInt8, _ second: UInt8, _ rm: UInt8, wide: Bool = false) {
        vexPrefix(pp, map, code, reg: reg, second: second, x: 0, b: rm >> 3, wide: wide)
        direct(reg, rm)
    }
    mutating func vex(
        _ pp: UInt8, _ map: UInt8, _ code: UInt8, _ reg: UInt8, _ second: UInt8, _ m: HostAddress, wide: Bool = false,
        trailing: Int = 0
    ) {
        vexPrefix(
            pp, map, code, reg: reg, second: second, x: (m.index?.number ?? 0) >> 3, b: m.base.number >> 3, wide: wide)
        indirect(reg, m, trailing: trailing)
    }
    @inline(__always) private mutating func vexPrefix(
        _ pp: UInt8, _ map: UInt8, _ code: UInt8, reg: UInt8, second: UInt8, x: UInt8, b: UInt8, wide: Bool
    ) {
        let r = reg >> 3 & 1
        if map == 1, x == 0, b == 0, !wide {
            byte(0xc5)
            byte((r ^ 1) << 7 | (second ^ 15) << 3 | pp)
        } else {
            byte(0xc4)
            byte((r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | map)
            byte((wide ? 0x80 : 0) | (second ^ 15) << 3 | pp)
        }
        byte(code)
    }

    // MARK: Constants

    /// The operand of a 16-byte constant.
    mutating func constant(_ low: UInt64, _ high: UInt64) -> HostAddress {
        if let known = pool.firstIndex(where: { $0.0 == low && $0.1 == high }) { return HostAddress(pool: Int32(known)) }
        pool.append((low, high))
        return HostAddress(pool: Int32(pool.count - 1))
    }

    /// Puts the constants behind the code. The code must stay at a multiple of 16 for the sake of aligned operands.
    mutating func finishPool() {
        if pool.isEmpty { return }
        while offset & 15 != 0 { byte(0xcc) }
        let base = offset
        for (low, high) in pool {
            quad(low)
            quad(high)
        }
        for use in poolUses {
            let distance = base + Int(use.index) * 16 - (use.at + 4 + use.trailing)
            UnsafeMutableRawPointer(start + use.at).storeBytes(of: Int32(distance), as: Int32.self)
        }
    }

    // MARK: Branches

    /// A forward jump whose distance `land` fills in.
    struct Jump: BitwiseCopyable {
        /// Offset of the distance.
        fileprivate(set) var at: Int32
    }

    mutating func jump(if condition: HostCondition) -> Jump {
        byte(0x0f)
        byte(0x80 | condition.rawValue)
        word(0)
        return Jump(at: Int32(offset - 4))
    }
    mutating func jump() -> Jump {
        byte(0xe9)
        word(0)
        return Jump(at: Int32(offset - 4))
    }
    /// A jump whose distance stands at a multiple of 4 in the code.
    mutating func alignedJump() -> Jump {
        // NOPs of one to three bytes.
        switch (offset + 1) & 3 {
        case 1:
            byte(0x0f)
            byte(0x1f)
            byte(0x00)
        case 2:
            byte(0x66)
            byte(0x90)
        case 3: byte(0x90)
        default: break
        }
        return jump()
    }
    /// The same, if a condition holds. Prefixes fill the gap, which say nothing here: a NOP would part the jump from the comparison.
    mutating func alignedJump(if condition: HostCondition) -> Jump {
        for _ in 0..<(4 - (offset + 2) & 3) & 3 { byte(0x2e) }
        return jump(if: condition)
    }
    /// The jump leads here.
    mutating func land(_ jump: Jump) {
        UnsafeMutableRawPointer(start + Int(jump.at)).storeBytes(of: Int32(offset) - jump.at - 4, as: Int32.self)
    }
    mutating func jump(back target: Int) {
        byte(0xe9)
        word(UInt32(bitPattern: Int32(target - offset - 4)))
    }
    mutating func jump(through m: HostAddress) { plain(0, 0xff, 4, m, wide: false) }
    mutating func call(_ r: GPR) {
        plain(0, 0xff, 2, r, wide: false)
        clobberFlags()
    }
    mutating func ret() { byte(0xc3) }
}
