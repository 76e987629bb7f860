internal import Glibc

/// From a key of 64 and 32 bits to a number below 2^32 - 1: a hash table with open addressing, whose look-up is a multiplication
/// and mostly one cache line. Not for keys that somebody chooses in order to collide.
struct IndexTable: ~Copyable {
    private struct Entry {
        var key: UInt64
        var flags: UInt32
        /// The number and 1; 0 in a free place.
        var place: UInt32
    }
    private var entries: UnsafeMutablePointer<Entry>
    private var capacityShift = 10
    private(set) var count = 0

    init() { entries = Self.allocate(shift: 10) }
    deinit { free(entries) }

    /// Zeroed by the kernel as far as it is touched.
    private static func allocate(shift: Int) -> UnsafeMutablePointer<Entry> {
        guard let memory = calloc(1 << shift, MemoryLayout<Entry>.stride) else {
            preconditionFailure("out of memory for the TB table")
        }
        return memory.bindMemory(to: Entry.self, capacity: 1 << shift)
    }

    private var mask: Int { (1 << capacityShift) - 1 }

    /// Where the search for a key begins.
    private func home(_ key: UInt64, _ flags: UInt32) -> Int {
        // The golden ratio spreads neighbours; the top bits depend on all of the key.
        let hash = (key ^ UInt64(flags) << 32 ^ UInt64(flags)) &* 0x9e37_79b9_7f4a_7c15
        return Int(hash >> UInt64(64 - capacityShift))
    }

    /// The key's place, or the free one where it belongs.
    private func locate(_ key: UInt64, _ flags: UInt32) -> Int {
        var at = home(key, flags)
        while entries[at].place != 0, entries[at].key != key || entries[at].flags != flags { at = (at + 1) & mask }
        return at
    }

    func find(_ key: UInt64, _ flags: UInt32) -> UInt32? {
        let place = entries[locate(key, flags)].place
        return place == 0 ? nil : place - 1
    }

    mutating func set(_ key: UInt64, _ flags: UInt32, to number: UInt32) {
        var at = locate(key, flags)
        if entries[at].place == 0 {
            if (count + 1) * 2 > 1 << capacityShift {
                grow()
                at = locate(key, flags)
            }
            count += 1
        }
        entries[at] = Entry(key: key, flags: flags, place: number + 1)
    }

    mutating func remove(_ key: UInt64, _ flags: UInt32) {
        var hole = locate(key, flags)
        if entries[hole].place == 0 { return }
        count -= 1
        // Entries behind the hole move up if they are searched for from there or before.
        var at = hole
        while true {
            at = (at + 1) & mask
            let entry = entries[at]
            if entry.place == 0 { break }
            let distance = (at - home(entry.key, entry.flags)) & mask
            if distance >= (at - hole) & mask {
                entries[hole] = entry
                hole = at
            }
        }
        entries[hole].place = 0
    }

    mutating func removeAll() {
        free(entries)
        capacityShift = 10
        entries = Self.allocate(shift: capacityShift)
        count = 0
    }

    /// All keys without their flags, and their numbers, in no order.
    var all: [(key: UInt64, number: UInt32)] {
        (0...mask).compactMap { entries[$0].place == 0 ? nil : (entries[$0].key, entries[$0].place - 1) }
    }

    private mutating func grow() {
        let old = UnsafeBufferPointer(start: entries, count: mask + 1)
        capacityShift += 1
        entries = Self.allocate(shift: capacityShift)
        for entry in old where entry.place != 0 { entries[locate(entry.key, entry.flags)] = entry }
        free(UnsafeMutableRawPointer(mutating: old.baseAddress))
    }
}
