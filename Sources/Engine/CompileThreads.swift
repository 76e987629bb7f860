internal import CHost
internal import EmuIR
internal import Glibc
internal import LLVMBackend
internal import Support
internal import Synchronization

/// The background compilers of `--tier=auto`: they take hot TBs from a queue, compile them in batches (a module's fixed cost is
/// high), make regions, and make each TB faster by storing its new entry. A vCPU never waits for them.
///
/// One thread does it all, as long as there is no more to do or no processor free for more. Others join it, one by one, when something
/// waits, or when nobody is left to look at what runs, and sleep when there is nothing for them.
final class CompileThreads: @unchecked Sendable {
    // @unchecked: everything is guarded by `lock`, but for `runs` and `greatest`, which are atomic.
    private unowned let engine: Engine
    private let lock = Lock()
    private let wake = ConditionVariable()
    private var queue: [TBKey] = []
    /// Batches since the last region, while one waits.
    private var regionsPutOff = 0
    private static let batchesBeforeRegion = 8
    /// Regions to make.
    private var regionQueue: [RegionJob] = []
    /// Those, and what is being made.
    private var regionsUnderWay: [RegionJob] = []
    private enum RegionRequest {
        /// Of what was seen to run.
        case path(RecordedPath)
        /// Of what branches from a TB lead to.
        case head(TBKey)
    }
    /// Guarded by `lock`, but for the request.
    private final class RegionJob {
        let request: RegionRequest
        /// The TBs it will be made of; until they are chosen, all that it may be made of.
        var keys: Set<TBKey>
        /// The first that was chosen.
        var head: TBKey?

        init(_ request: RegionRequest) {
            self.request = request
            switch request {
            case .path(let path): keys = path.keys
            case .head(let key): keys = [key]
            }
        }
    }
    /// What one thread does in one go.
    private enum Job {
        case batch([TBKey])
        case region(RegionJob)
    }
    private var sampler: Sampler
    private let samples: Bool
    /// Some thread was started, for a look without the lock.
    private let runs = Atomic<Bool>(false)
    private var threads: [pthread_t] = []
    /// How many there were at the most. Without the lock, because at the end of the process that is not given back.
    var greatestCount: Int { greatest.load(ordering: .relaxed) }
    private let greatest = Atomic<Int>(0)
    private var busyCount = 0
    /// Some thread waits for the next look.
    private var isLooking = false
    /// Who waits in `pause`: nothing is begun meanwhile, or with several threads it might never be quiet.
    private var pauserCount = 0
    private var isStopping = false
    private let limit: Int
    /// No number was asked for: as many as processors are idle.
    private let followsLoad: Bool

    /// More find nothing to do: regions come of looks, of which there is one at a time.
    private static let greatestAutomaticCount = 4
    /// TBs in one module; past this the cost per TB no longer falls (design.md §3).
    private static let batchSize = 64
    /// Bytes of stack that LLVM gets.
    private static let stackSize = 8 << 20

    init(engine: Engine) {
        self.engine = engine
        sampler = Sampler(engine.configuration)
        samples = sampler.isOn
        let wanted = engine.configuration.compileThreads
        followsLoad = wanted == nil
        limit = wanted ?? Self.greatestAutomaticCount
    }

