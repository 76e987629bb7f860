// The hotpages plugin: the pages that were read and written most, and by which vCPUs.

public import NeedletailPlugin

private enum Order: Int { case sum = -1, reads, writes, address }

private struct Settings {
    var order = Order.sum
    var onlyIO = false
    var pageSize: UInt64 = 4096
}

private struct Page {
    var reads: UInt64 = 0
    var writes: UInt64 = 0
    /// Bit masks of vCPUs, of the first 64; in the sum of all vCPUs only.
    var readers: UInt64 = 0
    var writers: UInt64 = 0
}
private typealias Pages = AddressMap<Page>

/// A vCPU's own pages, so that an access locks nothing.
private struct Local: BitwiseCopyable {
    var pages: UnsafeMutablePointer<Pages>?
    /// Of the last access, which the next one is likely to share.
    var last: Pages.EntryPointer?
}

private let limit = 50
nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var locals = Scoreboard<Local>(nothing: ())

private func accessed(_ vcpu: VCPUIndex, _ access: MemoryAccess) {
    guard let local = locals[vcpu] else { return }
    var address = access.address
    if let machine = access.machineAddress {
        if settings.onlyIO { if !machine.isIO { return } } else { address = machine.address }
    } else if settings.onlyIO {
        return
    }
    let page = address & ~(settings.pageSize - 1)
    let entry: Pages.EntryPointer
    if let last = local.pointee.last, last.pointee.address == page {
        entry = last
    } else {
        guard let found = find(page, local) else { return }
        entry = found
    }
    if access.isStore { entry.pointee.value.writes += 1 } else { entry.pointee.value.reads += 1 }
}

@inline(never)
private func find(_ page: UInt64, _ local: UnsafeMutablePointer<Local>) -> Pages.EntryPointer? {
    if local.pointee.pages == nil {
        let made = UnsafeMutablePointer<Pages>.allocate(capacity: 1)
        made.initialize(to: Pages())
        local.pointee.pages = made
    }
    let entry = local.pointee.pages?.pointee.entry(page) { Page() }
    local.pointee.last = entry
    return entry
}

private func report() {
    var all = Pages()
    for vcpu in Plugin.vcpus {
        let bit: UInt64 = vcpu < 64 ? 1 << UInt64(vcpu) : 0
        locals[vcpu]?.pointee.pages?.pointee.forEach { own in
            let entry = all.entry(own.pointee.address) { Page() }
            entry.pointee.value.reads += own.pointee.value.reads
            entry.pointee.value.writes += own.pointee.value.writes
            if own.pointee.value.reads != 0 { entry.pointee.value.readers |= bit }
            if own.pointee.value.writes != 0 { entry.pointee.value.writers |= bit }
        }
    }
    let shown = all.sorted(limit: limit) { a, b in
        let (a, b) = (a.pointee.value, b.pointee.value)
        switch settings.order {
        case .sum: return a.reads + a.writes > b.reads + b.writes
        case .reads: return a.reads > b.reads
        case .writes: return a.writes > b.writes
        case .address: return false
        }
    }
    Report.finish { text in
        text.append("Addr, RCPUs, Reads, WCPUs, Writes\n")
        for entry in shown {
            let page = entry.pointee.value
            text.append("\(address: entry.pointee.address, width: 16), \(address: page.readers, width: 4), \(page.reads), ")
            text.append("\(address: page.writers, width: 4), \(page.writes)\n")
        }
    } json: { json in
        json.member("page_size", settings.pageSize)
        json.array("pages") { json in
            for entry in shown {
                let page = entry.pointee.value
                json.object {
                    $0.member("address", address: entry.pointee.address)
                    $0.member("reads", page.reads)
                    $0.member("readers", address: page.readers)
                    $0.member("writes", page.writes)
                    $0.member("writers", address: page.writers)
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("hotpages", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                .choice("sortby", "reads|writes|address", "order of the report (by reads and writes together)") {
                    $0.order = Order(rawValue: $1) ?? .sum
                },
                .flag("io", "only accesses to devices; system emulation (off)") { $0.onlyIO = $1 },
                .number("pagesize", "N", "bytes in a page, a power of two (4096)") { $0.pageSize = $1 },
            ])
    else { return -1 }
    guard settings.pageSize.nonzeroBitCount == 1 else {
        Plugin.complain("pagesize must be a power of two")
        return -1
    }
    locals = Scoreboard()
    plugin.onTranslation { tb in
        for insn in tb { insn.onAccess { vcpu, info, address, _ in accessed(vcpu, MemoryAccess(info, address)) } }
    }
    plugin.onExit { report() }
    return 0
}
