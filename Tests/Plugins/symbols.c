// Says the symbol of each block when it is translated.
#include "plugin.h"

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0));
    if (name) say("%s", name);
}
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    REGISTER(vcpu_tb_trans, translated);
    return 0;
}
