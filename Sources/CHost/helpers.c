// Helpers and their tables.
#include "nt_helpers.h"
#include "nt_virtual_time.h"
#include <sched.h>
#include <time.h>

static nt_icache_hook_fn icache_hook;

void nt_set_icache_hook(nt_icache_hook_fn hook) { icache_hook = hook; }

uint64_t nt_helper_cntvct(nt_cpu *cpu) {
    (void)cpu;
    if (nt_virtual_time_is_on())
        return (uint64_t)(NT_VIRTUAL_MONOTONIC_BASE + nt_virtual_time_now()) / (1000000000u / NT_CNTFRQ);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    _Static_assert(1000000000u % NT_CNTFRQ == 0, "a tick is a whole number of nanoseconds");
    return ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) / (1000000000u / NT_CNTFRQ);
}

void nt_helper_icache_invalidate(nt_cpu *cpu, uint64_t address) {
    if (icache_hook != NULL)
        icache_hook(cpu, address);
}

// With more threads than processors the one that is waited for may not be running. A real processor would sleep in WFE; here
// a waiter that has spun for a microsecond or two lets the host choose another thread, again and again.
#define SPINS_BEFORE_YIELD 64
void nt_helper_spin_hint(nt_cpu *cpu) {
    static _Thread_local uint32_t spins;
    (void)cpu;
    if (++spins % SPINS_BEFORE_YIELD == 0)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

// Reflected CRC-32 (0x04C11DB7 with its bits reversed), four bits at a time.
uint32_t nt_helper_crc32(nt_cpu *cpu, uint32_t accumulator, uint64_t data, uint32_t size) {
    static const uint32_t nibbles[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    (void)cpu;
    for (uint32_t i = 0; i < 2u << size; i++, data >>= 4)
        accumulator = accumulator >> 4 ^ nibbles[(accumulator ^ data) & 15];
    return accumulator;
}

void *nt_helper_address(uint32_t id) {
    static void *const table[] = {
#define NT_HELPER_ADDRESS(name, result, parameters) (void *)nt_helper_##name,
        NT_HELPER_LIST(NT_HELPER_ADDRESS)
#undef NT_HELPER_ADDRESS
    };
    return id < NT_HELPER_COUNT ? table[id] : NULL;
}

const char *nt_helper_name(uint32_t id) {
    static const char *const table[] = {
#define NT_HELPER_NAME(name, result, parameters) #name,
        NT_HELPER_LIST(NT_HELPER_NAME)
#undef NT_HELPER_NAME
    };
    return id < NT_HELPER_COUNT ? table[id] : NULL;
}
