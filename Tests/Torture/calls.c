// How arguments and results travel: structs of every size, homogeneous floating-point aggregates, variadic calls, function pointers.
#include "torture.h"
#include <stdarg.h>

#define SIZES(X) X(1) X(2) X(3) X(4) X(5) X(7) X(8) X(9) X(12) X(15) X(16) X(17) X(24) X(31) X(32) X(33) X(48) X(100)
#define SIZED(n)                                                                                                       \
    struct bytes##n {                                                                                                  \
        uint8_t b[n];                                                                                                  \
    };                                                                                                                 \
    NOINLINE static struct bytes##n change##n(struct bytes##n s, int by) {                                             \
        for (int i = 0; i < n; i++) s.b[i] = (uint8_t)(s.b[i] * 3 + by + i);                                           \
        return s;                                                                                                      \
    }                                                                                                                  \
    NOINLINE static struct bytes##n late##n(long a, double b, struct bytes##n s, char c, long d, long e, long f, long g, struct bytes##n t) { \
        struct bytes##n r = change##n(s, (int)(a + (long)b + c));                                                      \
        for (int i = 0; i < n; i++) r.b[i] ^= t.b[n - 1 - i];                                                          \
        r.b[0] += (uint8_t)(d + 2 * e + 3 * f + 4 * g);                                                                \
        return r;                                                                                                      \
    }
SIZES(SIZED)

static void sizes(void) {
#define USE(n)                                                                                                         \
    {                                                                                                                  \
        struct bytes##n s, t;                                                                                          \
        for (int i = 0; i < n; i++) s.b[i] = (uint8_t)next_random(), t.b[i] = (uint8_t)next_random();                  \
        struct bytes##n (*volatile f)(struct bytes##n, int) = change##n;                                               \
        struct bytes##n r = late##n(1, 2.5, f(s, n), 'x', 4, 5, 6, 7, t);                                              \
        mix_bytes(&r, sizeof r);                                                                                       \
    }
    SIZES(USE)
    section("struct sizes");
}

struct f1 { float a; };
struct f2 { float a, b; };
struct f3 { float a, b, c; };
struct f4 { float a[4]; };
struct f5 { float a[5]; };
struct d2 { double a, b; };
struct d4 { double a, b, c, d; };
struct nested { struct d2 x; struct { double y; } z[2]; };
struct mixed { float a; int b; double c; char d; };
struct tail { char a; short b; long c; float d; };
union either { double d; uint64_t u; };

NOINLINE static struct f3 hfa(struct f1 a, struct f2 b, struct f3 c, struct f4 d, struct f5 e) {
    struct f3 r = {a.a + b.b, c.c * d.a[3], e.a[4] - b.a};
    return r;
}
NOINLINE static struct d4 hfa_d(struct d2 a, struct nested b, struct d4 c, struct d2 spilled) {
    struct d4 r = {a.a + c.d, b.x.b * b.z[1].y, b.z[0].y / c.a, spilled.a - spilled.b};
    return r;
}
NOINLINE static struct mixed mixture(struct mixed a, union either b, struct tail c, struct f5 d, int e) {
    struct mixed r = {a.a * 2 + d.a[1], a.b + e + c.b, b.d + (double)c.c + c.d, (char)(a.d ^ c.a)};
    return r;
}
static void aggregates(void) {
    for (int i = 1; i < 40; i++) {
        float x = (float)i / 4;
        struct f3 r = hfa((struct f1){x}, (struct f2){x + 1, x + 2}, (struct f3){x, x, x * 3}, (struct f4){{1, 2, 3, x}}, (struct f5){{x, x, x, x, 9 - x}});
        mix_float(r.a), mix_float(r.b), mix_float(r.c);
        struct d4 s = hfa_d((struct d2){x, -x}, (struct nested){{x, x * x}, {{x + 5}, {x - 5}}}, (struct d4){x, 1, 2, x * 8}, (struct d2){x / 2, 3});
        mix_double(s.a), mix_double(s.b), mix_double(s.c), mix_double(s.d);
        struct mixed m = mixture((struct mixed){x, i, x, 'q'}, (union either){.d = x}, (struct tail){'z', (short)-i, 1L << i, x}, (struct f5){{x, x + 1, 0, 0, 0}}, i * i);
        mix_float(m.a), mix((uint64_t)m.b), mix_double(m.c), mix((uint64_t)m.d);
    }
    section("aggregates");
}

