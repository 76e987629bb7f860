// The uftrace plugin: a trace of function calls that uftrace reads (`uftrace replay -d uftrace.data`).
//
// A call is a BL or BLR, a return a RET to where a call under way returns. Both leave a note inline, and the block that follows calls
// only when there is one. Functions need no frame pointer, and no register is read.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var directory: CText = cText("uftrace.data")
    var tracesLevels = false
}

private enum Note { static let none: UInt64 = 0, call: UInt64 = 1, ret: UInt64 = 2 }

private struct Local: BitwiseCopyable {
    /// What the last instruction was.
    var note: UInt64
    /// Where the call returns.
    var returnAddress: UInt64
    var trace: UnsafeMutableRawPointer?
}

/// Calls of a function, for `format=json`.
private struct Function {
    var symbol: CText?
    var calls: UInt64 = 0
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())
nonisolated(unsafe) private var functions = AddressMap<Function>()
nonisolated(unsafe) private var traces: [Unmanaged<Trace>] = []
nonisolated(unsafe) private var sessionStart: UInt64 = 0

// MARK: Translation

private func isCall(_ word: UInt32) -> Bool {
    // BL; BLR, BLRAAZ, BLRABZ; BLRAA, BLRAB
    word & 0xfc00_0000 == 0x9400_0000 || word & 0xffff_f000 == 0xd63f_0000 || word & 0xffff_f000 == 0xd73f_0000
}
private func isReturn(_ word: UInt32) -> Bool {
    // RET, RETAA, RETAB
    word & 0xffff_f000 == 0xd65f_0000
}

private func instrument(_ tb: TranslationBlock) {
    guard let first = tb.first, let last = tb.last else { return }
    let note = locals.counter(at: 0)
    let entry = Plugin.withLock { functions.entry(tb.address) { Function(symbol: first.symbol) } }
    tb.onExecution(if: note != Note.none, data: entry) { vcpu, entry in
        if let entry = entry?.assumingMemoryBound(to: AddressMap<Function>.Entry.self) { arrived(vcpu, entry) }
    }
    let word = last.encoding
    if isCall(word) {
        last.store(Note.call, in: note)
        last.store(last.address &+ 4, in: locals.counter(at: 8))
    } else if isReturn(word) {
        last.store(Note.ret, in: note)
    }
}

// MARK: Execution

private func arrived(_ vcpu: VCPUIndex, _ entry: AddressMap<Function>.EntryPointer) {
    guard let local = locals[vcpu], let trace = local.pointee.trace else { return }
    let wasCall = local.pointee.note == Note.call
    local.pointee.note = Note.none
    if wasCall { _ = nt_plugin_atomic_add(&entry.pointee.value.calls, 1) }
    // The trace is the parent's, with all that is under way in it.
    if nt_plugin_fork_count() != 0 { return }
    Unmanaged<Trace>.fromOpaque(trace)._withUnsafeGuaranteedRef {
        if wasCall {
            $0.enter(entry.pointee.address, returningTo: local.pointee.returnAddress)
        } else {
            $0.leave(to: entry.pointee.address)
        }
    }
}

private func started(_ vcpu: VCPUIndex) {
    guard let local = locals[vcpu] else { return }
    // What runs first was called by nobody.
    local.pointee.note = Note.call
    local.pointee.returnAddress = 0
    if local.pointee.trace != nil { return }
    guard let trace = Trace(directory: settings.directory, taskID: (UInt64(vcpu) + 1) * 100) else { nt_plugin_exit(1) }
    let kept = Unmanaged.passRetained(trace)
    local.pointee.trace = kept.toOpaque()
    Plugin.withLock { traces.append(kept) }
}

// MARK: What uftrace reads besides

private func writeFile(_ name: CText, _ suffix: StaticString = "", _ body: (inout AtomicFile) -> Void) {
    var path = Text()
    path.append("\(settings.directory)/\(name)\(suffix)")
    guard var file = path.withCText({ AtomicFile($0) }) else { return }
    body(&file)
    file.commit()
}

/// Seconds and nanoseconds.
private func append(time: UInt64, to text: inout Text) {
    text.append(time / 1_000_000_000)
    text.append(".")
    let fraction = time % 1_000_000_000
    var unit: UInt64 = 100_000_000
    while unit > 0 {
        text.append(fraction / unit % 10)
        unit /= 10
    }
}

