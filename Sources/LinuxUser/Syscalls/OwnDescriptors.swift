internal import CHost
internal import Glibc
internal import Support

/// Descriptors that belong to the emulator and that the guest shall neither see nor close: our executable, the log file, the
/// link of a vfork. They live above those that programs are given, and when the guest wants one of their numbers they move.
///
/// Threads: any. The lock is a leaf.
package final class OwnDescriptors: @unchecked Sendable {
    // @unchecked: `entries` is only touched with `lock` held.
    package static let shared = OwnDescriptors()

    private struct Entry {
        /// The number that `adopt` returned.
        let name: Int32
        var descriptor: Int32
        let moved: @Sendable (Int32) -> Void
    }
    private let lock = Lock()
    private var entries: [Entry] = []
    private var executable: Int32 = -1

    /// F_DUPFD_CLOEXEC, which Glibc's import lacks.
    private static let duplicateCloseOnExec: UInt64 = 1030
    /// Below the usual limit, above what programs ask for.
    private static let highest: UInt64 = 1024
    private static let room: UInt64 = 48

    package init() {}

    /// Takes `descriptor` over: moves it out of the guest's way and makes it close-on-exec.
    /// - Parameter moved: called, with the lock held, whenever the number changes.
    /// - Returns: the new number; the old one when the process has none left higher up.
    package func adopt(_ descriptor: Int32, moved: @escaping @Sendable (Int32) -> Void = { _ in }) -> Int32 {
        let limit = Self.fileLimit
        let end = min(UInt64(limit.rlim_cur), Self.highest)
        // Beyond the guest's limit, where it cannot get at them; unless that would make for a large table in the kernel.
        let isBeyond = limit.rlim_cur <= Self.highest && limit.rlim_cur < limit.rlim_max
        let lowest = isBeyond ? end : end > Self.room ? end - Self.room : 0
        let number: Int32
        if let high = Self.duplicate(descriptor, from: lowest), high > descriptor {
            Glibc.close(descriptor)
            number = high
        } else {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            number = descriptor
        }
        lock.withLock { entries.append(Entry(name: number, descriptor: number, moved: moved)) }
        return number
    }

    /// Closes what `adopt` returned, wherever it is now.
    package func close(_ name: Int32) { lock.withLock { closeWithLockHeld(name) } }

    /// As `close`, in a fork child before `unlockAfterFork`.
    func closeWithLockHeld(_ name: Int32) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        Glibc.close(entries.remove(at: index).descriptor)
    }

    /// The present number of what `adopt` returned.
    func current(_ name: Int32) -> Int32 {
        lock.withLock { entries.first { $0.name == name }?.descriptor ?? name }
    }

    package func contains(_ descriptor: Int32) -> Bool {
        lock.withLock { entries.contains { $0.descriptor == descriptor } }
    }

    /// All of them, sorted.
    package var all: [Int32] { lock.withLock { entries.map(\.descriptor) }.sorted() }

    /// Frees a number that the guest is about to use (dup3's target).
    func evacuate(_ descriptor: Int32) throws(LinuxErrno) {
        let error: LinuxErrno? = lock.withLock {
            guard let index = entries.firstIndex(where: { $0.descriptor == descriptor }) else { return nil }
            guard let new = Self.duplicate(descriptor, from: UInt64(descriptor) + 1) ?? Self.duplicate(descriptor, from: 3) else {
                return .last
            }
            entries[index].descriptor = new
            entries[index].moved(new)
            if executable == descriptor { executable = new }
            Glibc.close(descriptor)
            return nil
        }
        if let error { throw error }
    }

    private static let fileLimitNumber = __rlimit_resource_t(7)  // RLIMIT_NOFILE
    private static var fileLimit: rlimit {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        getrlimit(fileLimitNumber, &limit)
        return limit
    }

    /// Beyond the soft limit, too: descriptors stay when it is lowered again.
    private static func duplicate(_ descriptor: Int32, from lowest: UInt64) -> Int32? {
        func tryOnce() -> Int32? {
            let new = nt_linux_syscall(CallNumber.fcntl, UInt64(descriptor), duplicateCloseOnExec, lowest, 0, 0, 0)
            return new < 0 ? nil : Int32(new)
        }
        if let new = tryOnce() { return new }
        let limit = fileLimit
        guard limit.rlim_cur < limit.rlim_max else { return nil }
        var raised = limit
        raised.rlim_cur = min(limit.rlim_max, rlim_t(lowest) + rlim_t(room))
        guard raised.rlim_cur > limit.rlim_cur, setrlimit(fileLimitNumber, &raised) == 0 else { return nil }
        var old = limit
        defer { setrlimit(fileLimitNumber, &old) }
        return tryOnce()
    }

    // MARK: our own executable

    /// Keeps a handle on our executable for execve: later there may be no `/proc`, and in a chroot no path to it.
    /// - Parameter inherited: from the emulator that executed us; -1 when there was none.
    package func keepExecutable(inherited: Int32) {
        var descriptor = inherited
        if descriptor < 0 || fcntl(descriptor, F_GETFD) < 0 { descriptor = Self.openExecutable() }
        guard descriptor >= 0 else { return }
        let number = adopt(descriptor)
        lock.withLock { executable = number }
    }

    /// The handle on our executable; nil when there has never been a `/proc` to open it through.
    package func executableDescriptor() -> Int32? {
        let known = lock.withLock { executable }
        if known >= 0 { return known }
        keepExecutable(inherited: -1)
        return lock.withLock { executable >= 0 ? executable : nil }
    }

    private static func openExecutable() -> Int32 {
        let path = 0o10000000 | O_CLOEXEC  // O_PATH: our file need not be readable
        return open("/proc/self/exe", path)
    }

    func lockForFork() { lock.lock() }
    func unlockAfterFork() { lock.unlock() }
}
