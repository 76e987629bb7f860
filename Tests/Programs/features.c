// Prints what the CPU says of itself, and finds out what it does: the first argument chooses.
//   registers     auxiliary vector and ID registers
//   instructions  one instruction of each feature: does it run? It must just when its HWCAP says so
//   system        all of MRS, MSR, SYS, SYSL, MSR (immediate) that does not raise SIGILL
//   cpuinfo       /proc/cpuinfo
//   random        RNDR and RNDRRS
//   numbers       what AT_RANDOM and RNDR give
#define _GNU_SOURCE
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf landing;
static unsigned *code;
static unsigned long memory[64] __attribute__((aligned(512)));

static void on_signal(int signal) { siglongjmp(landing, signal); }

static unsigned long thread_pointer(void) {
    unsigned long value;
    __asm__("mrs %0, tpidr_el0" : "=r"(value));
    return value;
}

/// Runs one instruction with x0 = 0, x1 = `argument`, keeping TPIDR_EL0. Returns the signal it raised, 0 for none.
static int run(unsigned word, unsigned long argument, unsigned long *result) {
    unsigned long thread = thread_pointer();
    code[0] = word;
    code[1] = 0xd51bd043; // msr tpidr_el0, x3
    code[2] = 0xd65f03c0; // ret
    __builtin___clear_cache((char *)code, (char *)(code + 3));
    int signal = sigsetjmp(landing, 1);
    if (signal != 0) return signal;
    *result = ((unsigned long (*)(unsigned long, unsigned long, void *, unsigned long))code)(0, argument, memory + 32, thread);
    return 0;
}

