// The mem plugin: counts memory accesses, prints each, or sums them up by region.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var isInline = false
    var isCallback = false
    var kind = AccessKind.any
    var countsIO = false
    var printsAccesses = false
    var summarisesRegions = false

    /// Without a wish for anything, the count.
    var countsInline: Bool { isInline || (!isCallback && !printsAccesses && !summarisesRegions) }
}

/// Counted on each vCPU.
private struct Counts: BitwiseCopyable {
    var accesses: UInt64
    var io: UInt64
}

/// An instruction whose accesses are printed.
private struct Printed {
    let symbol: CText?
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var counts = Scoreboard<Counts>(nothing: ())
nonisolated(unsafe) private var printed = AddressMap<Printed>()
private var accesses: Counter { counts.counter(at: 0) }
private var io: Counter { counts.counter(at: 8) }

private func instrument(_ insn: Instruction) {
    if settings.countsInline {
        insn.add(1, to: accesses, on: settings.kind)
    } else if settings.isCallback {
        insn.onAccess(settings.kind) { vcpu, info, address, _ in
            let isIO = settings.countsIO && MemoryAccess(info, address).machineAddress?.isIO ?? false
            if isIO { io.add(1, vcpu) } else { accesses.add(1, vcpu) }
        }
    }
    if settings.summarisesRegions {
        insn.onAccess(settings.kind) { _, info, address, _ in Regions.note(MemoryAccess(info, address)) }
    }
    if settings.printsAccesses {
        let entry = Plugin.withLock { printed.entry(insn.address) { Printed(symbol: insn.symbol) } }
        insn.onAccess(settings.kind, data: entry) { _, info, address, entry in
            guard let entry = entry?.assumingMemoryBound(to: AddressMap<Printed>.Entry.self) else { return }
            print(MemoryAccess(info, address), entry.pointee.address, entry.pointee.value.symbol)
        }
    }
}

private func print(_ access: MemoryAccess, _ insn: UInt64, _ symbol: CText?) {
    let value = access.value
    let machineAddress = access.machineAddress?.address ?? 0
    if Report.isJSON {
        Report.event { json in
            json.member("insn", address: insn)
            json.member("symbol", symbol)
            json.member("address", address: access.address)
            json.member("size", value.size * 8)
            json.member("type", access.isStore ? "store" : "load")
            json.member("value", address: value.low, width: min(value.size, 8) * 2)
            if value.size == 16 { json.member("high", address: value.high, width: 16) }
        }
        return
    }
    var line = Text()
    line.append(address: insn)
    line.append(",")
    if let symbol { line.append(cText: symbol) }
    line.append(",")
    line.append(address: access.address)
    line.append(",")
    line.append(address: machineAddress)
    line.append(",")
    line.append(value.size * 8)
    line.append(access.isStore ? ",store,0x" : ",load,0x")
    if value.size == 16 { line.append(hex: value.high, width: 16) }
    line.append(hex: value.low, width: min(value.size, 8) * 2)
    line.append("\n")
    Report.line(&line)
}

private func report() {
    Report.finish { text in
        if settings.countsInline || settings.isCallback { text.append("mem accesses: \(accesses)\n") }
        if settings.countsIO { text.append("io accesses: \(io)\n") }
        if settings.summarisesRegions { Regions.report(&text) }
    } json: { json in
        if settings.countsInline || settings.isCallback { json.member("accesses", accesses.sum) }
        if settings.countsIO { json.member("io", io.sum) }
        if settings.summarisesRegions { Regions.report(&json) }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("mem", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .flag("inline", "count in generated code, without a call (off)") { $0.isInline = $1 },
                .flag("callback", "count by a call (off)") { $0.isCallback = $1 },
                .choice("track", "r|w|rw", "which accesses (rw)") { $0.kind = $1 == 0 ? .reads : $1 == 1 ? .writes : .any },
                .flag("haddr", "count accesses to devices by themselves (off)") { $0.countsIO = $1 },
                .flag("print-accesses", "a line for each access (off)") { $0.printsAccesses = $1 },
                .flag("region-summary", "reads and writes of each 16 KiB, and whether reads saw what was written (off)") {
                    $0.summarisesRegions = $1
                },
            ])
    else { return -1 }
    if settings.isInline, settings.isCallback {
        Plugin.complain("inline and callback exclude each other")
        return -1
    }
    if settings.countsIO, !settings.isInline { settings.isCallback = true }
    counts = Scoreboard()
    if settings.printsAccesses {
        var line = Text()
        line.append("insn_vaddr,insn_symbol,mem_vaddr,mem_hwaddr,access_size,access_type,mem_value\n")
        Report.line(&line)
    }
    plugin.onTranslation { for insn in $0 { instrument(insn) } }
    plugin.onExit { report() }
    return 0
}
