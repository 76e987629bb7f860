import CHost
import Glibc

/// Where the host's address space layout randomisation has put the emulator on addresses that the guest program must have:
/// once more without it. Then the emulator lies at the top of the address space and in the usual place of programs there.
enum Randomisation {
    private static let marker = "_NEEDLETAIL_NOT_RANDOMISED"
    private static let personality: UInt32 = 92
    private static let notRandomised: UInt64 = 0x40000
    private static let ask: UInt64 = 0xffff_ffff

    /// Executes this program again. Returns when that cannot help.
    static func startAgainWithout() {
        let current = UInt64(bitPattern: nt_linux_syscall(personality, ask, 0, 0, 0, 0, 0))
        guard current & notRandomised == 0 else { return }
        _ = nt_linux_syscall(personality, current | notRandomised, 0, 0, 0, 0, 0)
        setenv(marker, "1", 1)
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        // Neither this process nor its children are to notice.
        restore()
    }

    /// To be called first of all: what the guest executes is randomised again.
    /// - Returns: whether this process was started by `startAgainWithout`, which would not help once more.
    @discardableResult
    static func restore() -> Bool {
        guard getenv(marker) != nil else { return false }
        unsetenv(marker)
        let current = UInt64(bitPattern: nt_linux_syscall(personality, ask, 0, 0, 0, 0, 0))
        _ = nt_linux_syscall(personality, current & ~notRandomised, 0, 0, 0, 0, 0)
        return true
    }
}
