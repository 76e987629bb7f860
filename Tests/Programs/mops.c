// Memory copy and set: all forms against loops of bytes, the registers between the three instructions, faults that a handler mends,
// signals in mid-copy, registers of the other option, and words that do not exist.
#define _GNU_SOURCE
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

typedef unsigned long word;
#define MOPS_HWCAP2 (1ul << 43)

// As numbers: the assembler wants the three in a row. To, from (or value) and size are X0, X1, X2.
#define WORD(o0, op1, op2) (0x19010440u | (o0) << 26 | (op1) << 22 | (op2) << 12)
enum { PROLOGUE, MAIN, EPILOGUE };

/// Machine code: cpyp/setp, cpym/setm, cpye/sete, ret; 64 kinds of copies and sets.
static uint32_t (*code)[4];
enum { COPY = 0, COPY_FORWARD = 16, SET = 32, KINDS = 36 };

static void make_code(void) {
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned stage = 0; stage < 3; stage++)
            code[kind][stage] = kind < SET ? WORD(kind < COPY_FORWARD ? 1u : 0u, stage, kind & 15) : WORD(0u, 3u, stage << 2 | (kind & 3));
        code[kind][3] = 0xd65f03c0;
    }
    CHECK(mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
    __builtin___clear_cache((char *)code, (char *)code + 4096);
}

/// Registers before and after.
struct state {
    word to, from, size, nzcv;
};

/// Calls `entry` with the registers.
static void run(const uint32_t *entry, struct state *s) {
    register word x0 __asm__("x0") = s->to;
    register word x1 __asm__("x1") = s->from;
    register word x2 __asm__("x2") = s->size;
    word nzcv = s->nzcv;
    __asm__ volatile("mov x10, x30\n\tmsr nzcv, %3\n\tblr %4\n\tmrs %3, nzcv\n\tmov x30, x10"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(nzcv)
                     : "r"(entry)
                     : "x10", "memory", "cc");
    *s = (struct state){x0, x1, x2, nzcv};
}

#define SPACE (64 << 10)
static unsigned char *memory, *expected;

static void fill_both(word *state) {
    for (int i = 0; i < SPACE; i += 8) *(word *)(memory + i) = next_random(state);
    memcpy(expected, memory, SPACE);
}

static void expect_loop(unsigned kind, word to, word from, word size) {
    if (kind >= SET) {
        for (word i = 0; i < size; i++) expected[to + i] = (unsigned char)from;
    } else if (to <= from) {
        for (word i = 0; i < size; i++) expected[to + i] = expected[from + i];
    } else {
        for (word i = size; i-- > 0;) expected[to + i] = expected[from + i];
    }
    CHECK(memcmp(memory, expected, SPACE) == 0);
}

static void results(void) {
    word random = 1;
    fill_both(&random);
    for (int round = 0; round < 3000; round++) {
        unsigned kind = (unsigned)round % KINDS;
        word largest = round % 3 == 0 ? 64 : round % 3 == 1 ? 300 : 15000;
        word size = next_random(&random) % largest;
        word to = next_random(&random) % (SPACE - size), from = next_random(&random) % (SPACE - size);
        // Near each other as often as not.
        if (round & 4) from = to + next_random(&random) % 64 < SPACE - size ? to + next_random(&random) % 40 : to;
        if (from > SPACE - size) from = SPACE - size;
        if (kind < SET && kind >= COPY_FORWARD && to > from && from + size > to) to = from;
        word value = next_random(&random);
        struct state s = {(word)memory + to, kind < SET ? (word)memory + from : value, size, next_random(&random) & 0xf0000000};
        if (round % 5 == 0) s.to |= 0x5aul << 56; // ignored, and kept
        word tag = s.to & 0xfful << 56;
        run(code[kind], &s);
        expect_loop(kind, to, kind < SET ? from : value, size);
        int backward = kind < COPY_FORWARD && from < to && from + size > to;
        CHECK(s.size == 0 && s.nzcv == 0);
        CHECK(s.to == (((word)memory + to + (backward ? 0 : size)) | tag));
        CHECK(s.from == (kind >= SET ? value : (word)memory + from + (backward ? 0 : size)));
    }
    printf("results\n");
}

/// One instruction: a copy of it before RET.
static uint32_t *single;
static void step(unsigned kind, int stage, struct state *s) {
    single[0] = code[kind][stage];
    single[1] = 0xd65f03c0;
    __builtin___clear_cache((char *)single, (char *)(single + 2));
    run(single, s);
}

