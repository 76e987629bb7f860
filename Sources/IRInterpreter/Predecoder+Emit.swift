internal import CHost
internal import CInterpreter
internal import EmuIR
internal import GuestState

extension Predecoder {
    /// Emits instruction `i`, possibly together with following ones.
    /// - Returns: how many instructions were emitted.
    mutating func emit(_ block: BlockView, _ i: Int) -> Int {
        let inst = block.insts[i]
        // A condition that waits to be fused must not outlive its flags.
        if pendingCondition >= 0, inst.writesFlags { materialiseCondition(block) }
        switch inst.op {
        case .nop: break
        case .insn: instruction += 1
        case .const, .vconst: break
        case .get: emitGet(inst, i)
        case .set: emitSet(inst, i, block)
        case .add: emitAdd(inst, i, block)
        case .sub: emitBinary(NT_OP_sub_r32, inst, i, block)
        case .mul: emitBinary(NT_OP_mul_r32, inst, i, block)
        case .and: emitBinary(NT_OP_and_r32, inst, i, block)
        case .or: emitBinary(NT_OP_or_r32, inst, i, block)
        case .xor: emitBinary(NT_OP_xor_r32, inst, i, block)
        case .andNot: emitBinary(NT_OP_and_not_r32, inst, i, block)
        case .shl: emitBinary(NT_OP_shl_r32, inst, i, block)
        case .lshr: emitBinary(NT_OP_lshr_r32, inst, i, block)
        case .ashr: emitBinary(NT_OP_ashr_r32, inst, i, block)
        case .ror: emitBinary(NT_OP_ror_r32, inst, i, block)
        case .icmpEQ, .icmpNE:
            if let next = fusedCompareAndBranch(inst, i, block) { return next }
            emitBinary(inst.op == .icmpEQ ? NT_OP_icmp_eq_r32 : NT_OP_icmp_ne_r32, inst, i, block)
        case .icmpULT: emitBinary(NT_OP_icmp_ult_r32, inst, i, block)
        case .icmpULE: emitBinary(NT_OP_icmp_ule_r32, inst, i, block)
        case .icmpSLT: emitBinary(NT_OP_icmp_slt_r32, inst, i, block)
        case .icmpSLE: emitBinary(NT_OP_icmp_sle_r32, inst, i, block)
        case .umulh: emitTwo(Operation(NT_OP_umulh), inst, i, block)
        case .smulh: emitTwo(Operation(NT_OP_smulh), inst, i, block)
        case .udiv: emitTwo(.unary(NT_OP_udiv_32, is64Bit: inst.type == .i64), inst, i, block)
        case .sdiv: emitTwo(.unary(NT_OP_sdiv_32, is64Bit: inst.type == .i64), inst, i, block)
        case .adc: emitTwo(.unary(NT_OP_adc_32, is64Bit: inst.type == .i64), inst, i, block)
        case .sbc: emitTwo(.unary(NT_OP_sbc_32, is64Bit: inst.type == .i64), inst, i, block)
        case .not:
            if inst.type == .i1 {
                let a = place(inst.a, block)
                let d = define(i)
                append(Cell(.binary(NT_OP_xor_r32, is64Bit: true, isImmediate: true), d: d, a: a, imm: 1), from: i)
            } else {
                emitOne(.unary(NT_OP_not_32, is64Bit: inst.type == .i64), inst, i, block)
            }
        case .clz: emitOne(.unary(NT_OP_clz_32, is64Bit: inst.type == .i64), inst, i, block)
        case .cls: emitOne(.unary(NT_OP_cls_32, is64Bit: inst.type == .i64), inst, i, block)
        case .rbit: emitOne(.unary(NT_OP_rbit_32, is64Bit: inst.type == .i64), inst, i, block)
        case .bswap: emitOne(.unary(NT_OP_bswap_32, is64Bit: inst.type == .i64), inst, i, block)
        case .rev16: emitOne(.unary(NT_OP_rev16_32, is64Bit: inst.type == .i64), inst, i, block)
        case .ubfx, .sbfx:
            let width = UInt64(inst.type.bits)
            let up = UInt16(width - inst.imm - inst.imm2)
            let down = UInt16(width - inst.imm2)
            let a = place(inst.a, block)
            let d = define(i)
            let first = inst.op == .ubfx ? NT_OP_ubfx_32 : NT_OP_sbfx_32
            append(Cell(.unary(first, is64Bit: inst.type == .i64), d: d, a: a, b: up, c: down), from: i)
        case .bfi:
            let mask: UInt64 = inst.imm2 >= 64 ? .max : ((1 << inst.imm2) - 1) << inst.imm
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            let d = define(i)
            append(
                Cell(.unary(NT_OP_bfi_32, is64Bit: inst.type == .i64), d: d, a: a, b: b, c: UInt16(inst.imm), imm: mask), from: i)
        case .extr:
            if inst.imm == 0 {
                let b = place(inst.b, block)
                let d = define(i)
                append(Cell(Operation(inst.type == .i64 ? NT_OP_mov64 : NT_OP_mov32), d: d, a: b), from: i)
            } else {
                let a = place(inst.a, block)
                let b = place(inst.b, block)
                let d = define(i)
                append(Cell(.unary(NT_OP_extr_32, is64Bit: inst.type == .i64), d: d, a: a, b: b, c: UInt16(inst.imm)), from: i)
            }
        case .zext: emitZeroExtension(inst, i, block)
        case .sext:
            let from = block.type(of: inst.a)
            let operation: nt_interp_op = from == .i1 ? (inst.type == .i64 ? NT_OP_sext_1_64 : NT_OP_sext_1_32) : NT_OP_sext_32_64
            emitOne(Operation(operation), inst, i, block)
        case .trunc:
            if Int(root[i]) == i { emitOne(Operation(NT_OP_and_bit), inst, i, block) }
        case .select: emitSelect(inst, i, block)
        case .flagsAdd: emitFlags(.add, NT_OP_adds_r32, NT_OP_cmn_r32, inst, i, block)
        case .flagsSub: emitFlags(.sub, NT_OP_subs_r32, NT_OP_cmp_r32, inst, i, block)
        case .flagsLogic: emitFlagsLogic(inst, i, block)
        case .flagsAdc, .flagsSbc:
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            let first = inst.op == .flagsAdc ? NT_OP_flags_adc_32 : NT_OP_flags_sbc_32
            append(Cell(.unary(first, is64Bit: inst.type == .i64), a: a, b: b))
        case .flagsCcmpSub, .flagsCcmpAdd:
            let condition = place(inst.a, block)
            let a = place(inst.b, block)
            let b = place(inst.c, block)
            let first = inst.op == .flagsCcmpSub ? NT_OP_ccmp_sub_32 : NT_OP_ccmp_add_32
            append(Cell(.unary(first, is64Bit: inst.type == .i64), d: condition, a: a, b: b, imm: UInt64(inst.aux)))
        case .flagsSet:
            let a = place(inst.a, block)
            append(Cell(Operation(NT_OP_flags_set), a: a))
        case .flagsGet:
            let d = define(i)
            append(Cell(Operation(NT_OP_flags_get), d: d), from: i)
        case .cond:
            if pendingCondition >= 0 { materialiseCondition(block) }
            if lastUse[i] >= 0 { pendingCondition = i }
        case .crc32, .crc32c:
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            let d = define(i)
            append(Cell(Operation(inst.op == .crc32 ? NT_OP_crc32 : NT_OP_crc32c), d: d, a: a, b: b, c: UInt16(inst.aux)), from: i)
        case .load, .store, .loadExclusive, .storeExclusive, .clearExclusive, .atomicRMW, .compareAndSwap, .fence, .zeroBlock:
            return emitMemory(inst, i, block)
        case .pack128, .lo64, .hi64, .vand, .vor, .vxor, .vandNot, .vnot, .vselect, .vadd, .vsub, .vmul, .vneg, .vabs, .vsmax,
            .vsmin, .vumax, .vumin,
            .vsqadd, .vuqadd, .vsqsub, .vuqsub, .vsqdmulh, .vsqrdmulh,
            .vcmpEQ, .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE, .vshl, .vlshr, .vashr, .vdup, .vinsert,
            .vextract, .vext, .vzip1, .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2, .vrev, .vnarrow, .vsextLow, .vzextLow, .vcnt:
            emitVector(inst, i, block)
        case .fpBinary, .fpUnary, .fpFMA, .fpConvert, .fpToInt, .fpFromInt, .fpToGeneral, .fpFromGeneral, .flagsFPCompare,
            .fpCollect:
            emitFloatingPoint(inst, i, block)
        case .call: emitCall(inst, i, block)
        case .pluginAdd, .pluginStore, .pluginLoad, .pluginCall, .pluginCallIf, .pluginMemCall: emitPlugin(inst, i, block)
        case .chain, .branchIf, .branchIndirect, .raise, .exitTo: emitTerminator(inst, block)
        }
        return 1
    }

