internal import CHost
internal import EmuIR
internal import Glibc
internal import LLVMBackend
internal import Support
internal import Synchronization

/// The background compiler of `--tier=auto`: takes hot TBs from a queue, compiles them in batches (a module's fixed cost is
/// high), and makes each faster by storing its new entry. A vCPU never waits for it.
final class CompileThread: @unchecked Sendable {
    // @unchecked: everything is guarded by `lock`, but for `runs`, which is atomic.
    private unowned let engine: Engine
    private let lock = Lock()
    private let wake = ConditionVariable()
    private var queue: [TBKey] = []
    /// Batches since the last region while TBs waited.
    private var regionsPutOff = 0
    private static let batchesBeforeRegion = 8
    /// Heads of regions to make.
    private var regionQueue: [RegionRequest] = []
    private enum RegionRequest {
        /// Of what was seen to run.
        case path(RecordedPath)
        /// Of what branches from a TB lead to.
        case head(TBKey)
    }
    private var sampler: Sampler
    private let samples: Bool
    /// `isStarted`, for a look without the lock.
    private let runs = Atomic<Bool>(false)
    private var isStarted = false
    private var isBusy = false
    private var isStopping = false
    private var handle = pthread_t()

    /// TBs in one module; past this the cost per TB no longer falls (design.md §3).
    private static let batchSize = 64
    /// Bytes of stack that LLVM gets.
    private static let stackSize = 8 << 20

    init(engine: Engine) {
        self.engine = engine
        sampler = Sampler(engine.configuration)
        samples = sampler.isOn
    }

    /// Any thread; starts the thread at the first call.
    func enqueue(_ key: TBKey) { add { queue.append(key) } }
    /// What a look at a vCPU has shown.
    enum Sight {
        case path(RecordedPath)
        /// No region can come of it.
        case nothing
        /// The vCPU ran code that a region has.
        case covered
    }
    func take(_ sight: Sight) {
        add {
            switch sight {
            case .path(let path): regionQueue.append(.path(path))
            case .nothing: sampler.note(.useless)
            case .covered: sampler.note(.covered)
            }
        }
    }
    /// Has the thread look at what runs, if it is not there yet. A vCPU's thread, when it makes a TB.
    func startSampling() {
        if samples, !runs.load(ordering: .relaxed) { add {} }
    }

    private func add(_ append: () -> Void) {
        lock.withLock {
            append()
            if !isStarted {
                isStarted = true
                start()
            }
            wake.broadcast()
        }
    }

    /// As `enqueueRegion`, and waits until it is made. A vCPU's thread outside generated code.
    func makeRegionNow(_ key: TBKey) {
        add { regionQueue.append(.head(key)) }
        lock.lock()
        while isStarted, !isStopping, isBusy || !regionQueue.isEmpty { wake.wait(lock) }
        lock.unlock()
    }

