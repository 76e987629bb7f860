internal import CHost
internal import Glibc

/// Calls that change what kind of process the host's kernel thinks we are.
extension LinuxThread {
    /// `ADDR_NO_RANDOMIZE`, `SHORT_INODE` and the like are the host's to keep, so that they survive execve.
    func personality(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let wanted = UInt32(truncatingIfNeeded: a[0])
        if wanted == .max { return try interruptible(92, a[0]) }
        // PER_LINUX32: this guest processor has no AArch32.
        if wanted & 0xff == 8 { throw .EINVAL }
        // READ_IMPLIES_EXEC would make the emulator's own memory executable.
        return try interruptible(92, UInt64(wanted & ~0x40_0000))
    }

    func unshare(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // CLONE_THREAD, CLONE_SIGHAND, CLONE_VM and CLONE_NEWUSER want a process of one thread.
        let wantsOneThread = a[0] & 0x1001_0900 != 0
        return try withoutEngineThreads(wantsOneThread) { () throws(LinuxErrno) in try interruptible(97, a[0]) }
    }

    func setns(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // User and mount namespaces are joined by processes of one thread only; the descriptor may be of any kind.
        try withoutEngineThreads(true) { () throws(LinuxErrno) in try interruptible(268, a[0], a[1]) }
    }

    /// Does `call` while the engine has no thread of its own, which would make the kernel refuse it to a guest of one thread.
    private func withoutEngineThreads(
        _ isNeeded: Bool, _ call: () throws(LinuxErrno) -> UInt64
    ) throws(LinuxErrno) -> UInt64 {
        guard isNeeded, process.lock.withLock({ process.liveThreads == 1 }) else { return try call() }
        process.engine?.stopOwnThreads()
        // A thread that pthread_join has seen end may count for the kernel a little longer.
        for _ in 0..<50 {
            do throws(LinuxErrno) {
                return try call()
            } catch {
                guard error == .EINVAL || LinuxErrno(rawValue: EUSERS) == error else { throw error }
                usleep(200)
            }
        }
        return try call()
    }
}
