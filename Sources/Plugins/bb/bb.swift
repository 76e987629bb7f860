// The bb plugin: counts executed blocks and their instructions on each vCPU, and reports when the emulator exits.
//
//   inline=BOOL   count in generated code, without a call (off)
//   idle=BOOL     report a vCPU each time it goes idle; system emulation only (off)
//
// A block counts with all its instructions when it is entered, whether or not it runs to its end.

public import CPluginKit
import PluginKit

// A scoreboard element is two counters. Constant initial values: these globals need no initialiser at run time.
nonisolated(unsafe) private var counts: OpaquePointer? = nil
private let blocksOffset = 0
private let insnsOffset = 8

private func entry(_ offset: Int) -> qemu_plugin_u64 { qemu_plugin_u64(score: counts, offset: offset) }

/// A line for one vCPU, unless it has run no block.
private func report(_ cpu: UInt32, prefix: StaticString, into text: inout Text) {
    let blocks = qemu_plugin_u64_get(entry(blocksOffset), cpu)
    if blocks == 0 { return }
    text.append(prefix)
    text.append("CPU")
    text.append(UInt64(cpu))
    append(blocks, qemu_plugin_u64_get(entry(insnsOffset), cpu), to: &text)
}

private func append(_ blocks: UInt64, _ insns: UInt64, to text: inout Text) {
    text.append(": bb's: ")
    text.append(blocks)
    text.append(", insns: ")
    text.append(insns)
    text.append("\n")
}

private func reportAll() {
    var text = Text()
    for cpu in 0..<UInt32(qemu_plugin_num_vcpus()) { report(cpu, prefix: "", into: &text) }
    text.append("Total")
    append(qemu_plugin_u64_sum(entry(blocksOffset)), qemu_plugin_u64_sum(entry(insnsOffset)), to: &text)
    text.outs()
    qemu_plugin_scoreboard_free(counts)
}

/// - Parameter count: The number of instructions, in place of a pointer.
private func countBlock(_ cpu: UInt32, _ count: UnsafeMutableRawPointer?) {
    guard let element = qemu_plugin_scoreboard_find(counts, cpu) else { return }
    let counters = element.assumingMemoryBound(to: UInt64.self)
    counters[0] &+= 1
    counters[1] &+= UInt64(UInt(bitPattern: count))
}

private func instrumentInline(_ tb: OpaquePointer?) {
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, entry(blocksOffset), 1)
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
        tb, QEMU_PLUGIN_INLINE_ADD_U64, entry(insnsOffset), UInt64(qemu_plugin_tb_n_insns(tb)))
}

private func instrumentCall(_ tb: OpaquePointer?) {
    qemu_plugin_register_vcpu_tb_exec_cb(
        tb, { countBlock($0, $1) }, QEMU_PLUGIN_CB_NO_REGS,
        UnsafeMutableRawPointer(bitPattern: qemu_plugin_tb_n_insns(tb)))
}

@c(qemu_plugin_install)
public func install(
    _ id: qemu_plugin_id_t, _ info: UnsafePointer<qemu_info_t>?, _ argc: Int32,
    _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    var isInline = false
    var reportsIdle = false
    let status = PluginOption.parseAll(argc, argv) { option in
        option.parse("inline", into: &isInline) ?? option.parse("idle", into: &reportsIdle)
    }
    if status != 0 { return status }
    counts = qemu_plugin_scoreboard_new(16)
    if reportsIdle {
        qemu_plugin_register_vcpu_idle_cb(id) { _, cpu in
            var text = Text()
            report(cpu, prefix: "Idling ", into: &text)
            text.outs()
        }
    }
    if isInline {
        qemu_plugin_register_vcpu_tb_trans_cb(id) { _, tb in instrumentInline(tb) }
    } else {
        qemu_plugin_register_vcpu_tb_trans_cb(id) { _, tb in instrumentCall(tb) }
    }
    qemu_plugin_register_atexit_cb(id, { _, _ in reportAll() }, nil)
    return 0
}