    // MARK: Integer shapes

    mutating func emitOne(_ operation: Operation, _ inst: IRInst, _ i: Int, _ block: BlockView) {
        let a = place(inst.a, block)
        let d = define(i)
        append(Cell(operation, d: d, a: a), from: i)
    }

    mutating func emitTwo(_ operation: Operation, _ inst: IRInst, _ i: Int, _ block: BlockView) {
        let a = place(inst.a, block)
        let b = place(inst.b, block)
        let d = define(i)
        append(Cell(operation, d: d, a: a, b: b), from: i)
    }

    /// A family with register and immediate forms. i1 values are 0 or 1 in 64 bits.
    mutating func emitBinary(_ first: nt_interp_op, _ inst: IRInst, _ i: Int, _ block: BlockView) {
        let is64Bit = inst.type != .i32
        let a = place(inst.a, block)
        if let value = constant(inst.b, block) {
            let d = define(i)
            append(Cell(.binary(first, is64Bit: is64Bit, isImmediate: true), d: d, a: a, imm: value), from: i)
        } else {
            let b = place(inst.b, block)
            let d = define(i)
            append(Cell(.binary(first, is64Bit: is64Bit, isImmediate: false), d: d, a: a, b: b), from: i)
        }
    }

    /// Addition joins a shift or a multiplication that only it reads.
    private mutating func emitAdd(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        if joinProducer(of: inst.b, with: inst.a, inst, i, block) { return }
        if joinProducer(of: inst.a, with: inst.b, inst, i, block) { return }
        emitBinary(NT_OP_add_r32, inst, i, block)
    }

