// Signals: faults with their address and PC, handlers that change registers, alternate stacks, masks, nesting, queued real-time
// signals, timers that interrupt a loop and a system call.
#define _GNU_SOURCE
#include "check.h"
#include "handle.h"
#include <errno.h>
#include <poll.h>
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


// Accesses at known labels, so that the handler can compare PC.
extern char load_here[], store_here[], pair_here[], vector_here[], undefined_here[];
__asm__(".text\n"
        ".global load_at\nload_at:\n mov x9, #5\n add x9, x9, #6\n.global load_here\nload_here: ldr x1, [x0, #8]!\n add x0, x0, x9\n ret\n"
        ".global store_at\nstore_at:\n mov x10, #77\n.global store_here\nstore_here: strb w10, [x0], #1\n ret\n"
        ".global pair_at\npair_at:\n mov x2, x0\n.global pair_here\npair_here: ldp x3, x4, [x2, #-16]!\n mov x0, x2\n ret\n"
        ".global vector_at\nvector_at:\n mov x1, x0\n.global vector_here\nvector_here: ldr q0, [x1]\n ret\n"
        ".global undefined\nundefined:\n mov x0, #3\n.global undefined_here\nundefined_here: .word 0\n add x0, x0, #1\n ret\n");
long load_at(uintptr_t), store_at(uintptr_t), pair_at(uintptr_t), vector_at(uintptr_t), undefined(void);

static struct {
    int signal, code, onAltStack;
    uintptr_t address, pc, x9, x0;
} seen;
static int resume_with;
static char alternate[64 << 10] __attribute__((aligned(16)));

static void on_fault(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    char here;
    seen.signal = signal;
    seen.code = info->si_code;
    seen.address = (uintptr_t)info->si_addr;
    seen.pc = uc->uc_mcontext.pc;
    seen.x9 = uc->uc_mcontext.regs[9];
    seen.x0 = uc->uc_mcontext.regs[0];
    seen.onAltStack = &here >= alternate && &here < alternate + sizeof alternate;
    uc->uc_mcontext.pc += 4;
    uc->uc_mcontext.regs[0] = (unsigned long)resume_with;
}

static void show(const char *what, char *label, uintptr_t base) {
    // Linux says ILL_ILLOPC, QEMU ILL_ILLOPN.
    if (seen.signal == SIGILL && seen.code == ILL_ILLOPN) seen.code = ILL_ILLOPC;
    printf("%s: signal %d code %d address base%+ld pc label%+ld alt %d\n", what, seen.signal, seen.code,
           (long)(seen.address - base), (long)(seen.pc - (uintptr_t)label), seen.onAltStack);
    memset(&seen, 0, sizeof seen);
}

static void faults(void) {
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK(munmap(page + 4096, 4096) == 0);
    uintptr_t end = (uintptr_t)page + 4096;
    CHECK(mprotect(page, 4096, PROT_READ) == 0);
    handle(SIGSEGV, on_fault, SA_SIGINFO);
    handle(SIGBUS, on_fault, SA_SIGINFO);
    handle(SIGILL, on_fault, SA_SIGINFO);
    resume_with = 100;
    long result = load_at(end - 8);
    printf("load gives %ld, x9 was %lu, x0 unchanged %d\n", result, seen.x9, seen.x0 == end - 8);
    show("load", load_here, end);
    result = load_at(8);
    show("load of 16", load_here, 16);
    result = store_at((uintptr_t)page + 7);
    printf("store gives %ld\n", result);
    show("store", store_here, (uintptr_t)page);
    result = pair_at(end + 16);
    show("pair", pair_here, end);
    vector_at(end - 8);
    CHECK(seen.address >= end - 8 && seen.address <= end);
    seen.address = end;
    show("vector", vector_here, end);
    resume_with = 40;
    printf("undefined gives %ld\n", undefined());
    show("undefined", undefined_here, (uintptr_t)undefined_here);
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(sigaltstack(&stack, NULL) == 0);
    handle(SIGSEGV, on_fault, SA_SIGINFO | SA_ONSTACK);
    load_at(0x1000);
    show("on alternate stack", load_here, 0x1008);
}

static sigjmp_buf back;
static void jump_back(int signal) { siglongjmp(back, signal); }
static int depth_reached;
static int overflow(int depth) {
    volatile char frame[4096];
    frame[0] = (char)depth;
    depth_reached = depth;
    return depth < 1 << 30 ? overflow(depth + 1) + frame[0] : 0;
}
static void stack_overflow(void) {
    handle(SIGSEGV, jump_back, SA_ONSTACK);
    int signal = sigsetjmp(back, 1);
    if (signal == 0) overflow(0);
    printf("stack overflow caught: %d, deep %d\n", signal, depth_reached > 1000);
    // A jump into a page that is not executable.
    char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal = sigsetjmp(back, 1);
    if (signal == 0) ((void (*)(void))data)();
    printf("jump into data caught: %d\n", signal);
    signal = sigsetjmp(back, 1);
    if (signal == 0) ((void (*)(void))8)();
    printf("jump to 8 caught: %d\n", signal);
    signal = sigsetjmp(back, 1);
    if (signal == 0) raise(SIGSEGV);
    printf("sent SIGSEGV caught: %d\n", signal);
}

