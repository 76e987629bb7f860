// Four threads that run the same thousand functions for the first time, each from another one on: all make TBs at once.
#include "check.h"
#include <pthread.h>
#include <stdint.h>

#define F(n)                                                                                                           \
    __attribute__((noinline)) static uint32_t f##n(uint32_t x) {                                                       \
        if (x & 1) x = x * 0x##n##1u + 7;                                                                              \
        return (x ^ 0x##n##u) >> 1 ^ x << 15;                                                                          \
    }
#define F10(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define F100(n) F10(n##0) F10(n##1) F10(n##2) F10(n##3) F10(n##4) F10(n##5) F10(n##6) F10(n##7) F10(n##8) F10(n##9)
F100(1) F100(2) F100(3) F100(4) F100(5) F100(6) F100(7) F100(8) F100(9) F100(a)

#define G(n) f##n,
#define G10(n) G(n##0) G(n##1) G(n##2) G(n##3) G(n##4) G(n##5) G(n##6) G(n##7) G(n##8) G(n##9)
#define G100(n) G10(n##0) G10(n##1) G10(n##2) G10(n##3) G10(n##4) G10(n##5) G10(n##6) G10(n##7) G10(n##8) G10(n##9)
static uint32_t (*const functions[])(uint32_t) = {
    G100(1) G100(2) G100(3) G100(4) G100(5) G100(6) G100(7) G100(8) G100(9) G100(a)
};
enum { COUNT = sizeof functions / sizeof functions[0], THREADS = 4 };

static pthread_barrier_t barrier;
static uint32_t sums[THREADS];

static void *run(void *argument) {
    unsigned thread = (unsigned)(uintptr_t)argument;
    pthread_barrier_wait(&barrier);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned n = (i + thread * (COUNT / THREADS)) % COUNT;
        sums[thread] += functions[n](n * 0x9e3779b9u + 1) + functions[n](n * 0x9e3779b9u);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 1; i < THREADS; i++) CHECK(sums[i] == sums[0]);
    printf("%08x\n", sums[0]);
    return 0;
}