    private mutating func joinProducer(of operand: Value, with other: Value, _ inst: IRInst, _ i: Int, _ block: BlockView) -> Bool {
        let r = Int(root[operand.index])
        guard lastValue == r, r == operand.index, Int(lastUse[r]) == i, operand != other, temps.owns(location[r]),
            constant(other, block) == nil, location[Int(root[other.index])] != Self.unplaced
        else { return false }
        let producer = block.insts[r]
        if producer.type != inst.type { return false }
        let is64Bit = inst.type == .i64
        let isShift = producer.op == .shl
        guard isShift || producer.op == .mul, isShift == (constant(producer.b, block) != nil) else { return false }
        let cell = cells.removeLast()
        let d = define(i)
        let a = location[Int(root[other.index])]
        if isShift {
            append(Cell(.unary(NT_OP_add_shl32, is64Bit: is64Bit), d: d, a: a, b: cell.a, imm: cell.imm), from: i)
        } else {
            append(Cell(Operation(is64Bit ? NT_OP_mul_add64 : NT_OP_mul_add32), d: d, a: a, b: cell.a, c: cell.b), from: i)
        }
        return true
    }

    private mutating func emitZeroExtension(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        if inst.type != .i128 {
            if Int(root[i]) == i { emitOne(Operation(NT_OP_mov32), inst, i, block) }
            return
        }
        let r = Int(root[inst.a.index])
        let from = block.type(of: inst.a)
        if lastValue == r, r == inst.a.index, Int(lastUse[r]) == i, temps.owns(location[r]), block.insts[r].op == .load,
            let wide = Predecoder.wideLoad(cells[lastStart].handler)
        {
            temps.free(location[r])
            location[r] = Self.unplaced
            let d = define(i, wide: true)
            cells[lastStart].handler = wide
            cells[lastStart].d = d
            lastInst = i
            lastValue = i
            return
        }
        let a = place(inst.a, block)
        let d = define(i, wide: true)
        append(Cell(Operation(NT_OP_zext128), d: d, a: a, imm: from == .i32 ? 0xffff_ffff : from == .i1 ? 1 : .max), from: i)
    }

