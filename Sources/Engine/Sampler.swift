internal import Glibc
internal import Support
internal import Synchronization

/// Says when the compile thread looks at what the guest runs, and at which vCPU. As long as regions pay, often; else more and more
/// rarely. Guarded by the compile thread's lock.
struct Sampler {
    /// Microseconds.
    private let shortest: Int
    private var interval: Int
    private(set) var nextLook: Deadline
    /// How many more looks to let pass while a path is being recorded: its vCPU may wait in the kernel.
    private var patience = 0
    private var turn = 0
    /// Looks in a row at which no vCPU ran generated code: each may have been at work on a TB.
    private var idleLooks = 0

    private static let longest = 256_000
    private static let patientLooks = 8
    /// While no guest code runs at all.
    private static let longestIdle = 1_000_000

    init(_ configuration: EngineConfiguration) {
        let wantsRegions = configuration.tier == .auto && configuration.chains
        shortest = wantsRegions && Self.hasRoom ? Int(configuration.sampleInterval) : 0
        interval = shortest
        nextLook = Deadline(microseconds: interval)
    }

    var isOn: Bool { shortest > 0 }

    /// Regions, and a thread with memory of its own to make them, are for address spaces that are not small.
    private static var hasRoom: Bool {
        var space = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space) != 0 || space.rlim_cur >= smallestAddressSpace
    }
    private static let smallestAddressSpace: UInt = 1 << 30

    /// Has a vCPU that is running record a path.
    mutating func look(at world: World) {
        defer { nextLook = Deadline(microseconds: interval) }
        if patience > 0 {
            patience -= 1
            return
        }
        let running = world.all.filter { $0.isRunning.load(ordering: .relaxed) }
        guard !running.isEmpty else {
            idleLooks += 1
            if idleLooks > Self.patientLooks { interval = min(interval * 2, Self.longestIdle) }
            return
        }
        idleLooks = 0
        turn = (turn + 1) % running.count
        running[turn].requestPath()
        patience = Self.patientLooks
    }

    /// A path was recorded.
    mutating func note(wasUseful: Bool) {
        patience = 0
        interval = wasUseful ? shortest : min(interval * 2, max(Self.longest, shortest))
        nextLook = Deadline(microseconds: interval)
    }
}
