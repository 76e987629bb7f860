// The inline plugin: checks the emulator's ways of counting against each other. Blocks, instructions and memory accesses are counted
// by a global atomically, by each vCPU in a callback, in generated code, and (blocks and instructions) by a conditional callback
// every 100; inline stores are compared with what the next callback was registered with. A difference ends the emulation.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {}

/// What one kind of event is counted by, on each vCPU.
private struct Counts: BitwiseCopyable {
    var called: UInt64
    var inline: UInt64
    /// Up to `limit`, then again from 0.
    var partial: UInt64
    /// Times that `partial` was full.
    var full: UInt64
    /// What an inline store left.
    var stored: UInt64
}

private struct Kind {
    let name: StaticString
    let counts: Scoreboard<Counts>
    let isConditional: Bool
    /// Changed atomically.
    var global: UInt64 = 0

    var called: Counter { counts.counter(at: 0) }
    var inline: Counter { counts.counter(at: 8) }
    var partial: Counter { counts.counter(at: 16) }
    var full: Counter { counts.counter(at: 24) }
    var stored: Counter { counts.counter(at: 32) }
}

private let limit: UInt64 = 100
private enum Which: Int { case tb, insn, mem }
nonisolated(unsafe) private var kinds: UnsafeMutablePointer<Kind>? = nil

private func check(_ condition: Bool, _ what: StaticString) {
    if condition { return }
    Plugin.complain("the counts disagree", cText(what))
    abort()
}

/// - Parameter expected: What was stored inline just before.
private func count(_ which: Which, _ vcpu: VCPUIndex, _ expected: UnsafeMutableRawPointer?) {
    guard let kind = kinds?.advanced(by: which.rawValue), let counts = kind.pointee.counts[vcpu] else { return }
    _ = nt_plugin_atomic_add(&kind.pointee.global, 1)
    counts.pointee.called += 1
    if let expected { check(counts.pointee.stored == UInt64(UInt(bitPattern: expected)), "an inline store before a callback") }
}

private func isFull(_ which: Which, _ vcpu: VCPUIndex) {
    guard let kind = kinds?.advanced(by: which.rawValue), let counts = kind.pointee.counts[vcpu] else { return }
    check(counts.pointee.partial == limit, "a conditional callback at another count")
    counts.pointee.partial = 0
    counts.pointee.full += 1
}

private func instrument(_ tb: TranslationBlock) {
    guard let kinds else { return }
    let blocks = kinds[0]
    let mark = UnsafeMutableRawPointer(bitPattern: UInt(tb.address))
    tb.store(tb.address, in: blocks.stored)
    tb.onExecution(data: mark) { vcpu, mark in count(.tb, vcpu, mark) }
    tb.add(1, to: blocks.inline)
    tb.add(1, to: blocks.partial)
    tb.onExecution(if: blocks.partial == limit) { vcpu, _ in isFull(.tb, vcpu) }
    for insn in tb {
        let insns = kinds[1]
        let mark = UnsafeMutableRawPointer(bitPattern: UInt(insn.address))
        insn.store(insn.address, in: insns.stored)
        insn.onExecution(data: mark) { vcpu, mark in count(.insn, vcpu, mark) }
        insn.add(1, to: insns.inline)
        insn.add(1, to: insns.partial)
        insn.onExecution(if: insns.partial == limit) { vcpu, _ in isFull(.insn, vcpu) }
        let accesses = kinds[2]
        insn.add(1, to: accesses.inline, on: .any)
        insn.store(insn.address, in: accesses.stored, on: .any)
        insn.onAccess(data: mark) { vcpu, _, _, mark in count(.mem, vcpu, mark) }
    }
}

private func report() {
    guard let kinds else { return }
    let all = UnsafeBufferPointer(start: kinds, count: 3)
    Report.finish { text in
        for vcpu in Plugin.vcpus {
            text.append("cpu \(vcpu): ")
            for (index, kind) in all.enumerated() {
                text.append("\(index == 0 ? "" : " | ")\(kind.name) (\(kind.called[vcpu]), \(kind.inline[vcpu])")
                if kind.isConditional { text.append(", \(kind.full[vcpu]) * \(limit) + \(kind.partial[vcpu])") }
                text.append(")")
            }
            text.append("\n")
        }
        for (index, kind) in all.enumerated() {
            text.append("\(kind.name): \(kind.global)\n\(kind.name): \(kind.called) (per vcpu)\n")
            text.append("\(kind.name): \(kind.inline) (per vcpu inline)\n")
            if !kind.isConditional { continue }
            let conditional = kind.full.sum * limit + kind.partial.sum
            text.append("\(kind.name): \(conditional) \(index == 0 ? "(conditional cb)" : "(cond cb)")\n")
        }
    } json: { json in
        for kind in all {
            json.object(kind.name) {
                $0.member("global", kind.global)
                $0.member("called", kind.called.sum)
                $0.member("inline", kind.inline.sum)
                if kind.isConditional { $0.member("conditional", kind.full.sum * limit + kind.partial.sum) }
            }
        }
    }
    // Threads that go on while this runs change the sums between two looks: each vCPU by itself says the same.
    if Plugin.vcpus.count > 1 { return }
    for kind in all {
        check(kind.global != 0, "nothing counted")
        check(kind.called.sum == kind.global, "callbacks of each vCPU and the global")
        check(kind.inline.sum == kind.global, "inline adds and callbacks")
        if kind.isConditional {
            check(kind.full.sum * limit + kind.partial.sum == kind.global, "conditional callbacks and callbacks")
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("inline", id, info)
    var settings = Settings()
    guard plugin.parse(count, arguments, into: &settings, []) else { return -1 }
    let made = UnsafeMutablePointer<Kind>.allocate(capacity: 3)
    made.initialize(to: Kind(name: "tb", counts: Scoreboard(), isConditional: true))
    (made + 1).initialize(to: Kind(name: "insn", counts: Scoreboard(), isConditional: true))
    (made + 2).initialize(to: Kind(name: "mem", counts: Scoreboard(), isConditional: false))
    kinds = made
    plugin.onTranslation { instrument($0) }
    plugin.onExit { report() }
    return 0
}
