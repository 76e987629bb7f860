// Stopping and going on, terminals, alternate stacks under load, how processes end. The same source built for the host tells the kernel's truth.
#define _GNU_SOURCE
#include "check.h"
#include "handle.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile int count;
static int told[2];
static int *volatile nowhere = (int *)16;
static void tick(int signal) {
    (void)signal;
    count++;
}

// ---- job control ----------------------------------------------------------------------------------------------------------

static void *count_up(void *counter) {
    for (;;) ++*(volatile long *)counter;
    return NULL;
}
static void jobs(void) {
    int status;
    // A stopped process with threads stands still, all of it.
    long *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, count_up, &shared[i * 8]);
        count_up(&shared[24]);
    }
    while (!shared[0] || !shared[8] || !shared[16] || !shared[24]) usleep(500);
    kill(child, SIGSTOP);
    EXPECT(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    long before[4] = {shared[0], shared[8], shared[16], shared[24]};
    usleep(10000);
    for (int i = 0; i < 4; i++) EXPECT_EQ(shared[i * 8], before[i]);
    kill(child, SIGCONT);
    EXPECT(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    for (int i = 0; i < 4; i++)
        while (((volatile long *)shared)[i * 8] == before[i]) usleep(500);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);

    // A shell's way: SIGTSTP with a handler that cleans up, takes the default and stops; SIGCONT with a handler.
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTSTP);
        handle(SIGTSTP, tick, 0);
        handle(SIGCONT, tick, 0);
        write(told[1], "h", 1);
        while (count < 1) usleep(500);
        handle(SIGTSTP, SIG_DFL, 0);
        raise(SIGTSTP);
        while (count < 2) usleep(500);
        _exit(count);
    }
    setpgid(child, child);
    EXPECT_EQ(getpgid(child), child);
    CHECK(read(told[0], &(char){0}, 1) == 1);
    kill(-child, SIGTSTP);
    EXPECT(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    kill(-child, SIGCONT);
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 2);
    printf("stopping\n");

    // A terminal of our own: background reads and writes stop, ^C and ^Z come to the foreground group.
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    char name[64];
    CHECK(ptsname_r(master, name, sizeof name) == 0);
    pid_t leader = fork();
    if (leader == 0) {
        CHECK(setsid() == getpid());
        int terminal = open(name, O_RDWR);
        CHECK(terminal >= 0 && tcgetpgrp(terminal) == getpid());
        pid_t job = fork();
        if (job == 0) {
            setpgid(0, 0);
            char byte;
            long n = read(terminal, &byte, 1); // SIGTTIN until we are in the foreground
            EXPECT(n == 1 && byte == 'q');
            count = 0;
            handle(SIGINT, tick, 0);
            write(terminal, "r", 1);
            n = read(terminal, &byte, 1);
            EXPECT(n == -1 && errno == EINTR && count >= 1);
            write(terminal, "i", 1);
            handle(SIGINT, tick, SA_RESTART);
            n = read(terminal, &byte, 1);
            EXPECT(n == 1 && byte == 'x' && count >= 2);
            write(terminal, "k", 1);
            for (;;) pause();
        }
        setpgid(job, job);
        EXPECT(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
        signal(SIGTTOU, SIG_IGN);
        EXPECT(tcsetpgrp(terminal, job) == 0 && tcgetpgrp(terminal) == job);
        kill(-job, SIGCONT);
        EXPECT(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
        // Now we are in the background ourselves.
        signal(SIGTTIN, SIG_IGN);
        EXPECT(read(terminal, &(char){0}, 1) == -1 && errno == EIO);
        tcsetpgrp(terminal, getpid());
        kill(job, SIGKILL);
        kill(job, SIGCONT);
        waitpid(job, &status, 0);
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        _exit(check_failures);
    }
    struct termios mode;
    tcgetattr(master, &mode);
    mode.c_lflag &= ~(unsigned)(ECHO | ICANON);
    tcsetattr(master, TCSANOW, &mode);
    char byte = 0;
    write(master, "q", 1);
    CHECK(read(master, &byte, 1) == 1 && byte == 'r');
    // Until it has come in the middle of the read.
    do write(master, "\003", 1);
    while (poll(&(struct pollfd){.fd = master, .events = POLLIN}, 1, 20) == 0);
    do CHECK(read(master, &byte, 1) == 1);
    while (byte != 'i');
    usleep(20000);
    write(master, "\003", 1);
    usleep(20000);
    write(master, "x", 1);
    do CHECK(read(master, &byte, 1) == 1);
    while (byte != 'k');
    write(master, "\032", 1);
    EXPECT(waitpid(leader, &status, 0) == leader && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(master);
    printf("terminal\n");
}

// ---- stacks -----------------------------------------------------------------------------------------------------------------

static sigjmp_buf back;
static char alternate[65536] __attribute__((aligned(16)));
static char *guard_low, *guard_high;
static int code, inside;
static void overflowed(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    char here;
    EXPECT(&here >= alternate && &here < alternate + sizeof alternate);
    code = info->si_code;
    inside = (char *)info->si_addr >= guard_low && (char *)info->si_addr < guard_high;
    siglongjmp(back, 1);
}
static int overflow(int depth) {
    volatile char frame[1000];
    frame[0] = (char)depth;
    return depth < 1 << 30 ? overflow(depth + 1) + frame[0] : 0;
}
static void *overflowing_thread(void *unused) {
    (void)unused;
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    void *low;
    size_t size, guard;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_getguardsize(&attributes, &guard);
    guard_high = low;
    guard_low = guard_high - guard;
    for (int i = 0; i < 3; i++) {
        code = 0;
        if (sigsetjmp(back, 1) == 0) overflow(0);
        EXPECT_EQ(code, SEGV_ACCERR);
        EXPECT_EQ(inside, 1);
    }
    return NULL;
}
static int depth_on_alternate;
static void nest(int signal) {
    char here;
    EXPECT(&here >= alternate && &here < alternate + sizeof alternate);
    if (++depth_on_alternate < 5) raise(signal == SIGUSR1 ? SIGUSR2 : SIGUSR1);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    EXPECT_EQ(sigismember(&now, signal), 0);
}
static void stacks(void) {
    handle(SIGSEGV, overflowed, SA_SIGINFO | SA_ONSTACK);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, overflowing_thread, NULL) == 0);
    pthread_join(thread, NULL);
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 64 << 20) limit.rlim_cur = 64 << 20;
    guard_high = (char *)&limit;
    guard_low = guard_high - limit.rlim_cur - (1 << 20);
    for (int i = 0; i < 3; i++) {
        code = 0;
        if (sigsetjmp(back, 1) == 0) overflow(0);
        EXPECT_EQ(code, SEGV_MAPERR);
        EXPECT_EQ(inside, 1);
    }
    handle(SIGUSR1, nest, SA_ONSTACK | SA_NODEFER);
    handle(SIGUSR2, nest, SA_ONSTACK | SA_NODEFER);
    raise(SIGUSR1);
    EXPECT_EQ(depth_on_alternate, 5);
    // Thousands of jumps out of handlers.
    handle(SIGSEGV, overflowed, SA_SIGINFO | SA_ONSTACK | SA_NODEFER);
    for (volatile int i = 0; i < 2000; i++)
        if (sigsetjmp(back, i & 1) == 0) *nowhere = 1;
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    EXPECT_EQ(sigismember(&now, SIGSEGV), 0);
    printf("stacks\n");
}

