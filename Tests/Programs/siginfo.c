// What a signal brings with it, by every way of sending one; queues of real-time signals; waiting for signals instead of handling
// them. The same source built for the host tells the kernel's truth.
#define _GNU_SOURCE
#include "check.h"
#include "handle.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int count;
static volatile siginfo_t last;
static pid_t handled_by;
static void note(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    last = *info;
    handled_by = (pid_t)syscall(SYS_gettid);
    count++;
}
static void wait_for(int n) {
    for (int i = 0; i < 20000 && count < n; i++) usleep(500);
    EXPECT_EQ(count, n);
}
#define FROM_ME(the_signal, the_code)                                                                                  \
    do {                                                                                                               \
        EXPECT_EQ(count, 1);                                                                                           \
        EXPECT_EQ(last.si_signo, the_signal);                                                                          \
        EXPECT_EQ(last.si_code, the_code);                                                                             \
        EXPECT_EQ(last.si_errno, 0);                                                                                   \
        EXPECT_EQ(last.si_pid, getpid());                                                                              \
        EXPECT_EQ(last.si_uid, getuid());                                                                              \
        count = 0;                                                                                                     \
    } while (0)

static void senders(void) {
    static const int some[] = {SIGHUP, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
                               SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGURG, SIGXCPU, SIGVTALRM, SIGWINCH, SIGIO, SIGPWR, SIGSYS, 34, 64};
    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++) {
        int signal = some[i];
        handle(signal, note, SA_SIGINFO);
        kill(getpid(), signal);
        FROM_ME(signal, SI_USER);
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
        FROM_ME(signal, SI_TKILL);
        union sigval value = {.sival_ptr = (void *)0x123456789abcdef};
        CHECK(sigqueue(getpid(), signal, value) == 0);
        EXPECT(last.si_value.sival_ptr == value.sival_ptr);
        FROM_ME(signal, SI_QUEUE);
        siginfo_t own;
        memset(&own, 0, sizeof own);
        own.si_code = -77;
        own.si_pid = getpid();
        own.si_uid = getuid();
        own.si_value.sival_int = 9;
        CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, &own) == 0);
        EXPECT_EQ(last.si_value.sival_int, 9);
        FROM_ME(signal, -77);
        if (signal != SIGUSR1 && signal != SIGSEGV) handle(signal, SIG_DFL, 0);
    }
    // A process may send itself any code, also those of the kernel.
    siginfo_t own;
    memset(&own, 0, sizeof own);
    own.si_code = 2;
    own.si_addr = (void *)0x5000;
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &own) == 0);
    EXPECT_EQ(last.si_code, 2);
    EXPECT(last.si_addr == (void *)0x5000);
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &own) == 0);
    EXPECT_EQ(last.si_signo, SIGSEGV);
    EXPECT_EQ(last.si_code, 2);
    EXPECT(last.si_addr == (void *)0x5000);
    count = 0;
    EXPECT(kill(getpid(), 65) == -1 && errno == EINVAL);
    EXPECT(kill(getpid(), 0) == 0);
    EXPECT(syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
    EXPECT(syscall(SYS_tgkill, getpid(), 1, SIGUSR1) == -1 && errno == ESRCH);
    printf("senders\n");
}

