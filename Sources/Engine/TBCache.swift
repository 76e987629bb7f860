internal import CHost
internal import EmuIR
internal import GuestState

/// All TBs by key, by index and by guest page. Every method wants the engine's cache lock held; the removing ones also an
/// exclusive section.
struct TBCache: ~Copyable {
    /// Indices by key.
    private var byKey = IndexTable()
    /// Indexed by `nt_tb.tb_index`; free places are reused.
    private var table: [TranslationBlock?] = []
    private var freeIndices: [UInt32] = []
    /// The first TB of each guest page, by page number; `nextInPage` leads on. A TB never leaves its page.
    private var byPage = IndexTable()
    /// TBs inserted so far.
    private(set) var insertions = 0

    var count: Int { byKey.count }
    /// Those that were inserted.
    var all: [TranslationBlock] { table.compactMap { $0 } }

    func find(_ key: TBKey) -> TranslationBlock? {
        guard let index = byKey.find(key.pc, key.flags) else { return nil }
        return table[Int(index)]
    }

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
        let index = tb.c.pointee.tb_index
        byKey.set(tb.key.pc, tb.key.flags, to: index)
        table[Int(index)] = tb
        insertions += 1
        let page = tb.key.pc >> 12
        tb.nextInPage = byPage.find(page, 0)
        if let next = tb.nextInPage { table[Int(next)]?.previousInPage = index }
        byPage.set(page, 0, to: index)
    }

    /// Makes `slot` jump to `tb` and remembers it for unchaining.
    func chain(_ slot: UnsafeMutablePointer<nt_slot>, to tb: TranslationBlock) {
        if nt_slot_target(slot) == tb.c { return }
        nt_slot_unchain(slot)
        nt_slot_chain(slot, tb.c)
        nt_slot_lead(slot, tb.directEntry)
    }

    /// What runs at a TB's entry has changed: jumps go there anew.
    func leadAnew(to tb: TranslationBlock) {
        let entry = tb.directEntry
        var next = tb.c.pointee.incoming
        while let slot = next {
            nt_slot_lead(slot, entry)
            next = slot.pointee.next
        }
    }

    func hasBlocks(overlapping range: Range<UInt64>) -> Bool { firstCandidate(range) { $0.guestRange.overlaps(range) } != nil }

    func blocks(overlapping range: Range<UInt64>) -> [TranslationBlock] {
        var result: [TranslationBlock] = []
        _ = firstCandidate(range) { tb in
            if tb.guestRange.overlaps(range) { result.append(tb) }
            return false
        }
        return result
    }

    /// Unlinks and forgets every TB that overlaps a guest range. Exclusive sections only.
    /// - Returns: the removed TBs; the caller frees what they own.
    mutating func remove(overlapping range: Range<UInt64>) -> [TranslationBlock] {
        let doomed = blocks(overlapping: range)
        for tb in doomed { remove(tb) }
        return doomed
    }

    /// The first TB in the pages that a range touches for which `isWanted` holds.
    private func firstCandidate(_ range: Range<UInt64>, _ isWanted: (TranslationBlock) -> Bool) -> TranslationBlock? {
        if range.isEmpty { return nil }
        let pages = range.lowerBound >> 12...(range.upperBound &- 1) >> 12
        func firstInPage(_ head: UInt32?) -> TranslationBlock? {
            var next = head
            while let index = next, let tb = table[Int(index)] {
                if isWanted(tb) { return tb }
                next = tb.nextInPage
            }
            return nil
        }
        if pages.count > byPage.count {
            for (page, head) in byPage.all where pages.contains(page) {
                if let tb = firstInPage(head) { return tb }
            }
        } else {
            for page in pages { if let tb = firstInPage(byPage.find(page, 0)) { return tb } }
        }
        return nil
    }

    mutating func removeAll() -> [TranslationBlock] {
        let all = all
        byKey.removeAll()
        byPage.removeAll()
        for tb in all { free(index: tb.c.pointee.tb_index) }
        return all
    }

    /// The same of one TB.
    mutating func remove(_ tb: TranslationBlock) {
        while let slot = tb.c.pointee.incoming { nt_slot_unchain(slot) }
        for n in 0..<Int(NT_TB_SLOTS) { nt_slot_unchain(tb.slot(n)) }
        byKey.remove(tb.key.pc, tb.key.flags)
        unlinkFromPage(tb)
        free(index: tb.c.pointee.tb_index)
    }

    private mutating func unlinkFromPage(_ tb: TranslationBlock) {
        let next = tb.nextInPage
        if let next { table[Int(next)]?.previousInPage = tb.previousInPage }
        if let previous = tb.previousInPage {
            table[Int(previous)]?.nextInPage = next
        } else if let next {
            byPage.set(tb.key.pc >> 12, 0, to: next)
        } else {
            byPage.remove(tb.key.pc >> 12, 0)
        }
    }
}
