// A comparison together with the conditional branch that follows it. All flags are written: somebody may read them later.
#include "handlers.h"

// Conditions after a - b, and after a logical operation with the result r.
#define SUB_eq a == b
#define SUB_ne a != b
#define SUB_cs a >= b
#define SUB_cc a < b
#define SUB_mi sr < 0
#define SUB_pl sr >= 0
#define SUB_vs cpu->vf
#define SUB_vc !cpu->vf
#define SUB_hi a > b
#define SUB_ls a <= b
#define SUB_ge sa >= sb
#define SUB_lt sa < sb
#define SUB_gt sa > sb
#define SUB_le sa <= sb

#define AND_eq r == 0
#define AND_ne r != 0
#define AND_cs 0
#define AND_cc 1
#define AND_mi sr < 0
#define AND_pl sr >= 0
#define AND_vs 0
#define AND_vc 1
#define AND_hi 0
#define AND_ls 1
#define AND_ge sr >= 0
#define AND_lt sr < 0
#define AND_gt sr > 0
#define AND_le sr <= 0

#define SIGNED(stype)                                                                                                  \
    stype sa = (stype)a, sb = (stype)b, sr = (stype)r;                                                                 \
    (void)sa, (void)sb, (void)sr

#define ALL_CONDITIONS(X, ...)                                                                                         \
    X(eq, __VA_ARGS__) X(ne, __VA_ARGS__) X(cs, __VA_ARGS__) X(cc, __VA_ARGS__) X(mi, __VA_ARGS__)                     \
    X(pl, __VA_ARGS__) X(vs, __VA_ARGS__) X(vc, __VA_ARGS__) X(hi, __VA_ARGS__) X(ls, __VA_ARGS__)                     \
    X(ge, __VA_ARGS__) X(lt, __VA_ARGS__) X(gt, __VA_ARGS__) X(le, __VA_ARGS__)

#define ONE(condition, name, form, type, stype, first, second, shift, op, FLAGS, HOLDS, WRITE)                         \
    HANDLER(name##_##form##_##condition) {                                                                             \
        type a = (type)first, b = second, r = a op b;                                                              \
        FLAGS(stype, shift);                                                                                           \
        WRITE;                                                                                                         \
        SIGNED(stype);                                                                                                 \
        BRANCH(HOLDS##condition);                                                                                      \
    }
#define FORMS(name, op, FLAGS, HOLDS, WRITE)                                                                           \
    ALL_CONDITIONS(ONE, name, r32, uint32_t, int32_t, A32, B32, 31, op, FLAGS, HOLDS, WRITE)                           \
    ALL_CONDITIONS(ONE, name, i32, uint32_t, int32_t, A32, ip->imm_low, 31, op, FLAGS, HOLDS, WRITE)                   \
    ALL_CONDITIONS(ONE, name, r64, uint64_t, int64_t, A64, B64, 63, op, FLAGS, HOLDS, WRITE)                           \
    ALL_CONDITIONS(ONE, name, i64, uint64_t, int64_t, A64, ip->imm, 63, op, FLAGS, HOLDS, WRITE)                       \
    ALL_CONDITIONS(ONE, name, f_r32, uint32_t, int32_t, acc, B32, 31, op, FLAGS, HOLDS, WRITE)                         \
    ALL_CONDITIONS(ONE, name, f_i32, uint32_t, int32_t, acc, ip->imm_low, 31, op, FLAGS, HOLDS, WRITE)                 \
    ALL_CONDITIONS(ONE, name, f_r64, uint64_t, int64_t, acc, B64, 63, op, FLAGS, HOLDS, WRITE)                         \
    ALL_CONDITIONS(ONE, name, f_i64, uint64_t, int64_t, acc, ip->imm, 63, op, FLAGS, HOLDS, WRITE)

FORMS(subs_branch, -, SUB_FLAGS, SUB_, D64 = r)
FORMS(cmp_branch, -, SUB_FLAGS, SUB_, )
FORMS(ands_branch, &, LOGIC_FLAGS, AND_, D64 = r)
