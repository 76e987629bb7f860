// See nt_find.h. A table of one word for each place: whether it is the right TB, the TB says itself, so nothing is ever half written.
#include "nt_find.h"

#define WAYS 4
#define BUCKETS (1u << 16)

// 2 MiB, of which the kernel gives what is touched.
static _Atomic(nt_tb *) places[BUCKETS][WAYS];

// TBs of the same page stay in neighbouring buckets; parts of 1 MiB lie upon each other in ways that differ.
static _Atomic(nt_tb *) *bucket(uint64_t pc) {
    return places[((uint32_t)(pc >> 4) ^ (uint32_t)(pc >> 20) * 0x9e37u) & (BUCKETS - 1)];
}

void nt_publish_tb(nt_tb *tb) {
    // Others find by PC and FPCR alone.
    if (tb->flags & ~(uint32_t)NT_TB_FPCR)
        return;
    _Atomic(nt_tb *) *ways = bucket(tb->pc);
    nt_tb *others[WAYS];
    for (int i = 0; i < WAYS; i++) {
        others[i] = __c11_atomic_load(&ways[i], __ATOMIC_RELAXED);
        if (others[i] == tb)
            return;
    }
    // The newest first; the oldest goes.
    __c11_atomic_store(&ways[0], tb, __ATOMIC_RELEASE);
    for (int i = 1; i < WAYS && others[i - 1] != NULL; i++)
        __c11_atomic_store(&ways[i], others[i - 1], __ATOMIC_RELEASE);
}

void nt_withdraw_tb(nt_tb *tb) {
    _Atomic(nt_tb *) *ways = bucket(tb->pc);
    for (int i = 0; i < WAYS; i++)
        if (__c11_atomic_load(&ways[i], __ATOMIC_RELAXED) == tb)
            __c11_atomic_store(&ways[i], NULL, __ATOMIC_RELAXED);
}

nt_tb *nt_find_tb(nt_cpu *cpu) {
    uint64_t pc = cpu->pc;
    uint32_t flags = cpu->fpcr == 0 ? 0 : NT_TB_FPCR;
    _Atomic(nt_tb *) *ways = bucket(pc);
    for (int i = 0; i < WAYS; i++) {
        nt_tb *tb = __c11_atomic_load(&ways[i], __ATOMIC_ACQUIRE);
        if (tb == NULL || tb->pc != pc || tb->flags != flags)
            continue;
        nt_jump_cache(cpu, flags)[nt_jump_cache_index(pc)] = (nt_jump_cache_entry){pc, tb};
        return tb;
    }
    return NULL;
}