    /// Any thread; starts the first thread at the first call.
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
            case .path(let path):
                // The region is about to exist; what it leaves out later looks will show.
                if isUnderWay(path) { sampler.note(.known) } else { addRegion(RegionJob(.path(path))) }
            case .nothing: sampler.note(.useless)
            case .covered: sampler.note(.covered)
            }
        }
    }
    /// Has a thread look at what runs, if there is none yet. A vCPU's thread, when it makes a TB.
    func startSampling() {
        if samples, !runs.load(ordering: .relaxed) { add {} }
    }
    /// Whether a TB is to be in a region that is queued or being made.
    func isUnderWay(_ key: TBKey) -> Bool { lock.withLock { regionsUnderWay.contains { $0.keys.contains(key) } } }

    /// The same of half of a path: as much as makes two regions one (`RegionBuilder`).
    private func isUnderWay(_ path: RecordedPath) -> Bool {
        regionsUnderWay.contains { job in
            path.steps.count { job.keys.contains(TBKey(pc: $0, flags: path.flags)) } * 2 >= path.steps.count
        }
    }

    private func addRegion(_ job: RegionJob) {
        regionQueue.append(job)
        regionsUnderWay.append(job)
    }

    private func add(_ append: () -> Void) {
        lock.withLock {
            append()
            // The caller is a vCPU outside generated code, which will need its processor.
            getHelp(besides: 1)
            wake.broadcast()
        }
    }

    /// Queues the region of a TB and waits until it is made. A vCPU's thread outside generated code.
    func makeRegionNow(_ key: TBKey) {
        let job = RegionJob(.head(key))
        add { addRegion(job) }
        lock.lock()
        while !threads.isEmpty, !isStopping, regionsUnderWay.contains(where: { $0 === job }) { wake.wait(lock) }
        lock.unlock()
    }

    // MARK: How many

    /// Whether so many may compile at a time.
    /// - Parameter besides: processors that are in use, though no vCPU is in generated code there.
    private func allows(_ count: Int, besides: Int = 0) -> Bool {
        if count <= 1 { return true }
        if count > limit { return false }
        if !followsLoad { return true }
        // Each has tens of megabytes of addresses; where those are limited the guest needs them.
        var space = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space) == 0, space.rlim_cur != .max { return false }
        // A vCPU may be outside generated code for a moment only.
        let running = max(engine.world.running.count + besides, sampler.lateRunningCount)
        return count <= Int(nt_usable_processors()) - running
    }

    /// Wakes a thread that sleeps or starts one, when all others are at work and one more may be.
    private func getHelp(besides: Int = 0) {
        if threads.isEmpty { return start() }
        // To look, if nothing waits: what runs now may want a region long before the one that is being made is ready.
        guard samples || !queue.isEmpty || !regionQueue.isEmpty else { return }
        if threads.count > busyCount {
            wake.broadcast()
        } else if threads.count < limit, allows(busyCount + 1, besides: besides) {
            start()
        }
    }

    private func start() {
        if isStopping { return }
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
        var handle = pthread_t()
        let error = pthread_create(
            &handle, &attributes,
            {
                Unmanaged<CompileThreads>.fromOpaque($0!).takeUnretainedValue().loop()
                return nil
            }, argument)
        pthread_sigmask(SIG_SETMASK, &old, nil)
        // At the limit of threads the guest goes on with fewer, or in tier 0, until the next try.
        if error != 0 { return }
        threads.append(handle)
        greatest.store(max(greatestCount, threads.count), ordering: .relaxed)
        runs.store(true, ordering: .relaxed)
    }

    // MARK: Stopping

    /// Waits until nothing is being compiled, and keeps it so: holds the lock.
    func pause() {
        lock.lock()
        pauserCount += 1
        while busyCount > 0 { wake.wait(lock) }
        pauserCount -= 1
    }
    func resume() {
        wake.broadcast()
        lock.unlock()
    }
    /// Ends the threads; the next TB to compile starts another. Called by the only vCPU.
    func stop() {
        lock.lock()
        isStopping = true
        let ending = threads
        wake.broadcast()
        lock.unlock()
        for thread in ending { pthread_join(thread, nil) }
        lock.withLock {
            threads.removeAll()
            isStopping = false
            runs.store(false, ordering: .relaxed)
        }
    }
    /// None of the threads exists in a fork child. Most children soon execute another program, so none is started for what was
    /// hot in the parent: that goes back to tier 0 and has to become hot once more.
    /// - Returns: what was queued.
    func resetAfterFork() -> [TBKey] {
        lock.reinitialiseAfterFork()
        wake.reinitialiseAfterFork()
        threads.removeAll()
        (pauserCount, isLooking) = (0, false)
        greatest.store(0, ordering: .relaxed)
        runs.store(false, ordering: .relaxed)
        regionQueue.removeAll()
        regionsUnderWay.removeAll()
        sampler = Sampler(engine.configuration)
        defer { queue.removeAll() }
        return queue
    }

    // MARK: The threads

    private func loop() {
        var pipeline = TranslationPipeline(configuration: engine.configuration, feedsInterpreter: false, log: engine.log)
        lock.lock()
        while !isStopping {
            if let job = nextJob() {
                busyCount += 1
                getHelp()
                lock.unlock()
                run(job, &pipeline)
                lock.lock()
                busyCount -= 1
                wake.broadcast()
            } else if sampler.isOn, !isLooking {
                isLooking = true
                let isDue = !wake.wait(lock, until: sampler.nextLook)
                isLooking = false
                // What another look found would wait, too.
                let isOfUse = regionQueue.isEmpty && allows(busyCount + 1)
                if isDue, !isStopping { sampler.look(at: engine.world, records: isOfUse) }
            } else {
                wake.wait(lock)
            }
        }
        lock.unlock()
    }

    /// Something to do, if one more may do it.
    private func nextJob() -> Job? {
        guard !queue.isEmpty || !regionQueue.isEmpty, pauserCount == 0, allows(busyCount + 1) else { return nil }
        // A region takes as long as hundreds of TBs. While many wait, the guest is interpreted.
        if !regionQueue.isEmpty, queue.isEmpty || regionsPutOff >= Self.batchesBeforeRegion {
            regionsPutOff = 0
            return .region(regionQueue.removeFirst())
        }
        regionsPutOff = regionQueue.isEmpty ? 0 : regionsPutOff + 1
        let keys = Array(queue.prefix(Self.batchSize))
        queue.removeFirst(keys.count)
        return .batch(keys)
    }

    private func run(_ job: Job, _ pipeline: inout TranslationPipeline) {
        switch job {
        case .batch(let keys): compile(keys, &pipeline)
        case .region(let job):
            makeRegion(job, &pipeline)
            lock.withLock { regionsUnderWay.removeAll { $0 === job } }
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

    private func makeRegion(_ job: RegionJob, _ pipeline: inout TranslationPipeline) {
        let clock = StageClock()
        let builder = RegionBuilder(engine)
        var plan: RegionPlan?
        var outcome: Sampler.Outcome?
        switch job.request {
        case .path(let path): (plan, outcome) = builder.build(along: path, &pipeline)
        case .head(let key): plan = builder.build(from: key, &pipeline)
        }
        let isDouble = lock.withLock {
            if let outcome { sampler.note(outcome) }
            job.keys = Set(plan?.members.map(\.key) ?? [])
            job.head = plan?.members[0].key
            return regionsUnderWay.contains { $0 !== job && $0.head == job.head && $0.keys == job.keys }
        }
        guard let plan, !isDouble else { return }
        let (unit, members) = (plan.unit, plan.members)
        func exists() -> Bool { members[0].region?.hasSameMembers(as: members) ?? false }
        if engine.cacheLock.withLock(exists) { return }
        guard let code = engine.backend.compile(unit) else { return }
        let isCurrent = engine.cacheLock.withLock {
            guard members.allSatisfy({ engine.cache.find($0.key) === $0 && !$0.isStale }) else { return false }
            guard unit.isPrecise || !engine.isPrecise else { return false }
            // Another thread may have made it meanwhile, of a path that was on its way before this one was queued.
            guard !exists() else { return false }
            engine.adopt(Region(members: members, entries: unit.entries.map { members[$0] }, code: code, unit))
            return true
        }
        if !isCurrent { engine.backend.release(code) }
        engine.boundCompiledCode()
        engine.log.write(
            .region, RegionReport.line(plan, bytes: code.size, nanoseconds: clock.elapsed, isCurrent))
    }
}
