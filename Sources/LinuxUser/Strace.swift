internal import CHost
internal import Support

/// `-strace`: one line per call, in QEMU's manner: `PID name(arguments) = result`.
///
/// A row's signature has one letter per argument:
///
///     d int      u unsigned   l long      x hex       o octal mode   p pointer    s string   a string array
///     D dirfd    O open flags A AT flags  R access    P protection   M map flags  W whence   S signal
///     H mask how f fcntl cmd  i ioctl cmd c clone     C clock        t timespec
///
/// and after `>` the letter of the result.
enum Strace {
    static func enter(_ thread: LinuxThread, _ number: UInt32, _ row: SyscallRow?, _ arguments: SyscallArguments) {
        guard let row else {
            thread.process.log.put("\(thread.tid) Unknown syscall \(number)\n")
            return
        }
        var text = "\(thread.tid) \(row.name)("
        for (index, letter) in row.signature.description.prefix(while: { $0 != ">" }).enumerated() {
            // open's mode counts only when it may make a file: O_CREAT or O_TMPFILE's own bit.
            if letter == "o", index > 0, row.signature.description.dropFirst(index - 1).first == "O",
                arguments[index - 1] & 0o20000100 == 0
            {
                continue
            }
            if index > 0 { text += "," }
            text += format(letter, arguments[index])
        }
        thread.process.log.put(text + ")")
    }

    static func leave(_ thread: LinuxThread, _ number: UInt32, _ row: SyscallRow?, _ failure: LinuxErrno?) {
        guard let row else { return }
        if let action = thread.pendingAction, action != .resume {
            thread.process.log.put("\n")
            return
        }
        if let failure {
            if failure == .ERESTARTSYS {
                thread.process.log.put(" = ? (interrupted before it began)\n")
            } else {
                thread.process.log.put(" = -1 errno=\(failure.rawValue) (\(failure.message))\n")
            }
            return
        }
        let result = thread.registers[x: 0]
        let parts = row.signature.description.split(separator: ">", omittingEmptySubsequences: false)
        if number == 139 {
            thread.process.log.put(" = ? (returned from the handler)\n")
        } else if parts.count > 1, let letter = parts[1].first {
            thread.process.log.put(" = \(letter == "p" ? pointer(result) : format(letter, result))\n")
        } else {
            thread.process.log.put(" = \(Int64(bitPattern: result))\n")
        }
    }

    /// 0x and 16 digits.
    static func pointer(_ value: UInt64) -> String { hex(value, width: 16) }

    static func format(_ letter: Character, _ value: UInt64) -> String {
        let int = Int32(truncatingIfNeeded: value)
        let bits = UInt64(UInt32(bitPattern: int))
        switch letter {
        case "d": return String(int)
        case "u": return String(bits)
        case "l": return String(Int64(bitPattern: value))
        case "x": return hex(value)
        case "o": return "0" + String(bits, radix: 8)
        case "p": return value == 0 ? "NULL" : pointer(value)
        case "s": return string(value)
        case "a": return stringArray(value)
        case "D": return int == -100 ? "AT_FDCWD" : String(int)
        case "O": return openFlags(bits)
        case "A": return names(bits, atFlags)
        case "R": return bits == 0 ? "F_OK" : names(bits, [(4, "R_OK"), (2, "W_OK"), (1, "X_OK")])
        case "P": return bits == 0 ? "PROT_NONE" : names(bits, protections)
        case "M": return mapFlags(bits)
        case "W": return pick(int, ["SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"])
        case "S": return Signal.name(Int(int))
        case "H": return pick(int, ["SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"])
        case "f": return fcntlCommands[int] ?? String(int)
        case "i": return ioctlCommands[int] ?? hex(bits)
        case "c": return cloneFlags(value)
        case "C": return pick(int, clocks)
        case "t": return timespec(value)
        default: preconditionFailure("no strace format '\(letter)'")
        }
    }

    // MARK: values behind pointers

    private static func string(_ address: UInt64) -> String {
        if address == 0 { return "NULL" }
        do throws(LinuxErrno) {
            return quoted(try UserMemory.readString(address))
        } catch {
            return pointer(address)
        }
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        "\"" + String(decoding: bytes, as: UTF8.self) + "\""
    }

    private static func stringArray(_ address: UInt64) -> String {
        do throws(LinuxErrno) {
            return "{" + (try UserMemory.readStringArray(address)).map { quoted($0) + "," }.joined() + "NULL}"
        } catch {
            return pointer(address)
        }
    }

    private static func timespec(_ address: UInt64) -> String {
        if address == 0 { return "NULL" }
        do throws(LinuxErrno) {
            let record = GuestRecord(try UserMemory.readBytes(address, count: 16))
            return "{tv_sec = \(record[0, as: Int64.self]),tv_nsec = \(record[8, as: Int64.self])}"
        } catch {
            return pointer(address)
        }
    }

    // MARK: flag words

    /// Names of the bits in order, and what is left as hex.
    private static func names(_ value: UInt64, _ table: [(UInt64, String)]) -> String {
        if value == 0 { return "0" }
        var rest = value
        var parts: [String] = []
        for (bit, name) in table where rest & bit == bit {
            parts.append(name)
            rest &= ~bit
        }
        if rest != 0 { parts.append(hex(rest)) }
        return parts.joined(separator: "|")
    }

