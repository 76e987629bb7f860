// The entry of tier-0 TBs, and the tables of handlers.
#include "handlers.h"

// Called as an nt_code, with two arguments; the others only make the tail call possible.
static NT_GUEST_ACCESS_SECTION NT_PRESERVE_NONE uint64_t nt_interp_entry(nt_cpu *cpu, nt_tb *tb, const nt_op *ip,
                                                                          uint64_t acc) {
    int32_t heat = __atomic_load_n((int32_t *)&tb->heat, __ATOMIC_RELAXED);
    if (heat != INT32_MAX) {
        // Lost updates between vCPUs only delay the promotion.
        __atomic_store_n((int32_t *)&tb->heat, heat - 1, __ATOMIC_RELAXED);
        if (heat <= 0) {
            __atomic_store_n((int32_t *)&tb->heat, INT32_MAX, __ATOMIC_RELAXED);
            cpu->pc = tb->pc;
            cpu->exit_tb = tb;
            return NT_EXIT_HOT;
        }
    }
    ip = tb->ops;
    __attribute__((musttail)) return ip->handler(cpu, tb, ip, acc);
}
void *nt_interp_entry_address(void) { return (void *)nt_interp_entry; }

#define DECLARE(name) HANDLER(name);
NT_INTERP_OPERATIONS(DECLARE)

const void *nt_interp_handler(uint32_t operation) {
    static const nt_handler table[] = {
#define ADDRESS(name) nt_op_##name,
        NT_INTERP_OPERATIONS(ADDRESS)
    };
    return (const void *)table[operation];
}

nt_interp_forms nt_interp_forms_of(uint32_t operation) {
    static const nt_interp_forms table[NT_INTERP_OP_COUNT] = {
#define BINARY_FORMS(X, name)                                                                                          \
    [NT_OP_##name##_r32] = {NT_OP_##name##_f_r32, NT_OP_##name##_s_r32, 0},                                            \
    [NT_OP_##name##_i32] = {NT_OP_##name##_f_i32, 0, 0},                                                               \
    [NT_OP_##name##_r64] = {NT_OP_##name##_f_r64, NT_OP_##name##_s_r64, 0},                                            \
    [NT_OP_##name##_i64] = {NT_OP_##name##_f_i64, 0, 0},
#define UNARY_FORMS(X, name)                                                                                           \
    [NT_OP_##name##_32] = {NT_OP_##name##_f_32, 0, 0}, [NT_OP_##name##_64] = {NT_OP_##name##_f_64, 0, 0},
#define LOAD_FORMS(X, name) [NT_OP_##name] = {NT_OP_##name##_f, 0, 0},
#define STORE_FORMS(X, name) [NT_OP_##name] = {NT_OP_##name##_f, 0, NT_OP_##name##_v},
#define CONDITION_FORMS(name, form, condition)                                                                         \
    [NT_OP_##name##_##form##_##condition] = {NT_OP_##name##_f_##form##_##condition, 0, 0},
#define ALL_CONDITION_FORMS(name, form)                                                                                \
    CONDITION_FORMS(name, form, eq) CONDITION_FORMS(name, form, ne) CONDITION_FORMS(name, form, cs)                    \
    CONDITION_FORMS(name, form, cc) CONDITION_FORMS(name, form, mi) CONDITION_FORMS(name, form, pl)                    \
    CONDITION_FORMS(name, form, vs) CONDITION_FORMS(name, form, vc) CONDITION_FORMS(name, form, hi)                    \
    CONDITION_FORMS(name, form, ls) CONDITION_FORMS(name, form, ge) CONDITION_FORMS(name, form, lt)                    \
    CONDITION_FORMS(name, form, gt) CONDITION_FORMS(name, form, le)
#define COMPARE_BRANCH_FORMS(X, name)                                                                                  \
    ALL_CONDITION_FORMS(name, r32) ALL_CONDITION_FORMS(name, i32) ALL_CONDITION_FORMS(name, r64)                       \
    ALL_CONDITION_FORMS(name, i64)
        NT_INTERP_VALUE_FAMILIES(BINARY_FORMS, ) NT_INTERP_TEST_FAMILIES(BINARY_FORMS, )
        NT_INTERP_UNARY_FAMILIES(UNARY_FORMS, ) NT_INTERP_LOAD_FAMILIES(LOAD_FORMS, )
        NT_INTERP_STORE_FAMILIES(STORE_FORMS, ) NT_INTERP_COMPARE_BRANCH_FAMILIES(COMPARE_BRANCH_FORMS, )
    };
    return table[operation];
}
bool nt_interp_leaves_value(uint32_t operation) { return operation < NT_INTERP_VALUE_COUNT; }
