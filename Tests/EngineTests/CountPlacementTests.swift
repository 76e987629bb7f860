import EmuIR
import LLVMBackend
import TestSupport
import Testing

/// Counts moved to the ways between TBs, on random graphs: whatever way is taken, and wherever it ends, memory has what adds in place
/// would have left.
@Suite struct CountPlacementTests {
    private static let counters: [UInt64] = [0x88000, 0x88008]

    /// One TB of the graph, and what it does, in order.
    private struct Node {
        enum Step {
            case instruction
            case access
            case add(UInt64, UInt64)
        }
        var steps: [Step] = []
        var block: IRBlock
        var directTargets: [UInt64] = []
        var indirectTargets: [UInt64] = []
    }

    private struct Graph {
        var nodes: [Node]
        var entries: [Int]
        var ways: [UInt64: [UInt64: Int]]

        init(_ random: inout SplitMix64) {
            let count = Int.random(in: 1...12, using: &random)
            func address(_ n: Int) -> UInt64 { 0x1000 + UInt64(n) * 0x40 }
            // Behind the last one is outside.
            nodes = []
            for n in 0..<count {
                let targets = [0, 1].map { _ in address(Int.random(in: 0...count, using: &random)) }
                nodes.append(Self.node(at: address(n), targets, &random))
            }
            entries = [0] + (1..<max(count, 2)).filter { $0 < count && Bool.random(using: &random) }
            ways = [:]
            // Of half of the graphs nothing was seen, as with --tier=region.
            let recorded = Bool.random(using: &random) ? nodes : []
            for node in recorded {
                for target in node.directTargets + node.indirectTargets {
                    ways[node.block.pc, default: [:]][target] = Int.random(in: 0...1000, using: &random)
                }
            }
        }

        private static func node(at pc: UInt64, _ targets: [UInt64], _ random: inout SplitMix64) -> Node {
            var builder = IRBuilder(pc: pc)
            var steps: [Node.Step] = []
            let looks = Int.random(in: 0..<6, using: &random) == 0
            for n in 0..<Int.random(in: 1...5, using: &random) {
                builder.insn(pc: pc + UInt64(n) * 4, word: 0)
                steps.append(.instruction)
                func add() {
                    let (offset, value) = (counters.randomElement(using: &random)!, UInt64.random(in: 1...9, using: &random))
                    builder.append(IRInst(.pluginAdd, imm: offset, imm2: value))
                    steps.append(.add(offset, value))
                }
                if Bool.random(using: &random) { add() }
                if looks, n == 0 { builder.append(IRInst(.pluginLoad, .i64, imm: counters[0])) }
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    _ = builder.load(builder.const(0), size: 3, .i64)
                    steps.append(.access)
                    if Int.random(in: 0..<3, using: &random) == 0 { add() }
                }
            }
            var node = Node(steps: steps, block: builder.block)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                node.directTargets = [targets[0]]
                builder.chain(node.directTargets[0])
            case 1:
                node.indirectTargets = targets
                builder.branchIndirect(builder.const(0))
            default:
                node.directTargets = targets
                builder.branchIf(builder.const(1, .i1), taken: node.directTargets[0], fallthrough: node.directTargets[1])
            }
            node.block = builder.block
            return node
        }
    }

    /// The counters in memory, and as they would be with all adds in place.
    private struct Counts: Equatable {
        var memory: [UInt64: UInt64] = [:]
        var expected: [UInt64: UInt64] = [:]

        mutating func add(_ amounts: [CountPlacement.Amount]) {
            for amount in amounts { memory[amount.offset, default: 0] &+= amount.value }
        }
        var differences: [UInt64] { counters.filter { memory[$0, default: 0] != expected[$0, default: 0] } }
    }

    @Test func leavesWhatAddsInPlaceWould() {
        var random = SplitMix64(seed: 2026)
        var moved = 0
        for _ in 0..<3000 {
            let graph = Graph(&random)
            let placement = CountPlacement(
                graph.nodes.map(\.block), entries: graph.entries, indirectTargets: graph.nodes.map(\.indirectTargets),
                ways: graph.ways)
            let indices = Dictionary(uniqueKeysWithValues: graph.nodes.enumerated().map { ($1.block.pc, $0) })
            for node in graph.nodes where Self.counters.contains(where: { placement.movesAdds(of: node.block, toCounterAt: $0) }) {
                moved += 1
            }
            for _ in 0..<8 {
                var counts = Counts()
                var place = graph.nodes[graph.entries.randomElement(using: &random)!]
                counts.add(placement.amounts(from: nil, to: place.block.pc))
                var stepsLeft = Int.random(in: 0...30, using: &random)
                walk: while true {
                    let accesses = place.steps.count { if case .access = $0 { true } else { false } }
                    let fault = stepsLeft == 0 && accesses > 0 ? Int.random(in: 0..<accesses, using: &random) : nil
                    if run(place, faultAt: fault, placement, &counts) { break walk }
                    let next = (place.directTargets + place.indirectTargets).randomElement(using: &random)!
                    stepsLeft = max(stepsLeft - 1, 0)
                    guard let index = indices[next], stepsLeft > 0 || accesses == 0 && next > place.block.pc else {
                        // Its own targets are those of the region only.
                        counts.add(placement.amounts(from: place.block.pc, to: nil))
                        break walk
                    }
                    counts.add(placement.amounts(from: place.block.pc, to: next))
                    place = graph.nodes[index]
                }
                #expect(counts.differences.isEmpty, "\(graph)")
            }
        }
        #expect(moved > 1000)
    }

    /// - Returns: true when it ended by a fault.
    private func run(_ node: Node, faultAt: Int?, _ placement: CountPlacement, _ counts: inout Counts) -> Bool {
        var instruction = -1
        var accesses = 0
        for step in node.steps {
            switch step {
            case .instruction: instruction += 1
            case .access:
                if accesses == faultAt {
                    counts.add(placement.amounts(atFaultIn: node.block.pc, instruction: instruction))
                    return true
                }
                accesses += 1
            case .add(let offset, let value):
                counts.expected[offset, default: 0] &+= value
                if !placement.movesAdds(of: node.block, toCounterAt: offset) { counts.memory[offset, default: 0] &+= value }
            }
        }
        return false
    }
}
