// AES steps and polynomial multiplication: host instructions where the CPU has them, otherwise arithmetic.
#include "nt_crypto.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// GF(2^8) with the AES polynomial.
static uint8_t doubled(uint8_t x) { return (uint8_t)(x << 1 ^ (x >> 7) * 0x1b); }
static uint8_t product(uint8_t a, uint8_t b) {
    uint8_t sum = 0;
    for (; b; b >>= 1, a = doubled(a)) sum ^= b & 1 ? a : 0;
    return sum;
}

static uint8_t forward_box[256], inverse_box[256];
// FIPS 197, 5.1.1: the affine map of the inverse. Powers of 3 and of its inverse run through the field together.
__attribute__((constructor)) static void make_boxes(void) {
    uint8_t p = 1, q = 1;
    do {
        p = (uint8_t)(p ^ doubled(p));
        q = product(q, 0xf6);
        uint32_t turns = q * 0x0101u; // q twice, so that shifts to the right rotate
        forward_box[p] = (uint8_t)(q ^ turns >> 7 ^ turns >> 6 ^ turns >> 5 ^ turns >> 4 ^ 0x63);
    } while (p != 1);
    forward_box[0] = 0x63;
    for (int i = 0; i < 256; i++) inverse_box[forward_box[i]] = (uint8_t)i;
}

// Row r of the state (bytes r, r+4, r+8, r+12) turns left by r columns; back when decrypting.
static void substitute_and_shift(uint8_t *bytes, const uint8_t *box, int columns) {
    uint8_t old[16];
    memcpy(old, bytes, 16);
    for (int i = 0; i < 16; i++) bytes[i] = box[old[(i + 4 * columns * (i & 3)) & 15]];
}

static void mix_columns(uint8_t *bytes, const uint8_t factors[4]) {
    for (int column = 0; column < 16; column += 4) {
        uint8_t old[4];
        memcpy(old, bytes + column, 4);
        for (int row = 0; row < 4; row++) {
            bytes[column + row] = 0;
            for (int k = 0; k < 4; k++) bytes[column + row] ^= product(old[(row + k) & 3], factors[k]);
        }
    }
}

nt_vec nt_portable_aes(nt_vec state, nt_vec key, uint32_t mode) {
    static const uint8_t forward[4] = {2, 3, 1, 1}, inverse[4] = {14, 11, 13, 9};
    uint8_t bytes[16];
    if (mode < 2) state ^= key;
    memcpy(bytes, &state, 16);
    switch (mode) {
    case 0: substitute_and_shift(bytes, forward_box, 1); break;
    case 1: substitute_and_shift(bytes, inverse_box, -1); break;
    case 2: mix_columns(bytes, forward); break;
    default: mix_columns(bytes, inverse); break;
    }
    memcpy(&state, bytes, 16);
    return state;
}

static uint16_t byte_product(uint8_t a, uint8_t b) {
    uint16_t sum = 0;
    for (int i = 0; i < 8; i++) sum ^= b >> i & 1 ? (uint16_t)(a << i) : 0;
    return sum;
}

nt_vec nt_portable_polynomial_multiply(nt_vec a, nt_vec b, uint32_t mode) {
    nt_vec result = {0, 0};
    if (mode == 2) {
        for (int i = 0; i < 64; i++) {
            if (!(b[0] >> i & 1)) continue;
            result[0] ^= a[0] << i;
            result[1] ^= i ? a[0] >> (64 - i) : 0;
        }
        return result;
    }
    uint8_t x[16], y[16], low[16];
    uint16_t wide[8];
    memcpy(x, &a, 16);
    memcpy(y, &b, 16);
    for (int i = 0; i < 16; i++) {
        uint16_t p = byte_product(x[i], y[i]);
        low[i] = (uint8_t)p;
        if (i < 8) wide[i] = p;
    }
    memcpy(&result, mode == 0 ? (const void *)low : wide, 16);
    return result;
}

#if defined(__x86_64__)
__attribute__((target("aes,sse2"))) static nt_vec host_aes(nt_vec state, nt_vec key, uint32_t mode) {
    __m128i x = (__m128i)state, k = (__m128i)key, zero = _mm_setzero_si128();
    switch (mode) {
    case 0: return (nt_vec)_mm_aesenclast_si128(_mm_xor_si128(x, k), zero);
    case 1: return (nt_vec)_mm_aesdeclast_si128(_mm_xor_si128(x, k), zero);
    // The substitution and the shift undone, so that only the columns are mixed.
    case 2: return (nt_vec)_mm_aesenc_si128(_mm_aesdeclast_si128(x, zero), zero);
    default: return (nt_vec)_mm_aesimc_si128(x);
    }
}
__attribute__((target("pclmul,sse2"))) static nt_vec host_product(nt_vec a, nt_vec b) {
    return (nt_vec)_mm_clmulepi64_si128((__m128i)a, (__m128i)b, 0);
}
#else
static nt_vec host_aes(nt_vec state, nt_vec key, uint32_t mode) { return nt_portable_aes(state, key, mode); }
static nt_vec host_product(nt_vec a, nt_vec b) { return nt_portable_polynomial_multiply(a, b, 2); }
#endif

nt_vec nt_helper_aes(nt_cpu *cpu, nt_vec state, nt_vec key, uint32_t mode) {
    (void)cpu;
    return nt_host_instructions() & NT_HOST_AES ? host_aes(state, key, mode) : nt_portable_aes(state, key, mode);
}

nt_vec nt_helper_polynomial_multiply(nt_cpu *cpu, nt_vec a, nt_vec b, uint32_t mode) {
    (void)cpu;
    int is_special = mode == 2 && nt_host_instructions() & NT_HOST_CARRYLESS_PRODUCT;
    return is_special ? host_product(a, b) : nt_portable_polynomial_multiply(a, b, mode);
}
