internal import Glibc

/// A Linux error number as the guest sees it. Values are those of `asm-generic/errno.h`, the same on x86-64 and arm64.
package struct LinuxErrno: Error, Equatable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let EPERM = LinuxErrno(rawValue: 1)
    package static let ENOENT = LinuxErrno(rawValue: 2)
    package static let ESRCH = LinuxErrno(rawValue: 3)
    package static let EINTR = LinuxErrno(rawValue: 4)
    package static let E2BIG = LinuxErrno(rawValue: 7)
    package static let ENOEXEC = LinuxErrno(rawValue: 8)
    package static let EBADF = LinuxErrno(rawValue: 9)
    package static let EAGAIN = LinuxErrno(rawValue: 11)
    package static let ENOMEM = LinuxErrno(rawValue: 12)
    package static let EACCES = LinuxErrno(rawValue: 13)
    package static let ETXTBSY = LinuxErrno(rawValue: 26)
    package static let ELIBBAD = LinuxErrno(rawValue: 80)
    package static let EFAULT = LinuxErrno(rawValue: 14)
    package static let EEXIST = LinuxErrno(rawValue: 17)
    package static let ENOTDIR = LinuxErrno(rawValue: 20)
    package static let EISDIR = LinuxErrno(rawValue: 21)
    package static let EINVAL = LinuxErrno(rawValue: 22)
    package static let ENOTTY = LinuxErrno(rawValue: 25)
    package static let ERANGE = LinuxErrno(rawValue: 34)
    package static let ENAMETOOLONG = LinuxErrno(rawValue: 36)
    package static let ENOSYS = LinuxErrno(rawValue: 38)
    package static let ELOOP = LinuxErrno(rawValue: 40)
    /// Internal: the call has not begun because a signal waits; it is issued again afterwards. Never seen by the guest.
    package static let ERESTARTSYS = LinuxErrno(rawValue: 512)

    /// The C library's text, as in "No such file or directory".
    package var message: String { String(cString: strerror(rawValue)) }

    /// What the libc call that just failed in this thread left behind.
    static var last: LinuxErrno { LinuxErrno(rawValue: errno) }
}

/// Turns a kernel result (-4095...-1 is an errno) into a value or an error.
func checked(_ result: Int64) throws(LinuxErrno) -> UInt64 {
    if result < 0 && result >= -4095 { throw LinuxErrno(rawValue: Int32(-result)) }
    return UInt64(bitPattern: result)
}
