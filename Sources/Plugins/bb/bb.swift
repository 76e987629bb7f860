// The bb plugin: counts executed blocks and their instructions on each vCPU, and reports when the emulator exits.
// A block counts with all its instructions when it is entered, whether or not it runs to its end.

public import NeedletailPlugin

/// Counted on each vCPU.
private struct Counts: BitwiseCopyable {
    var blocks: UInt64
    var insns: UInt64
}

private struct Settings {
    var isInline = false
    var reportsIdle = false
}

nonisolated(unsafe) private var counts = Scoreboard<Counts>(nothing: ())
nonisolated(unsafe) private var settings = Settings()
private var blocks: Counter { counts.counter(at: 0) }
private var insns: Counter { counts.counter(at: 8) }

/// A line for one vCPU, unless it has run no block.
private func report(_ vcpu: VCPUIndex, prefix: StaticString, into text: inout Text) {
    guard let element = counts[vcpu]?.pointee, element.blocks != 0 else { return }
    text.append("\(prefix)CPU\(vcpu): bb's: \(element.blocks), insns: \(element.insns)\n")
}

private func report() {
    Report.finish { text in
        for vcpu in Plugin.vcpus { report(vcpu, prefix: "", into: &text) }
        text.append("Total: bb's: \(blocks), insns: \(insns)\n")
    } json: { json in
        json.vcpus(counts, where: { $0.blocks != 0 }) {
            $0.member("blocks", $1.blocks)
            $0.member("insns", $1.insns)
        }
        json.member("blocks", blocks.sum)
        json.member("insns", insns.sum)
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("bb", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .flag("inline", "count in generated code, without a call (off)") { $0.isInline = $1 },
                .flag("idle", "report a vCPU each time it goes idle; system emulation (off)") { $0.reportsIdle = $1 },
            ])
    else { return -1 }
    counts = Scoreboard()
    if settings.reportsIdle {
        plugin.onIdle { vcpu in
            var text = Text()
            report(vcpu, prefix: "Idling ", into: &text)
            Report.line(&text)
        }
    }
    plugin.onTranslation { tb in
        if settings.isInline {
            tb.add(1, to: blocks)
            tb.add(UInt64(tb.count), to: insns)
        } else {
            // The number of instructions in place of a pointer.
            tb.onExecution(data: UnsafeMutableRawPointer(bitPattern: tb.count)) { vcpu, count in
                blocks.add(1, vcpu)
                insns.add(UInt64(UInt(bitPattern: count)), vcpu)
            }
        }
    }
    plugin.onExit { report() }
    return 0
}
