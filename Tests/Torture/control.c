// Control flow: setjmp, computed goto, dense and sparse switches, state machines; and bit-fields.
#include "torture.h"
#include <setjmp.h>

static jmp_buf outer, inner;
NOINLINE static void climb(int n, double kept) {
    double local = kept * n;
    if (n == 0) longjmp(inner, 7);
    climb(n - 1, kept + 1);
    mix_double(local);
}
static void jumps(void) {
    volatile int rounds = 0;
    volatile double d = 1.25;
    int value = setjmp(outer);
    mix((uint64_t)value);
    if (value < 5) {
        rounds++, d *= 1.5;
        int second = setjmp(inner);
        if (second == 0) climb(20 + value, d);
        mix((uint64_t)second);
        longjmp(outer, value + 1);
    }
    mix((uint64_t)rounds), mix_double(d);
    section("setjmp");
}

// A machine of 16 instructions, by computed goto and by switch.
static const uint8_t program[] = {
    1, 200, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3, 11, 12, 13, 4, 5, 14, 1, 6, 2, 10, 5, 0, 15,
};
NOINLINE static uint64_t by_goto(uint64_t a, uint64_t b) {
    static const void *const labels[] = {&&l0, &&l1, &&l2, &&l3, &&l4, &&l5, &&l6, &&l7, &&l8, &&l9, &&l10, &&l11, &&l12, &&l13, &&l14, &&l15};
    const uint8_t *at = program;
    int rounds = 0;
#define NEXT goto *labels[*at++ & 15]
    NEXT;
l0: a ^= b; NEXT;
l1: a += *at++; NEXT;
l2: b = b * 5 + 1; NEXT;
l3: { uint64_t t = a; a = b; b = t; } NEXT;
l4: a = a << 3 | a >> 61; NEXT;
l5: b -= a; NEXT;
l6: if (a & 1) b++; NEXT;
l7: a *= 0x10001; NEXT;
l8: b = ~b; NEXT;
l9: a = (a >> 32) * (uint32_t)b; NEXT;
l10: b |= a >> 60; NEXT;
l11: a = a % 1000003 + b; NEXT;
l12: b = __builtin_bswap64(b); NEXT;
l13: a += (uint64_t)__builtin_popcountll(b); NEXT;
l14: if (b > a) b -= a; NEXT;
l15: if (++rounds < 2000) { at = program; NEXT; }
    return a * 31 + b;
}
NOINLINE static uint64_t by_switch(uint64_t a, uint64_t b) {
    const uint8_t *at = program;
    int rounds = 0;
    for (;;) {
        switch (*at++) {
        case 0: a ^= b; break;
        case 1: a += *at++; break;
        case 2: b = b * 5 + 1; break;
        case 3: { uint64_t t = a; a = b; b = t; break; }
        case 4: a = a << 3 | a >> 61; break;
        case 5: b -= a; break;
        case 6: if (a & 1) b++; break;
        case 7: a *= 0x10001; break;
        case 8: b = ~b; break;
        case 9: a = (a >> 32) * (uint32_t)b; break;
        case 10: b |= a >> 60; break;
        case 11: a = a % 1000003 + b; break;
        case 12: b = __builtin_bswap64(b); break;
        case 13: a += (uint64_t)__builtin_popcountll(b); break;
        case 14: if (b > a) b -= a; break;
        case 15: if (++rounds < 2000) { at = program; break; } return a * 31 + b;
        }
    }
}
static void interpreters(void) {
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t x = by_goto(i, 99), y = by_switch(i, 99);
        CHECK(x == y);
        mix(x);
    }
    section("interpreters");
}

