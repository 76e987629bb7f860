import Foundation
import Testing

/// What the emulator says when it cannot start: one line that names the thing, qemu-aarch64's status, nothing else.
@Suite struct CommandLineErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        /// What the line has to name.
        let names: [String]
        /// nil: the status of qemu-aarch64 with the same arguments.
        var status: Int32?
        var testDescription: String { arguments.joined(separator: " ") }
    }

    /// GUEST stands for a program that would run.
    static let cases = [
        Case(arguments: ["./text"], names: ["text"]), Case(arguments: ["./empty"], names: ["empty"]),
        Case(arguments: ["/bin/true"], names: ["/bin/true", "AArch64"]),
        Case(arguments: ["./missing"], names: ["missing", "No such file"]),
        Case(arguments: ["./directory"], names: ["directory"]),
        Case(arguments: ["./forbidden"], names: ["forbidden", "Permission denied"]),
        // QEMU runs it, and crashes.
        Case(arguments: ["./truncated"], names: ["truncated", "beyond the end"], status: 255),
        Case(arguments: [], names: ["no program"]), Case(arguments: ["--tier=auto"], names: ["no program"], status: 1),
        Case(arguments: ["-bogus", "GUEST"], names: ["-bogus"]),
        Case(arguments: ["--bogus=1", "GUEST"], names: ["--bogus"]),
        Case(arguments: ["-L"], names: ["-L"]), Case(arguments: ["-E"], names: ["-E"]),
        Case(arguments: ["-cpu"], names: ["-cpu"]),
        Case(arguments: ["-plugin"], names: ["-plugin"]), Case(arguments: ["-d"], names: ["-d"]),
        Case(arguments: ["-s"], names: ["-s"]),
        Case(arguments: ["-E", "novalue", "GUEST"], names: ["novalue"]),
        Case(arguments: ["-U", "A=b", "GUEST"], names: ["A=b"]),
        Case(arguments: ["-s", "many", "GUEST"], names: ["many"]),
        Case(arguments: ["-s", "", "GUEST"], names: ["stack size"]),
        Case(arguments: ["-cpu", "z80", "GUEST"], names: ["z80", "-cpu help"]),
        Case(arguments: ["-cpu", "max,nothing=on", "GUEST"], names: ["max", "nothing", "-cpu help"]),
        Case(arguments: ["-cpu", "cortex-a72,nothing=on", "GUEST"], names: ["cortex-a72", "nothing", "-cpu help"]),
        Case(arguments: ["-cpu", "max,pauth=maybe", "GUEST"], names: ["max", "pauth", "maybe"]),
        Case(arguments: ["-cpu", "max,pauth", "GUEST"], names: ["max", "pauth", "=on"]),
        Case(arguments: ["--perf=map,dump", "GUEST"], names: ["--perf", "dump", "jitdump"], status: 1),
        Case(arguments: ["-d", "nonsense", "GUEST"], names: ["nonsense"]),
        Case(arguments: ["-d", "exec,nonsense", "GUEST"], names: ["nonsense"]),
        Case(arguments: ["-D", "/nonexistent/log", "-d", "exec", "GUEST"], names: ["/nonexistent/log"]),
        Case(arguments: ["-p", "123", "GUEST"], names: ["123"]),
        Case(arguments: ["-seed", "seven", "GUEST"], names: ["seven"]),
        Case(arguments: ["-R", "much", "GUEST"], names: ["much"]),
        Case(arguments: ["--tier=warp", "GUEST"], names: ["warp"], status: 1),
        Case(arguments: ["--hot-threshold=0", "GUEST"], names: ["0"], status: 1),
        Case(arguments: ["--compile-threads=none", "GUEST"], names: ["none", "auto"], status: 1),
        Case(arguments: ["-plugin", "./missing.so", "GUEST"], names: ["./missing.so"]),
        Case(arguments: ["-plugin", "unheardof", "GUEST"], names: ["unheardof"]),
        Case(arguments: ["-plugin", "./text", "GUEST"], names: ["./text"]),
        Case(arguments: ["-plugin", "./forbidden", "GUEST"], names: ["./forbidden"]),
        Case(arguments: ["-plugin", "inline=on", "GUEST"], names: ["inline"], status: 1),
    ]

    @Test(arguments: cases)
    func saysOneLine(_ test: Case) throws {
        let folder = try makeFolder()
        let guest = try Installation.guest("exit")
        let arguments = test.arguments.map { $0 == "GUEST" ? guest : $0 }
        let outcome = try needletail(arguments) { $0.directory = folder.path }
        try expectOneLine(outcome, test.names)
        if let status = test.status {
            #expect(outcome.status == .exit(status))
        } else {
            let expected = try qemu(arguments) { $0.directory = folder.path }
            #expect(outcome.status == expected.status)
        }
    }

    /// The plugin says what it dislikes, then we that it refuses.
    @Test func passesOnAPluginsOwnMessage() throws {
        let outcome = try needletail(["-plugin", "insn,inline=perhaps", try Installation.guest("exit")])
        #expect(outcome.status == .exit(1) && outcome.stdout == "")
        #expect(outcome.errorLines.count == 2 && outcome.errorLines[0].contains("inline=perhaps"), "\(outcome)")
        #expect(outcome.errorLines.last == "needletail: plugin insn: qemu_plugin_install returned error -1")
    }

    private func expectOneLine(_ outcome: Outcome, _ names: [String]) throws {
        #expect(outcome.stdout == "")
        #expect(outcome.errorLines.count == 1, "\(outcome)")
        let line = try #require(outcome.errorLines.last)
        #expect(line.hasPrefix("needletail: "))
        for name in names { #expect(line.contains(name), "'\(line)' does not name '\(name)'") }
    }

    private func makeFolder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        func write(_ name: String, _ data: Data, mode: mode_t) throws {
            try data.write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
            chmod("\(folder.path)/\(name)", mode)
        }
        let program = try Data(contentsOf: URL(fileURLWithPath: try Installation.guest("count")))
        try write("text", Data("just text\n".utf8), mode: 0o755)
        try write("empty", Data(), mode: 0o755)
        // Without any execute bit even root may not execute it.
        try write("forbidden", program, mode: 0)
        try write("truncated", program.prefix(100), mode: 0o755)
        try FileManager.default.createDirectory(atPath: folder.path + "/directory", withIntermediateDirectories: true)
        return folder
    }

    struct PluginCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let source: String
        let names: [String]
    }
    static let plugins = [
        PluginCase(
            testDescription: "no version", source: "int qemu_plugin_install(void) { return 0; }",
            names: ["version"]),
        PluginCase(
            testDescription: "no install function", source: "int qemu_plugin_version = 2;",
            names: ["qemu_plugin_install"]),
        PluginCase(
            testDescription: "too new",
            source: "int qemu_plugin_version = 99; int qemu_plugin_install(void) { return 0; }",
            names: ["99", "newest"]),
        PluginCase(
            testDescription: "refuses",
            source: "int qemu_plugin_version = 2; int qemu_plugin_install(void) { return -7; }",
            names: ["qemu_plugin_install", "-7"]),
        PluginCase(
            testDescription: "unknown symbol",
            source: "int qemu_plugin_version = 2; int qemu_plugin_of_tomorrow(void);\n"
                + "int qemu_plugin_install(void) { return qemu_plugin_of_tomorrow(); }",
            names: ["qemu_plugin_of_tomorrow"]),
    ]

    @Test(arguments: plugins)
    func refusesPlugins(_ test: PluginCase) throws {
        let plugin = try HostCompiler.plugin(test.source)
        let guest = try Installation.guest("exit")
        let outcome = try needletail(["-plugin", plugin.path, guest])
        try expectOneLine(outcome, test.names + [plugin.path])
        #expect(outcome.status == .exit(1))
        #expect(outcome.status == (try qemu(["-plugin", plugin.path, guest])).status)
    }
}
