internal import EmuIR

/// Removes what nobody can see: register writes and flag computations that are overwritten first, and values without use.
///
/// One backward scan. Guest state must be exact before every operation that can fault, leave, or let a plugin look, so those
/// make all registers and flags live; so does the end of the block.
/// Relies on: `Effects`. Keeps: loads (they can fault), observers, order.
enum DeadState {
    /// What makes an operation more than a computation of flags.
    private static let beyondFlags: Effects = [.observer, .mayFault, .terminator, .writesState, .floatingPoint]
    /// What lets guest state be seen.
    private static let exposing: Effects = [.mayFault, .terminator, .readsState, .writesState]

    static func run(_ block: inout IRBlock, _ s: inout PassScratch) {
        let count = block.insts.count
        s.isUsed.removeAll(keepingCapacity: true)
        s.isUsed.append(contentsOf: repeatElement(false, count: count))
        s.isDead.removeAll(keepingCapacity: true)
        s.isDead.append(contentsOf: repeatElement(false, count: count))
        s.liveAgain()
        var flagsOverwritten = false
        var removed = false
        for i in stride(from: count - 1, through: 0, by: -1) {
            let inst = block.insts[i]
            let effects = inst.exactEffects
            var dead = false
            switch inst.op {
            case .nop: dead = true
            case .insn: break
            case .get:
                dead = !s.isUsed[i]
                if !dead { s.overwrittenIn[Int(inst.slot.storage.rawValue)] = 0 }
            case .set:
                let slot = Int(inst.imm)
                dead = s.overwrittenIn[slot] == s.epoch
                s.overwrittenIn[slot] = s.epoch
            default:
                if effects.contains(.writesFlags), inst.resultType == .none,
                    !effects.includesAny(of: Self.beyondFlags)
                {
                    dead = flagsOverwritten
                    if !dead { flagsOverwritten = true }
                } else if effects.isPure, inst.resultType != .none {
                    dead = !s.isUsed[i]
                }
                if !dead {
                    if effects.includesAny(of: Self.exposing) {
                        s.liveAgain()
                        flagsOverwritten = false
                    }
                    if effects.contains(.floatingPoint) {
                        if inst.op == .flagsFPCompare { flagsOverwritten = true }
                        s.overwrittenIn[Int(StateSlot.fpcr.rawValue)] = 0
                        s.overwrittenIn[Int(StateSlot.fpsr.rawValue)] = 0
                    }
                    if effects.contains(.readsFlags) { flagsOverwritten = false }
                }
            }
            if dead {
                s.isDead[i] = true
                removed = true
                continue
            }
            if !inst.a.isNone { s.isUsed[inst.a.index] = true }
            if !inst.b.isNone { s.isUsed[inst.b.index] = true }
            if !inst.c.isNone { s.isUsed[inst.c.index] = true }
        }
        if removed { compact(&block, &s) }
    }

    private static func compact(_ block: inout IRBlock, _ s: inout PassScratch) {
        s.output.removeAll(keepingCapacity: true)
        s.remap.removeAll(keepingCapacity: true)
        for (i, inst) in block.insts.enumerated() {
            if s.isDead[i] {
                s.remap.append(.none)
                continue
            }
            s.remap.append(Value(index: s.output.count))
            s.output.append(inst.renumbered(s.remap))
        }
        swap(&block.insts, &s.output)
    }
}
