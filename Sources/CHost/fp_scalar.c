// Scalar floating point with Arm's rules on the host's unit: NaN propagation and default NaN, saturating conversions, FPCR's
// rounding mode, FZ and DN, and FPSR's cumulative flags. Arm ARM, shared pseudocode of the same names (FPProcessNaNs, FPMax, ...).
//
// Each operation runs between a load and a read of MXCSR, so flags are exact per operation. MXCSR's own flags are guest state
// (nt_fp.h): what enters here restores it. Speed lies elsewhere (fp_vector.c and generated code); this is for every FPCR, NaNs
// and other rarities.
#include "nt_fp.h"
#include <math.h>
#include <string.h>
#include <xmmintrin.h>

enum { FPCR_FZ = 1 << 24, FPCR_DN = 1 << 25, FPCR_AHP = 1 << 26, FPSR_IOC = 1, FPSR_DZC = 2, FPSR_OFC = 4, FPSR_UFC = 8, FPSR_IXC = 16, FPSR_IDC = 128 };

static inline void set_mxcsr(uint32_t value) { __asm__ volatile("ldmxcsr %0" ::"m"(value) : "memory"); }
static inline uint32_t get_mxcsr(void) {
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value)::"memory");
    return value;
}

// RMode 0 nearest, 1 up, 2 down, 3 zero; MXCSR.RC 0 nearest, 1 down, 2 up, 3 zero.
static inline void begin(const nt_cpu *cpu) {
    static const uint16_t rounding[4] = {0x0000, 0x4000, 0x2000, 0x6000};
    set_mxcsr(0x1f80 | rounding[cpu->fpcr >> 22 & 3]);
}
enum { RAISED_UNDERFLOW = 16, RAISED_INEXACT = 32 };
static inline uint32_t end(void) {
    uint32_t raised = get_mxcsr();
    set_mxcsr(0x1f80);
    return raised;
}
static inline void note(nt_cpu *cpu, uint32_t raised) {
    // Invalid, zero divide, overflow, underflow, precision; the host's denormal flag has no meaning on Arm.
    cpu->fpsr |= (raised & 1) | (raised >> 2 & 1) << 1 | (raised >> 3 & 1) << 2 | (raised >> 4 & 1) << 3 | (raised >> 5 & 1) << 4;
}

