// The binary contract: sizes and offsets that plugins were compiled with (64-bit hosts). Nothing here at run time. Tests compile
// this file for each API version.
#include "qemu-plugin.h"
#include "nt_plugin_symbols.h"

_Static_assert(sizeof(qemu_info_t) == 32 && _Alignof(qemu_info_t) == 8, "qemu_info_t");
_Static_assert(offsetof(qemu_info_t, version.min) == 8 && offsetof(qemu_info_t, version.cur) == 12, "version");
_Static_assert(offsetof(qemu_info_t, system_emulation) == 16, "system_emulation");
_Static_assert(offsetof(qemu_info_t, system.smp_vcpus) == 20 && offsetof(qemu_info_t, system.max_vcpus) == 24, "vCPUs");

_Static_assert(sizeof(qemu_plugin_u64) == 16 && offsetof(qemu_plugin_u64, offset) == 8, "qemu_plugin_u64");

#if QEMU_PLUGIN_VERSION >= 4
_Static_assert(sizeof(qemu_plugin_mem_value) == 24, "qemu_plugin_mem_value");
_Static_assert(offsetof(qemu_plugin_mem_value, data.u8) == 8, "data begins at 8");
_Static_assert(offsetof(qemu_plugin_mem_value, data.u128.high) == 16, "high half");
_Static_assert(sizeof(enum qemu_plugin_mem_value_type) == 4, "enums are ints");
#endif

#if QEMU_PLUGIN_VERSION >= 6
_Static_assert(sizeof(qemu_plugin_reg_descriptor) == 32, "qemu_plugin_reg_descriptor");
_Static_assert(offsetof(qemu_plugin_reg_descriptor, is_readonly) == 24, "is_readonly");
#else
_Static_assert(sizeof(qemu_plugin_reg_descriptor) == 24, "qemu_plugin_reg_descriptor");
#endif
_Static_assert(offsetof(qemu_plugin_reg_descriptor, name) == 8, "name");
_Static_assert(offsetof(qemu_plugin_reg_descriptor, feature) == 16, "feature");

#if QEMU_PLUGIN_VERSION >= 5
_Static_assert(sizeof(enum qemu_plugin_discon_type) == 4, "enums are ints");
#endif
_Static_assert(sizeof(enum qemu_plugin_cb_flags) == 4 && sizeof(enum qemu_plugin_cond) == 4, "enums are ints");
_Static_assert(sizeof(bool) == 1 && sizeof(qemu_plugin_id_t) == 8 && sizeof(qemu_plugin_meminfo_t) == 4, "scalars");
_Static_assert(sizeof(GArray) == 16 && sizeof(GByteArray) == 16, "public part of GLib's arrays");

// Each listed name is declared in the header.
#define DECLARED(name) _Static_assert(sizeof(&qemu_plugin_##name) == sizeof(void *), "declared");
NT_PLUGIN_SYMBOLS_2(DECLARED)
#if QEMU_PLUGIN_VERSION >= 4
NT_PLUGIN_SYMBOLS_4(DECLARED)
#endif
#if QEMU_PLUGIN_VERSION >= 5
NT_PLUGIN_SYMBOLS_5(DECLARED)
#endif
#if QEMU_PLUGIN_VERSION >= 6
NT_PLUGIN_SYMBOLS_6(DECLARED)
#endif
