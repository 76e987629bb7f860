/// What the command line decides for the guest process. Byte arrays hold text without its final NUL: arguments and
/// paths on Linux need not be UTF-8.
package struct LinuxConfiguration: Sendable {
    /// The program as given: a path the host can open.
    package var program: [UInt8]
    /// The guest's argv, argv[0] included.
    package var arguments: [[UInt8]]
    /// `NAME=value` entries.
    package var environment: [[UInt8]]
    /// Bytes of main-thread stack (`-s`); nil to go by RLIMIT_STACK.
    package var stackSize: UInt64?
    /// `-L`: absolute guest paths are looked up under this prefix first; empty for none.
    package var sysroot: [UInt8] = []
    /// `-r`: what uname reports as release; nil for the host's.
    package var unameRelease: [UInt8]?
    /// `-seed`: makes AT_RANDOM and the random number instructions repeatable; nil for the host's numbers.
    package var randomSeed: UInt64?
    /// AT_HWCAP and AT_HWCAP2, made from the same feature list as the ID registers.
    package var hwcap: UInt64 = 0
    package var hwcap2: UInt64 = 0
    /// What `/proc/cpuinfo` shows, from the same list.
    package var cpu = CPUDescription(midr: 0, capabilities: [])
    /// The program's file, already open, when `program` need not be a path to it (fexecve, binfmt_misc); else -1. The process
    /// closes it.
    package var programDescriptor: Int32 = -1
    /// What `ps` shows (`comm`) when it is not the last part of `program`: a script's name.
    package var processName: [UInt8]?
    /// AT_SECURE, as the kernel gave it to us.
    package var isSecure = false
    /// Our own options (without program and `-0`), given again when the guest executes an arm64 program.
    /// Paths in them are absolute.
    package var ownOptions: [[UInt8]] = []
    /// The name our messages begin with.
    package var emulatorName = "needletail"

    /// HWCAP2_BTI.
    var hasBranchTargets: Bool { hwcap2 >> 17 & 1 != 0 }

    package init(program: [UInt8], arguments: [[UInt8]], environment: [[UInt8]]) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }
}

/// A CPU as `/proc/cpuinfo` describes it.
package struct CPUDescription: Sendable {
    /// MIDR_EL1.
    package var midr: UInt64
    /// Words of the Features line.
    package var capabilities: [String]

    package init(midr: UInt64, capabilities: [String]) {
        self.midr = midr
        self.capabilities = capabilities
    }

    /// The whole file for CPUs 0..<`count`, all alike.
    package func cpuInfo(count: Int) -> String {
        func hex(_ lsb: UInt64, _ width: UInt64, digits: Int = 1) -> String {
            let text = String(midr >> lsb & (1 << width - 1), radix: 16)
            return "0x" + String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        var text = ""
        for number in 0..<count {
            text += "processor\t: \(number)\n"
            // Two loops a tick of the counter, as Linux computes it from CNTFRQ_EL0.
            text += "BogoMIPS\t: 125.00\n"
            text += "Features\t: " + capabilities.joined(separator: " ") + "\n"
            text += "CPU implementer\t: \(hex(24, 8, digits: 2))\nCPU architecture: 8\n"
            text += "CPU variant\t: \(hex(20, 4))\nCPU part\t: \(hex(4, 12, digits: 3))\n"
            text += "CPU revision\t: \(midr & 15)\n\n"
        }
        return text
    }
}