// The host finds results tiny after rounding, Arm before: they differ when a tiny value rounds up to the smallest normal number,
// and then rounding toward zero shows what it was.
#define EVALUATE(T, suffix, expression)                                                                                \
    begin(cpu);                                                                                                        \
    volatile T vr = (expression);                                                                                      \
    uint32_t raised = end();                                                                                           \
    if ((raised & (RAISED_UNDERFLOW | RAISED_INEXACT)) == RAISED_INEXACT && is_smallest_normal_##suffix(vr)) {         \
        set_mxcsr(0x1f80 | 0x6000);                                                                                    \
        volatile T toward_zero = (expression);                                                                         \
        (void)end();                                                                                                   \
        if (!is_smallest_normal_##suffix(toward_zero)) raised |= RAISED_UNDERFLOW;                                     \
    }

#define FORMAT(T, U, suffix, EXP_MASK, QUIET, SIGN, FRACTION)                                                          \
    static inline T from_##suffix(uint64_t bits) { U u = (U)bits; T t; memcpy(&t, &u, sizeof t); return t; }           \
    static inline uint64_t to_##suffix(T value) { U u; memcpy(&u, &value, sizeof u); return u; }                       \
    static inline int is_nan_##suffix(U x) { return (x & ~SIGN) > EXP_MASK; }                                          \
    static inline int is_snan_##suffix(U x) { return is_nan_##suffix(x) && !(x & QUIET); }                             \
    static inline int is_denormal_##suffix(U x) { return !(x & EXP_MASK) && (x & FRACTION); }                          \
    static inline U default_nan_##suffix(void) { return EXP_MASK | QUIET; }                                            \
    /* FZ: a denormal operand is zero, and that is noted. */                                                          \
    static inline U operand_##suffix(nt_cpu *cpu, uint64_t bits) {                                                     \
        U x = (U)bits;                                                                                                 \
        if ((cpu->fpcr & FPCR_FZ) && is_denormal_##suffix(x)) {                                                        \
            cpu->fpsr |= FPSR_IDC;                                                                                     \
            x &= SIGN;                                                                                                 \
        }                                                                                                              \
        return x;                                                                                                      \
    }                                                                                                                  \
    static inline U process_nan_##suffix(nt_cpu *cpu, U x) {                                                           \
        if (is_snan_##suffix(x)) cpu->fpsr |= FPSR_IOC;                                                                \
        return cpu->fpcr & FPCR_DN ? default_nan_##suffix() : x | QUIET;                                               \
    }                                                                                                                  \
    /* FPProcessNaNs3: signalling ones first, in operand order. */                                                     \
    static inline int process_nans_##suffix(nt_cpu *cpu, U a, U b, U c, U *result) {                                   \
        U chosen = is_snan_##suffix(a)   ? a                                                                           \
                   : is_snan_##suffix(b) ? b                                                                           \
                   : is_snan_##suffix(c) ? c                                                                           \
                   : is_nan_##suffix(a)  ? a                                                                           \
                   : is_nan_##suffix(b)  ? b                                                                           \
                                         : c;                                                                          \
        if (!is_nan_##suffix(chosen)) return 0;                                                                        \
        *result = process_nan_##suffix(cpu, chosen);                                                                   \
        return 1;                                                                                                      \
    }                                                                                                                  \
    static inline int is_smallest_normal_##suffix(T value) {                                                           \
        return ((U)to_##suffix(value) & ~SIGN) == (FRACTION) + 1;                                                      \
    }                                                                                                                  \
    /* A result made by the host: its default NaN is negative, Arm's positive. FZ flushes tiny results, and then they are \
       not inexact. */                                                                                                 \
    static inline U finish_##suffix(nt_cpu *cpu, U r, uint32_t raised) {                                               \
        if ((cpu->fpcr & FPCR_FZ) && ((raised & RAISED_UNDERFLOW) || is_denormal_##suffix(r))) {                       \
            note(cpu, (raised & ~(uint32_t)RAISED_INEXACT) | RAISED_UNDERFLOW);                                        \
            return r & SIGN;                                                                                           \
        }                                                                                                              \
        note(cpu, raised);                                                                                             \
        return is_nan_##suffix(r) ? default_nan_##suffix() : r;                                                        \
    }
FORMAT(float, uint32_t, s, 0x7f800000u, 0x00400000u, 0x80000000u, 0x007fffffu)
FORMAT(double, uint64_t, d, 0x7ff0000000000000ull, 0x0008000000000000ull, 0x8000000000000000ull, 0x000fffffffffffffull)

