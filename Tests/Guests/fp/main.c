// Scalar floating point over edge values in every rounding mode. A line says what one instruction did with all its inputs in
// one mode: a hash of its results (all of V0, the integer register, NZCV) and one of FPSR.
//
//   fadd_d rz           results=0123456789abcdef flags=fedcba9876543210
//
// `expected` holds what qemu-aarch64 prints; regenerate.sh writes it. To see each input of the lines that differ, build with
// -DDETAIL='"fadd_d rz"' (the start of the line). Another guest may ask for FZ16's modes with HALF.
#include "guest.h"
#ifndef TESTS
#define TESTS "tests.h"
#endif
#include "fp_run.h"

static const uint64_t doubles[] = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x4000000000000000, 0x3fe0000000000000,
    0x3ff8000000000000, 0xc004000000000000, // 1.5 -2.5
    0x0000000000000001, 0x8000000000000001, 0x000fffffffffffff, 0x800fffffffffffff, 0x0010000000000000, 0x8010000000000000,
    0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff8000000000000, 0xfff8000000000000, 0x7ff8000000001234, 0xfffc000000abcdef, 0x7ff0000000000001, 0xfff4000000005678,
    0x3ff0000000000001, 0x3fefffffffffffff, 0x3ca0000000000000, 0x3c9fffffffffffff, // about 1, and half an ulp of 1
    0x43e0000000000000, 0xc3e0000000000000, 0x43dfffffffffffff, 0x43f0000000000000, 0x43efffffffffffff, // 2^63, 2^64
    0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000200000, 0x41efffffffe00000, 0x41f0000000000000, // about 2^31, 2^32
    0x47efffffe0000000, 0x47effffff0000000, 0x47efffffefffffff, 0x380fffffffffffff, 0x36a0000000000000, 0x3690000000000000,
    0x3690000000000001, 0x380ffffff0000000, // limits of single
    0x40effc0000000000, 0x40effe0000000000, 0x3e70000000000000, 0x3e60000000000001, 0x3f0fffffffffffff, // limits of half
    0x4059000000000000, 0x3fb999999999999a, 0x400921fb54442d18, 0xbfd5555555555555, 0x1ff0000000000000, 0x2010000000000001,
    0x5fefffffffffffff,
};
static const uint64_t singles[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x40000000, 0x3f000000, 0x3fc00000, 0xc0200000,
    0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
    0x7fc00000, 0xffc00000, 0x7fc01234, 0xffe0cdef, 0x7f800001, 0xffa05678, 0x3f800001, 0x3f7fffff, 0x33800000, 0x337fffff,
    0x5f000000, 0xdf000000, 0x5effffff, 0x5f800000, 0x5f7fffff, 0x4f000000, 0xcf000001, 0x4effffff, 0x4f800000, 0x4f7fffff,
    0x477fe000, 0x477ff000, 0x477fefff, 0x33800000, 0x33000000, 0x33000001, 0x387fffff, 0x38800000, 0x387fe000, 0x477ff001,
    0x42c80000, 0x3dcccccd, 0x40490fdb, 0xbeaaaaab, 0x20000000, 0x1f800001, 0x5f7fffff, 0x37ffffff, 0x4b000001, 0xcb400001,
};
static const uint64_t halves[] = {
    0x0000, 0x8000, 0x3c00, 0xbc00, 0x4000, 0x3800, 0x3e00, 0xc100, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400, 0x8400, 0x7bff, 0xfbff,
    0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7e12, 0xff34, 0x7c01, 0xfd56, 0x3c01, 0x3bff, 0x1400, 0x13ff, 0x5640, 0x2e66, 0x4248, 0x7fff,
};
static const uint64_t integers[] = {
    0, 1, 2, 3, ~0ull, ~1ull, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff,
    0x8000000000000000, 0x8000000000000001, 0x1000001, 0x1000003, 0x3000001, 0x1ffffff, 0x7fffff40, 0x7fffff80, 0x7fffffc0,
    0x20000000000001, 0x20000000000003, 0x3fffffffffffff, 0x7ffffffffffffc00, 0x7ffffffffffffdff, 0x7ffffffffffffe00,
    0xfffffffffffffbff, 0xfffffffffffffc00, 0xffffffffffffff00, 0x8000008000000000, 0x8000008000000001, 0x123456789abcdef0,
    0xfedcba9876543210, 65504, 65519, 65520, 0xffffffffffff0010, 0x4000004000000000, 0x4000004000000001, 0x4000000000000100,
};

#define COUNT(a) (int)(sizeof(a) / sizeof(a[0]))

static uint64_t random_state;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

enum kind { D, S, H, I };