    /// The form of a load that writes a whole vector register, by handler.
    private static func wideLoad(_ handler: UInt) -> UInt? {
        switch handler {
        case Operation(NT_OP_load_u8).code: Operation(NT_OP_load_zext128_8).code
        case Operation(NT_OP_load_u16).code: Operation(NT_OP_load_zext128_16).code
        case Operation(NT_OP_load_u32).code: Operation(NT_OP_load_zext128_32).code
        case Operation(NT_OP_load_u64).code: Operation(NT_OP_load_zext128_64).code
        default: nil
        }
    }

    private mutating func emitSelect(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let wide = inst.type == .i128
        let b = place(inst.b, block)
        let c = place(inst.c, block)
        if pendingCondition == inst.a.index, Int(lastUse[inst.a.index]) == i, !wide, block.insts[inst.a.index].aux < 14 {
            pendingCondition = -1
            let d = define(i)
            append(Cell(Operation(NT_OP_csel_eq, offset: Int(block.insts[inst.a.index].aux)), d: d, a: b, b: c), from: i)
            return
        }
        let a = place(inst.a, block)
        let d = define(i, wide: wide)
        append(Cell(Operation(wide ? NT_OP_select128 : NT_OP_select64), d: d, a: a, b: b, c: c), from: i)
    }

    // MARK: Flags

    /// The flags of an addition or subtraction that was just emitted join its cell.
    private mutating func emitFlags(
        _ op: Opcode, _ fused: nt_interp_op, _ alone: nt_interp_op, _ inst: IRInst, _ i: Int, _ block: BlockView
    ) {
        let is64Bit = inst.type == .i64
        if lastInst >= 0, lastInst == lastValue {
            let producer = block.insts[lastInst]
            let plain: nt_interp_op = op == .add ? NT_OP_add_r32 : NT_OP_sub_r32
            if producer.op == op, producer.type == inst.type, producer.a == inst.a, producer.b == inst.b,
                becomes(fused, from: plain, is64Bit: is64Bit)
            {
                return
            }
        }
        let a = place(inst.a, block)
        if let value = constant(inst.b, block) {
            append(Cell(.binary(alone, is64Bit: is64Bit, isImmediate: true), a: a, imm: value))
        } else {
            let b = place(inst.b, block)
            append(Cell(.binary(alone, is64Bit: is64Bit, isImmediate: false), a: a, b: b))
        }
    }

    /// Makes the last cell, if it is of the family `plain`, the same form of the family `fused`.
    private mutating func becomes(_ fused: nt_interp_op, from plain: nt_interp_op, is64Bit: Bool) -> Bool {
        let form = cells[lastStart].handler &- Operation.binary(plain, is64Bit: is64Bit, isImmediate: false).code
        if form > 1 { return false }
        cells[lastStart].handler = Operation.binary(fused, is64Bit: is64Bit, isImmediate: form == 1).code
        return true
    }

    private mutating func emitFlagsLogic(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let is64Bit = inst.type == .i64
        if lastInst >= 0, lastValue == inst.a.index {
            if becomes(NT_OP_ands_r32, from: NT_OP_and_r32, is64Bit: is64Bit) { return }
        }
        let a = place(inst.a, block)
        append(Cell(.unary(NT_OP_flags_logic_32, is64Bit: is64Bit), a: a))
    }