#define ARITHMETIC(T, U, suffix, SIGN, sqrt_, fma_)                                                                    \
    /* FPCompareEQ, GE, GT on values or magnitudes. */                                                                 \
    static U mask_##suffix(nt_cpu *cpu, U a, U b, uint32_t op) {                                                       \
        if (is_nan_##suffix(a) || is_nan_##suffix(b)) {                                                                \
            if (op != NT_FP_CMEQ || is_snan_##suffix(a) || is_snan_##suffix(b)) cpu->fpsr |= FPSR_IOC;                 \
            return 0;                                                                                                  \
        }                                                                                                              \
        if (op >= NT_FP_ACGE) a &= ~SIGN, b &= ~SIGN;                                                                  \
        T x = from_##suffix(a), y = from_##suffix(b);                                                                  \
        int holds = op == NT_FP_CMEQ ? x == y : op == NT_FP_CMGE || op == NT_FP_ACGE ? x >= y : x > y;                 \
        return holds ? ~(U)0 : 0;                                                                                      \
    }                                                                                                                  \
    /* FPRecipStepFused 2 + x*y, FPRSqrtStepFused (3 + x*y) / 2 with one rounding; x has its sign changed already. */  \
    static U step_##suffix(nt_cpu *cpu, T x, T y, uint32_t op) {                                                       \
        volatile T vx = x, vy = y, constant = op == NT_FP_RECPS ? 2 : (T)1.5, half = 1;                                \
        if (op == NT_FP_RSQRTS) {                                                                                      \
            /* Halving a large factor is exact; with two small ones the sum is, and cannot overflow. */                \
            if (fabs(x) >= 1) vx = x / 2;                                                                              \
            else if (fabs(y) >= 1) vy = y / 2;                                                                         \
            else constant = 3, half = (T)0.5;                                                                          \
        }                                                                                                              \
        EVALUATE(T, suffix, fma_(vx, vy, constant) * half)                                                             \
        return finish_##suffix(cpu, (U)to_##suffix(vr), raised);                                                       \
    }                                                                                                                  \
    static U binary_##suffix(nt_cpu *cpu, uint64_t first, uint64_t second, uint32_t op) {                              \
        U a = operand_##suffix(cpu, first), b = operand_##suffix(cpu, second), r;                                      \
        if (op == NT_FP_MAXNM || op == NT_FP_MINNM) {                                                                  \
            int qa = is_nan_##suffix(a) && !is_snan_##suffix(a), qb = is_nan_##suffix(b) && !is_snan_##suffix(b);      \
            if (qa && !is_nan_##suffix(b)) return b;                                                                   \
            if (qb && !is_nan_##suffix(a)) return a;                                                                   \
        }                                                                                                              \
        if (op >= NT_FP_CMEQ) return mask_##suffix(cpu, a, b, op);                                                     \
        if (op == NT_FP_RECPS || op == NT_FP_RSQRTS) a ^= SIGN;                                                        \
        if (process_nans_##suffix(cpu, a, b, b, &r))                                                                   \
            return op == NT_FP_NMUL ? r ^ SIGN : op == NT_FP_ABD ? r & ~SIGN : r;                                      \
        T x = from_##suffix(a), y = from_##suffix(b);                                                                  \
        int infinite_zero = (isinf(x) && y == 0) || (isinf(y) && x == 0);                                              \
        switch (op) {                                                                                                  \
        case NT_FP_MULX:                                                                                               \
            if (infinite_zero) return (U)to_##suffix(2) | ((a ^ b) & SIGN);                                            \
            break;                                                                                                     \
        case NT_FP_RECPS: case NT_FP_RSQRTS:                                                                           \
            if (infinite_zero) return (U)to_##suffix(op == NT_FP_RECPS ? 2 : (T)1.5);                                  \
            return step_##suffix(cpu, x, y, op);                                                                       \
        case NT_FP_MAX: case NT_FP_MAXNM:                                                                              \
            return x > y ? a : y > x ? b : a & b;                                                                      \
        case NT_FP_MIN: case NT_FP_MINNM:                                                                              \
            return x < y ? a : y < x ? b : a | b;                                                                      \
        default: break;                                                                                                \
        }                                                                                                              \
        volatile T vx = x, vy = y;                                                                                     \
        EVALUATE(T, suffix, op == NT_FP_ADD                        ? vx + vy                                            \
                            : op == NT_FP_SUB || op == NT_FP_ABD ? vx - vy                                             \
                            : op == NT_FP_DIV                    ? vx / vy                                             \
                                                                 : vx * vy)                                            \
        r = finish_##suffix(cpu, (U)to_##suffix(vr), raised);                                                          \
        if (op == NT_FP_ABD) return r & ~SIGN;                                                                         \
        return op == NT_FP_NMUL ? r ^ SIGN : r;                                                                        \
    }                                                                                                                  \
    static U square_root_##suffix(nt_cpu *cpu, uint64_t operand) {                                                     \
        U a = operand_##suffix(cpu, operand), r;                                                                       \
        if (process_nans_##suffix(cpu, a, a, a, &r)) return r;                                                         \
        volatile T x = from_##suffix(a);                                                                               \
        EVALUATE(T, suffix, sqrt_(x))                                                                                  \
        return finish_##suffix(cpu, (U)to_##suffix(vr), raised);                                                       \
    }                                                                                                                  \
    static U multiply_add_##suffix(nt_cpu *cpu, uint64_t addend, uint64_t first, uint64_t second) {                    \
        U c = operand_##suffix(cpu, addend), a = operand_##suffix(cpu, first), b = operand_##suffix(cpu, second), r;   \
        T x = from_##suffix(a), y = from_##suffix(b);                                                                  \
        int invalid = (isinf(x) && y == 0) || (isinf(y) && x == 0);                                                    \
        if (process_nans_##suffix(cpu, c, a, b, &r)) {                                                                 \
            if (is_nan_##suffix(c) && !is_snan_##suffix(c) && invalid) {                                               \
                cpu->fpsr |= FPSR_IOC;                                                                                 \
                return default_nan_##suffix();                                                                         \
            }                                                                                                          \
            return r;                                                                                                  \
        }                                                                                                              \
        volatile T vx = x, vy = y, vz = from_##suffix(c);                                                              \
        EVALUATE(T, suffix, fma_(vx, vy, vz))                                                                          \
        return finish_##suffix(cpu, (U)to_##suffix(vr), raised);                                                       \
    }                                                                                                                  \
    static uint64_t compare_##suffix(nt_cpu *cpu, uint64_t first, uint64_t second, int signals) {                      \
        U a = operand_##suffix(cpu, first), b = operand_##suffix(cpu, second);                                         \
        if (is_nan_##suffix(a) || is_nan_##suffix(b)) {                                                                \
            if (signals || is_snan_##suffix(a) || is_snan_##suffix(b)) cpu->fpsr |= FPSR_IOC;                          \
            return 3u << 28;                                                                                           \
        }                                                                                                              \
        T x = from_##suffix(a), y = from_##suffix(b);                                                                  \
        return x == y ? 6u << 28 : x < y ? 8u << 28 : 2u << 28;                                                        \
    }
ARITHMETIC(float, uint32_t, s, 0x80000000u, sqrtf, fmaf)
ARITHMETIC(double, uint64_t, d, 0x8000000000000000ull, sqrt, fma)

// The host's flags are kept while `body` runs.
#define GUARDED(type, body)                                                                                            \
    uint32_t kept = get_mxcsr();                                                                                       \
    type result = (body);                                                                                              \
    set_mxcsr(kept);                                                                                                   \
    return result

uint64_t nt_fp_scalar_binary(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t op, uint32_t lane) {
    GUARDED(uint64_t, lane == 3 ? binary_d(cpu, a, b, op) : binary_s(cpu, a, b, op));
}
uint64_t nt_fp_scalar_fma(nt_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b, uint32_t lane) {
    GUARDED(uint64_t, lane == 3 ? multiply_add_d(cpu, addend, a, b) : multiply_add_s(cpu, addend, a, b));
}
uint64_t nt_fp_scalar_compare(nt_cpu *cpu, uint64_t a, uint64_t b, uint32_t signals, uint32_t lane) {
    GUARDED(uint64_t, lane == 3 ? compare_d(cpu, a, b, signals) : compare_s(cpu, a, b, signals));
}

// Rounding to an integral value in a mode of enum nt_fp_rounding; exact for every double. Mode 7 is FPCR's.
static double round_integral(const nt_cpu *cpu, double x, uint32_t mode) {
    if (mode == NT_FP_ROUND_FPCR) {
        static const uint8_t modes[4] = {NT_FP_ROUND_TIES_EVEN, NT_FP_ROUND_UP, NT_FP_ROUND_DOWN, NT_FP_ROUND_ZERO};
        mode = modes[cpu->fpcr >> 22 & 3];
    }
    switch (mode) {
    case NT_FP_ROUND_UP: return ceil(x);
    case NT_FP_ROUND_DOWN: return floor(x);
    case NT_FP_ROUND_ZERO: return trunc(x);
    case NT_FP_ROUND_TIES_AWAY: return round(x);
    default: {
        // Ties to even without the host's rounding mode: |x| >= 2^52 is integral already.
        if (!(fabs(x) < 4503599627370496.0)) return x;
        double down = floor(x), difference = x - down;
        double r = difference < 0.5 ? down : difference > 0.5 ? down + 1 : fmod(down, 2) == 0 ? down : down + 1;
        return copysign(r, x);
    }
    }
}

// Half precision by integer arithmetic. FPCR.AHP chooses the format without infinities and NaNs.
static double half_value(uint16_t h, int alternative) {
    int exponent = h >> 10 & 31, fraction = h & 0x3ff;
    double magnitude = exponent == 31 && !alternative ? INFINITY : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return h >> 15 ? -magnitude : magnitude;
}
static uint16_t half_from(nt_cpu *cpu, double x) {
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    double magnitude = fabs(x);
    int alternative = (cpu->fpcr & FPCR_AHP) != 0;
    if (isinf(x)) {
        if (alternative) cpu->fpsr |= FPSR_IOC;
        return sign | (alternative ? 0x7fff : 0x7c00);
    }
    if (magnitude == 0) return sign;
    int exponent;
    frexp(magnitude, &exponent);
    int scale = exponent - 11 < -24 ? -24 : exponent - 11; // weight of the last bit
    uint32_t rounding = cpu->fpcr >> 22 & 3;
    // Up and down are by value; here the magnitude is rounded.
    uint32_t mode = rounding == 0 ? NT_FP_ROUND_TIES_EVEN : rounding == 3 ? NT_FP_ROUND_ZERO
                    : (rounding == 1) == (sign == 0) ? NT_FP_ROUND_UP : NT_FP_ROUND_DOWN;
    double units = ldexp(magnitude, -scale), rounded = round_integral(cpu, units, mode);
    int inexact = rounded != units;
    double value = ldexp(rounded, scale);
    if (alternative && value > 131008) {
        cpu->fpsr |= FPSR_IOC;
        return sign | 0x7fff;
    }
    if (inexact) cpu->fpsr |= FPSR_IXC;
    if (magnitude < 0x1p-14 && inexact) cpu->fpsr |= FPSR_UFC;
    if (!alternative && value > 65504) {
        cpu->fpsr |= FPSR_OFC | FPSR_IXC;
        return sign | (mode == NT_FP_ROUND_ZERO || mode == NT_FP_ROUND_DOWN ? 0x7bff : 0x7c00);
    }
    if (value < 0x1p-14) return sign | (uint16_t)ldexp(value, 24);
    frexp(value, &exponent);
    return sign | (uint16_t)((exponent + 14) << 10) | ((uint16_t)ldexp(value, 11 - exponent) & 0x3ff);
}

// Formats by log2 of their size in bytes.
static uint64_t convert(nt_cpu *cpu, uint64_t bits, uint32_t from, uint32_t to, int to_odd) {
    // FPConvertNaN: sign and the top of the payload are kept.
    uint64_t sign = 0, payload = 0; // payload: fraction left-aligned in 52 bits
    int nan = 0, signalling = 0;
    double x = 0;
    if (from == 1) {
        uint16_t h = (uint16_t)bits;
        int alternative = (cpu->fpcr & FPCR_AHP) != 0;
        nan = !alternative && (h & 0x7fff) > 0x7c00;
        signalling = nan && !(h & 0x200);
        sign = h >> 15;
        payload = (uint64_t)(h & 0x3ff) << 42;
        if (!nan) x = half_value(h, alternative);
    } else if (from == 2) {
        uint32_t s = operand_s(cpu, bits);
        nan = is_nan_s(s);
        signalling = is_snan_s(s);
        sign = s >> 31;
        payload = (uint64_t)(s & 0x7fffff) << 29;
        if (!nan) x = from_s(s);
    } else {
        uint64_t d = operand_d(cpu, bits);
        nan = is_nan_d(d);
        signalling = is_snan_d(d);
        sign = d >> 63;
        payload = d & 0xfffffffffffffull;
        if (!nan) x = from_d(d);
    }
    if (nan) {
        if (to == 1 && (cpu->fpcr & FPCR_AHP)) {
            cpu->fpsr |= FPSR_IOC;
            return sign << 15;
        }
        if (signalling) cpu->fpsr |= FPSR_IOC;
        if (cpu->fpcr & FPCR_DN) sign = 0, payload = 0;
        payload |= 1ull << 51;
        if (to == 1) return sign << 15 | 0x7c00 | payload >> 42;
        if (to == 2) return sign << 31 | 0x7f800000 | payload >> 29;
        return sign << 63 | 0x7ffull << 52 | payload;
    }
    if (to == 1) return half_from(cpu, x);
    if (to == 3) return to_d(x);
    if (to_odd) {
        // FPConvert with FPRounding_ODD: toward zero, then an inexact result gets its last bit set. It never overflows to infinity.
        volatile double vx = x;
        set_mxcsr(0x1f80 | 0x6000);
        volatile float vr = (float)vx;
        uint32_t raised = end(), bits = (uint32_t)to_s(vr);
        if (raised & RAISED_INEXACT) bits |= 1;
        return finish_s(cpu, bits, raised);
    }
    volatile double vx = x;
    EVALUATE(float, s, (float)vx)
    return finish_s(cpu, (uint32_t)to_s(vr), raised);
}

// RecipEstimate: a has 9 bits, 256...511; so has the result.
static uint32_t reciprocal_estimate(uint32_t a) { return ((1u << 19) / (a * 2 + 1) + 1) / 2; }
// RecipSqrtEstimate: a is 128...511.
static uint32_t square_root_estimate(uint32_t a) {
    a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    uint32_t b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28) b++;
    return (b + 1) / 2;
}

