// Threads together with signals, memory changes and code changes: directed signals, faults in several threads, cancellation, a timer
// over busy threads, code rewritten by one thread while others run it, mappings that come and go.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define THREADS 4
static __thread volatile int got;
static __thread int number;
static volatile int ready[THREADS];
static void on_directed(int signal) {
    (void)signal;
    got++;
}
static void *wait_spinning(void *argument) {
    number = (int)(long)argument;
    ready[number] = 1;
    while (got < 3) {
    }
    return (void *)(long)got;
}
static void *wait_sleeping(void *argument) {
    number = (int)(long)argument;
    ready[number] = 1;
    while (got < 3) usleep(500);
    return (void *)(long)got;
}
static void directed(void) {
    signal(SIGUSR1, on_directed);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, i % 2 ? wait_spinning : wait_sleeping, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        while (!ready[i]) sched_yield();
    // A thread that has ended must not be sent to, so each gets its three and no more.
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < THREADS; i++) {
            CHECK(pthread_kill(threads[i], SIGUSR1) == 0);
            usleep(3000);
        }
    int enough = 0;
    for (int i = 0; i < THREADS; i++) {
        void *value;
        while (pthread_tryjoin_np(threads[i], &value) != 0) {
            // Two signals of one thread may have become one.
            pthread_kill(threads[i], SIGUSR1);
            usleep(2000);
        }
        enough += (long)value >= 3;
    }
    printf("directed signals: %d threads, main got %d\n", enough, got);
}

static char *page;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal;
    ucontext_t *uc = context;
    // The address tells which thread faulted; the handler must run on that thread.
    if ((char *)info->si_addr != page + number * 64) _exit(60);
    uc->uc_mcontext.pc += 4;
    uc->uc_mcontext.regs[0] = (unsigned long)(number * 1000);
}
static long __attribute__((noinline)) load(const char *address) {
    register long x0 __asm__("x0") = (long)address;
    __asm__ volatile("ldr x0, [x0]" : "+r"(x0)::"memory");
    return x0;
}
static void *fault_often(void *argument) {
    number = (int)(long)argument;
    long sum = 0;
    for (int i = 0; i < 500; i++) sum += load(page + number * 64);
    return (void *)sum;
}
static void faults(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, fault_often, (void *)i) == 0);
    long sum = 0;
    for (int i = 0; i < THREADS; i++) {
        void *value;
        pthread_join(threads[i], &value);
        sum += (long)value;
    }
    printf("faults in threads: %ld\n", sum);
    signal(SIGSEGV, SIG_DFL);
}

static volatile int cleaned;
static void clean(void *argument) { cleaned += (int)(long)argument; }
static void *cancellable(void *argument) {
    pthread_cleanup_push(clean, argument);
    for (;;) usleep(100000);
    pthread_cleanup_pop(0);
    return NULL;
}
static void *cancellable_spinning(void *argument) {
    (void)argument;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) {
    }
    return NULL;
}
static void cancellation(void) {
    pthread_t sleeping, spinning;
    void *value;
    CHECK(pthread_create(&sleeping, NULL, cancellable, (void *)5) == 0);
    CHECK(pthread_create(&spinning, NULL, cancellable_spinning, NULL) == 0);
    usleep(5000);
    CHECK(pthread_cancel(sleeping) == 0 && pthread_join(sleeping, &value) == 0);
    printf("cancelled %d cleaned %d\n", value == PTHREAD_CANCELED, cleaned);
    CHECK(pthread_cancel(spinning) == 0 && pthread_join(spinning, &value) == 0);
    printf("cancelled %d\n", value == PTHREAD_CANCELED);
}

static volatile int stop;
static _Atomic long alarms;
static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}
static void *busy(void *argument) {
    long *work = argument;
    while (!stop) ++*work;
    return NULL;
}
static void timer(void) {
    signal(SIGALRM, on_alarm);
    long work[THREADS] = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, busy, &work[i]) == 0);
    struct itimerval every = {.it_interval = {0, 2000}, .it_value = {0, 2000}}, never = {0};
    setitimer(ITIMER_REAL, &every, NULL);
    while (alarms < 15) usleep(1000);
    setitimer(ITIMER_REAL, &never, NULL);
    stop = 1;
    int worked = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        worked += work[i] > 0;
    }
    printf("timer over busy threads: %d worked\n", worked);
}

// One thread writes functions, others call them: a result is always one that was written, and the last one at the end.
static uint32_t *code;
static volatile int version, writing_done;
static void write_version(int value) {
    // Only one aligned word differs: the architecture allows MOVZ to be neither old nor new only until it is synchronised, and
    // emulators treat a word as one.
    code[0] = 0x52800000u | (uint32_t)value << 5;
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    version = value;
}
static void *call_often(void *argument) {
    (void)argument;
    long bad = 0;
    int last = 0;
    while (!writing_done) {
        int before = version;
        int result = ((int (*)(void))(void *)code)();
        if (result < last && result < before) bad++;
        last = result;
    }
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    return (void *)(bad * 100000 + ((int (*)(void))(void *)code)());
}
static void *map_often(void *argument) {
    long sum = 0;
    for (int i = 0; !writing_done; i++) {
        uint32_t *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(own != MAP_FAILED);
        own[0] = 0x52800000u | (uint32_t)(i % 1000) << 5;
        own[1] = 0xd65f03c0u;
        __builtin___clear_cache((char *)own, (char *)(own + 2));
        CHECK(((int (*)(void))(void *)own)() == i % 1000);
        sum++;
        CHECK(munmap(own, 8192) == 0);
    }
    (void)argument;
    return (void *)sum;
}
static void changing_code(void) {
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    code[1] = 0xd65f03c0u;
    write_version(1);
    pthread_t callers[2], mapper;
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&callers[i], NULL, call_often, NULL) == 0);
    CHECK(pthread_create(&mapper, NULL, map_often, NULL) == 0);
    for (int i = 2; i <= 300; i++) {
        write_version(i);
        if (i % 10 == 0) usleep(100);
    }
    writing_done = 1;
    void *value, *sum;
    long bad = 0;
    for (int i = 0; i < 2; i++) {
        pthread_join(callers[i], &value);
        bad += (long)value;
    }
    pthread_join(mapper, &sum);
    printf("code changed under threads: %ld, mapped %d\n", bad, (long)sum > 0);
}

// Code that changes between the lives of threads: a new thread must not find what an ended one knew.
static void *call_once(void *function) { return (void *)(long)((int (*)(void))function)(); }
static void ended_threads(void) {
    uint32_t *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long bad = 0;
    for (int i = 0; i < 100; i++) {
        own[0] = 0x52800000u | (uint32_t)i << 5;
        own[1] = 0xd65f03c0u;
        __builtin___clear_cache((char *)own, (char *)(own + 2));
        pthread_t thread;
        void *value;
        CHECK(pthread_create(&thread, NULL, call_once, own) == 0);
        pthread_join(thread, &value);
        bad += (long)value != i;
    }
    printf("code changed between threads: %ld\n", bad);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    ended_threads();
    directed();
    faults();
    cancellation();
    timer();
    changing_code();
    return 0;
}
