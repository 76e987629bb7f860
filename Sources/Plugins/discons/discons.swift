// The discons plugin: checks that what the emulator tells of discontinuities fits the instructions that are executed: an exception
// comes from the instruction that began last (or the one behind it), and the next instruction is the one the event named.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var aborts = true
    var tracesAll = false
}

/// The first three are written in generated code.
private struct Local: BitwiseCopyable {
    /// The instruction that began last.
    var last: UInt64
    /// The address behind it.
    var behind: UInt64
    /// 1 where the last instruction may branch, so that what follows is not known.
    var branches: UInt64
    /// 1 from a discontinuity up to the next instruction.
    var expects: UInt64
    var target: UInt64
    var checked: UInt64
    var mismatches: UInt64
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())

private func mismatch(_ vcpu: VCPUIndex, _ what: StaticString, _ found: UInt64, _ expected: UInt64) {
    locals[vcpu]?.pointee.mismatches += 1
    var text = Text()
    text.append("vcpu \(vcpu): \(what): \(address: found), expected \(address: expected)\n")
    if settings.aborts {
        text.withCText { Plugin.complain("discontinuity does not fit", $0) }
        abort()
    }
    Report.line(&text)
}

private func discontinued(_ vcpu: VCPUIndex, _ event: Discontinuity) {
    guard let local = locals[vcpu] else { return }
    local.pointee.checked += 1
    if local.pointee.expects == 1 {
        // One right after another, without an instruction between.
        if event.from != local.pointee.target { mismatch(vcpu, "from, after another", event.from, local.pointee.target) }
    } else if event.kind != .interrupt, local.pointee.last != 0 {
        let isNext = event.from == local.pointee.behind || local.pointee.branches == 1
        if event.from != local.pointee.last, !isNext { mismatch(vcpu, "from", event.from, local.pointee.last) }
    }
    local.pointee.expects = 1
    local.pointee.target = event.to
}

private func instrument(_ insn: Instruction) {
    // First: the instruction that the event named begins.
    insn.onExecution(
        if: locals.counter(at: 24) == 1, data: UnsafeMutableRawPointer(bitPattern: UInt(insn.address))
    ) { vcpu, address in
        guard let local = locals[vcpu] else { return }
        local.pointee.expects = 0
        let address = UInt64(UInt(bitPattern: address))
        if address != local.pointee.target { mismatch(vcpu, "to", address, local.pointee.target) }
    }
    if settings.tracesAll {
        insn.onExecution(data: UnsafeMutableRawPointer(bitPattern: UInt(insn.address))) { vcpu, address in
            var text = Text()
            text.append("vcpu \(vcpu): \(address: UInt64(UInt(bitPattern: address)))\n")
            Report.line(&text)
        }
    }
    let word = insn.encoding
    let isBranch = word & 0x1c00_0000 == 0x1400_0000
    insn.store(insn.address, in: locals.counter(at: 0))
    insn.store(insn.address &+ UInt64(insn.size), in: locals.counter(at: 8))
    insn.store(isBranch ? 1 : 0, in: locals.counter(at: 16))
}

private func report() {
    guard Report.isJSON || Report.hasFile else { return }
    Report.finish { text in
        for vcpu in Plugin.vcpus {
            guard let local = locals[vcpu]?.pointee else { continue }
            text.append("vcpu \(vcpu): \(local.checked) discontinuities, \(local.mismatches) mismatches\n")
        }
    } json: { json in
        json.vcpus(locals) {
            $0.member("checked", $1.checked)
            $0.member("mismatches", $1.mismatches)
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("discons", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .flag("abort", "end the emulation where something does not fit (on)") { $0.aborts = $1 },
                .flag("trace-all", "a line for each instruction (off)") { $0.tracesAll = $1 },
            ])
    else { return -1 }
    locals = Scoreboard()
    plugin.onVCPUStart { vcpu in
        locals[vcpu]?.pointee.last = 0
        locals[vcpu]?.pointee.expects = 0
    }
    plugin.onDiscontinuity { discontinued($0, $1) }
    plugin.onTranslation { for insn in $0 { instrument(insn) } }
    plugin.onExit { report() }
    return 0
}