#define ESTIMATES(U, suffix, SIGN, FRACTION_BITS, EXPONENT_MASK, BIAS)                                                 \
    /* FPRecipEstimate. Fractions are left-aligned in 52 bits. */                                                      \
    static U reciprocal_estimate_##suffix(nt_cpu *cpu, uint64_t bits) {                                                \
        U x = operand_##suffix(cpu, bits), r, sign = x & SIGN, magnitude = x & (U)~SIGN;                               \
        U infinity = (U)EXPONENT_MASK << FRACTION_BITS;                                                                \
        if (process_nans_##suffix(cpu, x, x, x, &r)) return r;                                                         \
        if (magnitude == infinity) return sign;                                                                        \
        if (magnitude == 0) {                                                                                          \
            cpu->fpsr |= FPSR_DZC;                                                                                     \
            return sign | infinity;                                                                                    \
        }                                                                                                              \
        /* Below 2^-128 or 2^-1024 the reciprocal overflows. */                                                        \
        if (magnitude < (U)1 << (FRACTION_BITS - 2)) {                                                                 \
            uint32_t mode = cpu->fpcr >> 22 & 3;                                                                       \
            int to_infinity = mode == 0 || (mode == 1 && !sign) || (mode == 2 && sign);                                \
            cpu->fpsr |= FPSR_OFC | FPSR_IXC;                                                                          \
            return sign | (to_infinity ? infinity : infinity - 1);                                                     \
        }                                                                                                              \
        int exponent = (int)(magnitude >> FRACTION_BITS);                                                              \
        if ((cpu->fpcr & FPCR_FZ) && exponent >= 2 * BIAS - 1) {                                                       \
            cpu->fpsr |= FPSR_UFC;                                                                                     \
            return sign;                                                                                               \
        }                                                                                                              \
        uint64_t fraction = (uint64_t)magnitude << (52 - FRACTION_BITS) & ((1ull << 52) - 1);                          \
        if (exponent == 0) {                                                                                           \
            int shift = fraction >> 51 ? 1 : 2;                                                                        \
            exponent = 1 - shift;                                                                                      \
            fraction = fraction << shift & ((1ull << 52) - 1);                                                         \
        }                                                                                                              \
        uint32_t estimate = reciprocal_estimate(256 | (uint32_t)(fraction >> 44));                                     \
        int result = 2 * BIAS - 1 - exponent;                                                                          \
        fraction = (uint64_t)(estimate & 0xff) << 44;                                                                  \
        if (result <= 0) {                                                                                             \
            fraction = (fraction | 1ull << 52) >> (1 - result);                                                        \
            result = 0;                                                                                                \
        }                                                                                                              \
        return sign | (U)result << FRACTION_BITS | (U)(fraction >> (52 - FRACTION_BITS));                              \
    }                                                                                                                  \
    /* FPRSqrtEstimate. */                                                                                             \
    static U square_root_estimate_##suffix(nt_cpu *cpu, uint64_t bits) {                                               \
        U x = operand_##suffix(cpu, bits), r, sign = x & SIGN, magnitude = x & (U)~SIGN;                               \
        if (process_nans_##suffix(cpu, x, x, x, &r)) return r;                                                         \
        if (magnitude == 0) {                                                                                          \
            cpu->fpsr |= FPSR_DZC;                                                                                     \
            return sign | (U)EXPONENT_MASK << FRACTION_BITS;                                                           \
        }                                                                                                              \
        if (sign) {                                                                                                    \
            cpu->fpsr |= FPSR_IOC;                                                                                     \
            return default_nan_##suffix();                                                                             \
        }                                                                                                              \
        if (magnitude == (U)EXPONENT_MASK << FRACTION_BITS) return 0;                                                  \
        int exponent = (int)(magnitude >> FRACTION_BITS);                                                              \
        uint64_t fraction = (uint64_t)magnitude << (52 - FRACTION_BITS) & ((1ull << 52) - 1);                          \
        if (exponent == 0) {                                                                                           \
            while (!(fraction >> 51)) fraction <<= 1, exponent--;                                                      \
            fraction = fraction << 1 & ((1ull << 52) - 1);                                                             \
        }                                                                                                              \
        uint32_t scaled = exponent & 1 ? 128 | (uint32_t)(fraction >> 45) : 256 | (uint32_t)(fraction >> 44);          \
        U result = (U)((3 * BIAS - 1 - exponent) / 2);                                                                 \
        return result << FRACTION_BITS | (U)(square_root_estimate(scaled) & 0xff) << (FRACTION_BITS - 8);              \
    }                                                                                                                  \
    /* FPRecpX. */                                                                                                     \
    static U reciprocal_exponent_##suffix(nt_cpu *cpu, uint64_t bits) {                                                \
        U x = operand_##suffix(cpu, bits), r;                                                                          \
        if (process_nans_##suffix(cpu, x, x, x, &r)) return r;                                                         \
        U exponent = x >> FRACTION_BITS & EXPONENT_MASK;                                                               \
        return (x & SIGN) | (exponent ? ~exponent & EXPONENT_MASK : EXPONENT_MASK - 1) << FRACTION_BITS;               \
    }