    private func start() {
        runs.store(true, ordering: .relaxed)
        let argument = Unmanaged.passUnretained(self).toOpaque()
        // Guest signals must never be delivered here. Reading guest code may fail, though, which is a signal, too, and so is a
        // crash. (Not what a failed check raises: it might be sent to the process, and come here.)
        // The default stack follows the guest's `ulimit -s`; LLVM wants its own.
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, Self.stackSize)
        defer { pthread_attr_destroy(&attributes) }
        var all = sigset_t()
        var old = sigset_t()
        sigfillset(&all)
        for signal in [SIGSEGV, SIGBUS] { sigdelset(&all, signal) }
        pthread_sigmask(SIG_SETMASK, &all, &old)
        let error = pthread_create(
            &handle, &attributes,
            {
                Unmanaged<CompileThread>.fromOpaque($0!).takeUnretainedValue().loop()
                return nil
            }, argument)
        pthread_sigmask(SIG_SETMASK, &old, nil)
        if error != 0 {
            // At the limit of threads the guest runs in tier 0 until the next try.
            isStarted = false
            runs.store(false, ordering: .relaxed)
        }
    }

    /// Waits until nothing is being compiled, and keeps it so: holds the lock.
    func pause() {
        lock.lock()
        while isBusy { wake.wait(lock) }
    }
    func resume() { lock.unlock() }
    /// Ends the thread; the next TB to compile starts another. Called by the only vCPU.
    func stop() {
        lock.lock()
        guard isStarted else { return lock.unlock() }
        isStopping = true
        wake.broadcast()
        lock.unlock()
        pthread_join(handle, nil)
        lock.withLock {
            isStarted = false
            isStopping = false
            runs.store(false, ordering: .relaxed)
        }
    }
    /// The thread does not exist in a fork child. Most children soon execute another program, so none is started for what was
    /// hot in the parent: that goes back to tier 0 and has to become hot once more.
    /// - Returns: what was queued.
    func resetAfterFork() -> [TBKey] {
        lock.reinitialiseAfterFork()
        wake.reinitialiseAfterFork()
        isStarted = false
        runs.store(false, ordering: .relaxed)
        regionQueue.removeAll()
        sampler = Sampler(engine.configuration)
        defer { queue.removeAll() }
        return queue
    }

    private func loop() {
        var pipeline = TranslationPipeline(configuration: engine.configuration, feedsInterpreter: false, log: engine.log)
        while true {
            lock.lock()
            while !isStopping && queue.isEmpty && regionQueue.isEmpty {
                if !sampler.isOn {
                    wake.wait(lock)
                } else if !wake.wait(lock, until: sampler.nextLook) {
                    sampler.look(at: engine.world)
                }
            }
            if isStopping { return lock.unlock() }
            let keys = Array(queue.prefix(CompileThread.batchSize))
            queue.removeFirst(keys.count)
            // A region takes as long as hundreds of TBs. While many wait, the guest is interpreted.
            regionsPutOff = queue.isEmpty ? 0 : regionsPutOff + 1
            var region: RegionRequest?
            if !regionQueue.isEmpty, queue.isEmpty || regionsPutOff > Self.batchesBeforeRegion {
                region = regionQueue.removeFirst()
                regionsPutOff = 0
            }
            isBusy = true
            lock.unlock()
            if !keys.isEmpty { compile(keys, &pipeline) }
            if let region { makeRegion(region, &pipeline) }
            lock.withLock {
                isBusy = false
                wake.broadcast()
            }
        }
    }

    private func compile(_ keys: [TBKey], _ pipeline: inout TranslationPipeline) {
        var units: [CompileUnit] = []
        var owners: [TranslationBlock] = []
        for key in keys {
            let known = engine.cacheLock.withLock { engine.cache.find(key).map { ($0, $0.c.pointee.tb_index) } }
            guard let (tb, index) = known else { continue }
            var block = pipeline.translate(
                key, engine.translationMode(key), fetch: engine.environment.fetch)
            // The guest may have changed its code since; such a TB is about to be invalidated.
            guard block.guestInstructionCount == tb.instructionCount else { continue }
            _ = pipeline.finish(
                &block, tb.instrumentation, collectsFPFlags: engine.callbacksExist, symbol: { _ in nil }, isRepeated: true)
            units.append(CompileUnit(block: block, tbIndex: index, tbAddress: UInt(bitPattern: tb.c)))
            owners.append(tb)
        }
        if units.isEmpty { return }
        // Without memory for code the TBs stay in tier 0.
        let configuration = engine.configuration
        guard let code = engine.backend.compile(units, chains: configuration.chains, isFinal: configuration.tier != .auto)
        else { return }
        engine.cacheLock.withLock {
            for (tb, compiled) in zip(owners, code) {
                // Removed meanwhile, and perhaps made again: then from other guest code.
                guard engine.cache.find(tb.key) === tb else {
                    engine.backend.release(compiled)
                    continue
                }
                engine.adopt(compiled, for: tb)
            }
        }
        engine.boundCompiledCode()
    }

    private func makeRegion(_ request: RegionRequest, _ pipeline: inout TranslationPipeline) {
        let clock = StageClock()
        let builder = RegionBuilder(engine)
        var plan: RegionPlan?
        switch request {
        case .path(let path):
            let (found, outcome) = builder.build(along: path, &pipeline)
            plan = found
            lock.withLock { sampler.note(outcome) }
        case .head(let key): plan = builder.build(from: key, &pipeline)
        }
        guard let plan else { return }
        let (unit, members) = (plan.unit, plan.members)
        let isKnown = engine.cacheLock.withLock { members[0].region?.hasSameMembers(as: members) ?? false }
        if isKnown { return }
        guard let code = engine.backend.compile(unit) else { return }
        let isCurrent = engine.cacheLock.withLock {
            guard members.allSatisfy({ engine.cache.find($0.key) === $0 && !$0.isStale }) else { return false }
            guard unit.isPrecise || !engine.isPrecise else { return false }
            engine.adopt(Region(members: members, entries: unit.entries.map { members[$0] }, code: code, unit))
            return true
        }
        if !isCurrent { engine.backend.release(code) }
        engine.boundCompiledCode()
        engine.log.write(
            .region, RegionReport.line(plan, bytes: code.size, nanoseconds: clock.elapsed, isCurrent))
    }
}
