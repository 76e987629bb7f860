// The insn plugin: counts executed instructions on each vCPU, and reports when the emulator exits.
//
//   inline=BOOL     count in generated code, without a call (off)
//   sizes=BOOL      report how many instructions of each length were translated, in place of the counts (off)
//   match=PREFIX    count instructions whose disassembly begins so, each by itself; may be repeated
//   trace=BOOL      print a line each time such an instruction is about to run (off)
//
// QEMU's plugin of this name also reads all registers when a vCPU starts, to check the emulator; this one leaves that to the
// emulator's tests.

public import CPluginKit
import PluginKit

// Constant initial values: these globals need no initialiser at run time, where the first use may be on any thread. Written
// by install, before any other thread exists; translation callbacks and those of execution read them.
nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var counter = qemu_plugin_u64(score: nil, offset: 0)
/// Instructions translated, by length in bytes. Written by translation callbacks under the kit's lock.
nonisolated(unsafe) private var sizes: UnsafeMutablePointer<UInt64>? = nil
/// One more than the longest instruction of any architecture has bytes.
private let sizeLimit = 16

private struct Settings {
    var isInline = false
    var reportsSizes = false
    var traces = false
}

private func instrument(_ tb: OpaquePointer?) {
    for index in 0..<qemu_plugin_tb_n_insns(tb) {
        let insn = qemu_plugin_tb_get_insn(tb, index)
        // First, so that a match sees its own instruction counted.
        if settings.isInline {
            qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, counter, 1)
        } else {
            // The scoreboard is the userdata, so that the callback has nothing to look up.
            qemu_plugin_register_vcpu_insn_exec_cb(
                insn,
                { cpu, score in
                    qemu_plugin_u64_add(qemu_plugin_u64(score: OpaquePointer(score), offset: 0), cpu, 1)
                }, QEMU_PLUGIN_CB_NO_REGS, UnsafeMutableRawPointer(counter.score))
        }
        if settings.reportsSizes {
            plugin_kit_lock()
            sizes?[min(qemu_plugin_insn_size(insn), sizeLimit - 1)] += 1
            plugin_kit_unlock()
        }
        if !MatchTable.isEmpty { MatchTable.instrument(insn, counter: counter, traces: settings.traces) }
    }
}

private func report() {
    var text = Text()
    if settings.reportsSizes {
        for size in 0..<sizeLimit {
            guard let count = sizes?[size], count != 0 else { continue }
            text.append("len ")
            text.append(UInt64(size))
            text.append(" bytes: ")
            text.append(count)
            text.append(" insns\n")
        }
    } else {
        for cpu in 0..<UInt32(qemu_plugin_num_vcpus()) {
            text.append("cpu ")
            text.append(UInt64(cpu))
            text.append(" insns: ")
            text.append(qemu_plugin_u64_get(counter, cpu))
            text.append("\n")
        }
        text.append("total insns: ")
        text.append(qemu_plugin_u64_sum(counter))
        text.append("\n")
    }
    text.outs()
    MatchTable.report()
}

@c(qemu_plugin_install)
public func install(
    _ id: qemu_plugin_id_t, _ info: UnsafePointer<qemu_info_t>?, _ argc: Int32,
    _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    var given = Settings()
    let status = PluginOption.parseAll(argc, argv) { option in
        if let prefix = option.value(named: "match") {
            MatchTable.add(prefix)
            return true
        }
        return option.parse("inline", into: &given.isInline) ?? option.parse("sizes", into: &given.reportsSizes)
            ?? option.parse("trace", into: &given.traces)
    }
    if status != 0 { return status }
    settings = given
    counter = qemu_plugin_u64(score: qemu_plugin_scoreboard_new(8), offset: 0)
    let bySize = UnsafeMutablePointer<UInt64>.allocate(capacity: sizeLimit)
    bySize.initialize(repeating: 0, count: sizeLimit)
    sizes = bySize
    qemu_plugin_register_vcpu_tb_trans_cb(id) { _, tb in instrument(tb) }
    qemu_plugin_register_atexit_cb(id, { _, _ in report() }, nil)
    return 0
}