static void sources(void) {
    handle(SIGALRM, note, SA_SIGINFO);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = 4711};
    timer_t timer;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec soon = {.it_value = {0, 1000000}}, never = {0};
    count = 0;
    timer_settime(timer, 0, &soon, NULL);
    wait_for(1);
    EXPECT_EQ(last.si_code, SI_TIMER);
    EXPECT_EQ(last.si_value.sival_int, 4711);
    EXPECT_EQ(last.si_timerid, (int)(long)timer);
    EXPECT_EQ(last.si_overrun, 0);
    timer_delete(timer);
    // Without an event: SIGALRM with the timer's number as its value.
    CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
    timer_settime(timer, 0, &soon, NULL);
    wait_for(2);
    EXPECT_EQ(last.si_code, SI_TIMER);
    // While the signal is blocked a periodic timer counts what it has overrun.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct itimerspec often = {.it_interval = {0, 100000}, .it_value = {0, 100000}};
    timer_settime(timer, 0, &often, NULL);
    usleep(20000);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == SIGALRM);
    EXPECT(info.si_overrun >= 100);
    EXPECT_EQ(timer_getoverrun(timer), info.si_overrun);
    timer_settime(timer, 0, &never, NULL);
    timer_delete(timer);
    signal(SIGALRM, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    handle(SIGALRM, note, SA_SIGINFO);
    event.sigev_notify = SIGEV_NONE;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    count = 0;
    soon.it_interval = (struct timespec){100, 0};
    timer_settime(timer, 0, &soon, NULL);
    usleep(3000);
    struct itimerspec rest;
    timer_gettime(timer, &rest);
    EXPECT(rest.it_value.tv_sec == 99);
    EXPECT_EQ(count, 0);
    timer_delete(timer);
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = (int)syscall(SYS_gettid);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    soon.it_interval = (struct timespec){0, 0};
    timer_settime(timer, 0, &soon, NULL);
    wait_for(1);
    EXPECT_EQ(last.si_code, SI_TIMER);
    timer_delete(timer);
    struct itimerval once = {.it_value = {0, 1000}};
    setitimer(ITIMER_REAL, &once, NULL);
    wait_for(2);
    EXPECT_EQ(last.si_code, SI_KERNEL);
    for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
        handle(which == ITIMER_VIRTUAL ? SIGVTALRM : SIGPROF, note, SA_SIGINFO);
        count = 0;
        setitimer(which, &once, NULL);
        for (volatile long i = 0; i < 4000000000l && count == 0; i++) {
        }
        EXPECT_EQ(count, 1);
        EXPECT_EQ(last.si_code, SI_KERNEL);
    }
    alarm(100);
    EXPECT_EQ(alarm(0), 100);
    printf("timers\n");

    handle(SIGPIPE, note, SA_SIGINFO);
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    count = 0;
    EXPECT(write(ends[1], "x", 1) == -1 && errno == EPIPE);
    FROM_ME(SIGPIPE, SI_USER);
    close(ends[1]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    close(ends[0]);
    EXPECT(send(ends[1], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE && count == 0);
    EXPECT(send(ends[1], "x", 1, 0) == -1 && errno == EPIPE && count == 1);
    close(ends[1]);

    handle(SIGIO, note, SA_SIGINFO);
    handle(SIGRTMIN + 3, note, SA_SIGINFO);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(fcntl(ends[0], F_SETOWN, getpid()) == 0 && fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    EXPECT_EQ(fcntl(ends[0], F_GETFL), O_RDWR | O_ASYNC | O_NONBLOCK);
    count = 0;
    CHECK(write(ends[1], "x", 1) == 1);
    wait_for(1);
    EXPECT_EQ(last.si_signo, SIGIO);
    EXPECT_EQ(last.si_code, SI_KERNEL);
    CHECK(fcntl(ends[0], F_SETSIG, SIGRTMIN + 3) == 0);
    CHECK(write(ends[1], "y", 1) == 1);
    wait_for(2);
    EXPECT_EQ(last.si_signo, SIGRTMIN + 3);
    EXPECT_EQ(last.si_code, POLL_IN);
    EXPECT_EQ(last.si_fd, ends[0]);
    EXPECT_EQ(last.si_band & POLLIN, POLLIN);
    close(ends[0]);
    close(ends[1]);
    printf("descriptors\n");
}

static void children(void) {
    handle(SIGCHLD, note, SA_SIGINFO);
    count = 0;
    pid_t child = fork();
    if (child == 0) _exit(37);
    wait_for(1);
    EXPECT_EQ(last.si_code, CLD_EXITED);
    EXPECT_EQ(last.si_pid, child);
    EXPECT_EQ(last.si_status, 37);
    EXPECT_EQ(last.si_uid, getuid());
    int status;
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 37);
    child = fork();
    if (child == 0)
        for (;;) pause();
    kill(child, SIGSTOP);
    wait_for(2);
    EXPECT_EQ(last.si_code, CLD_STOPPED);
    EXPECT_EQ(last.si_status, SIGSTOP);
    EXPECT(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    kill(child, SIGCONT);
    wait_for(3);
    EXPECT_EQ(last.si_code, CLD_CONTINUED);
    EXPECT_EQ(last.si_status, SIGCONT);
    EXPECT(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    kill(child, SIGTERM);
    wait_for(4);
    EXPECT_EQ(last.si_code, CLD_KILLED);
    EXPECT_EQ(last.si_status, SIGTERM);
    siginfo_t info;
    EXPECT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
    EXPECT(info.si_signo == SIGCHLD && info.si_code == CLD_KILLED && info.si_pid == child && info.si_status == SIGTERM);
    EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && !WCOREDUMP(status));
    // SA_NOCLDSTOP: silence but for the end.
    handle(SIGCHLD, note, SA_SIGINFO | SA_NOCLDSTOP);
    count = 0;
    child = fork();
    if (child == 0)
        for (;;) pause();
    kill(child, SIGSTOP);
    EXPECT(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    EXPECT(waitpid(child, &status, WCONTINUED) == child);
    EXPECT_EQ(count, 0);
    kill(child, SIGKILL);
    EXPECT(waitpid(child, &status, 0) == child);
    wait_for(1);
    EXPECT_EQ(last.si_code, CLD_KILLED);
    EXPECT_EQ(last.si_status, SIGKILL);
    // SA_NOCLDWAIT and SIG_IGN: no zombie, and wait tells ECHILD when the last one has ended.
    for (int way = 0; way < 3; way++) {
        if (way == 0) handle(SIGCHLD, note, SA_SIGINFO | SA_NOCLDWAIT);
        if (way == 1) handle(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
        if (way == 2) signal(SIGCHLD, SIG_IGN);
        count = 0;
        child = fork();
        if (child == 0) _exit(3);
        long result;
        do result = waitpid(child, &status, 0);
        while (result == -1 && errno == EINTR);
        EXPECT(result == -1 && errno == ECHILD);
        EXPECT_EQ(count, way == 0);
    }
    signal(SIGCHLD, SIG_DFL);
    printf("children\n");
}

static volatile int order[4096], values[4096], arrived;
static void collect(int signal, siginfo_t *info, void *context) {
    (void)context;
    order[arrived] = signal;
    values[arrived++] = info->si_value.sival_int;
}
static void queues(void) {
    sigset_t set, old, pending;
    sigemptyset(&set);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) {
        sigset_t all;
        sigfillset(&all);
        struct sigaction action = {.sa_sigaction = collect, .sa_flags = SA_SIGINFO, .sa_mask = all};
        sigaction(signal, &action, NULL);
        sigaddset(&set, signal);
    }
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    unsigned long seed = 1;
    int sent[64] = {0};
    for (int i = 0; i < 1000; i++) {
        int signal = SIGRTMIN + (int)(next_random(&seed) % (unsigned)(SIGRTMAX - SIGRTMIN + 1));
        CHECK(sigqueue(getpid(), signal, (union sigval){.sival_int = sent[signal - SIGRTMIN]++}) == 0);
    }
    sigpending(&pending);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) EXPECT_EQ(sigismember(&pending, signal), sent[signal - SIGRTMIN] > 0);
    // sigtimedwait takes the lowest first, in the order sent.
    siginfo_t info;
    struct timespec zero = {0, 0};
    int first = SIGRTMIN;
    while (!sent[first - SIGRTMIN]) first++;
    EXPECT_EQ(sigtimedwait(&set, &info, &zero), first);
    EXPECT_EQ(info.si_value.sival_int, 0);
    EXPECT_EQ(info.si_code, SI_QUEUE);
    // Frames are made from the lowest to the highest, so that the handlers run from the highest to the lowest; all handlers block all
    // signals, so that each takes one from the queue.
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    EXPECT_EQ(arrived, 999);
    int next[64] = {0};
    next[first - SIGRTMIN] = 1;
    for (int i = 0; i < arrived; i++) {
        EXPECT(i == 0 || order[i] >= order[i - 1]);
        EXPECT_EQ(values[i], next[order[i] - SIGRTMIN]++);
    }
    // Without the mask the frames are nested: the last signal is handled first.
    arrived = 0;
    struct sigaction action = {.sa_sigaction = collect, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigaction(SIGRTMIN + 2, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 2});
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1});
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 0});
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5}); // lost: a standard signal does not queue
    sigprocmask(SIG_SETMASK, &old, NULL);
    EXPECT(arrived == 3 && order[0] == SIGRTMIN + 2 && order[1] == SIGRTMIN + 1 && order[2] == SIGUSR1 && values[2] == 0);
    struct rlimit limit, before;
    getrlimit(RLIMIT_SIGPENDING, &before);
    limit = before;
    limit.rlim_cur = 5;
    setrlimit(RLIMIT_SIGPENDING, &limit);
    sigprocmask(SIG_BLOCK, &set, &old);
    int queued = 0;
    while (queued < 100 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = queued}) == 0) queued++;
    EXPECT(queued < 100 && errno == EAGAIN);
    setrlimit(RLIMIT_SIGPENDING, &before);
    // Ignoring a signal drops what is pending of it.
    signal(SIGRTMIN, SIG_IGN);
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGRTMIN), 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("queues\n");
}

