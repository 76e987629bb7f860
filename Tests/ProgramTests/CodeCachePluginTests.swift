import Foundation
import Testing

/// A code cache with plugins: what was instrumented in another process counts and calls as if it were new.
@Suite struct CodeCachePluginTests {
    private func counts(_ outcome: Outcome) throws -> CodeCacheProgramTests.Counts { try CodeCacheProgramTests.Counts(outcome) }

    /// With and without `--stats`, whose own counters change the code.
    private func run(_ options: [String], _ program: [String], cache: String) throws -> (Outcome, taken: Int) {
        let plain = try needletail(options + program) { $0.cacheDirectory = cache }
        let shown = try needletail(["--stats"] + options + program) { $0.cacheDirectory = cache }
        return (plain, try counts(shown).taken)
    }

    @Test(arguments: [
        "insn,inline=on", "insn,inline=off", "insn,inline=off,sizes=on", "bb,inline=on", "bb,inline=off", "mem,inline=on",
        "mem,callback=on",
        "hotblocks,inline=on", "hotblocks", "howvec,inline=on", "howvec", "hotpages", "empty",
    ])
    func countsAsWithout(_ plugin: String) throws {
        for (program, tier) in [("integers", "auto"), ("library", "auto"), ("hotfaults", "auto"), ("integers", "baseline")] {
            let path = try Installation.program(program, "O2")
            let options = ["--tier=\(tier)", "-plugin", plugin]
            let plain = try needletail(options + [path])
            let folder = try TemporaryFolder()
            let (cold, none) = try run(options, [path], cache: folder.path)
            #expect(none == 0)
            expectSame(cold, plain, "\(plugin) \(program) with an empty cache")
            let (warm, taken) = try run(options, [path], cache: folder.path)
            #expect(taken > 100)
            expectSame(warm, plain, "\(plugin) \(program) with what another process instrumented")
        }
    }

    /// A fault takes back what was counted ahead, of code that is kept, too.
    @Test(arguments: ["insn,inline=on", "mem,inline=on"]) func countsExactlyAtAFatalFault(_ plugin: String) throws {
        let guest = try Installation.guest("fatal")
        let folder = try TemporaryFolder()
        let plain = try needletail(["-plugin", plugin, guest])
        for _ in 0..<3 {
            expectSame(try needletail(["-plugin", plugin, guest]) { $0.cacheDirectory = folder.path }, plain, plugin)
        }
    }

