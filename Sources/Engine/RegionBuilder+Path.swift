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
    /// A region in which so much of the path runs is replaced by one for both.
    private static let similarShare = 0.5
    /// What is left of such a path must be at least one in so many of its instructions.
    private static let smallestRest = 16

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

        /// Adds ways that were seen when a region was made, and where it is entered.
        mutating func add(_ old: [UInt64: [UInt64: Int]], comings more: [UInt64], _ chosen: [UInt64: Candidate]) {
            for (from, targets) in old {
                guard let last = chosen[from] else { continue }
                for (to, count) in targets {
                    allWays[from, default: [:]][to, default: 0] += count
                    if last.canBeFollowed, chosen[to] != nil { ways[from, default: [:]][to, default: 0] += count }
                }
            }
            for pc in more { comings[pc, default: 0] += 1 }
        }

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

    /// - Returns: the region of what is hottest on the path, if one would pay, and what that says of the look.
    func build(along path: RecordedPath, _ pipeline: inout TranslationPipeline) -> (RegionPlan?, Sampler.Outcome) {
        var counts: [UInt64: Int] = [:]
        var order: [UInt64] = []
        for pc in path.steps where pc != RecordedPath.elsewhere {
            if counts.updateValue(counts[pc, default: 0] + 1, forKey: pc) == nil { order.append(pc) }
        }
        guard let most = counts.values.max() else { return (nil, .useless) }
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
        guard var part = Part(path, chosen, byCount) else { return (nil, .useless) }
        var outcome = Sampler.Outcome.useful
        if let (region, share) = part.best(of: regions(of: part.chosen), path) {
            if share < Self.coveredShare {
                // It did something similar before, and will again: one region for both.
                if share >= Self.similarShare, part.add(region, candidates: { candidate($0, &pipeline) }) { outcome = .better }
            } else {
                // The rest may be worth one of its own.
                let taken = regions(of: chosen)
                guard let rest = Part(path, chosen.filter { taken[$0.key] == nil }, byCount),
                    rest.passage.instructions >= part.passage.instructions / Self.smallestRest
                else { return nothing(part, isCovered: true) }
                part = rest
            }
        }
        guard part.averageStay >= Self.shortestStay else { return nothing(part, isCovered: false) }
        guard let plan = plan(part, order) else { return (nil, .useless) }
        return (plan, outcome)
    }

    private func nothing(_ part: Part, isCovered: Bool) -> (RegionPlan?, Sampler.Outcome) {
        engine.log.write(
            .region,
            "no region at \(hex(part.hottest)): \(part.chosen.count) TBs, stays of \(part.averageStay) instructions"
                + "\(isCovered ? ", in a region already" : "")\n")
        return (nil, isCovered ? .known : .useless)
    }

    /// TBs that belong together, and what of a path runs in them.
    private struct Part {
        let hottest: UInt64
        private(set) var chosen: [UInt64: Candidate]
        private(set) var passage: Passage
        /// Guest instructions between coming and going, on the path.
        let averageStay: Int

        /// The hottest of the candidates and what is connected with it.
        init?(_ path: RecordedPath, _ candidates: [UInt64: Candidate], _ byCount: [(offset: Int, element: UInt64)]) {
            guard let hottest = byCount.first(where: { candidates[$0.element] != nil })?.element else { return nil }
            let together = Self.connected(to: hottest, Passage(path.steps, candidates))
            self.hottest = hottest
            chosen = candidates.filter { together.contains($0.key) }
            passage = Passage(path.steps, chosen)
            averageStay = passage.averageStay
        }

        /// The TBs that ways lead to and from, in whatever direction.
        private static func connected(to start: UInt64, _ passage: Passage) -> Set<UInt64> {
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

        /// The region in which most of it runs already, and how much that is.
        func best(of regions: [UInt64: [Region]], _ path: RecordedPath) -> (Region, share: Double)? {
            var covered: [ObjectIdentifier: (Region, Int)] = [:]
            for pc in path.steps {
                guard let candidate = chosen[pc] else { continue }
                for region in regions[pc] ?? [] {
                    covered[ObjectIdentifier(region), default: (region, 0)].1 += candidate.block.guestInstructionCount
                }
            }
            guard let (region, count) = covered.values.max(by: { $0.1 < $1.1 }) else { return nil }
            return (region, Double(count) / Double(max(passage.instructions, 1)))
        }

        /// Adds what a region has.
        /// - Returns: false when there is no room, or some of it is gone.
        mutating func add(_ region: Region, candidates: (TBKey) -> Candidate?) -> Bool {
            var all = chosen
            for member in region.members where all[member.key.pc] == nil {
                guard let candidate = candidates(member.key) else { return false }
                all[member.key.pc] = candidate
            }
            let instructions = all.values.reduce(0) { $0 + $1.block.guestInstructionCount }
            guard all.count <= RegionBuilder.maximumBlocks, instructions <= RegionBuilder.maximumInstructions else { return false }
            chosen = all
            passage.add(region.ways, comings: region.entries.map(\.key.pc), chosen)
            return true
        }
    }

    /// The regions that run, by the TBs that are in some.
    private func regions(of chosen: [UInt64: Candidate]) -> [UInt64: [Region]] {
        engine.cacheLock.withLock {
            chosen.compactMapValues { candidate in
                let regions = candidate.tb.memberships.filter { $0.isInUse }
                return regions.isEmpty ? nil : regions
            }
        }
    }

    private func plan(_ part: Part, _ order: [UInt64]) -> RegionPlan? {
        let (chosen, passage) = (part.chosen, part.passage)
        // The first is where the path came in most; or it never left.
        let comings = Self.byCount(passage.comings)
        let first = comings.first ?? part.hottest
        let seen = order.filter { $0 != first }
        let others = Set(chosen.keys).subtracting(seen).subtracting([first]).sorted()
        let members = ([first] + seen + others).compactMap { chosen[$0] }
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
        return RegionPlan(unit: unit, members: members.map(\.tb), averageStay: part.averageStay)
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
