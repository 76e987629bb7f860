// The IR's floating-point operations on vectors: host instructions for the ordinary case, element by element, and the scalar
// functions for the rest. Generated code does the ordinary case itself and calls here otherwise.
//
// What is not ordinary: an FPCR that is not zero; results that are NaNs (the host chooses and signs them differently); and
// products, quotients and narrowings that are exactly the smallest normal number, where the host and Arm may disagree about
// underflow (before or after rounding). Sums that small are exact.
#include "nt_crypto.h"
#include "nt_fp.h"
#include <math.h>
#include <string.h>
#include <xmmintrin.h>
#include <emmintrin.h>

// Nothing may be computed earlier, twice or for nothing: MXCSR collects the guest's flags.
#pragma STDC FENV_ACCESS ON

typedef union elements {
    nt_vec v;
    uint64_t d[2];
    uint32_t s[4];
    uint16_t h[8];
} elements;

static inline uint64_t element(const elements *e, uint32_t n, uint32_t lane) {
    return lane == 3 ? e->d[n] : lane == 2 ? e->s[n] : e->h[n];
}
static inline void set_element(elements *e, uint32_t n, uint32_t lane, uint64_t value) {
    if (lane == 3) e->d[n] = value;
    else if (lane == 2) e->s[n] = (uint32_t)value;
    else e->h[n] = (uint16_t)value;
}

// Quiet: no flag for NaNs that do not signal.
#define IS_NAN(x) __builtin_isunordered(x, x)
#define IS_DUBIOUS(x, smallest) (!__builtin_islessgreater(fabs(x), smallest))

#define ORDINARY(T, U, suffix, SMALLEST, SIGN, SQRT, FMA)                                                              \
    static inline T from_##suffix(uint64_t bits) { U u = (U)bits; T t; memcpy(&t, &u, sizeof t); return t; }           \
    static inline U to_##suffix(T value) { U u; memcpy(&u, &value, sizeof u); return u; }                              \
    /* Returns 0 when the scalar function must decide. */                                                             \
    static inline int binary_##suffix(U a, U b, uint32_t op, U *result) {                                              \
        T x = from_##suffix(a), y = from_##suffix(b), r;                                                               \
        switch (op) {                                                                                                  \
        case NT_FP_ADD: r = x + y; if (IS_NAN(r)) return 0; break;                                                     \
        case NT_FP_SUB: r = x - y; if (IS_NAN(r)) return 0; break;                                                     \
        case NT_FP_MUL: r = x * y; if (IS_DUBIOUS(r, SMALLEST)) return 0; break;                      \
        case NT_FP_NMUL: r = x * y; if (IS_DUBIOUS(r, SMALLEST)) return 0; r = -r; break;                              \
        case NT_FP_DIV: r = x / y; if (IS_DUBIOUS(r, SMALLEST)) return 0; break;                                       \
        case NT_FP_ABD: r = x - y; if (IS_NAN(r)) return 0; *result = to_##suffix(r) & ~SIGN; return 1;                \
        default:                                                                                                       \
            if (__builtin_isunordered(x, y)) return 0;                                                                 \
            switch (op) {                                                                                              \
            case NT_FP_MAX: case NT_FP_MAXNM: *result = x > y ? a : y > x ? b : a & b; return 1;                       \
            case NT_FP_MIN: case NT_FP_MINNM: *result = x < y ? a : y < x ? b : a | b; return 1;                       \
            case NT_FP_CMEQ: *result = x == y ? ~(U)0 : 0; return 1;                                                   \
            case NT_FP_CMGE: *result = x >= y ? ~(U)0 : 0; return 1;                                                   \
            case NT_FP_CMGT: *result = x > y ? ~(U)0 : 0; return 1;                                                    \
            default: return 0;                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
        *result = to_##suffix(r);                                                                                      \
        return 1;                                                                                                      \
    }                                                                                                                  \
    static inline int fma_##suffix(U addend, U a, U b, U *result) {                                                    \
        T r = FMA(from_##suffix(a), from_##suffix(b), from_##suffix(addend));                                          \
        *result = to_##suffix(r);                                                                                      \
        return !IS_DUBIOUS(r, SMALLEST);                                                                               \
    }                                                                                                                  \
    static inline int square_root_##suffix(U a, U *result) {                                                           \
        T r = SQRT(from_##suffix(a));                                                                                  \
        *result = to_##suffix(r);                                                                                      \
        return !IS_NAN(r);                                                                                             \
    }                                                                                                                  \
    /* Toward zero, and inside of the range where the host's conversions agree. */                                     \
    static inline int to_int_##suffix(U a, uint32_t mode, uint64_t *result) {                                          \
        T x = from_##suffix(a), limit = mode & NT_FP_64BIT ? 0x1p63f : 0x1p31f;                                        \
        if ((mode & ~(uint32_t)(NT_FP_UNSIGNED | NT_FP_64BIT)) != NT_FP_ROUND_ZERO) return 0;                          \
        T low = mode & NT_FP_UNSIGNED ? 0 : -limit;                                                                    \
        if (!__builtin_isless(x, limit) || !__builtin_isgreaterequal(x, low)) return 0;                                \
        *result = mode & NT_FP_64BIT ? (uint64_t)(int64_t)x : (uint32_t)(int32_t)x;                                    \
        return 1;                                                                                                      \
    }                                                                                                                  \
    static inline int from_int_##suffix(uint64_t a, uint32_t mode, U *result) {                                        \
        if (mode >> 8 || ((mode & NT_FP_UNSIGNED) && (mode & NT_FP_64BIT) && a >> 63)) return 0;                       \
        int64_t wide = mode & NT_FP_64BIT ? (int64_t)a : mode & NT_FP_UNSIGNED ? (int64_t)(uint32_t)a : (int32_t)a;    \
        *result = to_##suffix((T)wide);                                                                                \
        return 1;                                                                                                      \
    }                                                                                                                  \
    static inline int compare_##suffix(U a, U b, uint64_t *nzcv) {                                                     \
        T x = from_##suffix(a), y = from_##suffix(b);                                                                  \
        if (__builtin_isunordered(x, y)) return 0;                                                                     \
        *nzcv = x == y ? 6u << 28 : x < y ? 8u << 28 : 2u << 28;                                                       \
        return 1;                                                                                                      \
    }
