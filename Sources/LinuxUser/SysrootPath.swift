internal import CHost

/// `-L`: looking absolute guest paths up under a prefix first.
enum SysrootPath {
    /// The path under `sysroot`, when there is a sysroot and something by that name in it (a dangling link counts not).
    static func resolve(_ path: [UInt8], sysroot: [UInt8]) -> [UInt8]? {
        guard !sysroot.isEmpty, path.first == UInt8(ascii: "/") else { return nil }
        let candidate = sysroot + path
        do throws(LinuxErrno) {
            _ = try withCString(candidate) { (p) throws(LinuxErrno) in
                try hostCall(CallNumber.faccessat, atCurrentDirectory, p, 0)
            }
            return candidate
        } catch {
            return nil
        }
    }
}
