internal import A64Translator
internal import Baseline
internal import CHost
internal import CodeCache
internal import EmuIR
internal import Glibc
package import GuestState
internal import IRPasses
internal import LLVMBackend
package import PluginHost
package import Support
internal import Synchronization

/// The engine: TBs and the vCPUs that run them. One per process.
///
/// Lock order: `translators`, then the compile threads', then `World`'s exclusive section, then `cacheLock`, then the backend's.
package final class Engine: @unchecked Sendable {
    // @unchecked: the cache is guarded by `cacheLock`, translators lock for themselves, `generation` is atomic, the rest is
    // set before the first vCPU runs.
    package let configuration: EngineConfiguration
    package let log: Log
    package let environment: any GuestEnvironment
    package let arena: VCPUArena
    package let plugins: PluginHost?

    let world = World()
    let cacheLock = Lock()
    var cache = TBCache()
    /// All that have code. Guarded by `cacheLock`.
    var regions: [Region] = []
    /// vCPU indices that were in use before. Guarded by `cacheLock`.
    private var activatedIndices: Set<Int> = []
    let translators: TranslatorPool
    let backend: JITBackend
    private(set) var compiler: CompileThreads!
    /// Nil where it has no part.
    private(set) var baseline: BaselineTier?
    /// Code of former processes, and of this one for later ones; nil where none is kept.
    private(set) var keptCode: KeptCode?
    private let generationCounter = Atomic<Int>(0)
    /// Makers of TBs that are not in the cache yet. Guarded by `cacheLock`.
    private var busyMakers: [TBMaker] = []
    private let safeWorkPending = Atomic<Bool>(false)
    // See Engine+Eviction.swift.
    let roomIsWanted = Atomic<Bool>(false)
    let hasTooMuchCompiledCode = Atomic<Bool>(false)
    /// TBs that had no room. Guarded by `cacheLock`.
    var waiting: [TBKey] = []
    /// How often TBs were removed for others, and how many. Guarded by `cacheLock`.
    var evictions = (count: 0, blocks: 0)
    private let callbacksExistFlag = Atomic<Bool>(false)
    private let parallel: Atomic<Bool>
    private let cleaning: Atomic<Bool>
    private let precise = Atomic<Bool>(false)
    private let tracking: Atomic<Bool>
    /// `-d exec` or `-d cpu`; asked at every entry of generated code.
    private let traces: Bool
    /// Not every TB has to come by the run loop.
    var mayFindInGeneratedCode: Bool { configuration.chains && !traces }
    /// `-d out_asm` or a map for `perf`.
    let showsHostCode: Bool

    package init(
        configuration: EngineConfiguration, environment: any GuestEnvironment, arena: VCPUArena, plugins: PluginHost?,
        log: Log
    ) {
        self.configuration = configuration
        self.environment = environment
        self.arena = arena
        self.plugins = plugins
        self.log = log
        backend = JITBackend(
            log: log,
            scoreboards: plugins.map { _ in
                ScoreboardAccess(
                    add: PluginHost.scoreboardAdd, find: PluginHost.scoreboardFind, entry: PluginHost.scoreboardEntry)
            },
            perf: configuration.perfFormats, symbol: { [environment] in environment.symbol(at: $0) })
        self.traces = log.isOn(.exec) || log.isOn(.cpu)
        self.parallel = Atomic(configuration.translation.isParallel)
        self.cleaning = Atomic(configuration.translation.cleansTags)
        self.tracking = Atomic(configuration.translation.tracksBranchTypes)
        showsHostCode = log.isOn(.outAsm) || !configuration.perfFormats.isEmpty
        let hasBaseline = [.auto, .baseline].contains(configuration.tier) && BaselineCompiler.isSupported
        let feedsInterpreter = configuration.tier == .interp || configuration.tier == .auto && !hasBaseline
        // Plugins are told of one translation at a time, dumps stand one behind the other, and tiers for tests need no more.
        let usesLLVM = configuration.tier == .block || configuration.tier == .region || configuration.tier == .baseline
        let isSerial = plugins != nil || usesLLVM || showsHostCode || log.isOn([.inAsm, .op, .opOpt, .unimp])
        translators = TranslatorPool(limit: isSerial ? 1 : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
            TBMaker(
                pipeline: TranslationPipeline(configuration: configuration, feedsInterpreter: feedsInterpreter, log: log),
                tier0: Tier0(chains: configuration.chains))
        }
        compiler = CompileThreads(engine: self)
        if hasBaseline { baseline = BaselineTier(self) }
        // What is to be seen of each translation is to be seen of all.
        let shows = log.isOn([.inAsm, .op, .opOpt, .llvm, .outAsm, .unimp]) || showsHostCode
        if baseline != nil, !shows, let directory = configuration.codeDirectory {
            let known = plugins.map(\.identities) ?? []
            keptCode = KeptCode(directory, configuration, plugins: known, environment: environment, log: log)
        }
        nt_set_icache_hook { cpu, address in
            // SAFETY: the owner was set by the VCPU itself, which lives as long as its CPU struct is in use.
            Unmanaged<VCPU>.fromOpaque(cpu!.pointee.owner).takeUnretainedValue().noteStaleCode(at: address)
        }
    }

    /// Changes whenever TBs were removed; a TB found before a change must not be entered after it.
    var generation: Int { generationCounter.load(ordering: .acquiring) }

    /// Some TB has called a plugin.
    var callbacksExist: Bool { callbacksExistFlag.load(ordering: .relaxed) }

    // MARK: vCPUs

    /// Makes the vCPU of an index that is not in use. Its registers are zero.
    /// - Returns: nil when the host refuses the memory.
    package func makeVCPU(index: Int) -> VCPU? {
        // What an ended vCPU left in its jump cache may name TBs that are gone.
        let isReused = cacheLock.withLock { !activatedIndices.insert(index).inserted }
        guard let cpu = isReused ? arena.recycle(index) : arena.activate(index) else { return nil }
        let vcpu = VCPU(index: index, cpu: cpu, engine: self)
        world.add(vcpu)
        return vcpu
    }

    package func removeVCPU(_ vcpu: VCPU) { world.remove(vcpu) }

    /// Whether TBs are made for a guest whose accesses others may see.
    var isParallel: Bool { parallel.load(ordering: .acquiring) }

    /// To be called before a second guest thread starts or memory is shared with other processes. What was translated before is
    /// forgotten: it takes liberties that only a lonely thread may.
    package func becomeParallel() {
        if !parallel.exchange(true, ordering: .acquiringAndReleasing) { flush() }
    }

    /// To be called before the guest can see its own faults. Regions that leave registers inexact there end.
    package func becomePrecise() {
        if !precise.exchange(true, ordering: .acquiringAndReleasing) { dropRegions() }
    }
    /// Whether regions keep guest registers exact before each access.
    var isPrecise: Bool { precise.load(ordering: .acquiring) || plugins?.wantsFaults ?? false }

    private func dropRegions() {
        let isNeeded = cacheLock.withLock { cache.all.contains { !$0.memberships.isEmpty } }
        guard isNeeded else { return }
        world.exclusive {
            cacheLock.withLock { for tb in cache.all { tb.memberships.forEach(dissolve) } }
        }
    }

    /// Whether TBs are made for a guest that uses tagged addresses.
    private var cleansTags: Bool { cleaning.load(ordering: .acquiring) }

    /// The guest has used an address with a tag in its top byte: from now on each access drops it. All TBs are made anew.
    func startCleaningTags() {
        if !cleaning.exchange(true, ordering: .acquiringAndReleasing) { flush() }
    }

    var tracksBranchTypes: Bool { tracking.load(ordering: .acquiring) }

    /// To be called before the guest's first guarded page exists: from now on indirect branches tell what they are.
    package func startTrackingBranchTypes() {
        if !tracking.exchange(true, ordering: .acquiringAndReleasing) { flush() }
    }

    func translationMode(_ key: TBKey) -> TranslationMode {
        let tracks = tracksBranchTypes
        return TranslationMode(
            isParallel: isParallel, cleansTags: cleansTags, tracksBranchTypes: tracks,
            isGuarded: tracks && environment.isGuarded(key.pc), collectsFPFlags: callbacksExist)
    }

    // MARK: Finding and making TBs

    func findOrTranslate(_ key: TBKey, for vcpu: VCPU) -> TranslationBlock {
        if let tb = cacheLock.withLock({ cache.find(key) }) { return tb }
        compiler.startSampling()
        let maker = translators.borrow()
        defer { translators.giveBack(maker) }
        guard let tb = make(key, maker, { makeBlock(key, $0, maker) }) else {
            preconditionFailure("no TB was made at \(hex(key.pc))")
        }
        // Plugins are shown what is about to run, and nothing else.
        if tb.isKept, configuration.chains, !asksPlugins { makeSuccessors(of: tb, maker) }
        return tb
    }

    /// Kept code was run before, and what it leads to will probably run, too: that is made and chained at once, without leaving generated
    /// code for each.
    private func makeSuccessors(of first: TranslationBlock, _ maker: TBMaker) {
        var work = [first]
        var next = 0
        while next < work.count {
            let tb = work[next]
            next += 1
            for n in 0..<Int(NT_TB_SLOTS) {
                let found = cacheLock.withLock { () -> (key: TBKey, tb: TranslationBlock?)? in
                    // It may be gone.
                    guard cache.find(tb.key) === tb, tb.slot(n).pointee.pc != 0 else { return nil }
                    let key = TBKey(pc: tb.slot(n).pointee.pc, flags: tb.key.flags & UInt32(NT_TB_FPCR))
                    return (key, cache.find(key))
                }
                guard let (key, known) = found else { continue }
                var target = known
                if target == nil, work.count < Self.successorLimit {
                    target = make(key, maker) { index in
                        let mode = translationMode(key)
                        return keptCode?.find(key, mode).flatMap { makeBlock(key, index, mode, of: $0).tb }
                    }
                    if let target { work.append(target) }
                }
                guard let target else { continue }
                cacheLock.withLock {
                    if cache.find(tb.key) === tb, cache.find(key) === target { cache.chain(tb.slot(n), to: target) }
                }
            }
        }
    }
    /// TBs made for one that was wanted. More are as often in vain as not.
    private static let successorLimit = 16

    /// Makes a TB and puts it into the cache, unless it is there.
    /// - Parameter makeBlock: makes it with an index, or nil; once more when its guest code has changed meanwhile.
    private func make(_ key: TBKey, _ maker: TBMaker, _ makeBlock: (UInt32) -> TranslationBlock?) -> TranslationBlock? {
        while true {
            var index: UInt32 = 0
            var isNearlyFull = false
            let known = cacheLock.withLock { () -> TranslationBlock? in
                if let tb = cache.find(key) { return tb }
                maker.page = key.pc >> 12
                maker.isStale = false
                busyMakers.append(maker)
                index = cache.takeIndex()
                isNearlyFull = cache.isNearlyFull
                return nil
            }
            if let known { return known }
            // A safe point flushes; until then there is room.
            if isNearlyFull { requestSafePoint() }
            let made = makeBlock(index)
            guard let tb = made else {
                cacheLock.withLock {
                    busyMakers.removeAll { $0 === maker }
                    cache.giveBack(index: index)
                }
                return nil
            }
            let awaitsRoom = tb.awaitsRoom
            let current = cacheLock.withLock { () -> TranslationBlock? in
                busyMakers.removeAll { $0 === maker }
                // Another thread was here first; or code has changed under the translator.
                let other = cache.find(key)
                if other == nil, !maker.isStale {
                    cache.insert(tb)
                    if tb.awaitsRoom { waiting.append(key) }
                    return tb
                }
                cache.giveBack(index: tb.c.pointee.tb_index)
                return other
            }
            if awaitsRoom { requestEviction() }
            if current !== tb { release(tb) }
            if let current { return current }
        }
    }

    /// Translates, instruments and gives the first tier.
    private func makeBlock(_ key: TBKey, _ index: UInt32, _ maker: TBMaker) -> TranslationBlock {
        var mode = translationMode(key)
        var shown: Shown?
        if let kept = keptCode?.find(key, mode) {
            let made = makeBlock(key, index, mode, of: kept)
            if let tb = made.tb { return tb }
            shown = made.shown
        }
        var block = maker.pipeline.translate(key, mode, in: environment)
        let words = ShownWords(of: block, ifAnybodyLooks: asksPlugins)
        // Once for each translation, if the code is still what it was.
        let instrumentation = shown.flatMap { $0.words == words ? $0.instrumentation : nil } ?? instrument(key.pc, words)
        mode.collectsFPFlags = callbacksExist
        let adjustments = maker.pipeline.finish(
            &block, instrumentation, collectsFPFlags: mode.collectsFPFlags, symbol: environment.symbol)
        // With room behind it for its cells, where that is what it begins with.
        let cellBytes = startsInTier0 ? maker.tier0.prepare(block, index: index) : 0
        let tb = TranslationBlock(
            key: key, index: index, instructionCount: block.guestInstructionCount, cleansTags: mode.cleansTags,
            instrumentation: instrumentation, roomForCells: cellBytes)
        tb.faultAdjustments = adjustments
        TranslationPipeline.initialiseSlots(of: tb, for: block)
        if startsInTier0 {
            // Without chaining there are no regions.
            let becomesHot = configuration.tier == .auto || configuration.tier == .region && configuration.chains
            maker.tier0.install(tb, heat: becomesHot ? configuration.hotThreshold : .max)
        } else if let code = baseline?.compile(block, for: tb, index: index, mode, with: &maker.compiler) {
            adopt(code, for: tb)
        } else if tb.awaitsRoom {
            maker.tier0.install(block, in: tb, heat: .max)
        } else if configuration.tier == .auto {
            maker.tier0.install(block, in: tb, heat: configuration.hotThreshold)
        } else {
            let units = [CompileUnit(block: block, tbIndex: index, tbAddress: UInt(bitPattern: tb.c))]
            if let code = backend.compile(units, chains: configuration.chains) {
                adopt(code[0], for: tb)
                boundCompiledCode()
            } else {
                maker.tier0.install(block, in: tb, heat: .max)
            }
        }
        return tb
    }

    /// Nothing compiles a TB before its first execution.
    private var startsInTier0: Bool { Self.startsInTier0(configuration.tier, baseline != nil) }
    private static func startsInTier0(_ tier: Tier, _ hasBaseline: Bool) -> Bool {
        switch tier {
        case .interp, .region: true
        case .auto: !hasBaseline
        case .baseline, .block: false
        }
    }

    /// A TB's instructions as plugins are shown them; only how many there are where none looks.
    private struct ShownWords: Equatable {
        var words = ContiguousArray<UInt32>()
        let count: Int

        init(of block: IRBlock, ifAnybodyLooks: Bool) {
            count = block.guestInstructionCount
            guard ifAnybodyLooks else { return }
            words = ContiguousArray(unsafeUninitializedCapacity: count) { buffer, initialised in
                block.copyWords(to: buffer)
                initialised = count
            }
        }
        init(of kept: CodeEntry, ifAnybodyLooks: Bool) {
            count = kept.instructionCount
            if ifAnybodyLooks { words = ContiguousArray(kept.words.bindMemory(to: UInt32.self)) }
        }
    }
    /// A TB's instructions, and what plugins said of them.
    private typealias Shown = (words: ShownWords, instrumentation: TBInstrumentation)
    private var asksPlugins: Bool { plugins?.wantsTranslation ?? false }

    /// - Returns: nil for the TB when there is no memory for its code, or when plugins want something else in it than what is kept.
    private func makeBlock(
        _ key: TBKey, _ index: UInt32, _ mode: TranslationMode, of kept: CodeEntry
    ) -> (tb: TranslationBlock?, shown: Shown) {
        let words = ShownWords(of: kept, ifAnybodyLooks: asksPlugins)
        let instrumentation = instrument(key.pc, words)
        let shown = (words, instrumentation)
        // The first callback changes what code is to be like.
        guard mode.collectsFPFlags == callbacksExist, let shape = InstrumentationShape(instrumentation),
            kept.instrumentation.elementsEqual(shape.bytes)
        else { return (nil, shown) }
        let tb = TranslationBlock(
            key: key, index: index, instructionCount: kept.instructionCount, cleansTags: mode.cleansTags,
            instrumentation: instrumentation)
        guard let code = baseline?.place(kept, for: tb, index: index, shape) else {
            release(tb)
            return (nil, shown)
        }
        for n in 0..<kept.adjustmentCount {
            let (first, instruction, number, amount) = kept.adjustment(n)
            guard let offset = shape.offset(ofKept: number) else { continue }
            tb.faultAdjustments.append(
                FaultAdjustment(first: Int(first), instruction: Int(instruction), offset: offset, amount: amount))
        }
        tb.c.pointee.indirect_targets = kept.indirectTargets
        nt_slot_init(tb.slot(0), kept.target(0, from: key.pc))
        nt_slot_init(tb.slot(1), kept.target(1, from: key.pc))
        adopt(code, for: tb)
        tb.isKept = true
        keptCode?.noteUse()
        return (tb, shown)
    }

    /// Writes what later processes may take from this one.
    package func keepCode() { keptCode?.save() }

    /// The first callback: TBs made before leave floating-point flags where its arithmetic would mix with them.
    private func noteCallbacks() {
        callbacksExistFlag.store(true, ordering: .relaxed)
        if cacheLock.withLock({ cache.count }) > 0 { requestSafePoint() }
    }

    /// Makes compiled code the TB's entry.
    func adopt(_ code: CompiledCode, for tb: TranslationBlock) {
        tb.compiledCode = code
        tb.stage = .compiled
        if tb.region == nil, !tb.isStale { nt_tb_set_entry(tb.c, UnsafeMutableRawPointer(bitPattern: code.entry)) }
    }

    private func adopt(_ code: BaselineCode, for tb: TranslationBlock) {
        tb.take(code)
        tb.stage = .compiled
        if tb.region == nil, !tb.isStale { nt_tb_set_entry(tb.c, tb.compiledEntry) }
    }

    /// Makes a region run instead of its entries. The cache's lock is held, and its TBs are in the cache.
    func adopt(_ region: Region) {
        regions.append(region)
        for tb in region.members { tb.memberships.append(region) }
        for tb in region.entries {
            tb.region = region
            nt_tb_set_entry(tb.c, UnsafeMutableRawPointer(bitPattern: region.code.entry))
            cache.leadAnew(to: tb)
        }
    }

    /// A region's entries run by themselves again. The cache's lock is held.
    func close(_ region: Region) {
        for tb in region.entries where tb.region === region {
            tb.region = nil
            if !tb.isStale { nt_tb_set_entry(tb.c, tb.compiledEntry ?? Tier0.entry) }
            cache.leadAnew(to: tb)
            if tb.compiledEntry == nil, tb.stage == .queued {
                // `--tier=region`: another one, of the kind that is wanted now, when it is hot again.
                tb.stage = .tier0
                nt_tb_set_heat(tb.c, configuration.hotThreshold)
            }
        }
    }

    /// Whether a region that runs has the TB.
    func isInRegion(_ key: TBKey) -> Bool {
        cacheLock.withLock { cache.find(key)?.memberships.contains { $0.isInUse } ?? false }
    }

    /// Ends a region in an exclusive section. The cache's lock is held.
    func dissolve(_ region: Region) {
        close(region)
        regions.removeAll { $0 === region }
        for tb in region.members { tb.memberships.removeAll { $0 === region } }
        backend.release(region.code)
    }

    private func instrument(_ pc: UInt64, _ shown: ShownWords) -> TBInstrumentation {
        var instrumentation = TBInstrumentation()
        if let plugins, !shown.words.isEmpty {
            instrumentation = plugins.instrument(tb: TBDescription(pc: pc, words: shown.words))
        }
        if !callbacksExist, instrumentation.hasCallbacks { noteCallbacks() }
        if configuration.countsInstructions { addCounts(to: &instrumentation, shown.count) }
        return instrumentation
    }

    private func addCounts(to instrumentation: inout TBInstrumentation, _ instructionCount: Int) {
        let count = InstrumentationRecord.add(offset: UInt64(NT_CPU_INSN_COUNT), value: 1)
        if instrumentation.insns.isEmpty {
            instrumentation.insns = Array(repeating: [count], count: instructionCount)
        } else {
            for i in instrumentation.insns.indices { instrumentation.insns[i].append(count) }
        }
    }

    /// Chains a slot that a vCPU left through, unless TBs were removed since (then the slot may be gone).
    /// - Returns: the TB, and the generation in which it is in the cache; nil when there may be none.
    func chain(
        _ slot: UnsafeMutableRawPointer, to key: TBKey, _ generation: Int, for vcpu: VCPU
    ) -> (tb: TranslationBlock, generation: Int)? {
        guard configuration.chains else { return nil }
        let tb = findOrTranslate(key, for: vcpu)
        return cacheLock.withLock {
            guard self.generation == generation else { return nil }
            cache.chain(slot.assumingMemoryBound(to: nt_slot.self), to: tb)
            return (tb, generation)
        }
    }

    /// A tier-0 TB reached its threshold, which it says once: hands it to the compile threads and lets it run on in tier 0 meanwhile.
    func promote(_ key: TBKey) {
        let isHot = cacheLock.withLock { () -> Bool in
            // By key and not by address: it may have been removed, and made again, since.
            guard let tb = cache.find(key), tb.stage == .tier0 else { return false }
            tb.stage = .queued
            Tier0.stopCounting(tb)
            return true
        }
        guard isHot else { return }
        if configuration.tier == .region { compiler.makeRegionNow(key) } else { compiler.enqueue(key) }
    }

    // MARK: Removing TBs

    /// Forgets all TBs in the ranges: their guest code changed or went away. Returns when no vCPU can run them any more.
    ///
    /// Not from inside generated code.
    package func invalidate(_ ranges: [Range<UInt64>]) {
        let isNeeded = cacheLock.withLock {
            // What is being translated may have been read before the change; it is not in the cache yet. Only what is in the same
            // page: a compiler in the guest writes code all the time, and others must get on meanwhile.
            for maker in busyMakers { maker.noteChange(ranges) }
            // Most code that changes was never run: no vCPU need stop for it.
            return ranges.contains { cache.hasBlocks(overlapping: $0) }
        }
        if isNeeded { removeBlocks { cache in ranges.flatMap { cache.remove(overlapping: $0) } } }
    }

    /// Forgets all TBs.
    package func flush() {
        world.exclusive {
            plugins?.flush()
            removeAllBlocks()
            plugins?.reclaim()
        }
    }

    private func removeBlocks(_ select: (inout TBCache) -> [TranslationBlock]) {
        world.exclusive { removeBlocksNow(select) }
    }

    // The next two in exclusive sections.

    private func removeAllBlocks() {
        removeBlocksNow { cache in
            for maker in busyMakers { maker.isStale = true }
            return cache.removeAll()
        }
    }

    func removeBlocksNow(_ select: (inout TBCache) -> [TranslationBlock]) {
        let removed = cacheLock.withLock { () -> [TranslationBlock] in
            let removed = select(&cache)
            if !removed.isEmpty { generationCounter.add(1, ordering: .acquiringAndReleasing) }
            for tb in removed { tb.memberships.forEach(dissolve) }
            return removed
        }
        if removed.isEmpty { return }
        for vcpu in world.all { vcpu.forget(removed) }
        for tb in removed { nt_withdraw_tb(tb.c) }
        for tb in removed { release(tb) }
    }

    private func release(_ tb: TranslationBlock) {
        Tier0.release(tb)
        if let code = tb.compiledCode { backend.release(code) }
        if let entry = tb.baselineEntry { baseline?.release(entry) }
        tb.c.deallocate()
    }

    // MARK: Safe points

    /// Asks for a safe point: some vCPU's thread will flush all TBs and run the plugins' safe work while no vCPU is in generated
    /// code. Any thread, also from callbacks in generated code.
    package func requestSafePoint() {
        safeWorkPending.store(true, ordering: .releasing)
        for vcpu in world.all { vcpu.requestExit() }
    }

    func runSafeWork() {
        evictIfWanted()
        guard safeWorkPending.exchange(false, ordering: .acquiringAndReleasing) else { return }
        guard let plugins else { return flush() }
        // Nor is a plugin shown a TB while it is told of its reset: under QEMU, translating is a part of running.
        translators.stop()
        defer { translators.resume() }
        // One section: a TB made between the two halves would have callbacks of a plugin that is gone.
        world.exclusive {
            plugins.flush()
            let work = plugins.beginSafeWork()
            removeAllBlocks()
            plugins.reclaim()
            plugins.finish(work)
        }
    }

    /// Makes all vCPUs but the calling thread's stand still, for the end of the process. Gives up on those that are in a callback
    /// for long.
    package func stopForExit() {
        if let cpu = nt_thread_cpu() {
            // The end may have begun in a callback that generated code called, and there it will not return to.
            world.leave(Unmanaged<VCPU>.fromOpaque(cpu.pointee.owner).takeUnretainedValue())
        }
        world.stopForGood(limitInMilliseconds: 500)
        // `exit` is about to take down what LLVM works with.
        compiler.pause()
        translators.stopForGood(limitInMilliseconds: 500)
    }

    // MARK: Faults

    /// Puts the exact PC back, and takes back counts that merging moved before the fault. Registers are exact already.
    /// - Returns: the TB that faulted.
    @discardableResult
    func restoreStateAtFaultPoint(of vcpu: VCPU, isFault: Bool) -> TranslationBlock {
        if isFault, let point = baseline?.faultPoint(at: UInt(vcpu.cpu.pointee.fault_host_pc)) {
            vcpu.cpu.pointee.fault_point = point
        }
        let point = vcpu.cpu.pointee.fault_point
        let index = Int(point & ((1 << UInt32(NT_FAULT_POINT_INSN_BITS)) - 1))
        guard let tb = cacheLock.withLock({ cache.block(index: point >> UInt32(NT_FAULT_POINT_INSN_BITS)) }) else {
            preconditionFailure("fault point \(hex(point)) names no TB")
        }
        vcpu.cpu.pointee.pc = tb.key.pc &+ UInt64(index * 4)
        if isFault, let region = region(at: vcpu.cpu.pointee.fault_host_pc) {
            region.settleCounts(of: vcpu.cpu, atFaultIn: tb, instruction: index)
        }
        for adjustment in tb.faultAdjustments where adjustment.applies(toFaultAt: index) {
            let at = UnsafeMutableRawPointer(vcpu.cpu) + Int(adjustment.offset)
            at.assumingMemoryBound(to: UInt64.self).pointee &-= adjustment.amount
        }
        return tb
    }

    // MARK: fork

    /// Stops the compile threads between two modules and the other vCPUs between two TBs, so that the child finds LLVM, plugins
    /// and the locks at rest, and no TB half removed.
    package func prepareFork() {
        translators.stop()
        compiler.pause()
        world.beginExclusive()
        cacheLock.lock()
        keptCode?.stop()
    }
    package func afterForkInParent() {
        keptCode?.resume()
        cacheLock.unlock()
        world.endExclusive()
        compiler.resume()
        translators.resume()
    }
    package func afterForkInChild(keeping vcpu: VCPU) {
        cacheLock.unlock()
        translators.resumeInForkChild()
        baseline?.resumeInForkChild()
        world.afterForkInChild(keeping: vcpu)
        keptCode?.resumeInForkChild()
        for key in compiler.resetAfterFork() {
            guard let tb = cache.find(key), tb.stage == .queued else { continue }
            tb.stage = .tier0
            nt_tb_set_heat(tb.c, configuration.hotThreshold)
        }
    }

    /// Ends threads that no guest thread runs on, for calls that the kernel allows processes of one thread only.
    package func stopOwnThreads() {
        compiler.stop()
    }

    // MARK: Traces

    /// `-d exec` and `-d cpu`: without chaining, every TB comes by here.
    func traceExecution(of tb: TranslationBlock, on vcpu: VCPU) {
        guard traces else { return }
        if log.isOn(.exec) {
            let name = environment.symbol(at: tb.key.pc).map { " " + $0 } ?? ""
            log.put("Trace \(vcpu.index): \(hex(tb.key.pc, width: 16))\(name)\n")
        }
        if log.isOn(.cpu) { log.put(vcpu.registers.dump()) }
    }
}
