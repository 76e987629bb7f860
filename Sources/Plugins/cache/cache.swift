// The cache plugin: a model of instruction and data caches, with an optional second level, and the instructions that miss most.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var data = CacheGeometry(size: 16384, block: 64, ways: 8)
    var instruction = CacheGeometry(size: 16384, block: 64, ways: 8)
    var second = CacheGeometry(size: 2_097_152, block: 64, ways: 16)
    var hasSecond = false
    var eviction = Eviction.lru
    var limit: UInt64 = 32
    var cores: UInt64?
}

/// The caches of a core, which vCPUs may share.
private struct Core {
    var lock: UInt32 = 0
    var data: CacheModel
    var instruction: CacheModel
    var second: CacheModel?
}

private struct Insn {
    let disassembly: CText
    let symbol: CText?
    /// Where its bytes are: the virtual address, in system emulation the place in memory.
    let location: UInt64
    var dataMisses: UInt64 = 0
    var fetchMisses: UInt64 = 0
    var secondMisses: UInt64 = 0
}
private typealias Insns = AddressMap<Insn>

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var isSystem = false
nonisolated(unsafe) private var cores: UnsafeMutablePointer<Core>? = nil
nonisolated(unsafe) private var coreCount = 1
/// By address, under the plugin's lock; the counts in it are changed atomically.
nonisolated(unsafe) private var insns = Insns()

private func instrument(_ insn: Instruction) {
    let entry = Plugin.withLock {
        insns.entry(insn.address) {
            let location = isSystem ? UInt64(UInt(bitPattern: insn.hostAddress)) : insn.address
            return Insn(disassembly: insn.disassembly, symbol: insn.symbol, location: location)
        }
    }
    insn.onAccess(data: entry) { vcpu, info, address, entry in
        guard let entry = entry?.assumingMemoryBound(to: Insns.Entry.self) else { return }
        var location = address
        if let machine = MemoryAccess(info, address).machineAddress {
            if machine.isIO { return }
            location = machine.address
        }
        access(vcpu, location, entry, isFetch: false)
    }
    insn.onExecution(data: entry) { vcpu, entry in
        guard let entry = entry?.assumingMemoryBound(to: Insns.Entry.self) else { return }
        access(vcpu, entry.pointee.value.location, entry, isFetch: true)
    }
}

@inline(__always)
private func access(_ vcpu: VCPUIndex, _ location: UInt64, _ insn: Insns.EntryPointer, isFetch: Bool) {
    guard let cores else { return }
    let core = cores + (coreCount == 1 ? 0 : Int(vcpu) % coreCount)
    nt_plugin_spin_lock(&core.pointee.lock)
    let hit = isFetch ? core.pointee.instruction.access(location) : core.pointee.data.access(location)
    let secondMisses = !hit && core.pointee.second != nil && core.pointee.second?.access(location) == false
    nt_plugin_spin_unlock(&core.pointee.lock)
    if hit { return }
    if isFetch {
        _ = nt_plugin_atomic_add(&insn.pointee.value.fetchMisses, 1)
    } else {
        _ = nt_plugin_atomic_add(&insn.pointee.value.dataMisses, 1)
    }
    if secondMisses { _ = nt_plugin_atomic_add(&insn.pointee.value.secondMisses, 1) }
}

// MARK: Report

/// Accesses and misses of a core, or of all.
private struct Row {
    var data: (accesses: UInt64, misses: UInt64) = (0, 0)
    var fetch: (accesses: UInt64, misses: UInt64) = (0, 0)
    var second: (accesses: UInt64, misses: UInt64) = (0, 0)

    init() {}
    init(_ core: Core) {
        data = (core.data.accesses, core.data.misses)
        fetch = (core.instruction.accesses, core.instruction.misses)
        if let cache = core.second { second = (cache.accesses, cache.misses) }
    }
    static func += (a: inout Row, b: Row) {
        a.data = (a.data.accesses + b.data.accesses, a.data.misses + b.data.misses)
        a.fetch = (a.fetch.accesses + b.fetch.accesses, a.fetch.misses + b.fetch.misses)
        a.second = (a.second.accesses + b.second.accesses, a.second.misses + b.second.misses)
    }

    func append(to text: inout Text) {
        func column(_ value: (accesses: UInt64, misses: UInt64), _ a: Int, _ b: Int, _ c: Int) {
            text.left(a) { $0.append(value.accesses) }
            text.append(" ")
            text.left(b) { $0.append(value.misses) }
            text.append(" ")
            text.append(CacheModel.rate(value.misses, value.accesses), width: c, decimals: 4)
            text.append("%")
        }
        column(data, 14, 12, 9)
        text.append("  ")
        column(fetch, 14, 12, 9)
        if settings.hasSecond {
            text.append("  ")
            column(second, 12, 11, 10)
        }
        text.append("\n")
    }

    func append(to json: inout JSON) {
        func member(_ name: StaticString, _ value: (accesses: UInt64, misses: UInt64)) {
            json.object(name) {
                $0.member("accesses", value.accesses)
                $0.member("misses", value.misses)
            }
        }
        member("data", data)
        member("insn", fetch)
        if settings.hasSecond { member("l2", second) }
    }
}

