internal import CHost
internal import EmuIR
internal import GuestState

/// Which value is in which host register.
///
/// A value that memory holds as well (its home: the guest register it was read from or written to, or a spill slot) is given up
/// without a store. Values past their last use are given up when their register is wanted.
extension BaselineCompiler {
    static var vectorBase: Int { 16 }

    func root(_ v: Value) -> Int { Int(states[v.index].root) }

    /// The number a value is known to be.
    func constant(_ v: Value) -> UInt64? {
        let r = root(v)
        guard states[r].kind == .constant else { return nil }
        switch insts[v.index].resultType {
        case .i1: return insts[r].imm & 1
        case .i32: return UInt64(UInt32(truncatingIfNeeded: insts[r].imm))
        default: return insts[r].imm
        }
    }
    /// A constant that instructions with a 32-bit immediate, sign-extended to the width, can take.
    func immediate(_ v: Value) -> Int32? {
        guard let value = constant(v) else { return nil }
        if insts[v.index].resultType != .i64 { return Int32(truncatingIfNeeded: value) }
        return Int32(exactly: Int64(bitPattern: value))
    }

    /// Nobody wants the value after the operation at hand.
    func diesHere(_ r: Int) -> Bool { Int(states[r].lastUse) <= current }

    // MARK: General registers

    /// A register that holds nothing any more. It is pinned until the end of the operation.
    mutating func freeGPR() -> GPR {
        GPR(number: UInt8(takeRegister(pool: HostRegisters.generalPool, base: 0)))
    }
    mutating func freeXMM() -> XMM {
        XMM(number: UInt8(takeRegister(pool: HostRegisters.vectorPool, base: Self.vectorBase)))
    }

    private mutating func takeRegister(pool: UInt32, base: Int) -> Int {
        var candidates = pool & ~(pinned >> UInt32(base))
        var best = -1
        var bestUse = Int32(-1)
        while candidates != 0 {
            let n = candidates.trailingZeroBitCount
            candidates &= candidates &- 1
            let owner = owners[base + n]
            if owner < 0 || states[Int(owner)].lastUse < Int32(truncatingIfNeeded: current) {
                if owner >= 0 { giveUp(base + n) }
                pinned |= 1 << UInt32(base + n)
                return n
            }
            // What is wanted last; of equals, what need not be stored.
            let use = states[Int(owner)].lastUse
            if use > bestUse {
                bestUse = use
                best = n
            }
        }
        guard best >= 0 else {
            hasFailed = true
            return pool.trailingZeroBitCount
        }
        spill(base + best)
        giveUp(base + best)
        pinned |= 1 << UInt32(base + best)
        return best
    }

    /// The register holds nothing; memory does, if anybody wants its value.
    private mutating func giveUp(_ register: Int) {
        states[Int(owners[register])].register = 255
        owners[register] = -1
    }

    /// Sees to it that memory holds the value of a register.
    private mutating func spill(_ register: Int) {
        let v = Int(owners[register])
        if states[v].home >= 0 || states[v].kind == .constant { return }
        let size: Int32 = states[v].isVector ? 16 : 8
        guard spillOffset + size <= Int32(NT_CPU_TEMPS) + Int32(NT_INTERP_TEMPS) * 8 else {
            hasFailed = true
            return
        }
        states[v].home = spillOffset
        spillOffset += size
        if register >= Self.vectorBase {
            asm.store(HostAddress(cpu: Int(states[v].home)), XMM(number: UInt8(register - Self.vectorBase)))
        } else {
            asm.mov(HostAddress(cpu: Int(states[v].home)), GPR(number: UInt8(register)), wide: true)
        }
    }

    private mutating func claim(_ register: Int, for v: Int) {
        owners[register] = Int32(truncatingIfNeeded: v)
        states[v].register = UInt8(register < Self.vectorBase ? register : register - Self.vectorBase)
        pinned |= 1 << UInt32(register)
    }

    /// A register for the result of the operation at hand.
    mutating func resultGPR(clean: Bool = true) -> GPR {
        let r = freeGPR()
        claim(Int(r.number), for: current)
        states[current].isClean = clean
        return r
    }
    mutating func resultXMM() -> XMM {
        let r = freeXMM()
        states[current].isVector = true
        claim(Self.vectorBase + Int(r.number), for: current)
        return r
    }

    /// A register that `freeGPR` gave becomes the place of the result, a number below 2^32.
    mutating func adopt(_ d: GPR) {
        claim(Int(d.number), for: current)
        states[current].isClean = true
    }

    /// The general register of a value, which is pinned.
    mutating func gpr(_ v: Value) -> GPR {
        let r = root(v)
        if states[r].hasRegister {
            pinned |= 1 << UInt32(states[r].register)
            return GPR(number: states[r].register)
        }
        if states[r].kind == .deferred { return materialised(r) }
        let d = freeGPR()
        fill(d, r)
        claim(Int(d.number), for: r)
        return d
    }

    /// Puts a value without register into one.
    private mutating func fill(_ d: GPR, _ r: Int) {
        if states[r].kind == .constant {
            asm.mov(d, constant(Value(index: r)) ?? 0)
            states[r].isClean = true
        } else {
            asm.mov(d, HostAddress(cpu: Int(states[r].home)), wide: true)
        }
    }

    /// Puts a value into a register that is no value's place (an argument, RAX).
    mutating func copy(_ v: Value, to d: GPR) {
        let r = root(v)
        if states[r].hasRegister {
            asm.mov(d, GPR(number: states[r].register), wide: true)
        } else if states[r].kind == .deferred {
            _ = materialised(r)
            asm.mov(d, GPR(number: states[r].register), wide: true)
        } else {
            fill(d, r)
        }
    }