ESTIMATES(uint32_t, s, 0x80000000u, 23, 0xffu, 127)
ESTIMATES(uint64_t, d, 0x8000000000000000ull, 52, 0x7ffull, 1023)

static uint64_t unary(nt_cpu *cpu, uint64_t a, uint32_t op, uint32_t mode, uint32_t lane) {
    int is_double = lane == 3;
    switch (op) {
    case NT_FP_SQRT: return is_double ? square_root_d(cpu, a) : square_root_s(cpu, a);
    case NT_FP_RECPE: return is_double ? reciprocal_estimate_d(cpu, a) : reciprocal_estimate_s(cpu, a);
    case NT_FP_RSQRTE: return is_double ? square_root_estimate_d(cpu, a) : square_root_estimate_s(cpu, a);
    case NT_FP_RECPX: return is_double ? reciprocal_exponent_d(cpu, a) : reciprocal_exponent_s(cpu, a);
    case NT_FP_URECPE: return (uint32_t)a >> 31 ? (uint32_t)reciprocal_estimate((uint32_t)a >> 23) << 23 : UINT32_MAX;
    case NT_FP_URSQRTE: return (uint32_t)a >> 30 ? (uint32_t)square_root_estimate((uint32_t)a >> 23) << 23 : UINT32_MAX;
    case NT_FP_BFCVT: {
        uint32_t s = operand_s(cpu, a), r;
        return process_nans_s(cpu, s, s, s, &r) ? r >> 16 : nt_bfloat_from(cpu, s);
    }
    case NT_FP_ROUND_INT: {
        double x;
        int nan;
        if (is_double) {
            uint64_t d = operand_d(cpu, a);
            nan = is_nan_d(d);
            x = from_d(d);
        } else {
            uint32_t s = operand_s(cpu, a);
            nan = is_nan_s(s);
            x = from_s(s);
        }
        double limit = mode & NT_FP_64BIT ? 0x1p63 : 0x1p31, rounded = nan ? 0 : copysign(round_integral(cpu, x, mode & 7), x);
        if (nan || rounded >= limit || rounded < -limit) {
            cpu->fpsr |= FPSR_IOC;
            rounded = -limit;
        } else if (rounded != x) {
            cpu->fpsr |= FPSR_IXC;
        }
        return is_double ? to_d(rounded) : to_s((float)rounded);
    }
    default: {
        // NT_FP_ROUND.
        double x;
        if (is_double) {
            uint64_t d = operand_d(cpu, a), r;
            if (process_nans_d(cpu, d, d, d, &r)) return r;
            x = from_d(d);
        } else {
            uint32_t s = operand_s(cpu, a), r;
            if (process_nans_s(cpu, s, s, s, &r)) return r;
            x = from_s(s);
        }
        double rounded = copysign(round_integral(cpu, x, mode & 7), x);
        if ((mode & NT_FP_INEXACT) && rounded != x) cpu->fpsr |= FPSR_IXC;
        return is_double ? to_d(rounded) : to_s((float)rounded);
    }
    }
}

