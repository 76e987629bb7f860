import Foundation
import Testing

/// Guest programs about signals. The kernel is the judge: programs that can be are also run natively; those about arm64's frames and
/// instructions check themselves, because qemu-aarch64 does not do as the kernel does.
@Suite struct SignalTests {
    /// `block` compiles libc's start-up and whatever runs once, for seconds in programs that fork much.
    static let native: [(name: String, tiers: [Tier])] = [
        ("siginfo", Tier.allCases), ("sigrestart", [.interp, .auto]), ("sigjobs", [.interp, .auto]),
        ("sigthreads", Tier.allCases),
    ]

    @Test(arguments: native)
    func behavesAsNatively(_ program: (name: String, tiers: [Tier])) throws {
        let expected = try Subprocess(executable: Installation.program(program.name, "host"), arguments: []).run()
        try #require(expected.status == .exit(0), "natively: \(expected)")
        for tier in program.tiers {
            let actual = try needletail(["--tier=\(tier)", try Installation.program(program.name, "O2")])
            // What they say to stderr is figures.
            #expect(actual.stdout == expected.stdout, "\(program.name) in tier \(tier)")
            #expect(actual.status == .exit(0), "\(program.name) in tier \(tier): \(actual)")
        }
    }

    static let judges: [(name: String, lastLine: String)] = [
        ("sigframe", "0 failures"), ("sigprecise", "forms agree"), ("siglatency", "memory set"),
    ]

    @Test(
        arguments: judges,
        Tier.allCases.map { ["--tier=\($0)"] } + [["--hot-threshold=1"], ["-one-insn-per-tb"]])
    func passesItsOwnChecks(_ program: (name: String, lastLine: String), _ options: [String]) throws {
        let actual = try needletail(options + [try Installation.program(program.name, "O2")])
        #expect(actual.status == .exit(0), "\(program.name) \(options): \(actual)")
        #expect(actual.stdout.hasSuffix(program.lastLine + "\n"), "\(program.name) \(options): \(actual)")
    }

    /// Programs of both kinds while compiled code replaces interpreted code, and for a processor without LSE atomics.
    @Test(arguments: [("siginfo", "O0"), ("sigthreads", "O2"), ("sigthreads", "pie"), ("sigprecise", "O0")])
    func staysRightWhileTiersChange(_ program: (name: String, variant: String)) throws {
        let actual = try needletail(["--hot-threshold=2", try Installation.program(program.name, program.variant)])
        #expect(actual.status == .exit(0), "\(program): \(actual)")
    }
}
