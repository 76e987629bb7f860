internal import CHost
internal import Glibc
internal import GuestMemory

/// Rows of calls about the address space.
extension SyscallTable.Builder {
    mutating func addMemory() {
        emulate(196, "shmat", "dpx>p") { t, a throws(LinuxErrno) in try t.shmat(a) }
        emulate(197, "shmdt", "p") { t, a throws(LinuxErrno) in try t.shmdt(a) }
        emulate(214, "brk", "p>p") { thread, a throws(LinuxErrno) in thread.brk(a) }
        emulate(215, "munmap", "pl") { t, a throws(LinuxErrno) in try t.munmap(a) }
        emulate(216, "mremap", "pllxp>p") { t, a throws(LinuxErrno) in try t.mremap(a) }
        emulate(222, "mmap", "plPMdl>p") { t, a throws(LinuxErrno) in try t.mmap(a) }
        emulate(226, "mprotect", "plP") { t, a throws(LinuxErrno) in try t.mprotect(a) }
        emulate(227, "msync", "plx") { t, a throws(LinuxErrno) in try t.ownedRangeCall(227, a) }
        emulate(228, "mlock", "pl") { t, a throws(LinuxErrno) in try t.ownedRangeCall(228, a) }
        emulate(229, "munlock", "pl") { t, a throws(LinuxErrno) in try t.ownedRangeCall(229, a) }
        // The emulator's own memory is not the guest's to lock.
        emulate(230, "mlockall", "x") { _, _ throws(LinuxErrno) in 0 }
        emulate(231, "munlockall", "") { _, _ throws(LinuxErrno) in 0 }
        emulate(232, "mincore", "plp") { t, a throws(LinuxErrno) in try t.ownedRangeCall(232, a) }
        emulate(233, "madvise", "pld") { t, a throws(LinuxErrno) in try t.madvise(a) }
        refuse(234, "remap_file_pages", "plPlx", "deprecated in Linux")
        emulate(235, "mbind", "pldplx") { t, a throws(LinuxErrno) in try t.ownedRangeCall(235, a) }
        host(236, "get_mempolicy", "pplpx")
        host(237, "set_mempolicy", "dpl")
        host(238, "migrate_pages", "dlpp")
        host(239, "move_pages", "dlpppx")
        emulate(284, "mlock2", "plx") { t, a throws(LinuxErrno) in try t.ownedRangeCall(284, a) }
        refuse(282, "userfaultfd", "x", "faults of guest memory belong to the emulator")
        emulate(288, "pkey_mprotect", "plPd") { thread, a throws(LinuxErrno) in
            guard a.int(3) == -1 else { throw .EINVAL }
            return try thread.mprotect(a)
        }
        refuse(289, "pkey_alloc", "xx", "no protection keys in this guest processor")
        refuse(290, "pkey_free", "d", "no protection keys in this guest processor")
        host(440, "process_madvise", "dpldx")
        host(447, "memfd_secret", "x")
        host(448, "process_mrelease", "dx")
        emulate(450, "set_mempolicy_home_node", "pldx") { t, a throws(LinuxErrno) in try t.ownedRangeCall(450, a) }
        refuse(453, "map_shadow_stack", "plx", "no guarded control stack in this guest processor")
        refuse(462, "mseal", "plx", "not in the reference kernel")
    }
}

extension LinuxThread {
    private static let protectionMask: UInt64 = 7
    /// PROT_BTI and PROT_MTE: accepted, without effect (no BTI or MTE in this guest processor).
    private static let ignoredProtection: UInt64 = 0x10 | 0x20

    private func protection(_ bits: UInt64) throws(LinuxErrno) -> PageProtection {
        guard bits & ~(Self.protectionMask | Self.ignoredProtection) == 0 else { throw .EINVAL }
        return PageProtection(rawValue: UInt8(bits & Self.protectionMask))
    }

