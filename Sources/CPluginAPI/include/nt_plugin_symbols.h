// The one list of names the emulator's executable exports to plugins (without the prefix qemu_plugin_). PluginHost defines
// them; the linker must keep them in the dynamic symbol table; tests compare the list with qemu-plugin.h.
#ifndef NT_PLUGIN_SYMBOLS_H
#define NT_PLUGIN_SYMBOLS_H

#include <stddef.h>

/// What plugins of API version 2 and 3 may call; then what 4, 5 and 6 added. A later version has all of them.
#define NT_PLUGIN_SYMBOLS_2(_)                                                                                         \
    _(bool_parse) _(end_code) _(entry_code) _(get_hwaddr) _(get_registers) _(hwaddr_device_name) _(hwaddr_is_io)       \
    _(hwaddr_phys_addr) _(insn_data) _(insn_disas) _(insn_haddr) _(insn_size) _(insn_symbol) _(insn_vaddr)             \
    _(mem_is_big_endian) _(mem_is_sign_extended) _(mem_is_store) _(mem_size_shift) _(num_vcpus) _(outs)                \
    _(path_to_binary) _(read_register) _(register_atexit_cb) _(register_flush_cb) _(register_vcpu_exit_cb)             \
    _(register_vcpu_idle_cb) _(register_vcpu_init_cb) _(register_vcpu_insn_exec_cb)                                    \
    _(register_vcpu_insn_exec_cond_cb) _(register_vcpu_insn_exec_inline_per_vcpu) _(register_vcpu_mem_cb)              \
    _(register_vcpu_mem_inline_per_vcpu) _(register_vcpu_resume_cb) _(register_vcpu_syscall_cb)                        \
    _(register_vcpu_syscall_ret_cb) _(register_vcpu_tb_exec_cb) _(register_vcpu_tb_exec_cond_cb)                       \
    _(register_vcpu_tb_exec_inline_per_vcpu) _(register_vcpu_tb_trans_cb) _(request_time_control) _(reset)             \
    _(scoreboard_find) _(scoreboard_free) _(scoreboard_new) _(start_code) _(tb_get_insn) _(tb_n_insns) _(tb_vaddr)     \
    _(u64_add) _(u64_get) _(u64_set) _(u64_sum) _(uninstall) _(update_ns) _(vcpu_for_each)
#define NT_PLUGIN_SYMBOLS_4(_)                                                                                         \
    _(read_memory_vaddr) _(mem_get_value)
#define NT_PLUGIN_SYMBOLS_5(_)                                                                                         \
    _(write_memory_vaddr) _(read_memory_hwaddr) _(write_memory_hwaddr) _(write_register) _(translate_vaddr)            \
    _(register_vcpu_discon_cb)
#define NT_PLUGIN_SYMBOLS_6(_)                                                                                         \
    _(register_vcpu_syscall_filter_cb) _(set_pc)
#define NT_PLUGIN_SYMBOLS(_) NT_PLUGIN_SYMBOLS_2(_) NT_PLUGIN_SYMBOLS_4(_) NT_PLUGIN_SYMBOLS_5(_) NT_PLUGIN_SYMBOLS_6(_)

/// Full name of exported symbol `index`; NULL past the end.
static inline const char *nt_plugin_symbol_name(size_t index) {
#define NT_PLUGIN_SYMBOL_NAME(name) "qemu_plugin_" #name,
    static const char *const names[] = {NT_PLUGIN_SYMBOLS(NT_PLUGIN_SYMBOL_NAME)};
#undef NT_PLUGIN_SYMBOL_NAME
    return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

#endif
