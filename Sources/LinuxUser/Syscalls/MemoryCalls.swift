internal import CHost
internal import Glibc
internal import GuestMemory

/// Rows of calls about the address space.
extension SyscallTable.Builder {
    mutating func addMemory() {
        layout(196, "shmat", "dpx>p") { t, a throws(LinuxErrno) in try t.shmat(a) }
        layout(197, "shmdt", "p") { t, a throws(LinuxErrno) in try t.shmdt(a) }
        layout(214, "brk", "p>p") { t, a throws(LinuxErrno) in t.brk(a) }
        layout(215, "munmap", "pl") { t, a throws(LinuxErrno) in try t.munmap(a) }
        layout(216, "mremap", "pllxp>p") { t, a throws(LinuxErrno) in try t.mremap(a) }
        layout(222, "mmap", "plPMdl>p") { t, a throws(LinuxErrno) in try t.mmap(a) }
        layout(226, "mprotect", "plP") { t, a throws(LinuxErrno) in try t.mprotect(a) }
        emulate(227, "msync", "plx") { t, a throws(LinuxErrno) in try t.alignedRangeCall(227, a) }
        emulate(228, "mlock", "pl") { t, a throws(LinuxErrno) in try t.ownedRangeCall(228, a) }
        emulate(229, "munlock", "pl") { t, a throws(LinuxErrno) in try t.ownedRangeCall(229, a) }
        // The emulator's own memory is not the guest's to lock.
        emulate(230, "mlockall", "x") { _, a throws(LinuxErrno) in
            // MCL_CURRENT, MCL_FUTURE and MCL_ONFAULT, the last not alone.
            guard a[0] & 3 != 0, a[0] & ~7 == 0 else { throw .EINVAL }
            return 0
        }
        emulate(231, "munlockall", "") { _, _ throws(LinuxErrno) in 0 }
        emulate(232, "mincore", "plp") { t, a throws(LinuxErrno) in try t.alignedRangeCall(232, a) }
        layout(233, "madvise", "pld") { t, a throws(LinuxErrno) in try t.madvise(a) }
        refuse(234, "remap_file_pages", "plPlx", "deprecated in Linux")
        emulate(235, "mbind", "pldplx") { t, a throws(LinuxErrno) in try t.alignedRangeCall(235, a) }
        host(236, "get_mempolicy", "pplpx")
        host(237, "set_mempolicy", "dpl")
        host(238, "migrate_pages", "dlpp")
        host(239, "move_pages", "dlpppx")
        emulate(284, "mlock2", "plx") { t, a throws(LinuxErrno) in try t.ownedRangeCall(284, a) }
        refuse(282, "userfaultfd", "x", "faults of guest memory belong to the emulator")
        layout(288, "pkey_mprotect", "plPd") { t, a throws(LinuxErrno) in
            guard a.int(3) == -1 else { throw .EINVAL }
            return try t.mprotect(a)
        }
        refuse(289, "pkey_alloc", "xx", "no protection keys in this guest processor")
        refuse(290, "pkey_free", "d", "no protection keys in this guest processor")
        host(440, "process_madvise", "dpldx")
        host(447, "memfd_secret", "x")
        host(448, "process_mrelease", "dx")
        emulate(450, "set_mempolicy_home_node", "pldx") { t, a throws(LinuxErrno) in try t.alignedRangeCall(450, a) }
        refuse(453, "map_shadow_stack", "plx", "no guarded control stack in this guest processor")
        refuse(462, "mseal", "plx", "not in the reference kernel")
    }

    /// A call that changes mappings: with the layout lock held.
    private mutating func layout(
        _ number: Int, _ name: StaticString, _ signature: StaticString, _ handler: @escaping SyscallHandler
    ) {
        emulate(number, name, signature) { t, a throws(LinuxErrno) in
            try t.process.addressSpace.layoutLock.withLock { () throws(LinuxErrno) in try handler(t, a) }
        }
    }
}

extension LinuxThread {
    /// Bits of mmap's flags that are the host architecture's alone: MAP_32BIT and MAP_ABOVE4G of x86-64.
    private static let foreignMapFlags: Int32 = 0x40 | 0x80

    /// A page-aligned guest range from an address and a length that is rounded up.
    func pageRange(
        _ start: UInt64, _ length: UInt64, error: LinuxErrno
    ) throws(LinuxErrno) -> Range<GuestAddress> {
        guard start % guestPageSize == 0 else { throw .EINVAL }
        let size = length.pageRoundedUp
        guard size >= length, size <= ELFImage.addressLimit, start <= ELFImage.addressLimit - size else { throw error }
        return start..<start + size
    }

