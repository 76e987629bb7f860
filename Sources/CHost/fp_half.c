// Half-precision arithmetic. Every finite half is an integer times 2^-24 and every product one times 2^-48, so that sums and
// products are exact in 128-bit integers and one function rounds them all. Arm ARM, shared pseudocode of the names below.
#include "nt_fp_half.h"
#include "fp_estimate.h"

enum { FPCR_FZ16 = 1 << 19, FPCR_DN = 1 << 25 };
enum { FPSR_IOC = 1, FPSR_DZC = 2, FPSR_OFC = 4, FPSR_UFC = 8, FPSR_IXC = 16 };
enum { SIGN = 0x8000, INFINITE = 0x7c00, QUIET = 0x200, DEFAULT_NAN = 0x7e00, LARGEST = 0x7bff, FRACTION = 0x3ff };

typedef uint16_t half;
typedef unsigned __int128 magnitude_t;

static inline int is_nan(half x) { return (x & 0x7fff) > INFINITE; }
static inline int is_snan(half x) { return is_nan(x) && !(x & QUIET); }
static inline int is_infinite(half x) { return (x & 0x7fff) == INFINITE; }
static inline int is_zero(half x) { return (x & 0x7fff) == 0; }
static inline uint32_t raise(nt_cpu *cpu, uint32_t flags, uint32_t result) {
    cpu->fpsr |= flags;
    return result;
}

// FPUnpack: FZ16 makes denormals zero, which FPSR.IDC does not note (unlike FZ).
static inline half operand(const nt_cpu *cpu, uint64_t bits) {
    half x = (half)bits;
    return (cpu->fpcr & FPCR_FZ16) && !(x & INFINITE) ? x & SIGN : x;
}

// FPProcessNaNs3: signalling ones first, in operand order.
static int process_nans(nt_cpu *cpu, half a, half b, half c, half *result) {
    half chosen = is_snan(a) ? a : is_snan(b) ? b : is_snan(c) ? c : is_nan(a) ? a : is_nan(b) ? b : c;
    if (!is_nan(chosen)) return 0;
    if (is_snan(chosen)) cpu->fpsr |= FPSR_IOC;
    *result = cpu->fpcr & FPCR_DN ? DEFAULT_NAN : chosen | QUIET;
    return 1;
}

// A finite half is `significand_of` * 2^`scale_of`, scale -24...5.
static inline uint32_t significand_of(half x) { return x & INFINITE ? 1024 | (x & FRACTION) : x & FRACTION; }
static inline int scale_of(half x) { return x & INFINITE ? (x >> 10 & 31) - 25 : -24; }
static inline uint64_t fixed(half x) { return (uint64_t)significand_of(x) << (scale_of(x) + 24); }

// FPCR's rounding mode in enum nt_fp_rounding; RMode 0...3 are its first four.
static inline uint32_t rounding_mode(const nt_cpu *cpu) { return cpu->fpcr >> 22 & 3; }

// The magnitude m / 2^shift as an integer in a mode of enum nt_fp_rounding but FPCR's; *inexact says whether it was none.
static magnitude_t shift_rounding(magnitude_t m, uint32_t shift, int negative, uint32_t mode, int *inexact) {
    if (shift == 0) return *inexact = 0, m;
    magnitude_t kept = m >> shift, lost = m - (kept << shift), middle = (magnitude_t)1 << (shift - 1);
    *inexact = lost != 0;
    switch (mode) {
    case NT_FP_ROUND_UP: return kept + (lost && !negative);
    case NT_FP_ROUND_DOWN: return kept + (lost && negative);
    case NT_FP_ROUND_ZERO: return kept;
    case NT_FP_ROUND_TIES_AWAY: return kept + (lost >= middle);
    default: return kept + (lost > middle || (lost == middle && (kept & 1)));
    }
}

static inline int highest_bit(magnitude_t m) {
    uint64_t high = (uint64_t)(m >> 64);
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)m);
}

// FPRound of m * 2^exponent, m not 0. A result is tiny if it was before rounding.
static half rounded(nt_cpu *cpu, int negative, magnitude_t m, int exponent) {
    half sign = negative ? SIGN : 0;
    int top = highest_bit(m) + exponent, tiny = top < -14, last = tiny ? -24 : top - 10, inexact = 0;
    if (tiny && (cpu->fpcr & FPCR_FZ16)) return (half)raise(cpu, FPSR_UFC, sign);
    uint32_t mode = rounding_mode(cpu), bits;
    if (top <= 15) {
        bits = last > exponent ? (uint32_t)shift_rounding(m, (uint32_t)(last - exponent), negative, mode, &inexact)
                               : (uint32_t)m << (exponent - last);
        // A carry out of the fraction goes into the exponent, also from the largest denormal and to infinity.
        if (!tiny) bits += (uint32_t)(last + 24) << 10;
    }
    if (top > 15 || bits >= INFINITE) {
        int to_infinity = mode == NT_FP_ROUND_TIES_EVEN || mode == (negative ? NT_FP_ROUND_DOWN : NT_FP_ROUND_UP);
        return (half)raise(cpu, FPSR_OFC | FPSR_IXC, sign | (to_infinity ? INFINITE : LARGEST));
    }
    if (inexact) cpu->fpsr |= tiny ? FPSR_UFC | FPSR_IXC : FPSR_IXC;
    return sign | (half)bits;
}

