// Steps of SHA-1, SHA-256, SHA-512 and SM3, and SM4. Element 0 of a vector is its lowest word.
#include "nt_crypto.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static uint32_t rol32(uint32_t x, unsigned n) { return x << (n & 31) | x >> (-n & 31); }
static uint32_t ror32(uint32_t x, unsigned n) { return rol32(x, -n); }
static uint64_t ror64(uint64_t x, unsigned n) { return x >> (n & 63) | x << (-n & 63); }

typedef struct words {
    uint32_t w[4];
} words;
static words split(nt_vec v) {
    words x;
    memcpy(&x, &v, 16);
    return x;
}
static nt_vec joined(words x) {
    nt_vec v;
    memcpy(&v, &x, 16);
    return v;
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return ((y ^ z) & x) ^ z; }
static uint32_t parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }
static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) | ((x | y) & z); }

nt_vec nt_helper_sha1_rounds(nt_cpu *cpu, nt_vec abcd, uint64_t e_and_variant, nt_vec schedule) {
    (void)cpu;
    uint32_t e = (uint32_t)e_and_variant, variant = (uint32_t)(e_and_variant >> 32);
    words x = split(abcd), w = split(schedule);
    for (int i = 0; i < 4; i++) {
        uint32_t t = variant == 0   ? choose(x.w[1], x.w[2], x.w[3])
                     : variant == 1 ? parity(x.w[1], x.w[2], x.w[3])
                                    : majority(x.w[1], x.w[2], x.w[3]);
        uint32_t next = e + rol32(x.w[0], 5) + t + w.w[i];
        e = x.w[3];
        x.w[3] = x.w[2];
        x.w[2] = rol32(x.w[1], 30);
        x.w[1] = x.w[0];
        x.w[0] = next;
    }
    return joined(x);
}

/// Four rounds. Second: the new EFGH, otherwise the new ABCD.
nt_vec nt_portable_sha256(nt_vec abcd, nt_vec efgh, nt_vec schedule, int second) {
    words x = split(abcd), y = split(efgh), w = split(schedule);
    for (int i = 0; i < 4; i++) {
        uint32_t e = y.w[0], a = x.w[0];
        uint32_t t = y.w[3] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) + choose(e, y.w[1], y.w[2]) + w.w[i];
        uint32_t new_e = x.w[3] + t;
        uint32_t new_a = t + (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) + majority(a, x.w[1], x.w[2]);
        y = (words){{new_e, e, y.w[1], y.w[2]}};
        x = (words){{new_a, a, x.w[1], x.w[2]}};
    }
    return joined(second ? y : x);
}

#if defined(__x86_64__)
// The host's instruction does two rounds on ABEF and CDGH, highest word first.
__attribute__((target("sha,sse4.1"))) static nt_vec host_sha256(nt_vec abcd, nt_vec efgh, nt_vec schedule, int second) {
    __m128i x = _mm_shuffle_epi32((__m128i)abcd, 0x1b), y = _mm_shuffle_epi32((__m128i)efgh, 0x1b); // DCBA as a..d from the top
    __m128i abef = _mm_unpackhi_epi64(y, x), cdgh = _mm_unpacklo_epi64(y, x), w = (__m128i)schedule;
    __m128i half = _mm_sha256rnds2_epu32(cdgh, abef, w);                             // new ABEF; the old one is the new CDGH
    __m128i whole = _mm_sha256rnds2_epu32(abef, half, _mm_shuffle_epi32(w, 0x0e));
    __m128i result = second ? _mm_unpacklo_epi64(half, whole) : _mm_unpackhi_epi64(half, whole);
    return (nt_vec)_mm_shuffle_epi32(result, 0x1b);
}
#else
static nt_vec host_sha256(nt_vec abcd, nt_vec efgh, nt_vec schedule, int second) {
    return nt_portable_sha256(abcd, efgh, schedule, second);
}
#endif

nt_vec nt_helper_sha256h(nt_cpu *cpu, nt_vec abcd, nt_vec efgh, nt_vec schedule) {
    (void)cpu;
    return nt_host_instructions() & NT_HOST_SHA256 ? host_sha256(abcd, efgh, schedule, 0) : nt_portable_sha256(abcd, efgh, schedule, 0);
}
nt_vec nt_helper_sha256h2(nt_cpu *cpu, nt_vec efgh, nt_vec abcd, nt_vec schedule) {
    (void)cpu;
    return nt_host_instructions() & NT_HOST_SHA256 ? host_sha256(abcd, efgh, schedule, 1) : nt_portable_sha256(abcd, efgh, schedule, 1);
}