    /// A comparison becomes 0 or 1 in a register.
    private mutating func materialised(_ r: Int) -> GPR {
        let d = freeGPR()
        materialise(Value(index: r), into: d)
        states[r].kind = .computed
        states[r].isClean = true
        claim(Int(d.number), for: r)
        return d
    }

    /// The result's register, with a copy of `v` in it: the first operand of an instruction that overwrites it.
    mutating func resultGPR(copying v: Value, clean: Bool = true) -> GPR {
        let r = root(v)
        if diesHere(r), states[r].hasRegister {
            let d = GPR(number: states[r].register)
            states[r].register = 255
            claim(Int(d.number), for: current)
            states[current].isClean = clean
            return d
        }
        if !diesHere(r) { _ = gpr(v) }
        let d = freeGPR()
        copy(v, to: d)
        claim(Int(d.number), for: current)
        states[current].isClean = clean
        return d
    }

    /// The operand in memory, where it need not be loaded first: it is there, and wanted only now. At least `bytes` of it.
    func memoryOperand(_ v: Value) -> HostAddress? {
        let r = root(v)
        guard !states[r].hasRegister, states[r].kind == .computed, states[r].home >= 0, diesHere(r) else { return nil }
        return HostAddress(cpu: Int(states[r].home))
    }

    /// The value at hand is that of another in the same register.
    mutating func alias(_ v: Value) {
        states[current].root = states[v.index].root
    }

    // MARK: Vector registers

    mutating func xmm(_ v: Value) -> XMM {
        let r = root(v)
        if states[r].hasRegister {
            pinned |= 1 << UInt32(Self.vectorBase + Int(states[r].register))
            return XMM(number: states[r].register)
        }
        let d = freeXMM()
        fill(d, r)
        claim(Self.vectorBase + Int(d.number), for: r)
        return d
    }
    private mutating func fill(_ d: XMM, _ r: Int) {
        if states[r].kind == .constant {
            load(d, constant: insts[r].imm, insts[r].imm2)
        } else {
            asm.load(d, HostAddress(cpu: Int(states[r].home)))
        }
    }
    mutating func load(_ d: XMM, constant low: UInt64, _ high: UInt64) {
        if low == 0, high == 0 {
            asm.vector(.xor, d, d, d)
        } else if low == .max, high == .max {
            asm.vector(.compareEqual32, d, d, d)
        } else {
            asm.load(d, asm.constant(low, high))
        }
    }
    mutating func copy(_ v: Value, to d: XMM) {
        let r = root(v)
        if states[r].hasRegister { asm.move(d, XMM(number: states[r].register)) } else { fill(d, r) }
    }

    // MARK: Guest registers

    mutating func emitGet(_ i: IRInst) {
        let slot = Int(i.imm)
        let offset = i.slot.cpuOffset
        switch slot {
        case 0..<32, 64..<96:
            // Loaded where it is wanted; many are operands in memory.
            let holder = slot < 32 ? slot : slot - 32
            displaceHolder(holder)
            states[current].home = Int32(offset)
            states[current].isVector = i.type == .i128
            holders[holder] = Int32(current)
        default:
            if i.type == .i128 { asm.load(resultXMM(), HostAddress(cpu: offset)) } else {
                let d = resultGPR(clean: false)
                asm.mov(d, HostAddress(cpu: offset), wide: true)
            }
        }
    }

    mutating func emitSet(_ i: IRInst) {
        let slot = Int(i.imm)
        let offset = i.slot.cpuOffset
        let holder = slot < 32 ? slot : slot >= 64 ? slot - 32 : -1
        // The value itself may be what the register holds now.
        let r = root(i.a)
        if holder >= 0, holders[holder] == Int32(r), states[r].home == Int32(offset) { return }
        let address = HostAddress(cpu: offset)
        if i.type == .i128 {
            let s = xmm(i.a)
            if holder >= 0 { displaceHolder(holder) }
            asm.store(address, s)
        } else if let value = immediate(i.a), !states[r].hasRegister {
            if holder >= 0 { displaceHolder(holder) }
            asm.mov(address, value, size: 3)
        } else {
            let s = gpr(i.a)
            if holder >= 0 { displaceHolder(holder) }
            asm.mov(address, s, wide: true)
        }
        if holder >= 0, states[r].kind != .constant, states[r].home < 0 {
            states[r].home = Int32(offset)
            holders[holder] = Int32(r)
        }
    }

    /// The memory of a guest register is about to change: the value it is the home of must be elsewhere.
    private mutating func displaceHolder(_ holder: Int) {
        let v = Int(holders[holder])
        if v < 0 { return }
        holders[holder] = -1
        if states[v].lastUse > Int32(truncatingIfNeeded: current), !states[v].hasRegister {
            if states[v].isVector { _ = xmm(Value(index: v)) } else { _ = gpr(Value(index: v)) }
        }
        states[v].home = -1
    }

    /// Guest registers are about to change behind the compiler's back.
    mutating func displaceAllHolders() {
        for holder in 0..<64 where holders[holder] >= 0 {
            displaceHolder(holder)
        }
    }

    /// Before a C function: what is wanted after it must be in memory, or in a register that it keeps.
    mutating func spillForCall() {
        for n in 0..<32 where owners[n] >= 0 && (n >= 16 || HostRegisters.keptByCalls >> UInt32(n) & 1 == 0) {
            if states[Int(owners[n])].lastUse > Int32(truncatingIfNeeded: current) { spill(n) }
        }
    }
    /// After the arguments are in place: the registers that it does not keep hold nothing.
    mutating func forgetForCall() {
        for n in 0..<32 where owners[n] >= 0 && (n >= 16 || HostRegisters.keptByCalls >> UInt32(n) & 1 == 0) { giveUp(n) }
    }
}
