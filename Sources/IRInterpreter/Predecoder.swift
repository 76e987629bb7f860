internal import CHost
internal import CInterpreter
package import EmuIR
internal import Glibc
internal import GuestState

/// Turns IR blocks into tier-0 cells. One per translating thread; no allocation per TB but the cells themselves.
///
/// A value lives where it is cheapest: a `get` stays in its register as long as nobody overwrites it, a result that is `set`
/// at once is computed right into the register, 32-bit values are kept zero-extended in 64-bit storage so that `zext` and
/// `trunc` cost nothing, and constants go into the cell. What remains gets a temporary in the CPU struct.
package struct Predecoder {
    var cells = ContiguousArray<Cell>()
    /// Per IR value: the value whose storage it shares, its last use, where it lives.
    var root = ContiguousArray<Int32>()
    var lastUse = ContiguousArray<Int32>()
    var location = ContiguousArray<UInt16>()
    /// i32 values whose storage may have garbage above bit 31.
    var isDirty = ContiguousArray<Bool>()
    /// Values that live in a guest register, and the register.
    var inRegister: [(value: Int, slot: StateSlot)] = []
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

    static let unplaced = UInt16.max

    package init() {}

    /// - Parameters:
    ///   - tbIndex: the TB's index in the engine's table, for fault points.
    ///   - chains: whether branches go straight to the next TB.
    /// - Returns: the cells, to be freed with `release`.
    package mutating func predecode(_ block: IRBlock, tbIndex: UInt32, chains: Bool = true) -> UnsafeMutableRawPointer {
        prepare(block)
        self.chains = chains
        pointBase = tbIndex << UInt32(NT_FAULT_POINT_INSN_BITS)
        var i = 0
        while i < block.insts.count {
            let consumed = emit(block, i)
            for k in i..<i + consumed { releaseOperands(block.insts[k], at: k) }
            i += consumed
        }
        finish()
        let size = cells.count * MemoryLayout<Cell>.stride
        guard let memory = malloc(size) else { preconditionFailure("out of memory for tier-0 code") }
        cells.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: size) }
        return memory
    }

    /// Lets cells take an operand from the cell before them where they can, and puts the handlers' addresses in.
    private mutating func finish() {
        // Where the cell before wrote the value that its handler passes on.
        var passed: UInt16?
        // The cell before, while it can still become the first of a pair.
        var single: (index: Int, operation: UInt32)?
        for k in cells.indices {
            let code = cells[k].handler
            if code == 0 {
                passed = nil
                single = nil
                continue
            }
            var operation = UInt32(code - 1)
            let leavesValue = nt_interp_leaves_value(operation)
            if let place = passed {
                let forms = nt_interp_forms_of(operation)
                if forms.first != 0, cells[k].a == place {
                    operation = UInt32(forms.first)
                } else if forms.second != 0, cells[k].b == place {
                    operation = UInt32(forms.second)
                } else if forms.value != 0, cells[k].d == place {
                    operation = UInt32(forms.value)
                }
            }
            cells[k].handler = UInt(bitPattern: nt_interp_handler(operation))
            passed = leavesValue ? cells[k].d : nil
            if let first = single, let pair = nt_interp_pair_handler(first.operation, operation) {
                cells[first.index].handler = UInt(bitPattern: pair)
                single = nil
            } else {
                single = (k, operation)
            }
        }
    }

    package static func release(_ cells: UnsafeMutableRawPointer) { free(cells) }

    // MARK: Analysis

    private mutating func prepare(_ block: IRBlock) {
        let count = block.insts.count
        cells.removeAll(keepingCapacity: true)
        root.removeAll(keepingCapacity: true)
        lastUse.removeAll(keepingCapacity: true)
        location.removeAll(keepingCapacity: true)
        isDirty.removeAll(keepingCapacity: true)
        inRegister.removeAll(keepingCapacity: true)
        temps.reset()
        lastStart = -1
        lastInst = -1
        lastValue = -1
        pairValue = -1
        pendingCondition = -1
        instruction = -1
        lastUse.append(contentsOf: repeatElement(-1, count: count))
        location.append(contentsOf: repeatElement(Self.unplaced, count: count))
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
            root.append(own)
            isDirty.append(dirty)
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
    mutating func place(_ v: Value, _ block: IRBlock) -> UInt16 {
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

    func constant(_ v: Value, _ block: IRBlock) -> UInt64? {
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

    mutating func materialiseCondition(_ block: IRBlock) {
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

    mutating func emitGet(_ inst: IRInst, _ i: Int) {
        if lastUse[i] < 0 { return }
        location[i] = UInt16(inst.slot.cpuOffset)
        inRegister.append((i, inst.slot.storage))
    }

    mutating func emitSet(_ inst: IRInst, _ i: Int, _ block: IRBlock) {
        let slot = inst.slot
        let to = UInt16(slot.cpuOffset)
        let r = Int(root[inst.a.index])
        inRegister.removeAll { Int(lastUse[$0.value]) <= i && $0.value != r }
        let isFresh = lastValue == r && temps.owns(location[r])
        let fits = (block.insts[r].resultType == .i128) == (slot.type == .i128)
        let overwrites = inRegister.contains { $0.slot == slot && $0.value != r }
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
        if inRegister.contains(where: { $0.slot == slot && $0.value == r }), location[r] == to { return }
        if let value = constant(inst.a, block), slot.type == .i64 {
            append(Cell(Operation(NT_OP_movi), d: to, imm: value))
            return
        }
        let from = place(inst.a, block)
        append(Cell(Operation(slot.type == .i128 ? NT_OP_mov128 : NT_OP_mov64), d: to, a: from))
    }

    private mutating func moveToRegister(_ r: Int, _ slot: StateSlot, _ to: UInt16, _ i: Int) {
        temps.free(location[r])
        location[r] = to
        if Int(lastUse[r]) > i { inRegister.append((r, slot)) } else { location[r] = Self.unplaced }
        // The cell now writes a register: a second `set` of the same value must copy.
        if lastValue == r { lastValue = -1 }
        if pairValue == r { pairValue = -1 }
    }

    /// Copies what still is needed of a register that is about to change.
    private mutating func evict(_ slot: StateSlot, keeping r: Int, _ block: IRBlock) {
        for entry in inRegister where entry.slot == slot && entry.value != r {
            let wide = block.insts[entry.value].resultType == .i128
            let at = temps.take(wide: wide)
            append(Cell(Operation(wide ? NT_OP_mov128 : NT_OP_mov64), d: at, a: location[entry.value]))
            location[entry.value] = at
        }
        inRegister.removeAll { $0.slot == slot && $0.value != r }
    }

    /// The second value of a fused load pair, while that pair is the last operation.
    var pairValue = -1
    private func isSecondOfPair(_ r: Int) -> Bool { pairValue == r && lastInst >= 0 && temps.owns(location[r]) }
}

/// Temporaries in the CPU struct, by byte offset.
struct TempAllocator {
    private var next = Int(NT_CPU_TEMPS)
    private var freeNarrow: [UInt16] = []
    private var freeWide: [UInt16] = []
    private var wide: Set<UInt16> = []

    static let end = Int(NT_CPU_TEMPS) + Int(NT_INTERP_TEMPS) * 8

    mutating func reset() {
        next = Int(NT_CPU_TEMPS)
        freeNarrow.removeAll(keepingCapacity: true)
        freeWide.removeAll(keepingCapacity: true)
        wide.removeAll(keepingCapacity: true)
    }

    func owns(_ offset: UInt16) -> Bool { offset != Predecoder.unplaced && offset >= UInt16(NT_CPU_TEMPS) }

    mutating func take(wide isWide: Bool) -> UInt16 {
        if let free = isWide ? freeWide.popLast() : freeNarrow.popLast() { return free }
        let size = isWide ? 16 : 8
        next = (next + size - 1) & ~(size - 1)
        precondition(next + size <= TempAllocator.end, "a TB needs more temporaries than the CPU struct has")
        defer { next += size }
        if isWide { wide.insert(UInt16(next)) }
        return UInt16(next)
    }

    mutating func free(_ offset: UInt16) {
        if wide.contains(offset) { freeWide.append(offset) } else { freeNarrow.append(offset) }
    }
}
