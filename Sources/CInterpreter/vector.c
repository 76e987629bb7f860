// Vector handlers. Lanes are b, h, s, d: 1, 2, 4 and 8 bytes.
#include "handlers.h"

HANDLER(vconst) { DV(v2u64) = (v2u64){ip->imm, ip[1].imm}; NEXT_AT(ip + 2); }
HANDLER(pack128) { uint64_t a = A64, b = B64; DV(v2u64) = (v2u64){a, b}; NEXT; }
HANDLER(vand) { DV(v2u64) = AV(v2u64) & BV(v2u64); NEXT; }
HANDLER(vor) { DV(v2u64) = AV(v2u64) | BV(v2u64); NEXT; }
HANDLER(vxor) { DV(v2u64) = AV(v2u64) ^ BV(v2u64); NEXT; }
HANDLER(vand_not) { DV(v2u64) = AV(v2u64) & ~BV(v2u64); NEXT; }
HANDLER(vnot) { DV(v2u64) = ~AV(v2u64); NEXT; }
HANDLER(vselect) { DV(v2u64) = (AV(v2u64) & BV(v2u64)) | (~AV(v2u64) & CV(v2u64)); NEXT; }

// expression over a, b in vectors U (unsigned) and S (signed).
#define LANE(name, suffix, U, S, expression)                                                                           \
    HANDLER(name##_##suffix) {                                                                                         \
        U a = AV(U), b = BV(U);                                                                                        \
        S sa = (S)a, sb = (S)b;                                                                                        \
        (void)sa, (void)sb;                                                                                            \
        DV(U) = (U)(expression);                                                                                       \
        NEXT;                                                                                                          \
    }
#define LANES(name, expression)                                                                                        \
    LANE(name, b, v16u8, v16s8, expression)                                                                            \
    LANE(name, h, v8u16, v8s16, expression)                                                                            \
    LANE(name, s, v4u32, v4s32, expression)                                                                            \
    LANE(name, d, v2u64, v2s64, expression)
LANES(vadd, a + b)
LANES(vsub, a - b)
LANES(vmul, a *b)
LANES(vsmax, __builtin_elementwise_max(sa, sb))
LANES(vsmin, __builtin_elementwise_min(sa, sb))
LANES(vumax, __builtin_elementwise_max(a, b))
LANES(vumin, __builtin_elementwise_min(a, b))
LANES(vsqadd, __builtin_elementwise_add_sat(sa, sb))
LANES(vuqadd, __builtin_elementwise_add_sat(a, b))
LANES(vsqsub, __builtin_elementwise_sub_sat(sa, sb))
LANES(vuqsub, __builtin_elementwise_sub_sat(a, b))
LANES(vcmp_eq, a == b)
LANES(vcmp_sgt, sa > sb)
LANES(vcmp_sge, sa >= sb)
LANES(vcmp_ugt, a > b)
LANES(vcmp_uge, a >= b)

// One operand and a number in imm.
#define LANE1(name, suffix, U, S, bits, expression)                                                                    \
    HANDLER(name##_##suffix) {                                                                                         \
        U a = AV(U);                                                                                                   \
        S sa = (S)a;                                                                                                   \
        uint64_t n = ip->imm;                                                                                          \
        const uint64_t width = bits;                                                                                   \
        (void)sa, (void)n, (void)width;                                                                                \
        DV(U) = (U)(expression);                                                                                       \
        NEXT;                                                                                                          \
    }
#define LANES1(name, expression)                                                                                       \
    LANE1(name, b, v16u8, v16s8, 8, expression)                                                                        \
    LANE1(name, h, v8u16, v8s16, 16, expression)                                                                       \
    LANE1(name, s, v4u32, v4s32, 32, expression)                                                                       \
    LANE1(name, d, v2u64, v2s64, 64, expression)
LANES1(vneg, -a)
LANES1(vabs, __builtin_elementwise_abs(sa))
LANES1(vshl, n >= width ? a ^ a : a << (__typeof__(a[0]))n)
LANES1(vlshr, n >= width ? a ^ a : a >> (__typeof__(a[0]))n)
LANES1(vashr, sa >> (__typeof__(sa[0]))(n >= width ? width - 1 : n))

// By element: a loop over lanes that the compiler may unroll.
#define ELEMENTS(name, suffix, T, body)                                                                                \
    HANDLER(name##_##suffix) {                                                                                         \
        enum { N = 16 / sizeof(T) };                                                                                   \
        T a[N], b[N], r[N];                                                                                            \
        memcpy(a, (char *)cpu + ip->a, 16);                                                                            \
        memcpy(b, (char *)cpu + ip->b, 16);                                                                            \
        for (int i = 0; i < N; i++) r[i] = (T)(body);                                                                  \
        (void)a, (void)b;                                                                                              \
        memcpy((char *)cpu + ip->d, r, 16);                                                                            \
        NEXT;                                                                                                          \
    }
#define EACH(name, body)                                                                                               \
    ELEMENTS(name, b, uint8_t, body)                                                                                   \
    ELEMENTS(name, h, uint16_t, body)                                                                                  \
    ELEMENTS(name, s, uint32_t, body)                                                                                  \
    ELEMENTS(name, d, uint64_t, body)
