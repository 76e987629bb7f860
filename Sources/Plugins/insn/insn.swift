// The insn plugin: counts executed instructions on each vCPU, and reports when the emulator exits.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var isInline = false
    var reportsSizes = false
    var traces = false
}

// Written by install, before any other thread exists; translation callbacks and those of execution read them.
nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var scoreboard = Scoreboard<UInt64>(nothing: ())
private var insns: Counter { scoreboard.counter }
/// Instructions translated, by length in bytes. Written by translation callbacks under the plugin's lock.
nonisolated(unsafe) private var sizes: UnsafeMutablePointer<UInt64>? = nil
/// One more than the longest instruction of any architecture has bytes.
private let sizeLimit = 16

private func instrument(_ tb: TranslationBlock) {
    for insn in tb {
        // First, so that a match sees its own instruction counted.
        if settings.isInline {
            insn.add(1, to: insns)
        } else {
            // The scoreboard is the data, so that the callback has nothing to look up.
            insn.onExecution(data: insns.scoreboardData) { vcpu, score in Counter(scoreboard: score).add(1, vcpu) }
        }
        if settings.reportsSizes { Plugin.withLock { sizes?[min(insn.size, sizeLimit - 1)] += 1 } }
        if !MatchTable.isEmpty { MatchTable.instrument(insn, counter: insns, traces: settings.traces) }
    }
}

private func report() {
    Report.finish { text in
        if settings.reportsSizes {
            for size in 0..<sizeLimit {
                guard let count = sizes?[size], count != 0 else { continue }
                text.append("len \(size) bytes: \(count) insns\n")
            }
        } else {
            for vcpu in Plugin.vcpus { text.append("cpu \(vcpu) insns: \(insns[vcpu])\n") }
            text.append("total insns: \(insns)\n")
        }
        MatchTable.report(&text)
    } json: { json in
        json.vcpus(scoreboard) { $0.member("insns", $1) }
        json.member("insns", insns.sum)
        if settings.reportsSizes {
            json.array("translated") { json in
                for size in 0..<sizeLimit {
                    guard let count = sizes?[size], count != 0 else { continue }
                    json.object {
                        $0.member("bytes", size)
                        $0.member("insns", count)
                    }
                }
            }
        }
        MatchTable.report(&json)
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("insn", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .flag("inline", "count in generated code, without a call (off)") { $0.isInline = $1 },
                .flag("sizes", "report how many instructions of each length were translated (off)") {
                    $0.reportsSizes = $1
                },
                .text("match", "PREFIX", "count instructions whose disassembly begins so; repeatable") {
                    MatchTable.add($1)
                },
                .flag("trace", "print a line each time such an instruction is about to run (off)") { $0.traces = $1 },
            ])
    else { return -1 }
    scoreboard = Scoreboard()
    let bySize = UnsafeMutablePointer<UInt64>.allocate(capacity: sizeLimit)
    bySize.initialize(repeating: 0, count: sizeLimit)
    sizes = bySize
    plugin.onTranslation { instrument($0) }
    plugin.onExit { report() }
    return 0
}
