internal import CHost
internal import CInterpreter
internal import EmuIR

extension Predecoder {
    /// - Returns: how many instructions were emitted (2 for a fused pair).
    mutating func emitMemory(_ inst: IRInst, _ i: Int, _ block: BlockView) -> Int {
        let flags = inst.memFlags
        switch inst.op {
        case .load:
            if flags.contains(.acquire) || flags.contains(.acquirePC) {
                emitAcquire(inst, i, block)
                return 1
            }
            if emitLoadPair(inst, i, block) { return 2 }
            emitLoad(inst, i, block)
        case .store:
            if flags.contains(.release) {
                let a = place(inst.a, block)
                let value = place(inst.b, block)
                appendTwo(
                    Cell(Operation(inst.aux == 4 ? NT_OP_store_release_128 : NT_OP_store_release), d: value, a: a, imm: inst.imm),
                    inst)
                return 1
            }
            if emitStorePair(inst, i, block) { return 2 }
            emitStore(inst, i, block)
        case .loadExclusive:
            let a = place(inst.a, block)
            let d = define(i, wide: inst.aux == 4)
            appendTwo(Cell(Operation(inst.aux == 4 ? NT_OP_load_exclusive_128 : NT_OP_load_exclusive), d: d, a: a), inst, from: i)
        case .storeExclusive:
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            let d = define(i)
            appendTwo(
                Cell(Operation(inst.aux == 4 ? NT_OP_store_exclusive_128 : NT_OP_store_exclusive), d: d, a: a, b: b), inst, from: i)
        case .clearExclusive: append(Cell(Operation(NT_OP_clear_exclusive)))
        case .atomicRMW:
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            let d = define(i)
            appendTwo(Cell(Operation(NT_OP_atomic_rmw), d: d, a: a, b: b, c: UInt16(inst.imm)), inst, from: i)
        case .compareAndSwap:
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            let c = place(inst.c, block)
            let d = define(i, wide: inst.aux == 4)
            appendTwo(
                Cell(Operation(inst.aux == 4 ? NT_OP_compare_and_swap_128 : NT_OP_compare_and_swap), d: d, a: a, b: b, c: c), inst,
                from: i)
        case .fence: append(Cell(Operation(NT_OP_fence), imm: UInt64(inst.aux)))
        case .zeroBlock:
            let a = place(inst.a, block)
            var cell = Cell(Operation(NT_OP_zero_block), a: a)
            cell.point = faultPoint
            append(cell)
        default: preconditionFailure("not a memory operation: \(inst.op)")
        }
        return 1
    }

    /// A cell whose size and fault point stand in a second one.
    private mutating func appendTwo(_ cell: Cell, _ inst: IRInst, from i: Int? = nil, b: UInt16 = 0) {
        if let i { append(cell, from: i) } else { append(cell) }
        cells.append(Cell(data: UInt64(faultPoint), a: UInt16(inst.aux), b: b))
    }

    private mutating func emitAcquire(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let a = place(inst.a, block)
        let d = define(i, wide: inst.type == .i128)
        if inst.aux == 4 {
            appendTwo(Cell(Operation(NT_OP_load_acquire_128), d: d, a: a, imm: inst.imm), inst, from: i)
        } else if inst.memFlags.contains(.signExtend) {
            appendTwo(
                Cell(Operation(NT_OP_load_acquire_signed), d: d, a: a, imm: inst.imm), inst, from: i, b: inst.type == .i32 ? 1 : 0)
        } else {
            appendTwo(Cell(Operation(NT_OP_load_acquire), d: d, a: a, imm: inst.imm), inst, from: i)
        }
    }

    private func loadOperation(_ inst: IRInst) -> nt_interp_op {
        let isSigned = inst.memFlags.contains(.signExtend)
        switch (inst.type, inst.aux) {
        case (.i128, 4): return NT_OP_load_128
        case (.i128, 3): return NT_OP_load_zext128_64
        case (.i128, 2): return NT_OP_load_zext128_32
        case (.i128, 1): return NT_OP_load_zext128_16
        case (.i128, _): return NT_OP_load_zext128_8
        case (.i32, 0): return isSigned ? NT_OP_load_s8_32 : NT_OP_load_u8
        case (.i32, 1): return isSigned ? NT_OP_load_s16_32 : NT_OP_load_u16
        case (_, 0): return isSigned ? NT_OP_load_s8_64 : NT_OP_load_u8
        case (_, 1): return isSigned ? NT_OP_load_s16_64 : NT_OP_load_u16
        case (.i64, 2): return isSigned ? NT_OP_load_s32_64 : NT_OP_load_u32
        case (_, 2): return NT_OP_load_u32
        default: return NT_OP_load_u64
        }
    }

