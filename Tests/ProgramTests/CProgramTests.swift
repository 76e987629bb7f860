import Foundation
import Testing

/// Cross-compiled C programs: output, messages and status as under qemu-aarch64, in every tier.
@Suite struct CProgramTests {
    struct Program: Sendable, CustomTestStringConvertible {
        let name: String
        let variant: String
        var testDescription: String { "\(name).\(variant)" }
        /// `block` compiles a whole libc start-up for each run: not for every variant of every program.
        var tiers: [Tier] {
            variant == "O2" || ["signals", "memory", "threads"].contains(name) ? Tier.allCases : [.interp, .auto]
        }
    }

    static let programs = [
        "integers", "library", "signals", "memory", "processes", "threads", "threadsignals", "cryptography", "clocks",
        "pauth", "hotfaults", "faultchain",
    ]
    .flatMap { name in ["O0", "O2", "pie"].map { Program(name: name, variant: $0) } }

    @Test(arguments: programs)
    func behavesAsUnderQEMU(_ program: Program) throws {
        let path = try Installation.program(program.name, program.variant)
        let expected = try qemu([path])
        #expect(expected.status != .timeout)
        #expect(!expected.stdout.contains("failed:"), "the guest's own checks fail under qemu-aarch64: \(expected)")
        for tier in program.tiers {
            let actual = try needletail(["--tier=\(tier)", path])
            expectSame(actual, expected, "\(program.testDescription) in tier \(tier)")
        }
        guard program.variant == "O2" else { return }
        let cache = try TemporaryFolder()
        for state in ["cold", "warm"] {
            let actual = try needletail(["--hot-threshold=2", path]) { $0.cacheDirectory = cache.path }
            expectSame(actual, expected, "\(program.testDescription) with a \(state) code cache")
        }
    }

    @Test(arguments: Tier.allCases)
    func hasNoPointerAuthenticationWhenSwitchedOff(_ tier: Tier) throws {
        let arguments = ["-cpu", "max,pauth=off", try Installation.program("pauth", "O2")]
        let actual = try needletail(["--tier=\(tier)"] + arguments)
        #expect(actual.stdout == "no pointer authentication\n")
        expectSame(actual, try qemu(arguments), "pauth=off in tier \(tier)")
    }

    /// Debian 12's QEMU has neither FEAT_MOPS nor FEAT_LSE2: these programs check themselves.
    @Test(
        arguments: [
            ("mops", ["undefined words", "results", "registers", "faults", "interrupted", "other option"]),
            (
                "atomicity",
                [
                    "torn values", "MP barriers", "MP release acquire", "MP release acquirePC", "SB barriers", "SB release acquire",
                    "SB mixed", "LB", "IRIW", "CoRR", "lost updates", "alignment",
                ]
            ),
        ], Tier.allCases)
    func passesItsOwnChecks(_ program: (name: String, lines: [String]), _ tier: Tier) throws {
        let actual = try needletail(["--tier=\(tier)", try Installation.program(program.name, "O2")])
        #expect(actual.status == .exit(0))
        #expect(actual.stdout == program.lines.joined(separator: "\n") + "\n")
    }

    @Test(arguments: Tier.allCases)
    func hasNoMemoryCopyWhenSwitchedOff(_ tier: Tier) throws {
        let actual = try needletail(["--tier=\(tier)", "-cpu", "max,mops=off", try Installation.program("mops", "O2")])
        #expect(actual.status == .exit(0))
        #expect(actual.stdout == "undefined words\nno FEAT_MOPS\n")
    }

    /// Compiled code replaces interpreted code while threads run it.
    @Test(arguments: ["threads", "threadsignals", "processes", "memory", "pauth"])
    func switchesTiersEarly(_ name: String) throws {
        let path = try Installation.program(name, "O2")
        let expected = try qemu([path])
        for threshold in [1, 2, 10] {
            let actual = try needletail(["--hot-threshold=\(threshold)", path])
            expectSame(actual, expected, "\(name) with hot threshold \(threshold)")
        }
    }

    @Test(arguments: ["integers", "signals", "threads", "memory"])
    func runsWithOneInstructionPerTB(_ name: String) throws {
        let path = try Installation.program(name, "O2")
        let expected = try qemu([path])
        let actual = try needletail(["-one-insn-per-tb", path])
        expectSame(actual, expected, "\(name) with one instruction per TB")
    }

    static let endings = [
        "exit", "exit 7", "exit 300", "_exit -1", "abort", "segv", "jump", "undefined", "privileged", "breakpoint",
        "ignored-segv", "blocked-segv", "raise 1", "raise 2", "raise 5", "raise 6", "raise 8", "raise 9", "raise 10",
        "raise 11", "raise 13", "raise 14", "raise 15", "raise 17", "raise 24", "kill 3", "kill 4", "kill 7", "kill 12",
        "alarm", "thread-segv", "thread-exit", "thread-abort", "main-leaves", "wild-load", "wild-store",
    ]

    @Test(arguments: endings)
    func endsAsUnderQEMU(_ ending: String) throws {
        let path = try Installation.program("fatal", "O2")
        let arguments = ending.split(separator: " ").map(String.init)
        let expected = try qemu([path] + arguments)
        // What a sent signal does has nothing to do with tiers.
        let isSent = ["raise", "kill"].contains(arguments[0])
        for tier in isSent ? [.auto] : Tier.allCases {
            let actual = try needletail(["--tier=\(tier)", path] + arguments)
            expectSame(actual, expected, "ending '\(ending)' in tier \(tier)")
        }
    }

    /// QEMU renumbers real-time signals and does not report SIGSYS; the kernel does neither.
    @Test(arguments: [31, 34, 50, 64])
    func diesBySignalsThatQEMUChanges(_ signal: Int32) throws {
        let path = try Installation.program("fatal", "O2")
        let actual = try needletail([path, "kill", "\(signal)"])
        #expect(actual.status == .signal(signal))
        #expect(actual.stdout == "kill\n")
    }

    /// qemu-aarch64 can do this only where binfmt_misc knows it, so the expected text stands here.
    @Test(arguments: Tier.allCases)
    func executesGuestPrograms(_ tier: Tier) throws {
        let path = try Installation.program("exec", "O2")
        let folder = try TemporaryFolder()
        let actual = try needletail(["--tier=\(tier)", path]) { $0.directory = folder.path }
        let environment = "env: EXEC_A=one two\nenv: EXEC_B=\n"
        #expect(
            actual.stdout == """
                child: other name | child | x | 42 | with space | \n\(environment)\
                blocked 0 ignored 0 default 1 descriptor 0
                status 42
                child: proc | child
                blocked 0 ignored 0 default 1 descriptor 0
                status 0
                child: -d | child | die
                \(environment)\
                blocked 0 ignored 0 default 1 descriptor 0
                status 1015
                child: kept | child
                \(environment)\
                blocked 1 ignored 1 default 1 descriptor 1
                child: closed | child
                \(environment)\
                blocked 1 ignored 1 default 1 descriptor 0
                script: ran die 1, signal 0
                execve: Exec format error
                status 90
                execve: Permission denied
                status 90
                execve: No such file or directory
                status 90
                execve: Permission denied
                status 90
                spawn of a missing file: No such file or directory
                host program: 12
                system: 5
                child: last | child | y | 77
                blocked 1 ignored 1 default 1 descriptor 0

                """)
        #expect(actual.stderr == "")
        #expect(actual.status == .exit(77))
    }
}
