internal import CHost
internal import Glibc

extension LinuxThread {
    /// A call whose second argument is a path looked up under the sysroot first and whose other arguments need nothing.
    /// - Parameter follows: whether the call follows a last symbolic link.
    func pathCall(_ number: UInt32, _ a: SyscallArguments, follows: Bool = true) throws(LinuxErrno) -> UInt64 {
        try interruptible(number, a[0], resolvedPath(a[1], follows: follows, in: a[0]), a[2], a[3], a[4], a[5])
    }

    /// As `pathCall`, with AT_SYMLINK_NOFOLLOW in argument `flags`.
    func pathCall(_ number: UInt32, _ a: SyscallArguments, flags: Int) throws(LinuxErrno) -> UInt64 {
        try pathCall(number, a, follows: a.int(flags) & AT_SYMLINK_NOFOLLOW == 0)
    }

    /// getxattr and friends, whose first argument is the path.
    func getxattr(_ number: UInt32, _ a: SyscallArguments, follows: Bool) throws(LinuxErrno) -> UInt64 {
        try interruptible(number, resolvedPath(a[0], follows: follows), a[1], a[2], a[3])
    }

    func statfs(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try interruptible(CallNumber.statfs, resolvedPath(a[0]), a[1])
    }

    func openat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let flags = OpenFlags.toHost(UInt32(truncatingIfNeeded: a[2]))
        if let emulated = try openEmulated(a[0], a[1], flags: flags) { return emulated }
        let path = try resolvedPath(a[1], follows: OpenFlags.followsLast(flags), in: a[0])
        let descriptor = try interruptible(CallNumber.openat, a[0], path, UInt64(flags), a[3])
        lastOpened = Int32(truncatingIfNeeded: descriptor)
        return descriptor
    }

    /// struct open_how: flags, mode, resolve.
    func openat2(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        guard a[3] >= 24 else { throw .EINVAL }
        guard a[3] <= 4096 else { throw .E2BIG }
        var how = GuestRecord(try UserMemory.readBytes(a[2], count: Int(a[3])))
        let guestFlags = how[0, as: UInt64.self]
        let flags = OpenFlags.toHost(UInt32(truncatingIfNeeded: guestFlags))
        how[0, as: UInt64.self] = guestFlags & ~0xffff_ffff | UInt64(flags)
        var path = a[1]
        // RESOLVE_BENEATH and RESOLVE_IN_ROOT: the path belongs to the descriptor, not to our prefix.
        if how[16, as: UInt64.self] & 0x18 == 0 {
            if let emulated = try openEmulated(a[0], a[1], flags: flags) { return emulated }
            path = try resolvedPath(a[1], follows: OpenFlags.followsLast(flags), in: a[0])
        }
        return try withHostBuffer(how) { (buffer) throws(LinuxErrno) in
            try interruptible(CallNumber.openat2, a[0], path, buffer, a[3])
        }
    }

    func openByHandle(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try interruptible(265, a[0], a[1], UInt64(OpenFlags.toHost(UInt32(truncatingIfNeeded: a[2]))))
    }

    func fanotifyInit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try interruptible(262, a[0], UInt64(OpenFlags.toHost(UInt32(truncatingIfNeeded: a[1]))))
    }

    func pipe2(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try interruptible(CallNumber.pipe2, a[0], UInt64(OpenFlags.toHost(UInt32(truncatingIfNeeded: a[1]))))
    }

    func newfstatat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        var host = stat()
        let path = try resolvedPath(a[1], follows: a.int(3) & AT_SYMLINK_NOFOLLOW == 0, in: a[0])
        _ = try withUnsafeMutableBytes(of: &host) { (buffer) throws(LinuxErrno) in
            try interruptible(CallNumber.newfstatat, a[0], path, address(buffer.baseAddress), a[3])
        }
        try UserMemory.write(GuestStat.record(host).bytes, to: a[2])
        return 0
    }

    func fstat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        var host = stat()
        _ = try withUnsafeMutableBytes(of: &host) { (buffer) throws(LinuxErrno) in
            try interruptible(CallNumber.fstat, a[0], address(buffer.baseAddress))
        }
        try UserMemory.write(GuestStat.record(host).bytes, to: a[1])
        return 0
    }

    func readlinkat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        if emulatedFile(a[0], a[1]) == .executable {
            guard a.int(3) > 0 else { throw .EINVAL }
            // Cut without an error and without a NUL, as readlink does.
            let path = Array(process.executablePath.prefix(Int(a.int(3))))
            try UserMemory.write(path, to: a[2])
            return UInt64(path.count)
        }
        return try interruptible(CallNumber.readlinkat, a[0], resolvedPath(a[1], follows: false), a[2], a[3])
    }

    // MARK: waiting

    func epollControl(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // EPOLL_CTL_DEL takes no event, and the kernel does not look at one.
        if a.int(1) == 2 { return try interruptible(CallNumber.epollCtl, a[0], a[1], a[2], 0) }
        let event = GuestRecord(try UserMemory.readBytes(a[3], count: GuestEpollEvent.size))
        return try withHostBuffer(GuestEpollEvent.toHost(event)) { (buffer) throws(LinuxErrno) in
            try interruptible(CallNumber.epollCtl, a[0], a[1], a[2], buffer)
        }
    }

    func epollWait(_ number: UInt32, _ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let limit = Int(a.int(2))
        guard limit > 0, limit <= Int(Int32.max) / GuestEpollEvent.size else { throw .EINVAL }
        // The kernel hands out what fits; a guest that asks for millions gets thousands at a time.
        let count = min(limit, 4096)
        let mask = try temporaryMaskArgument(a[4], size: a[5])
        var events = GuestRecord(size: count * GuestEpollEvent.hostSize)
        let ready = try events.withMutableAddress { (buffer) throws(LinuxErrno) in
            try withTemporaryMask(mask) { (maskAddress) throws(LinuxErrno) in
                try interruptible(number, a[0], buffer, UInt64(count), a[3], maskAddress, 8)
            }
        }
        try UserMemory.write(GuestEpollEvent.toGuest(events, count: Int(ready)).bytes, to: a[1])
        return ready
    }

    func ppoll(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // The time first, as in the kernel: it decides between EFAULT and EINVAL.
        if a[2] != 0 { _ = try UserMemory.readBytes(a[2], count: 16) }
        let mask = try temporaryMaskArgument(a[3], size: a[4])
        return try withTemporaryMask(mask) { (maskAddress) throws(LinuxErrno) in
            try interruptible(CallNumber.ppoll, a[0], a[1], a[2], maskAddress, 8)
        }
    }

    func pselect(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try withMaskPair(a[5]) { (pair) throws(LinuxErrno) in
            try interruptible(CallNumber.pselect6, a[0], a[1], a[2], a[3], a[4], pair)
        }
    }

    func ioPGetEvents(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try withMaskPair(a[5]) { (pair) throws(LinuxErrno) in
            try interruptible(CallNumber.ioPgetevents, a[0], a[1], a[2], a[3], a[4], pair)
        }
    }

    /// A mask given as the address of {address of the set, its size}; NULL is no mask.
    private func withMaskPair(
        _ address: UInt64, _ body: (UInt64) throws(LinuxErrno) -> UInt64
    ) throws(LinuxErrno) -> UInt64 {
        var mask: SignalSet?
        if address != 0 {
            let set = try UserMemory.read(address, as: UInt64.self)
            let size = try UserMemory.read(address &+ 8, as: UInt64.self)
            mask = try temporaryMaskArgument(set, size: size)
        }
        return try withTemporaryMask(mask) { (maskAddress) throws(LinuxErrno) in
            var pair = GuestRecord(size: 16)
            pair[0, as: UInt64.self] = maskAddress
            pair[8, as: UInt64.self] = 8
            return try withHostBuffer(pair, body)
        }
    }

    private func temporaryMaskArgument(_ set: UInt64, size: UInt64) throws(LinuxErrno) -> SignalSet? {
        if set == 0 { return nil }
        guard size == 8 else { throw .EINVAL }
        return SignalSet(bits: try UserMemory.read(set)).subtracting(Signal.unblockable)
    }

    /// Makes `mask` the one under which signals of this call are delivered, and hands `body` the host's copy of it.
    func withTemporaryMask(
        _ mask: SignalSet?, _ body: (UInt64) throws(LinuxErrno) -> UInt64
    ) throws(LinuxErrno) -> UInt64 {
        guard let mask else { return try body(0) }
        temporaryMask = mask
        nt_signals_set_closed(signalState, mask.bits)
        var record = GuestRecord(size: 8)
        record[0, as: UInt64.self] = mask.subtracting(Signal.fault).bits
        return try withHostBuffer(record, body)
    }
}

extension GuestRecord {
    /// The address of the bytes for the duration of `body`, for the host kernel to write to.
    mutating func withMutableAddress(
        _ body: (UInt64) throws(LinuxErrno) -> UInt64
    ) throws(LinuxErrno) -> UInt64 {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        defer { copy.deallocate() }
        bytes.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count) }
        let result = try body(address(copy))
        self = GuestRecord(Array(UnsafeRawBufferPointer(start: copy, count: bytes.count)))
        return result
    }
}

/// The address of a copy of `record` for the duration of `body`.
func withHostBuffer(
    _ record: GuestRecord, _ body: (UInt64) throws(LinuxErrno) -> UInt64
) throws(LinuxErrno) -> UInt64 {
    var copy = record
    return try copy.withMutableAddress(body)
}
