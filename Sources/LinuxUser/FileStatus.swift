internal import Glibc

/// `struct stat` of arm64 (`asm-generic/stat.h`): 128 bytes, other offsets than x86-64's.
enum GuestStat {
    static let size = 128

    static func record(_ host: stat) -> GuestRecord {
        var record = GuestRecord(size: size)
        record[0, as: UInt64.self] = UInt64(host.st_dev)
        record[8, as: UInt64.self] = UInt64(host.st_ino)
        record[16, as: UInt32.self] = UInt32(host.st_mode)
        record[20, as: UInt32.self] = UInt32(truncatingIfNeeded: host.st_nlink)
        record[24, as: UInt32.self] = host.st_uid
        record[28, as: UInt32.self] = host.st_gid
        record[32, as: UInt64.self] = UInt64(host.st_rdev)
        record[48, as: Int64.self] = Int64(host.st_size)
        record[56, as: Int32.self] = Int32(truncatingIfNeeded: host.st_blksize)
        record[64, as: Int64.self] = Int64(host.st_blocks)
        record[72, as: Int64.self] = Int64(host.st_atim.tv_sec)
        record[80, as: Int64.self] = Int64(host.st_atim.tv_nsec)
        record[88, as: Int64.self] = Int64(host.st_mtim.tv_sec)
        record[96, as: Int64.self] = Int64(host.st_mtim.tv_nsec)
        record[104, as: Int64.self] = Int64(host.st_ctim.tv_sec)
        record[112, as: Int64.self] = Int64(host.st_ctim.tv_nsec)
        return record
    }
}

/// `struct epoll_event`: packed to 12 bytes on x86-64 only, 16 bytes elsewhere.
enum GuestEpollEvent {
    static let size = 16
    #if arch(x86_64)
        static let hostSize = 12
        static let hostDataOffset = 4
    #else
        static let hostSize = 16
        static let hostDataOffset = 8
    #endif

    static func toHost(_ guest: GuestRecord) -> GuestRecord {
        var host = GuestRecord(size: hostSize)
        host[0, as: UInt32.self] = guest[0, as: UInt32.self]
        host[hostDataOffset, as: UInt64.self] = guest[8, as: UInt64.self]
        return host
    }

    /// Converts `count` events that the host put one after the other.
    static func toGuest(_ host: GuestRecord, count: Int) -> GuestRecord {
        var guest = GuestRecord(size: count * size)
        for index in 0..<count {
            guest[index * size, as: UInt32.self] = host[index * hostSize, as: UInt32.self]
            guest[index * size + 8, as: UInt64.self] = host[index * hostSize + hostDataOffset, as: UInt64.self]
        }
        return guest
    }
}