static volatile sig_atomic_t ticks, order;
static void tick(int signal) {
    (void)signal;
    ticks++;
}
static void timers(void) {
    handle(SIGALRM, tick, 0);
    struct itimerval every = {.it_interval = {0, 3000}, .it_value = {0, 3000}}, never = {0};
    setitimer(ITIMER_REAL, &every, NULL);
    // Loops of one TB, without and with calls, all of which a signal must interrupt.
    volatile long work = 0;
    while (ticks < 5) work++;
    while (ticks < 10) {
    }
    double x = 1;
    while (ticks < 15) x = x * 1.0000001 + 1e-9;
    setitimer(ITIMER_REAL, &never, NULL);
    printf("ticks arrived %d, worked %d %d\n", ticks >= 15, work > 0, x > 0);
    struct timespec long_time = {5, 0}, rest;
    // Repeated: on a busy machine the first may come before the call.
    struct itimerval again = {.it_interval = {0, 20000}, .it_value = {0, 20000}};
    setitimer(ITIMER_REAL, &again, NULL);
    int result = nanosleep(&long_time, &rest);
    printf("nanosleep %d %s, rest about 5 s %d\n", result, strerror(errno), rest.tv_sec == 4);
    setitimer(ITIMER_REAL, &never, NULL);
    int ends[2];
    CHECK(pipe(ends) == 0);
    char byte;
    setitimer(ITIMER_REAL, &again, NULL);
    long got = read(ends[0], &byte, 1);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("read %ld %s\n", got, strerror(errno));
    setitimer(ITIMER_REAL, &again, NULL);
    struct pollfd fds = {.fd = ends[0], .events = POLLIN};
    result = poll(&fds, 1, 5000);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("poll %d %s\n", result, strerror(errno));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec spec = {.it_value = {0, 5000000}};
    ticks = 0;
    CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
    while (!ticks) {
    }
    CHECK(timer_delete(timer) == 0);
    printf("timer_create tick\n");
}

static void nested(int signal) {
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("enter %s: usr1 %d usr2 %d\n", signal == SIGUSR1 ? "usr1" : "usr2", sigismember(&now, SIGUSR1),
           sigismember(&now, SIGUSR2));
    if (signal == SIGUSR1) raise(SIGUSR2);
    printf("leave %s\n", signal == SIGUSR1 ? "usr1" : "usr2");
}
static void queued(int signal, siginfo_t *info, void *context) {
    (void)context;
    printf("queued +%d code %d value %d\n", signal - SIGRTMIN, info->si_code, info->si_value.sival_int);
}
static void masks(void) {
    handle(SIGUSR1, nested, 0);
    handle(SIGUSR2, nested, 0);
    raise(SIGUSR1);
    handle(SIGUSR1, nested, SA_RESETHAND | SA_NODEFER);
    kill(getpid(), SIGUSR1);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    printf("reset %d\n", old.sa_handler == SIG_DFL);
    sigset_t set, before, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0);
    handle(SIGRTMIN, queued, SA_SIGINFO);
    handle(SIGRTMIN + 1, queued, SA_SIGINFO);
    for (int i = 0; i < 3; i++) {
        union sigval value = {.sival_int = i};
        CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
        CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
    }
    kill(getpid(), SIGUSR2);
    sigpending(&pending);
    printf("pending %d %d %d\n", sigismember(&pending, SIGUSR2), sigismember(&pending, SIGRTMIN),
           sigismember(&pending, SIGUSR1));
    sigset_t all_but;
    sigfillset(&all_but);
    sigdelset(&all_but, SIGUSR2);
    int result = sigsuspend(&all_but);
    printf("sigsuspend %d %s\n", result, strerror(errno));
    CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    union sigval value = {.sival_int = 9};
    sigqueue(getpid(), SIGRTMIN, value);
    siginfo_t info;
    struct timespec soon = {1, 0};
    result = sigtimedwait(&set, &info, &soon);
    printf("sigtimedwait %d value %d\n", result - SIGRTMIN, info.si_value.sival_int);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    printf("ignored\n");
}

// Registers that a handler may not disturb: callee- and caller-saved, flags, vector, FPCR.
static volatile sig_atomic_t interrupted;
static void disturb(int signal) {
    (void)signal;
    interrupted++;
    __asm__ volatile("movi v0.16b, #255\nmovi v31.16b, #255\nmov x9, #-1\nmov x15, #-1\nmsr fpsr, xzr\ncmp sp, #1" ::
                         : "v0", "v31", "x9", "x15", "cc");
}
static void preserved(void) {
    handle(SIGALRM, disturb, 0);
    struct itimerval every = {.it_interval = {0, 1000}, .it_value = {0, 1000}}, never = {0};
    setitimer(ITIMER_REAL, &every, NULL);
    long bad = 0;
    while (interrupted < 20 && bad == 0)
        __asm__ volatile("mov x9, #1234\nmov x15, #5678\nmovi v0.16b, #7\nmovi v31.16b, #9\nmov x12, #2000\n"
                         "1: subs x12, x12, #1\n csinc x15, x15, x15, ge\n b.ne 1b\n"
                         "sub x9, x9, #1234\nadd %0, %0, x9\nmov x12, #5678\nsub x15, x15, x12\nadd %0, %0, x15\n"
                         "umov w9, v0.b[3]\nsub x9, x9, #7\nadd %0, %0, x9\numov w9, v31.b[15]\nsub x9, x9, #9\nadd %0, %0, x9\n"
                         : "+r"(bad)::"x9", "x12", "x15", "v0", "v31", "cc");
    setitimer(ITIMER_REAL, &never, NULL);
    printf("preserved %d\n", bad == 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    faults();
    stack_overflow();
    timers();
    masks();
    preserved();
    return 0;
}
