// Faults of one access after the other in a hot loop of several blocks (arch/arm64 assembly): at each, all registers and flags must be
// what the instructions before it made of them, whatever the accesses before had to note.
#define _GNU_SOURCE
#include "check.h"
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 4096, POINTERS = 8, PAGES = 2 * POINTERS };
// Everywhere the same, so that registers are.
static char *const memory = (char *)0x7a0000000000;

// The ordered access comes when all registers are in memory, so that those behind it note few, one after the other.
// x0: the pointers, each to the last 8 or 16 bytes of a page, the next page behind it; x1: rounds.
__asm__(".text\n"
        "chain: ldp x2, x3, [x0]\n ldp x4, x5, [x0, #16]\n ldp x6, x7, [x0, #32]\n ldp x8, x9, [x0, #48]\n"
        " mov x10, #1\n mov x11, #2\n mov x12, #3\n mov x13, #4\n mov x14, #5\n mov x15, #6\n mov x16, #7\n mov x17, #8\n"
        " movi v1.4s, #1\n movi v2.4s, #2\n fmov d3, #1.0\n fmov d4, #2.0\n cmp x10, x11\n"
        "1: ldar x16, [x2]\n ldr x10, [x2]\n add x11, x10, x11\n str x11, [x3]\n ldr w12, [x4, #4]\n str x12, [x3, #8]\n strb w12, [x4, #8]\n"
        " subs x13, x11, x12\n ldr x10, [x5]\n add v1.2d, v1.2d, v2.2d\n str q1, [x6]\n tbz x13, #3, 2f\n"
        " ldrsb x14, [x7]\n ccmp x14, x12, #5, ne\n ldrsw x17, [x7, #8]\n"
        "2: ldp x15, x16, [x8]\n csel x10, x10, x16, lo\n str w10, [x5, #8]\n adcs x11, x11, x16\n ldr d3, [x9]\n fadd d4, d4, d3\n"
        " stp q1, q4, [x6, #16]\n ldr h2, [x9, #8]\n eor x12, x12, x15\n str d4, [x9, #16]\n"
        " sub x1, x1, #1\n cbnz x1, 1b\n ret\n");
void chain(char **pointers, long rounds);

static uint64_t hash = 0xcbf29ce484222325u;
static void add(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static int faults;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal;
    faults++;
    const mcontext_t *state = &((ucontext_t *)context)->uc_mcontext;
    const struct fpsimd_context *vectors = (const void *)state->__reserved;
    // x0 is an address of this program, x18 and above were not touched.
    add(&state->regs[1], 17 * sizeof state->regs[0]);
    uint64_t flags = state->pstate & 0xf0000000u, offset = state->pc - (uint64_t)chain;
    add(&flags, sizeof flags);
    add(&offset, sizeof offset);
    add(&info->si_addr, sizeof info->si_addr);
    add(&vectors->vregs[1], 4 * sizeof vectors->vregs[0]);
    mprotect((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}

static void fill(void) {
    unsigned long state = 42;
    for (size_t i = 0; i < PAGES * PAGE; i += 8) {
        uint64_t word = next_random(&state);
        memcpy(memory + i, &word, sizeof word);
    }
    // Numbers that add up exactly.
    for (int i = 0; i < POINTERS; i++) {
        double value = i + 0.5;
        memcpy(memory + (2 * i + 1) * PAGE - 8, &value, sizeof value);
    }
}

int main(void) {
    CHECK(mmap(memory, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    char *pointers[POINTERS];
    for (int i = 0; i < POINTERS; i++)
        pointers[i] = memory + (2 * i + 1) * PAGE - (i == 4 ? 16 : 8);
    fill();
    chain(pointers, 4000000);
    for (int protection = 0; protection < 2; protection++)
        for (int page = 0; page < PAGES; page++) {
            fill();
            faults = 0;
            mprotect(memory + page * PAGE, PAGE, protection ? PROT_READ : PROT_NONE);
            chain(pointers, 5);
            mprotect(memory + page * PAGE, PAGE, PROT_READ | PROT_WRITE);
            add(memory, PAGES * PAGE);
            printf("page %d %s: %d faults, %016llx\n", page, protection ? "read-only" : "away", faults, (unsigned long long)hash);
        }
    return 0;
}
