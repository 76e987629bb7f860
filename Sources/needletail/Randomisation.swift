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
    /// - Parameter words: our command line; its `--rerun` is replaced.
    /// - Parameter rerun: what is open now.
    static func startAgainWithout(_ words: [[UInt8]], _ rerun: Rerun) {
        let current = UInt64(bitPattern: nt_linux_syscall(personality, ask, 0, 0, 0, 0, 0))
        guard current & notRandomised == 0 else { return }
        let isRerun = words.count > 1 && words[1].starts(with: Rerun.option.utf8)
        let rest = words.dropFirst(isRerun ? 2 : 1)
        let vector = ([words[0], Array(rerun.word.utf8)] + rest).map { word in
            strdup(word.map { CChar(bitPattern: $0) } + [0])
        }
        _ = nt_linux_syscall(personality, current | notRandomised, 0, 0, 0, 0, 0)
        setenv(marker, "1", 1)
        let descriptors = [rerun.executable, rerun.logFile, rerun.program].filter { $0 >= 0 }
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, 0) }
        let execveat: UInt32 = 281
        let emptyPath: UInt64 = 0x1000
        (vector + [nil]).withUnsafeBufferPointer { arguments in
            _ = "".withCString { path in
                nt_linux_syscall(
                    execveat, UInt64(UInt32(bitPattern: rerun.executable)), UInt64(UInt(bitPattern: path)),
                    UInt64(UInt(bitPattern: arguments.baseAddress)), UInt64(UInt(bitPattern: environ)), emptyPath, 0)
            }
        }
        // Neither this process nor its children are to notice.
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        for word in vector { free(word) }
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
