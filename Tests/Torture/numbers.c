// Floating point in corners: every rounding mode, exception flags, conversions, comparisons, half precision; complex numbers.
#include "torture.h"
#include <complex.h>
#include <fenv.h>
#include <math.h>
#pragma STDC FENV_ACCESS ON

static const double doubles[] = {
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 0.1, -0.1, 1e10, -1e10, 1e300, -1e300, 1e-300, 4.9e-324, -4.9e-324, 2.2250738585072014e-308,
    2.2250738585072009e-308, 1.7976931348623157e308, INFINITY, -INFINITY, NAN, 2147483647.0, 2147483648.0, -2147483649.0, 4294967295.5, 9223372036854774784.0,
    9223372036854775808.0, 18446744073709549568.0, 18446744073709551616.0, 0.49999999999999994, 4503599627370495.5, 4503599627370497.5, 65504, 65520, 6e-8, 3.4028235e38,
    3.4028235677973366e38, 1.4e-45, 1.1754944e-38, 3.141592653589793,
};
static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
static int flags(void) {
    int raised = fetestexcept(FE_ALL_EXCEPT), bits = 0;
    bits |= !!(raised & FE_INVALID) | !!(raised & FE_DIVBYZERO) << 1 | !!(raised & FE_OVERFLOW) << 2 | !!(raised & FE_UNDERFLOW) << 3 | !!(raised & FE_INEXACT) << 4;
    feclearexcept(FE_ALL_EXCEPT);
    return bits;
}
#define D(x) ({ volatile double t_ = (x); (double)t_; })
#define F(x) ({ volatile float t_ = (x); (float)t_; })

