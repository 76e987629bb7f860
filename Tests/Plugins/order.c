// Says in which order the records of one load run: two callbacks, an inline add, a conditional callback, and those of its access.
#include "plugin.h"

static const char *name = "?";
static struct qemu_plugin_scoreboard *score;
static qemu_plugin_u64 count;

static void called(unsigned vcpu, void *data) {
    say("%s %s c=%d", name, (const char *)data, (int)qemu_plugin_u64_get(count, vcpu));
}
static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) { called(vcpu, data); }

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    size_t n = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_haddr(insn), 4);
        if (word != 0xf9400027) continue; // ldr x7, [x1]
        if (i == 0) {
            // The block's own records come first, whenever they are registered.
            qemu_plugin_register_vcpu_insn_exec_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS, (void *)"insn");
            qemu_plugin_register_vcpu_tb_exec_cb(tb, called, QEMU_PLUGIN_CB_NO_REGS, (void *)"tb");
        }
        qemu_plugin_register_vcpu_insn_exec_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS, (void *)"cb1");
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, count, 10);
        qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_GE, count, 10,
                                                    (void *)"cond");
        qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_NEVER, count, 0,
                                                    (void *)"never");
        qemu_plugin_register_vcpu_insn_exec_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS, (void *)"cb2");
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_R, (void *)"mem1");
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W, (void *)"store");
        qemu_plugin_register_vcpu_mem_inline_per_vcpu(insn, QEMU_PLUGIN_MEM_R, QEMU_PLUGIN_INLINE_ADD_U64, count, 100);
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, (void *)"mem2");
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    if (argc > 0) name = strchr(argv[0], '=') + 1;
    score = qemu_plugin_scoreboard_new(8);
    count = qemu_plugin_scoreboard_u64(score);
    REGISTER(vcpu_tb_trans, translated);
    return 0;
}
