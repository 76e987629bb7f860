// Many threads and many signals: masks that change as a wait begins, storms, preemption as Go does it, cancellation, set*id, timers
// over computing loops. The same source built for the host tells the kernel's truth.
#define _GNU_SOURCE
#include "check.h"
#include "handle.h"
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


// ---- no wake-up is lost -------------------------------------------------------------------------------------------------

#define ROUNDS 5000
static volatile int got, way;
static volatile int turn;
static void note(int signal) {
    (void)signal;
    got++;
}
static void *waker(void *argument) {
    pthread_t target = *(pthread_t *)argument;
    unsigned long seed = 7;
    for (int i = 0; i < ROUNDS; i++) {
        while (turn != i) {
        }
        // From before the call to long after its begin.
        for (volatile int spin = (int)(next_random(&seed) % 300); spin > 0; spin--) {
        }
        pthread_kill(target, SIGUSR1);
    }
    return NULL;
}
static void wakeups(void) {
    handle(SIGUSR1, note, 0);
    int epoll = epoll_create1(0);
    sigset_t blocked, open;
    sigemptyset(&open);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    for (way = 0; way < 5; way++) {
        pthread_t thread, self = pthread_self();
        turn = -1;
        got = 0;
        CHECK(pthread_create(&thread, NULL, waker, &self) == 0);
        for (int i = 0; i < ROUNDS; i++) {
            turn = i;
            long result = -1;
            // A lost signal leaves us waiting for ever.
            while (got == i) {
                switch (way) {
                case 0: result = sigsuspend(&open); break;
                case 1: result = ppoll(NULL, 0, NULL, &open); break;
                case 2: result = pselect(0, NULL, NULL, NULL, NULL, &open); break;
                case 3: result = epoll_pwait(epoll, &(struct epoll_event){0}, 1, -1, &open); break;
                case 4:
                    result = sigwaitinfo(&blocked, NULL) == SIGUSR1 ? -1 : 0;
                    got++;
                    errno = EINTR;
                    break;
                }
                if (result != -1 || errno != EINTR) break;
            }
            if (result != -1 || errno != EINTR || got != i + 1) {
                EXPECT(result == -1 && errno == EINTR);
                EXPECT_EQ(got, i + 1);
                break;
            }
        }
        pthread_join(thread, NULL);
        EXPECT_EQ(got, ROUNDS);
        sigset_t now, pending;
        pthread_sigmask(SIG_SETMASK, NULL, &now);
        EXPECT_EQ(sigismember(&now, SIGUSR1), 1);
        sigpending(&pending);
        EXPECT_EQ(sigismember(&pending, SIGUSR1), 0);
    }
    pthread_sigmask(SIG_SETMASK, &open, NULL);
    printf("wake-ups\n");
}

// ---- storms -----------------------------------------------------------------------------------------------------------------

#define THREADS 4
static volatile int stop;
static volatile long handled[THREADS];
static __thread int number;
static void preempt(int signal) {
    (void)signal;
    handled[number]++;
}
struct worker {
    pthread_t thread;
    pid_t tid;
    volatile int ready;
    int index;
    unsigned long result;
};
static unsigned long compute(int rounds) {
    unsigned long seed = 5, sum = 0;
    double x = 1;
    for (int i = 0; i < rounds; i++) {
        sum = sum * 31 + next_random(&seed) % 1000;
        x = x * 1.0000001 + 1e-7;
    }
    return sum + (unsigned long)(x * 1e9);
}
static unsigned long expected_result;
static void *work(void *argument) {
    struct worker *worker = argument;
    number = worker->index;
    worker->tid = (pid_t)syscall(SYS_gettid);
    worker->ready = 1;
    while (!stop) {
        unsigned long result = compute(2000);
        if (result != expected_result) {
            worker->result++;
            break;
        }
        if (number & 1) sched_yield();
    }
    return NULL;
}
static void storms(void) {
    struct worker workers[THREADS];
    memset(workers, 0, sizeof workers);
    expected_result = compute(2000);
    handle(SIGURG, preempt, SA_RESTART | SA_ONSTACK);
    for (int i = 0; i < THREADS; i++) {
        workers[i].index = i;
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        while (!workers[i].ready) sched_yield();
    pid_t process = getpid();
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < THREADS; i++) EXPECT_EQ(syscall(SYS_tgkill, process, workers[i].tid, SIGURG), 0);
        struct timespec nap = {0, 100000};
        nanosleep(&nap, NULL);
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        EXPECT_EQ(workers[i].result, 0);
        EXPECT(handled[i] > 0);
    }
    fprintf(stderr, "preempted %ld %ld %ld %ld times of 2000\n", handled[0], handled[1], handled[2], handled[3]);
    printf("storms\n");
}

