// muchcode [THREADS [ROUNDS]]: threads that run two thousand functions again and again, which is more code than the smallest -tb-size
// holds, and beside that some that run all the time: one that all call, a loop, and one that faults.
#include "check.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static volatile uint32_t *forbidden;
static __thread sigjmp_buf back;
static __thread uint32_t faults;

static void caught(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    if (info->si_addr == (void *)(forbidden + 5)) faults++;
    siglongjmp(back, 1);
}

__attribute__((noinline)) static uint32_t faulting(uint32_t x) {
    if (sigsetjmp(back, 1) == 0) return forbidden[5];
    return x ^ faults;
}

__attribute__((noinline)) static uint32_t mix(uint32_t x, uint32_t y) { return (x ^ y) * 0x9e3779b1u + (x >> 15); }

__attribute__((noinline)) static uint32_t loop(uint32_t x) {
    for (unsigned i = 0; i < 300; i++) x = x & 1 ? x * 3 + i : x >> 1 ^ i << 20;
    return x;
}

#define F(n)                                                                                                           \
    __attribute__((noinline)) static uint32_t f##n(uint32_t x) {                                                       \
        x = mix(x, 0x##n##1u);                                                                                         \
        if (x & 16) x = mix(x, 0x##n##2u) + 0x##n;                                                                     \
        if (x & 32) x = mix(x >> 3, x + 0x##n##3u) ^ 0x##n;                                                            \
        return mix(x, 0x##n##4u) - 0x##n;                                                                              \
    }
#define F10(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define F100(n) F10(n##0) F10(n##1) F10(n##2) F10(n##3) F10(n##4) F10(n##5) F10(n##6) F10(n##7) F10(n##8) F10(n##9)
#define F1000(n) F100(n##0) F100(n##1) F100(n##2) F100(n##3) F100(n##4) F100(n##5) F100(n##6) F100(n##7) F100(n##8) F100(n##9)
F1000(1) F1000(2)

#define G(n) f##n,
#define G10(n) G(n##0) G(n##1) G(n##2) G(n##3) G(n##4) G(n##5) G(n##6) G(n##7) G(n##8) G(n##9)
#define G100(n) G10(n##0) G10(n##1) G10(n##2) G10(n##3) G10(n##4) G10(n##5) G10(n##6) G10(n##7) G10(n##8) G10(n##9)
#define G1000(n) G100(n##0) G100(n##1) G100(n##2) G100(n##3) G100(n##4) G100(n##5) G100(n##6) G100(n##7) G100(n##8) G100(n##9)
static uint32_t (*const functions[])(uint32_t) = { G1000(1) G1000(2) };
enum { COUNT = sizeof functions / sizeof functions[0], MOST = 8 };

static int threadCount = 1;
static int roundCount = 3;
static uint32_t sums[MOST];

static void *run(void *argument) {
    unsigned thread = (unsigned)(uintptr_t)argument;
    for (int round = 0; round < roundCount; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            unsigned n = (i + thread * (COUNT / MOST)) % COUNT;
            uint32_t x = n * 0x9e3779b9u + (unsigned)round;
            sums[thread] += functions[n](x) + functions[n](~x);
            if (n % 50 == 0) sums[thread] += loop(n);
            if (n % 100 == 0) sums[thread] += faulting(n) ^ n ^ faults;
        }
    }
    CHECK(faults == (unsigned)roundCount * (COUNT / 100));
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1) threadCount = atoi(argv[1]);
    if (argc > 2) roundCount = atoi(argv[2]);
    CHECK(threadCount >= 1 && threadCount <= MOST);
    forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(forbidden != MAP_FAILED);
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    pthread_t threads[MOST];
    for (int i = 1; i < threadCount; i++) CHECK(pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i) == 0);
    run((void *)0);
    for (int i = 1; i < threadCount; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 1; i < threadCount; i++) CHECK(sums[i] == sums[0]);
    printf("%08x\n", sums[0]);
    return 0;
}
