internal import CHost
internal import CInterpreter
package import EmuIR
internal import Glibc
internal import GuestState
internal import Support

/// Turns IR blocks into tier-0 cells. One per translating thread; no allocation per TB but the cells themselves.
///
/// A value lives where it is cheapest: a `get` stays in its register as long as nobody overwrites it, a result that is `set`
/// at once is computed right into the register, 32-bit values are kept zero-extended in 64-bit storage so that `zext` and
/// `trunc` cost nothing, and constants go into the cell. What remains gets a temporary in the CPU struct.
package struct Predecoder: ~Copyable {
    var cells = Scratch<Cell>(capacity: 1024)
    /// Per IR value: the value whose storage it shares, its last use, where it lives.
    var root = Scratch<Int32>(capacity: 1024)
    var lastUse = Scratch<Int32>(capacity: 1024)
    var location = Scratch<UInt16>(capacity: 1024)
    /// i32 values whose storage may have garbage above bit 31.
    var isDirty = Scratch<Bool>(capacity: 1024)
    /// Values that live in a guest register, and the register.
    var inRegister = Scratch<HeldValue>(capacity: 64)
    var temps = TempAllocator()

    /// The last operation emitted: where it starts, which IR instruction it came from, what it defines.
    var lastStart = -1
    var lastInst = -1
    var lastValue = -1
    /// A condition not yet computed: its value. Flags have not changed since.
    var pendingCondition = -1
    var instruction = -1
    var pointBase: UInt32 = 0
    var chains = true

    static var unplaced: UInt16 { .max }

    package init() {}

    /// - Parameters:
    ///   - tbIndex: the TB's index in the engine's table, for fault points.
    ///   - chains: whether branches go straight to the next TB.
    /// - Returns: the cells, to be freed with `release`.
    package mutating func predecode(_ block: IRBlock, tbIndex: UInt32, chains: Bool = true) -> UnsafeMutableRawPointer {
        self.chains = chains
        pointBase = tbIndex << UInt32(NT_FAULT_POINT_INSN_BITS)
        block.insts.withUnsafeBufferPointer { predecode(BlockView(insts: $0, pc: block.pc)) }
        let size = cells.count * MemoryLayout<Cell>.stride
        guard let memory = malloc(size) else { preconditionFailure("out of memory for tier-0 code") }
        memory.copyMemory(from: cells.base, byteCount: size)
        // Lets cells take an operand from the cell before them where they can, and puts the handlers' addresses in.
        nt_interp_finish(memory, cells.count)
        return memory
    }

    private mutating func predecode(_ block: BlockView) {
        prepare(block)
        var i = 0
        while i < block.insts.count {
            let consumed = emit(block, i)
            for k in i..<i + consumed { releaseOperands(block.insts[k], at: k) }
            i += consumed
        }
    }

    package static func release(_ cells: UnsafeMutableRawPointer) { free(cells) }

    // MARK: Analysis

    private mutating func prepare(_ block: BlockView) {
        let count = block.insts.count
        cells.removeAll()
        root.resize(count)
        isDirty.resize(count)
        lastUse.fill(-1, count: count)
        location.fill(Self.unplaced, count: count)
        inRegister.removeAll()
        temps.reset()
        lastStart = -1
        lastInst = -1
        lastValue = -1
        pairValue = -1
        pendingCondition = -1
        instruction = -1
        for i in 0..<count {
            let inst = block.insts[i]
            var own = Int32(i)
            var dirty = false
            switch inst.op {
            case .zext where inst.type != .i128 && !isDirty[inst.a.index]: own = root[inst.a.index]
            case .trunc:
                let from = block.type(of: inst.a)
                if inst.type == .i32 {
                    own = root[inst.a.index]
                    dirty = true
                } else if from == .i128, inst.type == .i64 {
                    own = root[inst.a.index]
                }
            case .lo64: own = root[inst.a.index]
            case .select: dirty = inst.type == .i32
            default: break
            }
            root[i] = own
            isDirty[i] = dirty
            use(inst.a, at: i)
            use(inst.b, at: i)
            use(inst.c, at: i)
        }
    }

    private mutating func use(_ v: Value, at i: Int) {
        if !v.isNone { lastUse[Int(root[v.index])] = Int32(i) }
    }

    private mutating func releaseOperands(_ inst: IRInst, at i: Int) {
        release(inst.a, at: i)
        release(inst.b, at: i)
        release(inst.c, at: i)
    }

    private mutating func release(_ v: Value, at i: Int) {
        if v.isNone { return }
        let r = Int(root[v.index])
        if Int(lastUse[r]) == i, temps.owns(location[r]) {
            temps.free(location[r])
            location[r] = Self.unplaced
        }
    }

    // MARK: Places

    /// Where the value lives; constants are materialised.
    mutating func place(_ v: Value, _ block: BlockView) -> UInt16 {
        let r = Int(root[v.index])
        if location[r] != Self.unplaced { return location[r] }
        let inst = block.insts[r]
        switch inst.op {
        case .const:
            if inst.imm == 0 { return UInt16(NT_CPU_ZERO) }
            let at = temps.take(wide: false)
            location[r] = at
            append(Cell(Operation(NT_OP_movi), d: at, imm: inst.imm))
        case .vconst:
            if inst.imm == 0, inst.imm2 == 0 { return UInt16(NT_CPU_ZERO) }
            let at = temps.take(wide: true)
            location[r] = at
            append(Cell(Operation(NT_OP_vconst), d: at, imm: inst.imm))
            cells.append(Cell(data: inst.imm2))
        case .cond:
            materialiseCondition(block)
        default: preconditionFailure("IR value %\(v.id) (\(inst.op)) is used before it is made")
        }
        return location[r]
    }

    func constant(_ v: Value, _ block: BlockView) -> UInt64? {
        let inst = block.insts[v.index]
        if inst.op == .const { return inst.imm }
        let origin = block.insts[Int(root[v.index])]
        guard origin.op == .const else { return nil }
        return inst.type == .i32 ? origin.imm & 0xffff_ffff : origin.imm
    }

    /// A fresh temporary for the value that instruction `i` defines.
    mutating func define(_ i: Int, wide: Bool = false) -> UInt16 {
        let at = temps.take(wide: wide)
        location[i] = at
        // A result nobody reads still needs somewhere to go; it may be reused at once.
        if lastUse[i] < 0 {
            temps.free(at)
            location[i] = Self.unplaced
        }
        return at
    }

    mutating func append(_ cell: Cell) {
        lastStart = cells.count
        lastInst = -1
        lastValue = -1
        pairValue = -1
        cells.append(cell)
    }

    /// Appends the cell of IR instruction `i`, which may define a value.
    mutating func append(_ cell: Cell, from i: Int, defines: Bool = true) {
        append(cell)
        lastInst = i
        lastValue = defines ? i : -1
    }

    var faultPoint: UInt32 { pointBase | UInt32(truncatingIfNeeded: instruction) }

    mutating func materialiseCondition(_ block: BlockView) {
        let v = pendingCondition
        if v < 0 { return }
        pendingCondition = -1
        let at = define(v)
        let condition = Int(block.insts[v].aux)
        append(
            condition < 14
                ? Cell(Operation(NT_OP_cond_eq, offset: condition), d: at) : Cell(Operation(NT_OP_movi), d: at, imm: 1), from: v)
    }

    // MARK: Guest registers

    /// Where a guest register is, the general ones without a call.
    private func offset(of slot: StateSlot) -> UInt16 {
        slot.rawValue < 32 ? UInt16(NT_CPU_X) &+ slot.rawValue &* 8 : UInt16(slot.cpuOffset)
    }

    mutating func emitGet(_ inst: IRInst, _ i: Int) {
        if lastUse[i] < 0 { return }
        location[i] = offset(of: inst.slot)
        inRegister.append(HeldValue(value: Int32(i), slot: inst.slot.storage))
    }

    mutating func emitSet(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let slot = inst.slot
        let to = offset(of: slot)
        let r = Int(root[inst.a.index])
        let (overwrites, isThere) = look(at: slot, keeping: r, after: i)
        let isFresh = lastValue == r && temps.owns(location[r])
        let isWide = slot.valueType == .i128
        let fits = (block.insts[r].resultType == .i128) == isWide
        if isFresh, fits, !overwrites {
            cells[lastStart].d = to
            moveToRegister(r, slot, to, i)
            return
        }
        if isSecondOfPair(r), fits, !overwrites {
            cells[lastStart].imm = cells[lastStart].imm & 0xffff_ffff | UInt64(to) << 32
            moveToRegister(r, slot, to, i)
            return
        }
        if overwrites { evict(slot, keeping: r, block) }
        if isThere, location[r] == to { return }
        if let value = constant(inst.a, block), !isWide {
            append(Cell(Operation(NT_OP_movi), d: to, imm: value))
            return
        }
        let from = place(inst.a, block)
        append(Cell(Operation(isWide ? NT_OP_mov128 : NT_OP_mov64), d: to, a: from))
    }

    private mutating func moveToRegister(_ r: Int, _ slot: StateSlot, _ to: UInt16, _ i: Int) {
        temps.free(location[r])
        location[r] = to
        if Int(lastUse[r]) > i { inRegister.append(HeldValue(value: Int32(r), slot: slot)) } else { location[r] = Self.unplaced }
        // The cell now writes a register: a second `set` of the same value must copy.
        if lastValue == r { lastValue = -1 }
        if pairValue == r { pairValue = -1 }
    }

    /// Forgets values that nobody reads after instruction `i`, but not `r`.
    /// - Returns: whether another value than `r` lives in the register, and whether `r` does.
    private mutating func look(at slot: StateSlot, keeping r: Int, after i: Int) -> (others: Bool, isThere: Bool) {
        var others = false
        var isThere = false
        var kept = 0
        for k in 0..<inRegister.count {
            let entry = inRegister[k]
            let value = Int(entry.value)
            if value != r, Int(lastUse[value]) <= i { continue }
            if entry.slot == slot {
                if value == r { isThere = true } else { others = true }
            }
            inRegister[kept] = entry
            kept += 1
        }
        inRegister.count = kept
        return (others, isThere)
    }

    /// Copies what still is needed of a register that is about to change.
    private mutating func evict(_ slot: StateSlot, keeping r: Int, _ block: BlockView) {
        var kept = 0
        for k in 0..<inRegister.count {
            let entry = inRegister[k]
            let value = Int(entry.value)
            if entry.slot != slot || value == r {
                inRegister[kept] = entry
                kept += 1
                continue
            }
            let wide = block.insts[value].resultType == .i128
            let at = temps.take(wide: wide)
            append(Cell(Operation(wide ? NT_OP_mov128 : NT_OP_mov64), d: at, a: location[value]))
            location[value] = at
        }
        inRegister.count = kept
    }

    /// The second value of a fused load pair, while that pair is the last operation.
    var pairValue = -1
    private func isSecondOfPair(_ r: Int) -> Bool { pairValue == r && lastInst >= 0 && temps.owns(location[r]) }
}

