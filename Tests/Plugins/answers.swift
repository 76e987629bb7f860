// The SDK's newer functions: answers what the guest `filtered` calls; with jump=on takes the guest `redirect` past its wrong turns.

import NeedletailPlugin

private struct Settings {
    var jumps = false
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var exits = 0
/// Two instructions behind the system calls 173 and 178.
nonisolated(unsafe) private var places: (UInt64, UInt64) = (0, 0)

private func answer(_ call: SystemCall) -> Int64? {
    switch call.number {
    case 173: return 1234
    case 131: return -1
    case 94:
        exits += 1
        return exits == 1 ? 7 : nil
    default: return nil
    }
}

/// Two instructions on.
private func jumpPast(_ insn: Instruction) {
    insn.onExecution(.jump, data: UnsafeMutableRawPointer(bitPattern: UInt(insn.address &+ 8))) { _, place in
        GuestAccess.jump(to: UInt64(UInt(bitPattern: place)))
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("answers", id, info)
    guard plugin.parse(count, arguments, into: &settings, [.flag("jump", "for the guest redirect (off)") { $0.jumps = $1 }])
    else { return -1 }
    guard settings.jumps else {
        plugin.answerSystemCalls { answer($1) }
        return 0
    }
    plugin.onVCPUStart { _ in GuestAccess.jump(to: GuestProgram.entryCode &+ 4) }
    plugin.onTranslation { tb in
        for insn in tb {
            switch insn.encoding {
            // mov x9, #1, #2, #4 and #5; ldr x10, [sp]; brk #8
            case 0xd280_0029, 0xd280_0049, 0xd280_0089, 0xd280_00a9, 0xf940_03ea, 0xd420_0100: jumpPast(insn)
            // mov x8, #173 and #178; the call is the second and the first instruction behind.
            case 0xd280_15a8: places.0 = insn.address &+ 16
            case 0xd280_1648: places.1 = insn.address &+ 12
            default: break
            }
        }
    }
    plugin.onSystemCall { _, call in
        if call.number == 173 { GuestAccess.jump(to: places.0) }
        if call.number == 178 { GuestAccess.jump(to: places.1) }
    }
    return 0
}
