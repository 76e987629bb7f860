// Forks while other threads run code that is new all the time; the children do so, too.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef long (*function)(long);
/// Writes `count` functions, each a loop of its own, and calls each often enough to become hot.
static long new_code(unsigned seed, int count) {
    // Where another thread's code may have been a moment ago.
    uint32_t *code = mmap(NULL, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    long sum = 0;
    for (int i = 0; i < count; i++) {
        uint32_t *f = code + i * 8, n = 300 + (seed + (unsigned)i) % 300;
        f[0] = 0xd2800001 | n << 5;          // mov x1, #n
        f[1] = 0x91000000 | (uint32_t)(i & 63) << 10; // add x0, x0, #i
        f[2] = 0xf1000421;                   // subs x1, x1, #1
        f[3] = 0x54ffffc1;                   // b.ne f+1
        f[4] = 0xd65f03c0;                   // ret
        __builtin___clear_cache((char *)f, (char *)(f + 5));
        long got = ((function)(uintptr_t)f)(seed);
        CHECK(got == (long)seed + (long)(i & 63) * n);
        sum += got;
    }
    munmap(code, 65536);
    return sum;
}

static volatile int stop;
static void *busy(void *argument) {
    for (unsigned i = 0; !stop; i++) {
        free(malloc(i % 5000));
        new_code((unsigned)(long)argument * 1000 + i, 20);
    }
    return NULL;
}
static void *in_child(void *argument) {
    return (void *)new_code((unsigned)(long)argument, 5);
}
static void *forks(void *argument) {
    for (int i = 0; i < (int)(long)argument; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(60);
            new_code((unsigned)i, 10);
            if (i % 4 == 0) {
                pthread_t t[2];
                for (long n = 0; n < 2; n++) CHECK(pthread_create(&t[n], NULL, in_child, (void *)(n + i)) == 0);
                for (int n = 0; n < 2; n++) pthread_join(t[n], NULL);
            }
            if (i % 16 == 0) {
                pid_t inner = fork();
                if (inner == 0) _exit(6);
                int status;
                if (waitpid(inner, &status, 0) != inner || status != 6 << 8) _exit(8);
            }
            _exit(7);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status != 7 << 8) {
            printf("child %d: status %x\n", i, (unsigned)status);
            exit(1);
        }
    }
    return NULL;
}
int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 8;
    pthread_t b[4], f[2];
    struct timespec t0, t1;
    for (long i = 0; i < 4; i++) CHECK(pthread_create(&b[i], NULL, busy, (void *)i) == 0);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (long i = 0; i < 2; i++) CHECK(pthread_create(&f[i], NULL, forks, (void *)(long)count) == 0);
    for (int i = 0; i < 2; i++) pthread_join(f[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    stop = 1;
    for (int i = 0; i < 4; i++) pthread_join(b[i], NULL);
    printf("forked\n");
    if (argc > 1) fprintf(stderr, "%.2f ms per fork\n", ((t1.tv_sec - t0.tv_sec) * 1e3 + (t1.tv_nsec - t0.tv_nsec) / 1e6) / count / 2);
    return 0;
}
