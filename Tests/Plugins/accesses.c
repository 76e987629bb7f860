// Writes for each instruction that stands behind `mov x29, x29` the accesses it made: R or W, size in bytes, s for a sign-extending
// load, value, and @offset from the guest's symbol that X0 holds when it begins (0x10 lines up with 16-byte data).
#include "plugin.h"

static struct qemu_plugin_register *x0, *pc;
static uint64_t base;

static void begun(unsigned vcpu, void *data) {
    base = read_u64(x0);
    fprintf(stderr, "\n%x", (unsigned)(uintptr_t)data);
}

static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
    qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
    unsigned size = 1u << qemu_plugin_mem_size_shift(info);
    CHECK(1u << value.type == size);
    CHECK(!qemu_plugin_mem_is_big_endian(info));
    CHECK(qemu_plugin_get_hwaddr(info, address) == NULL);
    CHECK(read_u64(pc) == (uintptr_t)data && read_u64(x0) == base);
    fprintf(stderr, " %c%u%s@%d=", qemu_plugin_mem_is_store(info) ? 'W' : 'R', size,
            qemu_plugin_mem_is_sign_extended(info) ? "s" : "", (int)(address - base));
    if (size == 16)
        fprintf(stderr, "%" PRIx64 ":%" PRIx64, value.data.u128.high, value.data.u128.low);
    else
        fprintf(stderr, "%" PRIx64, size == 8   ? value.data.u64
                                    : size == 4 ? value.data.u32
                                    : size == 2 ? value.data.u16
                                                : value.data.u8);
}

static void started(ID unsigned vcpu DATA) {
    x0 = find_register("x0");
    pc = find_register("pc");
}

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint32_t *word = qemu_plugin_insn_haddr(insn);
        if (word[-1] != 0xaa1d03fd) continue;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, begun, QEMU_PLUGIN_CB_R_REGS, (void *)(uintptr_t)*word);
        void *address = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_RW, address);
    }
}

static void ended(UDATA) { fprintf(stderr, "\n"); }

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    REGISTER(vcpu_init, started);
    REGISTER(vcpu_tb_trans, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
