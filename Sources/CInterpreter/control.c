// Conditions, branches, exits, instrumentation, and the tables.
#include "handlers.h"
#include <xmmintrin.h>

#define CONDITION(name, number)                                                                                        \
    HANDLER(cond_##name) { D64 = (uint64_t)nt_holds(cpu, number); NEXT; }                                              \
    HANDLER(csel_##name) { LET(nt_holds(cpu, number) ? A64 : B64); }                                            \
    HANDLER(branch_##name) { BRANCH(nt_holds(cpu, number)); }

CONDITION(eq, 0)
CONDITION(ne, 1)
CONDITION(cs, 2)
CONDITION(cc, 3)
CONDITION(mi, 4)
CONDITION(pl, 5)
CONDITION(vs, 6)
CONDITION(vc, 7)
CONDITION(hi, 8)
CONDITION(ls, 9)
CONDITION(ge, 10)
CONDITION(lt, 11)
CONDITION(gt, 12)
CONDITION(le, 13)

#define COMPARE_BRANCH(name, op)                                                                                       \
    HANDLER(name##_r32) { BRANCH(A32 op B32); }                                                                        \
    HANDLER(name##_i32) { BRANCH(A32 op ip->imm_low); }                                                                \
    HANDLER(name##_r64) { BRANCH(A64 op B64); }                                                                        \
    HANDLER(name##_i64) { BRANCH(A64 op ip->imm); }                                                                    \
    HANDLER(name##_f_r32) { BRANCH((uint32_t)acc op B32); }                                                            \
    HANDLER(name##_f_i32) { BRANCH((uint32_t)acc op ip->imm_low); }                                                    \
    HANDLER(name##_f_r64) { BRANCH(acc op B64); }                                                                      \
    HANDLER(name##_f_i64) { BRANCH(acc op ip->imm); }                                                                  \
    HANDLER(name##_s_r32) { BRANCH(A32 op (uint32_t)acc); }                                                            \
    HANDLER(name##_s_r64) { BRANCH(A64 op acc); }
COMPARE_BRANCH(branch_eq, ==)
COMPARE_BRANCH(branch_ne, !=)
HANDLER(branch_if) { BRANCH(A64 & 1); }

HANDLER(chain) { JUMP_TO(nt_slot_target(&tb->slots[0])); }
HANDLER(chain_poll) {
    if (__builtin_expect(__atomic_load_n((uint32_t *)&cpu->exit_request, __ATOMIC_RELAXED), 0)) {
        cpu->pc = ip->imm;
        return NT_EXIT_REQUEST;
    }
    JUMP_TO(nt_slot_target(&tb->slots[0]));
}
HANDLER(branch_indirect) {
    uint64_t pc = A64;
    if (__builtin_expect(__atomic_load_n((uint32_t *)&cpu->exit_request, __ATOMIC_RELAXED), 0)) {
        cpu->pc = pc;
        return NT_EXIT_REQUEST;
    }
    // The profile for regions, while the TB is on its way to them. Lost updates between vCPUs do no harm.
    if (tb->indirect_targets[0] != pc && nt_tb_heat(tb) != INT32_MAX) {
        tb->indirect_targets[1] = tb->indirect_targets[0];
        tb->indirect_targets[0] = pc;
    }
    nt_jump_cache_entry *entry = &nt_jump_cache(cpu, tb->flags)[nt_jump_cache_index(pc)];
    if (__builtin_expect(entry->pc != pc, 0)) {
        cpu->pc = pc;
        return NT_EXIT_LOOKUP;
    }
    JUMP_TO(entry->tb);
}
// Without chaining every TB returns to the run loop.
HANDLER(leave_indirect) {
    cpu->pc = A64;
    return NT_EXIT_LOOKUP;
}
HANDLER(leave_branch_if) {
    cpu->pc = A64 & 1 ? ip[1].imm : ip->imm;
    return NT_EXIT_LOOKUP;
}
HANDLER(raise) {
    cpu->exception = ip->c;
    cpu->exception_info = ip->imm;
    cpu->pc = ip[1].imm;
    return NT_EXIT_EXCEPTION;
}
HANDLER(exit_to) {
    cpu->pc = ip->imm;
    return NT_EXIT_LOOKUP;
}

// Host functions. c = number of parameters and shape: the predecoder names the signature by `c`; the next cell holds the address
// and the third operand's offset.
enum { SHAPE_VECTOR_RESULT = 1, SHAPE_VECTOR_A = 2, SHAPE_VECTOR_B = 4, SHAPE_VECTOR_C = 8, SHAPE_NO_RESULT = 16 };
typedef uint64_t (*scalar3)(nt_cpu *, uint64_t, uint64_t, uint64_t);
typedef nt_vec (*vector3)(nt_cpu *, nt_vec, nt_vec, nt_vec);

// x86-64 and AArch64 pass integers and vectors in separate register files in order, so every mix of up to three of each can be
// called with all six present: unused registers are ignored by the callee.
typedef uint64_t (*any_scalar)(nt_cpu *, uint64_t, uint64_t, uint64_t, nt_vec, nt_vec, nt_vec);
typedef nt_vec (*any_vector)(nt_cpu *, uint64_t, uint64_t, uint64_t, nt_vec, nt_vec, nt_vec);

HANDLER(call) {
    uint16_t operands[3] = {ip->a, ip->b, ip[1].a};
    uint64_t scalars[3] = {0, 0, 0};
    nt_vec vectors[3] = {{0, 0}, {0, 0}, {0, 0}};
    int scalar = 0, vector = 0;
    for (int i = 0; i < 3; i++) {
        if (ip->c >> (i + 1) & 1) vectors[vector++] = AT(nt_vec, operands[i]);
        else scalars[scalar++] = AT(uint64_t, operands[i]);
    }
    cpu->fault_point = ip[1].point;
    void *function = (void *)(uintptr_t)ip[1].imm;
    if (ip->c & SHAPE_VECTOR_RESULT) {
        nt_vec r = ((any_vector)function)(cpu, scalars[0], scalars[1], scalars[2], vectors[0], vectors[1], vectors[2]);
        DV(nt_vec) = r;
    } else {
        uint64_t r = ((any_scalar)function)(cpu, scalars[0], scalars[1], scalars[2], vectors[0], vectors[1], vectors[2]);
        if (!(ip->c & SHAPE_NO_RESULT)) D64 = r & ip->imm;
    }
    NEXT_AT(ip + 2);
}

// Instrumentation. point = arena offset.
#define ENTRY AT(uint64_t, ip->point)
HANDLER(plugin_add) { ENTRY += ip->imm; NEXT; }
HANDLER(plugin_store) { ENTRY = ip->imm; NEXT; }
HANDLER(plugin_load) { D64 = ENTRY; NEXT; }

typedef void (*plugin_callback)(uint32_t, uint64_t);
typedef void (*plugin_mem_callback)(uint32_t, uint32_t, uint64_t, uint64_t);

// c = callback flags; imm = function; next cell: userdata.
// What a callback's own arithmetic leaves in the host's unit is not the guest's (fp_collect has taken the guest's before).
static inline void drop_flags(void) { _mm_setcsr(0x1f80); }

static inline void plugin_call(nt_cpu *cpu, const nt_op *ip) {
    if (ip->c) cpu->reg_permission = ip->c;
    ((plugin_callback)(uintptr_t)ip->imm)(cpu->cpu_index, ip[1].imm);
    drop_flags();
    if (ip->c) cpu->reg_permission = 0;
}
HANDLER(plugin_call) { plugin_call(cpu, ip); NEXT_AT(ip + 2); }
HANDLER(plugin_call_if) {
    if (__builtin_expect(A64 & 1, 0)) plugin_call(cpu, ip);
    NEXT_AT(ip + 2);
}
// a = address, b = value, next cell: userdata, a = info.
static inline void plugin_mem_call(nt_cpu *cpu, const nt_op *ip) {
    if (ip->c) cpu->reg_permission = ip->c;
    ((plugin_mem_callback)(uintptr_t)ip->imm)(cpu->cpu_index, ip[1].a, A64, ip[1].imm);
    drop_flags();
    if (ip->c) cpu->reg_permission = 0;
}
HANDLER(plugin_mem_call) {
    cpu->mem_value.lo = B64;
    cpu->mem_value.hi = 0;
    plugin_mem_call(cpu, ip);
    NEXT_AT(ip + 2);
}
HANDLER(plugin_mem_call_128) {
    AT(v2u64, offsetof(nt_cpu, mem_value)) = BV(v2u64);
    plugin_mem_call(cpu, ip);
    NEXT_AT(ip + 2);
}
// Before one of those above: a = whether the access happened, imm = the way past it.
HANDLER(plugin_only_if) { NEXT_AT(A64 & 1 ? ip + 1 : ip + ip->imm); }