private func topMissers(_ misses: (Insn) -> UInt64) -> [Insns.EntryPointer] {
    insns.sorted(limit: Int(settings.limit), where: { misses($0.pointee.value) != 0 }) {
        misses($0.pointee.value) > misses($1.pointee.value)
    }
}

private func appendList(_ title: StaticString, _ text: inout Text, _ misses: (Insn) -> UInt64) {
    text.append("\naddress, \(title) misses, instruction\n")
    for entry in topMissers(misses) {
        let insn = entry.pointee.value
        text.append(address: entry.pointee.address)
        if let symbol = insn.symbol { text.append(" (\(symbol))") }
        text.append(", \(misses(insn)), \(insn.disassembly)\n")
    }
}

private func appendList(_ name: StaticString, _ json: inout JSON, _ misses: (Insn) -> UInt64) {
    json.array(name) { json in
        for entry in topMissers(misses) {
            json.object {
                $0.member("address", address: entry.pointee.address)
                $0.member("symbol", entry.pointee.value.symbol)
                $0.member("misses", misses(entry.pointee.value))
                $0.member("disassembly", entry.pointee.value.disassembly)
            }
        }
    }
}

private func report() {
    guard let cores else { return }
    var sum = Row()
    for index in 0..<coreCount { sum += Row(cores[index]) }
    Report.finish { text in
        text.append("core #, data accesses, data misses, dmiss rate, insn accesses, insn misses, imiss rate")
        text.append(settings.hasSecond ? ", l2 accesses, l2 misses, l2 miss rate\n" : "\n")
        for index in 0..<coreCount {
            text.left(8) { $0.append(index) }
            Row(cores[index]).append(to: &text)
        }
        if coreCount > 1 {
            text.left(8) { $0.append("sum") }
            sum.append(to: &text)
        }
        appendList("data", &text) { $0.dataMisses }
        appendList("fetch", &text) { $0.fetchMisses }
        if settings.hasSecond { appendList("L2", &text) { $0.secondMisses } }
    } json: { json in
        json.array("cores") { json in
            for index in 0..<coreCount { json.object { Row(cores[index]).append(to: &$0) } }
        }
        json.object("sum") { sum.append(to: &$0) }
        appendList("data_misses", &json) { $0.dataMisses }
        appendList("fetch_misses", &json) { $0.fetchMisses }
        if settings.hasSecond { appendList("l2_misses", &json) { $0.secondMisses } }
    }
}

private var options: [PluginOption<Settings>] {
    [
        .number("icachesize", "N", "bytes of the instruction cache (16384)") { $0.instruction.size = $1 },
        .number("iblksize", "N", "bytes of its blocks (64)") { $0.instruction.block = $1 },
        .number("iassoc", "N", "its ways (8)") { $0.instruction.ways = $1 },
        .number("dcachesize", "N", "bytes of the data cache (16384)") { $0.data.size = $1 },
        .number("dblksize", "N", "bytes of its blocks (64)") { $0.data.block = $1 },
        .number("dassoc", "N", "its ways (8)") { $0.data.ways = $1 },
        .flag("l2", "a second level for both (off; any other l2 option switches it on)") { $0.hasSecond = $1 },
        .number("l2cachesize", "N", "its bytes (2097152)") {
            $0.second.size = $1
            $0.hasSecond = true
        },
        .number("l2blksize", "N", "bytes of its blocks (64)") {
            $0.second.block = $1
            $0.hasSecond = true
        },
        .number("l2assoc", "N", "its ways (16)") {
            $0.second.ways = $1
            $0.hasSecond = true
        },
        .choice("evict", "lru|fifo|rand", "which block makes room (lru)") { $0.eviction = Eviction(rawValue: $1) ?? .lru },
        .number("limit", "N", "instructions in each list (32)") { $0.limit = $1 },
        .number("cores", "N", "cores; vCPU v runs on core v mod N (1 in user mode, else those of the machine)") { $0.cores = $1 },
    ]
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("cache", id, info)
    guard plugin.parse(count, arguments, into: &settings, options) else { return -1 }
    let levels: [(name: StaticString, geometry: CacheGeometry)] = [
        ("instruction cache", settings.instruction), ("data cache", settings.data), ("l2", settings.second),
    ]
    for (name, geometry) in levels {
        if let problem = geometry.problem {
            Plugin.complain(name, cText(problem))
            return -1
        }
    }
    isSystem = plugin.isSystemEmulation
    coreCount = Int(min(settings.cores ?? UInt64(max(1, plugin.initialVCPUs)), 4096))
    guard coreCount > 0 else {
        Plugin.complain("cores must not be 0")
        return -1
    }
    let made = UnsafeMutablePointer<Core>.allocate(capacity: coreCount)
    for index in 0..<coreCount {
        (made + index).initialize(
            to: Core(
                data: CacheModel(settings.data, settings.eviction),
                instruction: CacheModel(settings.instruction, settings.eviction),
                second: settings.hasSecond ? CacheModel(settings.second, settings.eviction) : nil))
    }
    cores = made
    plugin.onTranslation { for insn in $0 { instrument(insn) } }
    plugin.onExit { report() }
    return 0
}
