// Half-precision vectors in single precision, for FPCR zero: eight halves are eight singles in one host register. Rounding a sum,
// product, quotient or root of halves first to single and then to half is rounding it once, because 24 bits are at least twice 11
// and two more. A fused sum gets its single rounded to odd, which has the same effect.
//
// As in fp_vector.c, the host's flags are the guest's, and what the host does differently is for the element functions to decide:
// NaNs, and the smallest normal number, before which Arm has seen an underflow and the host has not. What was computed
// until then has raised nothing that they do not raise.

// Before the headers: their inline functions, too, must compute nothing earlier or for nothing.
#pragma STDC FENV_ACCESS ON
#include "nt_fp_half.h"
#include <immintrin.h>

#define F16C __attribute__((target("avx2,f16c,fma")))

F16C static inline __m256 widened(nt_vec v) { return _mm256_cvtph_ps((__m128i)v); }
F16C static inline __m128i narrowed(__m256 x) { return _mm256_cvtps_ph(x, _MM_FROUND_CUR_DIRECTION); }
F16C static inline __m128i from_mask(__m256 mask) {
    __m256i bits = _mm256_castps_si256(mask);
    return _mm_packs_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
}
F16C static inline int any(__m256 mask) { return _mm256_movemask_ps(mask) != 0; }
F16C static inline int any_nan(__m256 x) { return any(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)); }
F16C static inline __m256 magnitude(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
F16C static inline int has_infinity(__m256 x) {
    return any(_mm256_cmp_ps(magnitude(x), _mm256_set1_ps(__builtin_inff()), _CMP_EQ_OQ));
}
F16C static inline int has_smallest_normal(__m128i h) {
    __m128i hits = _mm_cmpeq_epi16(_mm_and_si128(h, _mm_set1_epi16(0x7fff)), _mm_set1_epi16(0x0400));
    return _mm_movemask_epi8(hits) != 0;
}

// The first `count` elements, and `rest` in the places of the others, which must raise no flag.
F16C static inline nt_vec first(nt_vec v, uint32_t count, uint16_t rest) {
    __m128i places = _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7);
    __m128i kept = _mm_cmpgt_epi16(_mm_set1_epi16((short)count), places);
    return (nt_vec)_mm_blendv_epi8(_mm_set1_epi16((short)rest), (__m128i)v, kept);
}
F16C static inline int finish(__m128i h, uint32_t count, nt_vec *result) {
    *result = first((nt_vec)h, count, 0);
    return 1;
}

F16C int nt_half_host_binary(nt_vec a, nt_vec b, uint32_t op, uint32_t count, nt_vec *result) {
    a = first(a, count, 0x3c00);
    b = first(b, count, 0x3c00);
    __m256 x = widened(a), y = widened(b), r;
    __m128i h;
    switch (op) {
    case NT_FP_ADD: r = _mm256_add_ps(x, y); break;
    case NT_FP_SUB: case NT_FP_ABD: r = _mm256_sub_ps(x, y); break;
    case NT_FP_MULX:
        // For infinity times zero only the host raises Invalid.
        if (has_infinity(x) || has_infinity(y)) return 0;
        r = _mm256_mul_ps(x, y);
        break;
    case NT_FP_MUL: case NT_FP_NMUL: r = _mm256_mul_ps(x, y); break;
    case NT_FP_DIV: r = _mm256_div_ps(x, y); break;
    case NT_FP_RECPS: case NT_FP_RSQRTS: return 0;
    default: {
        if (any(_mm256_cmp_ps(x, y, _CMP_UNORD_Q))) return 0;
        __m128i p = (__m128i)a, q = (__m128i)b;
        if (op == NT_FP_ACGE || op == NT_FP_ACGT) x = magnitude(x), y = magnitude(y);
        __m128i greater = from_mask(_mm256_cmp_ps(x, y, _CMP_GT_OQ)), equal = from_mask(_mm256_cmp_ps(x, y, _CMP_EQ_OQ));
        switch (op) {
        case NT_FP_CMEQ: return finish(equal, count, result);
        case NT_FP_CMGT: case NT_FP_ACGT: return finish(greater, count, result);
        case NT_FP_CMGE: case NT_FP_ACGE: return finish(_mm_or_si128(greater, equal), count, result);
        // Equal numbers are the same bits but for zeros, of which Arm has an opinion.
        case NT_FP_MAX: case NT_FP_MAXNM:
            return finish(_mm_blendv_epi8(_mm_blendv_epi8(q, p, greater), _mm_and_si128(p, q), equal), count, result);
        case NT_FP_MIN: case NT_FP_MINNM:
            return finish(_mm_blendv_epi8(_mm_blendv_epi8(p, q, greater), _mm_or_si128(p, q), equal), count, result);
        default: return 0;
        }
    }
    }
    if (any_nan(r)) return 0;
    h = narrowed(r);
    if (has_smallest_normal(h)) return 0;
    if (op == NT_FP_ABD) h = _mm_and_si128(h, _mm_set1_epi16(0x7fff));
    if (op == NT_FP_NMUL) h = _mm_xor_si128(h, _mm_set1_epi16((short)0x8000));
    return finish(h, count, result);
}

