// Integer and bit arithmetic in every width over edge values and random ones, 128-bit arithmetic, struct copies, switches. Output is
// one checksum per operation, so that a difference names the operation.
#include "check.h"
#include <limits.h>
#include <stdint.h>
#include <string.h>

static uint64_t checksum;
static void mix(uint64_t value) { checksum = (checksum << 7 | checksum >> 57) * 0x9e3779b97f4a7c15u + value; }
static void end(const char *name) {
    printf("%-12s %016lx\n", name, checksum);
    checksum = 0;
}

static uint64_t values[64];
static int value_count;
static void fill(void) {
    static const uint64_t edges[] = {
        0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffffe,
        0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef, 0xffffffff00000000,
    };
    for (unsigned i = 0; i < sizeof edges / sizeof edges[0]; i++) values[value_count++] = edges[i];
    uint64_t state = 5;
    while (value_count < 48) values[value_count++] = next_random(&state);
}

#define PAIRS(T, name, expression)                                                                                     \
    for (int i = 0; i < value_count; i++)                                                                              \
        for (int j = 0; j < value_count; j++) {                                                                        \
            volatile T va = (T)values[i], vb = (T)values[j];                                                           \
            T a = va, b = vb;                                                                                          \
            (void)a, (void)b;                                                                                          \
            mix((uint64_t)(expression));                                                                               \
        }                                                                                                              \
    end(name);

#define INTEGER_TESTS(T, U, bits, name)                                                                                \
    PAIRS(T, name " +", (U)a + (U)b)                                                                                   \
    PAIRS(T, name " -", (U)a - (U)b)                                                                                   \
    PAIRS(T, name " *", (U)((U)a * (uint64_t)(U)b))                                                                    \
    PAIRS(T, name " /", b == 0 || (a == (T)((U)1 << (bits - 1)) && b == (T)-1) ? 0 : a / b)                            \
    PAIRS(T, name " %", b == 0 || (a == (T)((U)1 << (bits - 1)) && b == (T)-1) ? 0 : a % b)                            \
    PAIRS(T, name " <<", (U)((U)a << ((U)b % bits)))                                                                   \
    PAIRS(T, name " >>", a >> ((U)b % bits))                                                                           \
    PAIRS(T, name " logic", (a & b) ^ (a | ~b) ^ (T)(~a ^ b))                                                          \
    PAIRS(T, name " cmp", (a < b) | (a <= b) << 1 | (a == b) << 2 | (a > b ? 8 : 16))                                  \
    PAIRS(T, name " rotate", (U)((U)a << ((U)b % bits) | (U)a >> (-(U)b % bits)))

#define OVERFLOW_TESTS(T, name)                                                                                        \
    PAIRS(T, name " ovf+", ({ T r; bool o = __builtin_add_overflow(a, b, &r); (uint64_t)r * 2 + o; }))                 \
    PAIRS(T, name " ovf-", ({ T r; bool o = __builtin_sub_overflow(a, b, &r); (uint64_t)r * 2 + o; }))                 \
    PAIRS(T, name " ovf*", ({ T r; bool o = __builtin_mul_overflow(a, b, &r); (uint64_t)r * 2 + o; }))

#include <stdbool.h>

static void widths(void) {
    INTEGER_TESTS(int8_t, uint8_t, 8, "i8")
    INTEGER_TESTS(uint8_t, uint8_t, 8, "u8")
    INTEGER_TESTS(int16_t, uint16_t, 16, "i16")
    INTEGER_TESTS(uint16_t, uint16_t, 16, "u16")
    INTEGER_TESTS(int32_t, uint32_t, 32, "i32")
    INTEGER_TESTS(uint32_t, uint32_t, 32, "u32")
    INTEGER_TESTS(int64_t, uint64_t, 64, "i64")
    INTEGER_TESTS(uint64_t, uint64_t, 64, "u64")
    OVERFLOW_TESTS(int32_t, "i32")
    OVERFLOW_TESTS(uint32_t, "u32")
    OVERFLOW_TESTS(int64_t, "i64")
    OVERFLOW_TESTS(uint64_t, "u64")
}

