internal import CHost
internal import EmuIR
internal import IRInterpreter

/// Gives TBs their tier-0 form. One per translating thread.
final class Tier0 {
    private var predecoder = Predecoder()
    private let chains: Bool

    init(chains: Bool) { self.chains = chains }

    /// Predecodes a block.
    /// - Returns: the bytes that its cells take.
    func prepare(_ block: IRBlock, index: UInt32) -> Int {
        predecoder.predecode(block, tbIndex: index, chains: chains)
        return predecoder.sizeInBytes
    }

    /// Gives the TB the cells that were prepared last, which it has room for, and makes the interpreter its entry. `heat`:
    /// executions until NT_EXIT_HOT; `.max` = never.
    func install(_ tb: TranslationBlock, heat: Int32) {
        install(tb, at: tb.roomForCells, heat: heat)
    }

    /// Both for a TB without room.
    func install(_ block: IRBlock, in tb: TranslationBlock, heat: Int32) {
        let size = prepare(block, index: tb.c.pointee.tb_index)
        install(tb, at: .allocate(byteCount: size, alignment: 8), heat: heat)
    }

    private func install(_ tb: TranslationBlock, at memory: UnsafeMutableRawPointer, heat: Int32) {
        predecoder.write(to: memory)
        tb.c.pointee.ops = memory
        nt_tb_set_heat(tb.c, heat)
        nt_tb_set_entry(tb.c, IRInterpreter.entry)
    }

    /// The entry of every TB of tier 0.
    static var entry: UnsafeMutableRawPointer { IRInterpreter.entry }

    static func stopCounting(_ tb: TranslationBlock) { nt_tb_set_heat(tb.c, .max) }

    static func release(_ tb: TranslationBlock) {
        if let ops = tb.c.pointee.ops, ops != tb.roomForCells { ops.deallocate() }
    }
}
