internal import CHost
internal import EmuIR
internal import LLVMBackend

/// A region to compile.
struct RegionPlan {
    let unit: RegionUnit
    /// In the order of the units.
    let members: [TranslationBlock]
    /// Guest instructions between coming and going, where that was seen.
    var averageStay: Int?
}

/// Chooses the TBs of a region: those that a recorded path shows to be hot (`--tier=auto`), or, from a TB on, what branches lead to
/// (`--tier=region`, which has seen nothing yet).
///
/// For compile threads: each has its own, and regions that others make meanwhile are not seen.
struct RegionBuilder {
    let engine: Engine
    /// Bounds of a region: LLVM's time grows faster than the code.
    static let maximumBlocks = 64
    static let maximumInstructions = 600
    static let maximumEntries = 16
    /// Without a loop there is less to win.
    private static let maximumStraightBlocks = 24

    struct Candidate {
        let tb: TranslationBlock
        let unit: CompileUnit
        /// Where its indirect branch led in tier 0.
        let seenTargets: [UInt64]
        var block: IRBlock { unit.block }
        /// It ends in a branch, which another one of the region may follow.
        var canBeFollowed: Bool {
            guard let end = block.insts.last?.op else { return false }
            return end == .chain || end == .branchIf || end == .branchIndirect
        }
    }

    init(_ engine: Engine) { self.engine = engine }

    /// - Returns: the region and the TBs it is made of, the head first; nil when the head cannot be in one or its guest code has
    ///   changed.
    func build(from head: TBKey, _ pipeline: inout TranslationPipeline) -> RegionPlan? {
        var chosen: [Candidate] = []
        var seen: Set<UInt64> = [head.pc]
        // What belongs to the function first, then what it calls, then what that calls.
        var level = [head.pc]
        var next = 0
        var callees: [UInt64] = []
        var instructions = 0
        var returnAddresses: [UInt64] = []
        while chosen.count < Self.maximumBlocks, instructions < Self.maximumInstructions {
            if next == level.count {
                if callees.isEmpty { break }
                (level, callees, next) = (callees, [], 0)
            }
            let key = TBKey(pc: level[next], flags: head.flags)
            next += 1
            guard let candidate = candidate(key, &pipeline) else {
                if chosen.isEmpty { return nil }
                continue
            }
            chosen.append(candidate)
            instructions += candidate.block.guestInstructionCount
            let block = candidate.block
            // A return leads behind the calls that are in the region, which are followed anyway.
            let targets = block.directSuccessors + (block.endsInReturn ? [] : candidate.seenTargets)
            for pc in targets where seen.insert(pc).inserted {
                if block.endsInCall { callees.append(pc) } else { level.append(pc) }
            }
            if block.endsInCall {
                returnAddresses.append(block.end)
                if seen.insert(block.end).inserted { level.append(block.end) }
            }
        }
        let kept = prune(chosen, returnAddresses)
        let returns = Array(Set(returnAddresses)).sorted()
        let unit = RegionUnit(
            units: kept.map(\.unit), entries: entries(of: kept), indirectTargets: kept.map { targets($0, returns) },
            isPrecise: engine.isPrecise, adjustsCounts: kept.contains { !$0.tb.faultAdjustments.isEmpty })
        return RegionPlan(unit: unit, members: kept.map(\.tb))
    }

    /// The head, where other loops begin, and what is behind calls: code outside comes back there.
    private func entries(of members: [Candidate]) -> [Int] {
        let ways = members.flatMap { member in
            member.block.directSuccessors.filter { $0 <= member.block.pc } + (member.block.endsInCall ? [member.block.end] : [])
        }
        let places = Set(ways)
        return [0] + members.indices.dropFirst().filter { places.contains(members[$0].block.pc) }.prefix(Self.maximumEntries - 1)
    }

    /// Where an indirect branch may lead to in the region.
    private func targets(_ candidate: Candidate, _ returnAddresses: [UInt64]) -> [UInt64] {
        candidate.block.endsInReturn ? returnAddresses : candidate.seenTargets
    }

    func candidate(_ key: TBKey, _ pipeline: inout TranslationPipeline) -> Candidate? {
        let known = engine.cacheLock.withLock {
            engine.cache.find(key).map { ($0, $0.c.pointee.tb_index, $0.c.pointee.indirect_targets) }
        }
        guard let (tb, index, targets) = known else { return nil }
        var block = pipeline.translate(key, engine.translationMode(key), fetch: engine.environment.fetch)
        // The guest may have changed its code since; such a TB is about to be invalidated.
        guard block.guestInstructionCount == tb.instructionCount else { return nil }
        _ = pipeline.finish(
            &block, tb.instrumentation, collectsFPFlags: engine.callbacksExist, symbol: { _ in nil }, isRepeated: true)
        let isIndirect = block.insts.last?.op == .branchIndirect
        return Candidate(
            tb: tb, unit: CompileUnit(block: block, tbIndex: index, tbAddress: UInt(bitPattern: tb.c)),
            seenTargets: isIndirect ? [targets.0, targets.1].filter { $0 != .max } : [])
    }

    /// What leads back to the head, if anything does; else what is nearest to it.
    private func prune(_ chosen: [Candidate], _ returnAddresses: [UInt64]) -> [Candidate] {
        let indices = Dictionary(uniqueKeysWithValues: chosen.enumerated().map { ($1.block.pc, $0) })
        var predecessors: [[Int]] = Array(repeating: [], count: chosen.count)
        for (n, candidate) in chosen.enumerated() {
            // Calls come back, by whatever way.
            let behind = candidate.block.endsInCall ? [candidate.block.end] : []
            for next in candidate.block.directSuccessors + targets(candidate, returnAddresses) + behind {
                if let index = indices[next] { predecessors[index].append(n) }
            }
        }
        var reaches = Array(repeating: false, count: chosen.count)
        var work = predecessors[0]
        while let n = work.popLast() {
            if reaches[n] { continue }
            reaches[n] = true
            work += predecessors[n]
        }
        guard reaches[0] else { return Array(chosen.prefix(Self.maximumStraightBlocks)) }
        return zip(chosen, reaches).filter(\.1).map(\.0)
    }
}
