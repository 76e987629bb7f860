// Says when vCPUs and the process end, and leaves a line in stdio's buffer. Calls from generated code after atexit are a mistake.
#include "plugin.h"
#include <unistd.h>

static volatile int has_ended;
static void executed(unsigned vcpu, void *data) {
    if (has_ended) say("called after the end");
}
static void translated(ID struct qemu_plugin_tb *tb DATA) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, NULL);
}
static void left(ID unsigned vcpu DATA) { say("exit %u", vcpu); }
static void ended(UDATA) {
    static int count;
    usleep(2000);
    has_ended = 1;
    usleep(2000);
    say("atexit %d", ++count);
    printf("buffered\n");
}
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    REGISTER(vcpu_tb_trans, translated);
    REGISTER(vcpu_exit, left);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    if (argc > 0) return 3; // some other plugin's
    return 0;
}