    /// A page-aligned guest range from an address and a length that is rounded up.
    private func pageRange(
        _ start: UInt64, _ length: UInt64, error: LinuxErrno
    ) throws(LinuxErrno) -> Range<GuestAddress> {
        guard start % guestPageSize == 0 else { throw .EINVAL }
        let size = length.pageRoundedUp
        guard size >= length, size <= ELFImage.addressLimit, start <= ELFImage.addressLimit - size else { throw error }
        return start..<start + size
    }

    private func owns(_ range: Range<GuestAddress>) -> Bool { process.addressSpace.withMap { $0.covers(range) } }

    /// Records a change and tells the engine when code in `range` is no longer what it was.
    private func record(_ range: Range<GuestAddress>, _ change: (inout VMAMap) -> Void) {
        let hadCode = process.addressSpace.withMap { map in
            let had = map.hasExecutable(in: range)
            change(&map)
            return had
        }
        if hadCode { process.engine?.invalidateCode(range) }
        process.log.write(
            .page, "page layout changed at \(Strace.pointer(range.lowerBound))+\(Strace.pointer(UInt64(range.count)))\n"
        )
    }

    func mmap(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let protection = try protection(a[2])
        let flags = Int32(truncatingIfNeeded: a[3])
        let isFixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0
        guard a[1] != 0 else { throw .EINVAL }
        let range = try pageRange(isFixed ? a[0] : 0, a[1], error: .ENOMEM)
        var hostFlags = flags & ~0x40  // MAP_32BIT is x86-64's alone
        if isFixed, flags & MAP_FIXED_NOREPLACE == 0 {
            try claim(range)
        } else if !isFixed {
            hostFlags &= ~MAP_GROWSDOWN
        }
        let start = try hostCall(
            CallNumber.mmap, a[0], a[1], UInt64(HostProtection.bits(protection)), UInt64(UInt32(bitPattern: hostFlags)),
            a[4], a[5])
        let mapped = start..<start &+ UInt64(range.count)
        let isShared = flags & 0xf == MAP_SHARED || flags & 0xf == 3
        if isShared { process.engine?.memoryBecomesShared() }
        record(mapped) { $0.insert(VMA(range: mapped, protection: protection, isShared: isShared)) }
        return start
    }

    /// Makes sure that nothing but guest memory and free space is in `range` before it is replaced.
    private func claim(_ range: Range<GuestAddress>) throws(LinuxErrno) {
        let gaps = process.addressSpace.withMap { $0.gaps(in: range) }
        var taken: [Range<GuestAddress>] = []
        for gap in gaps {
            do throws(LinuxErrno) {
                let flags = UInt64(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE)
                try hostCall(CallNumber.mmap, gap.lowerBound, UInt64(gap.count), UInt64(PROT_NONE), flags, .max)
                taken.append(gap)
            } catch {
                for range in taken { _ = try? hostCall(CallNumber.munmap, range.lowerBound, UInt64(range.count)) }
                throw error == .EEXIST ? .ENOMEM : error
            }
        }
    }

    func munmap(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let range = try pageRange(a[0], a[1], error: .EINVAL)
        guard !range.isEmpty else { throw .EINVAL }
        let parts = process.addressSpace.withMap { $0.areas(overlapping: range).map { $0.range.clamped(to: range) } }
        for part in parts {
            try hostCall(CallNumber.munmap, part.lowerBound, UInt64(part.count))
            record(part) { $0.remove(part) }
        }
        return 0
    }

    func mprotect(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // PROT_GROWSDOWN: the guest's stack has its full size from the start.
        let protection = try protection(a[2] & ~0x0300_0000)
        let range = try pageRange(a[0], a[1], error: .ENOMEM)
        if range.isEmpty { return 0 }
        guard owns(range) else { throw .ENOMEM }
        try hostCall(
            CallNumber.mprotect, range.lowerBound, UInt64(range.count), UInt64(HostProtection.bits(protection)))
        // Code that stays executable is the same code: no page write-protection is needed on Arm, so none is tracked.
        let hadCode = process.addressSpace.withMap { map in
            let had = map.hasExecutable(in: range)
            map.protect(range, protection)
            return had
        }
        if hadCode, !protection.contains(.execute) { process.engine?.invalidateCode(range) }
        return 0
    }

