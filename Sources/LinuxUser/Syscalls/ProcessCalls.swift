internal import CHost
internal import Glibc
internal import GuestState

extension LinuxThread {
    func exit(_ a: SyscallArguments) -> UInt64 {
        tellVforkParent()
        // Counted here and not when the host thread ends, so that of several that exit at once exactly one is the last.
        let isLast = process.lock.withLock {
            process.liveThreads -= 1
            return process.liveThreads == 0
        }
        pendingAction = isLast ? .exit(status: a.int(0) & 0xff) : .exitThread
        return 0
    }

    func exitGroup(_ a: SyscallArguments) -> UInt64 {
        tellVforkParent()
        pendingAction = .exit(status: a.int(0) & 0xff)
        return 0
    }

    private func tellVforkParent() {
        guard vforkParent >= 0 else { return }
        VforkLink.childEnds(vforkParent)
        vforkParent = -1
    }

    func setTIDAddress(_ a: SyscallArguments) -> UInt64 {
        clearChildTID = a[0]
        return UInt64(UInt32(bitPattern: tid))
    }

    // MARK: limits and prctl

    /// Limits on the address space would hit the emulator, not the guest: accepted and not set, as under QEMU.
    private static func isAddressSpaceLimit(_ resource: Int32) -> Bool { [2, 3, 9].contains(resource) }

    func setrlimit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        if Self.isAddressSpaceLimit(a.int(0)) {
            _ = try UserMemory.readBytes(a[1], count: 16)
            return 0
        }
        return try interruptible(164, a[0], a[1])
    }

    func prlimit(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let isSetting = a[2] != 0 && Self.isAddressSpaceLimit(a.int(1))
        if isSetting { _ = try UserMemory.readBytes(a[2], count: 16) }
        return try interruptible(CallNumber.prlimit64, a[0], a[1], isSetting ? 0 : a[2], a[3])
    }

    /// Options whose meaning does not depend on the processor or on the emulator's memory.
    private static let hostPrctlOptions: Set<Int32> = [
        1, 2,  // PDEATHSIG
        3, 4,  // DUMPABLE
        7, 8,  // KEEPCAPS
        15, 16,  // NAME
        23, 24,  // CAPBSET
        27, 28,  // SECUREBITS
        29, 30,  // TIMERSLACK
        36, 37,  // CHILD_SUBREAPER
        38, 39,  // NO_NEW_PRIVS
        41, 42,  // THP_DISABLE
        47,  // CAP_AMBIENT
        0x5961_6d61,  // PTRACER
    ]

    func prctl(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let option = a.int(0)
        if option == 40 {  // PR_GET_TID_ADDRESS
            try UserMemory.write(clearChildTID, to: a[1])
            return 0
        }
        if let result = try PointerAuthenticationKeys.prctl(option, a, self) { return result }
        guard Self.hostPrctlOptions.contains(option) else { throw .EINVAL }
        return try interruptible(CallNumber.prctl, a[0], a[1], a[2], a[3], a[4])
    }
}
