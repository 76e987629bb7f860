import Foundation
import TestSupport
import Testing

/// Programs that are laid out unusually, but as Linux runs them; and those that cannot be.
@Suite struct LoaderTests {
    struct Layout: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let options: [String]
        var alignment = "4096"
        var more = ""
    }

    private static let fixed = ["-static", "-no-pie", "-fno-pie"]
    static let layouts = [
        Layout(testDescription: "static", options: fixed),
        Layout(testDescription: "static-pie", options: ["-static-pie"]),
        Layout(
            testDescription: "64 KiB pages", options: fixed + ["-Wl,-z,max-page-size=0x10000"], alignment: "0x10000"),
        Layout(
            testDescription: "2 MiB alignment", options: ["-static-pie", "-Wl,-z,max-page-size=0x200000"],
            alignment: "0x200000"),
        Layout(
            testDescription: "segments that share pages",
            options: fixed + ["-Wl,-z,max-page-size=0x1000", "-Wl,-z,noseparate-code"]),
        Layout(testDescription: "low", options: fixed + ["-Wl,-Ttext-segment=0x10000"]),
        Layout(
            testDescription: "high", options: fixed + ["-Wl,-Ttext-segment=0x7f0000000000", "-mcmodel=large"]),
        Layout(
            testDescription: "beside the emulator",
            options: fixed + ["-Wl,-Ttext-segment=0x555555550000", "-mcmodel=large"]),
        Layout(testDescription: "large bss", options: fixed + ["-DBSS=0x60000000"]),
        Layout(
            testDescription: "executable stack", options: fixed + ["-DRUN_STACK", "-Wl,-z,execstack"],
            more: "stack 42\n"),
    ]

    /// Where the cross-compiler's libraries are.
    private static let sysroot = "/usr/aarch64-linux-gnu"

    private func build(
        _ options: [String], source: String = "layout.c", output name: String = "program", in folder: TemporaryFolder
    ) throws -> String {
        let output = folder.path + "/" + name
        var compiler = Subprocess(
            executable: "aarch64-linux-gnu-gcc",
            arguments: ["-O1", "-w"] + options + [Installation.packageRoot + "/Tests/Programs/layouts/\(source)", "-o", output])
        compiler.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        let outcome = try compiler.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "gcc: \(outcome)") }
        return output
    }

    @Test(arguments: layouts)
    func runsPrograms(_ layout: Layout) throws {
        let folder = try TemporaryFolder()
        let path = try build(layout.options, in: folder)
        // The emulator lies elsewhere each time.
        for _ in 0..<10 {
            let outcome = try needletail(["--tier=interp", path, "word", layout.alignment])
            #expect(outcome.stderr == "")
            #expect(outcome.stdout == "1 9 4 5 6 1 7 3 word\nbreak 1\naligned 1\n" + layout.more)
            #expect(outcome.status == .exit(3))
        }
    }

    /// By themselves and through the interpreter as a program; code of one library comes to lie where another's was.
    @Test(arguments: Tier.allCases)
    func runsDynamicPrograms(_ tier: Tier) throws {
        let folder = try TemporaryFolder()
        let program = try build([], in: folder)
        let reload = try build(["-ldl"], source: "reload.c", output: "reload", in: folder)
        let libraries = try [0, 100].map {
            try build(["-shared", "-fPIC", "-DADD=\($0)"], source: "library.c", output: "lib\($0).so", in: folder)
        }
        for loader in [[], [Self.sysroot + "/lib/ld-linux-aarch64.so.1"]] {
            let options = ["--tier=\(tier)", "-L", Self.sysroot] + loader
            let plain = try needletail(options + [program, "word"])
            #expect(plain.stdout == "1 9 4 5 6 1 7 2 word\nbreak 1\n" && plain.status == .exit(3), "\(plain)")
            let reloaded = try needletail(options + [reload] + libraries)
            #expect(reloaded.stdout == "3 arguments, wrong 0\n", "\(reloaded)")
        }
    }

    @Test func saysThatAddressesAreTooHigh() throws {
        let folder = try TemporaryFolder()
        let path = try build(Self.fixed + ["-Wl,-Ttext-segment=0x900000000000", "-mcmodel=large"], in: folder)
        let outcome = try needletail([path])
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.stderr.contains("47 bits"))
        #expect(outcome.status == .exit(255))
    }

    @Test func namesTheInterpreterThatIsMissing() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/program"
        let bytes = ELFMutator.program(isPositionIndependent: true, interpreter: "/nowhere/ld.so")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o755)
        let outcome = try needletail([path])
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.stderr.contains("/nowhere/ld.so") && outcome.stderr.contains("No such file"))
        #expect(outcome.status == .exit(255))
    }

    /// The address space of the emulator itself is limited: the guest runs, or one line says why not.
    @Test(arguments: [150_000, 300_000, 700_000, 2_000_000, 16_000_000])
    func startsInLittleAddressSpace(_ kilobytes: Int) throws {
        let script = "ulimit -v \(kilobytes); exec \(Installation.needletail) \(try Installation.program("arguments", "O2")) a"
        let outcome = try Subprocess(executable: "/bin/sh", arguments: ["-c", script]).run()
        #expect(outcome.errorLines.count <= 1, "\(outcome)")
        if kilobytes >= 700_000 { #expect(outcome.status == .exit(0), "\(outcome)") }
        if outcome.status != .exit(0) {
            #expect(outcome.errorLines.count == 1, "\(outcome)")
            guard case .exit = outcome.status else {
                Issue.record("\(outcome)")
                return
            }
        }
    }

    @Test(arguments: ["64", "1024", "65536", "unlimited"])
    func runsUnderStackLimits(_ limit: String) throws {
        let script = "ulimit -s \(limit); exec \(Installation.needletail) \(try Installation.program("integers", "O2"))"
        let outcome = try Subprocess(executable: "/bin/sh", arguments: ["-c", script]).run()
        #expect(outcome.status == .exit(0), "\(outcome)")
        #expect(outcome.stderr == "")
    }
}