static void waiting(void) {
    const int some[] = {SIGUSR1, SIGSEGV, SIGTRAP, SIGILL, SIGFPE, SIGBUS, SIGRTMIN + 5};
    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++) {
        int signal = some[i];
        sigset_t set, old, pending;
        sigemptyset(&set);
        sigaddset(&set, signal);
        handle(signal, note, SA_SIGINFO);
        count = 0;
        sigprocmask(SIG_BLOCK, &set, &old);
        kill(getpid(), signal);
        sigpending(&pending);
        EXPECT_EQ(sigismember(&pending, signal), 1);
        EXPECT_EQ(count, 0);
        siginfo_t info;
        struct timespec zero = {0, 0}, second = {1, 0};
        EXPECT_EQ(sigtimedwait(&set, &info, &second), signal);
        EXPECT(info.si_code == SI_USER && info.si_pid == getpid());
        EXPECT(sigtimedwait(&set, &info, &zero) == -1 && errno == EAGAIN);
        sigpending(&pending);
        EXPECT_EQ(sigismember(&pending, signal), 0);
        // Sent to the thread while it waits.
        pid_t child = fork();
        if (child == 0) {
            usleep(2000);
            sigqueue(getppid(), signal, (union sigval){.sival_int = 8});
            _exit(0);
        }
        EXPECT_EQ(sigwaitinfo(&set, &info), signal);
        EXPECT(info.si_code == SI_QUEUE && info.si_pid == child && info.si_value.sival_int == 8);
        waitpid(child, NULL, 0);
        if (signal != SIGSEGV && signal != SIGBUS) {
            int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
            struct signalfd_siginfo record;
            EXPECT(fd >= 0 && read(fd, &record, sizeof record) == -1 && errno == EAGAIN);
            sigqueue(getpid(), signal, (union sigval){.sival_int = 21});
            struct pollfd ready = {.fd = fd, .events = POLLIN};
            EXPECT(poll(&ready, 1, 1000) == 1);
            EXPECT(read(fd, &record, sizeof record) == sizeof record);
            EXPECT_EQ(record.ssi_signo, signal);
            EXPECT_EQ(record.ssi_code, SI_QUEUE);
            EXPECT_EQ(record.ssi_int, 21);
            EXPECT_EQ(record.ssi_pid, getpid());
            close(fd);
        }
        // Pending, then unblocked.
        kill(getpid(), signal);
        sigprocmask(SIG_SETMASK, &old, NULL);
        EXPECT_EQ(count, 1);
        FROM_ME(signal, SI_USER);
    }
    // A blocked signal that is sent does not disturb a wait.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        usleep(3000);
        kill(parent, SIGSEGV);
        _exit(0);
    }
    struct timespec begin, end, nap = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    EXPECT(poll(NULL, 0, 20) == 0);
    EXPECT(clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL) == 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    EXPECT((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec >= 40000000);
    waitpid(child, NULL, 0);
    count = 0;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(last.si_pid, child);
    printf("waiting\n");
}

