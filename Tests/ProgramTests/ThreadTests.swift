import Foundation
import Testing

/// Threads, futexes, clones and the memory model: guest programs that check themselves, because qemu-aarch64 lacks clone3 and
/// forks of busy processes. All of them also pass natively.
@Suite struct ThreadTests {
    struct Program: Sendable, CustomTestStringConvertible {
        let name: String
        let lines: [String]
        var testDescription: String { name }
    }

    static let programs = [
        Program(
            name: "clones",
            lines: ["errors", "exit signals", "sharing", "numbers", "handlers", "stacks", "threads"]),
        Program(
            name: "threadends",
            lines: [
                "robust mutexes of threads", "robust mutexes of processes", "cancellation", "processes", "many",
            ]),
        Program(
            name: "futexes",
            lines: [
                "errors and times", "wakes", "priority inheritance", "signals", "processes", "vectors", "libc",
                "scheduling",
            ]),
        Program(name: "forkload", lines: ["forked"]),
    ]

    @Test(arguments: programs, Tier.allCases)
    func passes(_ program: Program, _ tier: Tier) throws {
        let actual = try needletail(["--tier=\(tier)", try Installation.program(program.name, "O2")])
        #expect(actual.stdout == program.lines.joined(separator: "\n") + "\n")
        #expect(actual.stderr == "")
        #expect(actual.status == .exit(0))
    }

    /// Compiled code replaces interpreted code while threads come and go.
    @Test(arguments: programs)
    func passesWhenTiersChangeEarly(_ program: Program) throws {
        let actual = try needletail(["--hot-threshold=2", try Installation.program(program.name, "pie")])
        #expect(actual.stdout == program.lines.joined(separator: "\n") + "\n")
        #expect(actual.status == .exit(0))
    }

    /// 1500 threads at once, 5000 one after the other, within a bounded resident set (the guest looks).
    @Test func startsThousandsOfThreads() throws {
        let actual = try needletail([try Installation.program("threadends", "O2"), "1500", "5000"])
        #expect(actual.stdout == "")
        #expect(actual.status == .exit(0))
    }

    /// A few rounds of each; `make litmus` runs millions.
    @Test(arguments: Tier.allCases)
    func forbiddenOutcomesNeverAppear(_ tier: Tier) throws {
        let rounds = tier == .interp ? "4000" : "10000"
        let actual = try needletail(["--tier=\(tier)", try Installation.litmus(), "--rounds", rounds])
        #expect(actual.stdout.hasSuffix("tests, 0 wrong\n"), "\(actual)")
        #expect(!actual.stdout.contains("WRONG"))
        #expect(actual.status == .exit(0))
    }

    /// With a limit on processes fork and pthread_create fail, and only they.
    @Test func limitsOfProcessesReachTheGuest() throws {
        let actual = try needletail([try Installation.program("limits", "O2")])
        #expect(actual.stdout == "fork\nthreads\nafterwards\n")
        #expect(actual.stderr == "")
        #expect(actual.status == .exit(0))
    }
}
