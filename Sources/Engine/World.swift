internal import CHost
internal import Support
internal import Synchronization

/// Keeps count of which vCPUs may be inside generated code, and stops them for work that removes code.
///
/// A vCPU marks itself running around `nt_enter`. An exclusive section asks all others to leave and waits until none runs;
/// until it ends none enters. Lock order: World's lock is innermost; the cache lock may be taken inside an exclusive section.
final class World: @unchecked Sendable {
    // @unchecked: `members` is guarded by `lock`, the flags are atomic.
    private let lock = Lock()
    private let changed = ConditionVariable()
    private var members: [VCPU] = []
    private var exclusiveOwned = false
    private let stopping = Atomic<Bool>(false)

    func add(_ vcpu: VCPU) { lock.withLock { members.append(vcpu) } }
    func remove(_ vcpu: VCPU) {
        lock.withLock {
            members.removeAll { $0 === vcpu }
            changed.broadcast()
        }
    }
    var all: [VCPU] { lock.withLock { members } }
    /// Those in generated code, or about to enter it.
    var running: [VCPU] { lock.withLock { members.filter { $0.isRunning.load(ordering: .relaxed) } } }

    /// To be called right before entering generated code; waits while an exclusive section is on.
    func enter(_ vcpu: VCPU) {
        while true {
            vcpu.isRunning.store(true, ordering: .sequentiallyConsistent)
            if !stopping.load(ordering: .sequentiallyConsistent) { return }
            leave(vcpu)
            lock.lock()
            while stopping.load(ordering: .relaxed) { changed.wait(lock) }
            lock.unlock()
        }
    }

    /// To be called right after leaving generated code.
    func leave(_ vcpu: VCPU) {
        vcpu.isRunning.store(false, ordering: .sequentiallyConsistent)
        if stopping.load(ordering: .sequentiallyConsistent) { lock.withLock { changed.broadcast() } }
    }

    /// Runs `body` while no vCPU is in generated code. Not to be called from inside generated code (callbacks queue work
    /// instead), nor with the cache lock held.
    func exclusive<Result>(_ body: () -> Result) -> Result {
        beginExclusive()
        defer { endExclusive() }
        return body()
    }

    /// `exclusive` in two calls, for fork.
    func beginExclusive() {
        lock.lock()
        while exclusiveOwned { changed.wait(lock) }
        exclusiveOwned = true
        stopping.store(true, ordering: .sequentiallyConsistent)
        for vcpu in members { nt_request_exit(vcpu.cpu) }
        while members.contains(where: { $0.isRunning.load(ordering: .sequentiallyConsistent) }) { changed.wait(lock) }
        lock.unlock()
    }
    func endExclusive() {
        lock.lock()
        exclusiveOwned = false
        stopping.store(false, ordering: .sequentiallyConsistent)
        changed.broadcast()
        lock.unlock()
    }

    /// An exclusive section without an end, or an attempt at it.
    func stopForGood(limitInMilliseconds limit: Int) {
        lock.lock()
        defer { lock.unlock() }
        let deadline = Deadline(milliseconds: limit)
        while exclusiveOwned { if !changed.wait(lock, until: deadline) { return } }
        exclusiveOwned = true
        stopping.store(true, ordering: .sequentiallyConsistent)
        for vcpu in members { nt_request_exit(vcpu.cpu) }
        while members.contains(where: { $0.isRunning.load(ordering: .sequentiallyConsistent) }) {
            if !changed.wait(lock, until: deadline) { return }
        }
    }

    /// In a fork child only the calling vCPU's thread exists.
    func afterForkInChild(keeping vcpu: VCPU) {
        lock.reinitialiseAfterFork()
        changed.reinitialiseAfterFork()
        members = [vcpu]
        exclusiveOwned = false
        stopping.store(false, ordering: .sequentiallyConsistent)
    }
}
