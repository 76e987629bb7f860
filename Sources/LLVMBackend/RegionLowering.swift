internal import CHost
internal import CLLVM
internal import EmuIR

/// TBs to compile as one function.
package struct RegionUnit {
    package var units: [CompileUnit]
    /// Which of them the function can be entered at, the first one first: its argument `tb` says where.
    package var entries: [Int]
    /// Guest registers and the fault point are in memory when an access has faulted. Otherwise a fault ends the guest.
    package var isPrecise: Bool
    /// A fault must say where it was even when nothing else is exact: counts of plugins are taken back.
    package var adjustsCounts: Bool
    /// Plain accesses do not say which they are.
    package var omitsFaultPoints: Bool { !isPrecise && !adjustsCounts }
    /// For each unit, where its indirect branch probably leads to, by guest address; empty where it ends otherwise.
    package var indirectTargets: [[UInt64]]

    /// How often each TB was seen to be followed by each other, by guest addresses; empty when nothing was seen.
    package var ways: [UInt64: [UInt64: Int]]
    /// Where inline counts are added.
    package let counts: CountPlacement

    package init(
        units: [CompileUnit], entries: [Int], indirectTargets: [[UInt64]], isPrecise: Bool, adjustsCounts: Bool,
        ways: [UInt64: [UInt64: Int]] = [:]
    ) {
        self.ways = ways
        counts = CountPlacement(units.map(\.block), entries: entries, indirectTargets: indirectTargets, ways: ways)
        self.adjustsCounts = adjustsCounts || counts.isNeeded
        self.units = units
        self.entries = entries
        self.isPrecise = isPrecise
        self.indirectTargets = indirectTargets
    }
}

/// Lowers a region: control flow between its TBs stays inside the function, and guest registers travel in SSA values.
///
/// Each way of leaving is made once, behind the TBs, and all TBs go there: LLVM's time goes with the size of the code, and the
/// write-back of registers would be most of it.
final class RegionLowering {
    let registers: RegisterFile
    /// Callbacks are called, and may write guest code, which then must not run as it was: every branch polls.
    let hasCallbacks: Bool
    /// Nobody asks which of its accesses has faulted.
    let omitsFaultPoints: Bool
    /// What callbacks leave in the host's floating-point unit is cleaned away before floating-point operations and at the exits only,
    /// because nobody looks at it after a fault.
    var cleansLater: Bool { hasCallbacks && !registers.isPrecise }
    private let entries: [UInt64: LLVMBasicBlockRef]
    /// By the guest address of the TB.
    private let indirectTargets: [UInt64: [UInt64]]
    private let ways: [UInt64: [UInt64: Int]]
    private let counts: CountPlacement

    /// A way of leaving: where its code begins, the value that the TBs hand it, and what memory lacks on some way to it.
    private struct Exit {
        let block: LLVMBasicBlockRef
        let argument: LLVMValueRef
        let type: LLVMTypeRef
        var dirty = RegisterSet()
        var isUsed = false

        init(_ type: LLVMTypeRef, _ lowering: TBLowering) {
            argument = LLVMBuildAlloca(lowering.b, type, "")
            block = lowering.newBlock()
            self.type = type
        }
        mutating func go(_ value: LLVMValueRef, _ registers: RegisterFile, _ lowering: TBLowering) {
            isUsed = true
            dirty.formUnion(registers.dirty)
            LLVMBuildStore(lowering.b, value, argument)
            LLVMBuildBr(lowering.b, block)
        }
    }
    /// To the run loop, with an `nt_exit`; to the TB behind a slot; to an indirect branch's target outside.
    private var toRunLoop: Exit
    private var throughSlot: Exit
    private var indirect: Exit
    /// After a fault, where memory lacks the flags, and where not.
    private var withFlags: FaultExit
    private var withoutFlags: FaultExit

    /// The TB's guarded access before: where the code after its fault writes back, and what.
    private var lastGuard: (block: LLVMBasicBlockRef, dirty: RegisterSet)?

    private struct FaultExit {
        let block: LLVMBasicBlockRef
        var isUsed = false

        init(_ lowering: TBLowering) { block = lowering.newBlock() }
        mutating func go(_ lowering: TBLowering) {
            isUsed = true
            LLVMBuildBr(lowering.b, block)
        }
    }

    private init(
        registers: RegisterFile, hasCallbacks: Bool, omitsFaultPoints: Bool, entries: [UInt64: LLVMBasicBlockRef],
        indirectTargets: [UInt64: [UInt64]], _ region: RegionUnit, _ lowering: TBLowering
    ) {
        self.registers = registers
        self.hasCallbacks = hasCallbacks
        self.omitsFaultPoints = omitsFaultPoints
        self.entries = entries
        self.indirectTargets = indirectTargets
        ways = region.ways
        counts = region.counts
        toRunLoop = Exit(lowering.l.i64, lowering)
        throughSlot = Exit(lowering.l.pointer, lowering)
        indirect = Exit(lowering.l.i64, lowering)
        withFlags = FaultExit(lowering)
        withoutFlags = FaultExit(lowering)
    }