NOINLINE static void take(const char *kinds, ...) {
    va_list list, again;
    va_start(list, kinds);
    va_copy(again, list);
    for (int round = 0; round < 2; round++) {
        va_list *from = round ? &again : &list;
        for (const char *k = kinds; *k; k++) {
            switch (*k) {
            case 'i': mix((uint64_t)va_arg(*from, int)); break;
            case 'l': mix((uint64_t)va_arg(*from, long)); break;
            case 'd': mix_double(va_arg(*from, double)); break;
            case 'p': mix((uint64_t)*va_arg(*from, int *)); break;
            case '1': { struct f1 s = va_arg(*from, struct f1); mix_float(s.a); break; }
            case '4': { struct f4 s = va_arg(*from, struct f4); mix_float(s.a[0]), mix_float(s.a[3]); break; }
            case '2': { struct d2 s = va_arg(*from, struct d2); mix_double(s.a), mix_double(s.b); break; }
            case 'm': { struct mixed s = va_arg(*from, struct mixed); mix_float(s.a), mix((uint64_t)s.b), mix_double(s.c); break; }
            case 'b': { struct bytes3 s = va_arg(*from, struct bytes3); mix_bytes(&s, 3); break; }
            case 'B': { struct bytes33 s = va_arg(*from, struct bytes33); mix_bytes(&s, 33); break; }
            case 'w': { __int128 w = va_arg(*from, __int128); mix((uint64_t)w), mix((uint64_t)(w >> 64)); break; }
            default: printf("failed: kind %c\n", *k);
            }
        }
    }
    va_end(list);
    va_end(again);
}
static void variadic(void) {
    int n = 77;
    struct f1 f = {1.5f};
    struct f4 q = {{1, 2, 3, 4}};
    struct d2 d = {0.1, -0.2};
    struct mixed m = {1, 2, 3, 4};
    struct bytes3 b = {{9, 8, 7}};
    struct bytes33 big;
    memset(&big, 0x5a, sizeof big);
    take("i", 1);
    take("ililililili", 1, 2L, 3, 4L, 5, 6L, 7, 8L, 9, 10L, 11);
    take("ddddddddddd", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0);
    take("idlpd1i4d2imbBw", 1, 2.5, 3L, &n, 4.5, f, 5, q, 6.5, d, 6, m, b, big, (__int128)-5 << 70);
    take("iiiiiiiwiwmbmb", 1, 2, 3, 4, 5, 6, 7, (__int128)1 << 100, 8, (__int128)-1, m, b, m, b);
    take("2222222244", d, d, d, d, d, d, d, d, q, q);
    char text[400];
    int length = snprintf(text, sizeof text, "%d %ld %g %s %c %x %5.3f %-8s| %e %a %%", -5, 1L << 40, 0.1, "text", 'c', 0xbeef, 3.14159, "left", 1e300, 1.5);
    mix_bytes(text, (size_t)length);
    section("variadic");
}

typedef long (*binary)(long, long);
static long f_add(long a, long b) { return a + b; }
static long f_sub(long a, long b) { return a - b; }
static long f_mul(long a, long b) { return (long)((unsigned long)a * (unsigned long)b); }
static long f_min(long a, long b) { return a < b ? a : b; }
NOINLINE static binary pick(unsigned n) {
    static const binary table[] = {f_add, f_sub, f_mul, f_min};
    return table[n % 4];
}
NOINLINE static long many(long a, long b, long c, long d, long e, long f, long g, long h, long i, short j, char k, int l, float m, double n, float o,
                          double p, float q, double r, float s, double t, float u, double v) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l
        + (long)(m + 2 * n + 3 * o + 4 * p + 5 * q + 6 * r + 7 * s + 8 * t + 9 * u + 10 * v);
}
static void pointers(void) {
    long x = 3;
    for (unsigned i = 0; i < 1000; i++) x = pick(i * 7 + (unsigned)x)(x, (long)i - 500);
    mix((uint64_t)x);
    mix((uint64_t)many(1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    section("function pointers");
}

NOINLINE static uint64_t ackermann(uint64_t m, uint64_t n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
NOINLINE static int odd(unsigned n);
NOINLINE static int even(unsigned n) { return n == 0 ? 1 : odd(n - 1); }
NOINLINE static int odd(unsigned n) { return n == 0 ? 0 : even(n - 1); }
NOINLINE static double deep(int n, double a, double b, struct d4 c) { return n == 0 ? a + b + c.d : deep(n - 1, b, a * 0.5 + n, (struct d4){c.b, c.c, c.d, c.a + n}); }
NOINLINE static uint64_t on_stack(int n) {
    uint32_t room[n + 1];
    for (int i = 0; i <= n; i++) room[i] = (uint32_t)(i * n);
    uint64_t sum = n > 0 ? on_stack(n - 1) : 1;
    for (int i = 0; i <= n; i++) sum = sum * 3 + room[i];
    return sum;
}
static void recursion(void) {
    mix(ackermann(2, 300)), mix(ackermann(3, 5));
    mix((uint64_t)even(5000)), mix((uint64_t)odd(777));
    mix_double(deep(500, 1, 2, (struct d4){1, 2, 3, 4}));
    mix(on_stack(200));
    section("recursion");
}

int main(void) {
    sizes();
    aggregates();
    variadic();
    pointers();
    recursion();
}
