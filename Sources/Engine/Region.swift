internal import CHost
internal import LLVMBackend

/// Compiled code of several TBs, which runs instead of the own code of those that are its entries.
///
/// Lives until one of its TBs is removed, which happens in an exclusive section, when no vCPU can be in it. Guarded by the cache's
/// lock.
final class Region {
    let members: [TranslationBlock]
    let entries: [TranslationBlock]
    let code: CompiledCode
    /// Guest registers are exact before each access.
    let isPrecise: Bool
    /// A fault of its accesses says where it was.
    let hasFaultPoints: Bool
    /// How often each TB was seen to be followed by each other, by guest addresses.
    let ways: [UInt64: [UInt64: Int]]
    private let counts: CountPlacement

    init(members: [TranslationBlock], entries: [TranslationBlock], code: CompiledCode, _ unit: RegionUnit) {
        isPrecise = unit.isPrecise
        hasFaultPoints = !unit.omitsFaultPoints
        ways = unit.ways
        counts = unit.counts
        self.members = members
        self.entries = entries
        self.code = code
    }

    /// Some TB leads into it: newer regions have not replaced it everywhere.
    var isInUse: Bool { entries.contains { $0.region === self } }

    func hasSameMembers(as others: [TranslationBlock]) -> Bool {
        members.count == others.count && Set(members.map(\.key)) == Set(others.map(\.key))
    }

    /// Makes a vCPU's counters what they would be if the TB that faulted had run by itself.
    func settleCounts(of cpu: UnsafeMutablePointer<nt_cpu>, atFaultIn tb: TranslationBlock, instruction: Int) {
        for amount in counts.amounts(atFaultIn: tb.key.pc, instruction: instruction) {
            (UnsafeMutableRawPointer(cpu) + Int(amount.offset)).assumingMemoryBound(to: UInt64.self).pointee &+= amount.value
        }
    }
}
