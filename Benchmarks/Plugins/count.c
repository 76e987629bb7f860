// Counts one kind of event in one way: count.so,count=KIND with KIND insn-inline, insn-callback, bb-inline, bb-callback, mem-inline,
// mem-callback; with API 4 also insn-conditional, an inline count with a callback at every 2^20th instruction.
//
// The same source is a plugin for API 1 (-DAPI=1: QEMU 6.1 to 8.2, Debian 12 has 7.2), whose inline functions add to a variable, and for
// API 4 (QEMU 9.2 and later, Needletail) with its counters per vCPU. Guests have one thread.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if API == 1
// Of the interface only what is used here, from its published description.
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned, void *);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t, void *);
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, qemu_plugin_vcpu_tb_trans_cb_t);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, qemu_plugin_udata_cb_t, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, qemu_plugin_vcpu_udata_cb_t, enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, qemu_plugin_vcpu_udata_cb_t, enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_mem_cb(
    struct qemu_plugin_insn *, qemu_plugin_vcpu_mem_cb_t, enum qemu_plugin_cb_flags, enum qemu_plugin_mem_rw, void *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_register_vcpu_mem_inline(struct qemu_plugin_insn *, enum qemu_plugin_mem_rw, enum qemu_plugin_op, void *, uint64_t);
#define ADD QEMU_PLUGIN_INLINE_ADD_U64, &total, 1
#define TB_INLINE qemu_plugin_register_vcpu_tb_exec_inline
#define INSN_INLINE qemu_plugin_register_vcpu_insn_exec_inline
#define MEM_INLINE qemu_plugin_register_vcpu_mem_inline
static const char *kinds[] = {"insn-inline", "insn-callback", "bb-inline", "bb-callback", "mem-inline", "mem-callback"};
#else
#define QEMU_PLUGIN_VERSION API
#include <qemu-plugin.h>
static qemu_plugin_u64 counter;
#define ADD QEMU_PLUGIN_INLINE_ADD_U64, counter, 1
#define TB_INLINE qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu
#define INSN_INLINE qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu
#define MEM_INLINE qemu_plugin_register_vcpu_mem_inline_per_vcpu
static const char *kinds[] = {"insn-inline", "insn-callback", "bb-inline", "bb-callback", "mem-inline", "mem-callback", "insn-conditional"};
#endif
enum { INSN_INLINE_KIND, INSN_CALLBACK, BB_INLINE, BB_CALLBACK, MEM_INLINE_KIND, MEM_CALLBACK, INSN_CONDITIONAL, KINDS };

QEMU_PLUGIN_EXPORT int qemu_plugin_version = API;

static int kind = KINDS;
static uint64_t total;

static void event(unsigned vcpu, void *data) {
    (void)vcpu, (void)data;
    total++;
}
static void access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
    (void)vcpu, (void)info, (void)address, (void)data;
    total++;
}
#if API != 1
static void full(unsigned vcpu, void *data) {
    (void)data;
    total += qemu_plugin_u64_get(counter, vcpu);
    qemu_plugin_u64_set(counter, vcpu, 0);
}
#endif

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    if (kind == BB_INLINE) TB_INLINE(tb, ADD);
    if (kind == BB_CALLBACK) qemu_plugin_register_vcpu_tb_exec_cb(tb, event, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (kind == BB_INLINE || kind == BB_CALLBACK) return;
    for (size_t i = 0, count = qemu_plugin_tb_n_insns(tb); i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        switch (kind) {
        case INSN_INLINE_KIND: INSN_INLINE(insn, ADD); break;
        case INSN_CALLBACK: qemu_plugin_register_vcpu_insn_exec_cb(insn, event, QEMU_PLUGIN_CB_NO_REGS, NULL); break;
        case MEM_INLINE_KIND: MEM_INLINE(insn, QEMU_PLUGIN_MEM_RW, ADD); break;
        case MEM_CALLBACK: qemu_plugin_register_vcpu_mem_cb(insn, access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL); break;
#if API != 1
        case INSN_CONDITIONAL:
            INSN_INLINE(insn, ADD);
            qemu_plugin_register_vcpu_insn_exec_cond_cb(
                insn, full, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_GE, counter, 1 << 20, NULL);
            break;
#endif
        }
    }
}

static void report(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
#if API != 1
    total += qemu_plugin_u64_sum(counter);
#endif
    dprintf(2, "events: %" PRIu64 "\n", total);
}

#if API == 1
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
#else
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    counter.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
#endif
    (void)info;
    for (int i = 0; argc == 1 && i < (int)(sizeof kinds / sizeof *kinds); i++)
        if (!strncmp(argv[0], "count=", 6) && !strcmp(argv[0] + 6, kinds[i])) kind = i;
    if (kind == KINDS) {
        dprintf(2, "count: one argument, count=KIND\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
