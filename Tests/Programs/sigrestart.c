// What a handler does to a call that it interrupts, for each class of signal(7): restarted with SA_RESTART or not, remaining times,
// and that stopping and going on is no interruption. The same source built for the host tells the kernel's truth.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int ticks;
static void tick(int signal) {
    (void)signal;
    ticks++;
}
static void handle(int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = tick;
    action.sa_flags = flags;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

// Each call blocks until `finish` is done by the helper process, or for ever.
static int pipe_ends[2], full_pipe[2], pair[2], listener, locked_file, queue_id, semaphore, event, epoll, inotify;
static struct sockaddr_in address;
static uint32_t word;
static pid_t child;
static char lock_name[64];

static long do_read_pipe(void) { return read(pipe_ends[0], &(char){0}, 1); }
static long do_readv(void) { return syscall(SYS_readv, pipe_ends[0], &(struct { void *p; size_t n; }){&(char[8]){0}, 1}, 1); }
static long do_write_pipe(void) { return write(full_pipe[1], "x", 1); }
static long do_recv(void) { return recv(pair[0], &(char){0}, 1, 0); }
static long do_recvmsg(void) {
    struct iovec part = {&(char){0}, 1};
    return recvmsg(pair[0], &(struct msghdr){.msg_iov = &part, .msg_iovlen = 1}, 0);
}
static long do_recv_timed(void) {
    struct timeval limit = {20, 0}, none = {0, 0};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    long result = do_recv();
    int saved = errno;
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    errno = saved;
    return result;
}
static long do_accept(void) {
    long fd = accept(listener, NULL, NULL);
    if (fd >= 0) close((int)fd);
    return fd >= 0 ? 1 : fd;
}
static long do_wait4(void) { return wait4(-1, NULL, __WALL, NULL) > 0 ? 1 : -1; }
static long do_waitid(void) {
    siginfo_t info;
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0 ? 1 : -1;
}
static long do_futex(void) { return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 1 : -1; }
static long do_futex_timed(void) {
    return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){20, 0}, NULL, 0) == 0 ? 1 : -1;
}
static long do_futex_absolute(void) {
    struct timespec then;
    clock_gettime(CLOCK_MONOTONIC, &then);
    then.tv_sec += 20;
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &then, NULL, -1) == 0 ? 1 : -1;
}
static long do_futex_waitv(void) {
    struct {
        uint64_t value, address;
        uint32_t flags, reserved;
    } one = {0, (uintptr_t)&word, 2, 0};
    return syscall(449, &one, 1, 0, NULL, CLOCK_MONOTONIC) == 0 ? 1 : -1;
}
static long do_nanosleep(void) { return nanosleep(&(struct timespec){20, 0}, NULL); }
static long do_clock_nanosleep(void) {
    errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){20, 0}, NULL);
    return errno ? -1 : 0;
}
static long do_clock_nanosleep_absolute(void) {
    struct timespec then;
    clock_gettime(CLOCK_REALTIME, &then);
    then.tv_sec += 20;
    errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, NULL);
    return errno ? -1 : 0;
}
static long do_poll(void) { return poll(&(struct pollfd){.fd = pipe_ends[0], .events = POLLIN}, 1, -1); }
static long do_poll_timed(void) { return poll(&(struct pollfd){.fd = pipe_ends[0], .events = POLLIN}, 1, 20000); }
static long do_ppoll(void) { return ppoll(&(struct pollfd){.fd = pipe_ends[0], .events = POLLIN}, 1, &(struct timespec){20, 0}, &(sigset_t){0}); }
static long do_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    return select(pipe_ends[0] + 1, &set, NULL, NULL, &(struct timeval){20, 0});
}
static long do_pselect(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    return pselect(pipe_ends[0] + 1, &set, NULL, NULL, NULL, &(sigset_t){0});
}
static long do_epoll_wait(void) { return epoll_wait(epoll, &(struct epoll_event){0}, 1, -1); }
static long do_epoll_pwait(void) { return epoll_pwait(epoll, &(struct epoll_event){0}, 1, 20000, &(sigset_t){0}); }
static long do_sigsuspend(void) { return sigsuspend(&(sigset_t){0}); }
static long do_pause(void) { return pause(); }
static long do_sigtimedwait(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigtimedwait(&set, NULL, &(struct timespec){20, 0}) == SIGUSR2 ? 1 : -1;
}
static long do_semop(void) { return semop(semaphore, &(struct sembuf){0, -1, 0}, 1) == 0 ? 1 : -1; }
static long do_semtimedop(void) { return semtimedop(semaphore, &(struct sembuf){0, -1, 0}, 1, &(struct timespec){20, 0}) == 0 ? 1 : -1; }
static long do_msgrcv(void) {
    struct { long type; char text[8]; } message;
    return msgrcv(queue_id, &message, 8, 0, 0);
}
static long do_flock(void) {
    int fd = open(lock_name, O_RDWR);
    long result = flock(fd, LOCK_EX) == 0 ? 1 : -1;
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}
static long do_fcntl_lock(void) {
    int fd = open(lock_name, O_RDWR);
    long result = fcntl(fd, F_SETLKW, &(struct flock){.l_type = F_WRLCK}) == 0 ? 1 : -1;
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}
static long do_ofd_lock(void) {
    int fd = open(lock_name, O_RDWR);
    long result = fcntl(fd, F_OFD_SETLKW, &(struct flock){.l_type = F_WRLCK}) == 0 ? 1 : -1;
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}
static long do_eventfd(void) { return read(event, &(uint64_t){0}, 8) == 8 ? 1 : -1; }
static long do_inotify(void) { return read(inotify, &(char[512]){0}, 512) > 0 ? 1 : -1; }
static long do_open_fifo(void) {
    static char name[80];
    snprintf(name, sizeof name, "%s.fifo", lock_name);
    int fd = open(name, O_RDONLY);
    int saved = errno;
    if (fd >= 0) close(fd);
    errno = saved;
    return fd >= 0 ? 1 : -1;
}
static long do_io_getevents(void) {
    unsigned long context = 0;
    if (syscall(SYS_io_setup, 4, &context) != 0) return -2;
    char events[64];
    long result = syscall(SYS_io_getevents, context, 1L, 1L, events, NULL);
    int saved = errno;
    syscall(SYS_io_destroy, context);
    errno = saved;
    return result;
}