F16C int nt_half_host_unary(nt_vec a, uint32_t op, uint32_t mode, uint32_t count, nt_vec *result) {
    __m256 x = widened(first(a, count, 0)), r;
    if (any_nan(x)) return 0;
    if (op == NT_FP_SQRT) {
        r = _mm256_sqrt_ps(x);
        if (any_nan(r)) return 0;
    } else if (op != NT_FP_ROUND) {
        return 0;
    } else {
        switch (mode) {
        case NT_FP_ROUND_TIES_EVEN: case NT_FP_ROUND_FPCR: r = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); break;
        case NT_FP_ROUND_FPCR | NT_FP_INEXACT: r = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT); break;
        case NT_FP_ROUND_UP: r = _mm256_round_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); break;
        case NT_FP_ROUND_DOWN: r = _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); break;
        case NT_FP_ROUND_ZERO: r = _mm256_round_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); break;
        default: return 0;
        }
    }
    return finish(narrowed(r), count, result);
}

F16C int nt_half_host_fma(nt_vec addend, nt_vec a, nt_vec b, uint32_t count, nt_vec *result) {
    __m256 z = widened(first(addend, count, 0));
    // The product of two halves is a single.
    __m256 product = _mm256_mul_ps(widened(first(a, count, 0)), widened(first(b, count, 0)));
    __m256 sum = _mm256_add_ps(product, z);
    // Infinities and NaNs.
    if (any(_mm256_cmp_ps(magnitude(sum), _mm256_set1_ps(__builtin_inff()), _CMP_NLT_UQ))) return 0;
    // What the sum lost (two-sum; where one of these is inexact, the sum was). If anything, an even fraction gets the odd
    // neighbour on that side.
    __m256 part = _mm256_sub_ps(sum, product);
    __m256 lost = _mm256_add_ps(_mm256_sub_ps(product, _mm256_sub_ps(sum, part)), _mm256_sub_ps(z, part));
    __m256i bits = _mm256_castps_si256(sum), away = _mm256_srai_epi32(_mm256_xor_si256(bits, _mm256_castps_si256(lost)), 31);
    __m256i step = _mm256_or_si256(away, _mm256_set1_epi32(1)); // -1 if the signs differ, else 1
    __m256i is_even = _mm256_cmpeq_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(1)), _mm256_setzero_si256());
    __m256i is_inexact = _mm256_castps_si256(_mm256_cmp_ps(lost, _mm256_setzero_ps(), _CMP_NEQ_OQ));
    bits = _mm256_add_epi32(bits, _mm256_and_si256(step, _mm256_and_si256(is_even, is_inexact)));
    __m128i h = narrowed(_mm256_castsi256_ps(bits));
    if (has_smallest_normal(h)) return 0;
    return finish(h, count, result);
}

F16C int nt_half_host_widen(nt_vec a, uint32_t count, nt_vec *result) {
    __m256 x = widened(first(a, count, 0));
    if (any_nan(x)) return 0;
    *result = (nt_vec)_mm256_castps256_ps128(x);
    return 1;
}

F16C int nt_half_host_narrow(nt_vec a, uint32_t count, nt_vec *result) {
    __m128i kept = _mm_cmpgt_epi32(_mm_set1_epi32((int)count), _mm_setr_epi32(0, 1, 2, 3));
    __m128 x = _mm_castsi128_ps(_mm_and_si128((__m128i)a, kept));
    if (_mm_movemask_ps(_mm_cmpunord_ps(x, x))) return 0;
    __m128i h = _mm_cvtps_ph(x, _MM_FROUND_CUR_DIRECTION);
    if (has_smallest_normal(h)) return 0;
    *result = (nt_vec)h;
    return 1;
}
