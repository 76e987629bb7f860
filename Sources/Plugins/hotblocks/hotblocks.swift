// The hotblocks plugin: the blocks that were executed most.

public import NeedletailPlugin

private struct Settings {
    var isInline = false
}

private struct Block {
    let insns: Int
    let executions: Counter
    var translations: UInt64 = 0
}

private let limit = 20
nonisolated(unsafe) private var settings = Settings()
/// By address and length in bytes, under the plugin's lock.
nonisolated(unsafe) private var blocks = AddressMap<Block>()
nonisolated(unsafe) private var pool = CounterPool()

private func instrument(_ tb: TranslationBlock) {
    let entry = Plugin.withLock {
        let entry = blocks.entry(tb.address, tb.size) { Block(insns: tb.count, executions: pool.take()) }
        entry.pointee.value.translations += 1
        return entry
    }
    if settings.isInline {
        tb.add(1, to: entry.pointee.value.executions)
    } else {
        tb.onExecution(data: entry) { vcpu, entry in
            entry?.assumingMemoryBound(to: AddressMap<Block>.Entry.self).pointee.value.executions.add(1, vcpu)
        }
    }
}

private func report() {
    let sums = Plugin.withLock {
        var sums: [(address: UInt64, block: Block, executions: UInt64)] = []
        // Sums once: sorting would ask for each many times.
        blocks.forEach { sums.append(($0.pointee.address, $0.pointee.value, $0.pointee.value.executions.sum)) }
        sums.sort { $0.executions != $1.executions ? $0.executions > $1.executions : $0.address < $1.address }
        return sums
    }
    let shown = sums.prefix(limit).prefix { $0.executions != 0 }
    Report.finish { text in
        text.append("collected \(sums.count) entries in the hash table\npc, tcount, icount, ecount\n")
        for row in shown {
            text.append("\(address: row.address, width: 16), \(row.block.translations), \(row.block.insns), \(row.executions)\n")
        }
    } json: { json in
        json.member("collected", sums.count)
        json.array("blocks") { json in
            for row in shown {
                json.object {
                    $0.member("address", address: row.address)
                    $0.member("translations", row.block.translations)
                    $0.member("insns", row.block.insns)
                    $0.member("executions", row.executions)
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("hotblocks", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [.flag("inline", "count in generated code, without a call (off)") { $0.isInline = $1 }])
    else { return -1 }
    plugin.onTranslation { instrument($0) }
    plugin.onExit { report() }
    return 0
}
