import Foundation
import Testing

/// Events of whole programs: system calls, discontinuities, ends, and the PC moved by plugins.
@Suite struct PluginEventTests {
    /// The guest's own source says where its cases stand. Each fault enters the handler at 0x700, whose rt_sigreturn at 0x71c goes
    /// on behind the instruction.
    private static let discontinuities = """
        hostcall 18 -> 1c
        hostcall 34 -> 38
        hostcall 50 -> 54
        hostcall 6c -> 70
        hostcall 88 -> 8c
        exception 100 -> 700
        hostcall 71c -> 104
        exception 104 -> 700
        hostcall 71c -> 108
        exception 204 -> 700
        hostcall 71c -> 208
        exception 304 -> 700
        hostcall 71c -> 308
        hostcall 404 -> 408
        hostcall 410 -> 414
        interrupt 414 -> 800
        hostcall 804 -> 414
        exception 40 -> 700
        hostcall 71c -> 600

        """

    @Test(arguments: [5, 7])
    func discontinuitiesHaveTheirAddresses(version: Int) throws {
        let guest = try Installation.guest("discons")
        let plugin = try HostCompiler.plugin(file: "discons", version: version)
        for mode in Tier.allCases.map({ ["--tier=\($0)"] }) + [["-one-insn-per-tb"], ["--hot-threshold=1"]] {
            let outcome = try needletail(mode + ["-plugin", plugin.path, guest])
            #expect(outcome.status == .exit(0))
            #expect(outcome.stderr == Self.discontinuities, "\(mode)")
        }
    }

