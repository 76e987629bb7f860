// Makes every mistake there is, from every callback, and expects to be told so rather than to be killed.
#include "plugin.h"

static struct qemu_plugin_scoreboard *score, *freed;
static struct qemu_plugin_tb *old_tb;
static struct qemu_plugin_insn *old_insn;

static void never(unsigned vcpu, void *data) { say("called"); }
static void never_mem(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) { say("called"); }

static void blunder(void) {
    uint64_t word = 0;
    struct qemu_plugin_scoreboard *scoreboards[] = {NULL, (void *)&word, freed, (void *)0x1000};
    for (int i = 0; i < 4; i++) {
        qemu_plugin_u64 entry = qemu_plugin_scoreboard_u64(scoreboards[i]);
        CHECK(qemu_plugin_scoreboard_find(scoreboards[i], 0) == NULL);
        CHECK(qemu_plugin_u64_get(entry, 0) == 0 && qemu_plugin_u64_sum(entry) == 0);
        qemu_plugin_u64_set(entry, 0, 1);
        qemu_plugin_u64_add(entry, 0, 1);
        qemu_plugin_scoreboard_free(scoreboards[i]);
    }
    CHECK(word == 0);
    CHECK(qemu_plugin_scoreboard_find(score, 4000000000u) == NULL);
    CHECK(qemu_plugin_scoreboard_find(score, qemu_plugin_num_vcpus() + 1000) == NULL);
    qemu_plugin_u64 outside = {score, 1 << 20};
    qemu_plugin_u64_add(outside, 0, 1);
    qemu_plugin_u64_set((qemu_plugin_u64){score, (size_t)-8}, 0, 1);
    CHECK(qemu_plugin_u64_get(outside, 0) == 0);

    qemu_plugin_register_vcpu_tb_exec_cb(NULL, never, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_tb_exec_cb(old_tb, never, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_insn_exec_cb((void *)&word, never, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_insn_exec_cb(old_insn, never, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_mem_cb(old_insn, never_mem, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    CHECK(qemu_plugin_insn_vaddr(NULL) == 0 && qemu_plugin_tb_vaddr((void *)&word) == 0);
    CHECK(qemu_plugin_tb_get_insn((void *)&word, 0) == NULL && qemu_plugin_tb_n_insns(NULL) == 0);
    CHECK(qemu_plugin_hwaddr_is_io(NULL) == false && qemu_plugin_hwaddr_phys_addr(NULL) == 0);
    CHECK(strcmp(qemu_plugin_hwaddr_device_name(NULL), "Invalid") == 0);

    qemu_plugin_reset(12345, WITH_DATA(NULL, NULL));
    qemu_plugin_uninstall(0, WITH_DATA(NULL, NULL));
    qemu_plugin_register_flush_cb(54321, WITH_DATA(NULL, NULL));
    qemu_plugin_vcpu_for_each(99, WITH_DATA(NULL, NULL));
    qemu_plugin_outs(NULL);
    CHECK(qemu_plugin_read_register(NULL, NULL) <= 0);
    CHECK(qemu_plugin_write_register(NULL, NULL) <= 0);
    CHECK(!qemu_plugin_read_memory_vaddr(0, NULL, 8) && !qemu_plugin_write_memory_vaddr(0, NULL));
    CHECK(!qemu_plugin_translate_vaddr(0, NULL));
}

static void executed(unsigned vcpu, void *data) { blunder(); }
static void translated(ID struct qemu_plugin_tb *tb DATA) {
    old_tb = tb;
    old_insn = qemu_plugin_tb_get_insn(tb, 0);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, NULL, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, never, 9, NULL);
    qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, never, QEMU_PLUGIN_CB_NO_REGS, 99, qemu_plugin_scoreboard_u64(score), 0,
                                              NULL);
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, 7, qemu_plugin_scoreboard_u64(score), 1);
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, qemu_plugin_scoreboard_u64(freed), 1);
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, (qemu_plugin_u64){score, 999}, 1);
    // Freed while code counts into it.
    struct qemu_plugin_scoreboard *mine = qemu_plugin_scoreboard_new(8);
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, qemu_plugin_scoreboard_u64(mine), 1);
    qemu_plugin_scoreboard_free(mine);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, NULL);
}
static void started(ID unsigned vcpu DATA) { blunder(); }
static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA) {
    blunder();
    REGISTER(vcpu_init, started);
    REGISTER(vcpu_tb_trans, translated);
}
static void ended(UDATA) {
    blunder();
    REGISTER(vcpu_syscall, called);
    say("survived");
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    score = qemu_plugin_scoreboard_new(8);
    freed = qemu_plugin_scoreboard_new(8);
    qemu_plugin_scoreboard_free(freed);
    blunder();
    REGISTER(vcpu_init, started);
    REGISTER(vcpu_tb_trans, translated);
    REGISTER(vcpu_syscall, called);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
