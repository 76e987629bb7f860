internal import CHost
internal import Glibc

/// Rows of calls about time, System V IPC, the system and its keys.
extension SyscallTable.Builder {
    mutating func addMiscellaneous() {
        host(101, "nanosleep", "tp")
        host(102, "getitimer", "dp")
        host(103, "setitimer", "dpp")
        host(107, "timer_create", "Cpp")
        host(108, "timer_gettime", "dp")
        host(109, "timer_getoverrun", "d")
        host(110, "timer_settime", "dxpp")
        host(111, "timer_delete", "d")
        host(112, "clock_settime", "Cp")
        emulate(113, "clock_gettime", "Cp") { t, a throws(LinuxErrno) in try t.clockGettime(a) }
        host(114, "clock_getres", "Cp")
        host(115, "clock_nanosleep", "Cxtp")
        host(116, "syslog", "dpd")
        host(142, "reboot", "xxdp")
        emulate(160, "uname", "p") { t, a throws(LinuxErrno) in try t.uname(a) }
        host(161, "sethostname", "sl")
        host(162, "setdomainname", "sl")
        emulate(169, "gettimeofday", "pp") { t, a throws(LinuxErrno) in try t.gettimeofday(a) }
        host(170, "settimeofday", "pp")
        host(171, "adjtimex", "p")
        host(179, "sysinfo", "p")
        host(186, "msgget", "dx")
        host(187, "msgctl", "ddp")
        host(188, "msgrcv", "dpllx")
        host(189, "msgsnd", "dplx")
        host(190, "semget", "ddx")
        emulate(191, "semctl", "dddp") { t, a throws(LinuxErrno) in try t.semctl(a) }
        host(192, "semtimedop", "dplp")
        host(193, "semop", "dpl")
        host(194, "shmget", "dlx")
        host(195, "shmctl", "ddp")
        host(217, "add_key", "sspld")
        host(218, "request_key", "sssd")
        host(219, "keyctl", "dpppp")
        host(224, "swapon", "sx")
        host(225, "swapoff", "s")
        host(266, "clock_adjtime", "Cp")
        host(278, "getrandom", "plx")
    }
}

extension LinuxThread {
    func clockGettime(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        // Through libc and so the host's vDSO: guests ask often.
        var time = timespec()
        if VirtualTime.isOn, let virtual = VirtualTime.read(clock: a.int(0)) {
            time = timespec(nanoseconds: virtual)
        } else {
            guard clock_gettime(a.int(0), &time) == 0 else { throw .last }
        }
        var record = GuestRecord(size: 16)
        record[0, as: Int64.self] = Int64(time.tv_sec)
        record[8, as: Int64.self] = Int64(time.tv_nsec)
        try UserMemory.write(record.bytes, to: a[1])
        return 0
    }

    func gettimeofday(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        if a[0] != 0 {
            var time = timeval()
            if VirtualTime.isOn, let virtual = VirtualTime.read(clock: CLOCK_REALTIME) {
                time = timeval(tv_sec: Int(virtual / 1_000_000_000), tv_usec: Int(virtual % 1_000_000_000 / 1000))
            } else {
                guard Glibc.gettimeofday(&time, nil) == 0 else { throw .last }
            }
            var record = GuestRecord(size: 16)
            record[0, as: Int64.self] = Int64(time.tv_sec)
            record[8, as: Int64.self] = Int64(time.tv_usec)
            try UserMemory.write(record.bytes, to: a[0])
        }
        // struct timezone: the kernel's, which is zero on any system that keeps UTC.
        if a[1] != 0 { try UserMemory.write(UInt64(0), to: a[1]) }
        return 0
    }

    /// The host's answer with the guest's machine and, with `-r`, release. Six fields of 65 bytes.
    func uname(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        var names = GuestRecord(size: 6 * 65)
        _ = try names.withMutableAddress { (buffer) throws(LinuxErrno) in try hostCall(160, buffer) }
        func set(_ field: Int, _ text: some Collection<UInt8>) {
            let padded = Array(text.prefix(64)) + [UInt8](repeating: 0, count: max(1, 65 - text.count))
            for index in 0..<65 { names[field * 65 + index, as: UInt8.self] = padded[index] }
        }
        if let release = process.configuration.unameRelease { set(2, release) }
        set(4, "aarch64".utf8)
        try UserMemory.write(names.bytes, to: a[0])
        return 0
    }

    /// `struct semid64_ds` has two words on x86-64 that `asm-generic` has not; the other commands are the same.
    func semctl(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let command = a.int(2) & ~0x100  // IPC_64
        #if arch(x86_64)
            switch command {
            case 2, 18, 20:  // IPC_STAT, SEM_STAT, SEM_STAT_ANY
                var host = GuestRecord(size: 104)
                let result = try host.withMutableAddress { (buffer) throws(LinuxErrno) in
                    try hostCall(191, a[0], a[1], UInt64(command), buffer)
                }
                // ipc64_perm (48 bytes), sem_otime, [unused], sem_ctime, [unused], sem_nsems
                var guest = GuestRecord(Array(host.bytes.prefix(56)) + [UInt8](repeating: 0, count: 32))
                guest[56, as: UInt64.self] = host[64, as: UInt64.self]
                guest[64, as: UInt64.self] = host[80, as: UInt64.self]
                try UserMemory.write(guest.bytes, to: a[3])
                return result
            case 1:  // IPC_SET reads ipc64_perm only
                let guest = GuestRecord(try UserMemory.readBytes(a[3], count: 56) + [UInt8](repeating: 0, count: 48))
                return try withHostBuffer(guest) { (buffer) throws(LinuxErrno) in
                    try hostCall(191, a[0], a[1], UInt64(command), buffer)
                }
            default:
                break
            }
        #endif
        return try hostCall(191, a[0], a[1], UInt64(UInt32(bitPattern: command)), a[3])
    }
}