static inline float root_s(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
static inline double root_d(double x) { return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(x), _mm_set_sd(x))); }
ORDINARY(float, uint32_t, s, 0x1p-126f, 0x80000000u, root_s, fmaf)
ORDINARY(double, uint64_t, d, 0x1p-1022, 0x8000000000000000ull, root_d, fma)

#define LANE (shape & 0xff)
#define FOR_EACH for (uint32_t n = 0, lane = LANE, count = shape >> 8; n < count; n++)

static inline uint64_t one_binary(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t op, uint32_t lane) {
    if (cpu->fpcr == 0 && lane != 1) {
        uint64_t wide;
        uint32_t narrow;
        if (lane == 3 ? binary_d(a, b, op, &wide) : (binary_s((uint32_t)a, (uint32_t)b, op, &narrow) && (wide = narrow, 1))) return wide;
    }
    return nt_fp_scalar_binary(cpu, a, b, op, lane);
}

nt_vec nt_fp_binary(nt_cpu *cpu, nt_vec a, nt_vec b, uint32_t op, uint32_t shape) {
    elements x = {a}, y = {b}, r = {{0, 0}};
    FOR_EACH set_element(&r, n, lane, one_binary(cpu, element(&x, n, lane), element(&y, n, lane), op, lane));
    return r.v;
}

nt_vec nt_fp_unary(nt_cpu *cpu, nt_vec a, uint32_t op, uint32_t mode, uint32_t shape) {
    elements x = {a}, r = {{0, 0}};
    FOR_EACH {
        uint64_t bits = element(&x, n, lane), wide;
        uint32_t narrow;
        if (op == NT_FP_SQRT && cpu->fpcr == 0) {
            if (lane == 3 && square_root_d(bits, &wide)) { r.d[n] = wide; continue; }
            if (lane == 2 && square_root_s((uint32_t)bits, &narrow)) { r.s[n] = narrow; continue; }
        }
        set_element(&r, n, lane, nt_fp_scalar_unary(cpu, bits, op, mode, lane));
    }
    return r.v;
}

nt_vec nt_fp_fma(nt_cpu *cpu, nt_vec addend, nt_vec a, nt_vec b, uint32_t shape) {
    elements z = {addend}, x = {a}, y = {b}, r = {{0, 0}};
    // Without the instruction, the library's routine changes the host's modes on its way.
    int plain = cpu->fpcr == 0 && (nt_host_instructions() & NT_HOST_FMA);
    FOR_EACH {
        if (plain && lane == 3 && fma_d(z.d[n], x.d[n], y.d[n], &r.d[n])) continue;
        if (plain && lane == 2 && fma_s(z.s[n], x.s[n], y.s[n], &r.s[n])) continue;
        set_element(&r, n, lane, nt_fp_scalar_fma(cpu, element(&z, n, lane), element(&x, n, lane), element(&y, n, lane), lane));
    }
    return r.v;
}

