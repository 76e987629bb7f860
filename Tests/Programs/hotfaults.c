// Faults in code that has been hot for long: the first tagged addresses of a loop, and a handler that comes after the loop was compiled
// for a guest without one. Each must find registers exact.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WORDS = 1024, PAGE = 4096, PAGES = 16 };

/// Reads and writes through a pointer and keeps tag, sum and pointer in registers.
static uint64_t __attribute__((noinline)) walk(uint64_t *q, long count, uint64_t sum) {
    for (long i = 0; i < count; i++) {
        sum += *q * 3 + ((uintptr_t)q >> 56);
        *q ^= sum & 0;
        q++;
    }
    return sum ^ (uintptr_t)q;
}

static uint64_t tagged(void) {
    uint64_t *words = malloc(WORDS * sizeof *words);
    for (int i = 0; i < WORDS; i++)
        words[i] = i * 0x9e3779b97f4a7c15u;
    uint64_t sum = 0;
    for (long round = 0; round < 9000; round++) {
        uint64_t tag = round > 8000 ? (uint64_t)(round & 0xff) << 56 : 0;
        uint64_t result = walk((uint64_t *)((uintptr_t)words | tag), WORDS, sum);
        // Where the words lie differs from run to run.
        sum = result ^ (((uintptr_t)words | tag) + WORDS * sizeof *words);
    }
    free(words);
    return sum;
}

static volatile int faults;
static void allow(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)context;
    faults++;
    mprotect((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}

static uint64_t protected(void) {
    char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t *words = (uint64_t *)memory;
    long count = PAGES * PAGE / sizeof *words;
    for (long i = 0; i < count; i++)
        words[i] = i * 0x9e3779b97f4a7c15u;
    uint64_t sum = 0;
    for (int round = 0; round < 600; round++) {
        if (round == 400) {
            struct sigaction action = {.sa_sigaction = allow, .sa_flags = SA_SIGINFO};
            sigaction(SIGSEGV, &action, NULL);
        }
        if (round >= 400)
            mprotect(memory + round % PAGES * PAGE, PAGE, round & 1 ? PROT_NONE : PROT_READ);
        sum = walk(words, count, sum) ^ (uintptr_t)(words + count);
    }
    return sum;
}

int main(void) {
    // Protection first: tags make all code anew.
    uint64_t first = protected();
    printf("protected %llx, %d faults\n", (unsigned long long)first, faults);
    uint64_t second = tagged();
    printf("tagged %llx\n", (unsigned long long)second);
    signal(SIGSEGV, SIG_DFL);
    return 0;
}
