import Foundation
import Testing

/// `--binfmt` on a folder that looks like the kernel's, and the static build in a root of its own.
@Suite struct BinfmtTests {
    /// A root with an empty registry.
    private func fakeRoot() throws -> (root: TemporaryFolder, registry: String) {
        let root = try TemporaryFolder()
        let registry = root.path + "/proc/sys/fs/binfmt_misc"
        try FileManager.default.createDirectory(atPath: registry, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: registry + "/register"))
        try Data("enabled\n".utf8).write(to: URL(fileURLWithPath: registry + "/status"))
        return (root, registry)
    }
    private func binfmt(_ words: String...) throws -> Outcome { try needletail(["--binfmt"] + words) }
    private static let magic = "7f454c460201010000000000000000000200b700"
    private static let mask = "ffffffffffffff00fffffffffffffffffeffffff"
    private func entry(_ state: String, _ interpreter: String, magic: String = BinfmtTests.magic) -> Data {
        Data("\(state)\ninterpreter \(interpreter)\nflags: POCF\noffset 0\nmagic \(magic)\nmask \(Self.mask)\n".utf8)
    }

    @Test func registersItself() throws {
        let (root, registry) = try fakeRoot()
        #expect(try binfmt("status", "--root", root.path).stdout == "no handler of AArch64 programs is registered\n")
        let outcome = try binfmt("install", "--root", root.path)
        #expect(outcome.stderr == "" && outcome.status == .exit(0))
        let line = try String(contentsOfFile: registry + "/register", encoding: .utf8)
        let escaped = { (hex: String) in
            stride(from: 0, to: hex.count, by: 2).map { "\\x" + String(hex.dropFirst($0).prefix(2)) }
                .joined()
        }
        #expect(line.hasPrefix(":needletail-aarch64:M::\(escaped(Self.magic)):\(escaped(Self.mask)):/"))
        #expect(line.hasSuffix(":POCF") || line.hasSuffix(":OCF"))
        #expect(outcome.stdout.hasPrefix("registered needletail-aarch64: /"))
    }

    @Test func knowsWhoElseIsThere() throws {
        let (root, registry) = try fakeRoot()
        let foreign = URL(fileURLWithPath: registry + "/qemu-aarch64")
        try entry("enabled", "/usr/bin/qemu-aarch64-static").write(to: foreign)
        try entry("enabled", "/usr/bin/qemu-arm", magic: Self.magic.replacingOccurrences(of: "b700", with: "2800"))
            .write(to: URL(fileURLWithPath: registry + "/qemu-arm"))
        let status = try binfmt("status", "--root", root.path)
        #expect(status.stdout == "qemu-aarch64 (not ours): active, /usr/bin/qemu-aarch64-static, flags POCF\n")
        let refused = try binfmt("install", "--root", root.path)
        #expect(
            refused.stderr == "needletail: qemu-aarch64 (/usr/bin/qemu-aarch64-static) runs AArch64 programs already; "
                + "--binfmt install --force switches it off\n")
        #expect(refused.status == .exit(1))
        let forced = try binfmt("install", "--force", "--root", root.path)
        #expect(forced.stdout.hasPrefix("switched qemu-aarch64 off\nregistered "))
        #expect(try String(contentsOf: foreign, encoding: .utf8).hasPrefix("0"))
        #expect(try binfmt("remove", "--root", root.path).stdout == "needletail-aarch64 is not registered\n")
        let own = URL(fileURLWithPath: registry + "/needletail-aarch64")
        try entry("disabled", "/opt/needletail").write(to: own)
        try Data("disabled\n".utf8).write(to: URL(fileURLWithPath: registry + "/status"))
        #expect(
            try binfmt("status", "--root", root.path).stdout.contains(
                "is switched off (echo 1 > \(registry)/status)\nneedletail-aarch64: disabled, /opt/needletail, flags POCF\n"))
        #expect(try binfmt("remove", "--root", root.path).stdout == "removed needletail-aarch64\n")
        #expect(try String(contentsOf: own, encoding: .utf8).hasPrefix("-1"))
    }

    @Test func saysWhatIsWrongInOneLine() throws {
        let root = try TemporaryFolder()
        let usage = "needletail: usage: needletail --binfmt install [--force]|remove|status [--root DIR]\n"
        for words in [[], ["x"], ["status", "--force"], ["install", "--root"], ["remove", "x"]] {
            let outcome = try needletail(["--binfmt"] + words)
            #expect(outcome == Outcome(stdout: "", stderr: usage, status: .exit(1)), "\(words)")
        }
        let absent = try binfmt("status", "--root", root.path)
        #expect(absent.stderr == "needletail: there is no binfmt_misc in \(root.path)/proc/sys/fs/binfmt_misc\n")
        #expect(absent.status == .exit(1))
    }

    // MARK: the static build

    private static let staticBuild: Result<String, Subprocess.Failure> = Result {
        var script = Subprocess(executable: Installation.packageRoot + "/.ci/link-static", arguments: [])
        script.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        script.timeLimitInSeconds = 300
        let outcome = try script.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "link-static: \(outcome)") }
        return Installation.packageRoot + "/.build/release/needletail-static"
    }.mapError { $0 as? Subprocess.Failure ?? Subprocess.Failure(description: "\($0)") }

    @Test func runsWithoutLibraries() throws {
        let emulator = try Self.staticBuild.get()
        for tier in Tier.allCases {
            for name in ["library", "threads", "signals"] {
                let program = try Installation.program(name, "O2")
                let actual = try Subprocess(executable: emulator, arguments: ["--tier=\(tier)", program]).run()
                expectSame(actual, try qemu([program]), "static build, \(name) in tier \(tier)")
            }
        }
        let plugin = try Subprocess(executable: emulator, arguments: ["-plugin", "insn", try Installation.guest("exit")]).run()
        #expect(plugin.stderr == "needletail: this is the static build, which cannot load plugins\n" && plugin.status == .exit(1))
    }

    /// A root that has nothing but a guest's shell: neither the emulator nor `/proc`.
    @Test func runsInARootWithoutProc() throws {
        let emulator = try Self.staticBuild.get()
        let root = try TemporaryFolder()
        for folder in ["bin", "tmp", "proc"] {
            try FileManager.default.createDirectory(atPath: "\(root.path)/\(folder)", withIntermediateDirectories: false)
        }
        let shell = try Installation.busybox()
        for name in ["sh", "tr", "sort", "head", "wc", "echo", "uname", "chroot"] {
            // By another process, for the reason that `writeExecutable` has.
            let copied = try Subprocess(executable: "/bin/cp", arguments: [shell, "\(root.path)/bin/\(name)"]).run()
            try #require(copied.status == .exit(0), "\(copied)")
        }
        let script =
            "#!/bin/sh\n/bin/echo c a b | /bin/tr ' ' '\\n' | /bin/sort | /bin/head -2\n/bin/echo $0 \"$@\" $(/bin/uname -m)\n"
        _ = try root.writeExecutable("tmp/script", script)
        let log = root.path + "/log"
        let arguments = ["-strace", "-D", log, shell, "chroot", root.path, "/tmp/script", "x y"]
        // In a user namespace everybody may chroot.
        let outcome =
            geteuid() == 0
            ? try Subprocess(executable: emulator, arguments: arguments).run()
            : try Subprocess(executable: "unshare", arguments: ["-Ur", emulator] + arguments).run()
        #expect(outcome == Outcome(stdout: "a\nb\n/tmp/script x y aarch64\n", stderr: "", status: .exit(0)))
        let lines = try String(contentsOfFile: log, encoding: .utf8)
        for name in ["tr", "sort", "head", "uname"] { #expect(lines.contains("execve(\"/bin/\(name)\""), "no \(name) in the log") }
    }
}
