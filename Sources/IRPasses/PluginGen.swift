package import EmuIR

/// An amount that merging counted too early: when guest instruction number `j` of the TB faults and `first <= j <
/// instruction`, the u64 at `offset` has `amount` too much. Earlier than `first` it was not counted yet; from `instruction`
/// on it is rightly there.
package struct FaultAdjustment: Equatable, Sendable {
    package let first: Int
    package let instruction: Int
    package let offset: UInt64
    package let amount: UInt64

    package init(first: Int, instruction: Int, offset: UInt64, amount: UInt64) {
        self.first = first
        self.instruction = instruction
        self.offset = offset
        self.amount = amount
    }

    /// Whether a fault of this instruction has to take the amount back.
    package func applies(toFaultAt index: Int) -> Bool { first <= index && index < instruction }
}

/// Puts what plugins registered on a TB into its IR, in registration order: *tb* records before the first instruction, *insn*
/// records before theirs, *mem* records after each successful access.
///
/// Inline adds to one entry are merged into the first of them as long as nothing between could read the entry. A fault in
/// mid-TB takes the rest back with the adjustments returned. Runs before the other passes.
package enum PluginGen {
    /// - Parameter collectsFPFlags: callbacks exist in the process, so that the guest's floating-point flags may not stay in
    ///   the host's unit over a callback or the end of the TB.
    /// - Parameter exclusiveValue: Offset in the vCPU's arena of the 16 bytes that the last exclusive load read; nil when there
    ///   are none, and then a store-exclusive knows what it replaces only when the load is in the same TB.
    /// - Parameter helperRecords: Offset of the word in which a helper that makes accesses finds its records; nil when there is none,
    ///   and then such accesses are not reported.
    package static func run(
        _ block: inout IRBlock, _ instrumentation: TBInstrumentation, collectsFPFlags: Bool = true,
        exclusiveValue: UInt64? = nil, helperRecords: UInt64? = nil
    ) -> [FaultAdjustment] {
        let collects = collectsFPFlags && block.insts.contains { $0.exactEffects.contains(.floatingPoint) }
        if instrumentation.isEmpty, !collects { return [] }
        var generator = Generator(instrumentation: instrumentation, block: block)
        generator.collectsFPFlags = collects
        generator.exclusiveValue = exclusiveValue
        generator.helperRecords = helperRecords
        for (index, inst) in block.insts.enumerated() { generator.copy(inst, at: index) }
        block.insts = generator.output
        return generator.adjustments
    }
}

private struct Generator {
    let instrumentation: TBInstrumentation
    var output = ContiguousArray<IRInst>()
    var remap = ContiguousArray<Value>()
    var adjustments: [FaultAdjustment] = []
    /// Number of the last operation of each guest instruction that can fault; -1 when none can.
    private var lastFaulting: ContiguousArray<Int>
    /// An add that later ones may join: its entry, where it stands, and from which instruction on it has run. Whatever can
    /// fault in an earlier instruction, or in instruction `first - 1`, stands before it.
    private struct OpenAdd {
        let offset: UInt64
        let at: Int
        let first: Int

        func overlaps(_ other: UInt64) -> Bool { offset &- other < 8 || other &- offset < 8 }
    }
    private var openAdds: [OpenAdd] = []
    private var instruction = -1
    var collectsFPFlags = false
    var exclusiveValue: UInt64?
    var helperRecords: UInt64?
    /// Floating-point operations stand behind the last place where flags were collected.
    private var hasFPFlags = false
    private var firstOfPair: IRInst?
    private var firstOfPairValue = Value.none
    /// What the last exclusive load of this block read, while the monitor can be open for it.
    private var exclusive: (size: UInt8, value: Value)?

    init(instrumentation: TBInstrumentation, block: IRBlock) {
        self.instrumentation = instrumentation
        lastFaulting = []
        lastFaulting.reserveCapacity(block.guestInstructionCount)
        for (index, inst) in block.insts.enumerated() {
            if inst.op == .insn {
                lastFaulting.append(-1)
            } else if !lastFaulting.isEmpty, inst.exactEffects.contains(.mayFault) {
                lastFaulting[lastFaulting.count - 1] = index
            }
        }
        output.reserveCapacity(block.insts.count * 2)
        remap.reserveCapacity(block.insts.count)
    }

