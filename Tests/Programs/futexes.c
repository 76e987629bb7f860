// The futex call itself, operation by operation, with its errors and times; the newer calls; then what libc builds on it: mutexes of
// priority inheritance, condition variables, barriers, locks for readers and writers, semaphores, C11 threads. Passes natively, too.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define PRIVATE FUTEX_PRIVATE_FLAG

static uint32_t word, second, *shared;

static long futex(uint32_t *at, int op, uint32_t value, const void *timeout_or_count, uint32_t *other, uint32_t value3) {
    return syscall(SYS_futex, at, op, value, timeout_or_count, other, value3);
}
#define COUNT(n) ((void *)(uintptr_t)(n))
static pid_t gettid_now(void) { return (pid_t)syscall(SYS_gettid); }

static struct timespec after(clockid_t clock, long milliseconds) {
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += milliseconds * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}
static long since(struct timespec start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start.tv_sec) * 1000000000l + now.tv_nsec - start.tv_nsec;
}

#define FAILS(call, error) CHECK((errno = 0, (call) == -1) && errno == (error))

static void errors_and_times(void) {
    word = 1;
    FAILS(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
    FAILS(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    FAILS(futex((uint32_t *)16, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    FAILS(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    FAILS(futex(&word, FUTEX_FD, 0, NULL, NULL, 0), ENOSYS);
    FAILS(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), EINVAL);
    FAILS(futex(&word, FUTEX_WAIT, 1, (void *)16, NULL, 0), EFAULT);
    struct timespec bad = {0, 1000000000}, start;
    FAILS(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct timespec little = {0, 20000000};
    FAILS(futex(&word, FUTEX_WAIT | PRIVATE, 1, &little, NULL, 0), ETIMEDOUT);
    CHECK(since(start) >= 20000000);
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct timespec at = after(CLOCK_MONOTONIC, 20);
    FAILS(futex(&word, FUTEX_WAIT_BITSET, 1, &at, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
    CHECK(since(start) >= 20000000);
    clock_gettime(CLOCK_MONOTONIC, &start);
    at = after(CLOCK_REALTIME, 20);
    FAILS(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &at, NULL, 1), ETIMEDOUT);
    CHECK(since(start) >= 15000000);
    // Priority inheritance.
    word = gettid_now();
    FAILS(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    FAILS(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    CHECK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0 && word == 0);
    FAILS(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    CHECK(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0 && word == (uint32_t)gettid_now());
    CHECK(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0) == 0);
    CHECK(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0) == 0 && word == (uint32_t)gettid_now());
    CHECK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
    word = 0x3ffffff0;
    FAILS(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
}

// Waiters of one kind; `woken` counts them.
static int waiting, woken;
struct waiter {
    uint32_t *at;
    int op;
    uint32_t mask, *other;
    pthread_t thread;
};
static void *wait_once(void *argument) {
    struct waiter *w = argument;
    __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
    while (futex(w->at, w->op, 0, NULL, w->other, w->mask) == -1 && errno == EINTR) {
    }
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}
static void start(struct waiter *w, int count) {
    waiting = woken = 0;
    for (int i = 0; i < count; i++) CHECK(pthread_create(&w[i].thread, NULL, wait_once, &w[i]) == 0);
    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < count) usleep(100);
}
/// Calls until `wanted` in all have been woken or moved: a waiter may not have reached the kernel yet.
static void until(int wanted, uint32_t *at, int op, uint32_t value, void *count, uint32_t *other, uint32_t value3) {
    for (int done = 0; done < wanted;) {
        long n = futex(at, op, value, count, other, value3);
        CHECK(n >= 0);
        done += n;
        CHECK(done <= wanted);
        if (!n) usleep(100);
    }
}
static void join(struct waiter *w, int count) {
    for (int i = 0; i < count; i++) pthread_join(w[i].thread, NULL);
    CHECK(woken == count);
}

static void wakes(void) {
    word = second = 0;
    struct waiter w[6];
    for (int i = 0; i < 6; i++) w[i] = (struct waiter){.at = &word, .op = FUTEX_WAIT | PRIVATE};
    start(w, 6);
    until(2, &word, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0);
    until(4, &word, FUTEX_WAKE | PRIVATE, 100, NULL, NULL, 0);
    join(w, 6);
    // Only those whose bits are asked for.
    for (int i = 0; i < 6; i++) w[i] = (struct waiter){.at = &word, .op = FUTEX_WAIT_BITSET, .mask = i < 3 ? 1 : 6};
    start(w, 6);
    until(3, &word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 4);
    CHECK(futex(&word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 8) == 0);
    until(3, &word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 1);
    join(w, 6);
    // Moved, then woken where they are.
    for (int i = 0; i < 6; i++) w[i] = (struct waiter){.at = &word, .op = FUTEX_WAIT};
    start(w, 6);
    until(6, &word, FUTEX_REQUEUE, 0, COUNT(100), &second, 0);
    CHECK(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0) == 0);
    until(6, &second, FUTEX_WAKE, 100, NULL, NULL, 0);
    join(w, 6);
    start(w, 6);
    FAILS(futex(&word, FUTEX_CMP_REQUEUE, 1, COUNT(100), &second, 7), EAGAIN);
    until(6, &word, FUTEX_CMP_REQUEUE, 1, COUNT(1), &second, 0);
    while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < 6) futex(&second, FUTEX_WAKE, 100, NULL, NULL, 0);
    join(w, 6);
    // One operation on the second word and two wakes.
    for (int i = 0; i < 6; i++) w[i] = (struct waiter){.at = i < 3 ? &word : &second, .op = FUTEX_WAIT | PRIVATE};
    start(w, 6);
    usleep(20000);
    uint32_t op = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0);
    long n = futex(&word, FUTEX_WAKE_OP | PRIVATE, 100, COUNT(100), &second, op);
    CHECK(n >= 0 && second == 5);
    op = FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_LT, 0);
    n = futex(&word, FUTEX_WAKE_OP | PRIVATE, 0, COUNT(100), &second, op);
    CHECK(n == 0 && second == 4);
    op = FUTEX_OP((FUTEX_OP_OPARG_SHIFT | FUTEX_OP_ANDN), 2, FUTEX_OP_CMP_GE, 4);
    CHECK(futex(&word, FUTEX_WAKE_OP | PRIVATE, 0, COUNT(0), &second, op) >= 0 && second == 0);
    while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < 6) {
        futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0);
        futex(&word, FUTEX_WAKE | PRIVATE, 100, NULL, NULL, 0);
        futex(&second, FUTEX_WAKE | PRIVATE, 100, NULL, NULL, 0);
    }
    join(w, 6);
}

