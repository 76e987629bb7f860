// The execlog plugin: a line for each executed instruction, with its memory accesses and the registers it changed. The line is written
// when the next instruction begins: by then all of it is known.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var checksMentionedOnly = false
}

/// An instruction that is logged.
private struct Logged {
    let disassembly: CText
}

/// What a vCPU has under way.
private final class Log {
    var line = Text(capacity: 1024)
    var json = JSON(capacity: 1024)
    /// The instruction that `line` is about.
    var current: LoggedEntry?
    var registers: [Watched] = []
    let guest = GuestAccess()
}

private struct Local: BitwiseCopyable {
    /// 1 while a line waits for its instruction's effects: what callbacks of instructions that are not logged ask.
    var waits: UInt64
    var log: UnsafeMutableRawPointer?
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var prefixes: [CText] = []
nonisolated(unsafe) private var addresses: [UInt64] = []
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())
/// By address and encoding, under the plugin's lock: blocks are translated more than once.
nonisolated(unsafe) private var instructions = AddressMap<Logged>()
private typealias LoggedEntry = AddressMap<Logged>.EntryPointer

/// The vCPU's log, without a reference counted for it: it lives as long as the plugin.
@inline(__always)
private func withLog(_ vcpu: VCPUIndex, _ body: (UnsafeMutablePointer<Local>, Log) -> Void) {
    guard let local = locals[vcpu], let log = local.pointee.log else { return }
    Unmanaged<Log>.fromOpaque(log)._withUnsafeGuaranteedRef { body(local, $0) }
}

private func started(_ vcpu: VCPUIndex) {
    guard let local = locals[vcpu] else { return }
    if local.pointee.log != nil {
        // A new thread with an old index: its registers are its own.
        return withLog(vcpu) { refresh($1) }
    }
    let log = Log()
    if !RegisterFilter.isEmpty {
        GuestAccess.registers { register in
            guard RegisterFilter.matches(register.name) else { return }
            guard let first = log.guest.read(register), let base = first.baseAddress else { return }
            let value = UnsafeMutablePointer<UInt8>.allocate(capacity: first.count)
            value.initialize(from: base, count: first.count)
            log.registers.append(Watched(register: register, value: value, count: first.count))
        }
    }
    local.pointee.log = Unmanaged.passRetained(log).toOpaque()
}

// MARK: Translation

private func isWanted(_ address: UInt64, _ disassembly: CText) -> Bool {
    if prefixes.isEmpty, addresses.isEmpty { return true }
    return addresses.contains(address) || prefixes.contains { strncmp(disassembly, $0, strlen($0)) == 0 }
}

private func instrument(_ insn: Instruction) {
    let registers: RegisterUse = RegisterFilter.isEmpty ? .none : .read
    let disassembly = CText(insn.disassembly)
    guard isWanted(insn.address, disassembly) else {
        free(UnsafeMutablePointer(mutating: disassembly))
        insn.onExecution(if: locals.counter(at: 0) == 1, registers) { vcpu, _ in withLog(vcpu) { _ = finish($0, $1) } }
        return
    }
    let logged = Plugin.withLock { instructions.entry(insn.address, UInt64(insn.encoding)) { Logged(disassembly: disassembly) } }
    if logged.pointee.value.disassembly != disassembly { free(UnsafeMutablePointer(mutating: disassembly)) }
    insn.onExecution(registers, data: logged) { vcpu, logged in
        guard let logged = logged?.assumingMemoryBound(to: AddressMap<Logged>.Entry.self) else { return }
        withLog(vcpu) { local, log in
            if !finish(local, log) { refresh(log) }
            begin(vcpu, local, log, logged)
        }
    }
    insn.onAccess { vcpu, info, address, _ in withLog(vcpu) { note(MemoryAccess(info, address), $1) } }
}

// MARK: Execution

private func begin(_ vcpu: VCPUIndex, _ local: UnsafeMutablePointer<Local>, _ log: Log, _ insn: LoggedEntry) {
    local.pointee.waits = 1
    log.current = insn
    if Report.isJSON {
        log.json.removeAll()
        log.json.beginObject()
        log.json.member("vcpu", vcpu)
        log.json.member("address", address: insn.pointee.address)
        log.json.member("encoding", address: insn.pointee.extra, width: 8)
        log.json.member("disassembly", insn.pointee.value.disassembly)
        log.json.beginArray("accesses")
        return
    }
    log.line.removeAll()
    log.line.append(vcpu)
    log.line.append(", ")
    log.line.append(address: insn.pointee.address)
    log.line.append(", ")
    log.line.append(address: insn.pointee.extra)
    log.line.append(", \"")
    log.line.append(cText: insn.pointee.value.disassembly)
    log.line.append("\"")
}