    private static func pick(_ value: Int32, _ table: [String]) -> String {
        table.indices.contains(Int(value)) ? table[Int(value)] : String(value)
    }

    private static func openFlags(_ flags: UInt64) -> String {
        let access = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][Int(flags & 3)]
        let rest = flags & ~3
        return rest == 0 ? access : access + "|" + names(rest, openFlagNames)
    }

    private static func mapFlags(_ flags: UInt64) -> String {
        let kind = ["0", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"]
        let rest = flags & ~15
        let head = flags & 15 < 4 ? kind[Int(flags & 15)] : hex(flags & 15)
        return rest == 0 ? head : head + "|" + names(rest, mapFlagNames)
    }

    private static func cloneFlags(_ flags: UInt64) -> String {
        let signal = flags & 0xff
        let rest = flags & ~0xff
        if rest == 0 { return hex(signal) }
        return names(rest, cloneFlagNames) + (signal == 0 ? "" : "|" + hex(signal))
    }

    private static let openFlagNames: [(UInt64, String)] = [
        (0o2000, "O_APPEND"), (0o100, "O_CREAT"), (0o20040000, "O_TMPFILE"), (0o40000, "O_DIRECTORY"),
        (0o200, "O_EXCL"),
        (0o400, "O_NOCTTY"), (0o100000, "O_NOFOLLOW"), (0o4000, "O_NONBLOCK"), (0o4010000, "O_SYNC"),
        (0o10000, "O_DSYNC"), (0o1000, "O_TRUNC"), (0o200000, "O_DIRECT"), (0o1000000, "O_NOATIME"),
        (0o2000000, "O_CLOEXEC"), (0o10000000, "O_PATH"), (0o400000, "O_LARGEFILE"),
    ]
    private static let atFlags: [(UInt64, String)] = [
        (0x100, "AT_SYMLINK_NOFOLLOW"), (0x200, "AT_REMOVEDIR"), (0x400, "AT_SYMLINK_FOLLOW"),
        (0x800, "AT_NO_AUTOMOUNT"), (0x1000, "AT_EMPTY_PATH"),
    ]
    private static let protections: [(UInt64, String)] = [
        (1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"), (0x10, "PROT_BTI"), (0x20, "PROT_MTE"),
    ]
    private static let mapFlagNames: [(UInt64, String)] = [
        (0x20, "MAP_ANONYMOUS"), (0x10, "MAP_FIXED"), (0x100, "MAP_GROWSDOWN"), (0x800, "MAP_DENYWRITE"),
        (0x2000, "MAP_LOCKED"), (0x4000, "MAP_NORESERVE"), (0x8000, "MAP_POPULATE"), (0x10000, "MAP_NONBLOCK"),
        (0x20000, "MAP_STACK"), (0x40000, "MAP_HUGETLB"), (0x100000, "MAP_FIXED_NOREPLACE"),
    ]
    private static let cloneFlagNames: [(UInt64, String)] = [
        (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"),
        (0x1000, "CLONE_PIDFD"), (0x2000, "CLONE_PTRACE"), (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"),
        (0x10000, "CLONE_THREAD"), (0x20000, "CLONE_NEWNS"), (0x40000, "CLONE_SYSVSEM"), (0x80000, "CLONE_SETTLS"),
        (0x100000, "CLONE_PARENT_SETTID"), (0x200000, "CLONE_CHILD_CLEARTID"), (0x400000, "CLONE_DETACHED"),
        (0x800000, "CLONE_UNTRACED"), (0x1000000, "CLONE_CHILD_SETTID"),
    ]
    private static let clocks = [
        "CLOCK_REALTIME", "CLOCK_MONOTONIC", "CLOCK_PROCESS_CPUTIME_ID", "CLOCK_THREAD_CPUTIME_ID",
        "CLOCK_MONOTONIC_RAW", "CLOCK_REALTIME_COARSE", "CLOCK_MONOTONIC_COARSE", "CLOCK_BOOTTIME",
        "CLOCK_REALTIME_ALARM", "CLOCK_BOOTTIME_ALARM", "10", "CLOCK_TAI",
    ]
    private static let fcntlCommands: [Int32: String] = [
        0: "F_DUPFD", 1: "F_GETFD", 2: "F_SETFD", 3: "F_GETFL", 4: "F_SETFL", 5: "F_GETLK", 6: "F_SETLK", 7: "F_SETLKW",
        8: "F_SETOWN", 9: "F_GETOWN", 10: "F_SETSIG", 11: "F_GETSIG", 1024: "F_SETLEASE", 1025: "F_GETLEASE",
        1026: "F_NOTIFY", 1030: "F_DUPFD_CLOEXEC", 1031: "F_SETPIPE_SZ", 1032: "F_GETPIPE_SZ",
    ]
    private static let ioctlCommands: [Int32: String] = [
        0x5401: "TCGETS", 0x5402: "TCSETS", 0x5403: "TCSETSW", 0x5404: "TCSETSF", 0x540b: "TCFLSH",
        0x540e: "TIOCSCTTY", 0x540f: "TIOCGPGRP", 0x5410: "TIOCSPGRP", 0x5413: "TIOCGWINSZ", 0x5414: "TIOCSWINSZ",
        0x541b: "FIONREAD", 0x5421: "FIONBIO", 0x5429: "TIOCGSID", 0x5450: "FIONCLEX", 0x5451: "FIOCLEX",
    ]
}