// MARK: priority inheritance by hand

static int pi_inside, pi_total;
static void *pi_thread(void *argument) {
    int op = (int)(long)argument;
    for (int i = 0; i < 300; i++) {
        uint32_t zero = 0;
        if (!__atomic_compare_exchange_n(&word, &zero, gettid_now(), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            while (futex(&word, op, 0, NULL, NULL, 0) != 0) CHECK(errno == EAGAIN || errno == EINTR);
        CHECK(__atomic_add_fetch(&pi_inside, 1, __ATOMIC_SEQ_CST) == 1);
        CHECK((word & FUTEX_TID_MASK) == (uint32_t)gettid_now());
        if (i % 10 == 0) sched_yield();
        pi_total++;
        __atomic_sub_fetch(&pi_inside, 1, __ATOMIC_SEQ_CST);
        uint32_t mine = gettid_now();
        if (!__atomic_compare_exchange_n(&word, &mine, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            CHECK(futex(&word, FUTEX_UNLOCK_PI | (op & PRIVATE), 0, NULL, NULL, 0) == 0);
    }
    return NULL;
}
static void *pi_requeued(void *argument) {
    (void)argument;
    __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
    long result;
    while ((result = futex(&word, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, NULL, &second, 0)) == -1 && errno == EINTR) {
    }
    CHECK(result == 0 && (second & FUTEX_TID_MASK) == (uint32_t)gettid_now());
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    CHECK(futex(&second, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0) == 0);
    return NULL;
}
static void *pi_times_out(void *argument) {
    struct timespec realtime = after(CLOCK_REALTIME, 15), monotonic = after(CLOCK_MONOTONIC, 15);
    FAILS(futex(&word, FUTEX_LOCK_PI, 0, &realtime, NULL, 0), ETIMEDOUT);
    FAILS(futex(&word, FUTEX_LOCK_PI2, 0, &monotonic, NULL, 0), ETIMEDOUT);
    FAILS(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
    return argument;
}
static void pi(void) {
    pthread_t t[4];
    static const int ops[] = {FUTEX_LOCK_PI, FUTEX_LOCK_PI | PRIVATE, FUTEX_LOCK_PI2 | PRIVATE};
    for (int n = 0; n < 3; n++) {
        word = 0;
        pi_total = 0;
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&t[i], NULL, pi_thread, (void *)(long)ops[n]) == 0);
        for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
        CHECK(pi_total == 1200 && word == 0);
    }
    word = gettid_now();
    CHECK(pthread_create(&t[0], NULL, pi_times_out, NULL) == 0);
    pthread_join(t[0], NULL);
    CHECK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);

    word = 0;
    second = gettid_now();
    waiting = woken = 0;
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&t[i], NULL, pi_requeued, NULL) == 0);
    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < 4) usleep(100);
    until(4, &word, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, COUNT(100), &second, 0);
    CHECK(futex(&second, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0) == 0);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    CHECK(woken == 4);
}

