import Testing

/// Memory accesses counted inline and by callback: what a failed store-exclusive did not do, and what a fault kept from happening,
/// is not counted.
@Suite struct MemoryInstrumentationTests {
    private static let source = """
        #include <qemu-plugin.h>
        #include <inttypes.h>
        #include <stdio.h>
        QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
        static struct qemu_plugin_scoreboard *score;
        static uint64_t calls[2];
        static int wants_calls;
        static qemu_plugin_u64 entry(size_t n) {
            qemu_plugin_u64 entry = {score, n * 8};
            return entry;
        }
        static void accessed(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
            (void)cpu, (void)address, (void)data;
            calls[qemu_plugin_mem_is_store(info)]++;
        }
        static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
            (void)id;
            for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                if (wants_calls)
                    qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
                qemu_plugin_register_vcpu_mem_inline_per_vcpu(insn, QEMU_PLUGIN_MEM_R, QEMU_PLUGIN_INLINE_ADD_U64, entry(0), 1);
                qemu_plugin_register_vcpu_mem_inline_per_vcpu(insn, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_INLINE_ADD_U64, entry(1), 1);
            }
        }
        static void ended(qemu_plugin_id_t id, void *data) {
            (void)id, (void)data;
            fprintf(stderr, "inline %" PRIu64 " %" PRIu64, qemu_plugin_u64_sum(entry(0)), qemu_plugin_u64_sum(entry(1)));
            if (wants_calls) fprintf(stderr, ", calls %" PRIu64 " %" PRIu64, calls[0], calls[1]);
            fprintf(stderr, "\\n");
        }
        QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
            (void)info, (void)argv;
            wants_calls = argc > 0;
            score = qemu_plugin_scoreboard_new(16);
            qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
            qemu_plugin_register_atexit_cb(id, ended, NULL);
            return 0;
        }
        """

    @Test func countsWhatHappened() throws {
        let guest = try Installation.guest("accesses")
        let plugin = try HostCompiler.plugin(Self.source)
        for mode in PluginCountTests.modes {
            let merged = try needletail(mode + ["-plugin", plugin.path, guest])
            #expect(merged.status == .exit(0))
            #expect(merged.stderr == "inline 4 3\n", "\(mode)")
            let called = try needletail(mode + ["-plugin", plugin.path + ",calls=on", guest])
            #expect(called.stderr == "inline 4 3, calls 4 3\n", "\(mode)")
        }
    }

    /// A program with every kind of access, those of copy and set instructions among them.
    @Test func countsInlineWhatItCalls() throws {
        let guest = try Installation.guest("inventory")
        let plugin = try HostCompiler.plugin(Self.source)
        var counts: Set<Substring> = []
        for mode in PluginCountTests.modes {
            let merged = try needletail(mode + ["-plugin", plugin.path, guest])
            let called = try needletail(mode + ["-plugin", plugin.path + ",calls=on", guest])
            #expect(merged.status == .exit(0) && called.status == .exit(0))
            let parts = called.stderr.dropLast().split(separator: ", ")
            #expect(parts.count == 2 && parts[0].dropFirst("inline ".count) == parts[1].dropFirst("calls ".count))
            #expect(merged.stderr.dropLast() == parts[0])
            counts.insert(parts[0])
        }
        #expect(counts.count == 1)
    }
}
