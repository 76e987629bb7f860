internal import CHost
internal import Glibc
internal import GuestMemory

/// mremap, brk and System V shared memory. All with the layout lock held.
extension LinuxThread {
    private enum MoveFlag {
        static let mayMove: UInt64 = 1
        static let fixed: UInt64 = 2
        static let dontUnmap: UInt64 = 4
        static let all = mayMove | fixed | dontUnmap
    }

    func mremap(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = a[3]
        let isFixed = flags & MoveFlag.fixed != 0
        let keepsOldPages = flags & MoveFlag.dontUnmap != 0
        guard flags & ~MoveFlag.all == 0, flags & MoveFlag.mayMove != 0 || !(isFixed || keepsOldPages) else { throw .EINVAL }
        let old = try pageRange(a[0], a[1], error: .EINVAL)
        let newSize = a[2].pageRoundedUp
        guard newSize != 0, newSize >= a[2], newSize <= ELFImage.addressLimit else { throw .EINVAL }
        guard !keepsOldPages || newSize == UInt64(old.count) else { throw .EINVAL }
        let target = isFixed ? try pageRange(a[4], newSize, error: .EINVAL) : nil
        if let target, target.overlaps(old) { throw .EINVAL }
        // The host cannot see where mappings differ in the guest's execute permission only.
        guard let source = process.addressSpace.withMap({ $0.area(at: old.lowerBound) }),
            source.range.upperBound >= old.upperBound
        else { throw .EFAULT }
        try process.memoryLimits.check(
            adding: newSize > UInt64(old.count) ? newSize - UInt64(old.count) : 0, replacing: target,
            isData: !source.isShared && source.protection.contains(.write), in: process.addressSpace)
        let claimed = if let target { try claim(target) } else { [] as [Range<GuestAddress>] }
        let start: UInt64
        do throws(LinuxErrno) {
            start = try hostCall(CallNumber.mremap, a[0], a[1], a[2], flags, a[4])
        } catch {
            release(claimed)
            throw error
        }
        recordMove(source, from: old, to: start..<start &+ newSize, keepsOldPages: keepsOldPages)
        return start
    }

    private func recordMove(
        _ source: VMA, from old: Range<GuestAddress>, to new: Range<GuestAddress>, keepsOldPages: Bool
    ) {
        var area = source
        if new.lowerBound == old.lowerBound {
            if new.count < old.count {
                record(new.upperBound..<old.upperBound) { $0.remove(new.upperBound..<old.upperBound) }
            } else {
                area.range = new
                record(old.upperBound..<new.upperBound) { $0.insert(area) }
            }
            return
        }
        // An empty old range duplicates a shared mapping. MREMAP_DONTUNMAP leaves it, but without its pages.
        if !old.isEmpty { record(old) { if !keepsOldPages { $0.remove(old) } } }
        area.range = new
        area.label = .none
        record(new) { $0.insert(area) }
    }

    // MARK: brk

    /// Returns the new break, or the old one when it cannot move: brk knows no errno.
    func brk(_ a: SyscallArguments) -> UInt64 {
        let state = process.programBreak
        let wanted = a[0]
        guard wanted >= state.start, wanted < ELFImage.addressLimit - guestPageSize else { return state.current }
        let oldEnd = state.current.pageRoundedUp
        let newEnd = wanted.pageRoundedUp
        do throws(LinuxErrno) {
            if newEnd > oldEnd {
                try growBreak(oldEnd..<newEnd)
            } else if newEnd < oldEnd {
                // What the guest has unmapped itself may be somebody else's by now.
                _ = try munmap(SyscallArguments([newEnd, oldEnd - newEnd, 0, 0, 0, 0]))
            }
        } catch {
            return state.current
        }
        process.programBreak.current = wanted
        return wanted
    }

    private func growBreak(_ range: Range<GuestAddress>) throws(LinuxErrno) {
        try process.memoryLimits.check(
            adding: UInt64(range.count), replacing: nil, isData: true, in: process.addressSpace)
        let flags = UInt64(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)
        try hostCall(
            CallNumber.mmap, range.lowerBound, UInt64(range.count), UInt64(PROT_READ | PROT_WRITE), flags, .max)
        process.addressSpace.withMap {
            $0.insert(VMA(range: range, protection: [.read, .write], label: .heap))
        }
    }

    // MARK: System V shared memory

    func shmat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        var status = shmid_ds()
        guard shmctl(a.int(0), IPC_STAT, &status) == 0 else { throw .last }
        let size = UInt64(status.shm_segsz).pageRoundedUp
        let flags = a.int(2)
        var hostFlags = flags & ~0o100000  // SHM_EXEC: the host maps nothing executable
        var claimed: [Range<GuestAddress>] = []
        if a[1] != 0 {
            let start = flags & 0o20000 != 0 ? a[1].pageRoundedDown : a[1]  // SHM_RND
            if flags & 0o40000 != 0 {  // SHM_REMAP
                claimed = try claim(try pageRange(start, size, error: .EINVAL))
            }
        } else {
            hostFlags &= ~0o40000
        }
        process.engine?.memoryBecomesShared()
        let start: UInt64
        do throws(LinuxErrno) {
            start = try hostCall(CallNumber.shmat, a[0], a[1], UInt64(UInt32(bitPattern: hostFlags)))
        } catch {
            release(claimed)
            throw error
        }
        var protection: PageProtection = flags & 0o10000 != 0 ? [.read] : [.read, .write]  // SHM_RDONLY
        if flags & 0o100000 != 0 { protection.insert(.execute) }
        let range = start..<start &+ size
        record(range) { $0.insert(VMA(range: range, protection: protection, isShared: true)) }
        process.lock.withLock { process.sharedSegments[start] = size }
        return start
    }

    func shmdt(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard let size = process.lock.withLock({ process.sharedSegments[a[0]] }) else { throw .EINVAL }
        let result = try hostCall(CallNumber.shmdt, a[0])
        process.lock.withLock { process.sharedSegments[a[0]] = nil }
        record(a[0]..<a[0] &+ size) { $0.remove(a[0]..<a[0] &+ size) }
        return result
    }
}