// FPToFixedJS: modulo 2^32, toward zero. Bit 32 of the result is Z: the number was that integer, and not -0.
static uint64_t javascript_integer(nt_cpu *cpu, uint64_t bits) {
    uint64_t d = operand_d(cpu, bits);
    double x = from_d(d);
    if (is_nan_d(d) || isinf(x)) {
        cpu->fpsr |= FPSR_IOC;
        return 0;
    }
    double whole = trunc(x), wrapped = fmod(whole, 0x1p32);
    uint32_t result = (uint32_t)(int64_t)wrapped;
    if (whole >= 0x1p31 || whole < -0x1p31) cpu->fpsr |= FPSR_IOC;
    else if (whole != x) cpu->fpsr |= FPSR_IXC;
    // A flushed denormal is the integer 0.
    else if (!(x == 0 && signbit(x))) return 1ull << 32 | result;
    return result;
}

static uint64_t to_integer(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    double x;
    int nan;
    if (lane == 3) {
        uint64_t d = operand_d(cpu, a);
        nan = is_nan_d(d);
        x = from_d(d);
    } else {
        uint32_t s = operand_s(cpu, a);
        nan = is_nan_s(s);
        x = from_s(s);
    }
    if (nan) {
        cpu->fpsr |= FPSR_IOC;
        return 0;
    }
    double scaled = ldexp(x, (int)(mode >> 8)), r = round_integral(cpu, scaled, mode & 7);
    int is_unsigned = (mode & NT_FP_UNSIGNED) != 0, is_64 = (mode & NT_FP_64BIT) != 0;
    double high = is_64 ? (is_unsigned ? 0x1p64 : 0x1p63) : is_unsigned ? 0x1p32 : 0x1p31;
    double low = is_unsigned ? 0 : -high;
    uint64_t result;
    if (r >= high) {
        cpu->fpsr |= FPSR_IOC;
        result = is_64 ? (is_unsigned ? UINT64_MAX : INT64_MAX) : is_unsigned ? UINT32_MAX : INT32_MAX;
    } else if (r < low) {
        cpu->fpsr |= FPSR_IOC;
        result = is_unsigned ? 0 : is_64 ? (uint64_t)INT64_MIN : (uint32_t)INT32_MIN;
    } else {
        if (r != scaled) cpu->fpsr |= FPSR_IXC;
        result = r >= 0x1p63 ? (uint64_t)(r - 0x1p63) + (1ull << 63) : (uint64_t)(int64_t)r;
    }
    return is_64 ? result : (uint32_t)result;
}

