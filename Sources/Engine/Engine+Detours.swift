internal import CHost
internal import GuestState
internal import IRPasses

// What a vCPU runs instead of a TB that is no longer right.
extension Engine {
    /// The rest of a TB from an instruction on whose address was refused and may have a tag, dropping tags, with what of the TB's
    /// instrumentation has not run yet: the instruction's own, and its TB's, are not done twice.
    ///
    /// For a vCPU that is inside, so that neither guest code nor plugins change meanwhile; so it waits for no translator that others
    /// have. No look-up finds the TB, in tier 0, and the flush at the first tag removes it.
    func makeRest(of tb: TranslationBlock, at pc: UInt64) -> TranslationBlock {
        let first = Int(pc &- tb.key.pc) / 4
        var configuration = configuration
        // Where the TB ends.
        configuration.translation.instructionLimit = max(1, tb.instructionCount - first)
        var pipeline = TranslationPipeline(configuration: configuration, feedsInterpreter: true, log: log)
        // The landing pad, if there was one, has been passed.
        let key = TBKey(pc: pc, flags: tb.key.flags & UInt32(NT_TB_FPCR))
        var mode = translationMode(key)
        mode.cleansTags = true
        var block = pipeline.translate(key, mode, fetch: environment.fetch)
        let instrumentation = tb.instrumentation.rest(from: first)
        let adjustments = pipeline.finish(
            &block, instrumentation, collectsFPFlags: callbacksExist, symbol: { _ in nil }, isRepeated: true)
        let index = cacheLock.withLock { cache.takeIndex() }
        let rest = TranslationBlock(
            key: TBKey(pc: pc, flags: key.flags | (index + 1) << UInt32(NT_TB_FLAG_BITS)), index: index,
            instructionCount: block.guestInstructionCount, cleansTags: true, instrumentation: instrumentation)
        rest.faultAdjustments = adjustments
        TranslationPipeline.initialiseSlots(of: rest, for: block)
        Tier0(chains: configuration.chains).install(block, in: rest, heat: .max)
        cacheLock.withLock { cache.insert(rest) }
        return rest
    }

    /// The region that has a host instruction, if guest registers are not exact in it. Such a one only runs while the guest cannot see
    /// its faults: it ends by this one. Inside `world` only.
    func fastRegion(at hostPC: UInt64) -> Region? {
        if isPrecise { return nil }
        return region(at: hostPC).flatMap { $0.isPrecise ? nil : $0 }
    }

    /// The region that has a host instruction. Inside `world` only.
    func region(at hostPC: UInt64) -> Region? {
        cacheLock.withLock { regions.first { $0.code.contains(hostPC) } }
    }

    /// Guest code in `range` was written by other than the guest, in a callback on this vCPU or anywhere else on its thread. Nobody
    /// begins its TBs any more; the vCPU removes them as soon as it is outside.
    package func codeWasWritten(_ range: Range<UInt64>, on vcpu: VCPU) {
        cacheLock.withLock {
            let stale = cache.blocks(overlapping: range)
            // Inside of regions with callbacks every step polls.
            for tb in stale { tb.memberships.forEach(close) }
            for tb in stale {
                tb.isStale = true
                nt_tb_set_stale(tb.c)
                cache.leadAnew(to: tb)
            }
        }
        vcpu.noteStaleCode(range)
    }
}
