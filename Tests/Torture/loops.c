// Loops that compilers vectorise, over all element types, lengths and misalignments, against the same loops kept scalar.
#include "torture.h"
#include <math.h>

#define MOST 140
#define SCALAR __attribute__((optimize("no-tree-vectorize", "no-tree-slp-vectorize"), noinline, noclone))
static const int lengths[] = {0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 131};

#define FILL(T, a)                                                                                                     \
    for (int i = 0; i < MOST; i++) {                                                                                   \
        uint64_t r = next_random();                                                                                    \
        a[i] = (T)(sizeof(T) > 1 && r >> 62 == 0 ? (int)(r & 7) - 4 : (int64_t)(r >> 3));                              \
    }

// name, type of the result, body for element i with inputs a, b, c.
#define LOOP(name, T, R, body)                                                                                         \
    NOINLINE static void fast_##name(R *restrict out, const T *a, const T *b, const T *c, int n) {                     \
        (void)b, (void)c;                                                                                              \
        for (int i = 0; i < n; i++) out[i] = (R)(body);                                                                \
    }                                                                                                                  \
    SCALAR static void slow_##name(R *restrict out, const T *a, const T *b, const T *c, int n) {                       \
        (void)b, (void)c;                                                                                              \
        for (int i = 0; i < n; i++) out[i] = (R)(body);                                                                \
    }                                                                                                                  \
    static void test_##name(void) {                                                                                    \
        static T a[MOST + 8], b[MOST + 8], c[MOST + 8];                                                                \
        static R x[MOST + 8], y[MOST + 8];                                                                             \
        FILL(T, a) FILL(T, b) FILL(T, c)                                                                               \
        for (int k = 0; k < COUNT(lengths); k++) {                                                                     \
            int at = k % 4;                                                                                            \
            memset(x, 0x11, sizeof x), memset(y, 0x11, sizeof y);                                                      \
            fast_##name(x + at, a + k % 3, b + k % 2, c, lengths[k]);                                                  \
            slow_##name(y + at, a + k % 3, b + k % 2, c, lengths[k]);                                                  \
            for (int i = 0; i < lengths[k]; i++)                                                                       \
                if (memcmp(x + at + i, y + at + i, sizeof(R)) && x[at + i] == x[at + i]) {                             \
                    printf("failed: %s, length %d, element %d\n", #name, lengths[k], i);                               \
                    break;                                                                                             \
                }                                                                                                      \
            for (int i = 0; i < MOST; i++) x[i] == x[i] ? mix_bytes(&x[i], sizeof(R)) : mix(1);                        \
        }                                                                                                              \
    }
#define SUM(name, T, R, start, body)                                                                                   \
    NOINLINE static R fast_##name(const T *a, const T *b, int n) {                                                     \
        R r = start;                                                                                                   \
        (void)b;                                                                                                       \
        for (int i = 0; i < n; i++) body;                                                                              \
        return r;                                                                                                      \
    }                                                                                                                  \
    SCALAR static R slow_##name(const T *a, const T *b, int n) {                                                       \
        R r = start;                                                                                                   \
        (void)b;                                                                                                       \
        for (int i = 0; i < n; i++) body;                                                                              \
        return r;                                                                                                      \
    }                                                                                                                  \
    static void test_##name(void) {                                                                                    \
        static T a[MOST + 8], b[MOST + 8];                                                                             \
        FILL(T, a) FILL(T, b)                                                                                          \
        for (int k = 0; k < COUNT(lengths); k++) {                                                                     \
            R x = fast_##name(a + k % 3, b + k % 2, lengths[k]), y = slow_##name(a + k % 3, b + k % 2, lengths[k]);    \
            if (memcmp(&x, &y, sizeof x)) printf("failed: %s, length %d\n", #name, lengths[k]);                        \
            mix_bytes(&x, sizeof x);                                                                                   \
        }                                                                                                              \
    }

#define INTEGERS(X)                                                                                                    \
    X(s8, int8_t, uint8_t, int16_t, 8) X(u8, uint8_t, uint8_t, uint16_t, 8) X(s16, int16_t, uint16_t, int32_t, 16)     \
    X(u16, uint16_t, uint16_t, uint32_t, 16) X(s32, int32_t, uint32_t, int64_t, 32) X(u32, uint32_t, uint32_t, uint64_t, 32)
#define WIDE(X) X(s64, int64_t, uint64_t, int64_t, 64) X(u64, uint64_t, uint64_t, uint64_t, 64)