    /// Where the TB of a guest address begins in the function; nil when the region does not have it.
    func entry(_ pc: UInt64) -> LLVMBasicBlockRef? { entries[pc] }

    /// What an indirect branch of the region may lead to inside it.
    func targets(of block: IRBlock) -> [(pc: UInt64, entry: LLVMBasicBlockRef)] {
        (indirectTargets[block.pc] ?? []).compactMap { pc in entries[pc].map { (pc, $0) } }
    }

    /// How often each of a TB's two ways was seen to be taken; nil when it was not seen at all.
    func counts(_ block: IRBlock, _ first: UInt64, _ second: UInt64) -> (Int, Int)? {
        ways[block.pc].map { ($0[first] ?? 0, $0[second] ?? 0) }
    }

    // MARK: Counts

    func movesAdds(of block: IRBlock, toCounterAt offset: UInt64) -> Bool {
        counts.movesAdds(of: block, toCounterAt: offset)
    }

    /// Adds what is to be added between two TBs; nil is outside.
    func count(from: IRBlock?, to: UInt64?, _ lowering: TBLowering) {
        add(counts.amounts(from: from?.pc, to: to), lowering)
    }
    func counts(from: IRBlock, to: UInt64) -> Bool { !counts.amounts(from: from.pc, to: to).isEmpty }

    /// Before a TB is left in the middle.
    func countFault(in block: IRBlock, instruction: Int, _ lowering: TBLowering) {
        add(counts.amounts(atFaultIn: block.pc, instruction: instruction), lowering)
    }

    private func add(_ amounts: [CountPlacement.Amount], _ lowering: TBLowering) {
        for amount in amounts { lowering.add(amount.value, toCounterAt: Int(amount.offset)) }
    }

    // MARK: Ways out

    func leave(_ exit: nt_exit, _ lowering: TBLowering) {
        toRunLoop.go(lowering.l.const(UInt64(exit.rawValue), lowering.l.i64), registers, lowering)
    }
    /// - Parameter slot: the address of the slot's target.
    func leave(through slot: LLVMValueRef, _ lowering: TBLowering) { throughSlot.go(slot, registers, lowering) }
    func leave(toIndirect pc: LLVMValueRef, _ lowering: TBLowering) { indirect.go(pc, registers, lowering) }

    /// Where a guarded access goes on after a fault: code that writes back what memory lacks here, and goes to the run loop. What the code of
    /// the TB's guarded access before writes back, and has not changed since, that code does; the flags, which may have come from several
    /// TBs, are written once for all accesses.
    func fault(_ lowering: inout TBLowering) -> LLVMBasicBlockRef {
        let dirty = registers.dirty
        let isLike =
            lastGuard.map { registers.writtenSinceGuard.isDisjoint(with: $0.dirty) && $0.dirty.hasFlags == dirty.hasFlags } ?? false
        let before = isLike ? lastGuard : nil
        if let before, before.dirty == dirty { return before.block }
        let here = LLVMGetInsertBlock(lowering.b)!
        let faulted = lowering.newBlock()
        lowering.position(faulted)
        registers.writeBackAllButFlags(dirty.subtracting(before?.dirty ?? RegisterSet()), lowering)
        if let before {
            LLVMBuildBr(lowering.b, before.block)
        } else if dirty.hasFlags {
            withFlags.go(lowering)
        } else {
            withoutFlags.go(lowering)
        }
        lowering.position(here)
        lastGuard = (faulted, dirty)
        registers.noteGuard()
        return faulted
    }

