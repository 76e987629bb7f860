import Foundation
import Testing

/// Plugins that make mistakes, and plugins that come and go while threads run.
@Suite struct PluginSafetyTests {
    @Test(arguments: [5, 7], Tier.allCases)
    func mistakesAreToldAndSurvived(_ version: Int, _ tier: Tier) throws {
        let plugin = try HostCompiler.plugin(file: "mistakes", version: version)
        for guest in [try Installation.guest("count"), try Installation.program("plugload", "O2")] {
            let plain = try needletail(["--tier=\(tier)", guest])
            let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path, guest])
            #expect(outcome.status == plain.status)
            #expect(outcome.stdout == plain.stdout)
            #expect(outcome.errorLines.last == "survived")
            // Said by us, one line each and each once.
            let told = outcome.errorLines.dropLast()
            #expect(told.allSatisfy { $0.hasPrefix("needletail: ") }, "\(outcome.stderr)")
            #expect(Set(told).count == told.count)
            for part in ["scoreboard", "unknown plugin id 12345", "as a block", "as an instruction", "unknown flags 9"] {
                #expect(told.contains { $0.contains(part) }, "\(part)")
            }
        }
    }

    /// `abort` ends the process, also where the guest handles SIGABRT.
    @Test(arguments: ["callback", "call", "atexit"]) func abortsEndTheProcess(_ place: String) throws {
        let guest = try Installation.guest("handled")
        let plugin = try HostCompiler.plugin(
            """
            #include "plugin.h"
            static const char *place;
            static volatile int is_handled;
            static void abort_at(const char *here) { if (!strcmp(place, here)) abort(); }
            static void executed(unsigned vcpu, void *data) { if (is_handled) abort_at("callback"); }
            static void translated(ID struct qemu_plugin_tb *tb DATA) {
                qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, NULL);
            }
            static void returned(ID unsigned vcpu, int64_t num, int64_t value DATA) {
                if (num == 134) is_handled = 1;
                if (num == 172) abort_at("call");
            }
            static void ended(UDATA) { abort_at("atexit"); }
            QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                me = id;
                place = strchr(argv[0], '=') + 1;
                REGISTER(vcpu_tb_trans, translated);
                REGISTER(vcpu_syscall_ret, returned);
                qemu_plugin_register_atexit_cb(id, ended, NULL);
                return 0;
            }
            """, options: ["-I", Installation.packageRoot + "/Tests/Plugins"])
        for tier in Tier.allCases {
            let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path + ",place=\(place)", guest])
            #expect(outcome.status == .signal(SIGABRT) && outcome.stderr == "", "\(tier) \(outcome)")
        }
    }

    /// A plugin's crash says where it was, and ends the process as a crash does.
    @Test(arguments: ["translated", "called"], [SIGSEGV, SIGILL]) func crashesSayWhere(_ place: String, _ signal: Int32) throws {
        let plugin = try HostCompiler.plugin(
            """
            #include "plugin.h"
            static const char *wanted;
            static void crash_at(const char *here) {
                if (strncmp(wanted, here, strlen(here))) return;
                if (strstr(wanted, "trap")) __builtin_trap();
                *(volatile int *)16 = 1;
            }
            static void called(unsigned vcpu, void *data) { crash_at("called"); }
            static void translated(ID struct qemu_plugin_tb *tb DATA) {
                crash_at("translated");
                qemu_plugin_register_vcpu_tb_exec_cb(tb, called, QEMU_PLUGIN_CB_NO_REGS, NULL);
            }
            QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                me = id;
                wanted = strchr(argv[0], '=') + 1;
                REGISTER(vcpu_tb_trans, translated);
                return 0;
            }
            """, options: ["-I", Installation.packageRoot + "/Tests/Plugins"])
        let name = plugin.path.split(separator: "/").last ?? ""
        let way = signal == SIGILL ? "trap" : "store"
        for tier in Tier.allCases {
            let outcome = try needletail([
                "--tier=\(tier)", "-plugin", plugin.path + ",at=\(place)-\(way)", try Installation.guest("count"),
            ])
            #expect(outcome.status == .signal(signal), "\(tier) \(outcome)")
            let line = outcome.errorLines.first ?? ""
            #expect(
                line.hasPrefix("needletail: crash: \(signal == SIGILL ? "SIGILL" : "SIGSEGV") at \(name)+0x"), "\(tier) \(outcome)")
            #expect(line.contains(", guest PC 0x") && line.hasSuffix("; probably a plugin's mistake"), "\(tier) \(outcome)")
        }
    }

    /// One plugin resets itself and uninstalls another, which is in the middle of everything.
    @Test(arguments: [5, 7], Tier.allCases)
    func comeAndGoDuringAStorm(_ version: Int, _ tier: Tier) throws {
        let guest = try Installation.program("plugload", "O2")
        let victim = try HostCompiler.plugin(file: "storm", version: version)
        let plugin = try HostCompiler.plugin(file: "storm", version: 12 - version)
        let plain = try needletail([guest])
        let outcome = try needletail([
            "--tier=\(tier)", "-plugin", victim.path + ",victim=on", "-plugin", plugin.path + ",cycles=200", guest,
        ])
        #expect(outcome.status == .exit(0))
        #expect(outcome.stdout == plain.stdout)
        #expect(outcome.errorLines.contains("uninstalled") && outcome.errorLines.contains("closed"), "\(outcome.stderr)")
        #expect(outcome.errorLines.contains { $0.hasPrefix("enough resets 1, grown by") }, "\(outcome.stderr)")
        // A callback of the victim that was running when it was uninstalled may be told that it is gone.
        let others = outcome.errorLines.filter { !$0.contains("names the unknown plugin id") }
        #expect(others.count == 3, "\(outcome.stderr)")
    }

    /// 100,000 resets, each of which drops all code, takes callbacks away and gives them back, and replaces a scoreboard.
    @Test func resetsDoNotMakeItGrow() throws {
        let guest = try Installation.guest("manycalls")
        let plugin = try HostCompiler.plugin(file: "storm", version: 7)
        let outcome = try needletail(["--tier=interp", "-plugin", plugin.path + ",cycles=100000", guest])
        #expect(outcome.status == .exit(0))
        let line = try #require(outcome.errorLines.last)
        #expect(line.hasPrefix("enough resets 1, grown by "))
        let growth = try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) })
        #expect(growth <= 4, "\(line)")
    }
}
