import Foundation
import Testing

/// Exact instruction counts by the bundled plugins, in every tier.
@Suite struct PluginCountTests {
    static let modes =
        Tier.allCases.map { ["--tier=\($0)"] } + Tier.allCases.map { ["--tier=\($0)", "-one-insn-per-tb"] }
        + [["--hot-threshold=1"], ["--tier=block", "--no-chain"], ["--tier=interp", "--no-chain"]]

    /// From the guest's source: 3 before the loops, 1000 times (1 + 100 * 4 + 2), 3 at the end.
    static let countGuest = 3 + 1000 * (1 + 100 * 4 + 2) + 3

    private func expectCount(_ count: Int, _ guest: String, _ arguments: [String]) throws {
        let outcome = try needletail(arguments + ["-d", "plugin", guest])
        #expect(outcome.status == .exit(0))
        #expect(outcome.stderr == "cpu 0 insns: \(count)\ntotal insns: \(count)\n", "\(arguments)")
    }

    @Test(arguments: modes, ["on", "off"])
    func countsInstructionsExactly(_ mode: [String], _ inline: String) throws {
        let guest = try Installation.guest("count")
        try expectCount(Self.countGuest, guest, mode + ["-plugin", "insn,inline=\(inline)"])
    }

    /// Against another emulator: qemu-aarch64 with a plugin that counts each instruction. What clang makes of `default` and `fp`
    /// may change, the assembly of `count` not.
    @Test(arguments: ["count", "fp", "default"])
    func countsAsAnotherEmulator(_ name: String) throws {
        let guest = try Installation.guest(name)
        let count = try oracleCount(guest)
        if name == "count" { #expect(count == Self.countGuest) }
        for (tier, inline) in [("interp", "on"), ("block", "on"), ("auto", "on"), ("auto", "off")] {
            try expectCount(count, guest, ["--tier=\(tier)", "-plugin", "insn,inline=\(inline)"])
        }
        if name == "fp" { try expectCount(count, guest, ["-one-insn-per-tb", "-plugin", "insn,inline=on"]) }
    }

    /// Builds against no header: the four functions and their shapes are the same in QEMU 7.2 (API 1) and 10 (API 2 and up).
    private func oracleCount(_ guest: String) throws -> Int {
        for version in [1, 2] {
            let plugin = try HostCompiler.plugin(
                """
                #include <inttypes.h>
                #include <stddef.h>
                #include <stdio.h>
                #define EXPORT __attribute__((visibility("default")))
                EXPORT int qemu_plugin_version = \(version);
                void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, void *));
                size_t qemu_plugin_tb_n_insns(const void *);
                void *qemu_plugin_tb_get_insn(const void *, size_t);
                void qemu_plugin_register_vcpu_insn_exec_cb(void *, void (*)(unsigned, void *), int, void *);
                void qemu_plugin_register_atexit_cb(uint64_t, void (*)(uint64_t, void *), void *);
                static uint64_t count;
                static void executed(unsigned cpu, void *p) { (void)cpu, (void)p, count++; }
                static void translated(uint64_t id, void *tb) {
                    (void)id;
                    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
                        qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(tb, i), executed, 0, NULL);
                }
                static void ended(uint64_t id, void *p) { (void)id, (void)p, fprintf(stderr, "count %" PRIu64 "\\n", count); }
                EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
                    (void)info, (void)argc, (void)argv;
                    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
                    qemu_plugin_register_atexit_cb(id, ended, NULL);
                    return 0;
                }
                """)
            let outcome = try qemu(["-plugin", plugin.path, guest])
            if outcome.status == .exit(0), let text = outcome.errorLines.last?.dropFirst("count ".count) {
                return try #require(Int(text))
            }
        }
        throw Subprocess.Failure(description: "qemu-aarch64 takes no counting plugin")
    }

    /// In front of the first tagged address all code is made anew in mid-block: nothing is counted or called twice.
    @Test(arguments: modes) func countsTheFirstTaggedAccessOnce(_ mode: [String]) throws {
        let guest = try Installation.guest("tagged")
        let blocks = mode.contains("-one-insn-per-tb") ? 24 : 4
        let outcome = try needletail(mode + ["-plugin", "inline", "-d", "plugin", guest])
        #expect(outcome.status == .exit(0))
        for (what, count, modes) in [
            ("tb", blocks, ["", " (per vcpu)", " (per vcpu inline)", " (conditional cb)"]),
            ("insn", 24, ["", " (per vcpu)", " (per vcpu inline)", " (cond cb)"]),
            ("mem", 7, ["", " (per vcpu)", " (per vcpu inline)"]),
        ] {
            for mode in modes {
                #expect(outcome.errorLines.contains { $0 == "\(what): \(count)\(mode)" }, "\(mode) \(outcome.stderr)")
            }
        }
        let statistics = try needletail(mode + ["--stats", guest])
        #expect(statistics.stderr.hasPrefix("needletail: 24 guest instructions"))
    }

    /// The guest `fatal`: 3 before the loop, 50000 rounds of 7 and 3 or 1, and a last one that lacks 2 behind the access that faults. Blocks
    /// are counted when they begin.
    @Test(arguments: modes) func countsExactlyAtAFatalFault(_ mode: [String]) throws {
        let guest = try Installation.guest("fatal")
        let executed = 3 + 50_000 * 7 + 25_000 * 3 + 25_000 - 2
        for (plugin, expected) in [
            ("insn,inline=on", "total insns: \(executed)"), ("insn,inline=off", "total insns: \(executed)"),
            ("mem,inline=on", "mem accesses: \(50_000 * 2 + 25_000 - 1)"),
            (
                "bb,inline=on",
                mode.contains("-one-insn-per-tb") ? ", insns: \(executed)" : "Total: bb's: 125000, insns: \(executed + 2)"
            ),
        ] {
            let outcome = try needletail(mode + ["-plugin", plugin, "-d", "plugin", guest])
            #expect(outcome.status == .signal(11))
            #expect(outcome.errorLines.contains { $0.hasSuffix(expected) }, "\(plugin) \(outcome.stderr)")
        }
        let statistics = try needletail(mode + ["--stats", guest])
        #expect(statistics.stderr.contains("needletail: \(executed) guest instructions"), "\(statistics.stderr)")
    }

    /// Blocks of the count guest: the first TB, 99 further rounds of the inner loop each time, 1000 outer ends, 999 outer
    /// heads, the exit.
    @Test(arguments: Tier.allCases, ["on", "off"])
    func countsBlocks(_ tier: Tier, _ inline: String) throws {
        let guest = try Installation.guest("count")
        let arguments = ["--tier=\(tier)", "-plugin", "bb,inline=\(inline)", "-d", "plugin", guest]
        let blocks = 1 + 99 * 1000 + 1000 + 999 + 1
        let outcome = try needletail(arguments)
        #expect(
            outcome.stderr == """
                CPU0: bb's: \(blocks), insns: \(Self.countGuest)
                Total: bb's: \(blocks), insns: \(Self.countGuest)

                """)
        let single = try needletail(["-one-insn-per-tb"] + arguments)
        #expect(
            single.stderr == """
                CPU0: bb's: \(Self.countGuest), insns: \(Self.countGuest)
                Total: bb's: \(Self.countGuest), insns: \(Self.countGuest)

                """)
    }

    @Test(arguments: Tier.allCases)
    func runsTwoPluginsAtOnce(_ tier: Tier) throws {
        let guest = try Installation.guest("count")
        let plugins = ["-plugin", "insn,inline=on", "-plugin", "bb,inline=off", "-plugin", "empty"]
        let outcome = try needletail(["--tier=\(tier)"] + plugins + ["-d", "plugin", guest])
        #expect(outcome.status == .exit(0))
        #expect(outcome.stderr.contains("CPU0: bb's: 101001, insns: 403006\nTotal: bb's: 101001, insns: 403006\n"))
        #expect(outcome.stderr.contains("cpu 0 insns: 403006\ntotal insns: 403006\n"))
        let matched = try needletail([
            "--tier=\(tier)", "-plugin", "insn,match=subs", "-plugin", "bb", "-d", "plugin", guest,
        ])
        #expect(matched.stderr.contains("Match: subs, hits 101000\n"))
    }

    @Test func loadsPluginsByPathAndFromTheEnvironment() throws {
        let guest = try Installation.guest("count")
        let folder = URL(fileURLWithPath: Installation.needletail).deletingLastPathComponent().path
        let expected = "cpu 0 insns: 403006\ntotal insns: 403006\n"
        for option in [
            "\(folder)/libinsn.so", "\(folder)/libinsn", "file=\(folder)/libinsn.so,inline=on", "insn", "libinsn.so",
        ] {
            #expect(try needletail(["-plugin", option, "-d", "plugin", guest]).stderr == expected, "\(option)")
        }
        let relative = try needletail(["-plugin", "./libinsn.so,inline=on", "-d", "plugin", guest]) {
            $0.directory = folder
        }
        #expect(relative.stderr == expected)
        let variable = try needletail(["-d", "plugin", guest]) { $0.environment["QEMU_PLUGIN"] = "insn,inline=on" }
        #expect(variable.stderr == expected)
        let both = try needletail(["-plugin", "bb", "-d", "plugin", guest]) { $0.environment["QEMU_PLUGIN"] = "insn" }
        #expect(both.stderr.contains(expected) && both.stderr.contains("Total: bb's: 101001, insns: 403006\n"))
        // Without -d plugin the report is not shown.
        #expect(try needletail(["-plugin", "insn", guest]).stderr == "")
        #expect(try needletail(["-plugin", "empty", guest]).stderr == "")
    }

    /// The sum over the threads of a program, and a line for each vCPU.
    @Test(arguments: Tier.allCases)
    func countsThreads(_ tier: Tier) throws {
        let guest = try Installation.program("threads", "O2")
        let plain = try needletail(["--tier=\(tier)", guest])
        for inline in ["on", "off"] {
            let outcome = try needletail(
                [
                    "--tier=\(tier)", "-plugin", "insn,inline=\(inline)", "-plugin", "bb,inline=\(inline)", "-d",
                    "plugin", guest,
                ])
            #expect(outcome.stdout == plain.stdout)
            #expect(outcome.status == plain.status)
            func number(_ line: Substring) -> Int { line.split(separator: " ").last.flatMap { Int($0) } ?? -1 }
            let lines = outcome.errorLines
            let each = lines.filter { $0.hasPrefix("cpu ") }.map(number)
            let total = lines.filter { $0.hasPrefix("total insns: ") }.map(number)
            #expect(each.count >= 5, "main and four threads at once: \(outcome.stderr)")
            // The thread that never ends goes on counting while the report is made.
            let sum = each.reduce(0, +)
            #expect(total.count == 1 && total[0] >= sum && sum > 1_000_000, "\(outcome.stderr)")
        }
    }
}
