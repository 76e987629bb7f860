package import EmuIR

/// An amount that merging counted too early: when instruction number `j` of the TB faults and `j < instruction`, the u64 at
/// `offset` has `amount` too much.
package struct FaultAdjustment: Equatable, Sendable {
    package let instruction: Int
    package let offset: UInt64
    package let amount: UInt64
}

/// Puts what plugins registered on a TB into its IR, in registration order: *tb* records before the first instruction, *insn*
/// records before theirs, *mem* records after each successful access.
///
/// Inline adds to one entry are merged into the first of them as long as nothing between could read the entry. A fault in
/// mid-TB takes the rest back with the adjustments returned. Runs before the other passes.
package enum PluginGen {
    package static func run(_ block: inout IRBlock, _ instrumentation: TBInstrumentation) -> [FaultAdjustment] {
        if instrumentation.isEmpty { return [] }
        var generator = Generator(instrumentation: instrumentation, accessCounts: accessCounts(block))
        for inst in block.insts { generator.copy(inst) }
        block.insts = generator.output
        return generator.adjustments
    }

    /// Reported accesses of each instruction.
    private static func accessCounts(_ block: IRBlock) -> [Int] {
        var counts: [Int] = []
        for inst in block.insts {
            if inst.op == .insn { counts.append(0) }
            if inst.isReportedAccess, !counts.isEmpty { counts[counts.count - 1] += 1 }
        }
        return counts
    }
}

extension IRInst {
    fileprivate var isReportedAccess: Bool {
        switch op {
        case .load, .store: memFlags.isDisjoint(with: [.unreported, .pairFirst])
        case .loadExclusive, .storeExclusive, .atomicRMW, .compareAndSwap, .zeroBlock: !memFlags.contains(.unreported)
        default: false
        }
    }
}

private struct Generator {
    let instrumentation: TBInstrumentation
    let accessCounts: [Int]
    var output = ContiguousArray<IRInst>()
    var remap = ContiguousArray<Value>()
    var adjustments: [FaultAdjustment] = []
    /// Adds that later ones may join: where they stand and for which entry.
    private var openAdds: [(offset: UInt64, at: Int, instruction: Int)] = []
    private var instruction = -1
    private var firstOfPair: IRInst?
    private var firstOfPairValue = Value.none

    init(instrumentation: TBInstrumentation, accessCounts: [Int]) {
        self.instrumentation = instrumentation
        self.accessCounts = accessCounts
    }

    mutating func copy(_ old: IRInst) {
        let inst = old.renumbered(remap)
        let result = append(inst)
        remap.append(result)
        switch inst.op {
        case .insn:
            instruction += 1
            if instruction == 0 { for record in instrumentation.tb { emit(record) } }
            if instruction < instrumentation.insns.count {
                for record in instrumentation.insns[instruction] { emit(record) }
            }
        case .load, .store, .loadExclusive, .storeExclusive, .atomicRMW, .compareAndSwap, .zeroBlock:
            if instruction < instrumentation.mem.count, !instrumentation.mem[instruction].isEmpty {
                report(inst, result: result)
            }
        default: break
        }
    }

    @discardableResult
    private mutating func append(_ inst: IRInst) -> Value {
        output.append(inst)
        return Value(index: output.count - 1)
    }

    // MARK: Records

