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

    init(members: [TranslationBlock], entries: [TranslationBlock], code: CompiledCode, isPrecise: Bool) {
        self.isPrecise = isPrecise
        self.members = members
        self.entries = entries
        self.code = code
    }

    /// Some TB leads into it: newer regions have not replaced it everywhere.
    var isInUse: Bool { entries.contains { $0.region === self } }

    func hasSameMembers(as others: [TranslationBlock]) -> Bool {
        members.count == others.count && Set(members.map(\.key)) == Set(others.map(\.key))
    }
}
