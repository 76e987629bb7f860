internal import EmuIR
internal import LLVMBackend
internal import Support

// Regions of what a vCPU was seen to run.
extension RegionBuilder {
    /// How many guest instructions run between coming and going must be seen, on average, for a region to be worth its ways in and out.
    private static let shortestStay = 150
    /// What runs more rarely than the most frequent TB by this factor stays outside.
    private static let rarest = 64
    /// Of an indirect branch, those seen most.
    private static let maximumTargets = 12
    /// A region of which so much runs in another one already is not made.
    private static let coveredShare = 0.9

    /// The steps of a path that are in a region, and between them the ways.
    private struct Passage {
        /// How often a TB came after another one inside.
        var ways: [UInt64: [UInt64: Int]] = [:]
        /// How often each was where the path came in.
        var comings: [UInt64: Int] = [:]
        /// The same, with what came outside.
        var allWays: [UInt64: [UInt64: Int]] = [:]
        var instructions = 0

        var stays: Int { comings.values.reduce(0, +) }
        var averageStay: Int { instructions / max(stays, 1) }

        init(_ steps: [UInt64], _ chosen: [UInt64: Candidate]) {
            var last: Candidate?
            for pc in steps {
                let next = chosen[pc]
                if let last { allWays[last.block.pc, default: [:]][pc, default: 0] += 1 }
                if let next {
                    instructions += next.block.guestInstructionCount
                    if let last, last.canBeFollowed {
                        ways[last.block.pc, default: [:]][pc, default: 0] += 1
                    } else {
                        comings[pc, default: 0] += 1
                    }
                }
                last = next
            }
        }
    }

    /// - Returns: the region of what is hottest on the path; nil when none would pay.
    func build(along path: RecordedPath, _ pipeline: inout TranslationPipeline) -> RegionPlan? {
        var counts: [UInt64: Int] = [:]
        var order: [UInt64] = []
        for pc in path.steps where pc != RecordedPath.elsewhere {
            if counts.updateValue(counts[pc, default: 0] + 1, forKey: pc) == nil { order.append(pc) }
        }
        guard let most = counts.values.max() else { return nil }
        // The most frequent first, and in the order of the path: a stable sort.
        let byCount = order.enumerated().sorted {
            let (a, b) = (counts[$0.element] ?? 0, counts[$1.element] ?? 0)
            return a != b ? a > b : $0.offset < $1.offset
        }
        var chosen: [UInt64: Candidate] = [:]
        var instructions = 0
        for (_, pc) in byCount {
            let count = counts[pc] ?? 0
            if count < 2 || count * Self.rarest < most { break }
            if chosen.count >= Self.maximumBlocks || instructions >= Self.maximumInstructions { break }
            guard let candidate = candidate(TBKey(pc: pc, flags: path.flags), &pipeline) else { continue }
            chosen[pc] = candidate
            instructions += candidate.block.guestInstructionCount
        }
        guard let hottest = byCount.first(where: { chosen[$0.element] != nil })?.element else { return nil }
        let whole = Passage(path.steps, chosen)
        let together = connected(to: hottest, whole)
        chosen = chosen.filter { together.contains($0.key) }
        let passage = Passage(path.steps, chosen)
        let isCovered = isCovered(path, chosen)
        guard passage.averageStay >= Self.shortestStay, !isCovered else {
            engine.log.write(
                .region,
                "no region at \(hex(hottest)): \(chosen.count) TBs, stays of \(passage.averageStay) instructions"
                    + "\(isCovered ? ", in a region already" : "")\n")
            return nil
        }
        return plan(chosen, order, passage, hottest: hottest)
    }

    /// The TBs that ways lead to and from, in whatever direction.
    private func connected(to start: UInt64, _ passage: Passage) -> Set<UInt64> {
        var neighbours: [UInt64: [UInt64]] = [:]
        for (from, ways) in passage.ways {
            for to in ways.keys {
                neighbours[from, default: []].append(to)
                neighbours[to, default: []].append(from)
            }
        }
        var seen: Set<UInt64> = [start]
        var work = [start]
        while let pc = work.popLast() {
            for next in neighbours[pc] ?? [] where seen.insert(next).inserted { work.append(next) }
        }
        return seen
    }

    /// Whether nearly all of it runs in one region already.
    private func isCovered(_ path: RecordedPath, _ chosen: [UInt64: Candidate]) -> Bool {
        var all = 0
        var inRegions: [ObjectIdentifier: Int] = [:]
        engine.cacheLock.withLock {
            let regions = chosen.mapValues { candidate in
                candidate.tb.memberships.filter { $0.isInUse }.map { ObjectIdentifier($0) }
            }
            for pc in path.steps {
                guard let candidate = chosen[pc] else { continue }
                all += candidate.block.guestInstructionCount
                for region in regions[pc] ?? [] { inRegions[region, default: 0] += candidate.block.guestInstructionCount }
            }
        }
        return Double(inRegions.values.max() ?? 0) >= Double(all) * Self.coveredShare
    }

    private func plan(
        _ chosen: [UInt64: Candidate], _ order: [UInt64], _ passage: Passage, hottest: UInt64
    ) -> RegionPlan? {
        // The first is where the path came in most; or it never left.
        let comings = Self.byCount(passage.comings)
        let first = comings.first ?? hottest
        let members = ([first] + order.filter { $0 != first }).compactMap { chosen[$0] }
        let indices = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.block.pc, $0) })
        var entries: [Int] = []
        for pc in comings + loopHeads(members, indices) {
            guard let index = indices[pc], !entries.contains(index), entries.count < Self.maximumEntries else { continue }
            entries.append(index)
        }
        if entries.first != 0 { entries = [0] + entries.filter { $0 != 0 } }
        if members.count == 1, !members[0].block.directSuccessors.contains(first) { return nil }
        let targets = members.map { member -> [UInt64] in
            guard member.block.insts.last?.op == .branchIndirect else { return [] }
            return Self.byCount(passage.ways[member.block.pc] ?? [:]).prefix(Self.maximumTargets).map { $0 }
        }
        let unit = RegionUnit(
            units: members.map(\.unit), entries: entries, indirectTargets: targets, isPrecise: engine.isPrecise,
            adjustsCounts: members.contains { !$0.tb.faultAdjustments.isEmpty }, ways: passage.allWays)
        return RegionPlan(unit: unit, members: members.map(\.tb), averageStay: passage.averageStay)
    }

    /// The most frequent first.
    private static func byCount(_ counts: [UInt64: Int]) -> [UInt64] {
        counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.map(\.key)
    }

    /// Where direct branches lead back to.
    private func loopHeads(_ members: [Candidate], _ indices: [UInt64: Int]) -> [UInt64] {
        members.flatMap { member in member.block.directSuccessors.filter { $0 <= member.block.pc && indices[$0] != nil } }
    }
}
