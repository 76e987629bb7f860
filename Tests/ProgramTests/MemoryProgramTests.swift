import Foundation
import Testing

/// The address space: calls against the kernel itself, code that changes, tagged pointers.
@Suite struct MemoryProgramTests {
    /// The same source built for this host says what Linux does.
    private static let onHost: Result<Outcome, any Error> = Result {
        let folder = try TemporaryFolder()
        let programs = Installation.packageRoot + "/Tests/Programs"
        var compiler = Subprocess(
            executable: "gcc", arguments: ["-O1", "-I", programs, programs + "/mappings.c", "-o", folder.path + "/mappings"])
        compiler.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        let outcome = try compiler.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "gcc: \(outcome)") }
        return try Subprocess(executable: folder.path + "/mappings", arguments: []).run()
    }

    @Test(arguments: ["O0", "O2", "pie"], Tier.allCases)
    func mapsAsTheKernelDoes(_ variant: String, _ tier: Tier) throws {
        let expected = try Self.onHost.get()
        #expect(expected.status == .exit(0))
        let actual = try needletail(["--tier=\(tier)", try Installation.program("mappings", variant)])
        expectSame(actual, expected, "mappings.\(variant) in tier \(tier)")
    }

    /// QEMU 7.2 loses mappings here.
    @Test(arguments: [Tier.interp, .auto])
    func keepsThreadsMappingsApart(_ tier: Tier) throws {
        let actual = try needletail(["--tier=\(tier)", try Installation.program("mapthreads", "O2")])
        #expect(actual.stdout == "mappings are whose they are\n")
        #expect(actual.status == .exit(0), "\(actual)")
    }

    /// QEMU has no process_vm_writev: the program checks itself.
    @Test(arguments: [["--tier=interp"], ["--tier=auto"], ["--hot-threshold=2"], ["--tier=block"]])
    func neverRunsOldCode(_ options: [String]) throws {
        // Compiling each function that the last part makes takes long.
        let arguments = options == ["--tier=block"] ? ["100"] : []
        let actual = try needletail(options + [try Installation.program("codechange", "O2")] + arguments)
        #expect(actual.stdout == "aliases\nremapping\nstack\nown block\nfork\npatched loops\nrace\nchurn\n")
        #expect(actual.status == .exit(0), "\(actual)")
    }

    /// Old code would show in one of many rounds, compiled code being replaced all the time.
    @Test func neverRunsOldCodeInManyRounds() throws {
        let actual = try needletail(["--hot-threshold=2", try Installation.program("codechange", "O2"), "1", "15"])
        #expect(actual.stdout == "churn\nrace\n")
        #expect(actual.status == .exit(0), "\(actual)")
    }

    @Test(arguments: Tier.allCases)
    func ignoresTagsAsQEMUDoes(_ tier: Tier) throws {
        let path = try Installation.program("tags", "O2")
        expectSame(try needletail(["--tier=\(tier)", path]), try qemu([path]), "tags in tier \(tier)")
    }

    /// QEMU cannot say which address was no address; Linux tells it without the tag.
    @Test(arguments: Tier.allCases)
    func tellsAddressesThatAreNone(_ tier: Tier) throws {
        let actual = try needletail(["--tier=\(tier)", try Installation.program("tags", "O2"), "wild"])
        #expect(
            actual.stdout == """
                wild: signal 11 code 1 address 1
                wild sum: signal 11 address dead00000010
                wild pair: signal 11 address deacffffffe0 base 7f00dead00000000

                """)
    }

    /// What each branch may lead to in guarded pages, as QEMU 10 has it, but for si_code, which is Linux's.
    @Test(arguments: Tier.allCases)
    func guardsPages(_ tier: Tier) throws {
        let expected = try String(
            contentsOfFile: Installation.packageRoot + "/Tests/Programs/landing.txt", encoding: .utf8)
        let path = try Installation.program("landing", "O2")
        let actual = try needletail(["--tier=\(tier)", path])
        #expect(actual.stdout == expected)
        #expect(actual.status == .exit(0), "\(actual)")
        let without = try needletail(["--tier=\(tier)", "-cpu", "max,bti=off", path])
        #expect(without.stdout == "no guarded pages: -1\n")
    }
}