// ---- ends ---------------------------------------------------------------------------------------------------------------------

static void no_handler(int signal) {
    sigset_t set;
    sigemptyset(&set);
    handle(signal, SIG_DFL, 0);
    sigprocmask(SIG_SETMASK, &set, NULL);
}
static void *leave_later(void *unused) {
    (void)unused;
    usleep(5000);
    _exit(51);
    return NULL;
}
static pthread_t main_thread;
static void *hold_on(void *unused) {
    (void)unused;
    pthread_join(main_thread, NULL);
    write(told[1], "g", 1);
    for (;;) usleep(1000);
    return NULL;
}
static void *raise_segv(void *unused) {
    (void)unused;
    usleep(1000);
    *nowhere = 1;
    return NULL;
}
static void exit_in_handler(int signal) { exit(signal + 40); }
static void again(int signal) {
    // As crash reporters do: default, then the signal once more.
    handle(signal, SIG_DFL, 0);
    kill(getpid(), signal);
}
static void ends(void) {
    int status;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    fflush(stdout);
    for (int signal = 1; signal <= 64; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33) continue;
        pid_t child = fork();
        if (child == 0) {
            // A group that is not orphaned, so that it can be stopped.
            setpgid(0, 0);
            prctl(PR_SET_DUMPABLE, 0);
            close(2);
            no_handler(signal);
            kill(getpid(), signal);
            _exit(7);
        }
        CHECK(waitpid(child, &status, WUNTRACED) == child);
        if (WIFSTOPPED(status)) {
            EXPECT(signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU);
            EXPECT_EQ(WSTOPSIG(status), signal);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
        } else if (signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH) {
            EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        } else {
            EXPECT_EQ(status, signal);
        }
    }
    main_thread = pthread_self();
    for (int way = 0; way < 9; way++) {
        pid_t child = fork();
        if (child == 0) {
            close(2);
            pthread_t thread;
            sigset_t set;
            switch (way) {
            case 0: // the main thread leaves, another ends the process
                pthread_create(&thread, NULL, leave_later, NULL);
                pthread_exit(NULL);
            case 1: // signals still find the process
                pthread_create(&thread, NULL, hold_on, NULL);
                pthread_exit(NULL);
            case 2: // and a handler in the other thread
                handle(SIGTERM, exit_in_handler, 0);
                pthread_create(&thread, NULL, hold_on, NULL);
                pthread_exit(NULL);
            case 3: // a fault in a thread
                no_handler(SIGSEGV);
                pthread_create(&thread, NULL, raise_segv, NULL);
                for (;;) pause();
            case 4: // a fault of a blocked and handled signal
                sigemptyset(&set);
                sigaddset(&set, SIGSEGV);
                sigprocmask(SIG_BLOCK, &set, NULL);
                *nowhere = 1;
                _exit(1);
            case 5: // and of an ignored one
                signal(SIGSEGV, SIG_IGN);
                *nowhere = 1;
                _exit(1);
            case 6:
                handle(SIGSEGV, again, 0);
                *nowhere = 1;
                _exit(1);
            case 7: // SIGSEGV for the process after the main thread has gone
                handle(SIGSEGV, exit_in_handler, 0);
                pthread_create(&thread, NULL, hold_on, NULL);
                pthread_exit(NULL);
            case 8:
                handle(SIGABRT, tick, 0);
                abort();
            }
        }
        if (way == 1 || way == 2 || way == 7) {
            read(told[0], &(char){0}, 1);
            kill(child, way == 7 ? SIGSEGV : SIGTERM);
        }
        CHECK(waitpid(child, &status, 0) == child);
        static const int expected[9] = {51 << 8, SIGTERM, (SIGTERM + 40) << 8, SIGSEGV, SIGSEGV, SIGSEGV, SIGSEGV, (SIGSEGV + 40) << 8, SIGABRT};
        if (status != expected[way]) printf("way %d: ", way);
        EXPECT_EQ(status, expected[way]);
    }
    printf("ends\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    CHECK(pipe(told) == 0);
    jobs();
    stacks();
    ends();
    printf("%d failures\n", check_failures);
    return check_failures != 0;
}