    /// Records a change and tells the engine when code in `range` is no longer what it was, or is code only now: that there was
    /// none may have been translated, too.
    func record(_ range: Range<GuestAddress>, _ change: (inout VMAMap) -> Void) {
        let isCode = process.addressSpace.withMap { map in
            let had = map.hasExecutable(in: range)
            change(&map)
            return had || map.hasExecutable(in: range)
        }
        if isCode { process.engine?.invalidateCode(range) }
        process.log.write(
            .page, "page layout changed at \(Strace.pointer(range.lowerBound))+\(Strace.pointer(UInt64(range.count)))\n"
        )
    }

    /// From the bits of mmap and mprotect.
    private func protection(_ bits: UInt64) -> PageProtection {
        var protection = PageProtection(rawValue: UInt8(truncatingIfNeeded: bits & 7))
        if bits & 0x10 != 0, process.configuration.hasBranchTargets {  // PROT_BTI
            process.engine?.pagesBecomeGuarded()
            protection.insert(.guarded)
        }
        return protection
    }

    func mmap(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = Int32(truncatingIfNeeded: a[3])
        let replaces = flags & MAP_FIXED != 0 && flags & MAP_FIXED_NOREPLACE == 0
        let isFixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0
        guard a[5] % guestPageSize == 0, a[1] != 0 else { throw .EINVAL }
        let range = try pageRange(isFixed ? a[0] : 0, a[1], error: .ENOMEM)
        // Bits that mprotect knows no meaning for mean nothing to mmap.
        let protection = protection(a[2])
        let isShared = flags & 0xf == MAP_SHARED || flags & 0xf == 3
        try process.memoryLimits.check(
            adding: UInt64(range.count), replacing: replaces ? range : nil,
            isData: !isShared && protection.contains(.write), in: process.addressSpace)
        let claimed = replaces ? try claim(range) : []
        // A stack that grows would grow behind the record's back.
        let hostFlags = flags & ~(Self.foreignMapFlags | MAP_GROWSDOWN)
        // A host with 57-bit addresses would take a high hint by its word.
        var place = isFixed || a[0] < ELFImage.addressLimit ? a[0] : 0
        if a[0] == 0, !isFixed, !isShared { place = placeOfImage(a, flags, length: UInt64(range.count)) }
        let start: UInt64
        do throws(LinuxErrno) {
            start = try hostCall(
                CallNumber.mmap, place, a[1], UInt64(HostProtection.bits(protection)),
                UInt64(UInt32(bitPattern: hostFlags)), a[4], a[5])
        } catch {
            release(claimed)
            throw error
        }
        let mapped = start..<start &+ UInt64(range.count)
        if isShared { process.engine?.memoryBecomesShared() }
        let image = isShared || flags & MAP_ANONYMOUS != 0 ? 0 : imageNumber(a, protection, start: start)
        record(mapped) { $0.insert(VMA(range: mapped, protection: protection, isShared: isShared, image: image)) }
        return start
    }

    /// A file with code has a place of its own, so that what is known of the code stays true. Dynamic linkers map a file as a whole
    /// first; where it must be aligned, they reserve memory and have the file open.
    /// - Returns: a hint for the kernel; 0 none.
    private func placeOfImage(_ a: SyscallArguments, _ flags: Int32, length: UInt64) -> UInt64 {
        let descriptor: Int32
        if flags & MAP_ANONYMOUS == 0 {
            guard a[5] == 0 else { return 0 }
            descriptor = a.int(4)
        } else {
            guard a[2] == 0, flags & MAP_NORESERVE == 0, lastOpened >= 0 else { return 0 }
            descriptor = lastOpened
        }
        guard ELFImage.isELF(descriptor), let image = GuestImage(descriptor: descriptor, base: 0) else { return 0 }
        return image.preferredAddress(length: length)
    }

    /// For the record of a private mapping: which file's code it is, if it is where it is in each process.
    private func imageNumber(_ a: SyscallArguments, _ protection: PageProtection, start: UInt64) -> UInt32 {
        guard protection.contains(.execute), start < GuestImage.firstRandomAddress,
            let image = GuestImage(descriptor: a.int(4), base: start &- a[5])
        else { return 0 }
        return process.addressSpace.register(image)
    }

    /// Takes the free parts of a range that is about to be replaced, so that nothing but guest memory is in it.
    /// - Returns: what was free, for `release` when the replacement fails.
    /// - Throws: ENOMEM when some of it belongs to the emulator.
    func claim(_ range: Range<GuestAddress>) throws(LinuxErrno) -> [Range<GuestAddress>] {
        let gaps = process.addressSpace.withMap { $0.gaps(in: range) }
        var taken: [Range<GuestAddress>] = []
        for gap in gaps {
            do throws(LinuxErrno) {
                let flags = UInt64(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE)
                try hostCall(CallNumber.mmap, gap.lowerBound, UInt64(gap.count), UInt64(PROT_NONE), flags, .max)
                taken.append(gap)
            } catch {
                release(taken)
                throw error == .EEXIST ? .ENOMEM : error
            }
        }
        return taken
    }