// Rounds x + y, magnitudes in units of 2^exponent with their signs. An exact zero is negative if both are or FPCR rounds down.
static half rounded_sum(nt_cpu *cpu, magnitude_t x, int x_negative, magnitude_t y, int y_negative, int exponent) {
    int negative = x_negative;
    if (x_negative == y_negative) x += y;
    else if (x >= y) x -= y;
    else x = y - x, negative = y_negative;
    if (x != 0) return rounded(cpu, negative, x, exponent);
    return (x_negative == y_negative ? x_negative : rounding_mode(cpu) == NT_FP_ROUND_DOWN) ? SIGN : 0;
}

// Orders finite and infinite halves as integers; both zeros are 0.
static inline int32_t ordered(half x) { return x & SIGN ? -(x & 0x7fff) : x; }

static half divide(nt_cpu *cpu, half a, half b) {
    half sign = (a ^ b) & SIGN;
    if (is_infinite(a)) return is_infinite(b) ? (half)raise(cpu, FPSR_IOC, DEFAULT_NAN) : sign | INFINITE;
    if (is_infinite(b)) return sign;
    if (is_zero(b)) return (half)(is_zero(a) ? raise(cpu, FPSR_IOC, DEFAULT_NAN) : raise(cpu, FPSR_DZC, sign | INFINITE));
    if (is_zero(a)) return sign;
    // At least 40 - 11 bits of quotient; the remainder only says that more would follow.
    uint64_t dividend = (uint64_t)significand_of(a) << 40, divisor = significand_of(b), quotient = dividend / divisor;
    return rounded(cpu, sign != 0, quotient | (quotient * divisor != dividend), scale_of(a) - scale_of(b) - 40);
}

static half add(nt_cpu *cpu, half a, half b) {
    if (is_infinite(a)) return is_infinite(b) && a != b ? (half)raise(cpu, FPSR_IOC, DEFAULT_NAN) : a;
    if (is_infinite(b)) return b;
    return rounded_sum(cpu, fixed(a), a >> 15, fixed(b), b >> 15, -24);
}

// addend + a * b, where the addend is in units of 2^-48; the sum is halved `halvings` times before it is rounded.
static half add_product(nt_cpu *cpu, magnitude_t addend, int negative, half a, half b, int halvings) {
    return rounded_sum(cpu, addend, negative, (magnitude_t)fixed(a) * fixed(b), (a ^ b) >> 15, -48 - halvings);
}

// FPCompareEQ, GE, GT on values or magnitudes.
static half mask(nt_cpu *cpu, half a, half b, uint32_t op) {
    if (is_nan(a) || is_nan(b)) return (half)raise(cpu, op != NT_FP_CMEQ || is_snan(a) || is_snan(b) ? FPSR_IOC : 0, 0);
    if (op >= NT_FP_ACGE) a &= 0x7fff, b &= 0x7fff;
    int32_t x = ordered(a), y = ordered(b);
    int holds = op == NT_FP_CMEQ ? x == y : op == NT_FP_CMGE || op == NT_FP_ACGE ? x >= y : x > y;
    return holds ? 0xffff : 0;
}

