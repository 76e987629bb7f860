// An out-of-tree plugin in C: counts executed calls (BL, BLR). Build it with
//   cc -shared -fPIC -O2 $(pkg-config --cflags needletail-plugin) countcalls.c -o libcountcalls.so
// or, without pkg-config, -I"$(needletail --print-plugin-include)"; run it with
//   needletail -plugin ./libcountcalls.so -d plugin program
#include <qemu-plugin.h>

#include <stdio.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct qemu_plugin_scoreboard *score;
static qemu_plugin_u64 calls;

static bool is_call(struct qemu_plugin_insn *insn) {
    uint32_t word = 0;
    qemu_plugin_insn_data(insn, &word, sizeof(word));
    return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t n = 0; n < qemu_plugin_tb_n_insns(tb); n++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, n);
        if (is_call(insn)) qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, calls, 1);
    }
}

static void ended(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
    char line[64];
    snprintf(line, sizeof(line), "calls: %" PRIu64 "\n", qemu_plugin_u64_sum(calls));
    qemu_plugin_outs(line);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    (void)info, (void)argc, (void)argv;
    score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
    calls = qemu_plugin_scoreboard_u64(score);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
