// Ends in the way the first argument names.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int *volatile nowhere = (int *)16;

static void *in_thread(void *how) {
    if (strcmp(how, "thread-segv") == 0) *nowhere = 1;
    if (strcmp(how, "thread-exit") == 0) exit(23);
    if (strcmp(how, "thread-abort") == 0) abort();
    if (strcmp(how, "main-leaves") == 0) {
        usleep(20000);
        exit(24);
    }
    return NULL;
}

// Through addresses that no mapping can have, by a loop that has run often before: in a region, the host refuses them in its own way.
static volatile int table[64];
__attribute__((noinline)) static int sum(volatile int *from, long step, long count) {
    int total = 0;
    for (long n = 0; n < count; n++) total += from[(n & 63) * step];
    return total;
}
__attribute__((noinline)) static void fill(volatile int *to, long count) {
    for (long n = 0; n < count; n++) to[n & 63] = (int)n;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "exit";
    printf("%s\n", how);
    fflush(stdout);
    prctl(PR_SET_DUMPABLE, 0);
    if (strcmp(how, "exit") == 0) return argc > 2 ? atoi(argv[2]) : 0;
    if (strcmp(how, "_exit") == 0) _exit(atoi(argv[2]));
    if (strcmp(how, "abort") == 0) abort();
    if (strcmp(how, "segv") == 0) *nowhere = 1;
    if (strncmp(how, "wild", 4) == 0) {
        for (int round = 0; round < 4000; round++) {
            fill(table, 1000);
            if (sum(table, 1, 1000) == 0) return 2;
        }
        if (strcmp(how, "wild-load") == 0) return sum(table, 0x0012345678900000 / 4, 1000);
        fill((volatile int *)0x0012345678900000, 1000);
    }
    if (strcmp(how, "jump") == 0) ((void (*)(void))16)();
    if (strcmp(how, "undefined") == 0) __asm__ volatile(".word 0");
    if (strcmp(how, "privileged") == 0) __asm__ volatile("mrs x0, sctlr_el1" ::: "x0");
    if (strcmp(how, "breakpoint") == 0) __asm__ volatile("brk #7");
    if (strcmp(how, "ignored-segv") == 0) {
        signal(SIGSEGV, SIG_IGN);
        *nowhere = 1;
    }
    if (strcmp(how, "blocked-segv") == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGSEGV);
        sigprocmask(SIG_BLOCK, &set, NULL);
        *nowhere = 1;
    }
    if (strcmp(how, "raise") == 0) raise(atoi(argv[2]));
    if (strcmp(how, "kill") == 0) kill(getpid(), atoi(argv[2]));
    if (strcmp(how, "alarm") == 0) {
        ualarm(10000, 0);
        for (;;) {
        }
    }
    if (strncmp(how, "thread-", 7) == 0 || strcmp(how, "main-leaves") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, in_thread, argv[1]);
        if (strcmp(how, "main-leaves") == 0) pthread_exit(NULL);
        for (;;) pause();
    }
    printf("still alive\n");
    return 1;
}