#define SAME_WIDTH(n, T, U, W, bits)                                                                                   \
    LOOP(add_##n, T, T, (U)a[i] + (U)b[i]) LOOP(sub_##n, T, T, (U)a[i] - (U)b[i])                                      \
    LOOP(mul_##n, T, T, (U)((uint64_t)a[i] * (uint64_t)b[i]))                                                          \
    LOOP(mla_##n, T, T, (U)((uint64_t)a[i] * (uint64_t)b[i] + (uint64_t)c[i])) LOOP(neg_##n, T, T, -(uint64_t)a[i])    \
    LOOP(logic_##n, T, T, (a[i] & b[i]) ^ (c[i] | ~a[i])) LOOP(bsl_##n, T, T, (a[i] & b[i]) | (~a[i] & c[i]))          \
    LOOP(min_##n, T, T, a[i] < b[i] ? a[i] : b[i]) LOOP(max_##n, T, T, a[i] > b[i] ? a[i] : b[i])                      \
    LOOP(less_##n, T, T, a[i] < b[i] ? c[i] : 5) LOOP(equal_##n, T, T, a[i] == b[i] ? c[i] : a[i])                     \
    LOOP(shl_##n, T, T, (U)a[i] << 3) LOOP(shr_##n, T, T, a[i] >> 5)                                                   \
    LOOP(shift_##n, T, T, (U)a[i] << ((U)b[i] % bits)) LOOP(shiftr_##n, T, T, a[i] >> ((U)b[i] % bits))                \
    LOOP(back_##n, T, T, a[n_ - 1 - i]) LOOP(pairs_##n, T, T, (U)a[i / 2 * 2] + (U)b[i / 2])                           \
    SUM(sum_##n, T, U, 0, r = (U)(r + (U)a[i])) SUM(dot_##n, T, U, 1, r = (U)(r + (uint64_t)a[i] * (uint64_t)b[i]))    \
    SUM(least_##n, T, T, 7, r = a[i] < r ? a[i] : r) SUM(most_##n, T, T, 3, r = a[i] > r ? a[i] : r)                   \
    SUM(xor_##n, T, T, 0, r = (T)(r ^ a[i])) SUM(or_##n, T, T, 0, r = (T)(r | (a[i] & b[i])))
#define NARROW_AND_WIDE(n, T, U, W, bits)                                                                              \
    LOOP(widen_##n, T, W, (W)a[i] + (W)b[i]) LOOP(wmul_##n, T, W, (W)a[i] * (W)b[i])                                   \
    LOOP(halve_##n, T, T, ((W)a[i] + (W)b[i]) >> 1) LOOP(rhalve_##n, T, T, ((W)a[i] + (W)b[i] + 1) >> 1)               \
    LOOP(distance_##n, T, T, a[i] > b[i] ? (U)a[i] - (U)b[i] : (U)b[i] - (U)a[i])                                      \
    LOOP(high_##n, T, T, (W)a[i] * (W)b[i] >> bits) LOOP(narrow_##n, W, T, a[i] >> 3)                                  \
    LOOP(clamp_##n, W, T, a[i] < 0 ? 0 : a[i] > 100 ? 100 : a[i]) LOOP(float_##n, T, float, a[i])                      \
    SUM(wsum_##n, T, W, 0, r = (W)(r + a[i])) SUM(wdot_##n, T, uint64_t, 0, r += (uint64_t)((int64_t)a[i] * (int64_t)b[i])) \
    SUM(sad_##n, T, uint64_t, 0, r += (uint64_t)(a[i] > b[i] ? (W)a[i] - (W)b[i] : (W)b[i] - (W)a[i]))
#define n_ n
INTEGERS(SAME_WIDTH) WIDE(SAME_WIDTH)
INTEGERS(NARROW_AND_WIDE)

#define FLOATS(X) X(f32, float, int32_t, uint32_t, sqrtf, fabsf, floorf, ceilf, truncf, copysignf) X(f64, double, int64_t, uint64_t, sqrt, fabs, floor, ceil, trunc, copysign)
#define REAL(n, T, I, U, root, absolute, down, up, whole, signed_as)                                                   \
    LOOP(add_##n, T, T, a[i] + b[i]) LOOP(mul_##n, T, T, a[i] * b[i] - c[i]) LOOP(div_##n, T, T, a[i] / (b[i] + (T)0.5)) \
    LOOP(root_##n, T, T, root(absolute(a[i]))) LOOP(neg_##n, T, T, -a[i]) LOOP(floor_##n, T, T, down(a[i] / 8) + up(b[i] / 8)) \
    LOOP(trunc_##n, T, T, whole(a[i] / 16)) LOOP(sign_##n, T, T, signed_as(a[i], b[i])) LOOP(pick_##n, T, T, a[i] < b[i] ? a[i] : c[i]) \
    LOOP(greater_##n, T, I, a[i] >= b[i]) LOOP(toint_##n, T, I, whole(a[i] / 1e10f)) LOOP(fromint_##n, I, T, a[i])      \
    LOOP(fromuint_##n, U, T, a[i]) LOOP(interleave_##n, T, T, a[i] * 3 + (i % 2 ? b[i] : -b[i]))
FLOATS(REAL)
LOOP(narrow_f64, double, float, a[i]) LOOP(widen_f32, float, double, a[i]) LOOP(short_f32, float, int16_t, a[i] / 1e16f)

#define RUN_SAME(n, ...)                                                                                               \
    test_add_##n(), test_sub_##n(), test_mul_##n(), test_mla_##n(), test_neg_##n(), test_logic_##n(), test_bsl_##n();  \
    test_min_##n(), test_max_##n(), test_less_##n(), test_equal_##n(), test_shl_##n(), test_shr_##n(), test_shift_##n(); \
    test_shiftr_##n(), test_back_##n(), test_pairs_##n(), test_sum_##n(), test_dot_##n(), test_least_##n(), test_most_##n(); \
    test_xor_##n(), test_or_##n(), section("loops " #n);
#define RUN_WIDE(n, ...)                                                                                               \
    test_widen_##n(), test_wmul_##n(), test_halve_##n(), test_rhalve_##n(), test_distance_##n(), test_high_##n();      \
    test_narrow_##n(), test_clamp_##n(), test_float_##n(), test_wsum_##n(), test_wdot_##n(), test_sad_##n(), section("widths " #n);
#define RUN_REAL(n, ...)                                                                                               \
    test_add_##n(), test_mul_##n(), test_div_##n(), test_root_##n(), test_neg_##n(), test_floor_##n(), test_trunc_##n(); \
    test_sign_##n(), test_pick_##n(), test_greater_##n(), test_toint_##n(), test_fromint_##n(), test_fromuint_##n();   \
    test_interleave_##n(), section("loops " #n);

// Structures: loads and stores that take elements apart.
#define STRUCTS(T, name)                                                                                               \
    struct name##3 { T x, y, z; };                                                                                     \
    struct name##4 { T r, g, b, a; };                                                                                  \
    NOINLINE static void turn_##name(struct name##3 *p, struct name##4 *q, int n) {                                    \
        for (int i = 0; i < n; i++) {                                                                                  \
            T x = p[i].x;                                                                                              \
            p[i].x = (T)(p[i].y + q[i].a), p[i].y = (T)(p[i].z - x), p[i].z = x;                                       \
            q[i] = (struct name##4){q[i].a, (T)(q[i].r * 2), q[i].g, (T)(q[i].b + x)};                                 \
        }                                                                                                              \
    }                                                                                                                  \
    static void structs_##name(void) {                                                                                 \
        struct name##3 p[70];                                                                                          \
        struct name##4 q[70];                                                                                          \
        for (int i = 0; i < 70; i++) {                                                                                 \
            p[i] = (struct name##3){(T)(i + 1), (T)(i * 3), (T)(100 - i)};                                             \
            q[i] = (struct name##4){(T)i, (T)(i ^ 5), (T)(i * i), (T)(9 - i)};                                         \
        }                                                                                                              \
        for (int k = 0; k < COUNT(lengths); k++) turn_##name(p, q, lengths[k] % 70);                                   \
        mix_bytes(p, sizeof p), mix_bytes(q, sizeof q);                                                                \
    }
STRUCTS(uint8_t, u8) STRUCTS(int16_t, s16) STRUCTS(uint32_t, u32) STRUCTS(uint64_t, u64) STRUCTS(float, f32) STRUCTS(double, f64)

int main(void) {
    INTEGERS(RUN_SAME) WIDE(RUN_SAME)
    INTEGERS(RUN_WIDE)
    FLOATS(RUN_REAL)
    test_narrow_f64(), test_widen_f32(), test_short_f32(), section("float widths");
    structs_u8(), structs_s16(), structs_u32(), structs_u64(), structs_f32(), structs_f64(), section("structs");
}
