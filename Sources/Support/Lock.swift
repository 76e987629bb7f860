internal import Glibc

/// A lock that survives `fork`: the child may unlock what its only thread held before. (`Synchronization.Mutex` uses
/// owner-checked futexes on Linux, whose owner id is wrong in the child.)
///
/// Not recursive. Not for hot paths, not for signal handlers.
public final class Lock: @unchecked Sendable {
    // @unchecked: the only state is the pthread mutex, which is made for sharing.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }
    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    public func lock() { pthread_mutex_lock(mutex) }
    public func unlock() { pthread_mutex_unlock(mutex) }

    /// Public, so that it is inlined into other modules; as a call, each result passes through memory and metadata.
    @inlinable public func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Makes the lock free again in a fork child whose parent may have held it in another thread.
    package func reinitialiseAfterFork() { pthread_mutex_init(mutex, nil) }

    fileprivate var raw: UnsafeMutablePointer<pthread_mutex_t> { mutex }
}

/// A point in time that a wait may end at.
package struct Deadline: Sendable {
    fileprivate let time: timespec

    package init(milliseconds: Int) { self.init(microseconds: milliseconds * 1000) }

    package init(microseconds: Int) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let nanoseconds = now.tv_nsec + microseconds % 1_000_000 * 1000
        time = timespec(
            tv_sec: now.tv_sec + microseconds / 1_000_000 + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    }

    package var hasPassed: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return (now.tv_sec, now.tv_nsec) >= (time.tv_sec, time.tv_nsec)
    }
}

/// A condition for threads that hold a `Lock`.
package final class ConditionVariable: @unchecked Sendable {
    // @unchecked: as Lock.
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        condition = .allocate(capacity: 1)
        pthread_cond_init(condition, nil)
    }
    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }
    /// Waits with `lock` held; may wake without reason.
    package func wait(_ lock: Lock) { pthread_cond_wait(condition, lock.raw) }
    /// As `wait`, up to a time.
    /// - Returns: false when the time has come.
    package func wait(_ lock: Lock, until deadline: Deadline) -> Bool {
        var time = deadline.time
        return pthread_cond_timedwait(condition, lock.raw, &time) == 0
    }
    package func signal() { pthread_cond_signal(condition) }
    package func broadcast() { pthread_cond_broadcast(condition) }
    package func reinitialiseAfterFork() { pthread_cond_init(condition, nil) }
}