nt_vec nt_fp_convert(nt_cpu *cpu, nt_vec a, uint32_t to, uint32_t shape) {
    elements x = {a}, r = {{0, 0}};
    uint32_t size = to & 0xff;
    FOR_EACH {
        uint64_t bits = element(&x, n, lane);
        if (cpu->fpcr == 0 && lane + size == 5 && lane != 1 && to >> 8 == 0) {
            if (lane == 2) {
                double wide = from_s(bits);
                if (!IS_NAN(wide)) { r.d[n] = to_d(wide); continue; }
            } else {
                float narrow = (float)from_d(bits);
                if (!IS_DUBIOUS(narrow, 0x1p-126f)) { r.s[n] = to_s(narrow); continue; }
            }
        }
        set_element(&r, n, size, nt_fp_scalar_convert(cpu, bits, lane, size, to >> 8));
    }
    return r.v;
}

static inline uint64_t one_to_int(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    uint64_t result;
    if (cpu->fpcr == 0 && lane != 1 && (lane == 3 ? to_int_d(a, mode, &result) : to_int_s((uint32_t)a, mode, &result))) return result;
    return nt_fp_scalar_to_int(cpu, a, mode, lane);
}
static inline uint64_t one_from_int(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    uint64_t wide;
    uint32_t narrow;
    if (cpu->fpcr == 0 && lane == 3 && from_int_d(a, mode, &wide)) return wide;
    if (cpu->fpcr == 0 && lane == 2 && from_int_s(a, mode, &narrow)) return narrow;
    return nt_fp_scalar_from_int(cpu, a, mode, lane);
}

nt_vec nt_fp_to_int(nt_cpu *cpu, nt_vec a, uint32_t mode, uint32_t shape) {
    elements x = {a}, r = {{0, 0}};
    FOR_EACH set_element(&r, n, lane, one_to_int(cpu, element(&x, n, lane), mode, lane));
    return r.v;
}
nt_vec nt_fp_from_int(nt_cpu *cpu, nt_vec a, uint32_t mode, uint32_t shape) {
    elements x = {a}, r = {{0, 0}};
    FOR_EACH set_element(&r, n, lane, one_from_int(cpu, element(&x, n, lane), mode, lane));
    return r.v;
}
uint64_t nt_fp_to_general(nt_cpu *cpu, nt_vec a, uint32_t mode, uint32_t lane) {
    elements x = {a};
    return one_to_int(cpu, element(&x, 0, lane), mode, lane);
}
nt_vec nt_fp_from_general(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    return (nt_vec){one_from_int(cpu, a, mode, lane), 0};
}

uint64_t nt_fp_compare(nt_cpu *cpu, nt_vec a, nt_vec b, uint32_t signals, uint32_t lane) {
    elements x = {a}, y = {b};
    uint64_t nzcv;
    if (cpu->fpcr == 0 && lane != 1 && (lane == 3 ? compare_d(x.d[0], y.d[0], &nzcv) : compare_s(x.s[0], y.s[0], &nzcv))) return nzcv;
    return nt_fp_scalar_compare(cpu, element(&x, 0, lane), element(&y, 0, lane), signals, lane);
}

nt_fp_functions nt_fp_function_addresses(void) {
    return (nt_fp_functions){(void *)nt_fp_binary, (void *)nt_fp_unary, (void *)nt_fp_fma, (void *)nt_fp_convert, (void *)nt_fp_to_int,
                             (void *)nt_fp_from_int, (void *)nt_fp_to_general, (void *)nt_fp_from_general, (void *)nt_fp_compare,
                             (void *)nt_fp_collect};
}

// MXCSR: invalid 1, denormal 2 (of no meaning on Arm), zero divide 4, overflow 8, underflow 16, inexact 32.
void nt_fp_collect(nt_cpu *cpu) {
    uint32_t mxcsr = _mm_getcsr();
    if ((mxcsr & 0x3f) == 0) return;
    cpu->fpsr |= (mxcsr & 1) | (mxcsr >> 1 & 0x1e);
    _mm_setcsr(mxcsr & ~0x3fu);
}

uint64_t nt_helper_fpsr_read(nt_cpu *cpu) {
    nt_fp_collect(cpu);
    return cpu->fpsr;
}
void nt_helper_fpsr_write(nt_cpu *cpu, uint64_t value) {
    nt_fp_collect(cpu);
    cpu->fpsr = value;
}