    mutating func copy(_ old: IRInst, at index: Int) {
        let inst = old.renumbered { remap[$0.index] }
        if inst.op.effects.contains(.terminator) { collectFPFlags() }
        if inst.op == .call { announceAccesses(of: inst) }
        let result = append(inst)
        if collectsFPFlags, inst.exactEffects.contains(.floatingPoint) { hasFPFlags = true }
        remap.append(result)
        if inst.op == .insn {
            instruction += 1
            firstOfPair = nil
            if instruction == 0 { for record in instrumentation.tb { emit(record) } }
            if instruction < instrumentation.insns.count {
                for record in instrumentation.insns[instruction] { emit(record) }
            }
        } else if inst.op.effects.contains(.mayFault), inst.op != .call {
            if instrumentation.mem.indices.contains(instruction), !instrumentation.mem[instruction].isEmpty {
                report(inst, result: result, isLast: index >= lastFaulting[instruction])
            }
        }
        noteMonitor(inst, result: result)
    }

    @discardableResult
    private mutating func append(_ inst: IRInst) -> Value {
        output.append(inst)
        return Value(index: output.count - 1)
    }

    private mutating func collectFPFlags() {
        guard hasFPFlags else { return }
        append(IRInst(.fpCollect))
        hasFPFlags = false
    }

    // MARK: Records

    private mutating func emit(_ record: InstrumentationRecord) {
        switch record {
        case .add(let offset, let value): add(offset, value, from: instruction)
        case .store(let offset, let value): store(offset, value)
        case .call(let function, let userdata, let regs):
            openAdds.removeAll(keepingCapacity: true)
            collectFPFlags()
            append(IRInst(.pluginCall, flags: regs, imm: function, imm2: userdata))
        case .callIf(let condition, let offset, let immediate, let function, let userdata, let regs):
            openAdds.removeAll(keepingCapacity: true)
            collectFPFlags()
            let entry = append(IRInst(.pluginLoad, .i64, imm: offset))
            let limit = append(IRInst(.const, .i64, imm: immediate))
            let holds: Value
            switch condition {
            case .equal: holds = append(IRInst(.icmpEQ, .i64, entry, limit))
            case .notEqual: holds = append(IRInst(.icmpNE, .i64, entry, limit))
            case .less: holds = append(IRInst(.icmpULT, .i64, entry, limit))
            case .lessOrEqual: holds = append(IRInst(.icmpULE, .i64, entry, limit))
            case .greater: holds = append(IRInst(.icmpULT, .i64, limit, entry))
            case .greaterOrEqual: holds = append(IRInst(.icmpULE, .i64, limit, entry))
            }
            append(IRInst(.pluginCallIf, .i1, holds, flags: regs, imm: function, imm2: userdata))
        }
    }

    /// An add that may join an open one, or be joined.
    /// - Parameter from: The first instruction at whose fault the amount is rightly counted. What stands before this point
    ///   and can fault belongs to earlier instructions; what stands after it, to `from` or later ones.
    private mutating func add(_ offset: UInt64, _ value: UInt64, from: Int) {
        if let open = openAdds.first(where: { $0.offset == offset }) {
            output[open.at].imm2 &+= value
            if from > open.first {
                adjustments.append(
                    FaultAdjustment(first: open.first, instruction: from, offset: offset, amount: value))
            }
            return
        }
        // Entries that overlap in part do not commute (carries).
        close(overlapping: offset)
        let at = append(IRInst(.pluginAdd, imm: offset, imm2: value)).index
        openAdds.append(OpenAdd(offset: offset, at: at, first: from))
    }

    private mutating func store(_ offset: UInt64, _ value: UInt64, onlyIf condition: Value = .none) {
        close(overlapping: offset)
        append(IRInst(.pluginStore, .none, condition, imm: offset, imm2: value))
    }

    private mutating func close(overlapping offset: UInt64) {
        openAdds.removeAll { $0.overlaps(offset) }
    }

    // MARK: Memory accesses

    /// What observers learn of one access.
    private struct Access {
        var info: MemoryAccessInfo
        var base: Value
        var offset: UInt64 = 0
        /// `none` when the value is not at hand.
        var value: Value
        /// The access happened only if this is true; `none` when it always did.
        var condition = Value.none
    }