static void arithmetic(void) {
    for (int m = 0; m < 4; m++) {
        fesetround(modes[m]);
        for (int i = 0; i < COUNT(doubles); i++)
            for (int j = 0; j < COUNT(doubles); j++) {
                volatile double a = doubles[i], b = doubles[j];
                volatile float c = (float)a, d = (float)b;
                feclearexcept(FE_ALL_EXCEPT);
#define STEP(mixer, x) mixer(x)
                STEP(mix_double, D(a + b)), STEP(mix_double, D(a - b)), STEP(mix_double, D(a * b)), STEP(mix_double, D(a / b));
                mix((uint64_t)(flags() & ~8));
                STEP(mix_float, F(c + d)), STEP(mix_float, F(c - d)), STEP(mix_float, F(c * d)), STEP(mix_float, F(c / d));
                mix((uint64_t)(flags() & ~8));
                STEP(mix_double, D(fma(a, b, 1.0))), STEP(mix_float, F(fmaf(c, d, -1.0f)));
                mix((uint64_t)((a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3 | (a > b) << 4 | (a >= b) << 5 | isunordered(a, b) << 6));
                mix((uint64_t)((c < d) | (c <= d) << 1 | (c == d) << 2 | isgreater(c, d) << 3 | islessgreater(c, d) << 4));
                // Compilers fold comparisons, and with them what they raise.
                flags();
            }
    }
    fesetround(FE_TONEAREST);
    section("arithmetic");
}

static void unary(void) {
    for (int m = 0; m < 4; m++) {
        fesetround(modes[m]);
        for (int i = 0; i < COUNT(doubles); i++) {
            volatile double a = doubles[i];
            volatile float c = (float)a;
            feclearexcept(FE_ALL_EXCEPT);
            mix_double(D(sqrt(a))), mix_float(F(sqrtf(c))), mix((uint64_t)flags());
            mix_double(D(rint(a))), mix_double(D(nearbyint(a))), mix_double(D(floor(a))), mix_double(D(ceil(a))), mix_double(D(trunc(a))), mix_double(D(round(a)));
            mix_float(F(rintf(c))), mix_float(F(floorf(c))), mix_float(F(ceilf(c))), mix_float(F(truncf(c))), mix_float(F(roundf(c)));
            mix_float(F((float)a)), mix_double(D((double)c));
            feclearexcept(FE_ALL_EXCEPT);
            if (fabs(a) < 2e9) mix((uint64_t)(int)a), mix((uint64_t)lrint(a)), mix((uint64_t)lround(a));
            if (a > -0.5 && a < 1.8e19) mix((uint64_t)a);
            if (fabs(a) < 9e18) mix((uint64_t)(int64_t)a), mix((uint64_t)(int64_t)c);
            mix((uint64_t)(flags() & ~16));
            int exponent = 0;
            if (isfinite(a)) mix_double(D(frexp(a, &exponent))), mix((uint64_t)exponent);
            mix_double(D(ldexp(a, -30))), mix_double(D(scalbn(a, 77))), mix_double(D(nextafter(a, 3))), mix_float(F(nextafterf(c, -3)));
            mix_double(D(fabs(a))), mix_double(D(copysign(a, -1))), mix_double(D(fmax(a, 1))), mix_double(D(fmin(a, -1))), mix_double(D(fdim(a, 2)));
            mix((uint64_t)(isnan(a) | isinf(a) * 2 & 2 | !!isfinite(a) << 2 | !!isnormal(a) << 3 | !!signbit(a) << 4 | (fpclassify(a) == FP_SUBNORMAL) << 5));
            if (isfinite(a)) mix_double(D(fmod(a, 0.7))), mix_double(D(remainder(a, 3)));
        }
    }
    fesetround(FE_TONEAREST);
    section("unary");
}

static void integers(void) {
    for (int m = 0; m < 4; m++) {
        fesetround(modes[m]);
        for (int i = 0; i < 400; i++) {
            uint64_t r = next_random() >> (i % 64);
            volatile int64_t s = (int64_t)r;
            volatile uint64_t u = r;
            volatile int32_t w = (int32_t)r;
            volatile uint32_t v = (uint32_t)r;
            mix_double(D((double)s)), mix_double(D((double)u)), mix_double(D((double)w)), mix_double(D((double)v));
            mix_float(F((float)s)), mix_float(F((float)u)), mix_float(F((float)w)), mix_float(F((float)v));
        }
    }
    fesetround(FE_TONEAREST);
    section("from integers");
}

static void half(void) {
    for (uint32_t i = 0; i < 65536; i += 7) {
        uint16_t bits = (uint16_t)i, other = (uint16_t)(i * 40503u >> 3);
        volatile _Float16 a, b;
        memcpy((void *)&a, &bits, 2), memcpy((void *)&b, &other, 2);
        mix_float((float)a), mix_double((double)b);
#define HALF(x)                                                                                                        \
    ({                                                                                                                 \
        volatile _Float16 h_ = (_Float16)(x);                                                                          \
        mix_float((float)h_);                                                                                          \
    })
        HALF(a + b), HALF(a - b), HALF(a * b), HALF(a / b), HALF(-a), HALF((double)a * 1.0009765625), HALF(a < b ? a : b), HALF(a == b);
        HALF((float)a * 3.1f + 1), HALF((int)(i % 3000)), mix((uint64_t)(int64_t)(a == a && fabsf((float)a) < 60000 ? (int)a : 0));
    }
    section("half");
}

// NaN boxes, sign bits and payloads of what is no NaN.
static void bits(void) {
    for (int i = 0; i < 2000; i++) {
        uint64_t r = next_random();
        double d;
        memcpy(&d, &r, 8);
        if (d != d) continue;
        volatile double a = d;
        mix_double(D(a * 0.5)), mix_double(D(a + a)), mix_double(D(-a)), mix_float(F((float)a)), mix_double(D(sqrt(fabs(a)))), mix_double(D(1 / a));
    }
    section("bit patterns");
}

static void complexes(void) {
    static const double parts[] = {0.0, -0.0, 1, -2, 0.5, 1e200, -1e-200, INFINITY, NAN};
    for (int i = 0; i < 81; i++)
        for (int j = 0; j < 81; j++) {
            volatile double complex a = CMPLX(parts[i % 9], parts[i / 9]), b = CMPLX(parts[j % 9], parts[j / 9]);
            volatile double complex p = a * b, q = a / b, s = a + b, t = a - b;
            volatile float complex c = (float complex)a, d = (float complex)b;
            volatile float complex u = c * d;
            mix_double(creal(p)), mix_double(cimag(p)), mix_double(creal(s)), mix_double(cimag(t));
            // How a division is scaled and fused is the library's choice.
            if (fabs(creal(a)) < 10 && fabs(cimag(a)) < 10 && fabs(cimag(b)) < 3 && creal(b) == 0.5) mix_double(round(creal(q) * 1e6) + 0.0), mix_double(round(cimag(q) * 1e6) + 0.0);
            mix_float(crealf(u)), mix_float(cimagf(u)), mix((uint64_t)(a == b));
        }
    double complex z = 0.3 + 0.4 * I;
    int count = 0;
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 60; x++) {
            double complex c = (x - 40) / 25.0 + (y - 20) / 18.0 * I;
            z = 0;
            for (int k = 0; k < 60 && creal(z) * creal(z) + cimag(z) * cimag(z) < 4; k++) z = z * z + c, count++;
        }
    mix((uint64_t)count);
    section("complex");
}

static void printing(void) {
    char text[100];
    for (int i = 0; i < COUNT(doubles); i++) {
        if (!isfinite(doubles[i])) continue;
        mix_bytes(text, (size_t)snprintf(text, sizeof text, "%.17g|%a|%e|%.3f", doubles[i], doubles[i], doubles[i], fmod(doubles[i], 1e15) + 0.0 * 1));
        mix_double(strtod(text, NULL)), mix_float(strtof(text, NULL));
    }
    section("text");
}

int main(void) {
    arithmetic();
    unary();
    integers();
    half();
    bits();
    complexes();
    printing();
}
