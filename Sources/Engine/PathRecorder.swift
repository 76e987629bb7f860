internal import CHost
internal import EmuIR
internal import Support

/// Notes which TBs a vCPU runs from a hot loop's head on, so that a region is made of what really runs. Compiled code jumps from TB to
/// TB without anybody seeing it; so while a path is recorded, the vCPU runs a copy of each TB in tier 0 that comes back to the run
/// loop at its end.
///
/// One recording; for the vCPU's own thread.
final class PathRecorder {
    let head: TBKey
    /// When it began: TBs removed since end it.
    let generation: Int
    private let engine: Engine
    private var pipeline: TranslationPipeline
    private let tier0 = Tier0(chains: false)
    private var copies: [UInt64: TranslationBlock] = [:]
    private var steps: [UInt64] = []

    /// Long enough to see loops inside of loops; a millisecond.
    private static let limit = 3000
    /// A loop of so many TBs fits in no region.
    private static let maximumBlocks = 400

    init(_ engine: Engine, head: TBKey) {
        self.engine = engine
        self.head = head
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

    var isComplete: Bool { steps.count >= Self.limit || copies.count >= Self.maximumBlocks }
    var path: RecordedPath { RecordedPath(steps: steps) }

    /// What to run in place of a TB that comes next. Inside `world` only, so that guest code does not change meanwhile.
    func step(_ tb: TranslationBlock) -> TranslationBlock {
        // Regions are of one kind of TBs; with others in between, each of its stays ends there.
        guard tb.key.flags == head.flags else {
            steps.append(RecordedPath.elsewhere)
            return copy(of: tb)
        }
        steps.append(tb.key.pc)
        if let known = copies[tb.key.pc] { return known }
        let copy = copy(of: tb)
        if copy !== tb { copies[tb.key.pc] = copy }
        return copy
    }

    private func copy(of tb: TranslationBlock) -> TranslationBlock {
        // One that is not found by its address, or is about to go: it runs as it is, and what follows is not seen.
        if tb.key.flags != head.flags || tb.isStale { return tb }
        var block = pipeline.translate(tb.key, engine.translationMode(tb.key), fetch: engine.environment.fetch)
        guard block.guestInstructionCount == tb.instructionCount else { return tb }
        _ = pipeline.finish(
            &block, tb.instrumentation, collectsFPFlags: engine.callbacksExist, symbol: { _ in nil }, isRepeated: true)
        let index = tb.c.pointee.tb_index
        let size = tier0.prepare(block, index: index)
        let copy = TranslationBlock(
            key: tb.key, index: index, instructionCount: tb.instructionCount, cleansTags: tb.cleansTags,
            instrumentation: tb.instrumentation, roomForCells: size)
        pipeline.initialiseSlots(of: copy, for: block)
        tier0.install(copy, heat: .max)
        return copy
    }
}

/// The TBs that a vCPU ran, one after the other.
struct RecordedPath {
    /// Guest addresses.
    let steps: [UInt64]

    /// In place of a TB that cannot be in a region with the others.
    static let elsewhere = UInt64.max
}

extension Engine {
    /// Begins to record what follows a hot loop's head.
    /// - Returns: nil when no region is wanted there, or not yet.
    func recordPath(from key: TBKey) -> PathRecorder? {
        let isWanted = cacheLock.withLock { () -> Bool in
            guard let tb = cache.find(key), !tb.awaitsRegion else { return false }
            let now = monotonicNanoseconds()
            if now < nextRecording {
                // Again soon, and this time did not count.
                tb.c.pointee.loop_heat = loopSampleInterval * 8
                if tb.c.pointee.loop_arms > 0 { tb.c.pointee.loop_arms -= 1 }
                return false
            }
            guard tb.regionRequests < Self.maximumRegionRequests else { return false }
            tb.regionRequests += 1
            tb.awaitsRegion = true
            nextRecording = now + recordingInterval
            return true
        }
        return isWanted ? PathRecorder(self, head: key) : nil
    }

    /// Has a region made of a path, or forgets that one was wanted.
    func finish(_ recorder: PathRecorder) {
        cacheLock.withLock {
            guard let tb = cache.find(recorder.head), tb.awaitsRegion else { return }
            if recorder.isComplete, recorder.generation == generation {
                compiler.enqueueRegion(recorder.head, recorder.path)
            } else {
                tb.awaitsRegion = false
            }
        }
    }

    /// What became of a recorded path: as long as regions do not pay, they are looked for less and less. The cache's lock is held.
    func noteRecording(wasUseful: Bool) {
        let bounds = Self.recordingIntervals
        recordingInterval = wasUseful ? bounds.lowerBound : min(recordingInterval * 2, bounds.upperBound)
    }
    /// Nanoseconds from one recording to the next.
    static var recordingIntervals: ClosedRange<UInt64> { 4_000_000...256_000_000 }
}
