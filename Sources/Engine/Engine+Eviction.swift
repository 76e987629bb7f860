internal import CHost
internal import LLVMBackend
internal import Synchronization

// What keeps code within `-tb-size`: at a safe point old code makes room for new code.
extension Engine {
    /// To be called after LLVM has made code; with no lock held.
    func boundCompiledCode() {
        guard backend.codeBytes > compiledLimit else { return }
        hasTooMuchCompiledCode.store(true, ordering: .releasing)
        requestEviction()
    }

    /// Bytes of LLVM's code: regions, and TBs that the baseline compiler leaves to it.
    private var compiledLimit: Int { max(configuration.codeLimit / 2, Self.leastCompiledLimit) }
    private static let leastCompiledLimit = 4 << 20

    /// Asks for a safe point at which old code goes. Any thread.
    func requestEviction() {
        roomIsWanted.store(true, ordering: .releasing)
        for vcpu in world.all { vcpu.requestExit() }
    }

    /// A vCPU's thread, outside generated code.
    func evictIfWanted() {
        if roomIsWanted.exchange(false, ordering: .acquiringAndReleasing) { world.exclusive { evict() } }
    }

    /// Plugins hear nothing of it, as they hear nothing of guest code that changes: to them a TB is made once more. What they have given
    /// back (`PluginHost.reclaim`) waits for a flush, because TBs that stay may use it.
    private func evict() {
        let oldest = baseline?.oldest() ?? []
        let firstCompiled = hasTooMuchCompiledCode.exchange(false, ordering: .acquiringAndReleasing) ? dissolveOldRegions() : 0
        removeBlocksNow { cache in
            // Another TB may have the index of one that is gone, or its key.
            var removed = oldest.compactMap { code in
                cache.block(index: code.blockIndex).flatMap { $0.baselineEntry == code.address ? $0 : nil }
            }
            for key in waiting {
                guard let tb = cache.find(key), tb.awaitsRoom else { continue }
                // A second one of its key may have waited, too.
                tb.awaitsRoom = false
                removed.append(tb)
            }
            waiting.removeAll()
            if firstCompiled > 0 { removed += cache.all.filter { $0.compiledCode.map { $0.number < firstCompiled } ?? false } }
            for tb in removed { cache.remove(tb) }
            evictions.count += 1
            evictions.blocks += removed.count
            return removed
        }
    }

    /// - Returns: the number of the oldest module of LLVM's code that may stay.
    private func dissolveOldRegions() -> Int {
        cacheLock.withLock {
            var sizes: [Int: Int] = [:]
            for code in regions.map(\.code) + cache.all.compactMap(\.compiledCode) { sizes[code.number] = code.size }
            // What was given up before is freed at the next compilation: this is what else there is.
            var total = sizes.values.reduce(0, +)
            if total <= compiledLimit { return 0 }
            var first = 0
            // More than must, so that this is not wanted again at once.
            for (number, size) in sizes.sorted(by: { $0.key < $1.key }) where total > compiledLimit / 4 * 3 {
                total -= size
                first = number + 1
            }
            for region in regions where region.code.number < first { dissolve(region) }
            return first
        }
    }
}
