// Moves the guest's PC from every kind of callback (see the guest `redirect`). refuse=WHERE calls qemu_plugin_set_pc where it may not.
#include "plugin.h"

static const char *refuse = "";
static struct qemu_plugin_scoreboard *score;

static void moved(unsigned vcpu, void *data) { qemu_plugin_set_pc((uintptr_t)data); }
static void moved_by_access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) { moved(vcpu, data); }

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    size_t count = qemu_plugin_tb_n_insns(tb);
    enum qemu_plugin_cb_flags flags = strcmp(refuse, "insn") ? QEMU_PLUGIN_CB_RW_REGS_PC : QEMU_PLUGIN_CB_RW_REGS;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint32_t *word = qemu_plugin_insn_haddr(insn);
        uint64_t after = qemu_plugin_insn_vaddr(insn) + 8;
        if (*word == 0xf94003ea) // ldr x10, [sp], the third place
            qemu_plugin_register_vcpu_mem_cb(insn, moved_by_access, flags, QEMU_PLUGIN_MEM_R, (void *)(uintptr_t)after);
        if ((*word & 0xffe0001f) != 0xd2800009) continue; // mov x9, #n
        void *to = (void *)(uintptr_t)after;
        switch (*word >> 5 & 0xffff) {
        case 1: qemu_plugin_register_vcpu_insn_exec_cb(insn, moved, flags, to); break;
        case 2: qemu_plugin_register_vcpu_tb_exec_cb(tb, moved, flags, to); break;
        case 4:
            qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, moved, flags, QEMU_PLUGIN_COND_EQ,
                                                        qemu_plugin_scoreboard_u64(score), 0, to);
            break;
        case 5:
            if (i == 0) qemu_plugin_set_pc(after);
        }
    }
}
static struct qemu_plugin_register *pc;
static void started(ID unsigned vcpu DATA) {
    pc = find_register("pc");
    qemu_plugin_set_pc(qemu_plugin_entry_code() + 4);
}
static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA) {
    if (num == 173) qemu_plugin_set_pc(read_u64(pc) + 4);
}
static void returned(ID unsigned vcpu, int64_t num, int64_t ret DATA) {
    if (num == 173) say("returned");
    if (num == 178) qemu_plugin_set_pc(read_u64(pc) + 4);
}
static void left(ID unsigned vcpu, enum qemu_plugin_discon_type type, uint64_t from, uint64_t to DATA) {
    qemu_plugin_set_pc(from + 8);
}
static void ended(UDATA) {
    if (!strcmp(refuse, "atexit")) qemu_plugin_set_pc(0x1000);
    say("ended");
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    if (argc > 0) refuse = strchr(argv[0], '=') + 1;
    if (!strcmp(refuse, "install")) qemu_plugin_set_pc(0x1000);
    score = qemu_plugin_scoreboard_new(8);
    REGISTER(vcpu_init, started);
    REGISTER(vcpu_tb_trans, translated);
    REGISTER(vcpu_syscall, called);
    REGISTER(vcpu_syscall_ret, returned);
#if QEMU_PLUGIN_VERSION >= 7
    qemu_plugin_register_vcpu_discon_cb(id, QEMU_PLUGIN_DISCON_EXCEPTION, left, NULL);
#else
    qemu_plugin_register_vcpu_discon_cb(id, QEMU_PLUGIN_DISCON_EXCEPTION, left);
#endif
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