// MARK: signals, processes, vectors

static volatile sig_atomic_t signals;
static void on_signal(int signal) { signals += signal != 0; }
static volatile pid_t waiter_tid;
static void *interrupted(void *argument) {
    waiter_tid = gettid_now();
    struct timespec t = {100, 0};
    // Without a time limit SA_RESTART goes on waiting; with one the call ends, as the kernel has it.
    long result = futex(&word, FUTEX_WAIT, 0, argument ? &t : NULL, NULL, 0);
    return (void *)(result == 0 ? 0l : (long)errno);
}
static void with_signals(void) {
    for (int restart = 0; restart < 2; restart++)
        for (int timed = 0; timed < 2; timed++) {
            struct sigaction a = {.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0};
            sigaction(SIGUSR1, &a, NULL);
            word = signals = 0;
            waiter_tid = 0;
            pthread_t t;
            CHECK(pthread_create(&t, NULL, interrupted, (void *)(long)timed) == 0);
            while (!waiter_tid) usleep(100);
            usleep(20000);
            syscall(SYS_tgkill, getpid(), waiter_tid, SIGUSR1);
            while (!signals) usleep(100);
            usleep(10000);
            long woke = futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0);
            void *result;
            pthread_join(t, &result);
            CHECK(restart && !timed ? woke == 1 && result == 0 : woke == 0 && (long)result == EINTR);
        }
}
static void between_processes(void) {
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    pid_t pid = fork();
    if (pid == 0) {
        for (uint32_t i = 0; i < 500; i++) {
            while (__atomic_load_n(&shared[0], __ATOMIC_SEQ_CST) == i) futex(&shared[0], FUTEX_WAIT, i, NULL, NULL, 0);
            __atomic_store_n(&shared[16], i + 1, __ATOMIC_SEQ_CST);
            futex(&shared[16], FUTEX_WAKE, 1, NULL, NULL, 0);
        }
        _exit(0);
    }
    for (uint32_t i = 0; i < 500; i++) {
        __atomic_store_n(&shared[0], i + 1, __ATOMIC_SEQ_CST);
        futex(&shared[0], FUTEX_WAKE, 1, NULL, NULL, 0);
        while (__atomic_load_n(&shared[16], __ATOMIC_SEQ_CST) == i) futex(&shared[16], FUTEX_WAIT, i, NULL, NULL, 0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    // Another process's memory.
    pid = fork();
    if (pid == 0) {
        word = 0x12345678;
        shared[1] = 1;
        for (;;) pause();
    }
    while (!__atomic_load_n(&shared[1], __ATOMIC_SEQ_CST)) usleep(100);
    uint32_t copy = 0;
    struct iovec local = {&copy, 4}, remote = {&word, 4};
    CHECK(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0) == 4 && copy == 0x12345678);
    copy = 77;
    CHECK(syscall(SYS_process_vm_writev, pid, &local, 1, &remote, 1, 0) == 4);
    copy = 0;
    CHECK(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0) == 4 && copy == 77);
    remote.iov_base = (void *)16;
    FAILS(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0), EFAULT);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
