// Says which system calls are made and what they return. filter=on answers getppid with 1234, tgkill with -1, and exit_group's first
// call with 7.
#include "plugin.h"
#include <unistd.h>

static pid_t first;
static int filters;
static const char *who(void) { return getpid() == first ? "" : "child "; }
static const char *result(int64_t value) {
    static __thread char text[32];
    // Process numbers differ from run to run.
    snprintf(text, sizeof text, value > 1000 && value != 1234 ? "pid" : "%d", (int)value);
    return text;
}

static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA) {
    say("%scall %d", who(), (int)num);
}
static void returned(ID unsigned vcpu, int64_t num, int64_t ret DATA) {
    say("%sreturn %d = %s", who(), (int)num, result(ret));
}
#if QEMU_PLUGIN_VERSION >= 6
static bool filter(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8,
#if QEMU_PLUGIN_VERSION >= 7
                   int64_t *sysret DATA) {
#else
                   uint64_t *sysret) {
#endif
    static int ends;
    if (num == 173) return say("filter %d", (int)num), *sysret = 1234, true;
    if (num == 131) return *sysret = -1, true;
    if (num == 94 && ends++ == 0) return *sysret = 7, true;
    return false;
}
#endif
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    filters = argc > 0;
    first = getpid();
    REGISTER(vcpu_syscall, called);
    REGISTER(vcpu_syscall_ret, returned);
#if QEMU_PLUGIN_VERSION >= 6
    if (filters) REGISTER(vcpu_syscall_filter, filter);
#endif
    return 0;
}