    func mremap(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = a[3]
        let old = try pageRange(a[0], a[1], error: .EINVAL)
        let newSize = a[2].pageRoundedUp
        guard newSize != 0, newSize >= a[2], newSize <= ELFImage.addressLimit else { throw .EINVAL }
        // An empty old range duplicates a shared mapping; the rest must lie in one guest mapping.
        let source = process.addressSpace.withMap { $0.area(at: old.lowerBound) }
        guard let source, owns(old) else { throw .EFAULT }
        if flags & 2 != 0 {  // MREMAP_FIXED
            try claim(try pageRange(a[4], newSize, error: .EINVAL))
        }
        let start = try hostCall(CallNumber.mremap, a[0], a[1], a[2], flags, a[4])
        let new = start..<start &+ newSize
        let keepsOld = old.isEmpty || flags & 4 != 0  // MREMAP_DONTUNMAP
        if start == old.lowerBound, newSize >= UInt64(old.count) {
            // Grown in place: what was there is untouched.
            record(old.upperBound..<new.upperBound) {
                $0.insert(
                    VMA(range: new, protection: source.protection, isShared: source.isShared, label: source.label))
            }
            return start
        }
        if !keepsOld { record(old) { $0.remove(old) } }
        record(new) { $0.insert(VMA(range: new, protection: source.protection, isShared: source.isShared)) }
        return start
    }

    func madvise(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // MADV_DONTNEED and others empty pages of code, too.
        let result = try ownedRangeCall(CallNumber.madvise, a)
        let range = try pageRange(a[0], a[1], error: .EINVAL)
        if a.int(2) == MADV_DONTNEED || a.int(2) == MADV_FREE || a.int(2) == MADV_REMOVE { record(range) { _ in } }
        return result
    }

    /// A host call on `[x0, x0 + x1)` that must not reach the emulator's own memory.
    func ownedRangeCall(_ number: UInt32, _ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let range = try pageRange(a[0].pageRoundedDown, a[1] &+ a[0] % guestPageSize, error: .ENOMEM)
        guard owns(range) else { throw .ENOMEM }
        return try interruptible(number, a[0], a[1], a[2], a[3], a[4], a[5])
    }

    /// Returns the new break, or the old one when it cannot move: brk knows no errno.
    func brk(_ a: SyscallArguments) -> UInt64 {
        process.lock.withLock {
            let state = process.programBreak
            let wanted = a[0]
            guard wanted >= state.start, wanted < ELFImage.addressLimit - guestPageSize else { return state.current }
            let oldEnd = state.current.pageRoundedUp
            let newEnd = wanted.pageRoundedUp
            do throws(LinuxErrno) {
                if newEnd > oldEnd {
                    try growBreak(oldEnd..<newEnd)
                } else if newEnd < oldEnd {
                    try hostCall(CallNumber.munmap, newEnd, oldEnd - newEnd)
                    process.addressSpace.withMap { $0.remove(newEnd..<oldEnd) }
                }
            } catch {
                return state.current
            }
            process.programBreak.current = wanted
            return wanted
        }
    }

    private func growBreak(_ range: Range<GuestAddress>) throws(LinuxErrno) {
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
        if a[1] != 0 {
            let start = flags & 0o20000 != 0 ? a[1].pageRoundedDown : a[1]  // SHM_RND
            if flags & 0o40000 != 0 {  // SHM_REMAP
                try claim(try pageRange(start, size, error: .EINVAL))
            }
        } else {
            hostFlags &= ~0o40000
        }
        process.engine?.memoryBecomesShared()
        let start = try hostCall(CallNumber.shmat, a[0], a[1], UInt64(UInt32(bitPattern: hostFlags)))
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
