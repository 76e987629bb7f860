import Foundation
import Testing

/// Several threads compile in the background: guests do not see it.
@Suite struct CompileThreadTests {
    /// Threads that are busy, that fork, and whose code changes.
    static let programs = ["threads", "futexes", "forkload", "codechange", "coldthreads", "mapthreads", "threadends", "hotfaults"]

    @Test(arguments: programs)
    func guestsDoNotSeeThem(_ name: String) throws {
        let program = try Installation.program(name, "O2")
        let plain = try needletail(["--sample-interval=0", program])
        for count in ["1", "2", "4", "auto"] {
            let actual = try needletail(["--compile-threads=\(count)", "--sample-interval=100", program])
            expectSame(actual, plain, "\(name) with \(count)")
        }
    }

    /// A vCPU waits for its region, whichever thread makes it.
    @Test(arguments: ["threads", "forkload", "coldthreads"])
    func regionsAreWaitedFor(_ name: String) throws {
        let program = try Installation.program(name, "O2")
        let plain = try needletail(["--tier=baseline", program])
        let actual = try needletail(["--tier=region", "--compile-threads=4", program])
        expectSame(actual, plain, name)
    }

    /// As many as asked for: one more has something to do as soon as the first makes a region.
    @Test(arguments: [1, 2])
    func areAsManyAsWanted(_ count: Int) throws {
        let outcome = try needletail([
            "--compile-threads=\(count)", "--sample-interval=100", "--stats", try Installation.guest("default"),
        ])
        #expect(outcome.stderr.contains("; threads \(count)\n"), "\(outcome)")
    }

    @Test func programsThatGuestsExecuteHaveThemToo() throws {
        let shell = try needletail([
            "--compile-threads=2", "--sample-interval=100", "--stats", try Installation.busybox(), "sh", "-c",
            "exec \(try Installation.guest("default"))",
        ])
        #expect(shell.status == .exit(0) && shell.stderr.contains("; threads 2\n"), "\(shell)")
        let environment = try needletail([try Installation.guest("exit")]) { $0.environment = ["NEEDLETAIL_COMPILE_THREADS": "0"] }
        #expect(environment.stderr.contains("invalid count '0'"), "\(environment)")
    }
}
