internal import Baseline
internal import Support

/// What one thread needs to make TBs: scratch memory, and nothing shared.
final class TBMaker {
    var pipeline: TranslationPipeline
    let tier0: Tier0
    var compiler = BaselineCompiler()
    /// The guest page of the TB being made, and whether code there changed since. Guarded by the engine's cache lock.
    var page: UInt64 = 0
    var isStale = false

    /// Takes note of changes to guest code.
    func noteChange(_ ranges: [Range<UInt64>]) {
        for range in ranges where !range.isEmpty && range.lowerBound >> 12 <= page && page <= (range.upperBound - 1) >> 12 {
            isStale = true
        }
    }

    init(pipeline: consuming TranslationPipeline, tier0: Tier0) {
        self.pipeline = pipeline
        self.tier0 = tier0
    }
}

/// The makers that vCPUs borrow for a translation: as many translate at once as there are makers. One maker makes it a lock.
final class TranslatorPool: @unchecked Sendable {
    // @unchecked: all members are guarded by `lock`; a maker that is lent belongs to its borrower.
    private let lock = Lock()
    private let returned = ConditionVariable()
    private var idle: [TBMaker] = []
    private var madeCount = 0
    private let limit: Int
    private let make: () -> TBMaker

    init(limit: Int, make: @escaping () -> TBMaker) {
        self.limit = limit
        self.make = make
    }

    /// Waits while all are lent.
    func borrow() -> TBMaker {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let maker = idle.popLast() { return maker }
            if madeCount < limit {
                madeCount += 1
                return make()
            }
            returned.wait(lock)
        }
    }
    func giveBack(_ maker: TBMaker) {
        lock.withLock {
            idle.append(maker)
            returned.signal()
        }
    }

    /// Waits until nobody translates, and keeps it so until one of the two below is called.
    func stop() {
        lock.lock()
        while idle.count < madeCount { returned.wait(lock) }
    }
    func resume() { lock.unlock() }
    /// As `stop`, without a `resume`; gives up after a while, as the caller may have one itself.
    func stopForGood(limitInMilliseconds limit: Int) {
        lock.lock()
        let deadline = Deadline(milliseconds: limit)
        while idle.count < madeCount {
            if !returned.wait(lock, until: deadline) { return lock.unlock() }
        }
    }
    /// Those that waited are no more.
    func resumeInForkChild() {
        lock.reinitialiseAfterFork()
        returned.reinitialiseAfterFork()
    }
}
