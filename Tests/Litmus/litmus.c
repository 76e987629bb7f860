// Litmus tests of the Arm memory model: a few accesses by two to four threads, and the outcome that says somebody saw them out of
// order. Where Arm forbids it, it must never be seen; where Arm allows it, it is counted.
//
//   litmus [--rounds N] [--filter TEXT] [--see TEXT]
//
// Each thread runs a test's code over an array of cells, each cell one round. Threads start together, keep roughly in step and
// otherwise run free; then one of them looks at what all saw.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t word;
enum { cell_count = 1024, patience = 200, max_threads = 4 };

/// Variables lie in cache lines of their own.
static struct cell {
    word x[8], y[8], z[8];
} cells[cell_count] __attribute__((aligned(4096)));
/// What each thread read: registers a and b.
static struct {
    word a, b;
} seen[max_threads][cell_count];
static struct {
    uint32_t value;
    char rest[124];
} progress[max_threads] __attribute__((aligned(128)));
static int thread_count;
/// Cells between two meetings: each where every thread has a processor, fewer where they would wait for sleepers.
static uint32_t step;
static uint32_t skew[max_threads];

/// The same order in every thread, but no line after its neighbour.
static inline uint32_t order(uint32_t i) { return i * 409 % cell_count; }

/// Waits a little for those behind. Only brings threads together; plain accesses, which order nothing.
static inline void keep_step(int me, uint32_t i) {
    if (i % step) return;
    *(volatile uint32_t *)&progress[me].value = i + 1;
    for (int other = 0; other < thread_count; other++)
        for (int n = 0; n < patience && *(volatile uint32_t *)&progress[other].value <= i; n++) {
        }
    for (uint32_t n = skew[me] >> i % 16 & 15; n > 0; n--) __asm__ volatile("nop");
}

// MARK: accesses. v is x, y or z; r is a or b; %[s] and %[t] are scratch.

#define ST(v, n) "str %[n" #n "], [%[" #v "]]\n\t"
#define STLR(v, n) "stlr %[n" #n "], [%[" #v "]]\n\t"
#define SWP(v, n) "swp %[n" #n "], %[s], [%[" #v "]]\n\t"
#define SWPL(v, n) "swpl %[n" #n "], %[s], [%[" #v "]]\n\t"
#define SWPAL(v, n) "swpal %[n" #n "], %[s], [%[" #v "]]\n\t"
#define STADDL(v, n) "staddl %[n" #n "], [%[" #v "]]\n\t"
/// Only from 0, which is what these tests have there.
#define CASL(v, n) "mov %[s], #0\n\tcasl %[s], %[n" #n "], [%[" #v "]]\n\t"
#define STXR(v, n) "1: ldxr %[s], [%[" #v "]]\n\tstxr %w[t], %[n" #n "], [%[" #v "]]\n\tcbnz %w[t], 1b\n\t"
#define STLXR(v, n) "1: ldxr %[s], [%[" #v "]]\n\tstlxr %w[t], %[n" #n "], [%[" #v "]]\n\tcbnz %w[t], 1b\n\t"
/// Depend on what r read.
#define ST_DATA(v, n, r) "eor %[s], %[" #r "], %[" #r "]\n\tadd %[s], %[s], %[n" #n "]\n\tstr %[s], [%[" #v "]]\n\t"
#define ST_ADDR(v, n, r) "eor %[s], %[" #r "], %[" #r "]\n\tstr %[n" #n "], [%[" #v "], %[s]]\n\t"
#define ST_CTRL(v, n, r) "cbnz %[" #r "], 2f\n\t2: str %[n" #n "], [%[" #v "]]\n\t"

