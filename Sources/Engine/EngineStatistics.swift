package import LLVMBackend

/// What the engine has done so far, for `--stats`.
package struct EngineStatistics: Sendable {
    /// TBs in the cache, and those of them that compiled code runs.
    package var blocks = 0
    package var compiledBlocks = 0
    /// TBs ever made, those of them that were removed for others, and how often some were.
    package var madeBlocks = 0
    package var evictedBlocks = 0
    package var evictions = 0
    /// Regions that run, and the TBs in them.
    package var regions = 0
    package var regionBlocks = 0
    /// Host code that is in memory, and how much of it is of regions that run.
    package var codeBytes = 0
    package var regionCodeBytes = 0
    package var stageTimes = StageTimes()
    /// Compile threads, at the most.
    package var compileThreads = 0
    /// TBs that the baseline compiler left to LLVM.
    package var baselineFailures = 0
    /// TBs whose code was made by another process, how many files it is from, and TBs whose code was written.
    package var keptBlocks = 0
    package var keptFiles = 0
    package var writtenBlocks = 0
}

extension Engine {
    package var statistics: EngineStatistics {
        var result = EngineStatistics()
        let regions = cacheLock.withLock { () -> [Region] in
            var regions: [ObjectIdentifier: Region] = [:]
            for tb in cache.all {
                result.blocks += 1
                if tb.compiledEntry != nil || tb.region != nil { result.compiledBlocks += 1 }
                if let region = tb.region { regions[ObjectIdentifier(region)] = region }
            }
            result.madeBlocks = cache.insertions
            (result.evictions, result.evictedBlocks) = evictions
            return Array(regions.values)
        }
        result.regions = regions.count
        result.regionBlocks = regions.reduce(0) { $0 + $1.members.count }
        result.regionCodeBytes = regions.reduce(0) { $0 + $1.code.size }
        result.codeBytes = baseline?.codeBytes ?? 0
        result.baselineFailures = baseline?.failureCount ?? 0
        if let keptCode { (result.keptFiles, result.keptBlocks, result.writtenBlocks) = keptCode.counts }
        result.codeBytes += backend.codeBytes
        result.stageTimes = backend.stageTimes
        result.compileThreads = compiler.greatestCount
        return result
    }
}