static void bits(void) {
    PAIRS(uint64_t, "clz", a == 0 ? 64 : __builtin_clzl(a))
    PAIRS(uint64_t, "ctz", a == 0 ? 64 : __builtin_ctzl(a))
    PAIRS(uint32_t, "clz32", a == 0 ? 32 : __builtin_clz(a))
    PAIRS(int64_t, "clrsb", __builtin_clrsbl(a))
    PAIRS(uint64_t, "popcount", __builtin_popcountl(a ^ b))
    PAIRS(uint64_t, "bswap", __builtin_bswap64(a) ^ __builtin_bswap32((uint32_t)b) ^ __builtin_bswap16((uint16_t)a))
    PAIRS(uint64_t, "rbit", ({ uint64_t r; __asm__("rbit %0, %1" : "=r"(r) : "r"(a)); r; }))
    PAIRS(uint64_t, "extr", ({ uint64_t r; __asm__("extr %0, %1, %2, #13" : "=r"(r) : "r"(a), "r"(b)); r; }))
    PAIRS(uint64_t, "udiv", ({ uint64_t r; __asm__("udiv %0, %1, %2" : "=r"(r) : "r"(a), "r"(b)); r; }))
    PAIRS(uint64_t, "sdiv", ({ uint64_t r; __asm__("sdiv %0, %1, %2" : "=r"(r) : "r"(a), "r"(b)); r; }))
    PAIRS(uint32_t, "sdiv32", ({ uint32_t r; __asm__("sdiv %w0, %w1, %w2" : "=r"(r) : "r"(a), "r"(b)); r; }))
    PAIRS(uint64_t, "flags", ({
              uint64_t n;
              __asm__("cmp %1, %2\n ccmn %1, %2, #5, hi\n ccmp %1, #3, #9, lt\n mrs %0, nzcv" : "=r"(n) : "r"(a), "r"(b) : "cc");
              n;
          }))
    PAIRS(uint64_t, "carry", ({
              uint64_t low, high;
              __asm__("adds %0, %2, %3\n adcs %1, %3, xzr\n sbc %1, %1, %2\n ngc %0, %0" : "=&r"(low), "=&r"(high) : "r"(a), "r"(b) : "cc");
              low ^ high;
          }))
    PAIRS(uint64_t, "fields", ({
              struct { uint64_t x : 13; int64_t y : 27; uint64_t z : 24; } s;
              s.x = a;
              s.y = (int64_t)b;
              s.z = a >> 40;
              s.x + (uint64_t)s.y * 3 + s.z * 5;
          }))
}

static void wide(void) {
    typedef unsigned __int128 u128;
    typedef __int128 i128;
    u128 state = 1;
    for (int i = 0; i < value_count; i++)
        for (int j = 0; j < value_count; j++) {
            volatile uint64_t va = values[i], vb = values[j];
            u128 a = (u128)va << 64 | vb, b = (u128)vb << 32 | va;
            i128 sa = (i128)a, sb = (i128)b;
            u128 r = a * b + (a >> (vb % 128)) - (b << (va % 128));
            if (b) r ^= a / b + a % b;
            if (sb && !(sb == -1)) r += (u128)(sa / sb) ^ (u128)(sa % sb);
            r += (sa < sb) + 2 * (a < b) + (u128)(sa >> (va % 127));
            state = state * 31 + r;
        }
    mix((uint64_t)state);
    mix((uint64_t)(state >> 64));
    end("128-bit");
}

struct small { char a; short b; int c; };
struct large { long words[37]; char tail[5]; struct small inner[3]; double d; };
static struct large __attribute__((noinline)) pass(struct large by_value, int index) {
    by_value.words[index] += by_value.inner[index % 3].c;
    by_value.tail[index % 5] ^= (char)index;
    by_value.d *= 1.5;
    return by_value;
}
static struct small __attribute__((noinline)) pass_small(struct small s, long a, long b, long c, long d, long e, long f, long g, long h, struct small t) {
    s.a = (char)(s.a + t.a + a + h);
    s.b = (short)(s.b * t.b + b + g);
    s.c ^= t.c + (int)(c * d + e * f);
    return s;
}
static void structs(void) {
    struct large l;
    memset(&l, 0, sizeof l);
    l.d = 1;
    for (int i = 0; i < 37; i++) {
        l.words[i] = i * i;
        l.inner[i % 3] = pass_small(l.inner[i % 3], i, 2, 3, 4, 5, 6, 7, 8, (struct small){(char)i, (short)(i + 1), i * 1000});
        l = pass(l, i);
    }
    for (int i = 0; i < 37; i++) mix((uint64_t)l.words[i]);
    for (int i = 0; i < 5; i++) mix((uint64_t)l.tail[i]);
    for (int i = 0; i < 3; i++) mix((uint64_t)(l.inner[i].a + l.inner[i].b + l.inner[i].c));
    mix((uint64_t)l.d);
    end("structs");
}

static uint64_t __attribute__((noinline)) choose(uint64_t n) {
    switch (n % 17) {
    case 0: return n + 1;
    case 1: return n * 3;
    case 2: return ~n;
    case 3: return n >> 3;
    case 4: return n ^ 0xff00ff;
    case 5: return n << 9;
    case 6: return n - 77;
    case 7: return n / 7;
    case 11: return n % 1001;
    case 12: return -n;
    case 13: return n | 1;
    default: return n & 0xfffffffffff;
    }
}
static uint64_t (*const functions[])(uint64_t) = {choose};
static void control(void) {
    uint64_t n = 12345;
    for (int i = 0; i < 50000; i++) {
        n = functions[0](n) + (uint64_t)i;
        if (i % 1000 == 0) mix(n);
    }
    end("switch");
    // Collatz: branches that are hard to predict and a long-running loop.
    uint64_t longest = 0, steps_of_longest = 0;
    for (uint64_t start = 1; start < 5000; start++) {
        uint64_t steps = 0;
        for (uint64_t x = start; x != 1; steps++) x = x & 1 ? 3 * x + 1 : x / 2;
        if (steps > steps_of_longest) longest = start, steps_of_longest = steps;
    }
    printf("collatz %lu %lu\n", longest, steps_of_longest);
}

int main(void) {
    fill();
    widths();
    bits();
    wide();
    structs();
    control();
    return 0;
}