static void registers(void) {
    for (unsigned kind = 0; kind < KINDS; kind += 16) {
        for (int backward = 0; backward < (kind == COPY ? 2 : 1); backward++) {
            struct state s = {(word)memory + (backward ? 9001 : 1), kind == SET ? 0x133 : (word)memory + 5003, 20000, 0x90000000};
            struct state before = s;
            step(kind, PROLOGUE, &s);
            CHECK(s.nzcv == 0);
            word left = backward ? s.size : -s.size;
            CHECK(left <= before.size && (long)s.size * (backward ? 1 : -1) >= 0);
            CHECK(s.to == before.to + (backward ? 0 : before.size));
            CHECK(s.from == before.from + (backward || kind == SET ? 0 : before.size));
            struct state middle = s;
            step(kind, MAIN, &s);
            CHECK((backward ? s.size : -s.size) <= left && s.to == middle.to && s.from == middle.from && s.nzcv == 0);
            step(kind, EPILOGUE, &s);
            CHECK(s.size == 0 && s.to == middle.to && s.from == middle.from && s.nzcv == 0);
        }
    }
    // Sizes saturate.
    struct state s = {(word)memory + 100, 1, -1ul, 0};
    step(SET, PROLOGUE, &s);
    CHECK(s.to == (word)memory + 100 + INT64_MAX && (long)s.size < 0);
    s = (struct state){(word)memory + 100, (word)memory, -1ul, 0};
    step(COPY_FORWARD, PROLOGUE, &s);
    CHECK(s.from == (word)memory + INT64_MAX);
    s = (struct state){(word)memory, (word)memory + 100, -1ul, 0};
    step(COPY, PROLOGUE, &s);
    CHECK(s.from == (word)memory + 100 + 0x007ffffffffffffful);
    // Of nothing.
    s = (struct state){0, 0, 0, 0x20000000};
    run(code[COPY], &s);
    CHECK(s.to == 0 && s.from == 0 && s.size == 0 && s.nzcv == 0);
    printf("registers\n");
}

