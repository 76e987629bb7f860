// AdvSIMD integer and cryptographic instructions over edge and random vectors. A line says what one instruction did with all its
// inputs: a hash of its results (all of V0, and X0) and one of FPSR.
//
//   sqadd_8h            results=0123456789abcdef fpsr=fedcba9876543210
//
// `expected` holds what qemu-aarch64 prints; regenerate.sh writes it. To see each input of one line, build with
// -DDETAIL='"sqadd_8h"'.
#include "guest.h"

// What one execution reads and leaves. The assembly below knows the offsets.
struct io {
    uint64_t v[4][2]; // V0 to V3; X1 is the first half of V1
    uint64_t x0, fpsr;
};
void simd_run(struct io *io, void (*stub)(void));

__asm__(".arch armv8.6-a+crypto+sha3+sm4+dotprod+i8mm+rdm\n"
        ".text\n"
        ".global simd_run\n"
        "simd_run:\n"
        "  stp x29, x30, [sp, #-32]!\n"
        "  stp x19, xzr, [sp, #16]\n"
        "  mov x19, x0\n"
        "  mov x9, x1\n"
        "  ldp q0, q1, [x19]\n"
        "  ldp q2, q3, [x19, #32]\n"
        "  ldr x1, [x19, #16]\n"
        "  mov x0, #-1\n"
        "  msr fpsr, xzr\n"
        "  blr x9\n"
        "  mrs x10, fpsr\n"
        "  str q0, [x19]\n"
        "  stp x0, x10, [x19, #64]\n"
        "  ldp x19, xzr, [sp, #16]\n"
        "  ldp x29, x30, [sp], #32\n"
        "  ret\n");

#define COUNT(a) (int)(sizeof(a) / sizeof(a[0]))

static uint64_t random_state;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

// Elements at the ends of the ranges of every size, small ones (shift amounts, table indices), and any.
static uint64_t random_half(void) {
    static const uint64_t edges[] = {
        0, 1, 2, 0x7f, 0x80, 0x81, 0xff, 0x7fff, 0x8000, 0x8001, 0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff,
        0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffffffffffff, 0xfffffffffffffffe, 0x4000, 0x40000000,
    };
    uint64_t r = next_random(), choice = next_random();
    unsigned bits = 8u << (choice >> 8 & 3);
    uint64_t mask = ~0ull >> (64 - bits), value = 0;
    switch (choice & 7) {
    case 0: return r;
    case 1: // one element everywhere
        r = edges[r % COUNT(edges)];
        for (unsigned at = 0; at < 64; at += bits) value |= (r & mask) << at;
        return value;
    case 2: // about -96...95
        for (unsigned at = 0; at < 64; at += bits) value |= (((r >> at & 0xff) % 192 - 96) & mask) << at;
        return value;
    case 3: // 0...39
        for (unsigned at = 0; at < 64; at += 8) value |= ((r >> at & 0xff) % 40) << at;
        return value;
    case 4: return r & next_random() & next_random();
    case 5: return r | next_random() | next_random();
    default: // edges mixed
        for (unsigned at = 0; at < 64; at += bits) value |= (edges[next_random() % COUNT(edges)] & mask) << at;
        return value;
    }
}

struct test {
    const char *name;
    void (*stub)(void);
};

static void print_padded(const char *text, int width) {
    guest_print(text);
    for (int n = width - (int)guest_length(text); n > 0; n--) guest_print(" ");
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

static int wants_detail(const char *test) {
#ifdef DETAIL
    const char *wanted = DETAIL;
    while (*wanted && *wanted == *test) wanted++, test++;
    return !*wanted && !*test;
#else
    (void)test;
    return 0;
#endif
}

static void run(const struct test *test) {
    uint64_t results = 0, flags = 0;
    int in_detail = wants_detail(test->name);
    random_state = 0x123456789abcdef1;
    for (int i = 0; i < 400; i++) {
        struct io io;
        for (int v = 0; v < 4; v++) {
            for (int half = 0; half < 2; half++) io.v[v][half] = random_half();
        }
        struct io before = io;
        simd_run(&io, test->stub);
        results = mix(mix(mix(results, io.v[0][0]), io.v[0][1]), io.x0);
        flags = mix(flags, io.fpsr);
        if (!in_detail) continue;
        for (int v = 0; v < 5; v++) {
            static const char *const names[] = {"  v0=", " v1=", " v2=", " v3=", " -> "};
            const uint64_t *value = v < 4 ? before.v[v] : io.v[0];
            guest_print(names[v]);
            guest_print_hex(value[1], 16);
            guest_print_hex(value[0], 16);
        }
        guest_print(" x0=");
        guest_print_hex(io.x0, 16);
        guest_print(" fpsr=");
        guest_print_hex(io.fpsr, 8);
        guest_print("\n");
    }
    print_padded(test->name, 20);
    guest_print(" results=");
    guest_print_hex(results, 16);
    guest_print(" fpsr=");
    guest_print_hex(flags, 16);
    guest_print("\n");
}

#define TEST(name, text)                                                                                               \
    extern void stub_##name(void);                                                                                     \
    __asm__(".text\nstub_" #name ":\n" text "\n  ret\n");
#include "tests.h"
#undef TEST
static const struct test tests[] = {
#define TEST(name, text) {#name, stub_##name},
#include "tests.h"
#undef TEST
};

int guest_main(void) {
    for (int t = 0; t < COUNT(tests); t++) run(&tests[t]);
    return 0;
}