    func release(_ claimed: [Range<GuestAddress>]) {
        for range in claimed { _ = try? hostCall(CallNumber.munmap, range.lowerBound, UInt64(range.count)) }
    }

    func munmap(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let range = try pageRange(a[0], a[1], error: .EINVAL)
        guard !range.isEmpty else { throw .EINVAL }
        for part in ownedParts(of: range) {
            try hostCall(CallNumber.munmap, part.lowerBound, UInt64(part.count))
            record(part) { $0.remove(part) }
        }
        return 0
    }

    private func ownedParts(of range: Range<GuestAddress>) -> [Range<GuestAddress>] {
        process.addressSpace.withMap { $0.areas(overlapping: range).map { $0.range.clamped(to: range) } }
    }

    func mprotect(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // PROT_GROWSDOWN and PROT_GROWSUP: the guest's stack has its full size from the start.
        let growth = a[2] & 0x0300_0000
        guard growth != 0x0300_0000 else { throw .EINVAL }
        let range = try pageRange(a[0], a[1], error: .ENOMEM)
        if range.isEmpty { return 0 }
        let bits = a[2] & ~growth
        // PROT_SEM is known and means nothing.
        guard bits & ~(process.configuration.hasBranchTargets ? 0x1f : 0xf) == 0 else { throw .EINVAL }
        let protection = protection(bits)
        // As in Linux, what lies before a hole is changed.
        var at = range.lowerBound
        for part in ownedParts(of: range) {
            guard part.lowerBound == at else { break }
            try protect(part, protection)
            at = part.upperBound
        }
        guard at == range.upperBound else { throw .ENOMEM }
        return 0
    }

    /// - Parameter range: of one protection so far.
    private func protect(_ range: Range<GuestAddress>, _ protection: PageProtection) throws(LinuxErrno) {
        try hostCall(
            CallNumber.mprotect, range.lowerBound, UInt64(range.count), UInt64(HostProtection.bits(protection)))
        // Code that stays executable is the same code: no page write-protection is needed on Arm, so none is tracked.
        let before = process.addressSpace.withMap { map in
            let before = map.area(at: range.lowerBound)?.protection ?? []
            map.protect(range, protection)
            return before
        }
        if before.symmetricDifference(protection).isDisjoint(with: [.execute, .guarded]) { return }
        process.engine?.invalidateCode(range)
    }

    // MARK: Advice

    private enum Advice {
        static let dontFork: Int32 = 10
        static let doFork: Int32 = 11
        static let wipeOnFork: Int32 = 18
        static let keepOnFork: Int32 = 19
        /// DONTNEED, FREE, REMOVE, DONTNEED_LOCKED, GUARD_INSTALL: pages change or go away.
        static let emptying: Set<Int32> = [4, 8, 9, 24, 102]
        /// HWPOISON and SOFT_OFFLINE take memory from the whole host.
        static let privileged: Set<Int32> = [100, 101]
    }

    func madvise(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let advice = a.int(2)
        if Advice.privileged.contains(advice) { throw .EPERM }
        let range = try pageRange(a[0], a[1], error: .EINVAL)
        let parts = ownedParts(of: range)
        // The host says whether it knows the advice, without being given any memory.
        if parts.isEmpty { try hostCall(CallNumber.madvise, 0, 0, a[2]) }
        for part in parts {
            try hostCall(CallNumber.madvise, part.lowerBound, UInt64(part.count), a[2])
            switch advice {
            case Advice.dontFork: record(inheritance: .absent, part)
            case Advice.wipeOnFork: record(inheritance: .wiped, part)
            case Advice.doFork, Advice.keepOnFork: record(inheritance: .copied, part)
            case _ where Advice.emptying.contains(advice): record(part) { _ in }
            default: break
            }
        }
        guard parts.reduce(0, { $0 + $1.count }) == range.count else { throw .ENOMEM }
        return 0
    }

    private func record(inheritance: VMA.Inheritance, _ range: Range<GuestAddress>) {
        process.addressSpace.withMap { $0.setInheritance(range, inheritance) }
    }

    // MARK: Calls that change nothing we record

    /// As `ownedRangeCall`, for calls that want a page-aligned address.
    func alignedRangeCall(_ number: UInt32, _ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[0] % guestPageSize == 0 else { throw .EINVAL }
        return try ownedRangeCall(number, a)
    }

    /// A host call on `[x0, x0 + x1)` that must not reach the emulator's own memory.
    func ownedRangeCall(_ number: UInt32, _ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let offset = a[0] % guestPageSize
        guard a[1] <= UInt64.max - guestPageSize else { throw number == 228 || number == 229 ? .EINVAL : .ENOMEM }
        let range = try pageRange(a[0] - offset, a[1] + offset, error: .ENOMEM)
        guard process.addressSpace.withMap({ $0.covers(range) }) else { throw .ENOMEM }
        return try interruptible(number, a[0], a[1], a[2], a[3], a[4], a[5])
    }
}
