// Host functions that IR `call` names: the C half of EmuIR's Helper enum, in the same order.
#ifndef NT_HELPERS_H
#define NT_HELPERS_H

#include "nt_cpu.h"
#include "nt_guest.h"

/// X(name, result type, parameters as C declares them). Order and names equal EmuIR's Helper; a test compares them.
#define NT_HELPER_LIST(X)                                                                                              \
    X(cntvct, uint64_t, (nt_cpu * cpu))                                                                                \
    X(icache_invalidate, void, (nt_cpu * cpu, uint64_t address))                                                       \
    X(crc32, uint32_t, (nt_cpu * cpu, uint32_t accumulator, uint64_t data, uint32_t size))                             \
    X(vshl_register, nt_vec, (nt_cpu * cpu, nt_vec value, nt_vec amounts, uint32_t mode))                              \
    X(table_lookup, nt_vec, (nt_cpu * cpu, nt_vec indices, nt_vec outside, uint32_t table))

typedef enum nt_helper_id {
#define NT_HELPER_ENUM(name, result, parameters) NT_HELPER_##name,
    NT_HELPER_LIST(NT_HELPER_ENUM)
#undef NT_HELPER_ENUM
        NT_HELPER_COUNT
} nt_helper_id;

#define NT_HELPER_DECLARE(name, result, parameters) result nt_helper_##name parameters;
NT_HELPER_LIST(NT_HELPER_DECLARE)
#undef NT_HELPER_DECLARE

/// Address of a helper (C calling convention), NULL for a number that names none.
void *nt_helper_address(uint32_t id);
/// Its name without the nt_helper_ prefix, NULL for a number that names none.
const char *nt_helper_name(uint32_t id);

/// Frequency of the virtual counter (CNTFRQ_EL0), in Hz.
#define NT_CNTFRQ 62500000u

/// What icache_invalidate calls: notes that the guest rewrote code in the instruction-cache line of `address`.
typedef void (*nt_icache_hook_fn)(nt_cpu *cpu, uint64_t address);
/// Threads: call before the first vCPU runs.
void nt_set_icache_hook(nt_icache_hook_fn hook);

#endif