    /// - Parameter isLast: No operation behind this one can make its guest instruction fault.
    private mutating func report(_ inst: IRInst, result: Value, isLast: Bool) {
        let flags = inst.memFlags
        if flags.contains(.unreported) { return }
        if flags.contains(.pairFirst) {
            firstOfPair = inst
            firstOfPairValue = inst.op == .load ? result : inst.b
            return
        }
        let size = Int(inst.aux)
        let read = MemoryAccessInfo(sizeShift: size, isStore: false)
        let write = MemoryAccessInfo(sizeShift: size, isStore: true)
        switch inst.op {
        case .load where flags.contains(.halves): reportHalves(inst, result, isStore: false, isLast)
        case .store where flags.contains(.halves): reportHalves(inst, inst.b, isStore: true, isLast)
        case .load:
            if let first = firstOfPair, flags.contains(.pairSecond) {
                report(pair(first, firstOfPairValue, result, isStore: false), isLast)
            } else {
                let info = MemoryAccessInfo(sizeShift: size, isStore: false, isSignExtended: flags.contains(.signExtend))
                report(Access(info: info, base: inst.a, offset: inst.imm, value: result), isLast)
            }
        case .store:
            if let first = firstOfPair, flags.contains(.pairSecond) {
                report(pair(first, firstOfPairValue, inst.b, isStore: true), isLast)
            } else {
                report(Access(info: write, base: inst.a, offset: inst.imm, value: inst.b), isLast)
            }
        case .loadExclusive: report(Access(info: read, base: inst.a, value: result), isLast)
        case .storeExclusive:
            let zero = append(IRInst(.const, .i32))
            let stored = append(IRInst(.icmpEQ, .i32, result, zero))
            // It stores only over the value that the exclusive load read.
            let old = exclusive.flatMap { $0.size == inst.aux ? $0.value : nil } ?? rememberedValue(size: inst.aux)
            report(Access(info: read, base: inst.a, value: old, condition: stored), isLast)
            report(Access(info: write, base: inst.a, value: inst.b, condition: stored), isLast)
        case .atomicRMW:
            report(Access(info: read, base: inst.a, value: result), isLast)
            report(Access(info: write, base: inst.a, value: newValue(inst, old: result)), isLast)
        case .compareAndSwap:
            report(Access(info: read, base: inst.a, value: result), isLast)
            report(Access(info: write, base: inst.a, value: valueAfterSwap(inst, old: result)), isLast)
        case .zeroBlock:
            // Four 16-byte stores stand for the block.
            let mask = append(IRInst(.const, .i64, imm: ~63))
            let start = append(IRInst(.and, .i64, inst.a, mask))
            let zero = append(IRInst(.vconst, .i128))
            let info = MemoryAccessInfo(sizeShift: 4, isStore: true)
            for k in UInt64(0)..<4 { report(Access(info: info, base: start, offset: k * 16, value: zero), isLast) }
        default: preconditionFailure("an access without report: \(inst.op)")
        }
        firstOfPair = nil
    }

    /// The helper that makes an instruction's accesses is told what to do at each.
    private mutating func announceAccesses(of call: IRInst) {
        guard let helperRecords, call.imm == UInt64(Helper.mops.rawValue),
            instrumentation.helperRecords.indices.contains(instruction), let records = instrumentation.helperRecords[instruction]
        else { return }
        openAdds.removeAll(keepingCapacity: true)
        if records.hasCallbacks { collectFPFlags() }
        append(IRInst(.pluginStore, imm: helperRecords, imm2: records.address))
    }

    private mutating func reportHalves(_ inst: IRInst, _ value: Value, isStore: Bool, _ isLast: Bool) {
        let info = MemoryAccessInfo(sizeShift: 3, isStore: isStore)
        let low = append(IRInst(.lo64, .i64, value))
        report(Access(info: info, base: inst.a, offset: inst.imm, value: low), isLast)
        let high = append(IRInst(.hi64, .i64, value))
        report(Access(info: info, base: inst.a, offset: inst.imm &+ 8, value: high), isLast)
    }

    /// What the last exclusive load read, from the CPU struct.
    private mutating func rememberedValue(size: UInt8) -> Value {
        guard let exclusiveValue else { return .none }
        let low = append(IRInst(.pluginLoad, .i64, imm: exclusiveValue))
        if size < 4 { return low }
        let high = append(IRInst(.pluginLoad, .i64, imm: exclusiveValue &+ 8))
        return append(IRInst(.pack128, .i128, low, high))
    }

    private mutating func noteMonitor(_ inst: IRInst, result: Value) {
        switch inst.op {
        case .loadExclusive: exclusive = (inst.aux, result)
        case .storeExclusive, .clearExclusive: exclusive = nil
        default: break
        }
    }

    private mutating func pair(_ first: IRInst, _ low: Value, _ high: Value, isStore: Bool) -> Access {
        let size = Int(first.aux)
        let value: Value
        if size == 3 {
            value = append(IRInst(.pack128, .i128, low, high))
        } else {
            let wideLow = output[low.index].resultType == .i64 ? low : append(IRInst(.zext, .i64, low))
            let wideHigh = output[high.index].resultType == .i64 ? high : append(IRInst(.zext, .i64, high))
            value = append(IRInst(.bfi, .i64, wideLow, wideHigh, imm: 32, imm2: 32))
        }
        let info = MemoryAccessInfo(sizeShift: size + 1, isStore: isStore)
        return Access(info: info, base: first.a, offset: first.imm, value: value)
    }

