/// Open flags of the host as octal constants (Glibc's import has several of them only as computed values).
enum HostOpenFlags {
    #if arch(x86_64)
        static let direct: UInt32 = 0o40000
        static let largeFile: UInt32 = 0o100000
        static let directory: UInt32 = 0o200000
        static let noFollow: UInt32 = 0o400000
    #else
        static let direct = GuestOpenFlags.direct
        static let largeFile = GuestOpenFlags.largeFile
        static let directory = GuestOpenFlags.directory
        static let noFollow = GuestOpenFlags.noFollow
    #endif
    static let closeOnExec: UInt32 = 0o2000000
    static let nonBlocking: UInt32 = 0o4000
}

/// The four open flags whose bits arm64 has elsewhere than `asm-generic/fcntl.h` (which x86-64 uses).
enum GuestOpenFlags {
    static let directory: UInt32 = 0o40000
    static let noFollow: UInt32 = 0o100000
    static let direct: UInt32 = 0o200000
    static let largeFile: UInt32 = 0o400000
}

enum OpenFlags {
    private static let pairs: [(guest: UInt32, host: UInt32)] = [
        (GuestOpenFlags.directory, HostOpenFlags.directory),
        (GuestOpenFlags.noFollow, HostOpenFlags.noFollow),
        (GuestOpenFlags.direct, HostOpenFlags.direct),
        (GuestOpenFlags.largeFile, HostOpenFlags.largeFile),
    ]
    private static let differing: UInt32 = pairs.reduce(0) { $0 | $1.guest | $1.host }

    static func toHost(_ guest: UInt32) -> UInt32 {
        pairs.reduce(guest & ~differing) { $1.guest & guest != 0 ? $0 | $1.host : $0 }
    }
    static func toGuest(_ host: UInt32) -> UInt32 {
        pairs.reduce(host & ~differing) { $1.host & host != 0 ? $0 | $1.guest : $0 }
    }

    /// Whether open with these host flags follows a last symbolic link.
    static func followsLast(_ host: UInt32) -> Bool {
        let creates: UInt32 = 0o100 | 0o200  // O_CREAT | O_EXCL
        return host & HostOpenFlags.noFollow == 0 && host & creates != creates
    }
}