static void prepare(void) {
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

#define ID(crm, op2)                                                                                                   \
    ({                                                                                                                 \
        unsigned long value;                                                                                           \
        __asm__("mrs %0, S3_0_C0_C" #crm "_" #op2 : "=r"(value));                                                      \
        printf("S3_0_C0_C" #crm "_" #op2 " %016lx\n", value);                                                          \
    })

static void registers(void) {
    printf("hwcap %lx hwcap2 %lx platform %s\n", getauxval(AT_HWCAP), getauxval(AT_HWCAP2),
           (const char *)getauxval(AT_PLATFORM));
    ID(0, 0), ID(0, 5), ID(0, 6), ID(4, 0), ID(4, 1), ID(4, 2), ID(4, 4), ID(4, 5), ID(5, 0), ID(5, 1), ID(6, 0), ID(6, 1);
    ID(6, 2), ID(6, 3), ID(7, 0), ID(7, 1), ID(7, 2), ID(7, 3), ID(7, 4), ID(7, 7);
}

struct instruction {
    const char *name;
    unsigned word;
    /// Its bit in AT_HWCAP, 64 more for AT_HWCAP2, -1 without.
    int hwcap;
};

static const struct instruction list[] = {
    {"fp", 0x1e602800, 0},        // fadd d0, d0, d0
    {"advsimd", 0x4ea08400, 1},   // add v0.4s, v0.4s, v0.4s
    {"fp", 0x3dc00020, 0},        // ldr q0, [x1]
    {"aes", 0x4e284800, 3},       // aese v0.16b, v0.16b
    {"pmull", 0x0ee0e000, 4},     // pmull v0.1q, v0.1d, v0.1d
    {"sha1", 0x5e280800, 5},      // sha1h s0, s0
    {"sha256", 0x5e282800, 6},    // sha256su0 v0.4s, v0.4s
    {"crc32", 0x9ac04c00, 7},     // crc32x w0, w0, x0
    {"lse", 0xf8228022, 8},       // swp x2, x2, [x1]
    {"fp16", 0x1ee02800, 9},      // fadd h0, h0, h0
    {"fp16", 0x4e401400, 10},     // fadd v0.8h, v0.8h, v0.8h
    {"rdm", 0x6e808400, 12},      // sqrdmlah v0.4s, v0.4s, v0.4s
    {"jscvt", 0x1e7e0000, 13},    // fjcvtzs w0, d0
    {"fcma", 0x6e80cc00, 14},     // fcmla v0.4s, v0.4s, v0.4s, #90
    {"lrcpc", 0xf8bfc022, 15},    // ldapr x2, [x1]
    {"dpb", 0xd50b7c21, 16},      // dc cvap, x1
    {"sha3", 0xce000000, 17},     // eor3 v0.16b, v0.16b, v0.16b, v0.16b
    {"sm3", 0xce60c000, 18},      // sm3partw1 v0.4s, v0.4s, v0.4s
    {"sm4", 0xcec08400, 19},      // sm4e v0.4s, v0.4s
    {"dotprod", 0x6e809400, 20},  // udot v0.4s, v0.16b, v0.16b
    {"sha512", 0xcec08000, 21},   // sha512su0 v0.2d, v0.2d
    {"fhm", 0x4e20ec00, 23},      // fmlal v0.4s, v0.4h, v0.4h
    {"dit", 0xd53b42a0, 24},      // mrs x0, dit
    {"lrcpc2", 0xd9408022, 26},   // ldapur x2, [x1, #8]
    {"flagm", 0x3a00080d, 27},    // setf8 w0
    {"ssbs2", 0xd53b42c0, 28},    // mrs x0, ssbs
    {"sb", 0xd50330ff, 29},       // sb
    {"pauth", 0x9ac03000, 31},    // pacga x0, x0, x0
    {"dpb2", 0xd50b7d21, 64},     // dc cvadp, x1
    {"flagm2", 0xd500405f, 71},   // axflag
    {"frintts", 0x1e684000, 72},  // frint32z d0, d0
    {"i8mm", 0x4e80a400, 77},     // smmla v0.4s, v0.16b, v0.16b
    {"bf16", 0x6e40fc00, 78},     // bfdot v0.4s, v0.8h, v0.8h
    {"rng", 0xd53b2400, 80},      // mrs x0, rndr
    {"ecv", 0xd53be0c0, 83},      // mrs x0, cntvctss_el0
    {"wfxt", 0xd503101f, 95},     // wfet xzr
    {"cssc", 0xdac01c00, 98},     // cnt x0, x0
    {"mops", 0x19020401, 107},    // cpyfp [x1]!, [x2]!, x0!
    {"hbc", 0x54000030, 108},     // bc.eq .+4
    {"lor", 0xc8df7c22, -1},      // ldlar x2, [x1]
    {"base", 0x9b007c00, -1},     // mul x0, x0, x0
    {"hint", 0xd50320df, -1},     // dgh
    {"hint", 0xd503245f, -1},     // bti c
    {"hint", 0xd503211f, -1},     // pacia1716
    {"hint", 0xd50320ff, -1},     // xpaclri
    {"hint", 0xd503221f, -1},     // esb
    {"hint", 0xd5032fff, -1},     // hint #127
};

static void instructions(void) {
    unsigned long words[2] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
    prepare();
    for (unsigned i = 0; i < sizeof list / sizeof *list; i++) {
        unsigned long result;
        int signal = run(list[i].word, (unsigned long)memory, &result);
        const char *verdict = "";
        CHECK(signal == 0 || signal == SIGILL);
        if (list[i].hwcap >= 0 && (words[list[i].hwcap / 64] >> list[i].hwcap % 64 & 1) != (signal == 0))
            verdict = " unlike its HWCAP";
        printf("%s %s%s\n", list[i].name, signal ? "SIGILL" : "runs", verdict);
    }
}

/// One line for each allowed operation; for MSR (immediate), with any CRm.
static void system_space(void) {
    static const char *const names[] = {"MSR", "MRS", "SYS", "SYSL"};
    unsigned long result;
    prepare();
    for (unsigned kind = 0; kind < 4; kind++) {
        for (unsigned n = 0; n < (kind < 2 ? 1u << 15 : 1u << 14); n++) {
            unsigned op0 = kind < 2 ? 2 + (n >> 14) : 1, key = n & 0x3fff;
            // Register 1 for MSR and SYS, 0 for the others.
            unsigned word = 0xd5000000 | (kind & 1) << 21 | op0 << 19 | key << 5 | (kind & 1 ? 0 : 1);
            unsigned long argument = kind == 2 ? (unsigned long)memory : 0;
            if (run(word, argument, &result) != SIGILL)
                printf("%s S%u_%u_C%u_C%u_%u\n", names[kind], op0, key >> 11, key >> 7 & 15, key >> 3 & 15, key & 7);
        }
    }
    for (unsigned op = 0; op < 64; op++) {
        unsigned allowed = 0;
        for (unsigned crm = 0; crm < 16; crm++)
            if (run(0xd500401f | op >> 3 << 16 | crm << 8 | (op & 7) << 5, 0, &result) != SIGILL) allowed |= 1u << crm;
        if (allowed) printf("MSR immediate %u %u: CRm %04x\n", op >> 3, op & 7, allowed);
    }
}

static void random_numbers(void) {
    unsigned long bits_set = 0, bits_clear = 0;
    for (int i = 0; i < 200; i++) {
        unsigned long a, b, flags;
        // NZCV is all ones before and zero after.
        __asm__ volatile("msr nzcv, %3\n\tmrs %0, S3_3_C2_C4_0\n\tmrs %2, nzcv\n\tmrs %1, S3_3_C2_C4_1"
                         : "=&r"(a), "=&r"(b), "=&r"(flags)
                         : "r"(0xf0000000ul)
                         : "cc");
        CHECK(flags == 0 && a != b);
        bits_set |= a & b;
        bits_clear |= ~a & ~b;
    }
    CHECK(bits_set == ~0ul && bits_clear == ~0ul);
    printf("random\n");
}

static void numbers(void) {
    const unsigned long *given = (const unsigned long *)getauxval(AT_RANDOM);
    unsigned long a, b;
    __asm__ volatile("mrs %0, S3_3_C2_C4_0\n\tmrs %1, S3_3_C2_C4_1" : "=&r"(a), "=r"(b)::"cc");
    printf("%lx\n%lx\n%lx\n%lx\n", given[0], given[1], a, b);
}

static void cpuinfo(void) {
    char text[4096];
    FILE *file = fopen("/proc/cpuinfo", "r");
    CHECK(file);
    while (fgets(text, sizeof text, file)) fputs(text, stdout);
    printf("online %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "registers";
    if (strcmp(what, "instructions") == 0) instructions();
    else if (strcmp(what, "system") == 0) system_space();
    else if (strcmp(what, "random") == 0) random_numbers();
    else if (strcmp(what, "numbers") == 0) numbers();
    else if (strcmp(what, "cpuinfo") == 0) cpuinfo();
    else registers();
    return 0;
}