    /// What an atomic operation stored (the low bits; what is above the access size is unspecified).
    private mutating func newValue(_ inst: IRInst, old: Value) -> Value {
        let type = inst.type
        let bits = 8 << UInt64(inst.aux)
        /// The low bits of a value, extended; memory holds no more than them.
        func extended(_ value: Value, _ op: Opcode) -> Value {
            bits < type.bits ? append(IRInst(op, type, value, imm2: UInt64(bits))) : value
        }
        func extreme(_ less: Opcode, isMaximum: Bool) -> Value {
            let extend: Opcode = less == .icmpSLT ? .sbfx : .ubfx
            let a = extended(old, extend)
            let b = extended(inst.b, extend)
            let isLess = append(IRInst(less, type, a, b))
            return append(IRInst(.select, type, isLess, isMaximum ? b : a, isMaximum ? a : b))
        }
        switch AtomicOp(rawValue: UInt8(truncatingIfNeeded: inst.imm)) {
        case .add: return append(IRInst(.add, type, old, inst.b))
        case .clr: return append(IRInst(.andNot, type, old, inst.b))
        case .eor: return append(IRInst(.xor, type, old, inst.b))
        case .set: return append(IRInst(.or, type, old, inst.b))
        case .smax: return extreme(.icmpSLT, isMaximum: true)
        case .smin: return extreme(.icmpSLT, isMaximum: false)
        case .umax: return extreme(.icmpULT, isMaximum: true)
        case .umin: return extreme(.icmpULT, isMaximum: false)
        case .swp, nil: return inst.b
        }
    }

    /// What memory holds after a compare-and-swap, which is what it held before when the comparison failed.
    private mutating func valueAfterSwap(_ inst: IRInst, old: Value) -> Value {
        let bits = 8 << UInt64(inst.aux)
        let isEqual: Value
        if inst.type == .i128 {
            func difference(_ op: Opcode) -> Value {
                let a = append(IRInst(op, .i64, old))
                let b = append(IRInst(op, .i64, inst.b))
                return append(IRInst(.xor, .i64, a, b))
            }
            let low = difference(.lo64)
            let high = difference(.hi64)
            let any = append(IRInst(.or, .i64, low, high))
            let zero = append(IRInst(.const, .i64))
            isEqual = append(IRInst(.icmpEQ, .i64, any, zero))
        } else {
            // The old value is zero-extended; of the expected one only the low bits count.
            let expected =
                bits < inst.type.bits ? append(IRInst(.ubfx, inst.type, inst.b, imm2: UInt64(bits))) : inst.b
            isEqual = append(IRInst(.icmpEQ, inst.type, old, expected))
        }
        return append(IRInst(.select, inst.type, isEqual, inst.c, old))
    }

    /// Runs the instruction's records for one access.
    private mutating func report(_ access: Access, _ isLast: Bool) {
        var address = Value.none
        for entry in instrumentation.mem[instruction] {
            guard entry.directions.contains(access.info.isStore ? .write : .read) else { continue }
            switch entry.record {
            case .add(let at, let amount):
                // Behind the last access that can fault, a fault of this instruction has not counted the amount and one of
                // the next has. Before it, or under a condition, the add keeps to itself and to its place.
                if isLast, access.condition.isNone {
                    add(at, amount, from: instruction + 1)
                } else {
                    openAdds.removeAll { $0.offset != at && $0.overlaps(at) }
                    append(IRInst(.pluginAdd, .none, access.condition, imm: at, imm2: amount))
                }
            case .store(let at, let value): store(at, value, onlyIf: access.condition)
            case .call(let function, let userdata, let regs):
                openAdds.removeAll(keepingCapacity: true)
                collectFPFlags()
                if address.isNone { address = sum(access.base, access.offset) }
                let type = access.value.isNone ? .none : output[access.value.index].resultType
                append(
                    IRInst(
                        .pluginMemCall, type, address, access.value, access.condition,
                        aux: UInt8(truncatingIfNeeded: access.info.rawValue), flags: regs, imm: function, imm2: userdata))
            case .callIf: preconditionFailure("a memory record has no condition")
            }
        }
    }

    private mutating func sum(_ base: Value, _ offset: UInt64) -> Value {
        if offset == 0 { return base }
        let constant = append(IRInst(.const, .i64, imm: offset))
        return append(IRInst(.add, .i64, base, constant))
    }
}
