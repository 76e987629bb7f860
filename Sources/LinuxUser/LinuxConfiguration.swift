/// What the command line decides for the guest process. Byte arrays hold text without its final NUL: arguments and
/// paths on Linux need not be UTF-8.
package struct LinuxConfiguration: Sendable {
    /// The program as given: a path the host can open.
    package var program: [UInt8]
    /// The guest's argv, argv[0] included.
    package var arguments: [[UInt8]]
    /// `NAME=value` entries.
    package var environment: [[UInt8]]
    /// Bytes of main-thread stack (`-s`).
    package var stackSize: UInt64 = 8 << 20
    /// `-L`: absolute guest paths are looked up under this prefix first; empty for none.
    package var sysroot: [UInt8] = []
    /// `-r`: what uname reports as release; nil for the host's.
    package var unameRelease: [UInt8]?
    /// AT_HWCAP and AT_HWCAP2, made from the same feature list as the ID registers.
    package var hwcap: UInt64 = 0
    package var hwcap2: UInt64 = 0
    /// Our own options (without program and `-0`), given again when the guest executes an arm64 program.
    package var ownOptions: [[UInt8]] = []
    /// The name our messages begin with.
    package var emulatorName = "needletail"

    package init(program: [UInt8], arguments: [[UInt8]], environment: [[UInt8]]) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }
}