// Real-time signals from everybody to everybody: every one arrives.
static volatile long received;
static void count_one(int signal) {
    (void)signal;
    __atomic_fetch_add(&received, 1, __ATOMIC_RELAXED);
}
static pthread_t peers[THREADS];
static pthread_barrier_t barrier;
static volatile long sent;
static void *send_to_all(void *unused) {
    (void)unused;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 1000; i++) {
        int error;
        do error = pthread_sigqueue(peers[i % THREADS], SIGRTMIN + i % 3, (union sigval){.sival_int = i});
        while (error == EAGAIN);
        CHECK(error == 0);
        __atomic_fetch_add(&sent, 1, __ATOMIC_RELAXED);
    }
    while (received < THREADS * 1000) sched_yield();
    pthread_barrier_wait(&barrier);
    return NULL;
}
static void every_one(void) {
    for (int i = 0; i < 3; i++) handle(SIGRTMIN + i, count_one, SA_RESTART);
    pthread_barrier_init(&barrier, NULL, THREADS);
    // The barrier is passed when all names are known.
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&peers[i], NULL, send_to_all, NULL) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(peers[i], NULL);
    EXPECT_EQ(received, THREADS * 1000);
    printf("every one\n");
}

// ---- cancellation and set*id, which libc does by signals 32 and 33 ----------------------------------------------------------

static volatile int cleaned;
static void clean(void *argument) { cleaned += (int)(long)argument; }
static void *deferred(void *unused) {
    (void)unused;
    pthread_cleanup_push(clean, (void *)1);
    for (;;) poll(NULL, 0, 1000);
    pthread_cleanup_pop(0);
    return NULL;
}
static void *asynchronous(void *unused) {
    (void)unused;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push(clean, (void *)1);
    for (;;) {
    }
    pthread_cleanup_pop(0);
    return NULL;
}
static volatile int release;
static void *disabled(void *unused) {
    (void)unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while (!release) usleep(100);
    return (void *)5;
}
static void *wait_for_release(void *unused) {
    (void)unused;
    while (!release) {
    }
    return (void *)(long)geteuid();
}
static void libc_signals(void) {
    void *value;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, i % 2 ? deferred : asynchronous, NULL) == 0);
        if (i % 3) usleep(500);
        CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &value) == 0);
        EXPECT(value == PTHREAD_CANCELED);
    }
    EXPECT(cleaned <= 20);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, disabled, NULL) == 0);
    pthread_cancel(thread);
    release = 1;
    pthread_join(thread, &value);
    EXPECT(value == (void *)5);
    release = 0;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, i % 2 ? wait_for_release : disabled, NULL) == 0);
    // Every thread, in whatever it is, takes part in this; libc aborts when one does not.
    EXPECT(setegid(getegid()) == 0);
    EXPECT(seteuid(geteuid()) == 0);
    release = 1;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], &value);
    printf("cancellation and identity\n");
}

// ---- registers under a timer ------------------------------------------------------------------------------------------------

static volatile long interruptions;
static void disturb(int signal) {
    (void)signal;
    interruptions++;
    // Everything that a function may use is used.
    volatile double x = 3.5;
    for (int i = 0; i < 5; i++) x = sqrt(x * x + 1);
    volatile unsigned __int128 wide = (unsigned __int128)interruptions * 0x123456789abcdef0u;
    (void)wide;
}
static double kernel_fp(int n) {
    double a = 1, b = 0.5, c = 0.25, d = 2;
    for (int i = 0; i < n; i++) {
        a = a * 1.0000003 + b;
        b = b / 1.0000001 + c * 1e-3;
        c = sqrt(a) - b;
        d = fma(a, 1e-9, d) + (a > b ? 1e-7 : -1e-7);
    }
    return a + b + c + d;
}
static unsigned long kernel_vector(int n) {
    static unsigned data[256];
    for (int i = 0; i < 256; i++) data[i] = (unsigned)i * 2654435761u;
    for (int k = 0; k < n; k++)
        for (int i = 0; i < 256; i++) data[i] = (data[i] << 7 | data[i] >> 25) + (data[i] ^ (unsigned)k);
    unsigned long sum = 0;
    for (int i = 0; i < 256; i++) sum = sum * 33 + data[i];
    return sum;
}
static unsigned long kernel_flags(int n) {
    unsigned long a = 1, b = 0, c = 0;
    for (int i = 0; i < n; i++) {
        unsigned long carry = __builtin_add_overflow(a, a * 0x9e3779b97f4a7c15u, &a);
        b += carry + (a > b) + ((long)a < (long)b);
        c ^= b << (a & 15);
    }
    return a ^ b ^ c;
}
static void registers(void) {
    double fp = kernel_fp(20000);
    unsigned long vector = kernel_vector(200), flags = kernel_flags(50000);
    handle(SIGALRM, disturb, SA_RESTART);
    struct itimerval every = {.it_interval = {0, 100}, .it_value = {0, 100}}, never = {0};
    setitimer(ITIMER_REAL, &every, NULL);
    long wrong = 0, rounds = 0;
    while (interruptions < 2000) {
        wrong += kernel_fp(20000) != fp;
        wrong += kernel_vector(200) != vector;
        wrong += kernel_flags(50000) != flags;
        rounds++;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    EXPECT_EQ(wrong, 0);
    printf("registers\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    wakeups();
    storms();
    every_one();
    libc_signals();
    registers();
    printf("%d failures\n", check_failures);
    return check_failures != 0;
}