    static func lower(
        _ region: RegionUnit, name: String, module: LLVMModuleRef, context l: LoweringContext, intrinsics: Intrinsics,
        callbacks: CallbackCache? = nil
    ) {
        let function = LLVMAddFunction(module, name, l.codeType)!
        LLVMSetFunctionCallConv(function, LoweringContext.preserveNone)
        intrinsics.addFunctionAttributes(function)
        LLVMPositionBuilderAtEnd(l.builder, LLVMAppendBasicBlockInContext(l.context, function, ""))

        let blocks = region.units.map(\.block)
        let frequencies = region.ways.isEmpty ? weights(blocks) : blocks.map { region.ways[$0.pc]?.values.reduce(1, +) ?? 1 }
        let held = RegisterFile.choose(Array(zip(blocks, frequencies)))
        let transfers = blocks.map { RegisterFile.transfer($0, held: held, isPrecise: region.isPrecise) }
        var lowerings = region.units.map { unit in
            TBLowering(
                unit.block, function: function, tb: l.pointer(to: unit.tbAddress), context: l, intrinsics: intrinsics,
                options: LoweringOptions(tbIndex: unit.tbIndex, chains: true, callbacks: callbacks))
        }
        let registers = RegisterFile(held: held, isPrecise: region.isPrecise, blocks: blocks, lowerings[0])
        var entries: [UInt64: LLVMBasicBlockRef] = [:]
        for unit in region.units { entries[unit.block.pc] = lowerings[0].newBlock() }
        let targets = Dictionary(uniqueKeysWithValues: zip(region.units.map(\.block.pc), region.indirectTargets))
        let hasCallbacks = blocks.contains { $0.insts.contains { CallbackCache.callsOut($0, callbacks) } }
        let state = RegionLowering(
            registers: registers, hasCallbacks: hasCallbacks, omitsFaultPoints: region.omitsFaultPoints, entries: entries,
            indirectTargets: targets, region, lowerings[0])
        // From outside, in front of the TBs.
        var arrivals: [UInt64: LLVMBasicBlockRef] = [:]
        for unit in region.entries.map({ region.units[$0] }) { arrivals[unit.block.pc] = lowerings[0].newBlock() }
        let choice = LLVMBuildSwitch(
            l.builder, LLVMBuildPtrToInt(l.builder, LLVMGetParam(function, 1), l.i64, ""), arrivals[region.units[0].block.pc]!,
            UInt32(region.entries.count))
        for unit in region.entries.dropFirst().map({ region.units[$0] }) {
            LLVMAddCase(choice, l.const(UInt64(unit.tbAddress), l.i64), arrivals[unit.block.pc]!)
        }
        for unit in region.entries.map({ region.units[$0] }) {
            LLVMPositionBuilderAtEnd(l.builder, arrivals[unit.block.pc]!)
            state.count(from: nil, to: unit.block.pc, lowerings[0])
            LLVMBuildBr(l.builder, entries[unit.block.pc]!)
        }
        let dirty = state.dirtyAtEntry(blocks, transfers)
        for n in lowerings.indices {
            LLVMPositionBuilderAtEnd(l.builder, entries[region.units[n].block.pc]!)
            registers.beginTB(dirty: dirty[n])
            state.lastGuard = nil
            lowerings[n].region = state
            if state.cleansLater, lowerings[n].hasFloatingPoint { lowerings[n].cleanFloatingPoint() }
            lowerings[n].lowerAll()
        }
        state.makeExits(&lowerings[0])
    }

    /// How often each TB probably runs, where it was not seen: four times as often for each loop around it. A loop is what lies between a way back's
    /// ends.
    private static func weights(_ blocks: [IRBlock]) -> [Int] {
        let inside = Set(blocks.map(\.pc))
        var loops: [UInt64: UInt64] = [:]
        for block in blocks {
            for target in block.directSuccessors where target <= block.pc && inside.contains(target) {
                loops[target] = max(loops[target] ?? 0, block.pc)
            }
        }
        return blocks.map { block in
            let depth = loops.count { $0.key <= block.pc && block.pc <= $0.value }
            return 1 << (2 * min(depth, 5))
        }
    }

    /// The code of the exits. By now memory is exact in it, so what leaves there leaves as from a TB of its own.
    private func makeExits(_ lowering: inout TBLowering) {
        func begin(_ exit: Exit, _ body: (inout TBLowering, LLVMValueRef) -> Void) {
            guard exit.isUsed else {
                LLVMDeleteBasicBlock(exit.block)
                return
            }
            lowering.position(exit.block)
            lowering.region = self
            registers.flags.beginBlock()
            registers.writeBack(exit.dirty, &lowering)
            lowering.region = nil
            if cleansLater { lowering.cleanFloatingPoint() }
            body(&lowering, LLVMBuildLoad2(lowering.b, exit.type, exit.argument, ""))
        }
        func fault(_ exit: FaultExit, _ flags: Bool) {
            if !exit.isUsed { return LLVMDeleteBasicBlock(exit.block) }
            lowering.position(exit.block)
            lowering.region = self
            registers.flags.beginBlock()
            if flags { registers.flags.writeBack(&lowering) }
            lowering.region = nil
            LLVMBuildRet(lowering.b, lowering.l.const(UInt64(NT_EXIT_FAULT.rawValue), lowering.l.i64))
        }
        fault(withFlags, true)
        fault(withoutFlags, false)
        begin(toRunLoop) { LLVMBuildRet($0.b, $1) }
        begin(throughSlot) { $0.goThrough($1) }
        begin(indirect) { $0.lookUp($1) }
        lowering.exits.finish(lowering)
    }

    /// What memory may lack when each TB begins: the least solution over the region's control flow.
    private func dirtyAtEntry(_ blocks: [IRBlock], _ transfers: [RegisterFile.Transfer]) -> [RegisterSet] {
        let indices = Dictionary(uniqueKeysWithValues: blocks.enumerated().map { ($1.pc, $0) })
        let successors = blocks.map { block in
            (block.directSuccessors + targets(of: block).map(\.pc)).compactMap { indices[$0] }
        }
        var before = Array(repeating: RegisterSet(), count: blocks.count)
        var work = Array(blocks.indices)
        var isQueued = Array(repeating: true, count: blocks.count)
        while let n = work.popLast() {
            isQueued[n] = false
            let after = transfers[n].apply(to: before[n])
            for next in successors[n] {
                var merged = before[next]
                merged.formUnion(after)
                guard merged != before[next] else { continue }
                before[next] = merged
                if !isQueued[next] {
                    isQueued[next] = true
                    work.append(next)
                }
            }
        }
        return before
    }
}
