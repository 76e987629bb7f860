// Small callbacks of every kind that generated code may take over. Each keeps an account; all accounts are written at the end. One of
// them depends on the order of all callbacks.
#include "plugin.h"

typedef struct {
    uint64_t blocks, insns;
} counts;

static struct qemu_plugin_scoreboard *board, *second;
static qemu_plugin_u64 entry, moving, rounds;
static uint64_t total, order, amounts, addresses, infos;
static int64_t signed_sum;
static uint32_t narrow, flags;
static uint16_t table[4] = {3, 1, 4, 0xffff};
static int32_t steps[2] = {-7, 5};
static const void *last;
static uint8_t mark;
static unsigned swaps;

static void count(unsigned vcpu, void *data) { total++; }
static void amount(unsigned vcpu, void *data) { amounts += (uintptr_t)data; }
static void ordered(unsigned vcpu, void *data) { order = order * 5 + (uintptr_t)data; }
static void small(unsigned vcpu, void *data) {
    narrow += 0xfffffff1;
    flags ^= (uint32_t)(uintptr_t)data;
    mark = 1;
}
static void through_table(unsigned vcpu, void *data) {
    const uint16_t *at = data;
    amounts -= *at;
    signed_sum += steps[0];
    last = data;
}
static void in_entry(unsigned vcpu, void *data) { qemu_plugin_u64_add(entry, vcpu, 3); }
static void by_data(unsigned vcpu, void *data) { qemu_plugin_u64_add((qemu_plugin_u64){data, 8}, vcpu, 1); }
static void in_element(unsigned vcpu, void *data) {
    counts *mine = qemu_plugin_scoreboard_find(board, vcpu);
    mine->insns += (uintptr_t)data;
}
static void in_moving(unsigned vcpu, void *data) { qemu_plugin_u64_add(moving, vcpu, 1); }
static void twice(unsigned vcpu, void *data) {
    qemu_plugin_u64_add(entry, vcpu, 1);
    qemu_plugin_u64_add(rounds, vcpu, 1);
}
// What `in_moving` counts in changes while its code runs.
static void swap(unsigned vcpu, void *data) {
    moving.score = moving.score == board ? second : board;
    moving.offset = 0;
    qemu_plugin_u64_set(rounds, vcpu, 0);
    swaps++;
}
static void access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
    addresses += address;
    infos = infos * 3 + info;
}
static void wide(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
    order = order * 9 + address - (uintptr_t)data;
}

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    size_t size = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, in_element, QEMU_PLUGIN_CB_NO_REGS, (void *)size);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, by_data, QEMU_PLUGIN_CB_NO_REGS, second);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, twice, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, swap, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_GE, rounds, 1000, NULL);
    for (size_t i = 0; i < size; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        void *word = (void *)(uintptr_t)*(const uint32_t *)qemu_plugin_insn_haddr(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, count, QEMU_PLUGIN_CB_NO_REGS, NULL);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, amount, QEMU_PLUGIN_CB_NO_REGS, word);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, ordered, QEMU_PLUGIN_CB_NO_REGS, word);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, small, QEMU_PLUGIN_CB_NO_REGS, word);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, through_table, QEMU_PLUGIN_CB_NO_REGS, &table[i % 4]);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, in_entry, QEMU_PLUGIN_CB_NO_REGS, NULL);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, in_moving, QEMU_PLUGIN_CB_NO_REGS, NULL);
        qemu_plugin_register_vcpu_mem_cb(insn, access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
        qemu_plugin_register_vcpu_mem_cb(insn, wide, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W, word);
    }
}

static void ended(UDATA) {
    uint64_t elements = qemu_plugin_u64_sum((qemu_plugin_u64){board, 8});
    uint64_t moved = qemu_plugin_u64_sum((qemu_plugin_u64){board, 0}), others = qemu_plugin_u64_sum((qemu_plugin_u64){second, 0});
    say("insns %" PRIu64 ", in elements %" PRIu64 ", moved %d, blocks %" PRIu64, total, elements, moved + others == total,
        qemu_plugin_u64_sum((qemu_plugin_u64){second, 8}));
    say("order %" PRIx64 ", amounts %" PRIx64 ", narrow %" PRIx32 ", flags %" PRIx32 ", mark %d, signed %" PRId64 ", last %d", order,
        amounts, narrow, flags, mark, signed_sum, (int)((const uint16_t *)last - table));
    say("addresses %" PRIx64 ", infos %" PRIx64 ", entry %" PRIu64 ", swaps %u, first %" PRIu64 ", other %" PRIu64, addresses, infos,
        qemu_plugin_u64_sum(entry), swaps, moved, others);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    board = qemu_plugin_scoreboard_new(sizeof(counts));
    second = qemu_plugin_scoreboard_new(sizeof(counts));
    entry.score = qemu_plugin_scoreboard_new(8);
    rounds.score = qemu_plugin_scoreboard_new(8);
    moving.score = board;
    REGISTER(vcpu_tb_trans, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
