// Numbers wider than registers: __int128, and IEEE binary128 in software (long double on AArch64).
#include "torture.h"
#ifdef __x86_64__
typedef __float128 quad;
#else
typedef long double quad;
#endif
typedef __int128 wide;
typedef unsigned __int128 uwide;

static void mix_wide(uwide x) { mix((uint64_t)x), mix((uint64_t)(x >> 64)); }
static void mix_quad(quad x) {
    if (x == x) mix_bytes(&x, 16);
    else mix(0x7ff8);
}
static uwide values[40];

#define EACH(name, body)                                                                                               \
    for (int i = 0; i < COUNT(values); i++)                                                                            \
        for (int j = 0; j < COUNT(values); j++) {                                                                      \
            volatile uwide va = values[i], vb = values[j];                                                             \
            uwide a = va, b = vb;                                                                                      \
            wide s = (wide)a, t = (wide)b;                                                                             \
            (void)a, (void)b, (void)s, (void)t;                                                                        \
            body;                                                                                                      \
        }                                                                                                              \
    section(name);

static void integers(void) {
    EACH("128 + - *", mix_wide(a + b); mix_wide(a - b); mix_wide(a * b); mix_wide(-a))
    EACH("128 /", if (b) { mix_wide(a / b); mix_wide(a % b); } if (t && !(t == -1 && a == (uwide)1 << 127)) { mix_wide((uwide)(s / t)); mix_wide((uwide)(s % t)); })
    EACH("128 shifts", mix_wide(a << ((unsigned)b & 127)); mix_wide(a >> ((unsigned)b & 127)); mix_wide((uwide)(s >> ((unsigned)b & 127))))
    EACH("128 compare", mix((uint64_t)((a < b) | (a == b) << 1 | (s < t) << 2 | (s >= t) << 3 | (a > b) << 4)))
    EACH("128 overflow", wide r; uwide u; mix(__builtin_add_overflow(s, t, &r)); mix_wide((uwide)r); mix(__builtin_mul_overflow((int64_t)s, (int64_t)t, &r));
         mix(__builtin_sub_overflow(a, b, &u)); mix_wide(u); uint64_t v; mix(__builtin_mul_overflow((uint64_t)a, (uint64_t)b, &v)); mix(v))
    EACH("128 floats", mix_double((double)a); mix_double((double)s); mix_float((float)(s >> 8)); mix_float((float)(a >> 60)); double d = (double)(t >> 20);
         mix_wide((uwide)(wide)d); if (d > 0) mix_wide((uwide)d); mix_wide((uwide)(wide)(float)(t >> 64)))
    EACH("128 bits", mix((uint64_t)__builtin_popcountll((uint64_t)a) + (uint64_t)__builtin_popcountll((uint64_t)(a >> 64))); mix_wide((a & b) ^ (a | ~b));
         if ((uint64_t)a) mix((uint64_t)__builtin_clzll((uint64_t)a) + 100 * (uint64_t)__builtin_ctzll((uint64_t)a)); mix(__builtin_bswap64((uint64_t)b)); mix_wide(a << 1 | a >> 127))
}

static void quads(void) {
    quad x[24];
    x[0] = 0, x[1] = -x[0], x[2] = 1, x[3] = -1.5, x[4] = 1e300, x[5] = 1e-300, x[6] = (quad)1 / 3, x[7] = x[4] * x[4] * x[4], x[8] = x[5] / x[4];
    for (int i = 9; i < 24; i++) {
        volatile double d = (double)(int64_t)next_random() / 3e9;
        x[i] = (quad)d * (quad)(int64_t)next_random() / (quad)(int64_t)next_random();
    }
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 24; j++) {
            volatile quad va = x[i], vb = x[j];
            quad a = va, b = vb;
            mix_quad(a + b), mix_quad(a - b), mix_quad(a * b), mix_quad(b == 0 ? 1 : a / b);
            mix((uint64_t)((a < b) | (a == b) << 1 | (a >= b) << 2));
            mix_double((double)a), mix_float((float)b);
            if (a > -1e18 && a < 1e18) mix((uint64_t)(int64_t)a), mix((uint64_t)(int)(a / 1e12)), mix_wide((uwide)(wide)(a * 1e10));
            mix_quad((quad)(int64_t)values[i + j / 2 & 31]), mix_quad((quad)values[j]), mix_quad((quad)(float)(i - j) / 7);
        }
    section("binary128");
    // Digits of e, and a root by Newton's way.
    quad e = 1, part = 1, root = 1;
    for (int i = 1; i < 40; i++) part /= i, e += part;
    for (int i = 0; i < 12; i++) root = (root + 2 / root) / 2;
    mix_quad(e), mix_quad(root), mix_quad(root * root - 2);
    section("series");
}

// 1000 digits of pi with a spigot, and a factorial in limbs.
static void big(void) {
    static uint32_t limb[300];
    int used = 1;
    limb[0] = 1;
    for (uint32_t n = 2; n <= 500; n++) {
        uint64_t carry = 0;
        for (int i = 0; i < used; i++) carry += (uint64_t)limb[i] * n, limb[i] = (uint32_t)carry, carry >>= 32;
        if (carry) limb[used++] = (uint32_t)carry;
    }
    mix_bytes(limb, sizeof limb);
    int length = 700, a[700 * 10 / 3 + 2], nines = 0, held = 0;
    int cells = length * 10 / 3 + 1;
    for (int i = 0; i < cells; i++) a[i] = 2;
    for (int n = 0; n < length; n++) {
        int q = 0;
        for (int i = cells; i > 0; i--) {
            int x = 10 * a[i - 1] + q * i;
            a[i - 1] = x % (2 * i - 1);
            q = x / (2 * i - 1);
        }
        a[0] = q % 10;
        q /= 10;
        if (q == 9) nines++;
        else if (q == 10) { mix((uint64_t)held + 1); for (; nines; nines--) mix(0); held = 0; }
        else { mix((uint64_t)held); for (; nines; nines--) mix(9); held = q; }
    }
    section("big numbers");
}

int main(void) {
    static const uint64_t edges[] = {0, 1, 2, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 63, 10};
    for (int i = 0; i < COUNT(values); i++)
        values[i] = i < 16 ? (uwide)edges[i % 8] << (i / 8 * 64) | edges[i * 3 % 8] : ((uwide)next_random() << 64 | next_random()) >> (i * 5 % 128);
    integers();
    quads();
    big();
}
