// The cflow plugin: where control flow changed: for each branch how often it was taken and where to, and where blocks were left before
// their end.
//
// Each block stores inline where it will have come to when it ends, and each instruction its own address. The next block compares its
// start with that and calls only when they differ. What runs on behind a conditional branch needs no call: the branch's executions are
// counted inline, and those that were not taken are the rest.

import CNeedletailPlugin
public import NeedletailPlugin

private enum Order: Int { case hottest, early, exceptions }

private struct Settings {
    var order = Order.hottest
    var showsTotals = false
}

/// The state of a vCPU; all but the first are written in generated code.
private struct Local: BitwiseCopyable {
    /// Address behind the block that was entered last; 0 before the first.
    var behind: UInt64
    /// Address of that block's last instruction.
    var end: UInt64
    /// Address of the instruction that began last.
    var last: UInt64
}

enum BranchKind { case none, unconditional, conditional, indirect }

struct Destination {
    let address: UInt64
    var count: UInt64
}

/// An instruction behind which execution went on elsewhere.
struct Node {
    var symbol: CText?
    var disassembly: CText?
    var kind = BranchKind.none
    /// Of a conditional branch.
    var executions: Counter?
    var earlyExits: UInt64 = 0
    var branches: UInt64 = 0
    var destinations: [Destination] = []

    mutating func note(_ address: UInt64) {
        if let index = destinations.firstIndex(where: { $0.address == address }) {
            destinations[index].count += 1
            // A return has many; the next one is often to a place that was seen lately.
            if index > 0 { destinations.swapAt(index, index / 2) }
        } else {
            destinations.append(Destination(address: address, count: 1))
        }
    }

    /// Of a conditional branch: executed and not taken.
    var notTaken: UInt64 { (executions?.sum ?? branches) - branches }
}
typealias Nodes = AddressMap<Node>

private let limit = 10
nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())
/// By address, under the plugin's lock: every last instruction of a block, and those where blocks were left early.
nonisolated(unsafe) private var nodes = Nodes()
nonisolated(unsafe) private var pool = CounterPool()

// MARK: Translation

/// What an A64 encoding does with the program counter.
private func branchKind(_ word: UInt32) -> BranchKind {
    if word & 0x7c00_0000 == 0x1400_0000 { return .unconditional }
    if word & 0xff00_0000 == 0x5400_0000 || word & 0x7c00_0000 == 0x3400_0000 { return .conditional }
    if word & 0xfe00_0000 == 0xd600_0000 { return .indirect }
    return .none
}

private func instrument(_ tb: TranslationBlock) {
    guard let last = tb.last else { return }
    let (behind, end) = (locals.counter(at: 0), locals.counter(at: 8))
    let node = Plugin.withLock {
        let entry = nodes.entry(last.address) { Node() }
        if entry.pointee.value.disassembly == nil {
            entry.pointee.value.symbol = last.symbol
            entry.pointee.value.disassembly = CText(last.disassembly)
            entry.pointee.value.kind = branchKind(last.encoding)
            if entry.pointee.value.kind == .conditional { entry.pointee.value.executions = pool.take() }
        }
        return entry
    }
    tb.onExecution(if: behind != tb.address, data: UnsafeMutableRawPointer(bitPattern: UInt(tb.address))) { vcpu, address in
        arrived(vcpu, UInt64(UInt(bitPattern: address)))
    }
    tb.store(tb.address &+ tb.size, in: behind)
    tb.store(last.address, in: end)
    for insn in tb { insn.store(insn.address, in: locals.counter(at: 16)) }
    if let executions = node.pointee.value.executions { last.add(1, to: executions) }
}

// MARK: Execution

/// A block begins that does not follow the one before.
private func arrived(_ vcpu: VCPUIndex, _ address: UInt64) {
    guard let local = locals[vcpu]?.pointee, local.behind != 0 else { return }
    Plugin.withLock {
        let entry = nodes.entry(local.last) { Node() }
        if local.last == local.end {
            entry.pointee.value.branches += 1
        } else {
            entry.pointee.value.earlyExits += 1
        }
        entry.pointee.value.note(address)
    }
}

