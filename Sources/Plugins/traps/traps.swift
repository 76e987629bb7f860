// The traps plugin: counts discontinuities of each vCPU: interrupts (in user mode signals), exceptions, and host calls (system calls).

public import NeedletailPlugin

private struct Settings {}

private struct Counts: BitwiseCopyable {
    var interrupts: UInt64
    var exceptions: UInt64
    var hostCalls: UInt64
}

nonisolated(unsafe) private var counts = Scoreboard<Counts>(nothing: ())

private func report() {
    Report.finish { text in
        text.append("VCPU, interrupts, exceptions, hostcalls\n")
        for vcpu in Plugin.vcpus {
            guard let row = counts[vcpu]?.pointee else { continue }
            text.right(4) { $0.append(vcpu) }
            for value in [row.interrupts, row.exceptions, row.hostCalls] {
                text.append(", ")
                text.right(10) { $0.append(value) }
            }
            text.append("\n")
        }
    } json: { json in
        json.vcpus(counts) {
            $0.member("interrupts", $1.interrupts)
            $0.member("exceptions", $1.exceptions)
            $0.member("hostcalls", $1.hostCalls)
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("traps", id, info)
    var settings = Settings()
    guard plugin.parse(count, arguments, into: &settings, ignoresUnknown: true, []) else { return -1 }
    counts = Scoreboard()
    plugin.onDiscontinuity { vcpu, event in
        guard let row = counts[vcpu] else { return }
        switch event.kind {
        case .interrupt: row.pointee.interrupts += 1
        case .exception: row.pointee.exceptions += 1
        case .hostCall: row.pointee.hostCalls += 1
        }
    }
    plugin.onExit { report() }
    return 0
}