private func writeTasks(_ program: CText) {
    writeFile(cText("task.txt")) { file in
        var text = Text(capacity: 1024)
        text.append("SESS timestamp=")
        append(time: sessionStart, to: &text)
        text.append(" pid=\(traces.first?._withUnsafeGuaranteedRef { $0.taskID } ?? 100) sid=0 exename=\"\(program)\"\n")
        for trace in traces {
            let (id, start) = trace._withUnsafeGuaranteedRef { ($0.taskID, $0.start) }
            text.append("TASK timestamp=")
            append(time: start, to: &text)
            text.append(" tid=\(id) pid=\(id)\n")
        }
        file.write(text)
    }
}

private func writeInfo(_ program: CText) {
    // Which lines follow the header: the program, its command line, the tasks.
    let (exeName, commandLine, taskInfo): (UInt64, UInt64, UInt64) = (1 << 0, 1 << 3, 1 << 7)
    writeFile(cText("info")) { file in
        var text = Text(capacity: 512)
        text.append("Ftrace!")
        text.append(byte: 0)
        file.write(text)
        file.write(raw: UInt32(4))  // version
        file.write(raw: UInt16(40))  // bytes of this header
        file.write(raw: UInt8(1))  // little-endian
        file.write(raw: UInt8(2))  // 64-bit
        file.write(raw: UInt64(1 << 1))  // features: task.txt has sessions
        file.write(raw: exeName | commandLine | taskInfo)
        file.write(raw: UInt16(1024))  // most frames
        for _ in 0..<3 { file.write(raw: UInt16(0)) }
        text.removeAll()
        text.append("exename:\(program)\ncmdline:\(program)\ntaskinfo:lines=2\ntaskinfo:nr_tid=\(traces.count)\ntaskinfo:tids=")
        for (index, trace) in traces.enumerated() {
            text.append("\(index == 0 ? "" : ",")\(trace._withUnsafeGuaranteedRef { $0.taskID })")
        }
        text.append("\n")
        file.write(text)
    }
}

/// The map of the session, and a file of symbols for each module in which a function was called: of these functions, which is all that a
/// replay asks for. uftrace takes executable mappings for modules; no host mapping of the guest is.
private func writeMap() {
    // By address, as modules are.
    let called = functions.sorted(where: { $0.pointee.value.calls != 0 }) { $0.pointee.address < $1.pointee.address }
    var map = Text(capacity: 1024)
    for module in Module.all() {
        var symbols = SymbolFile()
        var isUsed = false
        for entry in called where module.contains(entry.pointee.address) {
            isUsed = true
            if let name = entry.pointee.value.symbol { symbols.add(name, entry.pointee.address &- module.start) }
        }
        guard isUsed else { continue }
        map.append("\(hex: module.start, width: 8)-\(hex: module.end, width: 8) r-xp 00000000 00:00 0 \(module.path)\n")
        writeFile(module.name, ".sym") { symbols.write(to: &$0, of: module) }
    }
    // Behind which uftrace takes addresses for the kernel's; it reads nothing without.
    map.append("7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n")
    writeFile(cText("sid-0.map")) { $0.write(map) }
}

private func writeTrace() {
    nt_plugin_lock()
    defer { nt_plugin_unlock() }
    for trace in traces { trace._withUnsafeGuaranteedRef { $0.close() } }
    let program = GuestProgram.path ?? cText("unknown")
    writeTasks(program)
    writeInfo(program)
    writeMap()
}

private func report() {
    if nt_plugin_fork_count() == 0 { writeTrace() }
    if !Report.isJSON { return }
    let called = functions.sorted(where: { $0.pointee.value.calls != 0 }) { $0.pointee.value.calls > $1.pointee.value.calls }
    Report.finish(text: { _ in }) { json in
        json.member("directory", settings.directory)
        json.array("functions") { json in
            for entry in called {
                json.object {
                    $0.member("address", address: entry.pointee.address)
                    $0.member("symbol", entry.pointee.value.symbol)
                    $0.member("calls", entry.pointee.value.calls)
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("uftrace", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [.flag("trace-privilege-level", "a trace for each exception level; user mode has one (off)") { $0.tracesLevels = $1 }],
            opensFile: false)
    else { return -1 }
    if settings.tracesLevels, plugin.isSystemEmulation {
        Plugin.complain("trace-privilege-level is not supported in system emulation")
        return -1
    }
    if let path = Report.path, !Report.isJSON { settings.directory = path }
    guard nt_plugin_make_directory(settings.directory) == 0 else {
        Plugin.complain("cannot make the directory", settings.directory)
        return -1
    }
    sessionStart = nt_plugin_now()
    locals = Scoreboard()
    plugin.onVCPUStart { started($0) }
    plugin.onTranslation { instrument($0) }
    plugin.onExit { report() }
    return 0
}
