internal import CHost
internal import Glibc

/// Calls by which a guest could close, copy or see descriptors of the emulator itself. To the guest they do not exist.
extension LinuxThread {
    /// - Throws: EBADF for a descriptor of ours.
    private func checkOwner(_ descriptor: UInt64) throws(LinuxErrno) {
        if OwnDescriptors.shared.contains(Int32(truncatingIfNeeded: descriptor)) { throw .EBADF }
    }

    func close(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        if a.int(0) == lastOpened { lastOpened = -1 }
        try checkOwner(a[0])
        return try interruptible(CallNumber.close, a[0])
    }

    func dup(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try checkOwner(a[0])
        return try interruptible(23, a[0])
    }

    func dup3(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try checkOwner(a[0])
        if a.int(0) >= 0, a.int(0) != a.int(1) { try OwnDescriptors.shared.evacuate(a.int(1)) }
        return try interruptible(CallNumber.dup3, a[0], a[1], UInt64(OpenFlags.toHost(UInt32(truncatingIfNeeded: a[2]))))
    }

    func fcntl(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        try checkOwner(a[0])
        switch a.int(1) {
        case 3:  // F_GETFL
            let flags = try interruptible(CallNumber.fcntl, a[0], a[1])
            return UInt64(OpenFlags.toGuest(UInt32(truncatingIfNeeded: flags)))
        case 4:  // F_SETFL
            return try interruptible(
                CallNumber.fcntl, a[0], a[1], UInt64(OpenFlags.toHost(UInt32(truncatingIfNeeded: a[2]))))
        default:
            // Commands and struct flock are those of asm-generic on both sides.
            return try interruptible(CallNumber.fcntl, a[0], a[1], a[2])
        }
    }

    /// The range without our descriptors: as many host calls as there are pieces.
    func closeRange(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let first = UInt64(UInt32(truncatingIfNeeded: a[0]))
        let last = UInt64(UInt32(truncatingIfNeeded: a[1]))
        let own = OwnDescriptors.shared.all.map(UInt64.init).filter { first <= $0 && $0 <= last }
        var result: UInt64?
        var start = first
        for descriptor in own {
            if start < descriptor { result = try interruptible(436, start, descriptor - 1, a[2]) }
            start = descriptor + 1
        }
        if start <= last || own.isEmpty { result = try interruptible(436, start, last, a[2]) }
        return result ?? 0
    }

    /// Listings of `/proc/PID/fd` and `fdinfo` leave our descriptors out.
    func getdents64(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        while true {
            let count = try interruptible(61, a[0], a[1], a[2])
            let own = OwnDescriptors.shared.all
            guard count > 0, !own.isEmpty, listsOwnDescriptors(a.int(0)) else { return count }
            let names = Set(own.map { Array(String($0).utf8) })
            let filtered = DirectoryEntries.removing(names, from: try UserMemory.readBytes(a[1], count: Int(count)))
            // Nothing left is not the end of the directory.
            if filtered.isEmpty { continue }
            try UserMemory.write(filtered, to: a[1])
            return UInt64(filtered.count)
        }
    }

    private func listsOwnDescriptors(_ descriptor: Int32) -> Bool {
        let path: [UInt8]? = (try? readLink(Array("/proc/thread-self/fd/\(descriptor)".utf8))).flatMap { $0 }
        guard let path, path.starts(with: Array("/proc/\(getpid())/".utf8)) else { return false }
        return path.suffix(3).elementsEqual("/fd".utf8) || path.suffix(7).elementsEqual("/fdinfo".utf8)
    }
}

/// `struct linux_dirent64`: inode (8), offset (8), record length (2), type (1), name with NUL, padding.
enum DirectoryEntries {
    static func removing(_ names: Set<[UInt8]>, from records: [UInt8]) -> [UInt8] {
        let record = GuestRecord(records)
        var result: [UInt8] = []
        var at = 0
        while at + 19 <= records.count {
            let length = Int(record[at + 16, as: UInt16.self])
            guard length >= 19, at + length <= records.count else { break }
            let name = Array(records[(at + 19)..<(at + length)].prefix { $0 != 0 })
            if !names.contains(name) { result += records[at..<(at + length)] }
            at += length
        }
        return result
    }
}