// Two rounds' first halves: Vd holds the schedule's sums, Vn and Vm the words that change last.
nt_vec nt_helper_sha512h(nt_cpu *cpu, nt_vec d, nt_vec n, nt_vec m) {
    (void)cpu;
    uint64_t y0 = m[0], y1 = m[1], x0 = n[0], x1 = n[1];
    uint64_t high = d[1] + (ror64(y1, 14) ^ ror64(y1, 18) ^ ror64(y1, 41)) + ((y1 & x0) ^ (~y1 & x1));
    uint64_t t = high + y0;
    uint64_t low = d[0] + (ror64(t, 14) ^ ror64(t, 18) ^ ror64(t, 41)) + ((t & y1) ^ (~t & x0));
    return (nt_vec){low, high};
}
nt_vec nt_helper_sha512h2(nt_cpu *cpu, nt_vec d, nt_vec n, nt_vec m) {
    (void)cpu;
    uint64_t y0 = m[0], y1 = m[1], x0 = n[0];
    uint64_t high = d[1] + (ror64(y0, 28) ^ ror64(y0, 34) ^ ror64(y0, 39)) + ((x0 & y1) ^ (x0 & y0) ^ (y1 & y0));
    uint64_t low = d[0] + (ror64(high, 28) ^ ror64(high, 34) ^ ror64(high, 39)) + ((high & y0) ^ (high & y1) ^ (y1 & y0));
    return (nt_vec){low, high};
}

// MARK: SM3 (GB/T 32905)

nt_vec nt_helper_sm3_round(nt_cpu *cpu, nt_vec d, nt_vec n, uint64_t word_and_variant) {
    (void)cpu;
    uint32_t word = (uint32_t)word_and_variant, variant = (uint32_t)(word_and_variant >> 32);
    words x = split(d), y = split(n);
    uint32_t top = x.w[3], middle = x.w[2], low = x.w[1];
    if (variant < 2) {
        uint32_t mixed = variant == 0 ? parity(top, middle, low) : majority(top, middle, low);
        uint32_t t = mixed + x.w[0] + (y.w[3] ^ rol32(top, 12)) + word;
        return joined((words){{low, rol32(middle, 9), top, t}});
    }
    uint32_t mixed = variant == 2 ? parity(top, middle, low) : choose(top, middle, low);
    uint32_t t = mixed + x.w[0] + y.w[3] + word;
    return joined((words){{low, rol32(middle, 19), top, t ^ rol32(t, 9) ^ rol32(t, 17)}});
}

nt_vec nt_helper_sm3partw1(nt_cpu *cpu, nt_vec d, nt_vec n, nt_vec m) {
    (void)cpu;
    words x = split(d ^ n), z = split(m);
    for (int i = 0; i < 4; i++) {
        uint32_t t = x.w[i] ^ rol32(i < 3 ? z.w[i + 1] : x.w[0], 15);
        x.w[i] = t ^ rol32(t, 15) ^ rol32(t, 23);
    }
    return joined(x);
}
nt_vec nt_helper_sm3partw2(nt_cpu *cpu, nt_vec d, nt_vec n, nt_vec m) {
    (void)cpu;
    words x = split(d), y = split(n), z = split(m), r;
    uint32_t first = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t t = y.w[i] ^ rol32(z.w[i], 7);
        if (i == 0) first = t;
        r.w[i] = x.w[i] ^ t;
    }
    uint32_t t = rol32(first, 15);
    r.w[3] ^= t ^ rol32(t, 15) ^ rol32(t, 23);
    return joined(r);
}

// MARK: SM4 (GB/T 32907)

static const uint8_t sm4_box[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05, 0x2b, 0x67, 0x9a, 0x76,
    0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99, 0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a,
    0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62, 0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa,
    0x75, 0x8f, 0x3f, 0xa6, 0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35, 0x1e, 0x24, 0x0e, 0x5e,
    0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87, 0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52,
    0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e, 0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce,
    0xf9, 0x61, 0x15, 0xa1, 0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f, 0xd5, 0xdb, 0x37, 0x45,
    0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51, 0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f,
    0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8, 0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12,
    0xb8, 0xe5, 0xb4, 0xb0, 0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};

static uint32_t sm4_substituted(uint32_t x) {
    uint32_t r = 0;
    for (int i = 0; i < 32; i += 8) r |= (uint32_t)sm4_box[x >> i & 0xff] << i;
    return r;
}

nt_vec nt_helper_sm4(nt_cpu *cpu, nt_vec state, nt_vec keys, uint32_t mode) {
    (void)cpu;
    words x = split(state), k = split(keys);
    for (int i = 0; i < 4; i++) {
        uint32_t t = sm4_substituted(x.w[1] ^ x.w[2] ^ x.w[3] ^ k.w[i]);
        t ^= mode == 0 ? rol32(t, 2) ^ rol32(t, 10) ^ rol32(t, 18) ^ rol32(t, 24) : rol32(t, 13) ^ rol32(t, 23);
        x = (words){{x.w[1], x.w[2], x.w[3], x.w[0] ^ t}};
    }
    return joined(x);
}