private func note(_ access: MemoryAccess, _ log: Log) {
    let machine = access.machineAddress
    if Report.isJSON {
        log.json.object {
            $0.member("type", access.isStore ? "store" : "load")
            $0.member("address", address: machine?.address ?? access.address)
            if let device = machine?.deviceName { $0.member("device", device) }
        }
        return
    }
    log.line.append(access.isStore ? ", store, " : ", load, ")
    log.line.append(address: machine?.address ?? access.address, width: 8)
    if let device = machine?.deviceName {
        log.line.append(", ")
        log.line.append(cText: device)
    }
}

/// Takes note of registers that instructions changed which are not logged.
private func refresh(_ log: Log) {
    for watched in log.registers {
        guard let value = log.guest.read(watched.register), value.count == watched.count, let base = value.baseAddress
        else { continue }
        memcpy(watched.value, base, watched.count)
    }
}

/// Writes what waits. Where registers may be read, with those that changed.
/// - Returns: False when nothing did.
private func finish(_ local: UnsafeMutablePointer<Local>, _ log: Log) -> Bool {
    guard local.pointee.waits == 1, let current = log.current else { return false }
    local.pointee.waits = 0
    if Report.isJSON {
        log.json.endArray()
        log.json.beginArray("registers")
    }
    for index in log.registers.indices { compare(index, log, current.pointee.value.disassembly) }
    if Report.isJSON {
        log.json.endArray()
        log.json.endObject()
        Report.event(&log.json)
    } else {
        log.line.append("\n")
        Report.line(&log.line)
    }
    return true
}

private func compare(_ index: Int, _ log: Log, _ disassembly: CText) {
    let watched = log.registers[index]
    if settings.checksMentionedOnly, !mentions(disassembly, watched.register.name) { return }
    guard let value = log.guest.read(watched.register), value.count == watched.count, let base = value.baseAddress,
        memcmp(base, watched.value, watched.count) != 0
    else { return }
    memcpy(watched.value, base, watched.count)
    if Report.isJSON {
        log.json.object { json in
            json.member("name", watched.register.name)
            var digits = Text(capacity: watched.count * 2 + 3)
            hexadecimal(value, into: &digits)
            digits.withCText { json.member("value", $0) }
        }
        return
    }
    log.line.append(", ")
    log.line.append(cText: watched.register.name)
    log.line.append(" -> ")
    hexadecimal(value, into: &log.line)
}

/// Most significant byte first.
private func hexadecimal(_ value: UnsafeBufferPointer<UInt8>, into text: inout Text) {
    text.append("0x")
    for byte in value.reversed() { text.append(hex: UInt64(byte), width: 2) }
}

private func report() {
    for vcpu in Plugin.vcpus { withLog(vcpu) { _ = finish($0, $1) } }
    Report.finish(text: { _ in }, json: { _ in })
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("execlog", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .text("ifilter", "PREFIX", "log instructions whose disassembly begins so; repeatable") { prefixes.append($1) },
                PluginOption("afilter", "HEX", "log the instruction at this address; repeatable") {
                    var rest = $1
                    guard let address = parseNumber(&rest, radix: 16), rest.pointee == 0 else {
                        return "option needs a hexadecimal address"
                    }
                    addresses.append(address)
                    return nil
                },
                .text("reg", "GLOB", "log changes of these registers; repeatable") { RegisterFilter.add($1) },
                .flag("rdisas", "of these only registers that the instruction's disassembly mentions (off)") {
                    $0.checksMentionedOnly = $1
                },
            ])
    else { return -1 }
    locals = Scoreboard()
    plugin.onVCPUStart { started($0) }
    plugin.onVCPUEnd { vcpu in withLog(vcpu) { _ = finish($0, $1) } }
    plugin.onTranslation { for insn in $0 { instrument(insn) } }
    plugin.onExit { report() }
    return 0
}