static uint64_t from_integer(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    int is_unsigned = (mode & NT_FP_UNSIGNED) != 0, is_64 = (mode & NT_FP_64BIT) != 0;
    int64_t s = is_64 ? (int64_t)a : is_unsigned ? (int64_t)(uint32_t)a : (int32_t)a;
    int negative = s < 0 && !(is_64 && is_unsigned);
    uint64_t magnitude = negative ? -(uint64_t)s : (uint64_t)s;
    // Halve 64-bit magnitudes with the lost bit kept sticky: the conversion itself is then signed and rounds once.
    int halved = magnitude >> 63 != 0;
    if (halved) magnitude = magnitude >> 1 | (magnitude & 1);
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    int scale = halved - (int)(mode >> 8);
    begin(cpu);
    volatile int64_t v = value;
    if (lane == 3) {
        volatile double r = (double)v;
        note(cpu, end());
        return to_d(ldexp(r, scale));
    }
    volatile float r = (float)v;
    note(cpu, end());
    return to_s(ldexpf(r, scale));
}

uint64_t nt_fp_scalar_unary(nt_cpu *cpu, uint64_t a, uint32_t op, uint32_t mode, uint32_t lane) {
    GUARDED(uint64_t, unary(cpu, a, op, mode, lane));
}
uint64_t nt_fp_scalar_convert(nt_cpu *cpu, uint64_t a, uint32_t from, uint32_t to, uint32_t to_odd) {
    GUARDED(uint64_t, convert(cpu, a, from, to, (int)to_odd));
}
uint64_t nt_fp_scalar_to_int(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    GUARDED(uint64_t, to_integer(cpu, a, mode, lane));
}
uint64_t nt_fp_scalar_from_int(nt_cpu *cpu, uint64_t a, uint32_t mode, uint32_t lane) {
    GUARDED(uint64_t, from_integer(cpu, a, mode, lane));
}
uint64_t nt_helper_fp_javascript(nt_cpu *cpu, uint64_t a) { GUARDED(uint64_t, javascript_integer(cpu, a)); }
