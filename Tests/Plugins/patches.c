// Writes guest code as the guest `patched` asks for, which is shown whether that failed.
#include "plugin.h"

static uint64_t armed_address;
static uint32_t armed_word;
static int has_failed;

static void patch(uint64_t address, uint32_t word) {
    GByteArray *bytes = new_bytes();
    resize(bytes, 4);
    memcpy(bytes->data, &word, 4);
    has_failed = !qemu_plugin_write_memory_vaddr(address, bytes);
    memset(bytes->data, 0, 4);
    CHECK(qemu_plugin_read_memory_vaddr(address, bytes, 4) == !has_failed);
    CHECK(has_failed || memcmp(bytes->data, &word, 4) == 0);
}

static void executed(unsigned vcpu, void *data) {
    if (armed_address) patch(armed_address, armed_word);
    armed_address = 0;
}
static void translated(ID struct qemu_plugin_tb *tb DATA) {
    const uint32_t *word = qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0));
    if (*word == 0xaa1d03fd) qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, NULL);
}
static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA) {
    if (num != 172) return;
    if (a3 == 0) {
        patch(a1, (uint32_t)a2);
    } else {
        armed_address = a1;
        armed_word = (uint32_t)a2;
    }
}
// The guest is told by the result.
static void returned(ID unsigned vcpu, int64_t num, int64_t value DATA) {
    if (num != 172) return;
    struct qemu_plugin_register *x0 = find_register("x0");
    GByteArray *bytes = new_bytes();
    resize(bytes, 8);
    memset(bytes->data, 0, 8);
    bytes->data[0] = (uint8_t)has_failed;
    CHECK(qemu_plugin_write_register(x0, bytes));
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    REGISTER(vcpu_tb_trans, translated);
    REGISTER(vcpu_syscall, called);
    REGISTER(vcpu_syscall_ret, returned);
    return 0;
}
