internal import Glibc

/// Processor time of the compiler's stages, in nanoseconds.
package struct StageTimes: Sendable {
    package var lowering: UInt64 = 0
    package var passes: UInt64 = 0
    package var codeGeneration: UInt64 = 0
    package var linking: UInt64 = 0
    package init() {}

    mutating func add(_ other: StageTimes) {
        lowering += other.lowering
        passes += other.passes
        codeGeneration += other.codeGeneration
        linking += other.linking
    }
}

/// Splits the processor time of the calling thread among stages.
package struct StageClock {
    private var last = Self.now()
    package init() {}

    /// Adds the time since the last stage's end to `stage`.
    mutating func end(_ stage: WritableKeyPath<StageTimes, UInt64>, _ times: inout StageTimes) {
        let now = Self.now()
        times[keyPath: stage] += now - last
        last = now
    }

    /// Since the clock was made or a stage ended. Nanoseconds.
    package var elapsed: UInt64 { Self.now() - last }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
