internal import EmuIR
internal import Support

/// Replaces reads of guest registers whose value the block already holds, and conditions whose flags it just computed.
///
/// Removes: `get` after `get` or `set` of the same register; `get` of a half of a vector register whose value is known becomes
/// `lo64` or `hi64` of it; `cond` after `flags_sub`, `flags_add` or `flags_logic` becomes a
/// comparison of their operands (the flags operation stays; DeadState may remove it).
/// Relies on: guest registers change only by `set` and by operations whose effects include `writesState`.
/// Keeps: everything else, in order.
enum StateForwarding {
    static func run(_ block: inout IRBlock, _ s: inout PassScratch) {
        s.output.removeAll()
        // One for each instruction, so that it does not move.
        s.remap.resize(block.insts.count)
        s.known.fill(.none, count: StateSlot.count)
        let remap = s.remap.base
        var flagsSource: IRInst?
        for (i, old) in block.insts.enumerated() {
            var inst = old.renumbered { remap[$0.index] }
            switch inst.op {
            case .get:
                let slot = Int(inst.imm)
                if !s.known[slot].isNone {
                    remap[i] = s.known[slot]
                    continue
                }
                s.known[slot] = Value(index: s.output.count)
                let whole = s.known[Int(inst.slot.storage.rawValue)]
                if slot >= 96, !whole.isNone { inst = IRInst(slot < 128 ? .lo64 : .hi64, .i64, whole) }
            case .set:
                let slot = Int(inst.imm)
                s.known[slot] = inst.a
                if (64..<96).contains(slot) {
                    s.known[slot + 32] = .none
                    s.known[slot + 64] = .none
                }
            case .flagsAdd, .flagsSub, .flagsLogic: flagsSource = inst
            case .flagsAdc, .flagsSbc, .flagsFPCompare, .flagsCcmpSub, .flagsCcmpAdd, .flagsSet: flagsSource = nil
            case .cond:
                if let source = flagsSource, let comparison = comparison(for: Condition(rawValue: inst.aux)!, source, &s.output) {
                    inst = comparison
                }
            case .call, .pluginCall, .pluginCallIf, .pluginMemCall:
                let effects = inst.exactEffects
                if effects.contains(.writesState) { s.known.fill(.none, count: StateSlot.count) }
                if effects.contains(.writesFlags) { flagsSource = nil }
            default: break
            }
            if inst.exactEffects(s.effects).contains(.floatingPoint) { s.known[Int(StateSlot.fpsr.rawValue)] = .none }
            remap[i] = Value(index: s.output.count)
            s.output.append(inst)
        }
        block.insts = ContiguousArray(s.output.elements)
    }

    /// The comparison that equals `condition` on the flags of `source`; nil when there is none this simple.
    private static func comparison(
        for condition: Condition, _ source: IRInst, _ output: inout Scratch<IRInst>
    ) -> IRInst? {
        let type = source.type
        func compare(_ op: Opcode, _ a: Value, _ b: Value) -> IRInst { IRInst(op, type, a, b) }
        func zero() -> Value {
            output.append(IRInst(.const, type))
            return Value(index: output.count - 1)
        }
        func always(_ value: Bool) -> IRInst { IRInst(.const, .i1, imm: value ? 1 : 0) }
        let a = source.a
        let b = source.b
        /// N of the result, for mi; its opposite for pl.
        func sign(of op: Opcode, _ condition: Condition) -> IRInst {
            output.append(IRInst(op, type, a, b))
            let result = Value(index: output.count - 1)
            return condition == .mi ? compare(.icmpSLT, result, zero()) : compare(.icmpSLE, zero(), result)
        }
        switch source.op {
        case .flagsSub:
            switch condition {
            case .eq: return compare(.icmpEQ, a, b)
            case .ne: return compare(.icmpNE, a, b)
            case .cs: return compare(.icmpULE, b, a)
            case .cc: return compare(.icmpULT, a, b)
            case .hi: return compare(.icmpULT, b, a)
            case .ls: return compare(.icmpULE, a, b)
            case .ge: return compare(.icmpSLE, b, a)
            case .lt: return compare(.icmpSLT, a, b)
            case .gt: return compare(.icmpSLT, b, a)
            case .le: return compare(.icmpSLE, a, b)
            case .mi, .pl: return sign(of: .sub, condition)
            case .vs, .vc: return nil
            case .al, .nv: return always(true)
            }
        case .flagsLogic:
            // C and V are 0; hi is C and not Z, ls its opposite.
            switch condition {
            case .eq: return compare(.icmpEQ, a, zero())
            case .ne: return compare(.icmpNE, a, zero())
            case .mi, .lt: return compare(.icmpSLT, a, zero())
            case .pl, .ge: return compare(.icmpSLE, zero(), a)
            case .gt: return compare(.icmpSLT, zero(), a)
            case .le: return compare(.icmpSLE, a, zero())
            case .cs, .vs, .hi: return always(false)
            case .cc, .vc, .ls, .al, .nv: return always(true)
            }
        case .flagsAdd:
            switch condition {
            // Z of a + b; negating b could overflow for the orderings, equality is exact.
            case .eq, .ne:
                output.append(IRInst(.add, type, a, b))
                let sum = Value(index: output.count - 1)
                return compare(condition == .eq ? .icmpEQ : .icmpNE, sum, zero())
            case .mi, .pl: return sign(of: .add, condition)
            case .al, .nv: return always(true)
            case .cs, .cc, .vs, .vc, .hi, .ls, .ge, .lt, .gt, .le: return nil
            }
        default: return nil
        }
    }
}
