import CNeedletailPlugin
import NeedletailPlugin

/// `region-summary`: a mirror of what the guest wrote, 16 KiB apiece, that its reads are compared with.
enum Regions {
    private static let size: UInt64 = 16 << 10

    private struct Region {
        let mirror: UnsafeMutablePointer<UInt8>
        var reads: UInt64 = 0
        var writes: UInt64 = 0
        /// Every read found what writes before it left.
        var sawAll = true
    }

    /// By start address; changed under the plugin's lock.
    nonisolated(unsafe) private static var map = AddressMap<Region>()

    static func note(_ access: MemoryAccess) {
        let value = access.value
        let isStore = access.isStore
        var unseen: (region: UInt64, offset: UInt64)?
        nt_plugin_lock()
        var entry = region(access.address)
        if isStore { entry.pointee.value.writes += 1 } else { entry.pointee.value.reads += 1 }
        for index in 0..<UInt64(value.size) {
            let address = access.address &+ index
            let offset = Int(address & (size - 1))
            if index != 0, offset == 0 { entry = region(address) }
            let byte = UInt8(truncatingIfNeeded: (index < 8 ? value.low : value.high) >> (index % 8 * 8))
            if isStore {
                entry.pointee.value.mirror[offset] = byte
            } else if entry.pointee.value.mirror[offset] != byte, entry.pointee.value.sawAll {
                entry.pointee.value.sawAll = false
                unseen = (entry.pointee.address, access.address &- entry.pointee.address)
            }
        }
        if let unseen, !Report.isJSON {
            var text = Text()
            text.append("Warning: ")
            text.append(address: unseen.region, width: 16)
            text.append(":")
            text.append(unseen.offset)
            text.append(" read an un-instrumented value\n")
            Report.lineLocked(&text)
        }
        nt_plugin_unlock()
    }

    private static func region(_ address: UInt64) -> AddressMap<Region>.EntryPointer {
        map.entry(address & ~(size - 1)) {
            let mirror = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(size))
            mirror.initialize(repeating: 0, count: Int(size))
            return Region(mirror: mirror)
        }
    }

    private static var byAddress: [AddressMap<Region>.EntryPointer] { map.sorted(by: { _, _ in false }) }

    static func report(_ text: inout Text) {
        text.append("Region Base, Reads, Writes, Seen all\n")
        for entry in byAddress {
            let region = entry.pointee.value
            text.append("\(address: entry.pointee.address, width: 16), \(region.reads), \(region.writes), ")
            text.append(region.sawAll ? "true\n" : "false\n")
        }
    }

    static func report(_ json: inout JSON) {
        json.array("regions") { json in
            for entry in byAddress {
                json.object {
                    $0.member("address", address: entry.pointee.address)
                    $0.member("reads", entry.pointee.value.reads)
                    $0.member("writes", entry.pointee.value.writes)
                    $0.member("seen_all", entry.pointee.value.sawAll)
                }
            }
        }
    }
}