/// The instructions of a block while it is being predecoded.
struct BlockView {
    let insts: UnsafeBufferPointer<IRInst>
    let pc: UInt64

    func type(of v: Value) -> IRType { insts[v.index].resultType }
}

/// A value that lives in a guest register.
struct HeldValue: BitwiseCopyable {
    let value: Int32
    let slot: StateSlot
}

/// Temporaries in the CPU struct, by byte offset.
struct TempAllocator: ~Copyable {
    private var next = Int(NT_CPU_TEMPS)
    private var freeNarrow = Scratch<UInt16>(capacity: 64)
    private var freeWide = Scratch<UInt16>(capacity: 64)
    /// For each temporary that was handed out, by its number: whether it has 16 bytes.
    private var isWide = Scratch<Bool>(capacity: Int(NT_INTERP_TEMPS))

    static var end: Int { Int(NT_CPU_TEMPS) + Int(NT_INTERP_TEMPS) * 8 }

    init() { isWide.fill(false, count: Int(NT_INTERP_TEMPS)) }

    mutating func reset() {
        next = Int(NT_CPU_TEMPS)
        freeNarrow.removeAll()
        freeWide.removeAll()
    }

    func owns(_ offset: UInt16) -> Bool { offset != Predecoder.unplaced && offset >= UInt16(NT_CPU_TEMPS) }

    private func number(_ offset: Int) -> Int { (offset - Int(NT_CPU_TEMPS)) >> 3 }

    mutating func take(wide: Bool) -> UInt16 {
        if let free = wide ? freeWide.popLast() : freeNarrow.popLast() { return free }
        let size = wide ? 16 : 8
        next = (next + size - 1) & ~(size - 1)
        precondition(next + size <= TempAllocator.end, "a TB needs more temporaries than the CPU struct has")
        defer { next += size }
        isWide[number(next)] = wide
        return UInt16(next)
    }

    mutating func free(_ offset: UInt16) {
        if isWide[number(Int(offset))] { freeWide.append(offset) } else { freeNarrow.append(offset) }
    }
}