NOINLINE static int sparse(long n) {
    switch (n) {
    case -0x7fffffffffffffff: return 1;
    case -1000: return 2;
    case -1: return 3;
    case 0: return 4;
    case 1 ... 9: return 5;
    case 64: return 6;
    case 65: return 7;
    case 66: return 8;
    case 67: return 9;
    case 70: return 10;
    case 1L << 31: return 11;
    case 1L << 32: return 12;
    case 0x123456789abc: return 13;
    default: return n < 0 ? 14 : 15;
    }
}
NOINLINE static int dense(uint8_t c) {
    switch (c) {
    case ' ': case '\t': case '\n': return 1;
    case '0' ... '9': return 2;
    case 'a' ... 'f': return 3;
    case 'g' ... 'z': return 4;
    case 'A' ... 'Z': return 5;
    case '+': return 6;
    case '-': return 7;
    case '*': return 8;
    case '/': return 9;
    case '(': return 10;
    case ')': return 11;
    case 0x80 ... 0xff: return 12;
    default: return 0;
    }
}
static void switches(void) {
    static const long probes[] = {-0x7fffffffffffffff, -1000, -999, -1, 0, 1, 5, 9, 10, 63, 64, 65, 66, 67, 68, 70, 1L << 31, (1L << 31) + 1, 1L << 32, 0x123456789abc, 0x7fffffffffffffff};
    for (int i = 0; i < COUNT(probes); i++) mix((uint64_t)sparse(probes[i]));
    for (int i = 0; i < 256; i++) mix((uint64_t)dense((uint8_t)i));
    section("switches");
}

// A recursive-descent calculator.
static const char *text;
static long expression(void);
static long factor(void) {
    if (*text == '-') return text++, -factor();
    if (*text == '(') {
        text++;
        long value = expression();
        CHECK(*text == ')');
        text++;
        return value;
    }
    long value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + *text++ - '0';
    return value;
}
static long term(void) {
    long value = factor();
    for (;;) {
        if (*text == '*') text++, value *= factor();
        else if (*text == '/') { text++; long d = factor(); value = d ? value / d : 0; }
        else if (*text == '%') { text++; long d = factor(); value = d ? value % d : 0; }
        else return value;
    }
}
static long expression(void) {
    long value = term();
    for (;;) {
        if (*text == '+') text++, value += term();
        else if (*text == '-') text++, value -= term();
        else return value;
    }
}
static void parsing(void) {
    static const char *const texts[] = {"1+2*3", "(1+2)*3", "-(4-9)*-2", "100/7%5", "2*(3+(4-(5-(6*7))))", "1000000007*998244353%65537-12/(5-5)", "((((((((8))))))))*-1"};
    for (int i = 0; i < COUNT(texts); i++) text = texts[i], mix((uint64_t)expression());
    section("parser");
}

struct fields {
    unsigned a : 1, b : 7, c : 13;
    int d : 11;
    uint64_t e : 37;
    int64_t f : 27;
    unsigned : 0;
    signed g : 3;
    uint8_t h : 5;
    uint16_t i : 9;
    long j;
    int k : 32;
    uint64_t l : 64;
};
struct __attribute__((packed)) tight {
    uint8_t a : 3;
    uint32_t b : 21;
    int64_t c : 40;
    uint64_t d : 59;
    int e : 5;
    uint16_t f;
};
static void bit_fields(void) {
    struct fields s = {0};
    struct tight t = {0};
    for (int n = 0; n < 300; n++) {
        uint64_t r = next_random();
        s.a += (unsigned)r & 1, s.b ^= (unsigned)(r >> 3) & 127, s.c += (unsigned)(r >> 7) & 0x1fff, s.d = (int)(r >> 50) & 0x3ff, s.e = s.e * 3 + r;
        s.f = (int64_t)(s.e >> 11), s.g = (int)(r & 7) - 4, s.h++, s.i |= (uint16_t)(r >> 20) & 511, s.i >>= 1, s.j += s.f, s.k -= s.d, s.l = s.l << 1 ^ r;
        t.a++, t.b += (uint32_t)r & 0xffff, t.c -= (int64_t)(r & 0xffffff), t.d = t.d * 5 + r, t.e = (int)(r >> 60) - 8, t.f ^= (uint16_t)t.d;
        if (s.d > 0 && s.g < 0) mix(s.e);
        if (t.e == -1 || t.c < -5) mix(t.d);
        mix(s.a | s.b << 1), mix(s.c), mix((uint64_t)s.d), mix(s.e), mix((uint64_t)s.f), mix((uint64_t)s.g), mix(s.h), mix(s.i), mix((uint64_t)s.j), mix((uint64_t)s.k), mix(s.l);
        mix(t.a), mix(t.b), mix((uint64_t)t.c), mix(t.d), mix((uint64_t)t.e), mix(t.f);
    }
    mix(sizeof(struct fields)), mix(sizeof(struct tight));
    section("bit-fields");
}

int main(void) {
    jumps();
    interpreters();
    switches();
    parsing();
    bit_fields();
}
