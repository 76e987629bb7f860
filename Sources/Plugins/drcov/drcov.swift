// The drcov plugin: which blocks were executed, in DynamoRIO's coverage format, as Lighthouse and others read it.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var file: CText = cText("file.drcov.trace")
}

private struct Block {
    /// Written by any vCPU, always the same value.
    var isExecuted = false
}

nonisolated(unsafe) private var settings = Settings()
/// By address and length in bytes, under the plugin's lock.
nonisolated(unsafe) private var blocks = AddressMap<Block>()

private func report() {
    let executed = blocks.sorted(where: { $0.pointee.value.isExecuted }, by: { _, _ in false })
    let path = GuestProgram.path
    if Report.isJSON {
        Report.finish(text: { _ in }) { json in
            json.object("module") {
                $0.member("start", address: GuestProgram.startCode)
                $0.member("end", address: GuestProgram.endCode)
                $0.member("entry", address: GuestProgram.entryCode)
                $0.member("path", path)
            }
            json.array("blocks") { json in
                for entry in executed {
                    json.object {
                        $0.member("start", address: entry.pointee.address)
                        $0.member("size", entry.pointee.extra)
                    }
                }
            }
        }
        return
    }
    guard var file = AtomicFile(settings.file) else { return }
    var text = Text(capacity: 512)
    text.append("DRCOV VERSION: 2\nDRCOV FLAVOR: drcov-64\nModule Table: version 2, count 1\n")
    text.append("Columns: id, base, end, entry, path\n")
    text.append("0, \(address: GuestProgram.startCode), \(address: GuestProgram.endCode), ")
    text.append("\(address: GuestProgram.entryCode), \(path ?? cText("unknown"))\nBB Table: \(executed.count) bbs\n")
    file.write(text)
    for entry in executed {
        file.write(raw: UInt32(truncatingIfNeeded: entry.pointee.address))
        file.write(raw: UInt16(truncatingIfNeeded: entry.pointee.extra))
        file.write(raw: UInt16(0))
    }
    file.commit()
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("drcov", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings, ignoresUnknown: true,
            [.text("filename", "FILE", "where to write (file.drcov.trace); out=FILE is the same") { $0.file = $1 }],
            opensFile: false)
    else { return -1 }
    if let path = Report.path { settings.file = path }
    plugin.onTranslation { tb in
        let entry = Plugin.withLock { blocks.entry(tb.address, tb.size) { Block() } }
        tb.onExecution(data: entry) { _, entry in
            entry?.assumingMemoryBound(to: AddressMap<Block>.Entry.self).pointee.value.isExecuted = true
        }
    }
    plugin.onExit { report() }
    return 0
}
