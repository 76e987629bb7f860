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

static const nt_handler handlers[] = {
#define ADDRESS(name) nt_op_##name,
    NT_INTERP_OPERATIONS(ADDRESS)
};

// The forms of an operation that take an operand from the cell before, 0 where there is none.
typedef struct {
    uint16_t first;  // for the operand at `a`
    uint16_t second; // for the operand at `b`
    uint16_t value;  // for a store's value, at `d`
} forms;
static const forms forms_of[NT_INTERP_OP_COUNT] = {
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

void nt_interp_finish(void *memory, size_t count) {
    nt_op *cells = memory;
    // Where the cell before wrote the value that its handler passes on; -1 when it passes none.
    int32_t passed = -1;
    // The cell before, while it can still become the first of a pair.
    nt_op *single = NULL;
    uint32_t single_operation = 0;
    for (nt_op *cell = cells; cell < cells + count; cell++) {
        uintptr_t code = (uintptr_t)cell->handler;
        if (code == 0) {
            passed = -1;
            single = NULL;
            continue;
        }
        uint32_t operation = (uint32_t)(code - 1);
        bool leaves_value = operation < NT_INTERP_VALUE_COUNT;
        if (passed >= 0) {
            forms f = forms_of[operation];
            if (f.first != 0 && cell->a == passed) operation = f.first;
            else if (f.second != 0 && cell->b == passed) operation = f.second;
            else if (f.value != 0 && cell->d == passed) operation = f.value;
        }
        cell->handler = handlers[operation];
        passed = leaves_value ? cell->d : -1;
        const void *pair = single ? nt_interp_pair_handler(single_operation, operation) : NULL;
        if (pair) {
            single->handler = (nt_handler)pair;
            single = NULL;
        } else {
            single = cell;
            single_operation = operation;
        }
    }
}
