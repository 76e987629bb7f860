// The bbv plugin: basic block vectors for SimPoint. Each `interval` instructions of a vCPU, a line with the blocks that it ran and how
// many instructions it executed in each.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var interval: UInt64 = 100_000_000
    var prefix: CText?
}

private struct Block {
    /// From 1, in the order of first translation.
    let number: Int
    /// Instructions executed in it in this interval.
    let insns: Counter
}

/// A vCPU's count of instructions in the interval, and its file.
private struct Local: BitwiseCopyable {
    var insns: UInt64
    var file: UnsafeMutablePointer<AtomicFile>?
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())
/// By address, under the plugin's lock.
nonisolated(unsafe) private var blocks = AddressMap<Block>()
nonisolated(unsafe) private var pool = CounterPool()

private func instrument(_ tb: TranslationBlock) {
    let block = Plugin.withLock {
        let number = blocks.count + 1
        return blocks.entry(tb.address) { Block(number: number, insns: pool.take()) }.pointee.value
    }
    let insns = locals.counter(at: 0)
    tb.add(UInt64(tb.count), to: block.insns)
    tb.add(UInt64(tb.count), to: insns)
    tb.onExecution(if: insns >= settings.interval) { vcpu, _ in intervalEnds(vcpu) }
}

private func intervalEnds(_ vcpu: VCPUIndex) {
    guard let local = locals[vcpu] else { return }
    local.pointee.insns = 0
    if Report.isJSON { return jsonIntervalEnds(vcpu) }
    var line = Text(capacity: 4096)
    line.append("T")
    takeCounts(vcpu) { number, count in
        line.append(":")
        line.append(number)
        line.append(":")
        line.append(count)
        line.append(" ")
    }
    line.append("\n")
    if let file = local.pointee.file { file.pointee.write(line) } else { Report.line(&line) }
}

/// The instructions of each block that the vCPU ran in the interval, in the order of numbers; and they begin again at 0.
private func takeCounts(_ vcpu: VCPUIndex, _ body: (_ number: Int, _ insns: UInt64) -> Void) {
    Plugin.withLock {
        blocks.forEach { entry in
            let block = entry.pointee.value
            let count = block.insns[vcpu]
            if count == 0 { return }
            block.insns[vcpu] = 0
            body(block.number, count)
        }
    }
}

private func jsonIntervalEnds(_ vcpu: VCPUIndex) {
    var json = JSON(capacity: 4096)
    json.beginObject()
    json.member("vcpu", vcpu)
    json.beginArray("blocks")
    takeCounts(vcpu) { number, count in
        json.object {
            $0.member("block", number)
            $0.member("insns", count)
        }
    }
    json.endArray()
    json.endObject()
    Report.event(&json)
}

/// Opens the vCPU's file, once for all threads that have this index.
private func started(_ vcpu: VCPUIndex) {
    guard let prefix = settings.prefix, let local = locals[vcpu], local.pointee.file == nil else { return }
    var name = Text()
    name.append("\(prefix).\(vcpu).bb")
    let made = UnsafeMutablePointer<AtomicFile>.allocate(capacity: 1)
    guard let file = name.withCText({ AtomicFile($0) }) else { nt_plugin_exit(1) }
    made.initialize(to: file)
    local.pointee.file = made
}

private func report() {
    for vcpu in Plugin.vcpus { locals[vcpu]?.pointee.file?.pointee.commit() }
    if settings.prefix != nil { return }
    Report.finish { _ in
    } json: { json in
        json.member("interval", settings.interval)
        json.array("blocks") { json in
            blocks.forEach { entry in
                json.object {
                    $0.member("block", entry.pointee.value.number)
                    $0.member("address", address: entry.pointee.address)
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("bbv", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .number("interval", "N", "instructions in an interval (100000000)") { $0.interval = $1 },
                .text("outfile", "PREFIX", "write PREFIX.<vcpu>.bb; needed unless out or format=json is given") {
                    $0.prefix = $1
                },
            ])
    else { return -1 }
    if Report.hasFile || Report.isJSON { settings.prefix = nil }
    guard settings.prefix != nil || Report.hasFile || Report.isJSON else {
        Plugin.complain("needs outfile")
        return -1
    }
    guard settings.interval > 0 else {
        Plugin.complain("interval must not be 0")
        return -1
    }
    locals = Scoreboard()
    plugin.onVCPUStart { started($0) }
    plugin.onTranslation { instrument($0) }
    plugin.onExit { report() }
    return 0
}