    /// One scoreboard, function and pointer for each TB; what is put where depends on the environment, which no file's name tells.
    private static let source = """
        #include "plugin.h"
        typedef struct { uint64_t count, first, stored; } entry;
        typedef struct { uint64_t pc; qemu_plugin_u64 total; uint64_t calls; } block;
        static block blocks[100000];
        static int block_count;
        static char mode;
        static struct qemu_plugin_scoreboard *board;
        static uint64_t calls, wrong, accesses;
        static void called(unsigned vcpu, void *data) { calls++, ((block *)data)->calls++; }
        static void other(unsigned vcpu, void *data) { calls += 1000003, ((block *)data)->calls++; }
        static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
            accesses += qemu_plugin_mem_is_store(info) ? 1000 : 1;
            if (data != &accesses) wrong++;
        }
        static void translated(ID struct qemu_plugin_tb *tb DATA) {
            block *b = &blocks[block_count++];
            b->pc = qemu_plugin_tb_vaddr(tb);
            struct qemu_plugin_scoreboard *own = qemu_plugin_scoreboard_new(sizeof(entry));
            b->total = qemu_plugin_scoreboard_u64_in_struct(own, entry, count);
            qemu_plugin_u64 sum = qemu_plugin_scoreboard_u64_in_struct(board, entry, count);
            size_t n = qemu_plugin_tb_n_insns(tb);
            qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_STORE_U64,
                qemu_plugin_scoreboard_u64_in_struct(board, entry, stored), mode == 'b' ? 0x123456789ab : 5);
            for (size_t i = 0; i < n; i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                if (mode != 'c' || i % 2)
                    qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, i % 3 ? b->total : sum, 1);
                qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, &accesses);
            }
            qemu_plugin_register_vcpu_tb_exec_cb(tb, mode == 'd' ? other : called, QEMU_PLUGIN_CB_NO_REGS, b);
            qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, called, mode == 'e' ? QEMU_PLUGIN_CB_R_REGS : QEMU_PLUGIN_CB_NO_REGS,
                mode == 'f' ? QEMU_PLUGIN_COND_LE : QEMU_PLUGIN_COND_GT, sum, mode == 'g' ? 70000000000 : 200, b);
        }
        static void ended(UDATA) {
            uint64_t total = 0, most = 0;
            for (int i = 0; i < block_count; i++) {
                uint64_t count = qemu_plugin_u64_sum(blocks[i].total);
                total += count * (blocks[i].pc >> 2 & 1023), most += blocks[i].calls * (blocks[i].pc >> 2 & 4095);
            }
            say("blocks %d total %" PRIu64 " calls %" PRIu64 " each %" PRIu64 " sum %" PRIu64 " stored %" PRIu64 " accesses %" PRIu64
                " wrong %" PRIu64, block_count, total, calls, most,
                qemu_plugin_u64_sum(qemu_plugin_scoreboard_u64_in_struct(board, entry, count)),
                qemu_plugin_u64_sum(qemu_plugin_scoreboard_u64_in_struct(board, entry, stored)), accesses, wrong);
        }
        QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
            me = id;
            mode = getenv("PLUGIN_MODE")[0];
            // Entries of other processes lie elsewhere.
            for (int i = 0; i < getenv("PLUGIN_MODE")[1] - '0'; i++) qemu_plugin_scoreboard_new(24);
            board = qemu_plugin_scoreboard_new(sizeof(entry));
            REGISTER(vcpu_tb_trans, translated);
            qemu_plugin_register_atexit_cb(id, ended, NULL);
            return 0;
        }
        """

    @Test func tellsWhatIsInstrumentedApart() throws {
        let plugin = try HostCompiler.plugin(
            Self.source, options: ["-DQEMU_PLUGIN_VERSION=7", "-I", Installation.packageRoot + "/Tests/Plugins"])
        let path = try Installation.program("integers", "O2")
        let folder = try TemporaryFolder()
        func run(_ mode: String, cache: String?) throws -> Outcome {
            try needletail(["-plugin", plugin.path, path]) {
                $0.environment["PLUGIN_MODE"] = mode
                $0.cacheDirectory = cache
            }
        }
        var seen: Set<String> = []
        for mode in ["a0", "a3", "b1", "c2", "d0", "e5", "f1", "g0", "a1", "g7", "a2"] {
            let plain = try run(mode, cache: nil)
            #expect(plain.status == .exit(0) && plain.stderr.contains(" wrong 0"), "\(plain)")
            seen.insert(plain.stderr)
            for n in 0..<2 { expectSame(try run(mode, cache: folder.path), plain, "mode \(mode), run \(n)") }
        }
        // `e` only changes what a callback may do.
        #expect(seen.count == 6, "\(seen)")
    }

    /// Nothing is taken from what other plugins, or other arguments, have made; nor is a plugin shown what does not run.
    @Test func isOfOneSetOfPlugins() throws {
        let path = try Installation.program("integers", "O2")
        let folder = try TemporaryFolder()
        let sets = [["insn,inline=on"], ["insn,inline=on", "bb,inline=on"], ["insn"], ["bb,inline=on"], []]
        for (n, plugins) in (sets + sets).enumerated() {
            let options = plugins.flatMap { ["-plugin", $0] }
            let outcome = try needletail(["--stats"] + options + [path]) { $0.cacheDirectory = folder.path }
            #expect(try (counts(outcome).taken == 0) == (n < sets.count), "\(plugins)")
        }
        func translations(_ cache: String?) throws -> String {
            try needletail(["-plugin", "hotblocks,limit=1,inline=on", path]) { $0.cacheDirectory = cache }.stderr
        }
        let plain = try translations(nil)
        for _ in 0..<3 { #expect(try translations(folder.path) == plain) }
    }
}
