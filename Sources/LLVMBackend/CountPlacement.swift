package import EmuIR

/// Where a region adds what its TBs count inline.
///
/// A TB would add at its beginning. In a region the adds move to the ways between TBs, and to few of them: along the ways that are taken
/// most the counter in memory runs ahead of the true one by an amount that is known for each TB, and where two ways of different
/// amounts meet, the rarer one adds the difference (Knuth and Stevenson, "Optimal measurement points for program frequency
/// counts", 1973: a way needs no measurement when it is in a spanning tree of the flow graph). On the ways out nothing is ahead. A
/// fault in a TB takes back what memory is ahead there.
///
/// TBs in which somebody may look at counters keep their adds, and nothing is ahead when they begin.
package struct CountPlacement: Sendable {
    /// An amount, modulo 2^64, for the counter at an offset in the vCPU's arena.
    package struct Amount: Sendable {
        package let offset: UInt64
        package let value: UInt64
    }
    private struct Add: Sendable {
        let offset: UInt64
        let value: UInt64
        /// Index of the guest instruction.
        let instruction: Int
        /// A fault of that instruction comes before it.
        let isBehindAccess: Bool
    }
    private struct Counter: Sendable {
        let offset: UInt64
        /// What memory is ahead when each TB begins.
        var ahead: [UInt64]
        /// What each TB counts.
        let own: [UInt64]
    }

    private var counters: [Counter] = []
    /// By TB; empty where adds stay in place.
    private var adds: [[Add]]
    private var isPinned: [Bool]
    private let indices: [UInt64: Int]

    /// - Parameter ways: How often each TB was seen to be followed by each other, by guest addresses.
    package init(_ blocks: [IRBlock], entries: [Int], indirectTargets: [[UInt64]], ways: [UInt64: [UInt64: Int]]) {
        indices = Dictionary(uniqueKeysWithValues: blocks.enumerated().map { ($1.pc, $0) })
        adds = Array(repeating: [], count: blocks.count)
        isPinned = Array(repeating: false, count: blocks.count)
        for (n, block) in blocks.enumerated() {
            guard let found = Self.adds(in: block) else {
                isPinned[n] = true
                continue
            }
            adds[n] = found
        }
        let offsets = Set(adds.joined().map(\.offset)).sorted()
        if offsets.isEmpty { return }
        let ways = self.ways(blocks, entries, indirectTargets, ways)
        let tree = Self.spanningTree(ways, outside: blocks.count)
        for offset in offsets {
            let own = adds.map { $0.reduce(0) { $1.offset == offset ? $0 &+ $1.value : $0 } }
            var counter = Counter(offset: offset, ahead: Array(repeating: 0, count: blocks.count), own: own)
            spread(&counter, tree)
            if pays(counter, ways) { counters.append(counter) }
        }
    }

    /// Whether fewer adds run on the ways than in the TBs, and not for the price of many more places. A counter of each TB's own is best
    /// left where it is.
    private func pays(_ counter: Counter, _ ways: [Way]) -> Bool {
        var (moved, movedPlaces, inPlace, places) = (0, 0, 0, 0)
        for way in ways where amount(counter, way.from, way.to) != 0 {
            moved += way.weight
            movedPlaces += 1
        }
        for n in adds.indices {
            let count = adds[n].count { $0.offset == counter.offset }
            places += count
            // As often as the TB runs, it is left.
            if count > 0 { inPlace += count * ways.reduce(0) { $1.from == n ? $0 + $1.weight : $0 } }
        }
        return movedPlaces <= places * 2 && moved <= inPlace
    }

    /// - Returns: nil where somebody may look at counters in mid-TB, or adds depend on a condition.
    private static func adds(in block: IRBlock) -> [Add]? {
        var found: [Add] = []
        var instruction = -1
        var hasAccess = false
        for (n, inst) in block.insts.enumerated() {
            switch inst.op {
            case .insn:
                instruction += 1
                hasAccess = false
            case .pluginAdd:
                // Halfway through the accesses of an instruction.
                let isBetween = hasAccess && block.insts[(n + 1)...].prefix { $0.op != .insn }.contains { mayFault($0) }
                if !inst.a.isNone || isBetween { return nil }
                found.append(Add(offset: inst.imm, value: inst.imm2, instruction: max(instruction, 0), isBehindAccess: hasAccess))
            case .pluginStore, .pluginLoad, .pluginCall, .pluginCallIf, .pluginMemCall, .call: return nil
            default: if mayFault(inst) { hasAccess = true }
            }
        }
        return found
    }
    private static func mayFault(_ inst: IRInst) -> Bool { inst.exactEffects.includesAny(of: .mayFault) }

    /// Whether memory is ahead anywhere, so that faults must be looked after.
    var isNeeded: Bool { !counters.isEmpty }

    // MARK: What to add where

    /// Whether a TB's own adds to a counter are left out where they stand.
    package func movesAdds(of block: IRBlock, toCounterAt offset: UInt64) -> Bool {
        guard let n = indices[block.pc], !isPinned[n] else { return false }
        return counters.contains { $0.offset == offset }
    }

    /// What to add on the way from a TB to another of the region, or, with nil, out of it.
    package func amounts(from: UInt64?, to: UInt64?) -> [Amount] {
        let (from, to) = (from.flatMap { indices[$0] }, to.flatMap { indices[$0] })
        return counters.compactMap { counter in
            let value = amount(counter, from, to)
            return value == 0 ? nil : Amount(offset: counter.offset, value: value)
        }
    }

    private func amount(_ counter: Counter, _ from: Int?, _ to: Int?) -> UInt64 {
        (to.map { counter.ahead[$0] } ?? 0) &- (from.map { counter.ahead[$0] &- counter.own[$0] } ?? 0)
    }

    /// What to add when a TB is left by a fault of an instruction, so that memory is as if its adds stood in place.
    package func amounts(atFaultIn pc: UInt64, instruction: Int) -> [Amount] {
        guard let n = indices[pc], !isPinned[n] else { return [] }
        return counters.compactMap { counter in
            let done = adds[n].reduce(UInt64(0)) { sum, add in
                let isDone = add.instruction < instruction || add.instruction == instruction && !add.isBehindAccess
                return add.offset == counter.offset && isDone ? sum &+ add.value : sum
            }
            let value = done &- counter.ahead[n]
            return value == 0 ? nil : Amount(offset: counter.offset, value: value)
        }
    }

    // MARK: The tree

    /// A way between TBs of the region; `nil` is outside, and a TB that keeps its adds.
    private struct Way {
        let from: Int?
        let to: Int?
        let weight: Int
    }

    private func ways(
        _ blocks: [IRBlock], _ entries: [Int], _ indirectTargets: [[UInt64]], _ ways: [UInt64: [UInt64: Int]]
    ) -> [Way] {
        func node(_ n: Int) -> Int? { isPinned[n] ? nil : n }
        var all: [Way] = entries.map { Way(from: nil, to: node($0), weight: 0) }
        for (n, block) in blocks.enumerated() {
            let seen = ways[block.pc]
            let targets = Set(block.directSuccessors + indirectTargets[n]).filter { indices[$0] != nil }
            for pc in targets.sorted() {
                // Nothing seen: the ways back are where to add.
                all.append(Way(from: node(n), to: node(indices[pc]!), weight: seen.map { $0[pc] ?? 0 } ?? (pc > block.pc ? 1 : 0)))
            }
            let leaving = seen?.reduce(0) { targets.contains($1.key) ? $0 : $0 + $1.value } ?? 0
            all.append(Way(from: node(n), to: nil, weight: leaving))
        }
        return all
    }

    /// The heaviest, by Kruskal's algorithm.
    /// - Parameter outside: the node of what is `nil` in ways.
    private static func spanningTree(_ all: [Way], outside: Int) -> [Way] {
        var parents = Array(0...outside)
        func root(_ n: Int) -> Int {
            var n = n
            while parents[n] != n {
                parents[n] = parents[parents[n]]
                n = parents[n]
            }
            return n
        }
        let ranked = all.enumerated().sorted {
            $0.element.weight != $1.element.weight ? $0.element.weight > $1.element.weight : $0.offset < $1.offset
        }
        return ranked.map(\.element).filter { way in
            let (a, b) = (root(way.from ?? outside), root(way.to ?? outside))
            parents[a] = b
            return a != b
        }
    }

    /// Settles how far the counter is ahead in each TB, so that the ways of the tree add nothing.
    private func spread(_ counter: inout Counter, _ tree: [Way]) {
        let outside = counter.ahead.count
        var neighbours: [[Way]] = Array(repeating: [], count: outside + 1)
        for way in tree {
            neighbours[way.from ?? outside].append(way)
            neighbours[way.to ?? outside].append(way)
        }
        func ahead(_ n: Int?) -> UInt64 { n.map { counter.ahead[$0] } ?? 0 }
        func own(_ n: Int?) -> UInt64 { n.map { counter.own[$0] } ?? 0 }
        var isSettled = Array(repeating: false, count: outside + 1)
        isSettled[outside] = true
        var work = [outside]
        while let n = work.popLast() {
            for way in neighbours[n] {
                if let to = way.to, !isSettled[to] {
                    counter.ahead[to] = ahead(way.from) &- own(way.from)
                    isSettled[to] = true
                    work.append(to)
                }
                if let from = way.from, !isSettled[from] {
                    counter.ahead[from] = ahead(way.to) &+ counter.own[from]
                    isSettled[from] = true
                    work.append(from)
                }
            }
        }
    }
}