    private mutating func emit(_ record: InstrumentationRecord) {
        switch record {
        case .add(let offset, let value): add(offset, value, from: instruction, joins: true)
        case .store(let offset, let value):
            openAdds.removeAll { $0.offset == offset }
            append(IRInst(.pluginStore, imm: offset, imm2: value))
        case .call(let function, let userdata, let regs):
            openAdds.removeAll()
            append(IRInst(.pluginCall, flags: regs, imm: function, imm2: userdata))
        case .callIf(let condition, let offset, let immediate, let function, let userdata, let regs):
            openAdds.removeAll()
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

    /// - Parameters:
    ///   - from: the first instruction at whose fault the amount is rightly counted.
    ///   - joins: whether the add may move up to an earlier one.
    private mutating func add(_ offset: UInt64, _ value: UInt64, from: Int, joins: Bool) {
        if joins, let open = openAdds.first(where: { $0.offset == offset }) {
            output[open.at].imm2 &+= value
            if from > open.instruction {
                adjustments.append(FaultAdjustment(instruction: from, offset: offset, amount: value))
            }
            return
        }
        let at = append(IRInst(.pluginAdd, imm: offset, imm2: value)).index
        if !openAdds.contains(where: { $0.offset == offset }) { openAdds.append((offset, at, from)) }
    }

    // MARK: Memory accesses

    private mutating func report(_ inst: IRInst, result: Value) {
        let flags = inst.memFlags
        if flags.contains(.unreported) { return }
        if flags.contains(.pairFirst) {
            firstOfPair = inst
            firstOfPairValue = inst.op == .load ? result : inst.b
            return
        }
        let size = Int(inst.aux)
        switch inst.op {
        case .load:
            if let first = firstOfPair, flags.contains(.pairSecond) {
                reportPair(first, firstOfPairValue, result, size: size, isStore: false)
            } else {
                let info = MemoryAccessInfo(sizeShift: size, isStore: false, isSignExtended: flags.contains(.signExtend))
                report(info, inst.a, inst.imm, result)
            }
        case .store:
            if let first = firstOfPair, flags.contains(.pairSecond) {
                reportPair(first, firstOfPairValue, inst.b, size: size, isStore: true)
            } else {
                report(MemoryAccessInfo(sizeShift: size, isStore: true), inst.a, inst.imm, inst.b)
            }
        case .loadExclusive: report(MemoryAccessInfo(sizeShift: size, isStore: false), inst.a, 0, result)
        case .storeExclusive:
            report(MemoryAccessInfo(sizeShift: size, isStore: false), inst.a, 0, inst.b)
            report(MemoryAccessInfo(sizeShift: size, isStore: true), inst.a, 0, inst.b)
        case .atomicRMW:
            report(MemoryAccessInfo(sizeShift: size, isStore: false), inst.a, 0, result)
            report(MemoryAccessInfo(sizeShift: size, isStore: true), inst.a, 0, newValue(inst, old: result))
        case .compareAndSwap:
            report(MemoryAccessInfo(sizeShift: size, isStore: false), inst.a, 0, result)
            report(MemoryAccessInfo(sizeShift: size, isStore: true), inst.a, 0, inst.c)
        case .zeroBlock:
            // Four 16-byte stores stand for the block.
            let mask = append(IRInst(.const, .i64, imm: ~63))
            let start = append(IRInst(.and, .i64, inst.a, mask))
            let zero = append(IRInst(.vconst, .i128))
            for k in UInt64(0)..<4 { report(MemoryAccessInfo(sizeShift: 4, isStore: true), start, k * 16, zero) }
        default: break
        }
        firstOfPair = nil
    }

    private mutating func reportPair(_ first: IRInst, _ low: Value, _ high: Value, size: Int, isStore: Bool) {
        let value: Value
        if size == 3 {
            value = append(IRInst(.pack128, .i128, low, high))
        } else {
            let wideLow = output[low.index].resultType == .i64 ? low : append(IRInst(.zext, .i64, low))
            let wideHigh = output[high.index].resultType == .i64 ? high : append(IRInst(.zext, .i64, high))
            value = append(IRInst(.bfi, .i64, wideLow, wideHigh, imm: 32, imm2: 32))
        }
        report(MemoryAccessInfo(sizeShift: size + 1, isStore: isStore), first.a, first.imm, value)
    }

    /// What an atomic operation stored.
    private mutating func newValue(_ inst: IRInst, old: Value) -> Value {
        func minMax(_ less: Opcode, _ a: Value, _ b: Value) -> Value {
            let holds = append(IRInst(less, inst.type, a, b))
            return append(IRInst(.select, inst.type, holds, a, b))
        }
        switch AtomicOp(rawValue: UInt8(truncatingIfNeeded: inst.imm)) {
        case .add: return append(IRInst(.add, inst.type, old, inst.b))
        case .clr: return append(IRInst(.andNot, inst.type, old, inst.b))
        case .eor: return append(IRInst(.xor, inst.type, old, inst.b))
        case .set: return append(IRInst(.or, inst.type, old, inst.b))
        case .smax: return minMax(.icmpSLT, inst.b, old)
        case .smin: return minMax(.icmpSLT, old, inst.b)
        case .umax: return minMax(.icmpULT, inst.b, old)
        case .umin: return minMax(.icmpULT, old, inst.b)
        case .swp, nil: return inst.b
        }
    }

    private mutating func report(_ info: MemoryAccessInfo, _ base: Value, _ offset: UInt64, _ value: Value) {
        var address = Value.none
        for entry in instrumentation.mem[instruction] {
            guard entry.directions.contains(info.isStore ? .write : .read) else { continue }
            switch entry.record {
            case .add(let at, let amount):
                // Right from the next instruction on; with several accesses in one instruction a fault of the second would
                // not know how many came before, so those stay where they are.
                add(at, amount, from: instruction + 1, joins: accessCounts[instruction] == 1)
            case .store: emit(entry.record)
            case .call(let function, let userdata, let regs):
                openAdds.removeAll()
                if address.isNone { address = sum(base, offset) }
                append(
                    IRInst(
                        .pluginMemCall, output[value.index].resultType, address, value, aux: UInt8(info.rawValue), flags: regs,
                        imm: function, imm2: userdata))
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