struct waitv {
    uint64_t value, address;
    uint32_t flags, reserved;
};
static void *wakes_third(void *argument) {
    uint32_t *words = argument;
    usleep(5000);
    words[2] = 1;
    while (futex(&words[2], FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0) == 0) usleep(100);
    return NULL;
}
static void vectors(void) {
    static uint32_t words[3];
    struct waitv v[3];
    for (int i = 0; i < 3; i++) v[i] = (struct waitv){0, (uintptr_t)&words[i], 2 | PRIVATE, 0};
    struct timespec t = after(CLOCK_MONOTONIC, 10);
    FAILS(syscall(SYS_futex_waitv, v, 3, 1, &t, CLOCK_MONOTONIC), EINVAL);
    FAILS(syscall(SYS_futex_waitv, v, 3, 0, &t, CLOCK_MONOTONIC), ETIMEDOUT);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wakes_third, words) == 0);
    t = after(CLOCK_MONOTONIC, 20000);
    long index = syscall(SYS_futex_waitv, v, 3, 0, &t, CLOCK_MONOTONIC);
    CHECK(index == 2);
    pthread_join(thread, NULL);
    FAILS(syscall(SYS_futex_waitv, v, 3, 0, &t, CLOCK_MONOTONIC), EAGAIN);
}

// MARK: libc's