uint64_t nt_half_binary(nt_cpu *cpu, uint64_t first, uint64_t second, uint32_t op) {
    half a = operand(cpu, first), b = operand(cpu, second), r;
    if (op >= NT_FP_CMEQ) return mask(cpu, a, b, op);
    if (op == NT_FP_MAXNM || op == NT_FP_MINNM) {
        if (is_nan(a) && !is_snan(a) && !is_nan(b)) return b;
        if (is_nan(b) && !is_snan(b) && !is_nan(a)) return a;
    }
    if (op == NT_FP_RECPS || op == NT_FP_RSQRTS) a ^= SIGN;
    if (process_nans(cpu, a, b, b, &r)) return op == NT_FP_NMUL ? r ^ SIGN : op == NT_FP_ABD ? r & ~SIGN : r;
    half sign = (a ^ b) & SIGN;
    int infinite = is_infinite(a) || is_infinite(b), infinite_zero = infinite && (is_zero(a) || is_zero(b));
    switch (op) {
    case NT_FP_ADD: return add(cpu, a, b);
    case NT_FP_SUB: return add(cpu, a, b ^ SIGN);
    case NT_FP_ABD: return add(cpu, a, b ^ SIGN) & ~SIGN;
    case NT_FP_DIV: return divide(cpu, a, b);
    case NT_FP_MAX: case NT_FP_MAXNM: return ordered(a) > ordered(b) ? a : ordered(b) > ordered(a) ? b : a & b;
    case NT_FP_MIN: case NT_FP_MINNM: return ordered(a) < ordered(b) ? a : ordered(b) < ordered(a) ? b : a | b;
    case NT_FP_RECPS: // 2 + a * b
        if (infinite) return infinite_zero ? 0x4000 : sign | INFINITE;
        return add_product(cpu, (magnitude_t)2 << 48, 0, a, b, 0);
    case NT_FP_RSQRTS: // (3 + a * b) / 2
        if (infinite) return infinite_zero ? 0x3e00 : sign | INFINITE;
        return add_product(cpu, (magnitude_t)3 << 48, 0, a, b, 1);
    default: // MUL, NMUL, MULX
        if (infinite_zero) r = op == NT_FP_MULX ? sign | 0x4000 : (half)raise(cpu, FPSR_IOC, DEFAULT_NAN);
        else if (infinite) r = sign | INFINITE;
        else if (is_zero(a) || is_zero(b)) r = sign;
        else r = rounded(cpu, sign != 0, significand_of(a) * significand_of(b), scale_of(a) + scale_of(b));
        return op == NT_FP_NMUL ? r ^ SIGN : r;
    }
}

// FPMulAdd.
uint64_t nt_half_fma(nt_cpu *cpu, uint64_t addend, uint64_t first, uint64_t second) {
    half c = operand(cpu, addend), a = operand(cpu, first), b = operand(cpu, second), r;
    int infinite = is_infinite(a) || is_infinite(b), infinite_zero = infinite && (is_zero(a) || is_zero(b));
    if (process_nans(cpu, c, a, b, &r))
        return is_nan(c) && !is_snan(c) && infinite_zero ? raise(cpu, FPSR_IOC, DEFAULT_NAN) : r;
    half sign = (a ^ b) & SIGN;
    if (infinite_zero || (infinite && is_infinite(c) && sign != (c & SIGN))) return raise(cpu, FPSR_IOC, DEFAULT_NAN);
    if (is_infinite(c)) return c;
    if (infinite) return sign | INFINITE;
    return add_product(cpu, (magnitude_t)fixed(c) << 24, c >> 15, a, b, 0);
}

uint64_t nt_half_compare(nt_cpu *cpu, uint64_t first, uint64_t second, uint32_t signals) {
    half a = operand(cpu, first), b = operand(cpu, second);
    if (is_nan(a) || is_nan(b)) return raise(cpu, signals || is_snan(a) || is_snan(b) ? FPSR_IOC : 0, 3u << 28);
    int32_t x = ordered(a), y = ordered(b);
    return x == y ? 6u << 28 : x < y ? 8u << 28 : 2u << 28;
}

static half square_root(nt_cpu *cpu, half x) {
    if (is_zero(x)) return x;
    if (x & SIGN) return (half)raise(cpu, FPSR_IOC, DEFAULT_NAN);
    if (is_infinite(x)) return x;
    // An even exponent, and a root of 16 bits at least.
    int even = scale_of(x) & ~1;
    uint64_t square = (uint64_t)significand_of(x) << ((scale_of(x) & 1) + 32), root = 0;
    for (uint64_t bit = 1ull << 22; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= square) root |= bit;
    return rounded(cpu, 0, root | (root * root != square), (even - 32) / 2);
}

// FPRoundInt.
static half round_integral(nt_cpu *cpu, half x, uint32_t mode, int exact) {
    if (is_infinite(x) || scale_of(x) >= 0) return x;
    int inexact;
    half sign = x & SIGN;
    if (mode == NT_FP_ROUND_FPCR) mode = rounding_mode(cpu);
    uint32_t whole = (uint32_t)shift_rounding(significand_of(x), (uint32_t)-scale_of(x), sign != 0, mode, &inexact);
    if (inexact && exact) cpu->fpsr |= FPSR_IXC;
    return whole ? rounded(cpu, sign != 0, whole, 0) : sign;
}