// A process-directed signal goes to a thread that does not block it.
static volatile int ready, leave;
static volatile pid_t receiver;
static void *open_thread(void *unused) {
    (void)unused;
    sigset_t none;
    sigemptyset(&none);
    receiver = (pid_t)syscall(SYS_gettid);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    ready = 1;
    while (!leave) {
    }
    return NULL;
}
static void *waiting_thread(void *argument) {
    receiver = (pid_t)syscall(SYS_gettid);
    ready = 1;
    siginfo_t info;
    EXPECT_EQ(sigwaitinfo(argument, &info), SIGSEGV);
    EXPECT_EQ(info.si_code, SI_USER);
    ready = 2;
    return NULL;
}
static void directed(void) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, open_thread, NULL) == 0);
    while (!ready) usleep(100);
    const int some[] = {SIGUSR1, SIGSEGV, SIGBUS, SIGTRAP, SIGRTMIN + 5};
    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++) {
        handle(some[i], note, SA_SIGINFO);
        count = 0;
        kill(getpid(), some[i]);
        wait_for(1);
        EXPECT_EQ(handled_by, receiver);
        EXPECT_EQ(last.si_code, SI_USER);
    }
    leave = 1;
    pthread_join(thread, NULL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGSEGV);
    ready = 0;
    CHECK(pthread_create(&thread, NULL, waiting_thread, &one) == 0);
    while (!ready) usleep(100);
    usleep(5000);
    kill(getpid(), SIGSEGV);
    pthread_join(thread, NULL);
    EXPECT_EQ(ready, 2);
    // Pending for the process, and taken by the thread that opens itself.
    count = 0;
    kill(getpid(), SIGBUS);
    kill(getpid(), SIGUSR1);
    ready = leave = 0;
    CHECK(pthread_create(&thread, NULL, open_thread, NULL) == 0);
    wait_for(2);
    EXPECT_EQ(handled_by, receiver);
    leave = 1;
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    EXPECT_EQ(count, 2);
    printf("directed\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    senders();
    sources();
    children();
    queues();
    waiting();
    directed();
    printf("%d failures\n", check_failures);
    return check_failures != 0;
}