static pthread_mutex_t pi_mutex;
static pthread_cond_t condition;
static int turn;
static void *takes_turns(void *argument) {
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&pi_mutex);
        while (turn % 3 != (int)(long)argument) pthread_cond_wait(&condition, &pi_mutex);
        turn++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&pi_mutex);
    }
    return NULL;
}
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int left_half, right_half;
static void *reads_and_writes(void *argument) {
    for (int i = 0; i < 3000; i++)
        if (i % 10 == (int)(long)argument) {
            pthread_rwlock_wrlock(&rwlock);
            left_half++;
            right_half++;
            pthread_rwlock_unlock(&rwlock);
        } else {
            pthread_rwlock_rdlock(&rwlock);
            CHECK(left_half == right_half);
            pthread_rwlock_unlock(&rwlock);
        }
    return NULL;
}
static once_flag flag = ONCE_FLAG_INIT;
static int once_count, c11_count;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static tss_t c11_key;
static void once(void) { once_count++; }
static int c11(void *argument) {
    call_once(&flag, once);
    tss_set(c11_key, argument);
    mtx_lock(&c11_mutex);
    c11_count++;
    cnd_broadcast(&c11_condition);
    while (c11_count < 4) cnd_wait(&c11_condition, &c11_mutex);
    mtx_unlock(&c11_mutex);
    thrd_yield();
    return tss_get(c11_key) == argument ? (int)(long)argument : -1;
}
static void of_libc(void) {
    pthread_t t[4];
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
    CHECK(pthread_mutex_init(&pi_mutex, &a) == 0);
    pthread_condattr_t c;
    pthread_condattr_init(&c);
    pthread_condattr_setclock(&c, CLOCK_MONOTONIC);
    pthread_cond_init(&condition, &c);
    for (long i = 0; i < 3; i++) CHECK(pthread_create(&t[i], NULL, takes_turns, (void *)i) == 0);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    CHECK(turn == 600);
    pthread_mutex_lock(&pi_mutex);
    CHECK(pthread_mutex_lock(&pi_mutex) == EDEADLK);
    struct timespec at = after(CLOCK_MONOTONIC, 20);
    CHECK(pthread_cond_timedwait(&condition, &pi_mutex, &at) == ETIMEDOUT);
    CHECK(pthread_mutex_unlock(&pi_mutex) == 0 && pthread_mutex_unlock(&pi_mutex) == EPERM);

    for (long i = 0; i < 4; i++) CHECK(pthread_create(&t[i], NULL, reads_and_writes, (void *)i) == 0);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    CHECK(left_half == 1200 && right_half == 1200);
    pthread_rwlock_rdlock(&rwlock);
    at = after(CLOCK_REALTIME, 10);
    CHECK(pthread_rwlock_timedwrlock(&rwlock, &at) == ETIMEDOUT);
    sem_t s;
    sem_init(&s, 0, 0);
    at = after(CLOCK_REALTIME, 10);
    CHECK(sem_timedwait(&s, &at) == -1 && errno == ETIMEDOUT);

    thrd_t u[4];
    mtx_init(&c11_mutex, mtx_timed);
    cnd_init(&c11_condition);
    tss_create(&c11_key, NULL);
    for (long i = 0; i < 4; i++) CHECK(thrd_create(&u[i], c11, (void *)(i + 1)) == thrd_success);
    for (int i = 0; i < 4; i++) {
        int result;
        CHECK(thrd_join(u[i], &result) == thrd_success && result == i + 1);
    }
    CHECK(once_count == 1);
    mtx_lock(&c11_mutex);
    at = after(CLOCK_REALTIME, 10);
    CHECK(mtx_timedlock(&c11_mutex, &at) == thrd_timedout);
}

// MARK: scheduling

static void scheduling(void) {
    cpu_set_t set, again;
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0);
    CHECK(sched_setaffinity(gettid_now(), sizeof set, &set) == 0 && sched_getaffinity(0, sizeof again, &again) == 0);
    CHECK(CPU_EQUAL(&set, &again));
    unsigned cpu = 999999, node = 999999;
    CHECK(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu < CPU_SETSIZE && node < 1024);
    CHECK(CPU_ISSET(sched_getcpu(), &set));
    CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1);
    CHECK(sched_getscheduler(0) == SCHED_OTHER);
    struct sched_param p = {0};
    CHECK(sched_setscheduler(0, SCHED_BATCH, &p) == 0 && sched_getscheduler(0) == SCHED_BATCH && sched_setscheduler(0, SCHED_OTHER, &p) == 0);
    // MEMBARRIER_CMD_QUERY has at least GLOBAL, and the private one must be registered first.
    long commands = syscall(SYS_membarrier, 0, 0, 0);
    CHECK(commands > 0 && commands & 1);
    FAILS(syscall(SYS_membarrier, 1 << 3, 0, 0), EPERM);
    CHECK(syscall(SYS_membarrier, 1 << 4, 0, 0) == 0 && syscall(SYS_membarrier, 1 << 3, 0, 0) == 0);
    pid_t tid = syscall(SYS_set_tid_address, &word);
    CHECK(tid == gettid_now());
    void *head;
    size_t length;
    CHECK(syscall(SYS_get_robust_list, 0, &head, &length) == 0 && head != NULL && length == 24);
    FAILS(syscall(SYS_set_robust_list, head, 23), EINVAL);
}

int main(void) {
    errors_and_times();
    printf("errors and times\n");
    wakes();
    printf("wakes\n");
    pi();
    printf("priority inheritance\n");
    with_signals();
    printf("signals\n");
    fflush(stdout);
    between_processes();
    printf("processes\n");
    vectors();
    printf("vectors\n");
    of_libc();
    printf("libc\n");
    scheduling();
    printf("scheduling\n");
    return 0;
}
