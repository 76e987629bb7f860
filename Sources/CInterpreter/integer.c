// Integer handlers.
#include "handlers.h"

HANDLER(mov32) { LET(A32); }
HANDLER(mov64) { LET(A64); }
HANDLER(mov128) { DV(v2u64) = AV(v2u64); NEXT; }
HANDLER(movi) { LET(ip->imm); }

#define BINARY(name, expr32, expr64)                                                                                   \
    HANDLER(name##_r32) { OPERANDS(uint32_t); LET_D((uint32_t)(expr32)); }                                             \
    HANDLER(name##_i32) { OPERANDS_IMM(uint32_t, ip->imm_low); LET_D((uint32_t)(expr32)); }                            \
    HANDLER(name##_r64) { OPERANDS(uint64_t); LET_D(expr64); }                                                         \
    HANDLER(name##_i64) { OPERANDS_IMM(uint64_t, ip->imm); LET_D(expr64); }                                            \
    HANDLER(name##_f_r32) { OPERANDS_FIRST(uint32_t); LET_D((uint32_t)(expr32)); }                                     \
    HANDLER(name##_f_i32) { OPERANDS_FIRST_IMM(uint32_t, ip->imm_low); LET_D((uint32_t)(expr32)); }                    \
    HANDLER(name##_f_r64) { OPERANDS_FIRST(uint64_t); LET_D(expr64); }                                                 \
    HANDLER(name##_f_i64) { OPERANDS_FIRST_IMM(uint64_t, ip->imm); LET_D(expr64); }                                    \
    HANDLER(name##_s_r32) { OPERANDS_SECOND(uint32_t); LET_D((uint32_t)(expr32)); }                                    \
    HANDLER(name##_s_r64) { OPERANDS_SECOND(uint64_t); LET_D(expr64); }

BINARY(add, a + b, a + b)
BINARY(sub, a - b, a - b)
BINARY(mul, a *b, a *b)
BINARY(and, a & b, a & b)
BINARY(or, a | b, a | b)
BINARY(xor, a ^ b, a ^ b)
BINARY(and_not, a & ~b, a & ~b)
BINARY(shl, a << (b & 31), a << (b & 63))
BINARY(lshr, a >> (b & 31), a >> (b & 63))
BINARY(ashr, (int32_t)a >> (b & 31), (int64_t)a >> (b & 63))
BINARY(ror, a >> (b & 31) | a << (-b & 31), a >> (b & 63) | a << (-b & 63))
BINARY(icmp_eq, a == b, a == b)
BINARY(icmp_ne, a != b, a != b)
BINARY(icmp_ult, a < b, a < b)
BINARY(icmp_ule, a <= b, a <= b)
BINARY(icmp_slt, (int32_t)a < (int32_t)b, (int64_t)a < (int64_t)b)
BINARY(icmp_sle, (int32_t)a <= (int32_t)b, (int64_t)a <= (int64_t)b)

#define FLAGGED_ALL(name, op, FLAGS, RESULT)                                                                           \
    HANDLER(name##_r32) { OPERANDS(uint32_t); uint32_t r = a op b; FLAGS(int32_t, 31); RESULT; }                       \
    HANDLER(name##_i32) { OPERANDS_IMM(uint32_t, ip->imm_low); uint32_t r = a op b; FLAGS(int32_t, 31); RESULT; }      \
    HANDLER(name##_r64) { OPERANDS(uint64_t); uint64_t r = a op b; FLAGS(int64_t, 63); RESULT; }                       \
    HANDLER(name##_i64) { OPERANDS_IMM(uint64_t, ip->imm); uint64_t r = a op b; FLAGS(int64_t, 63); RESULT; }          \
    HANDLER(name##_f_r32) { OPERANDS_FIRST(uint32_t); uint32_t r = a op b; FLAGS(int32_t, 31); RESULT; }               \
    HANDLER(name##_f_i32) { OPERANDS_FIRST_IMM(uint32_t, ip->imm_low); uint32_t r = a op b; FLAGS(int32_t, 31); RESULT; } \
    HANDLER(name##_f_r64) { OPERANDS_FIRST(uint64_t); uint64_t r = a op b; FLAGS(int64_t, 63); RESULT; }               \
    HANDLER(name##_f_i64) { OPERANDS_FIRST_IMM(uint64_t, ip->imm); uint64_t r = a op b; FLAGS(int64_t, 63); RESULT; }  \
    HANDLER(name##_s_r32) { OPERANDS_SECOND(uint32_t); uint32_t r = a op b; FLAGS(int32_t, 31); RESULT; }              \
    HANDLER(name##_s_r64) { OPERANDS_SECOND(uint64_t); uint64_t r = a op b; FLAGS(int64_t, 63); RESULT; }
#define FLAGGED(name, op, FLAGS) FLAGGED_ALL(name, op, FLAGS, LET_D(r))
#define COMPARED(name, op, FLAGS) FLAGGED_ALL(name, op, FLAGS, (void)d_; NEXT)

FLAGGED(adds, +, ADD_FLAGS)
FLAGGED(subs, -, SUB_FLAGS)
FLAGGED(ands, &, LOGIC_FLAGS)
COMPARED(cmp, -, SUB_FLAGS)
COMPARED(cmn, +, ADD_FLAGS)

HANDLER(flags_logic_32) { uint32_t r = A32; LOGIC_FLAGS(int32_t, 31); NEXT; }
HANDLER(flags_logic_64) { uint64_t r = A64; LOGIC_FLAGS(int64_t, 63); NEXT; }

#define CARRIED(name, type, stype, shift, operand, suffix)                                                             \
    HANDLER(name##_##suffix) {                                                                                         \
        type a = AT(type, ip->a), b = operand AT(type, ip->b), partial = a + b, r = partial + (type)cpu->cf;           \
        uint64_t carry = (partial < a) | (r < partial);                                                                \
        SET_FLAGS((stype)r, carry, ((a ^ r) & (b ^ r)) >> shift);                                                      \
        NEXT;                                                                                                          \
    }
CARRIED(flags_adc, uint32_t, int32_t, 31, +, 32)
CARRIED(flags_adc, uint64_t, int64_t, 63, +, 64)
CARRIED(flags_sbc, uint32_t, int32_t, 31, ~, 32)
CARRIED(flags_sbc, uint64_t, int64_t, 63, ~, 64)
HANDLER(adc_32) { LET((uint32_t)(A32 + B32 + (uint32_t)cpu->cf)); }
HANDLER(adc_64) { LET(A64 + B64 + cpu->cf); }
HANDLER(sbc_32) { LET((uint32_t)(A32 - B32 - 1 + (uint32_t)cpu->cf)); }
HANDLER(sbc_64) { LET(A64 - B64 - 1 + cpu->cf); }

// d = condition, a and b = operands, imm = nzcv otherwise.
#define CCMP(name, type, stype, op, FLAGS, shift, suffix)                                                              \
    HANDLER(name##_##suffix) {                                                                                         \
        if (D64 & 1) {                                                                                                 \
            type a = AT(type, ip->a), b = AT(type, ip->b), r = a op b;                                                 \
            FLAGS(stype, shift);                                                                                       \
        } else {                                                                                                       \
            cpu->nf = ip->imm << 60;                                                                                   \
            cpu->zf = (ip->imm & 4) == 0;                                                                              \
            cpu->cf = ip->imm >> 1 & 1;                                                                                \
            cpu->vf = ip->imm & 1;                                                                                     \
        }                                                                                                              \
        NEXT;                                                                                                          \
    }
CCMP(ccmp_sub, uint32_t, int32_t, -, SUB_FLAGS, 31, 32)
CCMP(ccmp_sub, uint64_t, int64_t, -, SUB_FLAGS, 63, 64)
CCMP(ccmp_add, uint32_t, int32_t, +, ADD_FLAGS, 31, 32)
CCMP(ccmp_add, uint64_t, int64_t, +, ADD_FLAGS, 63, 64)

HANDLER(flags_set) {
    uint64_t p = A64;
    cpu->nf = p << 32;
    cpu->zf = (~p >> 30) & 1;
    cpu->cf = p >> 29 & 1;
    cpu->vf = p >> 28 & 1;
    NEXT;
}
HANDLER(flags_get) {
    LET((cpu->nf >> 63) << 31 | (uint64_t)(cpu->zf == 0) << 30 | cpu->cf << 29 | cpu->vf << 28);
}

HANDLER(umulh) { LET((uint64_t)((unsigned __int128)A64 * B64 >> 64)); }
HANDLER(smulh) { LET((uint64_t)((__int128)(int64_t)A64 * (int64_t)B64 >> 64)); }
HANDLER(udiv_32) { uint32_t b = B32; LET(b ? A32 / b : 0); }
HANDLER(udiv_64) { uint64_t b = B64; LET(b ? A64 / b : 0); }
HANDLER(sdiv_32) {
    uint32_t a = A32, b = B32;
    LET(b == 0 ? 0 : b == UINT32_MAX ? (uint32_t)-a : (uint32_t)((int32_t)a / (int32_t)b));
}
HANDLER(sdiv_64) {
    uint64_t a = A64, b = B64;
    LET(b == 0 ? 0 : b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b));
}

// Fused: a + (b << imm); a + b * c.
HANDLER(add_shl32) { LET((uint32_t)(A32 + (B32 << (ip->imm & 31)))); }
HANDLER(add_shl64) { LET(A64 + (B64 << (ip->imm & 63))); }
HANDLER(mul_add32) { LET((uint32_t)(A32 + B32 * C32)); }
HANDLER(mul_add64) { LET(A64 + B64 * C64); }

#define UNARY(name, expr32, expr64)                                                                                    \
    HANDLER(name##_32) { uint32_t a = A32; LET((uint32_t)(expr32)); }                                                  \
    HANDLER(name##_64) { uint64_t a = A64; LET(expr64); }                                                              \
    HANDLER(name##_f_32) { uint32_t a = (uint32_t)acc; LET((uint32_t)(expr32)); }                                      \
    HANDLER(name##_f_64) { uint64_t a = acc; LET(expr64); }
UNARY(not, ~a, ~a)
UNARY(clz, a ? __builtin_clz(a) : 32, a ? (uint64_t)__builtin_clzll(a) : 64)
UNARY(cls, __builtin_clrsb((int32_t)a), (uint64_t)__builtin_clrsbll((int64_t)a))
UNARY(rbit, __builtin_bitreverse32(a), __builtin_bitreverse64(a))
UNARY(bswap, __builtin_bswap32(a), __builtin_bswap64(a))
UNARY(rev16, (a & 0x00ff00ff) << 8 | (a >> 8 & 0x00ff00ff),
      (a & 0x00ff00ff00ff00ff) << 8 | (a >> 8 & 0x00ff00ff00ff00ff))

// b = shift that brings the field to the top, c = shift that brings it down.
UNARY(ubfx, (a << (ip->b & 31)) >> (ip->c & 31), (a << (ip->b & 63)) >> (ip->c & 63))
UNARY(sbfx, (int32_t)(a << (ip->b & 31)) >> (ip->c & 31), (uint64_t)((int64_t)(a << (ip->b & 63)) >> (ip->c & 63)))
// imm = mask of the field, c = lsb.
HANDLER(bfi_32) { uint32_t m = ip->imm_low; LET((A32 & ~m) | (B32 << (ip->c & 31) & m)); }
HANDLER(bfi_64) { uint64_t m = ip->imm; LET((A64 & ~m) | (B64 << (ip->c & 63) & m)); }
// c = lsb, not 0.
HANDLER(extr_32) { LET((uint32_t)(B32 >> (ip->c & 31) | A32 << (-ip->c & 31))); }
HANDLER(extr_64) { LET(B64 >> (ip->c & 63) | A64 << (-ip->c & 63)); }

HANDLER(zext128) { uint64_t a = A64 & ip->imm; DV(v2u64) = (v2u64){a, 0}; NEXT; }
HANDLER(sext_1_32) { LET((uint32_t) - (uint32_t)(A64 & 1)); }
HANDLER(sext_1_64) { LET(-(A64 & 1)); }
HANDLER(sext_32_64) { LET((uint64_t)(int64_t)(int32_t)A32); }
HANDLER(and_bit) { LET(A64 & 1); }
HANDLER(select64) { LET(A64 & 1 ? B64 : C64); }
HANDLER(select128) { DV(v2u64) = A64 & 1 ? BV(v2u64) : CV(v2u64); NEXT; }

HANDLER(crc32) { LET(nt_helper_crc32(cpu, A32, B64, ip->c)); }
HANDLER(crc32c) {
    uint32_t crc = A32;
    uint64_t data = B64;
    for (uint32_t i = 0; i < 1u << ip->c; i++, data >>= 8) {
        crc ^= (uint8_t)data;
        // Reflected 0x1EDC6F41.
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
    }
    LET(crc);
}
