// Uninstalls and resets while many threads run.
//   cycles=N    resets itself from system-call callbacks until it was reset N times; then says so, and by how many MiB the process
//               has grown since the first tenth
//   victim=on   leaves its id for the next plugin, which uninstalls it at its 500th call, and counts in every way there is
#include "plugin.h"
#include <stdatomic.h>
#include <unistd.h>

static long cycles;
static atomic_long done, calls;
static atomic_bool has_ended;
static long early;
static struct qemu_plugin_scoreboard *score;

static long resident_pages(void) {
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(file);
    return resident;
}

static void executed(unsigned vcpu, void *data) { CHECK(!has_ended); }
static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) { CHECK(!has_ended); }

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    CHECK(IS_MINE);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, qemu_plugin_scoreboard_u64(score), 1);
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, 0);
    qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    free(qemu_plugin_insn_disas(insn));
}

static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA);
static void ended(UDATA);
static void subscribe(void) {
    // A reset takes this one away, too.
    qemu_plugin_register_atexit_cb(me, ended, NULL);
    REGISTER(vcpu_tb_trans, translated);
    REGISTER(vcpu_syscall, called);
}

static void was_reset(SIMPLE) {
    CHECK(IS_MINE);
    if (++done == cycles / 10) early = resident_pages();
    // Others still name the old one in code that is about to go.
    qemu_plugin_scoreboard_free(score);
    score = qemu_plugin_scoreboard_new(64);
    subscribe();
}
static void victim_gone(SIMPLE) { say("uninstalled"); }

static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA) {
    long n = ++calls;
    const char *victim = getenv("STORM_VICTIM");
    if (cycles && done < cycles) qemu_plugin_reset(me, WITH_DATA(was_reset, (void *)(uintptr_t)me));
    if (cycles && n == 500 && victim)
        qemu_plugin_uninstall(strtoull(victim, NULL, 10), WITH_DATA(victim_gone, NULL));
    // From any callback, any time.
    REGISTER(vcpu_syscall, called);
    if (n % 7 == 0) REGISTER(vcpu_tb_trans, translated);
}

static void ended(UDATA) {
    has_ended = true;
    if (cycles) say("enough resets %d, grown by %ld MiB", done >= cycles, (resident_pages() - early) / 256);
}

__attribute__((destructor)) static void closed(void) {
    if (!cycles && !has_ended) say("closed");
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    score = qemu_plugin_scoreboard_new(64);
    if (strncmp(argv[0], "cycles=", 7) == 0) {
        cycles = atol(argv[0] + 7);
    } else {
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, id);
        setenv("STORM_VICTIM", text, 1);
    }
    subscribe();
    return 0;
}
