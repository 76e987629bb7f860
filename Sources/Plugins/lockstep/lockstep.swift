// The lockstep plugin: two emulators tell each other through a Unix socket which block they are about to execute, and stop comparing
// with a report where they differ. For programs of one thread.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var path: CText?
    var isVerbose = false
}

/// What one side sends the other before each block. Both are this plugin, on one machine.
private struct State: BitwiseCopyable {
    var address: UInt64 = 0
    /// Executed in the blocks before.
    var insns: UInt64 = 0
}

private struct Block {
    let insns: Int
}

/// A block that was executed, for the report.
private struct Previous {
    var address: UInt64
    var blockInsns: Int
    var insns: UInt64
}

/// Blocks one after the other that may differ before that is a divergence: an emulator may cut a run of code in two where the other
/// does not, and then agree again.
private let tolerance = 2
private let historyLimit = 20

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var plugin: Plugin?
nonisolated(unsafe) private var socket: Int32 = -1
nonisolated(unsafe) private var blocks = AddressMap<Block>()
nonisolated(unsafe) private var history: [Previous] = []
nonisolated(unsafe) private var ours = State()
nonisolated(unsafe) private var executedBlocks: UInt64 = 0
nonisolated(unsafe) private var comparedBlocks: UInt64 = 0
nonisolated(unsafe) private var differing = 0
nonisolated(unsafe) private var agreedSince = 0
nonisolated(unsafe) private var hasDiverged = false

private func executed(_ entry: AddressMap<Block>.EntryPointer) {
    executedBlocks += 1
    ours.address = entry.pointee.address
    compare(entry.pointee.value.insns)
    ours.insns += UInt64(entry.pointee.value.insns)
}

private func compare(_ insns: Int) {
    if socket < 0 { return }
    var theirs = State()
    let size = MemoryLayout<State>.size
    guard nt_plugin_send(socket, &ours, size) == 0, nt_plugin_receive(socket, &theirs, size) == 0 else {
        return disconnect("the other side has gone\n")
    }
    comparedBlocks += 1
    let isSame = ours.address == theirs.address
    if isSame, ours.insns == theirs.insns {
        differing = 0
        agreedSince += 1
    } else {
        differing += 1
        // One more or less than the other's count is a matter of where blocks end, as long as both come together again.
        let isFar = ours.insns.distance(to: theirs.insns).magnitude > UInt(1 << 9)
        let gaveUp = differing > tolerance || isFar
        if settings.isVerbose || differing == 1 || gaveUp {
            var text = Text()
            text.append("@ \(address: ours.address, width: 16) (\(ours.insns)) vs ")
            text.append("\(address: theirs.address, width: 16) (\(theirs.insns)) (\(differing)/\(agreedSince + 1) since last)\n")
            tell(&text)
        }
        if gaveUp { return diverge() }
    }
    history.append(Previous(address: ours.address, blockInsns: insns, insns: ours.insns))
    if history.count > historyLimit * 2 { history.removeFirst(historyLimit) }
}

private func diverge() {
    hasDiverged = true
    var text = Text(capacity: 1024)
    text.append("Δ too high, we have diverged, previous insns\n")
    for block in history.suffix(historyLimit).reversed() {
        text.append("  previously @ \(address: block.address, width: 16)/\(block.blockInsns) (\(block.insns) insns)\n")
    }
    tell(&text)
    disconnect("giving up\n")
}

private func disconnect(_ reason: StaticString) {
    var text = Text()
    text.append(reason)
    tell(&text)
    _ = nt_plugin_close(socket)
    socket = -1
    // An uninstalled plugin gets no exit event.
    report()
    plugin?.uninstall()
}

private func tell(_ text: inout Text) { Report.line(&text) }

private func report() {
    Report.finish { text in
        if !hasDiverged, socket >= 0 { text.append("No divergence :-)\n") }
        text.append("Executed \(comparedBlocks)/\(executedBlocks) blocks\nExecuted ~\(ours.insns) instructions\n")
    } json: { json in
        json.member("diverged", hasDiverged)
        json.member("blocks", executedBlocks)
        json.member("compared", comparedBlocks)
        json.member("insns", ours.insns)
        if !hasDiverged { return }
        json.member("address", address: ours.address)
        json.array("previous") { json in
            for block in history.suffix(historyLimit).reversed() { json.element(address: block.address) }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let made = Plugin("lockstep", id, info)
    guard
        made.parse(
            count, arguments, into: &settings,
            [
                .text("sockpath", "PATH", "the socket; the first of the two makes it and waits for the other") { $0.path = $1 },
                .flag("verbose", "a line for each difference (off)") { $0.isVerbose = $1 },
            ])
    else { return -1 }
    guard let path = settings.path else {
        Plugin.complain("needs sockpath")
        return -1
    }
    var isFirst = false
    socket = nt_plugin_meet(path, &isFirst)
    guard socket >= 0 else {
        Plugin.complain("cannot connect", path)
        return -1
    }
    plugin = made
    made.onTranslation { tb in
        let entry = Plugin.withLock { blocks.entry(tb.address, UInt64(tb.count)) { Block(insns: tb.count) } }
        tb.onExecution(data: entry) { _, entry in
            if let entry = entry?.assumingMemoryBound(to: AddressMap<Block>.Entry.self) { executed(entry) }
        }
    }
    made.onExit { report() }
    return 0
}
