// The translation block as generated code sees it, and the calling convention of generated code.
#ifndef NT_TB_H
#define NT_TB_H

#include "nt_cpu.h"

#if defined(__clang__) && (defined(__x86_64__) || defined(__aarch64__))
#define NT_PRESERVE_NONE __attribute__((preserve_none))
#else
#error "needletail needs clang with preserve_none on x86-64 or AArch64"
#endif

struct nt_tb;

/// Code of a TB in any tier: the interpreter's entry or a compiled function (LLVM calling convention 21).
/// It returns an nt_exit only to leave generated code; TB-to-TB transfers are tail calls.
typedef NT_PRESERVE_NONE uint64_t (*nt_code)(nt_cpu *cpu, struct nt_tb *tb);

/// A patchable direct branch. `target` is never NULL: unchained it points to `stub`, whose entry leaves with
/// NT_EXIT_CHAIN. To jump: load target, load target->entry, tail-call entry(cpu, target).
/// Chaining is one atomic store of `target`; making a TB faster is one atomic store of its `entry`.
typedef struct nt_slot {
    _Atomic(struct nt_tb *) target;
    uint64_t pc;       // guest PC this slot leads to
    nt_code stub_entry; // `stub`: laid out as the head of an nt_tb, so that `target` may point here
    // Baseline code jumps straight to the code of the next TB: the 32-bit distance in that jump, a multiple of 4, and where it leads
    // when only `target` knows. NULL for other code. Guarded by the lock of the engine's TB cache.
    uint32_t *jump;
    const uint8_t *slow;
    // The slots around this one in the list of those that lead to its target; the first has no previous one. Guarded by the same lock.
    struct nt_slot *next;
    struct nt_slot *previous;
} nt_slot;

#define NT_TB_SLOTS 2

/// One TB. Lives at a stable address until no vCPU can be inside it. Generated code gets it as second argument and
/// may address `slots` and `pool` relative to it, which keeps compiled code free of absolute addresses.
typedef struct nt_tb {
    _Atomic(nt_code) entry; // FIRST: where to jump; changes tier by one atomic store
    void *ops;              // tier-0 code (predecoded cells), NULL if this TB never ran in tier 0
    uint64_t pc;
    uint32_t tb_index; // index in the engine's TB table, used by fault points
    uint32_t flags;    // translation-relevant state: the other half of the TB key
    uint32_t insn_count;
    _Atomic(int32_t) heat; // tier-0: counts down to 0 at each entry, then NT_EXIT_HOT; INT32_MAX = never
    nt_slot slots[NT_TB_SLOTS];
    // Where its indirect branch went last in tier 0, and before that to another place; ~0: never.
    uint64_t indirect_targets[2];
    uint64_t *pool; // constants of the compiled code that must stay relocatable (callbacks, userdata)
    nt_slot *incoming; // the first of the slots that lead here
} nt_tb;

/// Entry of an unchained slot: stores cpu->pc and cpu->exit_slot from the stub and returns NT_EXIT_CHAIN.
NT_PRESERVE_NONE uint64_t nt_unchained(nt_cpu *cpu, nt_tb *stub);

/// Entry of a TB whose guest code has changed and that is about to be removed: leaves as if there were none.
NT_PRESERVE_NONE uint64_t nt_stale(nt_cpu *cpu, nt_tb *tb);

static inline nt_tb *nt_slot_stub(nt_slot *slot) { return (nt_tb *)&slot->stub_entry; }

/// Makes the slot's jump lead to `code`, or through the slot if that is NULL. Other vCPUs may be running the jump: one aligned store.
static inline void nt_slot_lead(nt_slot *slot, const void *code) {
    if (slot->jump == NULL)
        return;
    const uint8_t *to = code != NULL ? (const uint8_t *)code : slot->slow;
    __atomic_store_n(slot->jump, (uint32_t)(to - (const uint8_t *)(slot->jump + 1)), __ATOMIC_RELEASE);
}
static inline void nt_slot_init(nt_slot *slot, uint64_t pc) {
    slot->jump = NULL;
    slot->next = slot->previous = NULL;
    slot->pc = pc;
    slot->stub_entry = nt_unchained;
    __atomic_store_n((nt_tb **)&slot->target, nt_slot_stub(slot), __ATOMIC_RELEASE);
}
static inline nt_tb *nt_slot_target(nt_slot *slot) {
    return __atomic_load_n((nt_tb **)&slot->target, __ATOMIC_ACQUIRE);
}
/// Makes an unchained slot lead to a TB.
static inline void nt_slot_chain(nt_slot *slot, nt_tb *tb) {
    slot->previous = NULL;
    slot->next = tb->incoming;
    if (slot->next != NULL)
        slot->next->previous = slot;
    tb->incoming = slot;
    __atomic_store_n((nt_tb **)&slot->target, tb, __ATOMIC_RELEASE);
}
/// Nothing happens to a slot that leads nowhere.
static inline void nt_slot_unchain(nt_slot *slot) {
    nt_tb *target = nt_slot_target(slot);
    if (target == nt_slot_stub(slot))
        return;
    if (slot->previous != NULL)
        slot->previous->next = slot->next;
    else
        target->incoming = slot->next;
    if (slot->next != NULL)
        slot->next->previous = slot->previous;
    __atomic_store_n((nt_tb **)&slot->target, nt_slot_stub(slot), __ATOMIC_RELEASE);
    nt_slot_lead(slot, NULL);
}
static inline void nt_tb_set_entry(nt_tb *tb, void *code) {
    __atomic_store_n((void **)&tb->entry, code, __ATOMIC_RELEASE);
}
static inline int32_t nt_tb_heat(nt_tb *tb) { return __atomic_load_n((int32_t *)&tb->heat, __ATOMIC_RELAXED); }
static inline void nt_tb_set_stale(nt_tb *tb) { nt_tb_set_entry(tb, (void *)nt_stale); }
static inline void nt_tb_set_heat(nt_tb *tb, int32_t heat) {
    __atomic_store_n((int32_t *)&tb->heat, heat, __ATOMIC_RELAXED);
}
static inline void *nt_tb_entry(nt_tb *tb) { return __atomic_load_n((void **)&tb->entry, __ATOMIC_ACQUIRE); }

#endif
