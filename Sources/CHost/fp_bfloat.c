// BFloat16 (FEAT_BF16) and products of halves added to singles (FEAT_FHM). Arm ARM, shared pseudocode BFDotAdd, BFRound,
// FPConvertBF, FPMulAddH.
#include "nt_fp.h"
#include <string.h>
#include <xmmintrin.h>

enum { FPSR_OFC = 4, FPSR_UFC = 8, FPSR_IXC = 16 };
enum { FPCR_FZ16 = 1 << 19 };

// A half as a single, NaNs (signalling ones, too) by their bits. FZ16 makes denormals zero, which no flag notes here.
static uint32_t widened_half(const nt_cpu *cpu, uint64_t bits) {
    uint32_t sign = (uint32_t)(bits >> 15 & 1) << 31, exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    if (exponent == 31) return sign | 0x7f800000 | fraction << 13;
    if (exponent != 0) return sign | (exponent + 112) << 23 | fraction << 13;
    if (fraction == 0 || (cpu->fpcr & FPCR_FZ16)) return sign;
    for (exponent = 113; !(fraction >> 10); exponent--) fraction <<= 1;
    return sign | exponent << 23 | (fraction & 0x3ff) << 13;
}

uint64_t nt_helper_fp_fma_half_long(nt_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b) {
    return nt_fp_scalar_fma(cpu, addend, widened_half(cpu, a), widened_half(cpu, b), 2);
}

uint16_t nt_bfloat_from(nt_cpu *cpu, uint32_t single) {
    uint32_t magnitude = single & 0x7fffffff, sign = single >> 31, kept = magnitude >> 16, lost = magnitude & 0xffff;
    if (lost == 0) return (uint16_t)(single >> 16);
    // RMode: nearest, up, down, zero.
    uint32_t mode = cpu->fpcr >> 22 & 3;
    kept += mode == 0 ? lost > 0x8000 || (lost == 0x8000 && (kept & 1)) : mode == 1 ? !sign : mode == 2 ? sign : 0;
    cpu->fpsr |= FPSR_IXC;
    if (kept == 0x7f80) cpu->fpsr |= FPSR_OFC;
    if (magnitude < 0x00800000) cpu->fpsr |= FPSR_UFC;
    return (uint16_t)(sign << 15 | kept);
}

// BFRound of a product or sum: to odd, an overflow to infinity, denormals (in and out) zero, NaNs the default one. The host
// does it toward zero with its own flushing; its flags show what is left to do.
static float to_odd(float x, float y, int multiplies) {
    uint32_t mxcsr = 0x1f80 | 0x6000 | 0x8000 | 0x0040, kept;
    __asm__ volatile("stmxcsr %0" : "=m"(kept)::"memory");
    volatile float vx = x, vy = y;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr) : "memory");
    volatile float vr = multiplies ? vx * vy : vx + vy;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr)::"memory");
    uint32_t bits;
    __asm__ volatile("ldmxcsr %0" ::"m"(kept) : "memory");
    float r = vr;
    memcpy(&bits, &r, sizeof bits);
    enum { OVERFLOW = 8, UNDERFLOW = 16, INEXACT = 32 };
    if ((bits & 0x7fffffff) > 0x7f800000) bits = 0x7fc00000;
    else if (mxcsr & OVERFLOW) bits = (bits & 0x80000000) | 0x7f800000;
    else if ((mxcsr & (INEXACT | UNDERFLOW)) == INEXACT) bits |= 1;
    memcpy(&r, &bits, sizeof r);
    return r;
}

static float single_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// FPCR and FPSR have no part in it.
uint64_t nt_helper_fp_bfdot(nt_cpu *cpu, uint64_t sum, uint64_t a, uint64_t b) {
    (void)cpu;
    uint32_t x = (uint32_t)a, y = (uint32_t)b, bits;
    float low = to_odd(single_of(x << 16), single_of(y << 16), 1);
    float high = to_odd(single_of(x & 0xffff0000), single_of(y & 0xffff0000), 1);
    float result = to_odd(single_of((uint32_t)sum), to_odd(low, high, 0), 0);
    memcpy(&bits, &result, sizeof bits);
    return bits;
}