// A number whose exponent is near 0, so that two of them overlap; now and then one near the ends of the range.
static uint64_t random_number(enum kind kind) {
    uint64_t r = next_random(), choice = next_random();
    switch (kind) {
    case D: {
        uint64_t exponent = 1023 - 32 + (choice & 63);
        if ((choice >> 8 & 7) == 0) exponent = choice >> 12 & 63;
        if ((choice >> 8 & 7) == 1) exponent = 2046 - (choice >> 12 & 63);
        return (r & 0x800fffffffffffff) | exponent << 52;
    }
    case S: {
        uint64_t exponent = 127 - 16 + (choice & 31);
        if ((choice >> 8 & 7) == 0) exponent = choice >> 12 & 31;
        if ((choice >> 8 & 7) == 1) exponent = 254 - (choice >> 12 & 31);
        return (r & 0x807fffff) | exponent << 23;
    }
    case H: return r & 0xffff;
    case I: return (int64_t)r >> (choice & 63);
    }
    return 0;
}

static const uint64_t *values[] = {doubles, singles, halves, integers};
static const int value_counts[] = {COUNT(doubles), COUNT(singles), COUNT(halves), COUNT(integers)};

struct mode {
    const char *name;
    uint64_t fpcr;
};
static const struct mode modes[] = {
    {"rn", 0}, {"rp", 1 << 22}, {"rm", 2 << 22}, {"rz", 3 << 22}, {"fz", 1 << 24}, {"dn", 1 << 25},
    {"rp,fz,dn", 1 << 22 | 3 << 24}, {"ahp", 1 << 26},
#ifdef HALF
    {"fz16", 1 << 19}, {"rm,fz16", 2 << 22 | 1 << 19}, {"dn,fz16", 1 << 25 | 1 << 19},
#endif
};

struct test {
    const char *name;
    void (*stub)(void);
    enum kind kind;
    int operands;
};

static void print_padded(const char *text, int width) {
    guest_print(text);
    for (int n = width - (int)guest_length(text); n > 0; n--) guest_print(" ");
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

static uint64_t results, flags;
static int in_detail;

static void execute(const struct test *test, const struct mode *mode, uint64_t a, uint64_t b, uint64_t c, uint64_t nzcv) {
    struct io io = {{a, b, c}, mode->fpcr, {~0ull, ~0ull}, 0, 0, nzcv};
    fp_run(&io, test->stub);
    results = mix(mix(mix(mix(results, io.v0[0]), io.v0[1]), io.x0), io.nzcv);
    flags = mix(flags, io.fpsr);
    if (!in_detail) return;
    uint64_t shown[] = {a, b, c, nzcv, io.v0[1], io.v0[0], io.x0, io.nzcv, io.fpsr};
    static const char *const names[] = {"  a=", " b=", " c=", " nzcv=", "  v0=", "", " x0=", " nzcv=", " fpsr="};
    for (int i = 0; i < 9; i++) {
        guest_print(names[i]);
        guest_print_hex(shown[i], i == 3 || i >= 7 ? 8 : 16);
    }
    guest_print("\n");
}

static int wants_detail(const char *test, const char *mode) {
#ifdef DETAIL
    const char *wanted = DETAIL;
    while (*wanted && *wanted == *test) wanted++, test++;
    if (!*wanted) return 1;
    if (*test || *wanted++ != ' ') return 0;
    while (*wanted && *wanted == *mode) wanted++, mode++;
    return !*wanted;
#else
    (void)test, (void)mode;
    return 0;
#endif
}

static void run(const struct test *test, const struct mode *mode) {
    const uint64_t *v = values[test->kind];
    int n = value_counts[test->kind];
    results = flags = 0;
    random_state = 0x123456789abcdef1;
    in_detail = wants_detail(test->name, mode->name);
    // Three operands: fewer values, or the combinations get too many.
    int step = test->operands == 3 ? 3 : 1;
    for (int i = 0; i < n; i += step) {
        for (int j = 0; j < (test->operands > 1 ? n : 1); j += step) {
            for (int k = test->operands == 3 ? i % 2 : 0; k < (test->operands > 2 ? n : 1); k += 2 * step)
                execute(test, mode, v[i], v[j], v[k], (uint64_t)(i + j & 15) << 28);
        }
    }
    for (int i = 0; i < 64; i++) {
        uint64_t a = random_number(test->kind), b = random_number(test->kind), c = random_number(test->kind);
        execute(test, mode, a, b, c, (uint64_t)(i & 15) << 28);
        // An addend that nearly cancels the product finds a multiply-add that rounds twice.
        if (test->operands == 3) execute(test, mode, a, v[2], a ^ v[1] ^ (i & 1), 0);
    }
    print_padded(test->name, 16);
    guest_print(" ");
    print_padded(mode->name, 8);
    guest_print(" results=");
    guest_print_hex(results, 16);
    guest_print(" flags=");
    guest_print_hex(flags, 16);
    guest_print("\n");
}

#define TEST(name, kind, operands, text)                                                                               \
    extern void stub_##name(void);                                                                                     \
    __asm__(".text\nstub_" #name ":\n" text "\n  ret\n");
#include TESTS
#undef TEST
static const struct test tests[] = {
#define TEST(name, kind, operands, text) {#name, stub_##name, kind, operands},
#include TESTS
#undef TEST
};

int guest_main(void) {
    for (int t = 0; t < COUNT(tests); t++) {
        for (int m = 0; m < COUNT(modes); m++) run(&tests[t], &modes[m]);
    }
    return 0;
}