// MARK: Report

private func precedes(_ a: Node, _ b: Node) -> Bool {
    switch settings.order {
    case .hottest: a.branches > b.branches
    case .early: a.earlyExits > b.earlyExits
    case .exceptions: a.destinations.count > b.destinations.count
    }
}

/// A new vCPU with an old index begins anew.
private func started(_ vcpu: VCPUIndex) { locals[vcpu]?.pointee = Local(behind: 0, end: 0, last: 0) }

private struct Totals {
    var taken: UInt64 = 0
    var notTaken: UInt64 = 0
    var unconditional: UInt64 = 0
    var indirect: UInt64 = 0
    var early: UInt64 = 0

    mutating func add(_ node: Node) {
        early += node.earlyExits
        switch node.kind {
        case .conditional:
            taken += node.branches
            notTaken += node.notTaken
        case .unconditional: unconditional += node.branches
        case .indirect: indirect += node.branches
        case .none: break
        }
    }
}

private func report() {
    // A conditional branch that was never taken is a node of the totals only.
    var totals = Totals()
    nodes.forEach { totals.add($0.pointee.value) }
    let all = nodes.sorted(where: { !$0.pointee.value.destinations.isEmpty }) { precedes($0.pointee.value, $1.pointee.value) }
    let shown = all.prefix(limit)
    Report.finish { text in
        text.append("collected \(all.count) control flow nodes in the hash table\n")
        for entry in shown { append(entry, to: &text) }
        if settings.showsTotals {
            text.append("taken \(totals.taken), not taken \(totals.notTaken), unconditional \(totals.unconditional), ")
            text.append("indirect \(totals.indirect), early exits \(totals.early)\n")
        }
    } json: { json in
        json.member("nodes", all.count)
        json.member("taken", totals.taken)
        json.member("not_taken", totals.notTaken)
        json.member("unconditional", totals.unconditional)
        json.member("indirect", totals.indirect)
        json.member("early_exits", totals.early)
        json.array("hottest") { json in
            for entry in shown { json.object { append(entry, to: &$0) } }
        }
    }
}

private func append(_ entry: Nodes.EntryPointer, to text: inout Text) {
    let node = entry.pointee.value
    text.append("  addr: \(address: entry.pointee.address) ")
    if let symbol = node.symbol { text.append("\(symbol): ") }
    text.append("\(node.disassembly ?? cText("?")) (\(node.earlyExits != 0 ? "sync fault" : "branch"))\n")
    if node.earlyExits != 0 { text.append("    early exits \(node.earlyExits)\n") }
    text.append("    branches \(node.branches)\n")
    for destination in sorted(node) { text.append("      to \(address: destination.address) (\(destination.count))\n") }
}

private func append(_ entry: Nodes.EntryPointer, to json: inout JSON) {
    let node = entry.pointee.value
    json.member("address", address: entry.pointee.address)
    json.member("symbol", node.symbol)
    json.member("disassembly", node.disassembly)
    json.member("early_exits", node.earlyExits)
    json.member("branches", node.branches)
    if node.kind == .conditional { json.member("not_taken", node.notTaken) }
    json.array("destinations") { json in
        for destination in sorted(node) {
            json.object {
                $0.member("address", address: destination.address)
                $0.member("count", destination.count)
            }
        }
    }
}

private func sorted(_ node: Node) -> [Destination] {
    node.destinations.sorted { $0.count != $1.count ? $0.count > $1.count : $0.address < $1.address }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("cflow", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .choice("sort", "hottest|early|exceptions", "most branches, early exits or destinations first (hottest)") {
                    $0.order = Order(rawValue: $1) ?? .hottest
                },
                .flag("totals", "a last line with conditional branches taken and not, and other changes (off)") {
                    $0.showsTotals = $1
                },
            ])
    else { return -1 }
    locals = Scoreboard()
    plugin.onVCPUStart { started($0) }
    plugin.onTranslation { instrument($0) }
    plugin.onExit { report() }
    return 0
}
