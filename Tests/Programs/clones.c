// clone and clone3: processes with flags, what they share and what they do not, descriptors of processes, refusals. Passes natively,
// too; qemu-aarch64 has no clone3 and few flags.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#endif

struct arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    uint64_t unknown[4];
};

static long clone3_sized(struct arguments *a, size_t size) { return syscall(SYS_clone3, a, size); }
static long clone3_call(struct arguments a) { return clone3_sized(&a, 88); }
/// The old call by its roles; the order differs between architectures.
static long clone_call(unsigned long flags, void *parent_tid, void *child_tid) {
#ifdef __aarch64__
    return syscall(SYS_clone, flags, 0, parent_tid, 0, child_tid);
#else
    return syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
#endif
}

static int exits_with(pid_t pid, int options) {
    int status;
    if (waitpid(pid, &status, options) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

static void errors(void) {
    int word;
    struct {
        struct arguments a;
        size_t size;
        int error;
    } cases[] = {
        {{.flags = 0, .exit_signal = SIGCHLD}, 63, EINVAL},
        {{.flags = 0, .exit_signal = SIGCHLD}, 4097, E2BIG},
        {{.flags = 0, .exit_signal = SIGCHLD, .unknown = {1}}, 96, E2BIG},
        {{.flags = CLONE_THREAD}, 88, EINVAL},
        {{.flags = CLONE_THREAD | CLONE_VM}, 88, EINVAL},
        {{.flags = CLONE_SIGHAND, .exit_signal = SIGCHLD}, 88, EINVAL},
        {{.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD}, 88, EINVAL},
        {{.flags = CLONE_FS | CLONE_NEWNS, .exit_signal = SIGCHLD}, 88, EINVAL},
        {{.flags = CLONE_DETACHED, .exit_signal = SIGCHLD}, 88, EINVAL},
        {{.flags = SIGCHLD}, 88, EINVAL},
        {{.flags = 1ull << 40, .exit_signal = SIGCHLD}, 88, EINVAL},
        {{.exit_signal = 65}, 88, EINVAL},
        {{.exit_signal = 0x111}, 88, EINVAL},
        {{.flags = CLONE_PARENT, .exit_signal = SIGCHLD}, 88, EINVAL},
        {{.exit_signal = SIGCHLD, .stack = 4096}, 88, EINVAL},
        {{.exit_signal = SIGCHLD, .stack_size = 4096}, 88, EINVAL},
        {{.exit_signal = SIGCHLD, .set_tid_size = 1}, 88, EINVAL},
        {{.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&word}, 88, EINVAL},
        {{.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&word, .set_tid_size = 33}, 88, EINVAL},
        {{.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .exit_signal = SIGCHLD, .pidfd = (uint64_t)(uintptr_t)&word, .parent_tid = (uint64_t)(uintptr_t)&word}, 88, EINVAL},
        {{.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 16}, 88, EFAULT},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        errno = 0;
        long result = clone3_sized(&cases[i].a, cases[i].size);
        if (result == 0) _exit(99);
        if (result != -1 || errno != cases[i].error) printf("case %u: %ld %s\n", i, result, strerror(errno));
    }
    CHECK(syscall(SYS_clone3, 16, 88) == -1 && errno == EFAULT);
    CHECK(clone_call(CLONE_THREAD | SIGCHLD, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(clone_call(CLONE_SIGHAND | SIGCHLD, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(clone_call(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &word, NULL) == -1 && errno == EINVAL);
    CHECK(clone_call(CLONE_FS | CLONE_NEWUSER | SIGCHLD, NULL, NULL) == -1 && errno == EINVAL);
    // The first version of the structure.
    struct arguments old = {.exit_signal = SIGCHLD};
    long pid = clone3_sized(&old, 64);
    if (pid == 0) _exit(6);
    CHECK(exits_with(pid, 0) == 6);
}

static volatile sig_atomic_t seen;
static void on_signal(int signal) { seen = signal; }

static void exit_signals(void) {
    signal(SIGUSR1, on_signal);
    signal(SIGCHLD, on_signal);
    long pid = clone_call(SIGUSR1, NULL, NULL);
    if (pid == 0) _exit(3);
    CHECK(waitpid(pid, NULL, 0) == -1 && errno == ECHILD);
    CHECK(exits_with(pid, __WCLONE) == 3 && seen == SIGUSR1);
    seen = 0;
    pid = clone_call(0, NULL, NULL);
    if (pid == 0) _exit(4);
    CHECK(exits_with(pid, __WALL) == 4 && seen == 0);
    pid = clone3_call((struct arguments){.exit_signal = SIGCHLD});
    if (pid == 0) _exit(5);
    CHECK(exits_with(pid, 0) == 5 && seen == SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);

    // A sibling: the child of a child is ours.
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        long sibling = clone_call(CLONE_PARENT | SIGCHLD, NULL, NULL);
        if (sibling == 0) _exit(8);
        CHECK(write(ends[1], &sibling, sizeof sibling) == sizeof sibling);
        _exit(7);
    }
    long sibling;
    CHECK(read(ends[0], &sibling, sizeof sibling) == sizeof sibling);
    CHECK(exits_with(pid, 0) == 7 && exits_with(sibling, 0) == 8);
    close(ends[0]);
    close(ends[1]);
}

static void sharing(void) {
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long pid = clone_call(CLONE_FILES | SIGCHLD, NULL, NULL);
    if (pid == 0) {
        shared[0] = open("/dev/null", O_RDWR);
        _exit(0);
    }
    CHECK(exits_with(pid, 0) == 0);
    CHECK(shared[0] > 2 && write(shared[0], "x", 1) == 1 && close(shared[0]) == 0);
    pid = clone_call(SIGCHLD, NULL, NULL);
    if (pid == 0) {
        shared[0] = open("/dev/null", O_RDWR);
        _exit(0);
    }
    CHECK(exits_with(pid, 0) == 0 && write(shared[0], "x", 1) == -1 && errno == EBADF);

    // Several of this program run at a time.
    char before[256], after[256], folder[64];
    snprintf(folder, sizeof folder, "/tmp/clones-test-%d", (int)getpid());
    mkdir(folder, 0700);
    CHECK(getcwd(before, sizeof before) != NULL);
    pid = clone3_call((struct arguments){.flags = CLONE_FS, .exit_signal = SIGCHLD});
    if (pid == 0) _exit(chdir(folder) == 0 ? 1 : 2);
    CHECK(exits_with(pid, 0) == 1 && getcwd(after, sizeof after) && strcmp(after, folder) == 0);
    pid = clone3_call((struct arguments){.exit_signal = SIGCHLD});
    if (pid == 0) _exit(chdir("/") == 0 ? 1 : 2);
    CHECK(exits_with(pid, 0) == 1 && getcwd(after, sizeof after) && strcmp(after, folder) == 0);
    CHECK(chdir(before) == 0 && rmdir(folder) == 0);

    // Both at once, with the parent asleep until the child is gone.
    pid = clone_call(CLONE_VFORK | CLONE_FILES | CLONE_FS | SIGCHLD, NULL, NULL);
    if (pid == 0) {
        usleep(20000);
        shared[1] = 1;
        _exit(9);
    }
    CHECK(shared[1] == 1 && exits_with(pid, 0) == 9);
}

static void numbers(void) {
    pid_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t parent_tid = 0;
    long pid = clone_call(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &parent_tid, &shared[1]);
    if (pid == 0) _exit(shared[1] == getpid() && parent_tid == 0 ? 1 : 2);
    CHECK(exits_with(pid, 0) == 1 && parent_tid == pid && shared[1] == pid);
    // A child has its own, zero-initialised copies of what the kernel stored for the parent.
    pid = clone3_call((struct arguments){.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, .exit_signal = SIGCHLD, .parent_tid = (uintptr_t)&shared[2], .child_tid = (uintptr_t)&shared[3]});
    if (pid == 0) _exit(shared[3] == getpid() ? 1 : 2);
    CHECK(exits_with(pid, 0) == 1 && shared[2] == pid && shared[3] == pid);

    // Descriptors of processes.
    for (int way = 0; way < 2; way++) {
        int pidfd = -1, next = open("/dev/null", O_RDONLY);
        close(next);
        pid = way == 0 ? clone_call(CLONE_PIDFD | SIGCHLD, &pidfd, NULL)
                       : clone3_call((struct arguments){.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = (uintptr_t)&pidfd});
        if (pid == 0) {
            if (fcntl(next, F_GETFD) != -1) _exit(2);
            usleep(10000);
            _exit(1);
        }
        CHECK(pidfd == next && fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
        struct pollfd p = {.fd = pidfd, .events = POLLIN};
        CHECK(poll(&p, 1, 10000) == 1 && p.revents == POLLIN);
        siginfo_t info;
        CHECK(waitid(P_PIDFD, pidfd, &info, WEXITED) == 0 && info.si_pid == pid && info.si_status == 1);
        CHECK(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == -1 && errno == ESRCH);
        close(pidfd);
    }
    int pidfd;
    pid = clone_call(CLONE_PIDFD | SIGCHLD, &pidfd, NULL);
    if (pid == 0) {
        for (;;) pause();
    }
    CHECK(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(pidfd);
    CHECK((pidfd = syscall(SYS_pidfd_open, getpid(), 0)) >= 0);
    int copy = syscall(SYS_pidfd_getfd, pidfd, 1, 0);
    CHECK(copy >= 0);
    close(copy);
    close(pidfd);
}

static void handlers(void) {
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    long pid = clone3_call((struct arguments){.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD});
    if (pid == 0) {
        struct sigaction a, b;
        sigaction(SIGUSR1, NULL, &a);
        sigaction(SIGUSR2, NULL, &b);
        if (a.sa_handler != SIG_DFL || b.sa_handler != SIG_IGN) _exit(1);
        raise(SIGUSR1);
        _exit(2);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    struct sigaction a;
    sigaction(SIGUSR1, NULL, &a);
    CHECK(a.sa_handler == on_signal);
}

static char stack[65536] __attribute__((aligned(16)));
static int local_result;
static int on_own_stack(void *argument) {
    char here;
    local_result = (int)(long)argument;
    return &here > stack && &here < stack + sizeof stack ? 10 : 11;
}

static void stacks(void) {
    long pid = clone(on_own_stack, stack + sizeof stack, SIGCHLD, (void *)5);
    CHECK(exits_with(pid, 0) == 10 && local_result == 0);
    pid = clone(on_own_stack, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)5);
    CHECK(exits_with(pid, 0) == 10 && local_result == 5);
}

// A thread that shares memory only: made by hand, on its creator's thread-local storage, so it uses no libc function that needs any.
static volatile int own_thread_done;
static int cwd_thread(void *argument) {
    syscall(SYS_chdir, "/");
    syscall(SYS_close, (int)(long)argument);
    __atomic_store_n(&own_thread_done, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_exit, 0);
    return 0;
}
static volatile int stop;
static void *waiting(void *argument) {
    while (!stop) usleep(1000);
    return argument;
}

static void threads(void) {
    char before[256], after[256], folder[64];
    snprintf(folder, sizeof folder, "/tmp/clones-test2-%d", (int)getpid());
    mkdir(folder, 0700);
    CHECK(chdir(folder) == 0 && getcwd(before, sizeof before) != NULL);
    int fd = open("/dev/null", O_RDWR);
    pid_t tid = -1;
    int result = clone(cwd_thread, stack + sizeof stack, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID, (void *)(long)fd, &tid, NULL, &tid);
    CHECK(result > 0);
    while (__atomic_load_n(&tid, __ATOMIC_SEQ_CST) != 0) usleep(100);
    CHECK(own_thread_done && getcwd(after, sizeof after) && strcmp(before, after) == 0);
    CHECK(write(fd, "x", 1) == 1 && close(fd) == 0);
    CHECK(chdir("/") == 0 && rmdir(folder) == 0);

    // Processes made while other threads live.
    pthread_t other;
    CHECK(pthread_create(&other, NULL, waiting, NULL) == 0);
    for (int i = 0; i < 20; i++) {
        int pidfd = -1;
        long pid = clone_call(CLONE_PIDFD | (i % 2 ? CLONE_VFORK : 0) | SIGCHLD, &pidfd, NULL);
        if (pid == 0) _exit(i);
        siginfo_t info;
        CHECK(pidfd >= 0 && waitid(P_PIDFD, pidfd, &info, WEXITED) == 0 && info.si_pid == pid && info.si_status == i);
        close(pidfd);
    }
    stop = 1;
    pthread_join(other, NULL);
}

int main(void) {
    errors();
    printf("errors\n");
    exit_signals();
    printf("exit signals\n");
    sharing();
    printf("sharing\n");
    numbers();
    printf("numbers\n");
    handlers();
    printf("handlers\n");
    stacks();
    printf("stacks\n");
    threads();
    printf("threads\n");
    return 0;
}
