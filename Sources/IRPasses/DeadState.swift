internal import EmuIR
internal import Support

/// Removes what nobody can see: register writes and flag computations that are overwritten first, and values without use.
///
/// One backward scan. Guest state must be exact before every operation that can fault, leave, or let a plugin look, so those
/// make all registers and flags live; so does the end of the block.
/// Relies on: `Effects`. Keeps: loads (they can fault), observers, order.
enum DeadState {
    /// What makes an operation more than a computation of flags.
    private static var beyondFlags: UInt16 {
        Effects.observer.rawValue | Effects.mayFault.rawValue | Effects.terminator.rawValue | Effects.writesState.rawValue
            | Effects.floatingPoint.rawValue
    }
    /// What lets guest state be seen.
    private static var exposing: UInt16 {
        Effects.mayFault.rawValue | Effects.terminator.rawValue | Effects.readsState.rawValue | Effects.writesState.rawValue
    }

    static func run(_ block: inout IRBlock, _ s: inout PassScratch) {
        let left = block.insts.withUnsafeMutableBufferPointer { insts in
            // An empty block has no address.
            guard let base = insts.baseAddress else { return 0 }
            let first = mark(base, insts.count, &s)
            return first < insts.count ? compact(base, insts.count, from: first, &s) : insts.count
        }
        if left < block.insts.count { block.insts.removeLast(block.insts.count - left) }
    }

    /// Marks what is dead.
    /// - Returns: the first dead instruction, or their number when there is none.
    private static func mark(_ insts: UnsafeMutablePointer<IRInst>, _ count: Int, _ s: inout PassScratch) -> Int {
        s.isUsed.fill(false, count: count)
        s.isDead.resize(count)
        s.liveAgain()
        let isUsed = s.isUsed.base
        let isDead = s.isDead.base
        let overwrittenIn = s.overwrittenIn.base
        let effectsTable = s.effects
        var epoch = s.epoch
        var flagsOverwritten = false
        var first = count
        for i in stride(from: count - 1, through: 0, by: -1) {
            let inst = insts + i
            let op = inst.pointee.op
            var dead = false
            switch op {
            case .nop: dead = true
            case .insn: break
            case .get:
                dead = !isUsed[i]
                if !dead { overwrittenIn[Int(inst.pointee.slot.storage.rawValue)] = 0 }
            case .set:
                let slot = Int(inst.pointee.imm)
                dead = overwrittenIn[slot] == epoch
                overwrittenIn[slot] = epoch
            default:
                let effects = inst.pointee.exactEffects(effectsTable)
                if effects.contains(.writesFlags), inst.pointee.resultType == .none,
                    effects.rawValue & Self.beyondFlags == 0
                {
                    dead = flagsOverwritten
                    if !dead { flagsOverwritten = true }
                } else if effects.isPure, inst.pointee.resultType != .none {
                    dead = !isUsed[i]
                }
                if !dead {
                    if effects.rawValue & Self.exposing != 0 {
                        epoch += 1
                        flagsOverwritten = false
                    }
                    if effects.contains(.floatingPoint) {
                        if op == .flagsFPCompare { flagsOverwritten = true }
                        overwrittenIn[Int(StateSlot.fpcr.rawValue)] = 0
                        overwrittenIn[Int(StateSlot.fpsr.rawValue)] = 0
                    }
                    if effects.contains(.readsFlags) { flagsOverwritten = false }
                }
            }
            isDead[i] = dead
            if dead {
                first = i
                continue
            }
            let (a, b, c) = (inst.pointee.a, inst.pointee.b, inst.pointee.c)
            if !a.isNone { isUsed[a.index] = true }
            if !b.isNone { isUsed[b.index] = true }
            if !c.isNone { isUsed[c.index] = true }
        }
        s.epoch = epoch
        return first
    }

    /// Takes the dead ones out. What stands before `first` stays where it is.
    /// - Returns: how many are left.
    private static func compact(
        _ insts: UnsafeMutablePointer<IRInst>, _ count: Int, from first: Int, _ s: inout PassScratch
    ) -> Int {
        s.remap.resize(count)
        let remap = s.remap.base
        let isDead = s.isDead.base
        var to = first
        for i in first..<count where !isDead[i] {
            remap[i] = Value(index: to)
            insts[to] = insts[i].renumbered { $0.index < first ? $0 : remap[$0.index] }
            to += 1
        }
        return to
    }
}
