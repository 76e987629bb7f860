internal import CHost
internal import GuestMemory

/// A thread's list of robust futexes (`struct robust_list_head`), which the kernel releases when the thread ends.
///
/// The host's kernel knows the list, too: it does the work when the process dies with the thread.
struct RobustList {
    /// Bytes of `struct robust_list_head`: first entry, offset of the futex word from an entry, pending entry.
    static let headSize = 24
    private static let lengthLimit = 2048

    var head: GuestAddress = 0

    /// Marks each futex of the list that `owner` holds as FUTEX_OWNER_DIED and wakes a waiter. Ends at a bad address or
    /// at an entry too many, like the kernel.
    func release(owner: UInt32) {
        guard head != 0 else { return }
        do throws(LinuxErrno) {
            var next = Entry(try UserMemory.read(head))
            let offset = try UserMemory.read(head &+ 8, as: UInt64.self)
            let pending = Entry(try UserMemory.read(head &+ 16))
            var left = Self.lengthLimit
            while next.address != head, left > 0 {
                let entry = next
                // Before the futex is released, because then its memory may be reused.
                let following = Result { () throws(LinuxErrno) in Entry(try UserMemory.read(entry.address)) }
                if entry.address != pending.address {
                    try release(entry, offset, owner, isPending: false)
                }
                next = try following.get()
                left -= 1
            }
            if pending.address != 0 { try release(pending, offset, owner, isPending: true) }
        } catch {
            // A list that is not one.
        }
    }

    /// An address whose lowest bit says that the futex is one of priority inheritance.
    private struct Entry {
        let address: GuestAddress
        let isPI: Bool
        init(_ word: UInt64) {
            address = word & ~1
            isPI = word & 1 != 0
        }
    }

    private func release(
        _ entry: Entry, _ offset: UInt64, _ owner: UInt32, isPending: Bool
    ) throws(LinuxErrno) {
        let (tidMask, ownerDied, waiters) = (UInt32(0x3fff_ffff), UInt32(0x4000_0000), UInt32(0x8000_0000))
        let word = entry.address &+ offset
        guard word % 4 == 0 else { throw .EFAULT }
        while true {
            let value = try UserMemory.read(word, as: UInt32.self)
            let holder = value & tidMask
            if isPending, !entry.isPI, holder == 0 {
                // Unlocked already, but perhaps its waiter not yet woken.
                wake(word)
                return
            }
            if holder != owner { return }
            var seen = value
            let at = UnsafeMutablePointer<UInt32>(bitPattern: UInt(word))
            guard nt_compare_exchange_fallible(at, &seen, value & waiters | ownerDied) else { throw .EFAULT }
            if seen != value { continue }
            if !entry.isPI, value & waiters != 0 { wake(word) }
            return
        }
    }

    private func wake(_ word: GuestAddress) {
        // FUTEX_WAKE without FUTEX_PRIVATE_FLAG, one waiter.
        _ = nt_linux_syscall(CallNumber.futex, word, 1, 1, 0, 0, 0)
    }
}

extension LinuxThread {
    func setRobustList(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // The kernel's, for the death of the process; replaces that of the host's libc, which holds no such mutex.
        let result = try hostCall(CallNumber.setRobustList, a[0], a[1])
        robustList = RobustList(head: a[0])
        return result
    }
}
