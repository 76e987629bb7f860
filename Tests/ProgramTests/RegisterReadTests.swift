import Testing

/// A callback that may read registers sees the PC of its own instruction, in every tier.
@Suite struct RegisterReadTests {
    private static let source = """
        #include <qemu-plugin.h>
        #include <dlfcn.h>
        #include <inttypes.h>
        #include <stdio.h>
        #include <string.h>
        QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
        static GByteArray *(*new_bytes)(void), *(*set_size)(GByteArray *, unsigned);
        static struct qemu_plugin_register *pc;
        static GByteArray *bytes;
        static uint64_t right, wrong;
        static void started(qemu_plugin_id_t id, unsigned cpu) {
            (void)id, (void)cpu;
            GArray *list = qemu_plugin_get_registers();
            for (unsigned i = 0; i < list->len; i++) {
                qemu_plugin_reg_descriptor *d = (qemu_plugin_reg_descriptor *)list->data + i;
                if (strcmp(d->name, "pc") == 0) pc = d->handle;
            }
            bytes = new_bytes();
        }
        static void executed(unsigned cpu, void *data) {
            (void)cpu;
            uint64_t value = 0;
            set_size(bytes, 0);
            if (qemu_plugin_read_register(pc, bytes) == 8) memcpy(&value, bytes->data, 8);
            if (value == (uintptr_t)data) right++; else wrong++;
        }
        static void accessed(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
            (void)info, (void)address;
            executed(cpu, data);
        }
        static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
            (void)id;
            qemu_plugin_register_vcpu_tb_exec_cb(
                tb, executed, QEMU_PLUGIN_CB_R_REGS, (void *)(uintptr_t)qemu_plugin_tb_vaddr(tb));
            for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                void *data = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
                qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_R_REGS, data);
                qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_RW, data);
            }
        }
        static void ended(qemu_plugin_id_t id, void *data) {
            (void)id, (void)data;
            fprintf(stderr, "wrong %" PRIu64 ", some right %d\\n", wrong, right > 403006);
        }
        QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
            (void)info, (void)argc, (void)argv;
            void *glib = dlopen("libglib-2.0.so.0", RTLD_NOW | RTLD_GLOBAL);
            if (!glib) return -1;
            *(void **)&new_bytes = dlsym(glib, "g_byte_array_new");
            *(void **)&set_size = dlsym(glib, "g_byte_array_set_size");
            qemu_plugin_register_vcpu_init_cb(id, started);
            qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
            qemu_plugin_register_atexit_cb(id, ended, NULL);
            return 0;
        }
        """

    @Test func readsPC() throws {
        let guest = try Installation.guest("count")
        let plugin = try HostCompiler.plugin(Self.source)
        for mode in PluginCountTests.modes {
            let outcome = try needletail(mode + ["-plugin", plugin.path, guest])
            #expect(outcome.stderr == "wrong 0, some right 1\n", "\(mode)")
        }
    }
}
