import Foundation
import Testing

/// Plugins of each API version, as QEMU's header of that version would make them: shapes, order, accesses.
@Suite struct PluginABITests {
    /// What Tests/Plugins/abi.c says of the guest `accesses` when all is well: its 22 instructions, 7 accesses, two calls of which
    /// one returns.
    private static func report(_ version: Int) -> String {
        "abi \(version): 0 wrong, executed 22, accesses 7, calls 2, returns 1\n"
    }

    @Test(arguments: 2...7)
    func eachVersionFindsWhatItCountsOn(_ version: Int) throws {
        let guest = try Installation.guest("accesses")
        let plugin = try HostCompiler.plugin(file: "abi", version: version, options: ["-Wl,-z,now"])
        for tier in Tier.allCases {
            let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path, guest])
            #expect(outcome.stderr == Self.report(version), "\(tier)")
            #expect(outcome.status == .exit(0))
        }
    }

    /// Callbacks that generated code calls get no id: whose they are is found by where they are.
    @Test func allVersionsAtOnce() throws {
        let guest = try Installation.guest("accesses")
        let plugins = try (2...7).map { try HostCompiler.plugin(file: "abi", version: $0) }
        for tier in Tier.allCases {
            let outcome = try needletail(
                ["--tier=\(tier)"] + plugins.flatMap { ["-plugin", $0.path] } + [guest])
            // The last one loaded is called first.
            #expect(outcome.stderr == (2...7).reversed().map(Self.report).joined(), "\(tier)")
        }
    }

    /// Two plugins' records on one load, in QEMU's order: that of registration, the last plugin's first.
    @Test func recordsRunInOrder() throws {
        let guest = try Installation.guest("order")
        let plugins = try [HostCompiler.plugin(file: "order", version: 5), HostCompiler.plugin(file: "order", version: 7)]
        func load(_ isFirst: Bool) -> String {
            ["B", "A"].map { name in
                let from = isFirst ? 0 : 110
                return "\(name) cb1 c=\(from)\n\(name) cond c=\(from + 10)\n\(name) cb2 c=\(from + 10)\n"
            }.joined()
        }
        func access(_ isFirst: Bool) -> String {
            ["B", "A"].map { name in
                let from = isFirst ? 10 : 120
                return "\(name) mem1 c=\(from)\n\(name) mem2 c=\(from + 100)\n"
            }.joined()
        }
        let second = ["B", "A"].map { name in
            // Registered for the instruction, but a block's records come before all of any plugin's instructions.
            "\(name) insn c=110\n\(name) cb1 c=110\n\(name) cond c=120\n\(name) cb2 c=120\n"
        }.joined()
        let expected = load(true) + access(true) + "B tb c=110\nA tb c=110\n" + second + access(false)
        for tier in Tier.allCases {
            let outcome = try needletail(
                ["--tier=\(tier)", "-plugin", plugins[0].path + ",n=A", "-plugin", plugins[1].path + ",n=B", guest])
            #expect(outcome.stderr == expected, "\(tier)")
        }
    }

    /// The guest says behind each instruction what is to be reported of it.
    @Test func accessesAreReportedInFull() throws {
        let guest = try Installation.guest("inventory")
        let source = try String(contentsOfFile: Installation.packageRoot + "/Tests/Guests/inventory/main.S", encoding: .utf8)
        let rows = source.split(separator: "\n").filter { $0.contains("T; ") && $0.contains("//=") }.map { line in
            let parts = line.split(separator: "//=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                text: parts[0].trimmingCharacters(in: .whitespaces), accesses: parts[1].trimmingCharacters(in: .whitespaces)
            )
        }
        #expect(rows.count > 80)
        let plugin = try HostCompiler.plugin(file: "accesses", version: 5)
        for mode in [["--tier=interp"], ["--tier=block"], ["--tier=auto", "--hot-threshold=1"], ["-one-insn-per-tb"]] {
            let outcome = try needletail(mode + ["-plugin", plugin.path, guest])
            #expect(outcome.status == .exit(0))
            let found = outcome.errorLines.dropFirst().map { line in
                // The instruction's word stands first.
                line.drop { $0 != " " }.trimmingCharacters(in: .whitespaces)
            }
            #expect(found.count == rows.count, "\(mode)")
            for (row, accesses) in zip(rows, found) { #expect(accesses == row.accesses, "\(mode) \(row.text)") }
        }
    }

    @Test(
        arguments: [
            ("PATH,inline=true", ["inline=true"], false), ("file=PATH,a=1,b=2", ["a=1", "b=2"], false),
            ("PATH,list=a,,b", ["list=a,b"], false), ("PATH,fast", ["fast=on"], true), ("PATH,nofast", ["fast=off"], true),
            ("PATH,notify", ["tify=off"], true), ("PATH,id=x,b=1", ["b=1"], false), ("PATH,arg=on", ["arg=on"], false),
            ("PATH,arg=x=3", ["x=3"], true), ("PATH,arg=x", ["x=on"], true), ("PATH,a=1,file=PATH,b=2", ["a=1", "b=2"], false),
            ("PATH", [], false),
        ] as [(String, [String], Bool)])
    func argumentsArriveAsInQEMU(option: String, arguments: [String], warns: Bool) throws {
        let plugin = try HostCompiler.plugin(
            """
            #include <qemu-plugin.h>
            #include <stdio.h>
            QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
            QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                for (int i = 0; i < argc; i++) printf("%s\\n", argv[i]);
                if (argc == 0) printf("%d\\n", argv == NULL);
                return 0;
            }
            """)
        let guest = try Installation.guest("exit")
        let text = option.replacingOccurrences(of: "PATH", with: plugin.path)
        let outcome = try needletail(["-plugin", text, guest])
        #expect(outcome.status == .exit(0))
        #expect(outcome.stdout == (arguments.isEmpty ? "1\n" : arguments.map { $0 + "\n" }.joined()))
        #expect(outcome.errorLines.count == (warns ? 1 : 0), "\(outcome.stderr)")
        if option == "PATH" {
            // The same path again is the same plugin; the environment's comes first.
            let again = try needletail(["-plugin", plugin.path + ",x=1", "-plugin", plugin.path + ",y=2", guest]) {
                $0.environment["QEMU_PLUGIN"] = plugin.path + ",w=0"
            }
            #expect(again.stdout == "w=0\nx=1\ny=2\n")
            let help = try needletail(["-plugin", plugin.path + ",x=help", guest])
            #expect(help.status == .exit(0) && help.stdout.split(separator: "\n").count == 3)
        }
    }

    /// One line that names plugin and reason, status 1, and those loaded before get to say their last word.
    @Test func failuresAreOneLine() throws {
        let guest = try Installation.guest("exit")
        let first = try HostCompiler.plugin(file: "ends", version: 5)
        func source(_ version: String, _ install: String) -> String {
            "#include <qemu-plugin.h>\nint undefined_in_all_versions(void);\n\(version)\n\(install)\n"
        }
        let version = "int qemu_plugin_version = QEMU_PLUGIN_VERSION;"
        let head = "int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)"
        let cases: [(String, String)] = [
            (source(version, "\(head) { return undefined_in_all_versions(); }"), "cannot open: "),
            (source(version, ""), "has no function qemu_plugin_install"),
            (source("", "\(head) { return 0; }"), "does not declare its API version (qemu_plugin_version)"),
            (
                source("int qemu_plugin_version = 1;", "\(head) { return 0; }"),
                "needs plugin API version 1; the oldest supported is 2"
            ),
            (
                source("int qemu_plugin_version = 8;", "\(head) { return 0; }"),
                "needs plugin API version 8; the newest supported is 7"
            ),
            (source(version, "\(head) { return -5; }"), "qemu_plugin_install returned error -5"),
        ]
        for (source, reason) in cases {
            let plugin = try HostCompiler.plugin(source)
            let outcome = try needletail(["-plugin", first.path, "-plugin", plugin.path, guest])
            #expect(outcome.status == .exit(1))
            #expect(outcome.errorLines.count == 2, "\(outcome.stderr)")
            #expect(outcome.errorLines.first?.hasPrefix("needletail: plugin \(plugin.path): \(reason)") == true)
            #expect(outcome.errorLines.last == "atexit 1")
        }
        let missing = try needletail(["-plugin", "/nonexistent.so", guest])
        #expect(missing.status == .exit(1) && missing.errorLines.count == 1)
    }
}
