// Two neighbouring integer cells in one handler. An indirect jump costs about as much as the work between two of them, and runs of
// plain arithmetic are long; the second cell stays where it is, its own handler unused.
#include "handlers.h"

// F(name, expression, …) for each operation, F(form, …) for each way to get the operands. Twice: a macro cannot expand inside
// itself.
#define OPERATIONS_1(F, ...)                                                                                           \
    F(add, a + b, __VA_ARGS__) F(sub, a - b, __VA_ARGS__) F(and, a & b, __VA_ARGS__) F(or, a | b, __VA_ARGS__)         \
    F(xor, a ^ b, __VA_ARGS__) F(shl, a << (b & MASK(a)), __VA_ARGS__) F(lshr, a >> (b & MASK(a)), __VA_ARGS__)        \
    F(ror, a >> (b & MASK(a)) | a << (-b & MASK(a)), __VA_ARGS__)
#define OPERATIONS_2(F, ...)                                                                                           \
    F(add, a + b, __VA_ARGS__) F(sub, a - b, __VA_ARGS__) F(and, a & b, __VA_ARGS__) F(or, a | b, __VA_ARGS__)         \
    F(xor, a ^ b, __VA_ARGS__) F(shl, a << (b & MASK(a)), __VA_ARGS__) F(lshr, a >> (b & MASK(a)), __VA_ARGS__)        \
    F(ror, a >> (b & MASK(a)) | a << (-b & MASK(a)), __VA_ARGS__)
#define FORMS_1(F, ...) F(r, __VA_ARGS__) F(i, __VA_ARGS__) F(f_r, __VA_ARGS__) F(f_i, __VA_ARGS__) F(s_r, __VA_ARGS__)
#define FORMS_2(F, ...) F(r, __VA_ARGS__) F(i, __VA_ARGS__) F(f_r, __VA_ARGS__) F(f_i, __VA_ARGS__) F(s_r, __VA_ARGS__)
enum { OPERATIONS = 8, FORMS = 5, MEMBERS = OPERATIONS * FORMS };

#define MASK(a) (sizeof(a) * 8 - 1)
#define FETCH_r(type) OPERANDS(type)
#define FETCH_i(type) OPERANDS_IMM(type, (type)ip->imm)
#define FETCH_f_r(type) OPERANDS_FIRST(type)
#define FETCH_f_i(type) OPERANDS_FIRST_IMM(type, (type)ip->imm)
#define FETCH_s_r(type) OPERANDS_SECOND(type)
#define RUN(type, form, expression)                                                                                    \
    do {                                                                                                               \
        FETCH_##form(type);                                                                                            \
        AT(uint64_t, d_) = acc = (type)(expression);                                                                   \
    } while (0)

#define PAIR(form2, name2, expression2, form1, name1, expression1, type, bits)                                         \
    HANDLER(pair_##name1##_##form1##bits##_##name2##_##form2##bits) {                                                  \
        RUN(type, form1, expression1);                                                                                 \
        ip++;                                                                                                          \
        RUN(type, form2, expression2);                                                                                 \
        NEXT;                                                                                                          \
    }
#define ADDRESS(form2, name2, expression2, form1, name1, expression1, type, bits)                                      \
    nt_op_pair_##name1##_##form1##bits##_##name2##_##form2##bits,
#define SECOND_PAIR(name2, expression2, ...) FORMS_2(PAIR, name2, expression2, __VA_ARGS__)
#define SECOND_ADDRESS(name2, expression2, ...) FORMS_2(ADDRESS, name2, expression2, __VA_ARGS__)
#define FORM_PAIRS(form1, ...) OPERATIONS_2(SECOND_PAIR, form1, __VA_ARGS__)
#define FORM_ADDRESSES(form1, ...) OPERATIONS_2(SECOND_ADDRESS, form1, __VA_ARGS__)
#define FIRST_PAIRS(...) FORMS_1(FORM_PAIRS, __VA_ARGS__)
#define FIRST_ADDRESSES(...) FORMS_1(FORM_ADDRESSES, __VA_ARGS__)

OPERATIONS_1(FIRST_PAIRS, uint32_t, 32)
OPERATIONS_1(FIRST_PAIRS, uint64_t, 64)

// Numbers of the members: their order is that of the addresses.
#define NUMBER(form, name, bits) NUMBER_##name##_##form##bits,
#define NUMBERS(name, expression, bits) FORMS_1(NUMBER, name, bits)
enum { OPERATIONS_1(NUMBERS, 32) OPERATIONS_1(NUMBERS, 64) };

const void *nt_interp_pair_handler(uint32_t first, uint32_t second) {
    static const nt_handler handlers[2 * MEMBERS * MEMBERS] = {
        OPERATIONS_1(FIRST_ADDRESSES, uint32_t, 32) OPERATIONS_1(FIRST_ADDRESSES, uint64_t, 64)};
    // 1 + number, 0 for operations that do not pair.
    static const uint8_t members[NT_INTERP_OP_COUNT] = {
#define MEMBER(form, name, bits) [NT_OP_##name##_##form##bits] = 1 + NUMBER_##name##_##form##bits,
#define MEMBER_FORMS(name, expression, bits) FORMS_1(MEMBER, name, bits)
        OPERATIONS_1(MEMBER_FORMS, 32) OPERATIONS_1(MEMBER_FORMS, 64)};
    uint32_t a = members[first], b = members[second];
    if (a == 0 || b == 0 || (a > MEMBERS) != (b > MEMBERS)) return 0;
    uint32_t wide = a > MEMBERS;
    return (const void *)handlers[(wide * MEMBERS + (a - 1 - wide * MEMBERS)) * MEMBERS + (b - 1 - wide * MEMBERS)];
}
