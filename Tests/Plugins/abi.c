// Checks what a plugin of its API version may count on; says what is wrong, and at the end a line with counts.
#include "plugin.h"

static uint64_t executed_count, wrong_pc, access_count, syscall_count, return_count;
static struct qemu_plugin_register *pc, *x0;
static int inits, flushes;

static void started(ID unsigned vcpu DATA) {
    CHECK(IS_MINE);
    CHECK(vcpu == 0 && qemu_plugin_num_vcpus() == 1);
    inits++;
    GArray *list = qemu_plugin_get_registers();
    GByteArray *bytes = new_bytes();
    CHECK(list->len > 100);
    for (unsigned i = 0; i < list->len; i++) {
        qemu_plugin_reg_descriptor *d = (qemu_plugin_reg_descriptor *)list->data + i;
        CHECK(d->handle && d->name[0] && d->feature[0] == 'o');
        unsigned before = bytes->len;
        int result = qemu_plugin_read_register(d->handle, bytes);
        unsigned size = bytes->len - before;
        CHECK(size == 4 || size == 8 || size == 16);
#if QEMU_PLUGIN_VERSION >= 6
        CHECK(result == true);
        bool expected = !strcmp(d->name, "pc") || strstr(d->feature, "sys.regs") || strstr(d->feature, "pauth");
        CHECK(d->is_readonly == expected);
#else
        CHECK(result == (int)size);
#endif
    }
    pc = find_register("pc");
    x0 = find_register("x0");
    CHECK(pc && x0);
#if QEMU_PLUGIN_VERSION >= 5
    resize(bytes, 8);
    memset(bytes->data, 0, 8);
#if QEMU_PLUGIN_VERSION == 5
    CHECK(qemu_plugin_write_register(pc, bytes) == 8); // without effect
    CHECK(qemu_plugin_write_register(x0, bytes) == 8);
    CHECK(qemu_plugin_write_register((void *)12345, bytes) == 0);
    resize(bytes, 0);
    CHECK(qemu_plugin_write_register(x0, bytes) == -1);
#else
    CHECK(!qemu_plugin_write_register(pc, bytes));
    CHECK(qemu_plugin_write_register(x0, bytes));
    CHECK(!qemu_plugin_write_register((void *)12345, bytes));
    resize(bytes, 0);
    CHECK(!qemu_plugin_write_register(x0, bytes));
#endif
#endif
}

// Called from generated code: only the return address tells whose they are.
static void may_not_read(unsigned vcpu, void *data) {
    static GByteArray *bytes;
    if (!bytes) bytes = new_bytes();
    volatile int result = qemu_plugin_read_register(x0, bytes);
#if QEMU_PLUGIN_VERSION >= 6
    CHECK(result == false);
#else
    CHECK(result == -1);
#endif
    executed_count++;
}
static void may_read(unsigned vcpu, void *data) {
    static GByteArray *bytes;
    if (!bytes) bytes = new_bytes();
    resize(bytes, 0);
    volatile int result = qemu_plugin_read_register(pc, bytes);
#if QEMU_PLUGIN_VERSION >= 6
    CHECK(result == true);
#else
    CHECK(result == 8);
#endif
    uint64_t value = 0;
    memcpy(&value, bytes->data, 8);
    if (value != (uintptr_t)data) wrong_pc++;
    result = qemu_plugin_read_register(NULL, bytes);
    CHECK(result == 0);
    GArray *list = qemu_plugin_get_registers();
    qemu_plugin_reg_descriptor *second = (qemu_plugin_reg_descriptor *)list->data + 1;
    CHECK(strcmp(second->name, "x1") == 0);
    ((char *(*)(GArray *, int))glib("g_array_free"))(list, 1);
}

static void accessed(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) { access_count++; }

static void translated(ID struct qemu_plugin_tb *tb DATA) {
    CHECK(IS_MINE);
    size_t count = qemu_plugin_tb_n_insns(tb);
    CHECK(count > 0 && qemu_plugin_tb_get_insn(tb, count) == NULL);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);
        CHECK(address == qemu_plugin_tb_vaddr(tb) + 4 * i);
        CHECK(qemu_plugin_insn_size(insn) == 4);
        uint32_t word = 0;
        memcpy(&word, qemu_plugin_insn_haddr(insn), 4);
#if QEMU_PLUGIN_VERSION == 2
        CHECK(memcmp(qemu_plugin_insn_data(insn), &word, 4) == 0);
#else
        uint8_t copy[8] = {9, 9, 9, 9, 9, 9, 9, 9};
        CHECK(qemu_plugin_insn_data(insn, copy, 2) == 2 && copy[2] == 9);
        CHECK(qemu_plugin_insn_data(insn, copy, sizeof copy) == 4 && copy[4] == 9);
        CHECK(memcmp(copy, &word, 4) == 0);
#endif
        char *text = qemu_plugin_insn_disas(insn);
        CHECK(text && text[0]);
        free(text);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, may_not_read, QEMU_PLUGIN_CB_NO_REGS, NULL);
        if (i == 0)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, may_read, QEMU_PLUGIN_CB_R_REGS, (void *)(uintptr_t)address);
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
}

static void called(ID unsigned vcpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                   uint64_t a7, uint64_t a8 DATA) {
    CHECK(IS_MINE);
    CHECK(vcpu == 0 && a7 == 0 && a8 == 0);
    if (num == 134) CHECK(a1 == 11 && a3 == 0 && a4 == 8);
    syscall_count++;
}
static void returned(ID unsigned vcpu, int64_t num, int64_t ret DATA) {
    CHECK(IS_MINE);
    CHECK(vcpu == 0 && num == 134 && ret == 0);
    return_count++;
}
static void flushed(SIMPLE) {
    CHECK(IS_MINE);
    flushes++;
}
static void each(ID unsigned vcpu DATA) {
    CHECK(IS_MINE);
    CHECK(vcpu == 0);
}
static void left(ID unsigned vcpu DATA) {
    CHECK(IS_MINE);
    CHECK(vcpu == 0);
    qemu_plugin_vcpu_for_each(me, WITH_DATA(each, (void *)(uintptr_t)me));
    inits--;
}
static void ended(UDATA) {
#if QEMU_PLUGIN_VERSION < 7
    CHECK(id == me);
#endif
    CHECK(data == (void *)77);
    CHECK(inits == 0);
    say("abi %d: %d wrong, executed %d, accesses %d, calls %d, returns %d", QEMU_PLUGIN_VERSION, (int)wrong_pc,
        (int)executed_count, (int)access_count, (int)syscall_count, (int)return_count);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    me = id;
    CHECK(strcmp(info->target_name, "aarch64") == 0);
    CHECK(info->version.min == 2 && info->version.cur == 7);
    CHECK(!info->system_emulation && info->system.smp_vcpus == 0 && info->system.max_vcpus == 0);
    CHECK(argc == 0 ? argv == NULL : argv[argc - 1] != NULL);
    CHECK(qemu_plugin_num_vcpus() == 0);
    REGISTER(vcpu_init, started);
    REGISTER(vcpu_exit, left);
    REGISTER(vcpu_tb_trans, translated);
    REGISTER(vcpu_syscall, called);
    REGISTER(vcpu_syscall_ret, returned);
    REGISTER(flush, flushed);
    qemu_plugin_register_atexit_cb(id, ended, (void *)77);
    return 0;
}