// Only the square of the minimum, 1 << 2 * bits - 2, leaves the range.
#define HIGH_PRODUCT(suffix, T, WIDE, bits, maximum)                                                                   \
    ELEMENTS(vsqdmulh, suffix, T, (WIDE)a[i] * b[i] >> (bits - 1) == (WIDE)1 << (bits - 1) ? maximum                   \
                                                                                : (WIDE)a[i] * b[i] >> (bits - 1))     \
    ELEMENTS(vsqrdmulh, suffix, T, ((WIDE)a[i] * b[i] + ((WIDE)1 << (bits - 2))) >> (bits - 1) == (WIDE)1 << (bits - 1) \
                                   ? maximum : ((WIDE)a[i] * b[i] + ((WIDE)1 << (bits - 2))) >> (bits - 1))
HIGH_PRODUCT(h, int16_t, int32_t, 16, INT16_MAX)
HIGH_PRODUCT(s, int32_t, int64_t, 32, INT32_MAX)
EACH(vzip1, i & 1 ? b[i / 2] : a[i / 2])
EACH(vzip2, i & 1 ? b[N / 2 + i / 2] : a[N / 2 + i / 2])
EACH(vuzp1, i < N / 2 ? a[2 * i] : b[2 * i - N])
EACH(vuzp2, i < N / 2 ? a[2 * i + 1] : b[2 * i + 1 - N])
EACH(vtrn1, i & 1 ? b[i - 1] : a[i])
EACH(vtrn2, i & 1 ? b[i] : a[i + 1])
// imm = mask that flips the lane number inside its container.
EACH(vrev, a[i ^ (int)ip->imm])

#define SCALAR_LANE(suffix, T)                                                                                         \
    HANDLER(vdup_##suffix) {                                                                                           \
        T value = (T)A64;                                                                                              \
        T r[16 / sizeof(T)];                                                                                           \
        for (unsigned i = 0; i < 16 / sizeof(T); i++) r[i] = value;                                                    \
        memcpy((char *)cpu + ip->d, r, 16);                                                                            \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    HANDLER(vinsert_##suffix) {                                                                                        \
        T value = (T)B64;                                                                                              \
        v2u64 whole = AV(v2u64);                                                                                       \
        memcpy((char *)&whole + ip->imm * sizeof(T), &value, sizeof(T));                                               \
        DV(v2u64) = whole;                                                                                             \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    HANDLER(vextract_##suffix) {                                                                                       \
        T value;                                                                                                       \
        memcpy(&value, (char *)cpu + ip->a + ip->imm * sizeof(T), sizeof(T));                                          \
        D64 = value;                                                                                                   \
        NEXT;                                                                                                          \
    }
SCALAR_LANE(b, uint8_t)
SCALAR_LANE(h, uint16_t)
SCALAR_LANE(s, uint32_t)
SCALAR_LANE(d, uint64_t)

HANDLER(vext) {
    uint8_t both[32];
    memcpy(both, (char *)cpu + ip->a, 16);
    memcpy(both + 16, (char *)cpu + ip->b, 16);
    memcpy((char *)cpu + ip->d, both + (ip->imm & 15), 16);
    NEXT;
}

// The suffix is the source lane of vnarrow, and of the widening operations.
#define RESIZE(suffix, T, NARROW, WIDE, SIGNED, SWIDE)                                                                 \
    HANDLER(vnarrow_##suffix) {                                                                                        \
        T a[16 / sizeof(T)];                                                                                           \
        NARROW r[16 / sizeof(NARROW)] = {0};                                                                           \
        memcpy(a, (char *)cpu + ip->a, 16);                                                                            \
        for (unsigned i = 0; i < 16 / sizeof(T); i++) r[i] = (NARROW)a[i];                                             \
        memcpy((char *)cpu + ip->d, r, 16);                                                                            \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    HANDLER(vsext_low_##suffix) {                                                                                      \
        SIGNED a[16 / sizeof(T)];                                                                                      \
        SWIDE r[16 / sizeof(WIDE)];                                                                                    \
        memcpy(a, (char *)cpu + ip->a, 16);                                                                            \
        for (unsigned i = 0; i < 16 / sizeof(WIDE); i++) r[i] = a[i];                                                  \
        memcpy((char *)cpu + ip->d, r, 16);                                                                            \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    HANDLER(vzext_low_##suffix) {                                                                                      \
        T a[16 / sizeof(T)];                                                                                           \
        WIDE r[16 / sizeof(WIDE)];                                                                                     \
        memcpy(a, (char *)cpu + ip->a, 16);                                                                            \
        for (unsigned i = 0; i < 16 / sizeof(WIDE); i++) r[i] = a[i];                                                  \
        memcpy((char *)cpu + ip->d, r, 16);                                                                            \
        NEXT;                                                                                                          \
    }
// A byte has nothing narrower and a doubleword nothing wider; the verifier rejects those, the table needs the names.
RESIZE(b, uint8_t, uint8_t, uint16_t, int8_t, int16_t)
RESIZE(h, uint16_t, uint8_t, uint32_t, int16_t, int32_t)
RESIZE(s, uint32_t, uint16_t, uint64_t, int32_t, int64_t)
RESIZE(d, uint64_t, uint32_t, uint64_t, int64_t, int64_t)

HANDLER(vcnt) {
    uint8_t a[16];
    memcpy(a, (char *)cpu + ip->a, 16);
    for (int i = 0; i < 16; i++) a[i] = (uint8_t)__builtin_popcount(a[i]);
    memcpy((char *)cpu + ip->d, a, 16);
    NEXT;
}