    /// An address that was just added up for this access alone: (base, index) of the sum.
    private mutating func takeIndexedAddress(_ inst: IRInst, _ i: Int, _ block: BlockView) -> (a: UInt16, b: UInt16)? {
        let r = Int(root[inst.a.index])
        guard inst.imm == 0, inst.aux < 4, lastValue == r, r == inst.a.index, Int(lastUse[r]) == i, temps.owns(location[r]),
            cells[lastStart].handler == Predecoder.addHandler
        else { return nil }
        let cell = cells.removeLast()
        return (cell.a, cell.b)
    }
    private static var addHandler: UInt { Operation.binary(NT_OP_add_r32, is64Bit: true, isImmediate: false).code }

    private mutating func emitLoad(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let operation = loadOperation(inst)
        if inst.type != .i128, !inst.memFlags.contains(.signExtend), let (a, b) = takeIndexedAddress(inst, i, block) {
            let d = define(i)
            let indexed = Operation(NT_OP_load_x_u8, offset: Int(inst.aux))
            append(Cell(indexed, d: d, a: a, b: b, imm: UInt64(faultPoint)), from: i)
            return
        }
        let a = place(inst.a, block)
        let d = define(i, wide: inst.type == .i128)
        var cell = Cell(Operation(operation), d: d, a: a, imm: inst.imm)
        cell.point = faultPoint
        append(cell, from: i)
    }

    /// By log2 of the size.
    private static func storeOperation(_ size: UInt8) -> nt_interp_op {
        switch size {
        case 0: NT_OP_store_8
        case 1: NT_OP_store_16
        case 2: NT_OP_store_32
        case 3: NT_OP_store_64
        default: NT_OP_store_128
        }
    }

    private mutating func emitStore(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        // The value first: placing it may append cells, and then the sum is no longer the last operation.
        let value = place(inst.b, block)
        if let (a, b) = takeIndexedAddress(inst, i, block) {
            append(Cell(Operation(NT_OP_store_x_8, offset: Int(inst.aux)), d: value, a: a, b: b, imm: UInt64(faultPoint)))
            return
        }
        let a = place(inst.a, block)
        var cell = Cell(Operation(Self.storeOperation(inst.aux)), d: value, a: a, imm: inst.imm)
        cell.point = faultPoint
        append(cell)
    }

    /// The second half of a pair of X registers, when the two stand side by side.
    private func partner(_ inst: IRInst, _ i: Int, _ block: BlockView) -> IRInst? {
        guard inst.memFlags.contains(.pairFirst), inst.aux == 3, inst.type == .i64, i + 1 < block.insts.count else { return nil }
        let next = block.insts[i + 1]
        guard next.op == inst.op, next.memFlags.contains(.pairSecond), next.a == inst.a, next.imm == inst.imm &+ 8,
            Int64(bitPattern: inst.imm) == Int64(Int32(truncatingIfNeeded: Int64(bitPattern: inst.imm)))
        else { return nil }
        return next
    }

    private mutating func emitLoadPair(_ inst: IRInst, _ i: Int, _ block: BlockView) -> Bool {
        guard partner(inst, i, block) != nil, lastUse[i] >= 0, lastUse[i + 1] >= 0 else { return false }
        let a = place(inst.a, block)
        let first = define(i)
        let second = define(i + 1)
        var cell = Cell(
            Operation(NT_OP_load_pair_64), d: first, a: a, imm: inst.imm & 0xffff_ffff | UInt64(second) << 32)
        cell.point = faultPoint
        append(cell, from: i)
        pairValue = i + 1
        return true
    }

    private mutating func emitStorePair(_ inst: IRInst, _ i: Int, _ block: BlockView) -> Bool {
        guard let next = partner(inst, i, block) else { return false }
        let first = place(inst.b, block)
        let second = place(next.b, block)
        let a = place(inst.a, block)
        var cell = Cell(
            Operation(NT_OP_store_pair_64), d: first, a: a, imm: inst.imm & 0xffff_ffff | UInt64(second) << 32)
        cell.point = faultPoint
        append(cell)
        return true
    }
}