    // MARK: Calls

    private mutating func emitCall(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let signature = Helper(rawValue: UInt16(truncatingIfNeeded: inst.imm))!.signature
        let count = signature.parameters.count
        let zero = UInt16(NT_CPU_ZERO)
        let a = count > 0 ? place(inst.a, block) : zero
        let b = count > 1 ? place(inst.b, block) : zero
        let c = count > 2 ? place(inst.c, block) : zero
        var shape: UInt16 = 0
        for (k, type) in signature.parameters.enumerated() where type == .i128 { shape |= 2 << UInt16(k) }
        var d: UInt16 = 0
        var mask = UInt64.max
        switch signature.result {
        case .none: shape |= 16
        case .i128:
            shape |= 1
            d = define(i, wide: true)
        case .i1, .i32, .i64:
            d = define(i)
            mask = IRBuilder.mask(signature.result)
        }
        append(Cell(Operation(NT_OP_call), d: d, a: a, b: b, c: shape, imm: mask), from: i)
        var data = Cell(data: UInt64(UInt(bitPattern: nt_helper_address(UInt32(inst.imm)))), a: c)
        data.point = faultPoint
        cells.append(data)
    }

    private mutating func emitPlugin(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let isCall = inst.op != .pluginAdd && inst.op != .pluginStore && inst.op != .pluginLoad
        if isCall, inst.flags != 0 {
            // A callback that may read registers may read PC.
            let pc = block.pc &+ UInt64(max(instruction, 0)) &* 4
            append(Cell(Operation(NT_OP_movi), d: UInt16(NT_CPU_PC), imm: pc))
        }
        switch inst.op {
        case .pluginAdd, .pluginStore:
            guardInstrumentation(by: inst.a, block, cellCount: 1)
            var cell = Cell(Operation(inst.op == .pluginAdd ? NT_OP_plugin_add : NT_OP_plugin_store), imm: inst.imm2)
            cell.point = UInt32(truncatingIfNeeded: inst.imm)
            append(cell)
        case .pluginLoad:
            let d = define(i)
            var cell = Cell(Operation(NT_OP_plugin_load), d: d)
            cell.point = UInt32(truncatingIfNeeded: inst.imm)
            append(cell, from: i)
        case .pluginCall:
            append(Cell(Operation(NT_OP_plugin_call), c: UInt16(inst.flags), imm: inst.imm))
            cells.append(Cell(data: inst.imm2))
        case .pluginCallIf:
            let a = place(inst.a, block)
            append(Cell(Operation(NT_OP_plugin_call_if), a: a, c: UInt16(inst.flags), imm: inst.imm))
            cells.append(Cell(data: inst.imm2))
        case .pluginMemCall:
            let a = place(inst.a, block)
            let wide = !inst.b.isNone && block.type(of: inst.b) == .i128
            let b = inst.b.isNone ? UInt16(NT_CPU_ZERO) : place(inst.b, block)
            guardInstrumentation(by: inst.c, block, cellCount: 2)
            append(
                Cell(
                    Operation(wide ? NT_OP_plugin_mem_call_128 : NT_OP_plugin_mem_call), a: a, b: b, c: UInt16(inst.flags),
                    imm: inst.imm))
            cells.append(Cell(data: inst.imm2, a: UInt16(inst.aux)))
        default: preconditionFailure("not instrumentation: \(inst.op)")
        }
    }

    /// Instrumentation of an access that may not have happened (a store-exclusive), if there is a condition.
    private mutating func guardInstrumentation(by condition: Value, _ block: BlockView, cellCount: UInt64) {
        if condition.isNone { return }
        append(Cell(Operation(NT_OP_plugin_only_if), a: place(condition, block), imm: cellCount + 1))
    }

    // MARK: Terminators

