// The hwprofile plugin: accesses to devices of a machine, by device, and by place in the device or in the program. There are no
// devices in user mode, where it refuses to be installed.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var kind = AccessKind.any
    /// Rows by offset in the device.
    var showsPattern = false
    /// Rows by address of the instruction.
    var showsSource = false
}

private struct Counts {
    var reads: UInt64 = 0
    var writes: UInt64 = 0
    var readers: UInt64 = 0
    var writers: UInt64 = 0

    mutating func add(_ access: MemoryAccess, _ vcpu: VCPUIndex) {
        let bit: UInt64 = vcpu < 64 ? 1 << UInt64(vcpu) : 0
        if access.isStore {
            writes += 1
            writers |= bit
        } else {
            reads += 1
            readers |= bit
        }
    }
}
private typealias Places = AddressMap<Counts>

private final class Device {
    let name: CText
    /// Virtual page of the first access.
    let base: UInt64
    var counts = Counts()
    /// By offset or instruction.
    var places = Places()

    init(name: CText, base: UInt64) {
        self.name = name
        self.base = base
    }
    var total: UInt64 { counts.reads + counts.writes }
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var wanted: [CText] = []
/// Under the plugin's lock.
nonisolated(unsafe) private var devices: [Device] = []

private func accessed(_ vcpu: VCPUIndex, _ access: MemoryAccess, _ insn: UInt64) {
    guard let machine = access.machineAddress, machine.isIO, let name = machine.deviceName,
        wanted.isEmpty || wanted.contains(where: { strcmp($0, name) == 0 })
    else { return }
    Plugin.withLock {
        let device: Device
        if let known = devices.first(where: { strcmp($0.name, name) == 0 }) {
            device = known
        } else {
            device = Device(name: name, base: access.address & ~0xfff)
            devices.append(device)
        }
        device.counts.add(access, vcpu)
        if settings.showsPattern || settings.showsSource {
            let place = settings.showsSource ? insn : access.address &- device.base
            device.places.entry(place) { Counts() }.pointee.value.add(access, vcpu)
        }
    }
    if wanted.isEmpty { return }
    var text = Text()
    text.append("\(name) \(access.isStore ? "write" : "read") at \(address: access.address) by \(address: insn)\n")
    Report.line(&text)
}

private func append(_ counts: Counts, to text: inout Text) {
    text.append("\(hex: counts.readers), \(counts.reads), \(hex: counts.writers), \(counts.writes)\n")
}

private func append(_ counts: Counts, to json: inout JSON) {
    json.member("readers", address: counts.readers)
    json.member("reads", counts.reads)
    json.member("writers", address: counts.writers)
    json.member("writes", counts.writes)
}

private func report() {
    devices.sort { $0.total > $1.total }
    let hasPlaces = settings.showsPattern || settings.showsSource
    Report.finish { text in
        if !hasPlaces { text.append("Device, Address, RCPUs, Reads,  WCPUs, Writes\n") }
        for device in devices {
            if hasPlaces {
                text.append("\(device.name) @ \(address: device.base)\n")
                for place in device.places.sorted(by: { _, _ in false }) {
                    text.append(settings.showsSource ? "  pc:" : "  off:")
                    text.append(hex: place.pointee.address, width: settings.showsSource ? 16 : 8)
                    text.append(", ")
                    append(place.pointee.value, to: &text)
                }
            } else {
                text.append("\(device.name), \(address: device.base), ")
                append(device.counts, to: &text)
            }
        }
    } json: { json in
        json.array("devices") { json in
            for device in devices {
                json.object { json in
                    json.member("device", device.name)
                    json.member("address", address: device.base)
                    append(device.counts, to: &json)
                    if !hasPlaces { return }
                    json.array("places") { json in
                        for place in device.places.sorted(by: { _, _ in false }) {
                            json.object {
                                $0.member(settings.showsSource ? "pc" : "offset", address: place.pointee.address)
                                append(place.pointee.value, to: &$0)
                            }
                        }
                    }
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("hwprofile", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .choice("track", "read|write", "only these accesses (both)") { $0.kind = $1 == 0 ? .reads : .writes },
                .flag("pattern", "rows by offset in the device (off)") { $0.showsPattern = $1 },
                .flag("source", "rows by the instruction's address (off)") { $0.showsSource = $1 },
                .text("match", "NAME", "only this device, with a line for each access; repeatable") { wanted.append($1) },
            ], opensFile: plugin.isSystemEmulation)
    else { return -1 }
    guard plugin.isSystemEmulation else {
        Plugin.complain("there are no devices in user mode: it works in system emulation only")
        return -1
    }
    if settings.showsPattern, settings.showsSource {
        Plugin.complain("pattern and source exclude each other")
        return -1
    }
    plugin.onTranslation { tb in
        for insn in tb {
            insn.onAccess(settings.kind, data: UnsafeMutableRawPointer(bitPattern: UInt(insn.address))) {
                accessed($0, MemoryAccess($1, $2), UInt64(UInt(bitPattern: $3)))
            }
        }
    }
    plugin.onExit { report() }
    return 0
}