    /// Against the instructions that ran, in programs with many signals and threads.
    @Test(arguments: ["signals", "sigprecise", "sigthreads"], Tier.allCases)
    func discontinuitiesFitWhatRan(_ program: String, _ tier: Tier) throws {
        let guest = try Installation.program(program, "O2")
        let plugin = try HostCompiler.plugin(file: "discons", version: 7)
        let plain = try needletail(["--tier=\(tier)", guest])
        let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path + ",check=on", guest])
        #expect(outcome.status == plain.status)
        #expect(outcome.stdout == plain.stdout)
        #expect(outcome.errorLines.count == plain.errorLines.count + 1, "\(outcome.stderr)")
        #expect(outcome.errorLines.contains { $0.hasPrefix("some interrupts") && $0.hasSuffix("hostcalls 1") })
    }

    @Test(arguments: [5, 7])
    func systemCallsReturnWithQEMUsValues(version: Int) throws {
        let guest = try Installation.guest("restart")
        let plugin = try HostCompiler.plugin(file: "calls", version: version)
        for tier in Tier.allCases {
            let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path, guest])
            #expect(outcome.status == .exit(0))
            let parent = outcome.errorLines.filter { !$0.hasPrefix("child") }
            #expect(
                parent == [
                    "call 134", "return 134 = 0", "call 59", "return 59 = 0", "call 103", "return 103 = 0",
                    // Interrupted, the handler's write and return, made again.
                    "call 63", "return 63 = -512", "call 64", "return 64 = 1", "call 139", "return 139 = -513", "call 63",
                    "return 63 = 1", "call 220", "return 220 = pid", "call 260", "return 260 = pid", "call 93",
                ], "\(tier)")
            #expect(outcome.errorLines.filter { $0.hasPrefix("child") } == ["child return 220 = 0", "child call 93"])
        }
    }

    @Test(arguments: [6, 7])
    func filtersAnswerSystemCalls(version: Int) throws {
        let guest = try Installation.guest("filtered")
        let plugin = try HostCompiler.plugin(file: "calls", version: version)
        for tier in Tier.allCases {
            let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path + ",filter=on", guest])
            #expect(outcome.status == .exit(0), "\(tier)")
            // The plain callback comes first, and there is a return.
            #expect(
                outcome.stderr
                    == "call 173\nfilter 173\nreturn 173 = 1234\ncall 131\nreturn 131 = -1\ncall 94\nreturn 94 = 7\ncall 94\n")
            // Of two plugins' filters the first that answers, the last one loaded, is the only one.
            let other = try HostCompiler.plugin(file: "calls", version: 13 - version)
            let both = try needletail([
                "--tier=\(tier)", "-plugin", plugin.path + ",filter=on", "-plugin", other.path + ",filter=on", guest,
            ])
            // Each has its own count of exit_group.
            #expect(both.errorLines.filter { $0 == "filter 173" }.count == 1)
        }
    }

    @Test(arguments: [6, 7])
    func movesThePC(version: Int) throws {
        let guest = try Installation.guest("redirect")
        let plugin = try HostCompiler.plugin(file: "redirect", version: version)
        for mode in Tier.allCases.map({ ["--tier=\($0)"] }) + [["-one-insn-per-tb"], ["--hot-threshold=1"]] {
            let outcome = try needletail(mode + ["-plugin", plugin.path, guest])
            #expect(outcome.status == .exit(0), "\(mode)")
            #expect(outcome.stderr == "ended\n", "\(mode)")
        }
    }

    /// What a plugin writes over the guest's code counts from the next block on, and protection keeps it from nothing.
    @Test(arguments: [5, 7])
    func writesGuestCode(version: Int) throws {
        let guest = try Installation.guest("patched")
        let plugin = try HostCompiler.plugin(file: "patches", version: version)
        for mode in Tier.allCases.map({ ["--tier=\($0)"] }) + [["--tier=block", "--no-chain"]] {
            let outcome = try needletail(mode + ["-plugin", plugin.path, guest])
            #expect(outcome.status == .exit(0) && outcome.stderr == "", "\(mode) \(outcome)")
        }
    }

    @Test(arguments: ["insn", "atexit", "install"])
    func refusesToMoveThePCElsewhere(place: String) throws {
        let guest = try Installation.guest("redirect")
        let plugin = try HostCompiler.plugin(file: "redirect", version: 7)
        let outcome = try needletail(["-plugin", plugin.path + ",refuse=\(place)", guest])
        #expect(outcome.status == .signal(SIGABRT))
        let lines = outcome.errorLines.filter { $0.contains("qemu_plugin_set_pc") }
        #expect(lines.count == 1 && lines[0].hasPrefix("needletail: a plugin called qemu_plugin_set_pc where"))
    }

    /// The last vCPU's exit, then atexit, once; nothing after it; and what stdio holds is written.
    @Test(arguments: Tier.allCases)
    func endsAreSaidOnce(_ tier: Tier) throws {
        let plugin = try HostCompiler.plugin(file: "ends", version: 7)
        let fatal = try Installation.program("fatal", "O2")
        func run(_ arguments: [String]) throws -> Outcome {
            try needletail(["--tier=\(tier)", "-plugin", plugin.path] + arguments)
        }
        let simple = try run([try Installation.guest("exit")])
        #expect(simple.stderr == "exit 0\natexit 1\n" && simple.stdout == "buffered\n")
        for (how, status) in [
            (["exit", "3"], Outcome.Status.exit(3)), (["_exit", "4"], .exit(4)), (["raise", "11"], .signal(11)),
            (["kill", "15"], .signal(15)), (["raise", "6"], .signal(6)),
        ] {
            let outcome = try run([fatal] + how)
            #expect(outcome.status == status, "\(how)")
            #expect(outcome.errorLines.prefix(2) == ["exit 0", "atexit 1"], "\(how) \(outcome.stderr)")
            #expect(outcome.stdout.hasSuffix("\nbuffered\n"))
        }
        // Another thread ends the process, while main waits.
        let thread = try run([fatal, "thread-exit"])
        #expect(thread.status == .exit(23))
        #expect(thread.errorLines == ["exit 1", "atexit 1"])
        // Each process has its end.
        let forked = try run([try Installation.guest("restart")])
        #expect(forked.errorLines == ["exit 0", "atexit 1", "exit 0", "atexit 1"])
        #expect(forked.stdout == "buffered\nbuffered\n")
        // Threads run on while the report is made, but not through callbacks.
        let threads = try run([try Installation.program("threads", "O2")])
        #expect(threads.errorLines.last == "atexit 1")
        #expect(!threads.stderr.contains("after the end"))
    }
    /// Of the program, and of a library that the guest's own dynamic linker maps.
    @Test func symbolsOfLibrariesAreKnown() throws {
        let folder = try TemporaryFolder()
        func build(_ source: String, _ options: [String], _ output: String) throws {
            let input = folder.path + "/\(output).c"
            try Data(source.utf8).write(to: URL(fileURLWithPath: input))
            var compiler = Subprocess(
                executable: "aarch64-linux-gnu-gcc", arguments: ["-O1", input, "-o", folder.path + "/\(output)"] + options)
            compiler.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
            let outcome = try compiler.run()
            try #require(outcome.status == .exit(0), "\(outcome)")
        }
        // One with all symbols, one with those of dynamic linking only.
        for strip in [[], ["-s"]] {
            try build("int in_library(int x) { return x + 1; }\n", ["-shared", "-fPIC"] + strip, "libguest.so")
            try build(
                "int in_library(int); int main(int n, char **v) { return in_library(n) - 2; }\n",
                ["-L", folder.path, "-lguest"], "program")
            let plugin = try HostCompiler.plugin(file: "symbols", version: 5)
            let outcome = try needletail([
                "-L", "/usr/aarch64-linux-gnu", "-E", "LD_LIBRARY_PATH=\(folder.path)", "-plugin", plugin.path,
                folder.path + "/program",
            ])
            #expect(outcome.status == .exit(0))
            for name in ["main", "in_library", "exit"] { #expect(outcome.errorLines.contains { $0 == name }, "\(name)") }
        }
    }

    /// A plugin that ends the emulation from a callback, on eight threads at once: the others' reports are made, once and whole.
    @Test(arguments: Tier.allCases)
    func pluginsMayExit(_ tier: Tier) throws {
        let guest = try Installation.program("plugload", "O2")
        let reporter = try HostCompiler.plugin(file: "ends", version: 5)
        let stopper = try HostCompiler.plugin(
            """
            #include "plugin.h"
            static struct qemu_plugin_scoreboard *score;
            static void stop(unsigned vcpu, void *data) { exit(9); }
            static void translated(ID struct qemu_plugin_tb *tb DATA) {
                qemu_plugin_u64 count = qemu_plugin_scoreboard_u64(score);
                qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, count, 1);
                qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, stop, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_GE, count, 5000, 0);
            }
            QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                me = id;
                score = qemu_plugin_scoreboard_new(8);
                REGISTER(vcpu_tb_trans, translated);
                return 0;
            }
            """, options: ["-I", Installation.packageRoot + "/Tests/Plugins"])
        for _ in 0..<5 {
            let outcome = try needletail(["--tier=\(tier)", "-plugin", reporter.path, "-plugin", stopper.path, guest])
            #expect(outcome.status == .exit(9))
            #expect(outcome.errorLines == ["atexit 1"], "\(outcome.stderr)")
            #expect(outcome.stdout == "buffered\n")
        }
    }
}
