// Run under `-plugin ips`: clocks and timeouts follow the instructions, so a run prints the same each time. Without the plugin it
// prints other numbers.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_now(clockid_t clock) {
    struct timespec t;
    CHECK(clock_gettime(clock, &t) == 0);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}
static int64_t counter(void) {
    uint64_t ticks, frequency;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return (int64_t)(ticks * (1000000000 / frequency));
}
static int64_t last;
static void lap(const char *what) {
    int64_t now = clock_now(CLOCK_MONOTONIC);
    printf("%s %lld\n", what, (long long)(now - last));
    last = clock_now(CLOCK_MONOTONIC);
}
/// Two instructions a turn.
static void spin(uint64_t turns) { __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc"); }

static uint32_t word;
static void *sleeper(void *milliseconds) {
    struct timespec t = {0, (long)(intptr_t)milliseconds * 1000000};
    int64_t start = clock_now(CLOCK_MONOTONIC);
    CHECK(nanosleep(&t, NULL) == 0);
    return (void *)(intptr_t)(clock_now(CLOCK_MONOTONIC) - start);
}
static void on_alarm(int signal) { (void)signal; }

int main(void) {
    last = clock_now(CLOCK_MONOTONIC);
    spin(5000000);
    lap("ten million instructions");
    struct timespec t = {0, 30000000};
    CHECK(nanosleep(&t, NULL) == 0);
    lap("nanosleep");
    t.tv_sec = last / 1000000000, t.tv_nsec = last % 1000000000;
    t.tv_sec += 1;
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0);
    lap("until a second later");
    CHECK(poll(NULL, 0, 25) == 0);
    lap("poll");
    int ends[2];
    CHECK(pipe(ends) == 0);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval short_time = {0, 15000};
    CHECK(select(ends[0] + 1, &set, NULL, NULL, &short_time) == 0 && !FD_ISSET(ends[0], &set));
    CHECK(short_time.tv_sec == 0 && short_time.tv_usec == 0);
    lap("select");
    CHECK(write(ends[1], "x", 1) == 1);
    FD_SET(ends[0], &set);
    short_time.tv_usec = 15000;
    CHECK(select(ends[0] + 1, &set, NULL, NULL, &short_time) == 1 && FD_ISSET(ends[0], &set));
    lap("select of what is ready");
    int queue = epoll_create1(0);
    struct epoll_event event;
    CHECK(epoll_wait(queue, &event, 1, 12) == 0);
    lap("epoll");
    t = (struct timespec){0, 11000000};
    CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0) == -1 && errno == ETIMEDOUT);
    lap("futex");
    CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &t, NULL, 0) == -1 && errno == EAGAIN);
    sem_t semaphore;
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    int64_t realtime = clock_now(CLOCK_REALTIME) + 40000000;
    t = (struct timespec){realtime / 1000000000, realtime % 1000000000};
    CHECK(sem_timedwait(&semaphore, &t) == -1 && errno == ETIMEDOUT);
    lap("semaphore");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    t = (struct timespec){0, 9000000};
    CHECK(sigtimedwait(&signals, NULL, &t) == -1 && errno == EAGAIN);
    lap("sigtimedwait");
    // Clocks agree.
    int64_t monotonic = clock_now(CLOCK_MONOTONIC), ticks = counter();
    CHECK(ticks >= monotonic - 100 && ticks - monotonic < 50000000);
    struct timeval day;
    CHECK(gettimeofday(&day, NULL) == 0);
    CHECK(clock_now(CLOCK_REALTIME) / 1000 - (day.tv_sec * 1000000ll + day.tv_usec) < 1000000);
    CHECK(clock_getres(CLOCK_MONOTONIC, &t) == 0);
    // Sleepers wake in order, each at its time.
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, sleeper, (void *)(intptr_t)(60 - 20 * i)) == 0);
    for (int i = 0; i < 3; i++) {
        void *slept;
        CHECK(pthread_join(threads[i], &slept) == 0);
        int64_t over = (int64_t)(intptr_t)slept - (60 - 20 * i) * 1000000;
        CHECK(over >= 0 && over < 20000000);
    }
    puts("sleepers woke");
    // A signal breaks off a sleep and leaves the rest. The timer is the host's.
    struct sigaction action = {.sa_handler = on_alarm};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    struct itimerval timer = {{0, 20000}, {0, 20000}};
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    t = (struct timespec){3600, 0};
    struct timespec rest = {-1, -1};
    CHECK(nanosleep(&t, &rest) == -1 && errno == EINTR && rest.tv_sec >= 3000 && rest.tv_sec <= 3600);
    timer.it_value.tv_usec = 0;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    // A child has the time, too.
    int status;
    pid_t child = fork();
    if (child == 0) {
        t = (struct timespec){0, 5000000};
        int64_t before = clock_now(CLOCK_MONOTONIC);
        CHECK(nanosleep(&t, NULL) == 0);
        _exit(clock_now(CLOCK_MONOTONIC) - before >= 5000000 ? 7 : 8);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    puts("done");
    return 0;
}