#define LD(r, v) "ldr %[" #r "], [%[" #v "]]\n\t"
#define LDAR(r, v) "ldar %[" #r "], [%[" #v "]]\n\t"
#define LDAPR(r, v) "ldapr %[" #r "], [%[" #v "]]\n\t"
#define LDXR(r, v) "ldxr %[" #r "], [%[" #v "]]\n\t"
#define LDAXR(r, v) "ldaxr %[" #r "], [%[" #v "]]\n\t"
#define LDADD(r, v) "mov %[s], #0\n\tldadd %[s], %[" #r "], [%[" #v "]]\n\t"
#define LDADDA(r, v) "mov %[s], #0\n\tldadda %[s], %[" #r "], [%[" #v "]]\n\t"
#define LDADDAL(r, v) "mov %[s], #0\n\tldaddal %[s], %[" #r "], [%[" #v "]]\n\t"
#define CASA(r, v) "mov %[" #r "], #9\n\tcasa %[" #r "], %[n1], [%[" #v "]]\n\t"
#define CASAL(r, v) "mov %[" #r "], #9\n\tcasal %[" #r "], %[n1], [%[" #v "]]\n\t"
#define LD_ADDR(r, v, q) "eor %[s], %[" #q "], %[" #q "]\n\tldr %[" #r "], [%[" #v "], %[s]]\n\t"
#define LD_CTRL(r, v, q) "cbnz %[" #q "], 2f\n\t2: ldr %[" #r "], [%[" #v "]]\n\t"
#define LD_CTRL_ISB(r, v, q) "cbnz %[" #q "], 2f\n\t2: isb\n\tldr %[" #r "], [%[" #v "]]\n\t"

#define SY "dmb sy\n\t"
#define ISH "dmb ish\n\t"
#define FST "dmb ishst\n\t"
#define FLD "dmb ishld\n\t"
/// An atomic with both acquire and release orders all before it with all after it.
#define AMO "swpal %[n1], %[s], [%[z]]\n\t"

/// Every cache gets every line, so that stores have to wait for the others' copies to go while loads do not.
static void warm(void) {
    for (uint32_t i = 0; i < cell_count; i++) {
        (void)*(volatile word *)cells[i].x;
        (void)*(volatile word *)cells[i].y;
        (void)*(volatile word *)cells[i].z;
    }
}

#define RUN(name, n, text)                                                                                             \
    static void name##_##n(void) {                                                                                     \
        for (uint32_t i = 0; i < cell_count; i++) {                                                                    \
            keep_step(n, i);                                                                                           \
            struct cell *c = &cells[order(i)];                                                                         \
            word a = 0, b = 0, s, t;                                                                                   \
            __asm__ volatile(".arch armv8.3-a\n\t" text                                                                \
                             : [a] "+&r"(a), [b] "+&r"(b), [s] "=&r"(s), [t] "=&r"(t)                                  \
                             : [x] "r"(c->x), [y] "r"(c->y), [z] "r"(c->z), [n1] "r"(1l), [n2] "r"(2l)                 \
                             : "memory", "cc");                                                                        \
            seen[n][order(i)].a = a;                                                                                   \
            seen[n][order(i)].b = b;                                                                                   \
        }                                                                                                              \
    }
#define JUDGE(name, condition)                                                                                         \
    static int name##_seen(uint32_t i) {                                                                               \
        word x = cells[i].x[0], y = cells[i].y[0], a0 = seen[0][i].a, b0 = seen[0][i].b, a1 = seen[1][i].a,            \
             b1 = seen[1][i].b, a2 = seen[2][i].a, b2 = seen[2][i].b, a3 = seen[3][i].a, b3 = seen[3][i].b;            \
        (void)x, (void)y, (void)a0, (void)b0, (void)a1, (void)b1, (void)a2, (void)b2, (void)a3, (void)b3;              \
        return condition;                                                                                              \
    }

// One row a test: name, whether Arm forbids the outcome, threads' code, the outcome.
#include "tests.h"

