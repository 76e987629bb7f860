import Foundation
import Testing

/// `-tb-size`: the guest has more code than may be in memory. It sees nothing of that, nor do plugins but for TBs that they are shown more
/// than once.
@Suite struct CodeLimitTests {
    private func run(_ options: [String], threads: Int, variant: String = "O2") throws -> Outcome {
        try needletail(options + [try Installation.program("muchcode", variant), String(threads), "3"])
    }

    /// In MiB: the smallest, one that holds a part, and one that holds all.
    static let sizes = [1, 2, 64]

    @Test(arguments: sizes, ["auto", "baseline"])
    func guestsSeeNothing(_ size: Int, _ tier: String) throws {
        for threads in [1, 4] {
            for variant in ["O0", "pie"] {
                let outcome = try run(["-tb-size", String(size), "--tier=\(tier)"], threads: threads, variant: variant)
                #expect(outcome == Outcome(stdout: "0744db50\n", stderr: "", status: .exit(0)), "\(threads) \(variant)")
            }
        }
    }

    /// Regions come and go meanwhile.
    @Test func guestsSeeNothingOfRegions() throws {
        let outcome = try run(["-tb-size", "1", "--sample-interval=100"], threads: 2)
        #expect(outcome == Outcome(stdout: "0744db50\n", stderr: "", status: .exit(0)))
    }

    /// Faults take back counts in code that was made anew, too.
    @Test(arguments: ["on", "off"], ["auto", "baseline"])
    func countsStayExact(_ inline: String, _ tier: String) throws {
        let plain = try run(["--tier=interp", "-plugin", "insn,inline=on", "-d", "plugin"], threads: 1)
        let outcome = try run(
            ["-tb-size", "1", "--tier=\(tier)", "-plugin", "insn,inline=\(inline)", "-d", "plugin"], threads: 1)
        #expect(plain.stderr.contains("total insns: ") && outcome == plain)
    }

    /// Made, removed for others, and how often some were.
    private func statistics(_ outcome: Outcome) throws -> [Int] {
        let line = try #require(outcome.errorLines.first { $0.contains("TBs made") })
        return line.split { !$0.isNumber }.compactMap { Int($0) }
    }

    /// All code that is in use again and again does not fit: each time something goes, but only what is old.
    @Test func onlyOldCodeGoes() throws {
        let all = try statistics(try run(["--stats"], threads: 1))
        #expect(all[1] == 0 && all[2] == 0)
        let outcome = try run(["-tb-size", "1", "--stats"], threads: 1)
        let (made, removed, times) = (try statistics(outcome)[0], try statistics(outcome)[1], try statistics(outcome)[2])
        #expect(made > all[0] && removed > 0 && times > 1)
        // Those that are left at each time: most of what there is room for.
        #expect(made - removed > 3 * removed / times, "\(made) \(removed) \(times)")
        let roomy = try statistics(try run(["-tb-size", "2", "--stats"], threads: 1))
        #expect(roomy[1] > 0 && roomy[0] < made)
    }

    /// Plugins are told of no flush.
    @Test func pluginsHearOfNoFlush() throws {
        let plugin = try HostCompiler.plugin(
            """
            #include <inttypes.h>
            #include <stddef.h>
            #include <stdio.h>
            #define EXPORT __attribute__((visibility("default")))
            EXPORT int qemu_plugin_version = 2;
            void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, void *));
            void qemu_plugin_register_flush_cb(uint64_t, void (*)(uint64_t));
            void qemu_plugin_register_atexit_cb(uint64_t, void (*)(uint64_t, void *), void *);
            static uint64_t translations, flushes;
            static void translated(uint64_t id, void *tb) { (void)id, (void)tb, translations++; }
            static void flushed(uint64_t id) { (void)id, flushes++; }
            static void ended(uint64_t id, void *p) {
                (void)id, (void)p;
                fprintf(stderr, "%" PRIu64 " %" PRIu64 "\\n", translations, flushes);
            }
            EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
                (void)info, (void)argc, (void)argv;
                qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
                qemu_plugin_register_flush_cb(id, flushed);
                qemu_plugin_register_atexit_cb(id, ended, NULL);
                return 0;
            }
            """)
        let roomy = try run(["-plugin", plugin.path], threads: 1).stderr.split { !$0.isNumber }.compactMap { Int($0) }
        let small = try run(["-plugin", plugin.path, "-tb-size", "1"], threads: 1).stderr.split { !$0.isNumber }
            .compactMap { Int($0) }
        #expect(roomy.count == 2 && small.count == 2)
        #expect(small[1] == roomy[1] && small[0] > roomy[0])
    }
}
