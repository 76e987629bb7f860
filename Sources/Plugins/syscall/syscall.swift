// The syscall plugin: counts the guest's system calls and their errors, or prints each.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var prints = false
    var logsWrites = false
}
private struct Statistics {
    var calls: UInt64 = 0
    var errors: UInt64 = 0
}

nonisolated(unsafe) private var settings = Settings()
/// By number, which the map calls an address. Under the plugin's lock.
nonisolated(unsafe) private var statistics = AddressMap<Statistics>()
/// AArch64's `write`.
private let writeNumber: Int64 = 64

private func called(_ vcpu: VCPUIndex, _ call: SystemCall) {
    if settings.prints {
        if Report.isJSON {
            Report.event {
                $0.member("vcpu", vcpu)
                $0.member("call", Int(call.number))
                $0.array("arguments") {
                    let (a, b, c, d, e, f) = call.arguments
                    for value in [a, b, c, d, e, f] { $0.element(address: value) }
                }
            }
        } else {
            var text = Text()
            text.append("syscall #\(call.number)\n")
            Report.line(&text)
        }
    } else {
        Plugin.withLock {
            statistics.entry(UInt64(bitPattern: call.number)) { Statistics() }.pointee.value.calls += 1
        }
    }
    if settings.logsWrites, call.number == writeNumber { dump(call.arguments.1, count: call.arguments.2) }
}

private func returned(_ vcpu: VCPUIndex, _ number: Int64, _ result: Int64) {
    if settings.prints {
        if Report.isJSON {
            Report.event {
                $0.member("vcpu", vcpu)
                $0.member("call", Int(number))
                $0.member("result", Int(result))
            }
        } else {
            var text = Text()
            text.append("syscall #\(number) returned -> \(result)\n")
            Report.line(&text)
        }
    } else if (-4095..<0).contains(result) {
        Plugin.withLock { statistics.entry(UInt64(bitPattern: number)) { Statistics() }.pointee.value.errors += 1 }
    }
}

/// 16 bytes a line, in hexadecimal and as far as they are ASCII.
private func dump(_ address: UInt64, count: UInt64) {
    if Report.isJSON { return }
    nt_plugin_lock()
    defer { nt_plugin_unlock() }
    guard let bytes = GuestAccess.temporary.read(address, count: Int(min(count, 1 << 20))) else { return }
    var text = Text(capacity: 256)
    var start = 0
    while start < bytes.count {
        let row = bytes[start..<min(start + 16, bytes.count)]
        text.left(48) {
            for byte in row {
                $0.append(hex: UInt64(byte), width: 2)
                $0.append(" ")
            }
        }
        text.append(" | ")
        for byte in row { text.append(byte: (0x20...0x7e).contains(byte) ? byte : UInt8(ascii: ".")) }
        text.append("\n")
        start += 16
    }
    Report.lineLocked(&text)
}

private var sorted: [AddressMap<Statistics>.EntryPointer] {
    statistics.sorted { $0.pointee.value.calls > $1.pointee.value.calls }
}

private func report() {
    Report.finish { text in
        if settings.prints { return }
        text.append("syscall no.  calls  errors\n")
        for entry in sorted {
            text.left(13) { $0.append(Int64(bitPattern: entry.pointee.address)) }
            text.left(6) { $0.append(entry.pointee.value.calls) }
            text.append(" ")
            text.append(entry.pointee.value.errors)
            text.append("\n")
        }
    } json: { json in
        if settings.prints { return }
        json.array("calls") { json in
            for entry in sorted {
                json.object {
                    $0.member("call", Int(Int64(bitPattern: entry.pointee.address)))
                    $0.member("calls", entry.pointee.value.calls)
                    $0.member("errors", entry.pointee.value.errors)
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("syscall", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .flag("print", "a line for each call and its result, in place of the statistics (off)") { $0.prints = $1 },
                .flag("log_writes", "a dump of what write calls write (off)") { $0.logsWrites = $1 },
            ])
    else { return -1 }
    plugin.onSystemCall { called($0, $1) }
    plugin.onSystemCallReturn { returned($0, $1, $2) }
    plugin.onExit { report() }
    return 0
}
