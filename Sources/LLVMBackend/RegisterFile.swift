internal import CHost
internal import CLLVM
internal import EmuIR

/// The guest registers of a region while its code runs. Those it uses most are held: they have stack places that LLVM's SROA turns
/// into SSA values. The others stay in the CPU struct: with more values than the host has registers, entering and leaving would move
/// all of them between the struct and the stack. What of the held ones the struct lacks at each place is known when the code is
/// made, so leaving writes back only that.
///
/// Guest state in memory is exact before every operation that lets others look (`synchronise`). In precise mode it also is at every fault:
/// a plain access has code for that, which its fault goes to (`guards`); it is exact before all others that may fault.
final class RegisterFile {
    /// How many general and vector registers are held: what the host has, less those that computing needs.
    private static let generalLimit = 10
    private static let vectorLimit = 11

    /// What one TB does to the set of registers that memory lacks.
    struct Transfer {
        /// Some operation wrote everything back.
        var clears = false
        /// Written after that.
        var written = RegisterSet()

        func apply(to before: RegisterSet) -> RegisterSet {
            var after = clears ? RegisterSet() : before
            after.formUnion(written)
            return after
        }
    }

    private var places: [LLVMValueRef?] = Array(repeating: nil, count: HeldRegister.count)
    private let held: RegisterSet
    let isPrecise: Bool
    let flags: LazyFlags
    /// What memory lacks, at the place where code is being made.
    private(set) var dirty = RegisterSet()
    /// What was written since the TB's last guarded access; all, before its first.
    private(set) var writtenSinceGuard = RegisterSet.all

    /// Makes and fills the places; the builder stands in the function's entry.
    init(held: RegisterSet, isPrecise: Bool, blocks: [IRBlock], _ lowering: TBLowering) {
        self.held = held
        self.isPrecise = isPrecise
        flags = LazyFlags(lowering, blocks)
        held.forEach { register in
            if !register.isFlags { places[register.index] = LLVMBuildAlloca(lowering.b, Self.type(register, lowering), "") }
        }
        reload(lowering)
    }

    private static func type(_ register: HeldRegister, _ lowering: TBLowering) -> LLVMTypeRef {
        register.isVector ? lowering.l.vector(lane: 3) : lowering.l.i64
    }

    /// The registers to hold, from the region's TBs and how much more often than once each is expected to run.
    static func choose(_ blocks: [(block: IRBlock, weight: Int)]) -> RegisterSet {
        var uses = Array(repeating: 0, count: HeldRegister.count)
        for (block, weight) in blocks {
            for inst in block.insts where inst.op == .get || inst.op == .set {
                if let register = HeldRegister(inst.slot) { uses[register.index] += weight }
            }
        }
        let ranked = uses.indices.filter { uses[$0] > 0 }.sorted { uses[$0] > uses[$1] }.map(HeldRegister.init(index:))
        var chosen = RegisterSet()
        for register in ranked.filter({ !$0.isVector }).prefix(generalLimit) { chosen.insert(register) }
        for register in ranked.filter(\.isVector).prefix(vectorLimit) { chosen.insert(register) }
        chosen.insert(.flags)
        return chosen
    }

    static func transfer(_ block: IRBlock, held: RegisterSet, isPrecise: Bool) -> Transfer {
        var transfer = Transfer()
        for inst in block.insts {
            if synchronises(inst, isPrecise: isPrecise) {
                transfer.clears = true
                transfer.written = RegisterSet()
            }
            if inst.op == .set {
                if let register = HeldRegister(inst.slot) { transfer.written.insert(register) }
            } else if inst.op != .call, inst.exactEffects.includesAny(of: .writesFlags) {
                transfer.written.insert(.flags)
            }
        }
        transfer.written.formIntersection(held)
        return transfer
    }

    private static let looking: Effects = [.readsState, .writesState, .readsFlags, .writesFlags]

    /// Whether memory must be exact before the operation, on every path through it.
    private static func synchronises(_ inst: IRInst, isPrecise: Bool) -> Bool {
        let effects = inst.exactEffects
        if inst.op == .call { return effects.includesAny(of: looking) || effects.includesAny(of: .mayFault) }
        return isPrecise && effects.includesAny(of: .mayFault) && !TBLowering.canGuard(inst)
    }
    /// Whether memory becomes exact by the operation's fault only.
    func guards(_ inst: IRInst) -> Bool { isPrecise && TBLowering.canGuard(inst) }
    func synchronises(_ inst: IRInst) -> Bool { Self.synchronises(inst, isPrecise: isPrecise) }

    // MARK: Access

    /// The value of state at `offset` of the CPU struct; nil when it is in memory.
    func load(_ offset: Int, _ type: LLVMTypeRef, _ lowering: TBLowering) -> LLVMValueRef? {
        guard let register = HeldRegister(offset: offset), let place = places[register.index] else { return nil }
        let whole = LLVMBuildLoad2(lowering.b, Self.type(register, lowering), place, "")!
        guard register.isVector, LLVMGetTypeKind(type) != LLVMVectorTypeKind else { return whole }
        return LLVMBuildExtractElement(
            lowering.b, whole, lowering.l.const((offset - register.offset) / 8, lowering.l.i32), "")
    }

    /// - Returns: false when the value belongs in memory.
    func store(_ offset: Int, _ value: LLVMValueRef, _ lowering: TBLowering) -> Bool {
        guard let register = HeldRegister(offset: offset) else { return false }
        if register.isFlags { flags.becomeWords(lowering) }
        guard let place = places[register.index] else { return false }
        LLVMBuildStore(lowering.b, value, place)
        noteWrite(register)
        return true
    }

    /// Notes where the flags come from instead of computing them.
    func setFlags(_ new: LazyFlags.Known, _ lowering: TBLowering) {
        flags.set(new, lowering)
        noteWrite(.flags)
    }

    private func noteWrite(_ register: HeldRegister) {
        dirty.insert(register)
        writtenSinceGuard.insert(register)
    }

    /// Code of a TB begins.
    /// - Parameter dirty: what memory lacks there.
    func beginTB(dirty: RegisterSet) {
        self.dirty = dirty
        writtenSinceGuard = .all
        flags.beginBlock()
    }
    func noteGuard() { writtenSinceGuard = RegisterSet() }

    // MARK: Memory

    /// Writes `registers` back. What memory lacks stays as it is noted: the code may stand on a way out, or on a rare path.
    func writeBack(_ registers: RegisterSet, _ lowering: inout TBLowering) {
        if registers.contains(.flags) { flags.writeBack(&lowering) }
        writeBackAllButFlags(registers, lowering)
    }
    func writeBackAllButFlags(_ registers: RegisterSet, _ lowering: TBLowering) {
        registers.forEach { register in
            guard let place = places[register.index] else { return }
            let value = LLVMBuildLoad2(lowering.b, Self.type(register, lowering), place, "")!
            LLVMBuildStore(lowering.b, value, lowering.address(lowering.cpu, register.offset))
        }
    }

    /// Makes memory exact.
    func synchronise(_ lowering: inout TBLowering) {
        writeBack(dirty, &lowering)
        dirty = RegisterSet()
    }

    /// Takes over what somebody else may have written to memory.
    func reload(_ lowering: TBLowering) {
        flags.becomeWords(lowering)
        held.forEach { register in
            guard let place = places[register.index] else { return }
            let value = LLVMBuildLoad2(
                lowering.b, Self.type(register, lowering), lowering.address(lowering.cpu, register.offset), "")!
            LLVMBuildStore(lowering.b, value, place)
        }
        // It may have happened on a path that is rarely taken.
        flags.beginBlock()
    }
}
