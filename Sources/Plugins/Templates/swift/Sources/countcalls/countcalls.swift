// Counts executed calls (BL, BLR), inline, and reports when the guest has exited.

public import NeedletailPlugin

private struct Settings {
    var perVCPU = false
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var calls = Counter(nothing: ())

private func isCall(_ word: UInt32) -> Bool {
    word & 0xfc00_0000 == 0x9400_0000 || word & 0xffff_fc1f == 0xd63f_0000
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("countcalls", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [.flag("vcpus", "a line for each vCPU (off)") { $0.perVCPU = $1 }])
    else { return -1 }
    calls = Scoreboard<UInt64>().counter
    plugin.onTranslation { tb in
        for insn in tb where isCall(insn.encoding) { insn.add(1, to: calls) }
    }
    plugin.onExit {
        Report.finish { text in
            if settings.perVCPU { for vcpu in Plugin.vcpus { text.append("vcpu \(vcpu): \(calls[vcpu])\n") } }
            text.append("calls: \(calls)\n")
        } json: { json in
            json.member("calls", calls.sum)
        }
    }
    return 0
}
