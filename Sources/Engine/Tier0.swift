internal import CHost
internal import EmuIR
internal import IRInterpreter

/// Gives TBs their tier-0 form. One per translating thread.
final class Tier0 {
    private var predecoder = Predecoder()
    private let chains: Bool

    init(chains: Bool) { self.chains = chains }

    /// Predecodes and makes the interpreter the TB's entry. `heat`: executions until NT_EXIT_HOT; `.max` = never.
    func install(_ tb: TranslationBlock, _ block: IRBlock, heat: Int32) {
        tb.c.pointee.ops = predecoder.predecode(block, tbIndex: tb.c.pointee.tb_index, chains: chains)
        nt_tb_set_heat(tb.c, heat)
        nt_tb_set_entry(tb.c, IRInterpreter.entry)
    }

    /// The entry of every TB of tier 0.
    static var entry: UnsafeMutableRawPointer { IRInterpreter.entry }

    static func stopCounting(_ tb: TranslationBlock) { nt_tb_set_heat(tb.c, .max) }

    static func release(_ tb: TranslationBlock) {
        if let ops = tb.c.pointee.ops { Predecoder.release(ops) }
    }
}
