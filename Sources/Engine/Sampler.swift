internal import Glibc
internal import Support
internal import Synchronization

/// Says when a compile thread looks at what the guest runs, and at which vCPU. As long as regions pay, often; else more and more
/// rarely. Guarded by the compile threads' lock.
struct Sampler {
    /// What came of a look.
    enum Outcome {
        /// A path of which a region is made.
        case useful
        /// The same, but most of it had one.
        case better
        /// A path that runs in a region already, or in one that is being made.
        case known
        /// Another path of which none is made.
        case useless
        /// The vCPU ran code that a region has: no path was recorded, which costs a microsecond and not a millisecond.
        case covered
    }

    /// Microseconds.
    private let shortest: Int
    /// Between looks that record where no region is.
    private var interval: Int
    /// Between looks that record in any case: a region may have become too small for what the guest does now.
    private var fullInterval: Int
    private(set) var nextLook: Deadline
    private var nextFullLook: Deadline
    /// How many more looks to let pass while a path is being recorded: its vCPU may wait in the kernel.
    private var patience = 0
    private var turn = 0
    /// Looks in a row at which no vCPU ran generated code: each may have been at work on a TB.
    private var idleLooks = 0
    /// How many vCPUs ran generated code at the latest looks.
    private var runningCounts: [Int] = []

    private static let longest = 256_000
    private static let patientLooks = 8
    private static let rememberedLooks = 8
    /// While no guest code runs at all.
    private static let longestIdle = 1_000_000

    init(_ configuration: EngineConfiguration) {
        let wantsRegions = configuration.tier == .auto && configuration.chains
        shortest = wantsRegions && Self.hasRoom ? Int(configuration.sampleInterval) : 0
        interval = shortest
        fullInterval = shortest
        nextLook = Deadline(microseconds: shortest)
        nextFullLook = nextLook
    }

    var isOn: Bool { shortest > 0 }

    /// How many vCPUs ran at once of late. Whoever makes many TBs is outside generated code at every other look, but not idle.
    var lateRunningCount: Int { runningCounts.max() ?? 0 }

    /// Regions, and a thread with memory of its own to make them, are for address spaces that are not small.
    private static var hasRoom: Bool {
        var space = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space) != 0 || space.rlim_cur >= smallestAddressSpace
    }
    private static let smallestAddressSpace: UInt = 1 << 30

    /// Has a vCPU that is running record a path.
    /// - Parameter records: false where nothing could be made of it now.
    mutating func look(at world: World, records: Bool) {
        nextLook = Deadline(microseconds: interval)
        let running = world.running
        if runningCounts.count == Self.rememberedLooks { runningCounts.removeFirst() }
        runningCounts.append(running.count)
        if !records { return }
        if patience > 0 {
            patience -= 1
            return
        }
        guard !running.isEmpty else {
            idleLooks += 1
            let doublings = min(max(idleLooks - Self.patientLooks, 0), 20)
            nextLook = Deadline(microseconds: max(min(interval << doublings, Self.longestIdle), interval))
            return
        }
        idleLooks = 0
        turn = (turn + 1) % running.count
        running[turn].requestPath(evenInRegion: nextFullLook.hasPassed)
        patience = Self.patientLooks
    }

    mutating func note(_ outcome: Outcome) {
        patience = 0
        let longest = max(Self.longest, shortest)
        switch outcome {
        case .useful: (interval, fullInterval) = (shortest, shortest)
        case .better: break
        case .useless: (interval, fullInterval) = (min(interval * 2, longest), min(fullInterval * 2, longest))
        case .known: fullInterval = min(fullInterval * 2, longest)
        // Looks that cost so little may be frequent, and what is left to find is rare.
        case .covered: interval = max(interval / 2, shortest / 2)
        }
        nextLook = Deadline(microseconds: interval)
        if outcome != .covered { nextFullLook = Deadline(microseconds: fullInterval) }
    }
}