static volatile int faults;
static struct state atFault;
static unsigned char *faultAddress, *faultPage;
static uint32_t *faultPC;
static void mend(int signal, siginfo_t *info, void *context) {
    (void)signal;
    ucontext_t *uc = context;
    faults++;
    faultAddress = info->si_addr;
    faultPC = (uint32_t *)uc->uc_mcontext.pc;
    atFault = (struct state){uc->uc_mcontext.regs[0], uc->uc_mcontext.regs[1], uc->uc_mcontext.regs[2], 0};
    CHECK(faultAddress >= faultPage && faultAddress < faultPage + 4096);
    CHECK(mprotect(faultPage, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void faulting(void) {
    word random = 2;
    faultPage = memory + 5 * 4096;
    for (int round = 0; round < 400; round++) {
        fill_both(&random);
        unsigned kind = (unsigned)round % KINDS;
        int ofSource = kind < SET && round & 1;
        word size = 1 + next_random(&random) % 12000;
        // Some byte of the page is among the target's or the source's.
        word inPage = 5 * 4096 + next_random(&random) % 4096, before = next_random(&random) % size;
        word start = inPage > before ? inPage - before : 0;
        if (start + size > SPACE) start = SPACE - size;
        word other = next_random(&random) % 3 == 0 ? 12 * 4096 - size % 4096 : start + next_random(&random) % 2000;
        if (other + size > SPACE) other = SPACE - size;
        word to = ofSource ? other : start, from = ofSource ? start : other;
        if (kind >= COPY_FORWARD && kind < SET && to > from && from + size > to) *(ofSource ? &to : &from) = ofSource ? from : to;
        CHECK(mprotect(faultPage, 4096, ofSource ? PROT_NONE : PROT_READ) == 0);
        faults = 0;
        struct state s = {(word)memory + to, kind < SET ? (word)memory + from : 0x77, size, 0};
        run(code[kind], &s);
        CHECK(faults == 1 && s.size == 0);
        CHECK(faultPC >= code[kind] && faultPC < code[kind] + 3);
        // Forward: the first byte that cannot be reached, and registers that say just this.
        int backward = kind < COPY_FORWARD && from < to && from + size > to;
        if (!backward) {
            word at = faultPC == code[kind] ? 0 : atFault.size;
            CHECK((unsigned char *)(atFault.to + at) == faultAddress || (kind < SET && (unsigned char *)(atFault.from + at) == faultAddress));
        }
        expect_loop(kind, to, kind < SET ? from : 0x77, size);
    }
    printf("faults\n");
}

static volatile long ticks;
static void on_tick(int signal) { (void)signal; ticks++; }

static void interrupted(void) {
    size_t size = 24 << 20;
    unsigned char *big = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(big != MAP_FAILED);
    signal(SIGALRM, on_tick);
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    int rounds = 0;
    for (; rounds < 4 || (ticks < 5 && rounds < 2000); rounds++) {
        struct state s = {(word)big, (word)rounds, size, 0};
        run(code[SET], &s);
        CHECK(s.size == 0);
        big[0] = 99;
        s = (struct state){(word)big + 4097, (word)big, size - 4097, 0};
        run(code[COPY], &s);
        CHECK(big[4097] == 99 && big[4098] == (unsigned char)rounds && big[size - 1] == (unsigned char)rounds && big[4096] == (unsigned char)rounds);
        s = (struct state){(word)big, (word)big + 4097, size - 4097, 0};
        run(code[COPY], &s);
        CHECK(big[0] == 99 && big[1] == (unsigned char)rounds);
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0 && ticks > 0);
    munmap(big, size);
    printf("interrupted\n");
}

// Registers as a processor of Option B leaves them (C set), as after a move to another processor: Linux goes back to the prologue.
static void other_option(void) {
    word random = 3;
    for (int stage = MAIN; stage <= EPILOGUE; stage++) {
        fill_both(&random);
        struct state s = {(word)memory + 100, 0x44, 9000, 0x20000000};
        run(code[SET] + stage, &s);
        expect_loop(SET, 100, 0x44, 9000);
        CHECK(s.to == (word)memory + 9100 && s.size == 0);
        s = (struct state){(word)memory + 100, (word)memory + 300, 9000, 0x20000000};
        run(code[COPY] + stage, &s);
        expect_loop(COPY, 100, 300, 9000);
        // Backward: from the ends.
        s = (struct state){(word)memory + 700 + 9000, (word)memory + 300 + 9000, 9000, 0xa0000000};
        run(code[COPY] + stage, &s);
        expect_loop(COPY, 700, 300, 9000);
    }
    printf("other option\n");
}

static sigjmp_buf undefined;
static void on_sigill(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)context;
    CHECK(info->si_addr == single);
    siglongjmp(undefined, 1);
}

static int exists(uint32_t instruction) {
    single[0] = instruction;
    single[1] = 0xd65f03c0;
    __builtin___clear_cache((char *)single, (char *)(single + 2));
    if (sigsetjmp(undefined, 1)) return 0;
    struct state s = {(word)memory, (word)memory, 0, 0};
    run(single, &s);
    return 1;
}

static void undefined_words(int present) {
    signal(SIGILL, SIG_DFL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_sigill;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGILL, &action, NULL) == 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (int stage = 0; stage < 3; stage++) {
            uint32_t good = code[kind][stage] & ~0x1f03ffu;
#define REGISTERS(s, n, d) (good | (s) << 16 | (n) << 5 | (d))
            CHECK(exists(REGISTERS(1u, 2u, 0u)) == present);
            CHECK(!exists(REGISTERS(1u, 1u, 0u)) && !exists(REGISTERS(0u, 2u, 0u)) && !exists(REGISTERS(1u, 0u, 0u)));
            CHECK(!exists(REGISTERS(1u, 2u, 31u)) && !exists(REGISTERS(1u, 31u, 0u)));
            CHECK(exists(REGISTERS(31u, 2u, 0u)) == (present && kind >= SET));
        }
    // SETG wants FEAT_MTE; a fourth stage, a size.
    CHECK(!exists(WORD(1u, 3u, 0u)) || getauxval(AT_HWCAP2) >> 18 & 1);
    CHECK(!exists(WORD(0u, 3u, 12u)) && !exists(WORD(1u, 0u, 0u) | 1u << 30));
    printf("undefined words\n");
}

int main(void) {
    make_code();
    single = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expected = malloc(SPACE);
    CHECK(single != MAP_FAILED && memory != MAP_FAILED && expected);
    int present = (getauxval(AT_HWCAP2) & MOPS_HWCAP2) != 0;
    undefined_words(present);
    if (!present) {
        printf("no FEAT_MOPS\n");
        return 0;
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = mend;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    results();
    registers();
    faulting();
    interrupted();
    // QEMU 10 says SIGILL.
    signal(SIGILL, SIG_DFL);
    other_option();
    return 0;
}