// The 10 bits of a fraction below a leading 1, and the (biased) exponent for it, which may be below 1. x is not zero.
static uint32_t normalized_fraction(half x, int *exponent) {
    uint32_t fraction = x & FRACTION;
    *exponent = x >> 10 & 31;
    if (*exponent == 0) {
        for (*exponent = 1; !(fraction >> 10); --*exponent) fraction <<= 1;
    }
    return fraction & FRACTION;
}

// FPRecipEstimate.
static half reciprocal_estimate(nt_cpu *cpu, half x) {
    half sign = x & SIGN, magnitude = x & 0x7fff;
    if (magnitude == INFINITE) return sign;
    if (magnitude == 0) return (half)raise(cpu, FPSR_DZC, sign | INFINITE);
    // Below 2^-16 the reciprocal overflows.
    if (magnitude < 0x100) return rounded(cpu, sign != 0, 1, 16);
    int exponent;
    uint32_t fraction = normalized_fraction(magnitude, &exponent);
    if ((cpu->fpcr & FPCR_FZ16) && exponent >= 29) return (half)raise(cpu, FPSR_UFC, sign);
    uint32_t estimate = nt_reciprocal_estimate(256 | fraction >> 2) << 2;
    exponent = 29 - exponent;
    if (exponent <= 0) return sign | (half)(estimate >> (1 - exponent));
    return sign | (half)(exponent << 10) | (estimate & FRACTION);
}

// FPRSqrtEstimate.
static half square_root_estimate(nt_cpu *cpu, half x) {
    if (is_zero(x)) return (half)raise(cpu, FPSR_DZC, (x & SIGN) | INFINITE);
    if (x & SIGN) return (half)raise(cpu, FPSR_IOC, DEFAULT_NAN);
    if (is_infinite(x)) return 0;
    int exponent;
    uint32_t fraction = normalized_fraction(x, &exponent);
    uint32_t estimate = nt_square_root_estimate(exponent & 1 ? 128 | fraction >> 3 : 256 | fraction >> 2);
    return (half)((44 - exponent) / 2 << 10) | (half)((estimate & 0xff) << 2);
}

uint64_t nt_half_unary(nt_cpu *cpu, uint64_t bits, uint32_t op, uint32_t mode) {
    half x = operand(cpu, bits), r;
    if (process_nans(cpu, x, x, x, &r)) return r;
    switch (op) {
    case NT_FP_SQRT: return square_root(cpu, x);
    case NT_FP_RECPE: return reciprocal_estimate(cpu, x);
    case NT_FP_RSQRTE: return square_root_estimate(cpu, x);
    // FPRecpX: the exponent's complement.
    case NT_FP_RECPX: return (x & SIGN) | (x & INFINITE ? ~x & INFINITE : 30 << 10);
    default: return round_integral(cpu, x, mode & 7, mode & NT_FP_INEXACT);
    }
}

// Number of bits of a conversion's integer.
static inline int integer_width(uint32_t mode) { return mode & NT_FP_64BIT ? 64 : mode & NT_FP_16BIT ? 16 : 32; }

// FPToFixed.
uint64_t nt_half_to_int(nt_cpu *cpu, uint64_t bits, uint32_t mode) {
    half x = operand(cpu, bits);
    int negative = x >> 15, width = integer_width(mode), inexact = 0;
    if (is_nan(x)) return raise(cpu, FPSR_IOC, 0);
    uint64_t all = UINT64_MAX >> (64 - width), limit;
    if (mode & NT_FP_UNSIGNED) limit = negative ? 0 : all;
    else limit = (all >> 1) + (uint64_t)negative;
    magnitude_t m = (magnitude_t)1 << 127;
    if (!is_infinite(x)) {
        int shift = scale_of(x) + (int)(mode >> 8);
        uint32_t rounding = mode & 7;
        if (rounding == NT_FP_ROUND_FPCR) rounding = rounding_mode(cpu);
        m = significand_of(x);
        if (shift >= 0) m <<= shift;
        else m = shift_rounding(m, (uint32_t)-shift, negative, rounding, &inexact);
    }
    if (m > limit) cpu->fpsr |= FPSR_IOC, m = limit;
    else if (inexact) cpu->fpsr |= FPSR_IXC;
    return (negative ? -(uint64_t)m : (uint64_t)m) & all;
}

// FixedToFP.
uint64_t nt_half_from_int(nt_cpu *cpu, uint64_t value, uint32_t mode) {
    int width = integer_width(mode);
    value = value << (64 - width) >> (64 - width);
    int negative = !(mode & NT_FP_UNSIGNED) && value >> (width - 1);
    if (negative) value = -(value | (UINT64_MAX << (width - 1)));
    return value ? rounded(cpu, negative, value, -(int)(mode >> 8)) : 0;
}
