internal import CHost
internal import EmuIR
internal import GuestState

/// All TBs by key, by index and by guest page. Every method wants the engine's cache lock held; the removing ones also an
/// exclusive section.
struct TBCache {
    private var byKey: [TBKey: TranslationBlock] = [:]
    /// Indexed by `nt_tb.tb_index`; free places are reused.
    private var table: [TranslationBlock?] = []
    private var freeIndices: [UInt32] = []
    /// TBs by guest page number. A TB never leaves its page.
    private var byPage: [UInt64: [TranslationBlock]] = [:]

    var count: Int { byKey.count }
    var all: some Collection<TranslationBlock> { byKey.values }

    func find(_ key: TBKey) -> TranslationBlock? { byKey[key] }

    func block(index: UInt32) -> TranslationBlock? {
        Int(index) < table.count ? table[Int(index)] : nil
    }

    /// The index the next TB gets. At most 2^23 TBs: what a fault point can name.
    mutating func takeIndex() -> UInt32 {
        if let free = freeIndices.popLast() { return free }
        table.append(nil)
        let index = UInt32(table.count - 1)
        precondition(index < 1 << (32 - UInt32(NT_FAULT_POINT_INSN_BITS)), "TB table full")
        return index
    }

    /// Takes back an index whose TB was not inserted.
    mutating func giveBack(index: UInt32) { free(index: index) }

    private mutating func free(index: UInt32) {
        table[Int(index)] = nil
        freeIndices.append(index)
    }

    /// Fault points have room for twice as many TBs.
    var isNearlyFull: Bool { table.count - freeIndices.count > (1 << 22) }

    mutating func insert(_ tb: TranslationBlock) {
        byKey[tb.key] = tb
        table[Int(tb.c.pointee.tb_index)] = tb
        byPage[tb.key.pc >> 12, default: []].append(tb)
    }

    /// Makes `slot` jump to `tb` and remembers it for unchaining.
    func chain(_ slot: UnsafeMutablePointer<nt_slot>, to tb: TranslationBlock) {
        if nt_slot_target(slot) == tb.c { return }
        nt_slot_chain(slot, tb.c)
        nt_slot_lead(slot, tb.directEntry)
        tb.incoming.append(slot)
    }

    /// What runs at a TB's entry has changed: jumps go there anew.
    func leadAnew(to tb: TranslationBlock) {
        let entry = tb.directEntry
        for slot in tb.incoming { nt_slot_lead(slot, entry) }
    }

    /// A TB has code with jumps: they go where its slots are chained to.
    func leadAnew(from tb: TranslationBlock) {
        for n in 0..<Int(NT_TB_SLOTS) {
            let slot = tb.slot(n)
            guard let target = nt_slot_target(slot), target != nt_slot_stub(slot) else { continue }
            nt_slot_lead(slot, block(index: target.pointee.tb_index)?.directEntry)
        }
    }

    func hasBlocks(overlapping range: Range<UInt64>) -> Bool {
        candidates(range).contains { blocks in blocks.contains { $0.guestRange.overlaps(range) } }
    }

    func blocks(overlapping range: Range<UInt64>) -> [TranslationBlock] {
        candidates(range).flatMap { blocks in blocks.filter { $0.guestRange.overlaps(range) } }
    }

    /// Unlinks and forgets every TB that overlaps a guest range. Exclusive sections only.
    /// - Returns: the removed TBs; the caller frees what they own.
    mutating func remove(overlapping range: Range<UInt64>) -> [TranslationBlock] {
        let doomed = blocks(overlapping: range)
        for tb in doomed { remove(tb) }
        return doomed
    }

    /// The TBs of each page that a range touches.
    private func candidates(_ range: Range<UInt64>) -> [[TranslationBlock]] {
        if range.isEmpty { return [] }
        let pages = range.lowerBound >> 12...(range.upperBound &- 1) >> 12
        if pages.count > byPage.count { return byPage.filter { pages.contains($0.key) }.map(\.value) }
        return pages.compactMap { byPage[$0] }
    }

    mutating func removeAll() -> [TranslationBlock] {
        let all = Array(byKey.values)
        byKey.removeAll()
        byPage.removeAll()
        for tb in all { free(index: tb.c.pointee.tb_index) }
        return all
    }

    private mutating func remove(_ tb: TranslationBlock) {
        for slot in tb.incoming {
            nt_slot_unchain(slot)
            nt_slot_lead(slot, nil)
        }
        tb.incoming.removeAll()
        for n in 0..<Int(NT_TB_SLOTS) {
            let slot = tb.slot(n)
            guard let target = nt_slot_target(slot), target != nt_slot_stub(slot) else { continue }
            block(index: target.pointee.tb_index)?.incoming.removeAll { $0 == slot }
        }
        byKey[tb.key] = nil
        free(index: tb.c.pointee.tb_index)
        byPage[tb.key.pc >> 12]?.removeAll { $0 === tb }
        if byPage[tb.key.pc >> 12]?.isEmpty == true { byPage[tb.key.pc >> 12] = nil }
    }
}