#define TEST2(name, verdict, condition, t0, t1) RUN(name, 0, t0) RUN(name, 1, t1) JUDGE(name, condition)
#define TEST3(name, verdict, condition, t0, t1, t2) TEST2(name, verdict, condition, t0, t1) RUN(name, 2, t2)
#define TEST4(name, verdict, condition, t0, t1, t2, t3) TEST3(name, verdict, condition, t0, t1, t2) RUN(name, 3, t3)
TESTS
#undef TEST2
#undef TEST3
#undef TEST4

enum verdict { forbidden, allowed };
static const struct test {
    const char *name;
    enum verdict verdict;
    int threads;
    void (*code[max_threads])(void);
    int (*seen)(uint32_t);
} tests[] = {
#define TEST2(n, v, c, t0, t1) {#n, v, 2, {n##_0, n##_1}, n##_seen},
#define TEST3(n, v, c, t0, t1, t2) {#n, v, 3, {n##_0, n##_1, n##_2}, n##_seen},
#define TEST4(n, v, c, t0, t1, t2, t3) {#n, v, 4, {n##_0, n##_1, n##_2, n##_3}, n##_seen},
    TESTS
};

static pthread_barrier_t barrier;
static const struct test *current;
static long batches;

static void *run(void *argument) {
    int me = (int)(long)argument;
    for (long n = 0; n < batches; n++) {
        pthread_barrier_wait(&barrier);
        warm();
        current->code[me]();
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

/// Runs at least `rounds` rounds, `until_seen` only until the outcome came up.
static long run_test(const struct test *t, long rounds, int until_seen) {
    pthread_t threads[max_threads];
    long count = 0;
    current = t;
    thread_count = t->threads;
    step = sysconf(_SC_NPROCESSORS_ONLN) >= t->threads ? 1 : 16;
    batches = (rounds + cell_count - 1) / cell_count;
    pthread_barrier_init(&barrier, NULL, (unsigned)t->threads);
    for (long i = 1; i < t->threads; i++) {
        int error = pthread_create(&threads[i], NULL, run, (void *)i);
        if (error) {
            fprintf(stderr, "litmus: %s\n", strerror(error));
            exit(2);
        }
    }
    static uint32_t random = 12345;
    for (long n = 0; n < batches; n++) {
        memset(cells, 0, sizeof cells);
        for (int i = 0; i < t->threads; i++) {
            progress[i].value = 0;
            random = random * 1103515245 + 12345;
            skew[i] = n % 4 ? random >> 16 : 0;
        }
        pthread_barrier_wait(&barrier);
        warm();
        t->code[0]();
        pthread_barrier_wait(&barrier);
        for (uint32_t i = 0; i < cell_count; i++) count += t->seen(i);
        if (until_seen && count) {
            // The others go on alone, in a batch nobody looks at, until they notice.
            printf("%s seen after %ld rounds\n", t->name, (n + 1) * cell_count);
            fflush(stdout);
            _exit(0);
        }
    }
    for (int i = 1; i < t->threads; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    return count;
}

int main(int argc, char **argv) {
    long rounds = 100000;
    const char *filter = "", *see = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--rounds")) rounds = atol(argv[i + 1]);
        else if (!strcmp(argv[i], "--filter")) filter = argv[i + 1];
        else if (!strcmp(argv[i], "--see")) see = argv[i + 1];
        else return 2;
    }
    int bad = 0, done = 0;
    for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        const struct test *t = &tests[i];
        if (see) {
            if (!strcmp(t->name, see)) {
                run_test(t, rounds, 1);
                printf("%s never seen\n", t->name);
                return 1;
            }
            continue;
        }
        if (!strstr(t->name, filter)) continue;
        long count = run_test(t, rounds, 0);
        int wrong = t->verdict == forbidden && count;
        bad += wrong;
        done++;
        printf("%-28s %d threads  %-9s %10ld of %ld%s\n", t->name, t->threads, t->verdict == forbidden ? "forbidden" : "allowed", count, batches * cell_count, wrong ? "  WRONG" : "");
        fflush(stdout);
    }
    printf("%d tests, %d wrong\n", done, bad);
    return bad != 0 || done == 0;
}
