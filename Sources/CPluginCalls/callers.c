// Who calls: the exported functions that take no plugin id and yet differ by API version.
#define _GNU_SOURCE
#include "calls.h"
#include "nt_enter.h"
#include "nt_guest.h"
#include "nt_linux.h"
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

// Libraries of loaded plugins. Readers take no lock: they find an entry whole, or empty, or (of a plugin that is being closed, or
// of one that is being loaded in its place, neither of which runs) torn.
#define CAPACITY 128
static struct {
    _Atomic(uintptr_t) start, end;
    _Atomic(int) version;
} libraries[CAPACITY];
// Of all that are loaded; equal in all runs but a few.
static _Atomic(int) oldest, newest;

static void note_range_of_versions(void) {
    int low = 0, high = 0;
    for (int i = 0; i < CAPACITY; i++) {
        int version = atomic_load(&libraries[i].version);
        if (version == 0) continue;
        if (low == 0 || version < low) low = version;
        if (version > high) high = version;
    }
    atomic_store(&oldest, low);
    atomic_store(&newest, high);
}

typedef struct search {
    uintptr_t address, start, end;
} search;

static int find_library(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    search *wanted = data;
    uintptr_t start = UINTPTR_MAX, end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (from < start) start = from;
        if (from + info->dlpi_phdr[i].p_memsz > end) end = from + info->dlpi_phdr[i].p_memsz;
    }
    if (wanted->address < start || wanted->address >= end) return 0;
    wanted->start = start;
    wanted->end = end;
    return 1;
}

int nt_plugin_note(const void *address, int version) {
    search wanted = {.address = (uintptr_t)address};
    dl_iterate_phdr(find_library, &wanted);
    for (int i = 0; i < CAPACITY; i++) {
        if (atomic_load(&libraries[i].version) != 0) continue;
        atomic_store(&libraries[i].version, version);
        atomic_store(&libraries[i].start, wanted.start);
        atomic_store(&libraries[i].end, wanted.end);
        note_range_of_versions();
        return i;
    }
    return -1;
}

void nt_plugin_forget(int plugin) {
    if (plugin < 0 || plugin >= CAPACITY) return;
    atomic_store(&libraries[plugin].end, 0);
    atomic_store(&libraries[plugin].start, 0);
    atomic_store(&libraries[plugin].version, 0);
    note_range_of_versions();
}

int nt_plugin_version_of_caller(const void *return_address) {
    int version = atomic_load_explicit(&newest, memory_order_relaxed);
    if (version == atomic_load_explicit(&oldest, memory_order_relaxed)) return version;
    uintptr_t address = (uintptr_t)return_address;
    for (int i = 0; i < CAPACITY; i++) {
        if (address >= atomic_load_explicit(&libraries[i].start, memory_order_relaxed) &&
            address < atomic_load_explicit(&libraries[i].end, memory_order_relaxed))
            return atomic_load_explicit(&libraries[i].version, memory_order_relaxed);
    }
    // A library that the plugin has brought along, or a call in tail position.
    return nt_plugin_top ? nt_plugin_top->callee->version : version;
}

#define CALLER nt_plugin_version_of_caller(__builtin_return_address(0))
#define EXPORT __attribute__((visibility("default"), used))

// Defined in PluginHost.
void *nt_plugin_registers(int version);
int nt_plugin_read_register(const void *handle, void *buffer);
int nt_plugin_write_register(const void *handle, void *buffer, bool accepts_pc);
const void *nt_plugin_insn_bytes(const void *insn);
size_t nt_plugin_copy_insn(const void *insn, void *destination, size_t size);
void nt_plugin_refuse_set_pc(void);

EXPORT void *qemu_plugin_get_registers(void) { return nt_plugin_registers(CALLER); }

// int up to API 5, bool from 6 on: the low byte of either is in the same place.
EXPORT int qemu_plugin_read_register(const void *handle, void *buffer) {
    int version = CALLER;
    int result = nt_plugin_read_register(handle, buffer);
    return version >= 6 ? result > 0 : result;
}

EXPORT int qemu_plugin_write_register(const void *handle, void *buffer) {
    int version = CALLER;
    int result = nt_plugin_write_register(handle, buffer, version < 6);
    return version >= 6 ? result > 0 : result;
}

// API 2: a pointer to the bytes. Later: copies them and returns how many.
EXPORT uintptr_t qemu_plugin_insn_data(const void *insn, void *destination, size_t size) {
    if (CALLER <= 2) return (uintptr_t)nt_plugin_insn_bytes(insn);
    return nt_plugin_copy_insn(insn, destination, size);
}

EXPORT _Noreturn void qemu_plugin_set_pc(uint64_t pc) {
    nt_plugin_frame *frame = nt_plugin_top;
    if (frame != NULL) {
        if (frame->callee->may_set_pc) {
            frame->callee->pc = pc;
            _longjmp(frame->way_back, 1);
        }
    } else {
        nt_cpu *cpu = nt_thread_cpu();
        // 3 is QEMU_PLUGIN_CB_RW_REGS_PC; it stands there only while generated code calls back.
        if (cpu != NULL && cpu->host_sp != NULL && cpu->reg_permission == 3) {
            cpu->reg_permission = 0;
            nt_leave_callback(cpu, pc);
        }
    }
    nt_plugin_refuse_set_pc();
    // Not abort: SIGABRT may be the guest's.
    nt_linux_die(SIGABRT);
    abort();
}