    /// What becomes of a comparison's cell when the branch on its flags follows: the first of 14 conditions, by handler.
    private static func compareAndBranch(_ handler: UInt) -> nt_interp_op? {
        func form(of plain: nt_interp_op, _ fused: nt_interp_op) -> nt_interp_op? {
            let form = handler &- Operation(plain).code
            return form < 4 ? nt_interp_op(fused.rawValue + UInt32(form) * 14) : nil
        }
        return form(of: NT_OP_subs_r32, NT_OP_subs_branch_r32_eq) ?? form(of: NT_OP_cmp_r32, NT_OP_cmp_branch_r32_eq)
            ?? form(of: NT_OP_ands_r32, NT_OP_ands_branch_r32_eq)
    }

    private func pollBits(_ block: BlockView, _ taken: UInt64, _ other: UInt64) -> UInt16 {
        (taken <= block.pc ? 1 : 0) | (other <= block.pc ? 2 : 0)
    }

    /// `icmp` with nothing between it and the branch that alone reads it.
    private mutating func fusedCompareAndBranch(_ inst: IRInst, _ i: Int, _ block: BlockView) -> Int? {
        guard chains, i + 1 < block.insts.count, Int(lastUse[i]) == i + 1 else { return nil }
        let branch = block.insts[i + 1]
        guard branch.op == .branchIf, branch.a.index == i else { return nil }
        let first = inst.op == .icmpEQ ? NT_OP_branch_eq_r32 : NT_OP_branch_ne_r32
        let is64Bit = inst.type == .i64
        let a = place(inst.a, block)
        let polls = pollBits(block, branch.imm, branch.imm2)
        if let value = constant(inst.b, block) {
            append(Cell(.binary(first, is64Bit: is64Bit, isImmediate: true), a: a, c: polls, imm: value))
        } else {
            let b = place(inst.b, block)
            append(Cell(.binary(first, is64Bit: is64Bit, isImmediate: false), a: a, b: b, c: polls))
        }
        return 2
    }

    private mutating func emitTerminator(_ inst: IRInst, _ block: BlockView) {
        switch inst.op {
        case .chain:
            if !chains {
                append(Cell(Operation(NT_OP_exit_to), imm: inst.imm))
            } else if inst.imm <= block.pc {
                append(Cell(Operation(NT_OP_chain_poll), imm: inst.imm))
            } else {
                append(Cell(Operation(NT_OP_chain)))
            }
        case .branchIf:
            let polls = pollBits(block, inst.imm, inst.imm2)
            if chains, pendingCondition == inst.a.index, block.insts[inst.a.index].aux < 14 {
                if lastStart >= 0, lastStart == cells.count - 1, let fused = Predecoder.compareAndBranch(cells[lastStart].handler) {
                    cells[lastStart].handler = Operation(fused, offset: Int(block.insts[inst.a.index].aux)).code
                    cells[lastStart].c = polls
                    return
                }
                append(Cell(Operation(NT_OP_branch_eq, offset: Int(block.insts[inst.a.index].aux)), c: polls))
                return
            }
            let a = place(inst.a, block)
            if chains {
                append(Cell(Operation(NT_OP_branch_if), a: a, c: polls))
            } else {
                append(Cell(Operation(NT_OP_leave_branch_if), a: a, imm: inst.imm2))
                cells.append(Cell(data: inst.imm))
            }
        case .branchIndirect:
            let a = place(inst.a, block)
            append(Cell(Operation(chains ? NT_OP_branch_indirect : NT_OP_leave_indirect), a: a))
        case .raise:
            append(Cell(Operation(NT_OP_raise), c: UInt16(inst.aux), imm: inst.imm))
            cells.append(Cell(data: inst.imm2))
        case .exitTo: append(Cell(Operation(NT_OP_exit_to), imm: inst.imm))
        default: preconditionFailure("not a terminator: \(inst.op)")
        }
    }
}

extension IRInst {
    /// Changes NZCV.
    var writesFlags: Bool {
        switch op {
        case .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsCcmpSub, .flagsCcmpAdd, .flagsSet, .flagsFPCompare,
            .pluginCall,
            .pluginCallIf, .pluginMemCall, .call:
            true
        default: false
        }
    }
}
