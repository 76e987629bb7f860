/// Finds values by address (and a second number, such as a length).
///
/// A value stays where it is: generated code may be given its address. Changes need the plugin's lock or one owner; reading besides is
/// allowed, as an exit handler does while other threads go on: a table that was outgrown is not freed.
public struct AddressMap<Value>: ~Copyable {
    public struct Entry {
        public let address: UInt64
        public let extra: UInt64
        public var value: Value
        fileprivate var next: UnsafeMutablePointer<Entry>?
    }
    public typealias EntryPointer = UnsafeMutablePointer<Entry>

    public private(set) var count = 0
    private var slots: UnsafeMutablePointer<EntryPointer?>?
    private var mask = 0
    private var first: EntryPointer?
    private var last: EntryPointer?

    public init() {}

    public func find(_ address: UInt64, _ extra: UInt64 = 0) -> EntryPointer? {
        guard let slots else { return nil }
        var index = Self.hash(address, extra) & mask
        while let entry = slots[index] {
            if entry.pointee.address == address, entry.pointee.extra == extra { return entry }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Finds it, or makes it.
    public mutating func entry(_ address: UInt64, _ extra: UInt64 = 0, _ make: () -> Value) -> EntryPointer {
        if let found = find(address, extra) { return found }
        let entry = EntryPointer.allocate(capacity: 1)
        entry.initialize(to: Entry(address: address, extra: extra, value: make(), next: nil))
        if count * 2 >= (slots == nil ? 0 : mask) { grow() }
        insert(entry)
        count += 1
        if let last { last.pointee.next = entry } else { first = entry }
        last = entry
        return entry
    }

    private mutating func grow() {
        let capacity = slots == nil ? 256 : (mask + 1) * 4
        let made = UnsafeMutablePointer<EntryPointer?>.allocate(capacity: capacity)
        made.initialize(repeating: nil, count: capacity)
        slots = made
        mask = capacity - 1
        forEach { insert($0) }
    }

    private func insert(_ entry: EntryPointer) {
        guard let slots else { return }
        var index = Self.hash(entry.pointee.address, entry.pointee.extra) & mask
        while slots[index] != nil { index = (index + 1) & mask }
        slots[index] = entry
    }

    private static func hash(_ address: UInt64, _ extra: UInt64) -> Int {
        let mixed = (address ^ extra &* 0xff51_afd7_ed55_8ccd) &* 0x9e37_79b9_7f4a_7c15
        return Int(truncatingIfNeeded: (mixed >> 32) ^ (mixed >> 7)) & Int.max
    }

    /// In the order in which they were made.
    public func forEach(_ body: (EntryPointer) -> Void) {
        var next = first
        while let entry = next {
            body(entry)
            next = entry.pointee.next
        }
    }

    /// The first `limit` of those wanted, by `precedes`; entries that are equal so, by address.
    public func sorted(
        limit: Int = .max, where isWanted: (EntryPointer) -> Bool = { _ in true },
        by precedes: (EntryPointer, EntryPointer) -> Bool
    ) -> [EntryPointer] {
        var entries: [EntryPointer] = []
        entries.reserveCapacity(count)
        forEach { if isWanted($0) { entries.append($0) } }
        entries.sort { a, b in
            if precedes(a, b) { return true }
            if precedes(b, a) { return false }
            return a.pointee.address != b.pointee.address
                ? a.pointee.address < b.pointee.address : a.pointee.extra < b.pointee.extra
        }
        if entries.count > limit { entries.removeLast(entries.count - limit) }
        return entries
    }
}