static void finish_pipe(void) { write(pipe_ends[1], "y", 1); }
static void finish_write(void) { read(full_pipe[0], &(char[65536]){0}, 65536); }
static void finish_pair(void) { write(pair[1], "y", 1); }
static void finish_accept(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, (void *)&address, sizeof address);
    close(fd);
}
static void finish_wait(void) { kill(child, SIGKILL); }
static void finish_lock(void) {
    flock(locked_file, LOCK_UN);
}
static void finish_event(void) { write(event, &(uint64_t){1}, 8); }
static void finish_inotify(void) { close(open(lock_name, O_RDWR)); }
static void finish_fifo(void) {
    char name[80];
    snprintf(name, sizeof name, "%s.fifo", lock_name);
    close(open(name, O_WRONLY));
}

enum { NEVER, WITH_FLAG };
static const struct call {
    const char *name;
    long (*call)(void);
    int restarts;
    void (*finish)(void);
} calls[] = {
    {"read of a pipe", do_read_pipe, WITH_FLAG, finish_pipe},
    {"readv", do_readv, WITH_FLAG, finish_pipe},
    {"write to a pipe", do_write_pipe, WITH_FLAG, finish_write},
    {"recv", do_recv, WITH_FLAG, finish_pair},
    {"recvmsg", do_recvmsg, WITH_FLAG, finish_pair},
    {"recv with a limit", do_recv_timed, NEVER, NULL},
    {"accept", do_accept, WITH_FLAG, finish_accept},
    {"wait4", do_wait4, WITH_FLAG, finish_wait},
    {"waitid", do_waitid, WITH_FLAG, finish_wait},
    {"nanosleep", do_nanosleep, NEVER, NULL},
    {"clock_nanosleep", do_clock_nanosleep, NEVER, NULL},
    {"clock_nanosleep absolute", do_clock_nanosleep_absolute, NEVER, NULL},
    {"poll", do_poll, NEVER, NULL},
    {"poll with a limit", do_poll_timed, NEVER, NULL},
    {"ppoll", do_ppoll, NEVER, NULL},
    {"select", do_select, NEVER, NULL},
    {"pselect", do_pselect, NEVER, NULL},
    {"epoll_wait", do_epoll_wait, NEVER, NULL},
    {"epoll_pwait", do_epoll_pwait, NEVER, NULL},
    {"sigsuspend", do_sigsuspend, NEVER, NULL},
    {"pause", do_pause, NEVER, NULL},
    {"sigtimedwait", do_sigtimedwait, NEVER, NULL},
    {"semop", do_semop, NEVER, NULL},
    {"semtimedop", do_semtimedop, NEVER, NULL},
    {"msgrcv", do_msgrcv, NEVER, NULL},
    {"flock", do_flock, WITH_FLAG, finish_lock},
    {"read of an eventfd", do_eventfd, WITH_FLAG, finish_event},
    {"read of inotify", do_inotify, WITH_FLAG, finish_inotify},
    {"open of a FIFO", do_open_fifo, WITH_FLAG, finish_fifo},
    {"io_getevents", do_io_getevents, NEVER, NULL},
    {"futex", do_futex, WITH_FLAG, NULL},
    {"futex with a limit", do_futex_timed, NEVER, NULL},
    {"futex absolute", do_futex_absolute, NEVER, NULL},
    {"futex_waitv", do_futex_waitv, WITH_FLAG, NULL},
    {"fcntl lock", do_fcntl_lock, WITH_FLAG, NULL},
    {"OFD lock", do_ofd_lock, WITH_FLAG, NULL},
};

