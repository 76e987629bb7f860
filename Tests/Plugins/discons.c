// Writes each discontinuity: its type and both addresses, relative to the guest's entry if they are behind it. With check=on it writes nothing
// but what does not fit the instructions that ran: where one comes from, and that the next instruction is where it leads to.
#include "plugin.h"

static uint64_t start;
static int checks;
typedef struct {
    uint64_t last;    // address of the instruction that began last
    uint64_t awaited; // where the next one must be; 0: anywhere
    uint64_t counts[5];
} Vcpu;
static struct qemu_plugin_scoreboard *score;

static void left(ID unsigned vcpu, enum qemu_plugin_discon_type type, uint64_t from, uint64_t to DATA) {
    CHECK(IS_MINE);
    if (!checks) {
        say("%s %" PRIx64 " -> %" PRIx64, type == 1 ? "interrupt" : type == 2 ? "exception" : type == 4 ? "hostcall" : "?",
            from < start ? from : from - start, to - start);
        return;
    }
    Vcpu *v = qemu_plugin_scoreboard_find(score, vcpu);
    v->counts[type]++;
    if (v->awaited) CHECK(from == v->awaited);
    // Nothing ran between: that one's end is this one's beginning.
    else if (type != QEMU_PLUGIN_DISCON_INTERRUPT) CHECK(from == v->last);
    v->awaited = to;
}

static void executed(unsigned vcpu, void *data) {
    Vcpu *v = qemu_plugin_scoreboard_find(score, vcpu);
    v->last = (uintptr_t)data;
    if (v->awaited) CHECK(v->awaited == v->last);
    v->awaited = 0;
}

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    if (!checks) return;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn));
    }
}

static void started(ID unsigned vcpu DATA) {
    start = qemu_plugin_entry_code();
    Vcpu *v = qemu_plugin_scoreboard_find(score, vcpu);
    v->last = v->awaited = 0;
}

static void ended(UDATA) {
    uint64_t counts[5] = {0};
    for (int i = 0; i < qemu_plugin_num_vcpus(); i++) {
        Vcpu *v = qemu_plugin_scoreboard_find(score, i);
        for (int t = 0; t < 5; t++) counts[t] += v->counts[t];
    }
    if (checks)
        say("some interrupts %d, exceptions %d, hostcalls %d", counts[1] > 0, counts[2] > 0, counts[4] > 0);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    checks = argc > 0;
    score = qemu_plugin_scoreboard_new(sizeof(Vcpu));
    REGISTER(vcpu_init, started);
    REGISTER(vcpu_tb_trans, translated);
#if QEMU_PLUGIN_VERSION >= 7
    qemu_plugin_register_vcpu_discon_cb(id, QEMU_PLUGIN_DISCON_ALL, left, (void *)(uintptr_t)id);
#else
    qemu_plugin_register_vcpu_discon_cb(id, QEMU_PLUGIN_DISCON_ALL, left);
#endif
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
