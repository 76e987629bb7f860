// Signals interrupt loops without system calls, whatever the loop is made of (arch/arm64 assembly). Times go to stderr; only arrival is
// checked.
#define _GNU_SOURCE
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int ready, stop, arrived;
static volatile long handled_at;
static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}
static void note(int signal) {
    (void)signal;
    handled_at = now();
    __atomic_store_n(&arrived, 1, __ATOMIC_RELEASE);
}

static void loop_empty(void) {
    __asm__ volatile("1: ldr w9, [%0]\n cbz w9, 1b" ::"r"(&stop) : "x9", "memory");
}
static void loop_compute(void) {
    __asm__ volatile("mov x10, #1\n fmov d0, #1.0\n fmov d1, #2.0\n"
                     "1: madd x10, x10, x10, x10\n eor x10, x10, x10, lsr #7\n fmadd d0, d0, d1, d1\n ldr w9, [%0]\n cbz w9, 1b" ::"r"(&stop)
                     : "x9", "x10", "v0", "v1", "memory");
}
// Several TBs, forward branches inside, one backward.
static void loop_chain(void) {
    __asm__ volatile("mov x10, #0\n"
                     "1: add x10, x10, #1\n tbz x10, #0, 2f\n add x10, x10, #2\n b 3f\n"
                     "2: sub x10, x10, #1\n tbz x10, #1, 3f\n add x10, x10, #4\n"
                     "3: ldr w9, [%0]\n cbz w9, 1b" ::"r"(&stop)
                     : "x9", "x10", "memory");
}
// Only indirect branches.
static void loop_indirect(void) {
    __asm__ volatile("adr x11, 1f\n adr x12, 2f\n"
                     "1: ldr w9, [%0]\n cbnz w9, 3f\n br x12\n"
                     "2: add x10, x10, #1\n br x11\n"
                     "3:" ::"r"(&stop)
                     : "x9", "x10", "x11", "x12", "memory");
}
static void loop_calls(void) {
    __asm__ volatile("b 2f\n"
                     "1: add x10, x10, #1\n ret\n"
                     "2: bl 1b\n bl 1b\n ldr w9, [%0]\n cbz w9, 2b" ::"r"(&stop)
                     : "x9", "x10", "x30", "memory");
}
static void loop_exclusive(void) {
    static uint64_t word;
    __asm__ volatile("1: ldaxr x10, [%1]\n add x10, x10, #1\n stlxr w11, x10, [%1]\n cbnz w11, 1b\n ldr w9, [%0]\n cbz w9, 1b" ::"r"(&stop),
                     "r"(&word)
                     : "x9", "x10", "x11", "memory");
}
static void loop_vector(void) {
    __asm__ volatile("movi v0.4s, #3\n1: mla v1.4s, v0.4s, v0.4s\n tbl v2.16b, {v1.16b}, v2.16b\n frsqrts v3.4s, v1.4s, v2.4s\n ldr w9, [%0]\n cbz w9, 1b" ::"r"(
                         &stop)
                     : "x9", "v0", "v1", "v2", "v3", "memory");
}
// A chain of returns without loops: as deep as the stack, again and again.
static int __attribute__((noinline)) deep(int n) { return n == 0 ? 0 : deep(n - 1) + stop; }
static void loop_recursion(void) {
    while (!stop) deep(1000);
}
static char *memory_block;
#define BLOCK (64ul << 20)
static void loop_copy(void) {
    while (!stop) {
        char *to = memory_block + BLOCK, *from = memory_block;
        uint64_t size = BLOCK;
        // CPYFP, CPYFM, CPYFE [x0]!, [x1]!, x2!
        register char *x0 __asm__("x0") = to;
        register char *x1 __asm__("x1") = from;
        register uint64_t x2 __asm__("x2") = size;
        __asm__ volatile(".word 0x19010440\n .word 0x19410440\n .word 0x19810440" : "+r"(x0), "+r"(x1), "+r"(x2)::"cc", "memory");
    }
}
static void loop_set(void) {
    while (!stop) {
        register char *x0 __asm__("x0") = memory_block;
        register uint64_t x1 __asm__("x1") = BLOCK;
        register uint64_t x2 __asm__("x2") = 7;
        // SETP, SETM, SETE [x0]!, x1!, x2
        __asm__ volatile(".word 0x19c20420\n .word 0x19c24420\n .word 0x19c28420" : "+r"(x0), "+r"(x1), "+r"(x2)::"cc", "memory");
    }
}

struct loop {
    const char *name;
    void (*run)(void);
};
static void *run(void *argument) {
    ready = 1;
    ((struct loop *)argument)->run();
    return NULL;
}

static int compare(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;
    return x < y ? -1 : x > y;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_handler = note};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    static struct loop loops[] = {
        {"empty", loop_empty},         {"computing", loop_compute}, {"chained", loop_chain},   {"indirect", loop_indirect},
        {"calls", loop_calls},         {"exclusive", loop_exclusive}, {"vector", loop_vector}, {"recursion", loop_recursion},
        {"memory copy", loop_copy},    {"memory set", loop_set},
    };
    unsigned count = sizeof loops / sizeof loops[0];
    if (!(getauxval(AT_HWCAP2) >> 43 & 1)) count -= 2; // FEAT_MOPS
    memory_block = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory_block != MAP_FAILED);
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        ready = stop = 0;
        CHECK(pthread_create(&thread, NULL, run, &loops[i]) == 0);
        while (!ready) usleep(100);
        usleep(20000); // compiled by then
        enum { rounds = 50 };
        long times[rounds];
        for (int round = 0; round < rounds; round++) {
            __atomic_store_n(&arrived, 0, __ATOMIC_RELEASE);
            long begin = now();
            CHECK(pthread_kill(thread, SIGUSR1) == 0);
            while (!__atomic_load_n(&arrived, __ATOMIC_ACQUIRE)) {
            }
            times[round] = handled_at - begin;
        }
        qsort(times, rounds, sizeof times[0], compare);
        stop = 1;
        pthread_join(thread, NULL);
        fprintf(stderr, "%s: median %ld us, worst %ld us\n", loops[i].name, times[rounds / 2] / 1000, times[rounds - 1] / 1000);
        printf("%s\n", loops[i].name);
    }
    return 0;
}
