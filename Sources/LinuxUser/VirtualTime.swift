internal import CHost
internal import Support

/// Guest time under a plugin's control: it moves with what the plugin says, which counts instructions, and on its own only
/// while no guest thread can run.
///
/// Clocks, CNTVCT_EL0 and the timeouts in `TimedCall` follow it. Interval timers (`setitimer`, `timer_create`, `timerfd`), CPU
/// usage and file times stay the host's. One per process; all functions may be called by any thread.
package final class VirtualTime: @unchecked Sendable {
    // @unchecked: all members are under `lock`.
    package static let shared = VirtualTime()
    static var isOn: Bool { nt_virtual_time_is_on() }
    /// Nanoseconds since the start.
    static var now: Int64 { nt_virtual_time_now() }

    private let lock = Lock()
    /// Time that passed while all threads waited, which the plugin knows nothing of.
    private var idle: Int64 = 0
    private var waitingThreads = 0
    /// How often a thread went on after waiting: tells whether all have waited throughout.
    private var departures: UInt64 = 0
    /// Of the threads that wait for one.
    private var deadlines: [Int64] = []

    /// The plugin's time, in nanoseconds since the start, without the time in which nobody ran.
    package func update(_ time: Int64) {
        lock.withLock { nt_virtual_time_advance(time &+ idle) }
    }

    /// A thread begins or ends a call that may block.
    func beginWaiting(until deadline: Int64?) {
        lock.withLock {
            waitingThreads += 1
            if let deadline { deadlines.append(deadline) }
        }
    }
    func endWaiting(until deadline: Int64?) {
        lock.withLock {
            waitingThreads -= 1
            departures &+= 1
            if let deadline, let index = deadlines.firstIndex(of: deadline) { deadlines.remove(at: index) }
        }
    }

    /// A part of a wait, in real time.
    struct Slice {
        /// Nanoseconds.
        let length: Int64
        fileprivate let start: Int64
        fileprivate let departures: UInt64?
    }

    // Nobody tells a sleeper that the time has come: it looks. While all wait time passes at the host's rate, and only
    // an event from outside can change that.
    private static let whileOthersRun: Int64 = 500_000
    private static let whileAllWait: Int64 = 10_000_000

    /// How long to wait at once; nil when the deadline has come.
    func slice(until deadline: Int64, threads: Int) -> Slice? {
        lock.withLock {
            let now = Self.now
            if now >= deadline { return nil }
            let isIdle = waitingThreads >= threads
            return Slice(
                length: min(deadline - now, isIdle ? Self.whileAllWait : Self.whileOthersRun), start: now,
                departures: isIdle ? departures : nil)
        }
    }

    /// A slice is over, nothing happened: if nobody ran, time has passed, but never past somebody's deadline.
    func end(_ slice: Slice) {
        lock.withLock {
            guard slice.departures == departures else { return }
            let now = Self.now
            let end = min(slice.start + slice.length, deadlines.min() ?? .max)
            if end > now {
                idle += end - now
                nt_virtual_time_advance(end)
            }
        }
    }

    /// In a fork child, whose only thread runs.
    func reinitialiseAfterFork() {
        lock.reinitialiseAfterFork()
        waitingThreads = 0
        deadlines = []
    }

    // MARK: Clocks

    /// What a guest clock of this id shows, in nanoseconds; nil for clocks that are the host's.
    static func read(clock: Int32) -> Int64? { base(ofClock: clock).map { $0 + now } }

    /// What a clock shows at virtual time 0.
    static func base(ofClock clock: Int32) -> Int64? {
        switch clock {
        // CLOCK_REALTIME, _REALTIME_COARSE, _REALTIME_ALARM, _TAI
        case 0, 5, 8, 11: nt_virtual_time_realtime_base()
        // CLOCK_MONOTONIC, _MONOTONIC_RAW, _MONOTONIC_COARSE, _BOOTTIME, _BOOTTIME_ALARM
        case 1, 4, 6, 7, 9: Int64(NT_VIRTUAL_MONOTONIC_BASE)
        // CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID
        case 2, 3: 0
        default: nil
        }
    }
}
