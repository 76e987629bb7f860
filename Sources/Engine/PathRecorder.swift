internal import CHost
internal import EmuIR
internal import Support

/// Notes which TBs a vCPU runs, so that a region is made of what really does. Compiled code jumps from TB to TB without anybody seeing it; so
/// while a path is recorded, the vCPU runs a copy of each TB in tier 0 that comes back to the run loop at its end.
///
/// One recording; for the vCPU's own thread.
final class PathRecorder {
    /// Of the first TB.
    private var flags: UInt32?
    /// When it began: TBs removed since end it.
    let generation: Int
    private let engine: Engine
    private var pipeline: TranslationPipeline
    private let tier0 = Tier0(chains: false)
    private var copies: [UInt64: TranslationBlock] = [:]
    private var steps: [UInt64] = []

    /// Long enough to see loops inside of loops; a millisecond.
    private static let limit = 3000
    /// Code that has not come back to where it was, after so many TBs, is no loop that fits in a region.
    private static let coldLimit = 256

    init(_ engine: Engine) {
        self.engine = engine
        generation = engine.generation
        pipeline = TranslationPipeline(configuration: engine.configuration, feedsInterpreter: true, log: engine.log)
        steps.reserveCapacity(Self.limit)
    }
    deinit {
        for (_, copy) in copies {
            Tier0.release(copy)
            copy.c.deallocate()
        }
    }

    /// Nothing will come of it.
    var isUseless: Bool { steps.count >= Self.coldLimit && copies.count * 2 > steps.count || generation != engine.generation }
    var isComplete: Bool { steps.count >= Self.limit }

    /// - Returns: nil when no region can come of it.
    func finish() -> RecordedPath? {
        if isComplete, !isUseless { return RecordedPath(flags: flags ?? 0, steps: steps) }
        engine.log.write(
            .region, "no region at \(hex(steps.first ?? 0)): \(steps.count) TBs ran, \(copies.count) different ones\n")
        return nil
    }

    /// What to run in place of a TB that comes next. Inside `world` only, so that guest code does not change meanwhile.
    func step(_ tb: TranslationBlock) -> TranslationBlock {
        // Regions are of one kind of TBs; with others in between, each of its stays ends there.
        if flags == nil { flags = tb.key.flags }
        guard tb.key.flags == flags else {
            steps.append(RecordedPath.elsewhere)
            return tb
        }
        steps.append(tb.key.pc)
        // About to go: it runs as it is, and what follows is not seen.
        if tb.isStale { return tb }
        if let known = copies[tb.key.pc] { return known }
        let copy = copy(of: tb)
        if copy !== tb { copies[tb.key.pc] = copy }
        return copy
    }

    private func copy(of tb: TranslationBlock) -> TranslationBlock {
        var block = pipeline.translate(tb.key, engine.translationMode(tb.key), fetch: engine.environment.fetch)
        guard block.guestInstructionCount == tb.instructionCount else { return tb }
        _ = pipeline.finish(
            &block, tb.instrumentation, collectsFPFlags: engine.callbacksExist, symbol: { _ in nil }, isRepeated: true)
        let index = tb.c.pointee.tb_index
        let size = tier0.prepare(block, index: index)
        let copy = TranslationBlock(
            key: tb.key, index: index, instructionCount: tb.instructionCount, cleansTags: tb.cleansTags,
            instrumentation: tb.instrumentation, roomForCells: size)
        TranslationPipeline.initialiseSlots(of: copy, for: block)
        tier0.install(copy, heat: .max)
        return copy
    }
}

/// The TBs that a vCPU ran, one after the other.
struct RecordedPath {
    /// Of the TBs that may be in a region.
    let flags: UInt32
    /// Guest addresses.
    let steps: [UInt64]

    /// What a region of it may be made of.
    var keys: Set<TBKey> { Set(steps.lazy.filter { $0 != Self.elsewhere }.map { TBKey(pc: $0, flags: flags) }) }

    /// In place of a TB that cannot be in a region with the others.
    static let elsewhere = UInt64.max
}
