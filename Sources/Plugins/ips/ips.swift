// The ips plugin: holds each vCPU to a number of instructions per second, and where the emulator lets a plugin drive the guest's clock,
// makes that clock follow the instructions.
//
// Blocks add their instructions inline; once a quantum is full a callback sleeps until the time at which so many are due. Deadlines
// are absolute, so what a sleep overshoots is made good by the next.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var rate: UInt64 = 1_000_000_000
    var quantum: UInt64?
}

private struct Local: BitwiseCopyable {
    /// Instructions in the quantum that is being filled.
    var filled: UInt64
    /// Instructions in full quanta.
    var total: UInt64
    /// `CLOCK_MONOTONIC`, in nanoseconds, at which the instruction after `base` is due.
    var start: UInt64
    var base: UInt64
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())
nonisolated(unsafe) private var timeHandle: UnsafeRawPointer? = nil
/// Nanoseconds of the guest's time that any vCPU has reached; under the plugin's lock.
nonisolated(unsafe) private var guestTime: UInt64 = 0

/// What a vCPU may be late (it waited in a system call, or the host was busy) and still make good, in nanoseconds.
private let tolerance: UInt64 = 100_000_000

/// Nanoseconds for some instructions at the rate.
private func duration(_ insns: UInt64) -> UInt64 {
    let product = insns.multipliedFullWidth(by: 1_000_000_000)
    return product.high < settings.rate ? settings.rate.dividingFullWidth(product).quotient : .max
}

private func started(_ vcpu: VCPUIndex) {
    guard let local = locals[vcpu] else { return }
    // A new thread with an old index goes on counting, from now.
    local.pointee.start = nt_plugin_now()
    local.pointee.base = local.pointee.total
}

private func quantumIsFull(_ vcpu: VCPUIndex) {
    guard let local = locals[vcpu] else { return }
    local.pointee.total += local.pointee.filled
    local.pointee.filled = 0
    let due = local.pointee.start &+ duration(local.pointee.total - local.pointee.base)
    let now = nt_plugin_now()
    if due > now {
        nt_plugin_sleep_until(due)
    } else if now - due > tolerance {
        local.pointee.start = now
        local.pointee.base = local.pointee.total
    }
    if let timeHandle { advanceClock(timeHandle, to: duration(local.pointee.total)) }
}

private func advanceClock(_ handle: UnsafeRawPointer, to time: UInt64) {
    Plugin.withLock {
        if time <= guestTime { return }
        guestTime = time
        qemu_plugin_update_ns(handle, Int64(clamping: time))
    }
}

/// A number with k, m or g behind.
private func parseRate(_ value: CText) -> UInt64? {
    var rest = value
    guard let number = parseNumber(&rest, radix: 10) else { return nil }
    var factor: UInt64 = 1
    switch UInt8(bitPattern: rest.pointee) | 0x20 {
    case UInt8(ascii: "k"): factor = 1_000
    case UInt8(ascii: "m"): factor = 1_000_000
    case UInt8(ascii: "g"): factor = 1_000_000_000
    default: return rest.pointee == 0 ? number : nil
    }
    let (product, overflows) = number.multipliedReportingOverflow(by: factor)
    return overflows || rest[1] != 0 ? nil : product
}

private func report() {
    guard Report.isJSON || Report.hasFile else { return }
    Report.finish { text in
        for vcpu in Plugin.vcpus {
            guard let local = locals[vcpu]?.pointee else { continue }
            text.append("cpu \(vcpu) insns: \(local.total + local.filled)\n")
        }
    } json: { json in
        json.member("ips", settings.rate)
        json.member("controls_time", timeHandle != nil)
        json.vcpus(locals) { $0.member("insns", $1.total + $1.filled) }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("ips", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                PluginOption("ips", "N[k|m|g]", "instructions per second of a vCPU (1g)") {
                    guard let rate = parseRate($1), rate > 0 else { return "option needs a number above 0, with k, m or g" }
                    $0.rate = rate
                    return nil
                },
                .number("ipq", "N", "instructions between two looks at the clock (a thousandth of ips)") { $0.quantum = $1 },
            ])
    else { return -1 }
    let quantum = max(1, settings.quantum ?? settings.rate / 1000)
    timeHandle = qemu_plugin_request_time_control()
    locals = Scoreboard()
    plugin.onVCPUStart { started($0) }
    plugin.onTranslation { tb in
        let filled = locals.counter(at: 0)
        tb.add(UInt64(tb.count), to: filled)
        tb.onExecution(if: filled >= quantum) { vcpu, _ in quantumIsFull(vcpu) }
    }
    plugin.onExit { report() }
    return 0
}