static void prepare(void) {
    CHECK(pipe(pipe_ends) == 0 && pipe(full_pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    static char filler[65536];
    fcntl(full_pipe[1], F_SETFL, O_NONBLOCK);
    while (write(full_pipe[1], filler, sizeof filler) > 0) {
    }
    fcntl(full_pipe[1], F_SETFL, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    CHECK((listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && bind(listener, (void *)&address, length) == 0 && listen(listener, 5) == 0);
    CHECK(getsockname(listener, (void *)&address, &length) == 0);
    snprintf(lock_name, sizeof lock_name, "/tmp/sigrestart.%d", getpid());
    CHECK((locked_file = open(lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) >= 0);
    char name[80];
    snprintf(name, sizeof name, "%s.fifo", lock_name);
    CHECK(mkfifo(name, 0600) == 0);
    CHECK((queue_id = msgget(IPC_PRIVATE, 0600)) >= 0 && (semaphore = semget(IPC_PRIVATE, 1, 0600)) >= 0);
    CHECK((event = eventfd(0, 0)) >= 0 && (epoll = epoll_create1(0)) >= 0 && (inotify = inotify_init1(0)) >= 0);
    CHECK(inotify_add_watch(inotify, lock_name, IN_OPEN) >= 0);
    struct epoll_event interest = {.events = EPOLLIN};
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_ends[0], &interest) == 0);
}
static void tidy(void) {
    char name[80];
    snprintf(name, sizeof name, "%s.fifo", lock_name);
    unlink(name);
    unlink(lock_name);
    msgctl(queue_id, IPC_RMID, NULL);
    semctl(semaphore, 0, IPC_RMID);
}

/// A process that sends SIGUSR1 until it is answered on a pipe that the handler has run, and then ends the call.
static long interrupted(const struct call *call, int flags, int *error) {
    int told[2];
    CHECK(pipe(told) == 0);
    handle(flags);
    ticks = 0;
    word = 0;
    child = fork();
    if (child == 0)
        for (;;) pause();
    pid_t parent = getpid(), holder = 0;
    int is_lock = call->call == do_fcntl_lock || call->call == do_ofd_lock;
    if (call->call == do_flock) CHECK(flock(locked_file, LOCK_EX) == 0);
    if (is_lock) {
        holder = fork();
        if (holder == 0) {
            int fd = open(lock_name, O_RDWR);
            struct flock lock = {.l_type = F_WRLCK};
            CHECK(fcntl(fd, F_SETLK, &lock) == 0);
            write(told[1], "l", 1);
            for (;;) pause();
        }
        CHECK(read(told[0], &(char){0}, 1) == 1);
    }
    pid_t helper = fork();
    if (helper == 0) {
        usleep(8000);
        // Several: what is restarted must be restarted each time.
        for (int i = 0; i < 3; i++) {
            kill(parent, SIGUSR1);
            usleep(3000);
        }
        int signal = SIGUSR1;
        if (flags & SA_RESTART && call->restarts) {
            signal = 0;
            if (call->finish) call->finish();
            else if (is_lock) kill(holder, SIGKILL);
            else signal = SIGUSR2; // after its handler nothing is restarted
        }
        // On a busy machine all may have come before the call: again, until it has returned.
        for (;;) {
            kill(parent, signal);
            usleep(3000);
        }
    }
    errno = 0;
    long result = call->call();
    *error = errno;
    kill(helper, SIGKILL);
    while (waitpid(helper, NULL, 0) == -1 && errno == EINTR) {
    }
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR) {
    }
    if (is_lock) {
        kill(holder, SIGKILL);
        while (waitpid(holder, NULL, 0) == -1 && errno == EINTR) {
        }
    }
    flock(locked_file, LOCK_UN);
    close(told[0]);
    close(told[1]);
    return result;
}

static void drain_inotify(void) {
    char events[512];
    fcntl(inotify, F_SETFL, O_NONBLOCK);
    while (read(inotify, events, sizeof events) > 0) {
    }
    fcntl(inotify, F_SETFL, 0);
}
static void classes(void) {
    struct sigaction action = {.sa_handler = tick};
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct call *call = &calls[i];
        sigset_t usr2;
        sigemptyset(&usr2);
        sigaddset(&usr2, SIGUSR2);
        if (call->call == do_sigtimedwait) sigprocmask(SIG_BLOCK, &usr2, NULL);
        int error;
        if (call->call == do_inotify) drain_inotify();
        long result = interrupted(call, 0, &error);
        printf("%s: %ld %s\n", call->name, result, result < 0 ? strerror(error) : "done");
        EXPECT(result == -1 && error == EINTR && ticks > 0);
        result = interrupted(call, SA_RESTART, &error);
        printf("%s, SA_RESTART: %ld %s\n", call->name, result, result < 0 ? strerror(error) : "done");
        if (call->restarts && (call->finish || call->call == do_fcntl_lock || call->call == do_ofd_lock)) EXPECT(result == 1 && ticks > 0);
        else EXPECT(result == -1 && error == EINTR);
        if (call->call == do_sigtimedwait) sigprocmask(SIG_UNBLOCK, &usr2, NULL);
    }
}

// ---- times -------------------------------------------------------------------------------------------------------------

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}
static void remaining(void) {
    // A stream of signals neither shortens nor lengthens a sleep that goes on with what is left.
    handle(SA_RESTART);
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    struct itimerval every = {.it_interval = {0, 500}, .it_value = {0, 500}}, never = {0};
    for (int way = 0; way < 2; way++) {
        struct timespec rest = {0, 100000000};
        int rounds = 0, error;
        ticks = 0;
        setitimer(ITIMER_REAL, &every, NULL);
        long begin = now();
        do {
            struct timespec wanted = rest;
            rounds++;
            error = way ? clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, &rest) : nanosleep(&wanted, &rest) ? errno : 0;
            // The kernel's timer slack may come on top.
            if (error == EINTR) EXPECT(rest.tv_nsec <= wanted.tv_nsec + 1000000 && rest.tv_sec == 0);
        } while (error == EINTR);
        long took = now() - begin;
        setitimer(ITIMER_REAL, &never, NULL);
        EXPECT_EQ(error, 0);
        EXPECT(took >= 100000000);
        EXPECT(rounds > 1); // and not for ever: a sleep begun anew by each signal would be
        fprintf(stderr, "slept %ld us in %d rounds\n", took / 1000, rounds);
    }
    // A bad place for the rest.
    setitimer(ITIMER_REAL, &every, NULL);
    EXPECT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){1, 0}, (void *)16) == -1 && errno == EFAULT);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("remaining\n");
}

