// The stoptrigger plugin: ends the emulation after a number of instructions or before an address.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Trigger {
    let code: Int32
}
private struct Settings {
    /// Instructions of one vCPU, with the exit status behind.
    var limit: UInt64?
    var limitCode: Int32 = 0
}
/// What ended the emulation.
private enum Reason { case none, icount, address }

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var addresses = AddressMap<Trigger>()
nonisolated(unsafe) private var executed = Counter(nothing: ())
nonisolated(unsafe) private var stopped: (reason: Reason, address: UInt64, code: Int32) = (.none, 0, 0)

/// `N[:CODE]`, in C's syntax for numbers.
private func parse(_ value: CText) -> (number: UInt64, code: Int32)? {
    var rest = value
    guard let number = parseNumber(&rest) else { return nil }
    if rest.pointee == 0 { return (number, 0) }
    guard rest.pointee == CChar(UInt8(ascii: ":")) else { return nil }
    rest += 1
    guard let code = parseNumber(&rest), rest.pointee == 0, let code = Int32(exactly: code) else { return nil }
    return (number, code)
}

private func stop(_ reason: Reason, _ address: UInt64, _ code: Int32) {
    let isFirst = Plugin.withLock {
        if stopped.reason != .none { return false }
        stopped = (reason, address, code)
        return true
    }
    // Another thread that comes here while the first one leaves waits for the end.
    while !isFirst { nt_plugin_sleep_until(.max) }
    if !Report.isJSON {
        var text = Text()
        if reason == .icount { text.append("icount reached at ") }
        text.append(address: address)
        text.append(reason == .icount ? ", exiting\n" : " reached, exiting\n")
        Report.line(&text)
    }
    nt_plugin_exit(code)
}

private func instrument(_ insn: Instruction) {
    if let limit = settings.limit {
        insn.add(1, to: executed)
        insn.onExecution(
            if: executed == limit &+ 1, data: UnsafeMutableRawPointer(bitPattern: UInt(insn.address))
        ) { _, address in stop(.icount, UInt64(UInt(bitPattern: address)), settings.limitCode) }
    }
    if let entry = addresses.find(insn.address) {
        insn.onExecution(data: entry) { _, entry in
            guard let entry = entry?.assumingMemoryBound(to: AddressMap<Trigger>.Entry.self).pointee else { return }
            stop(.address, entry.address, entry.value.code)
        }
    }
}

private func report() {
    Report.finish { _ in
    } json: { json in
        switch stopped.reason {
        case .none: json.member("reached", nil as CText?)
        case .icount: json.member("reached", "icount")
        case .address: json.member("reached", "addr")
        }
        if stopped.reason == .none { return }
        json.member("address", address: stopped.address)
        json.member("status", Int(stopped.code))
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("stoptrigger", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                PluginOption("icount", "N[:CODE]", "end before instruction N+1 of a vCPU, with this exit status (0)") {
                    guard let (number, code) = parse($1) else { return "option needs N or N:CODE" }
                    $0.limit = number
                    $0.limitCode = code
                    return nil
                },
                PluginOption("addr", "A[:CODE]", "end before the instruction there, with this exit status (0); repeatable") {
                    guard let (address, code) = parse($1) else { return "option needs A or A:CODE" }
                    _ = addresses.entry(address) { Trigger(code: code) }
                    return nil
                },
            ])
    else { return -1 }
    if settings.limit == nil, addresses.count == 0 {
        Plugin.complain("needs icount or addr")
        return -1
    }
    executed = Scoreboard<UInt64>().counter
    plugin.onTranslation { for insn in $0 { instrument(insn) } }
    plugin.onExit { report() }
    return 0
}
