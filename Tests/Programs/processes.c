// Processes: fork, wait, pipes, exit statuses, signals between processes, vfork, fork from a thread, process groups.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *status_text(int status) {
    static char text[40];
    if (WIFEXITED(status)) sprintf(text, "exit %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status)) sprintf(text, "signal %d", WTERMSIG(status));
    else if (WIFSTOPPED(status)) sprintf(text, "stopped");
    else sprintf(text, "status %x", (unsigned)status);
    return text;
}
static int *volatile nowhere = (int *)16;
static volatile sig_atomic_t children;
static void on_child(int signal) {
    (void)signal;
    children++;
}

static void exits(void) {
    static const int codes[] = {0, 1, 42, 255, 256, -1};
    for (unsigned i = 0; i < 6; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) _exit(codes[i]);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        printf("child with %d: %s\n", codes[i], status_text(status));
    }
    static const int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGUSR1, SIGALRM};
    for (unsigned i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (;;) {
            }
        }
        int status;
        CHECK(kill(pid, signals[i]) == 0 && waitpid(pid, &status, 0) == pid);
        printf("killed child: %s\n", status_text(status));
    }
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) pause();
    }
    int status;
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    printf("stopped child: %s\n", status_text(status));
    CHECK(kill(pid, SIGCONT) == 0 && kill(pid, SIGTERM) == 0 && waitpid(pid, &status, 0) == pid);
    printf("then: %s\n", status_text(status));
    errno = 0;
    long result = waitpid(-1, &status, 0);
    printf("no child: %ld %s\n", result, strerror(errno));
    signal(SIGCHLD, on_child);
    pid = fork();
    if (pid == 0) _exit(0);
    while (!children) usleep(100);
    struct rusage usage;
    CHECK(wait4(pid, &status, 0, &usage) == pid);
    printf("SIGCHLD came, %s, some time used %d\n", status_text(status), usage.ru_maxrss > 0);
    signal(SIGCHLD, SIG_DFL);
}

static void pipes(void) {
    // A ring of five processes through which a number goes round.
    int first[2], in;
    CHECK(pipe(first) == 0);
    in = first[0];
    for (int i = 0; i < 5; i++) {
        int next[2];
        CHECK(pipe(next) == 0);
        if (fork() == 0) {
            int number;
            close(next[0]);
            close(first[1]);
            while (read(in, &number, sizeof number) == sizeof number) {
                number = number * 2 + i;
                CHECK(write(next[1], &number, sizeof number) == sizeof number);
            }
            _exit(0);
        }
        close(in);
        close(next[1]);
        in = next[0];
    }
    long sum = 0;
    for (int i = 0; i < 20; i++) {
        int number = i;
        CHECK(write(first[1], &number, sizeof number) == sizeof number && read(in, &number, sizeof number) == sizeof number);
        sum += number;
    }
    close(first[1]);
    int status, ended = 0;
    while (wait(&status) > 0) ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("ring %ld, %d ended\n", sum, ended);

    // A child that writes more than a pipe holds, and one that gets SIGPIPE.
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char block[10000];
        memset(block, 'x', sizeof block);
        for (int i = 0; i < 50; i++) CHECK(write(ends[1], block, sizeof block) == sizeof block);
        _exit(3);
    }
    close(ends[1]);
    char block[7777];
    long total = 0, n;
    while ((n = read(ends[0], block, sizeof block)) > 0) total += n;
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("read %ld, %s\n", total, status_text(status));
    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        // The parent has to close the reading end, too.
        struct pollfd end = {.fd = ends[1]};
        poll(&end, 1, -1);
        write(ends[1], "x", 1);
        _exit(1);
    }
    close(ends[0]);
    close(ends[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("broken pipe: %s\n", status_text(status));
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    if (fork() == 0) {
        char c;
        while (read(pair[1], &c, 1) == 1 && c != '.') {
            c ^= 32;
            CHECK(write(pair[1], &c, 1) == 1);
        }
        _exit(0);
    }
    CHECK(write(pair[0], "hello.", 6) == 6);
    char answer[6] = {0};
    for (int i = 0; i < 5; i++) CHECK(read(pair[0], answer + i, 1) == 1);
    wait(&status);
    printf("socket answers %s\n", answer);
}

static int global = 1;
static void memory(void) {
    int local = 1;
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    if (fork() == 0) {
        global = 2;
        local = 2;
        *shared = 2;
        if (fork() == 0) {
            *shared += global + local;
            _exit(0);
        }
        int status;
        wait(&status);
        *nowhere = 1;
    }
    int status;
    wait(&status);
    printf("after fork: %d %d %d, %s\n", global, local, *shared, status_text(status));
    pid_t pid = vfork();
    if (pid == 0) _exit(11);
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("vfork: %s\n", status_text(status));
    // Atomic increments of shared memory by several processes.
    *shared = 0;
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int n = 0; n < 20000; n++) __atomic_fetch_add(shared, 1, __ATOMIC_SEQ_CST);
            _exit(0);
        }
    while (wait(&status) > 0) {
    }
    printf("shared counter %d\n", *shared);
}

static volatile int stop;
static void *busy(void *argument) {
    long *count = argument;
    while (!stop) {
        free(malloc(100));
        ++*count;
    }
    return NULL;
}
static void *forks(void *argument) {
    long *bad = argument;
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            char *p = calloc(1000, 1);
            long sum = 0;
            for (int n = 0; n < 10000; n++) sum += n ^ p[n % 3];
            _exit(sum != 0 ? 7 : 8);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7) ++*bad;
    }
    return NULL;
}
static void threads(void) {
    pthread_t busy_threads[2], fork_threads[2];
    long counts[2] = {0}, bad[2] = {0};
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&busy_threads[i], NULL, busy, &counts[i]) == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&fork_threads[i], NULL, forks, &bad[i]) == 0);
    for (int i = 0; i < 2; i++) pthread_join(fork_threads[i], NULL);
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(busy_threads[i], NULL);
    printf("forks from threads: bad %ld, others ran %d\n", bad[0] + bad[1], counts[0] > 0 && counts[1] > 0);
}

static void identity(void) {
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        CHECK(getppid() == parent && getpid() != parent && gettid() == getpid());
        CHECK(setpgid(0, 0) == 0 && getpgrp() == getpid());
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("identity %s\n", status_text(status));
    pid = fork();
    if (pid == 0) {
        // An interval timer is not inherited, a handler is.
        struct itimerval timer;
        CHECK(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("timers %s\n", status_text(status));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    exits();
    pipes();
    memory();
    threads();
    identity();
    return 0;
}