static long stopped(long (*call)(void), int *error) {
    int report[2];
    CHECK(pipe(report) == 0);
    pid_t sleeper = fork();
    if (sleeper == 0) {
        long begin = now();
        errno = 0;
        long result[3] = {call(), errno, 0};
        result[2] = now() - begin;
        write(report[1], result, sizeof result);
        _exit(0);
    }
    int has_ended = 0;
    for (int i = 0; i < 3; i++) {
        usleep(15000);
        kill(sleeper, SIGSTOP);
        int status;
        EXPECT(waitpid(sleeper, &status, WUNTRACED) == sleeper);
        // On a busy machine the time may be over by now.
        has_ended = !WIFSTOPPED(status);
        if (has_ended) break;
        usleep(5000);
        kill(sleeper, SIGCONT);
    }
    long result[3];
    CHECK(read(report[0], result, sizeof result) == sizeof result);
    if (!has_ended) waitpid(sleeper, NULL, 0);
    close(report[0]);
    close(report[1]);
    *error = (int)result[1];
    EXPECT(result[2] >= 250000000);
    return result[0];
}
static long short_nanosleep(void) { return nanosleep(&(struct timespec){0, 250000000}, NULL); }
static long short_poll(void) { return poll(NULL, 0, 250); }
static long short_futex(void) { return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){0, 250000000}, NULL, 0); }
static long short_clock(void) { return clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 250000000}, NULL); }
static void stops(void) {
    int error;
    word = 0;
    EXPECT_EQ(stopped(short_nanosleep, &error), 0);
    EXPECT_EQ(stopped(short_clock, &error), 0);
    EXPECT_EQ(stopped(short_poll, &error), 0);
    EXPECT(stopped(short_futex, &error) == -1 && error == ETIMEDOUT);
    printf("stops\n");
}

