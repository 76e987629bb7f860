// Cryptographic instructions through their intrinsics against published known answers: FIPS 197 (AES), FIPS 180-4 (SHA), FIPS 202
// (SHA-3), GB/T 32905 (SM3), GB/T 32907 (SM4), NIST SP 800-38D (GHASH). What announces them is printed, to be as under QEMU.
#pragma GCC target("arch=armv8.4-a+crypto+sha3+sm4")
#include "check.h"
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static void expect(const char *name, const void *bytes, int count, const char *wanted) {
    char text[200];
    for (int i = 0; i < count; i++) sprintf(text + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
    printf("%-12s %s\n", name, text);
    if (strcmp(text, wanted)) printf("failed: %s wants %s\n", name, wanted);
}

static uint32_t swap32(uint32_t x) { return __builtin_bswap32(x); }
static uint64_t swap64(uint64_t x) { return __builtin_bswap64(x); }
static uint32_t rol(uint32_t x, unsigned n) { return x << (n & 31) | x >> (-n & 31); }

// MARK: AES-128

static uint8_t sub_byte(uint8_t x) {
    // The cipher's substitution of equal bytes: neither shift nor key shows.
    return vgetq_lane_u8(vaeseq_u8(vdupq_n_u8(x), vdupq_n_u8(0)), 0);
}
static void aes(void) {
    uint8_t keys[176];
    for (int i = 0; i < 16; i++) keys[i] = (uint8_t)i;
    for (int at = 16, constant = 1; at < 176; at += 4) {
        uint8_t t[4];
        memcpy(t, keys + at - 4, 4);
        if (at % 16 == 0) {
            uint8_t first = t[0];
            for (int i = 0; i < 4; i++) t[i] = sub_byte(i < 3 ? t[i + 1] : first);
            t[0] ^= (uint8_t)constant;
            constant = constant << 1 ^ (constant >> 7) * 0x11b;
        }
        for (int i = 0; i < 4; i++) keys[at + i] = keys[at + i - 16] ^ t[i];
    }
    expect("aes key", keys + 160, 16, "13111d7fe3944a17f307a78b4d2b30c5");
    uint8_t text[16];
    for (int i = 0; i < 16; i++) text[i] = (uint8_t)(i * 0x11);
    uint8x16_t x = vld1q_u8(text);
    for (int round = 0; round < 9; round++) x = vaesmcq_u8(vaeseq_u8(x, vld1q_u8(keys + 16 * round)));
    x = veorq_u8(vaeseq_u8(x, vld1q_u8(keys + 144)), vld1q_u8(keys + 160));
    expect("aes", &x, 16, "69c4e0d86a7b0430d8cdb78070b4c55a");
    x = vaesdq_u8(x, vld1q_u8(keys + 160));
    for (int round = 9; round > 0; round--) x = vaesdq_u8(vaesimcq_u8(x), vaesimcq_u8(vld1q_u8(keys + 16 * round)));
    x = veorq_u8(x, vld1q_u8(keys));
    expect("aes back", &x, 16, "00112233445566778899aabbccddeeff");
}

// MARK: GHASH, of test case 2 of the GCM specification

static unsigned __int128 reversed(unsigned __int128 x) {
    uint64x2_t v = vreinterpretq_u64_u8(vrbitq_u8(vreinterpretq_u8_u64((uint64x2_t){(uint64_t)x, (uint64_t)(x >> 64)})));
    return (unsigned __int128)v[1] << 64 | v[0];
}
static unsigned __int128 product(uint64_t a, uint64_t b) {
    poly128_t p = vmull_p64(a, b);
    uint64x2_t v = vreinterpretq_u64_p128(p);
    return (unsigned __int128)v[1] << 64 | v[0];
}
static unsigned __int128 high_product(unsigned __int128 a, unsigned __int128 b) {
    poly64x2_t x = {(uint64_t)a, (uint64_t)(a >> 64)}, y = {(uint64_t)b, (uint64_t)(b >> 64)};
    uint64x2_t v = vreinterpretq_u64_p128(vmull_high_p64(x, y));
    return (unsigned __int128)v[1] << 64 | v[0];
}
// Modulo x^128 + x^7 + x^2 + x + 1; bit i is the coefficient of x^i.
static unsigned __int128 field_product(unsigned __int128 a, unsigned __int128 b) {
    unsigned __int128 low = product((uint64_t)a, (uint64_t)b), high = high_product(a, b);
    unsigned __int128 middle = product((uint64_t)a, (uint64_t)(b >> 64)) ^ product((uint64_t)(a >> 64), (uint64_t)b);
    low ^= middle << 64;
    high ^= middle >> 64;
    unsigned __int128 top = product((uint64_t)(high >> 64), 0x87);
    high ^= top >> 64;
    return low ^ top << 64 ^ product((uint64_t)high, 0x87);
}
static void ghash(void) {
    static const uint8_t h[16] = {0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e};
    static const uint8_t c[16] = {0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78};
    static const uint8_t lengths[16] = {[15] = 0x80};
    unsigned __int128 key, block, y = 0;
    memcpy(&key, h, 16);
    key = reversed(key);
    const uint8_t *blocks[] = {c, lengths};
    for (int i = 0; i < 2; i++) {
        memcpy(&block, blocks[i], 16);
        y = field_product(y ^ reversed(block), key);
    }
    y = reversed(y);
    expect("ghash", &y, 16, "f38cbb1ad69223dcc3457ae5b6b0f885");
}

// MARK: Hashes of "abc"

// One padded block of `size` bytes.
static void pad(uint8_t *block, int size) {
    memset(block, 0, size);
    memcpy(block, "abc\x80", 4);
    block[size - 1] = 24;
}

static void sha1(void) {
    uint8_t bytes[64];
    uint32_t w[16], out[5];
    pad(bytes, 64);
    memcpy(w, bytes, 64);
    for (int i = 0; i < 16; i++) w[i] = swap32(w[i]);
    static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32x4_t abcd = vld1q_u32(start), schedule[4];
    uint32_t e = start[4];
    for (int i = 0; i < 4; i++) schedule[i] = vld1q_u32(w + 4 * i);
    for (int i = 0; i < 20; i++) {
        uint32x4_t sum = vaddq_u32(schedule[0], vdupq_n_u32(constants[i / 5]));
        uint32_t next = vsha1h_u32(vgetq_lane_u32(abcd, 0));
        abcd = i / 5 == 0 ? vsha1cq_u32(abcd, e, sum) : i / 5 == 2 ? vsha1mq_u32(abcd, e, sum) : vsha1pq_u32(abcd, e, sum);
        e = next;
        uint32x4_t fresh = vsha1su1q_u32(vsha1su0q_u32(schedule[0], schedule[1], schedule[2]), schedule[3]);
        schedule[0] = schedule[1], schedule[1] = schedule[2], schedule[2] = schedule[3], schedule[3] = fresh;
    }
    vst1q_u32(out, vaddq_u32(abcd, vld1q_u32(start)));
    out[4] = e + start[4];
    for (int i = 0; i < 5; i++) out[i] = swap32(out[i]);
    expect("sha1", out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static uint64_t primes[80];
static void find_primes(void) {
    int count = 0;
    for (int n = 2; count < 80; n++) {
        int is_prime = 1;
        for (int d = 2; d * d <= n; d++) is_prime &= n % d != 0;
        if (is_prime) primes[count++] = (uint64_t)n;
    }
}
// The first 64 bits behind the point of the root of degree 2 or 3 of n.
static uint64_t root_fraction(uint64_t n, int degree) {
    uint64_t whole = 1, low = 0;
    while (degree == 2 ? (whole + 1) * (whole + 1) <= n : (whole + 1) * (whole + 1) * (whole + 1) <= n) whole++;
    // Bit by bit, in numbers of 5 words of 64 bits, of which the last four (three) are fraction.
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t trial = low | 1ull << bit, x[5] = {trial, whole}, p[5] = {trial, whole};
        int size = 2;
        for (int k = 1; k < degree; k++) {
            uint64_t r[5] = {0};
            for (int i = 0; i < size; i++) {
                unsigned __int128 carry = 0;
                for (int j = 0; j < 2 && i + j < 5; j++) {
                    carry += (unsigned __int128)p[i] * x[j] + r[i + j];
                    r[i + j] = (uint64_t)carry;
                    carry >>= 64;
                }
                for (int j = i + 2; j < 5 && carry; j++) {
                    carry += r[j];
                    r[j] = (uint64_t)carry;
                    carry >>= 64;
                }
            }
            memcpy(p, r, sizeof p);
            size++;
        }
        // Behind `degree` words of fraction stands the whole part.
        if (p[degree] < n) low = trial;
    }
    return low;
}

static void sha256(void) {
    uint8_t bytes[64];
    uint32_t w[16], k[64], start[8], out[8];
    pad(bytes, 64);
    memcpy(w, bytes, 64);
    for (int i = 0; i < 16; i++) w[i] = swap32(w[i]);
    for (int i = 0; i < 64; i++) k[i] = (uint32_t)(root_fraction(primes[i], 3) >> 32);
    for (int i = 0; i < 8; i++) start[i] = (uint32_t)(root_fraction(primes[i], 2) >> 32);
    uint32x4_t abcd = vld1q_u32(start), efgh = vld1q_u32(start + 4), schedule[4];
    for (int i = 0; i < 4; i++) schedule[i] = vld1q_u32(w + 4 * i);
    for (int i = 0; i < 16; i++) {
        uint32x4_t sum = vaddq_u32(schedule[0], vld1q_u32(k + 4 * i)), old = abcd;
        abcd = vsha256hq_u32(abcd, efgh, sum);
        efgh = vsha256h2q_u32(efgh, old, sum);
        uint32x4_t fresh = vsha256su1q_u32(vsha256su0q_u32(schedule[0], schedule[1]), schedule[2], schedule[3]);
        schedule[0] = schedule[1], schedule[1] = schedule[2], schedule[2] = schedule[3], schedule[3] = fresh;
    }
    vst1q_u32(out, vaddq_u32(abcd, vld1q_u32(start)));
    vst1q_u32(out + 4, vaddq_u32(efgh, vld1q_u32(start + 4)));
    for (int i = 0; i < 8; i++) out[i] = swap32(out[i]);
    expect("sha256", out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void sha512(void) {
    uint8_t bytes[128];
    uint64_t w[16], k[80], start[8], out[8];
    pad(bytes, 128);
    memcpy(w, bytes, 128);
    for (int i = 0; i < 16; i++) w[i] = swap64(w[i]);
    for (int i = 0; i < 80; i++) k[i] = root_fraction(primes[i], 3);
    for (int i = 0; i < 8; i++) start[i] = root_fraction(primes[i], 2);
    uint64x2_t s[8], ab = vld1q_u64(start), cd = vld1q_u64(start + 2), ef = vld1q_u64(start + 4), gh = vld1q_u64(start + 6);
    for (int i = 0; i < 8; i++) s[i] = vld1q_u64(w + 2 * i);
    for (int i = 0; i < 40; i++) {
        uint64x2_t sum = vaddq_u64(s[0], vld1q_u64(k + 2 * i));
        sum = vaddq_u64(vextq_u64(sum, sum, 1), gh);
        uint64x2_t t = vsha512hq_u64(sum, vextq_u64(ef, gh, 1), vextq_u64(cd, ef, 1));
        uint64x2_t new_ab = vsha512h2q_u64(t, cd, ab);
        gh = ef;
        ef = vaddq_u64(cd, t);
        cd = ab;
        ab = new_ab;
        uint64x2_t fresh = vsha512su1q_u64(vsha512su0q_u64(s[0], s[1]), s[7], vextq_u64(s[4], s[5], 1));
        memmove(s, s + 1, sizeof s - sizeof s[0]);
        s[7] = fresh;
    }
    vst1q_u64(out, vaddq_u64(ab, vld1q_u64(start)));
    vst1q_u64(out + 2, vaddq_u64(cd, vld1q_u64(start + 2)));
    vst1q_u64(out + 4, vaddq_u64(ef, vld1q_u64(start + 4)));
    vst1q_u64(out + 6, vaddq_u64(gh, vld1q_u64(start + 6)));
    for (int i = 0; i < 8; i++) out[i] = swap64(out[i]);
    expect("sha512", out, 64,
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

// XAR rotates by an immediate: one case for each rotation of Keccak.
static uint64x2_t xor_rotated(uint64x2_t a, uint64x2_t b, int left) {
    switch (left) {
#define ROTATION(n) case n: return vxarq_u64(a, b, (64 - n) & 63);
        ROTATION(0) ROTATION(1) ROTATION(62) ROTATION(28) ROTATION(27) ROTATION(36) ROTATION(44) ROTATION(6) ROTATION(55)
        ROTATION(20) ROTATION(3) ROTATION(10) ROTATION(43) ROTATION(25) ROTATION(39) ROTATION(41) ROTATION(45) ROTATION(15)
        ROTATION(21) ROTATION(8) ROTATION(18) ROTATION(2) ROTATION(61) ROTATION(56) ROTATION(14)
    }
    return a;
}
static void sha3(void) {
    static const int rotations[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3, 10, 43,
                                      25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
    uint8_t bytes[200] = "abc\x06";
    bytes[135] = 0x80;
    uint64x2_t a[25], b[25], c[5];
    for (int i = 0; i < 25; i++) {
        uint64_t lane;
        memcpy(&lane, bytes + 8 * i, 8);
        a[i] = vdupq_n_u64(lane);
    }
    uint8_t feedback = 1;
    for (int round = 0; round < 24; round++) {
        uint64_t constant = 0;
        for (int j = 0; j < 7; j++) {
            if (feedback & 1) constant |= 1ull << ((1 << j) - 1);
            feedback = (uint8_t)(feedback << 1 ^ (feedback >> 7) * 0x71);
        }
        for (int x = 0; x < 5; x++) c[x] = veor3q_u64(veor3q_u64(a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]);
        for (int x = 0; x < 5; x++) {
            uint64x2_t d = vrax1q_u64(c[(x + 4) % 5], c[(x + 1) % 5]);
            for (int y = 0; y < 5; y++) b[y + 5 * ((2 * x + 3 * y) % 5)] = xor_rotated(a[x + 5 * y], d, rotations[x + 5 * y]);
        }
        for (int y = 0; y < 25; y += 5) {
            for (int x = 0; x < 5; x++) a[x + y] = vbcaxq_u64(b[x + y], b[(x + 2) % 5 + y], b[(x + 1) % 5 + y]);
        }
        a[0] = veorq_u64(a[0], vdupq_n_u64(constant));
    }
    uint64_t out[4];
    for (int i = 0; i < 4; i++) out[i] = vgetq_lane_u64(a[i], 0);
    expect("sha3-256", out, 32, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}

static uint32x4_t reversed_words(uint32x4_t x) {
    x = vrev64q_u32(x);
    return vextq_u32(x, x, 2);
}
static void sm3(void) {
    uint8_t bytes[64];
    uint32_t w[68], out[8];
    pad(bytes, 64);
    memcpy(w, bytes, 64);
    for (int i = 0; i < 16; i++) w[i] = swap32(w[i]);
    for (int i = 16; i < 68; i += 4) {
        uint32x4_t d = vsm3partw1q_u32(vld1q_u32(w + i - 16), vld1q_u32(w + i - 9), vld1q_u32(w + i - 4));
        // The words rotated by 7 are those 13 back, the others those 6 back.
        vst1q_u32(w + i, vsm3partw2q_u32(d, vld1q_u32(w + i - 6), vld1q_u32(w + i - 13)));
    }
    static const uint32_t start[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
    uint32x4_t abcd = reversed_words(vld1q_u32(start)), efgh = reversed_words(vld1q_u32(start + 4));
    for (int i = 0; i < 64; i++) {
        uint32x4_t t = vdupq_n_u32(rol(i < 16 ? 0x79cc4519 : 0x7a879d8a, (unsigned)i)), ss1 = vsm3ss1q_u32(abcd, efgh, t);
        uint32x4_t prime = vdupq_n_u32(w[i] ^ w[i + 4]), plain = vdupq_n_u32(w[i]);
        if (i < 16) {
            abcd = vsm3tt1aq_u32(abcd, ss1, prime, 1);
            efgh = vsm3tt2aq_u32(efgh, ss1, plain, 2);
        } else {
            abcd = vsm3tt1bq_u32(abcd, ss1, prime, 3);
            efgh = vsm3tt2bq_u32(efgh, ss1, plain, 0);
        }
    }
    vst1q_u32(out, veorq_u32(reversed_words(abcd), vld1q_u32(start)));
    vst1q_u32(out + 4, veorq_u32(reversed_words(efgh), vld1q_u32(start + 4)));
    for (int i = 0; i < 8; i++) out[i] = swap32(out[i]);
    expect("sm3", out, 32, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

static void sm4(void) {
    static const uint32_t text[4] = {0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210};
    static const uint32_t family[4] = {0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc};
    uint32x4_t keys[8], k = veorq_u32(vld1q_u32(text), vld1q_u32(family)), x = vld1q_u32(text);
    for (int i = 0; i < 8; i++) {
        uint32_t constants[4];
        for (int j = 0; j < 4; j++) {
            uint32_t first = (uint32_t)(4 * i + j) * 4;
            constants[j] = 0;
            for (uint32_t n = 0; n < 4; n++) constants[j] = constants[j] << 8 | ((first + n) * 7 & 0xff);
        }
        keys[i] = k = vsm4ekeyq_u32(k, vld1q_u32(constants));
    }
    for (int i = 0; i < 8; i++) x = vsm4eq_u32(x, keys[i]);
    uint32_t out[4];
    vst1q_u32(out, reversed_words(x));
    for (int i = 0; i < 4; i++) out[i] = swap32(out[i]);
    expect("sm4", out, 16, "681edf34d206965e86b3e94f536e4246");
}

int main(void) {
    unsigned long wanted = HWCAP_AES | HWCAP_PMULL | HWCAP_SHA1 | HWCAP_SHA2 | HWCAP_ASIMDRDM | HWCAP_SHA3 | HWCAP_SM3 | HWCAP_SM4 |
        HWCAP_ASIMDDP | HWCAP_SHA512;
    printf("hwcap %lx hwcap2 %lx\n", getauxval(AT_HWCAP) & wanted, getauxval(AT_HWCAP2) & HWCAP2_I8MM);
    uint64_t isar0, isar1;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    __asm__("mrs %0, id_aa64isar1_el1" : "=r"(isar1));
    printf("isar0 %lx isar1 %lx\n", isar0 & 0xfffff000fff0, isar1 & 0xf0000000000000);
    find_primes();
    aes();
    ghash();
    sha1();
    sha256();
    sha512();
    sha3();
    sm3();
    sm4();
    return 0;
}
