internal import CHost

/// arm64 system call numbers that handlers issue on the host themselves; CHost translates them to the host's.
enum CallNumber {
    static let epollCtl: UInt32 = 21
    static let epollPwait: UInt32 = 22
    static let dup3: UInt32 = 24
    static let fcntl: UInt32 = 25
    static let statfs: UInt32 = 43
    static let faccessat: UInt32 = 48
    static let openat: UInt32 = 56
    static let close: UInt32 = 57
    static let pipe2: UInt32 = 59
    static let pread64: UInt32 = 67
    static let pselect6: UInt32 = 72
    static let ppoll: UInt32 = 73
    static let readlinkat: UInt32 = 78
    static let newfstatat: UInt32 = 79
    static let fstat: UInt32 = 80
    static let unshare: UInt32 = 97
    static let futex: UInt32 = 98
    static let setRobustList: UInt32 = 99
    static let rtSigsuspend: UInt32 = 133
    static let rtSigprocmask: UInt32 = 135
    static let rtSigpending: UInt32 = 136
    static let rtSigtimedwait: UInt32 = 137
    static let prctl: UInt32 = 167
    static let gettid: UInt32 = 178
    static let shmat: UInt32 = 196
    static let shmdt: UInt32 = 197
    static let munmap: UInt32 = 215
    static let mremap: UInt32 = 216
    static let execve: UInt32 = 221
    static let mmap: UInt32 = 222
    static let mprotect: UInt32 = 226
    static let madvise: UInt32 = 233
    static let prlimit64: UInt32 = 261
    static let memfdCreate: UInt32 = 279
    static let execveat: UInt32 = 281
    static let statx: UInt32 = 291
    static let ioPgetevents: UInt32 = 292
    static let pidfdOpen: UInt32 = 434
    static let openat2: UInt32 = 437
    static let faccessat2: UInt32 = 439
    static let epollPwait2: UInt32 = 441
}

/// A host call by its arm64 number, not interruptible by queued guest signals.
@discardableResult
func hostCall(
    _ number: UInt32, _ a0: UInt64 = 0, _ a1: UInt64 = 0, _ a2: UInt64 = 0, _ a3: UInt64 = 0, _ a4: UInt64 = 0,
    _ a5: UInt64 = 0
) throws(LinuxErrno) -> UInt64 {
    try checked(nt_linux_syscall(number, a0, a1, a2, a3, a4, a5))
}

/// The address of a host buffer as a system call argument.
func address(_ pointer: UnsafeRawPointer?) -> UInt64 { UInt64(UInt(bitPattern: pointer)) }

/// AT_FDCWD as an argument register holds it.
let atCurrentDirectory = UInt64(bitPattern: -100)

/// What follows the last slash of a path.
func lastComponent(_ path: [UInt8]) -> ArraySlice<UInt8> {
    path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
}

/// Bytes with a NUL behind them for the duration of `body`.
func withCString<Result>(
    _ bytes: [UInt8], _ body: (UInt64) throws(LinuxErrno) -> Result
) throws(LinuxErrno) -> Result {
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 1)
    defer { copy.deallocate() }
    for (index, byte) in bytes.enumerated() { copy[index] = byte }
    copy[bytes.count] = 0
    return try body(address(copy))
}

/// A host descriptor that closes itself.
struct HostFile: ~Copyable {
    let descriptor: Int32

    /// Opens `path` read-only and close-on-exec. Does not wait for the other end of a FIFO.
    init(reading path: [UInt8]) throws(LinuxErrno) {
        let flags = HostOpenFlags.closeOnExec | HostOpenFlags.nonBlocking
        descriptor = Int32(
            truncatingIfNeeded: try withCString(path) { (p) throws(LinuxErrno) in
                try hostCall(CallNumber.openat, atCurrentDirectory, p, UInt64(flags))
            })
    }
    /// A copy of a descriptor that is open for reading, or refers to a file that may be read (O_PATH).
    init(copying original: Int32) throws(LinuxErrno) {
        var byte: UInt8 = 0
        let source = UInt64(UInt32(bitPattern: original))
        let isReadable = withUnsafeMutablePointer(to: &byte) {
            nt_linux_syscall(CallNumber.pread64, source, address($0), 1, 0, 0, 0) >= 0
        }
        if isReadable {
            self.init(owning: Int32(truncatingIfNeeded: try hostCall(CallNumber.fcntl, source, 1030)))  // F_DUPFD_CLOEXEC
        } else {
            try self.init(reading: Array("/proc/thread-self/fd/\(original)".utf8))
        }
    }
    private init(owning descriptor: Int32) { self.descriptor = descriptor }
    /// Hands the descriptor over to the caller.
    consuming func release() -> Int32 {
        let number = descriptor
        discard self
        return number
    }
    /// As openat; close-on-exec.
    init(reading path: [UInt8], at directory: UInt64, flags: UInt32) throws(LinuxErrno) {
        descriptor = Int32(
            truncatingIfNeeded: try withCString(path) { (p) throws(LinuxErrno) in
                try hostCall(CallNumber.openat, directory, p, UInt64(HostOpenFlags.closeOnExec | flags))
            })
    }
    deinit { _ = nt_linux_syscall(CallNumber.close, UInt64(descriptor), 0, 0, 0, 0, 0) }

    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(at offset: UInt64, count: Int) throws(LinuxErrno) -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count {
            var part = [UInt8](repeating: 0, count: count - result.count)
            let n = part.withUnsafeMutableBytes {
                nt_linux_syscall(
                    CallNumber.pread64, UInt64(descriptor), address($0.baseAddress), UInt64($0.count),
                    offset + UInt64(result.count), 0, 0)
            }
            let done = Int(try checked(n))
            if done == 0 { break }
            result += part[..<done]
        }
        return result
    }
}