// ---- exactly once --------------------------------------------------------------------------------------------------------

// Bytes through a pipe and a socket under fire: none is lost, none comes twice.
static void *shooter(void *argument) {
    pthread_t target = *(pthread_t *)argument;
    for (int i = 0; i < 3000; i++) {
        pthread_kill(target, SIGUSR1);
        if (i % 16 == 0) usleep(100);
    }
    return NULL;
}
static void *writer(void *argument) {
    unsigned char buffer[61];
    unsigned char next = 0;
    long left = 200000;
    while (left > 0) {
        long count = left < 61 ? left : 61;
        for (int i = 0; i < count; i++) buffer[i] = next++;
        for (long done = 0; done < count;) {
            long n = write(*(int *)argument, buffer + done, (size_t)(count - done));
            CHECK(n > 0);
            done += n;
        }
        left -= count;
    }
    return NULL;
}
static void exactly_once(void) {
    handle(SA_RESTART);
    int ends[2];
    for (int way = 0; way < 2; way++) {
        if (way) CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        else CHECK(pipe(ends) == 0);
        pthread_t self = pthread_self(), shoot, write_thread;
        CHECK(pthread_create(&write_thread, NULL, writer, &ends[1]) == 0);
        CHECK(pthread_create(&shoot, NULL, shooter, &self) == 0);
        pthread_t shoot2;
        CHECK(pthread_create(&shoot2, NULL, shooter, &write_thread) == 0);
        unsigned char next = 0, buffer[64];
        long got = 0, wrong = 0;
        while (got < 200000) {
            long n = read(ends[0], buffer, sizeof buffer);
            if (n <= 0) {
                printf("read %ld %s\n", n, strerror(errno));
                break;
            }
            for (int i = 0; i < n; i++) wrong += buffer[i] != next++;
            got += n;
        }
        EXPECT_EQ(got, 200000);
        EXPECT_EQ(wrong, 0);
        pthread_join(shoot2, NULL);
        pthread_join(shoot, NULL);
        pthread_join(write_thread, NULL);
        close(ends[0]);
        close(ends[1]);
    }
    printf("exactly once\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    prepare();
    classes();
    tidy();
    remaining();
    stops();
    exactly_once();
    printf("%d failures\n", check_failures);
    return check_failures != 0;
}
