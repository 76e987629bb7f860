// Ends of threads: robust mutexes of dead owners, cancellation, detached threads, the main thread leaving first, execve from another
// thread, many threads at once and one after the other. Passes natively, too.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *self;
static int wait_for(pid_t pid) {
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// MARK: robust mutexes

struct robust {
    pthread_mutex_t mutex;
    sem_t locked, held, go;
};
static void init_robust(struct robust *r, int protocol, int shared) {
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&a, protocol);
    pthread_mutexattr_setpshared(&a, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
    CHECK(pthread_mutex_init(&r->mutex, &a) == 0);
    sem_init(&r->locked, shared, 0);
    sem_init(&r->held, shared, 0);
    sem_init(&r->go, shared, 0);
}
static void *dies_with_it(void *argument) {
    struct robust *r = argument;
    CHECK(pthread_mutex_lock(&r->mutex) == 0);
    sem_post(&r->held);
    sem_post(&r->locked);
    sem_wait(&r->go);
    return NULL;
}
static void *waits_for_it(void *argument) {
    struct robust *r = argument;
    sem_post(&r->locked);
    long result = pthread_mutex_lock(&r->mutex);
    if (result == EOWNERDEAD) {
        pthread_mutex_consistent(&r->mutex);
        pthread_mutex_unlock(&r->mutex);
    }
    return (void *)result;
}

static void robust_threads(int protocol) {
    static struct robust r;
    for (int i = 0; i < 120; i++) {
        init_robust(&r, protocol, 0);
        pthread_t owner, waiter;
        pthread_attr_t small;
        pthread_attr_init(&small);
        // A stack of its own, which pthread_join unmaps or gives to the next thread.
        pthread_attr_setstacksize(&small, i % 3 == 0 ? 16 << 20 : 64 << 10);
        CHECK(pthread_create(&owner, &small, dies_with_it, &r) == 0);
        sem_wait(&r.locked);
        CHECK(pthread_mutex_trylock(&r.mutex) == EBUSY);
        if (i % 2) {
            CHECK(pthread_create(&waiter, NULL, waits_for_it, &r) == 0);
            sem_wait(&r.locked);
            if (i % 4 == 1) usleep(500);
            sem_post(&r.go);
            void *result;
            pthread_join(waiter, &result);
            CHECK((long)result == EOWNERDEAD);
            pthread_join(owner, NULL);
            CHECK(pthread_mutex_lock(&r.mutex) == 0 && pthread_mutex_unlock(&r.mutex) == 0);
        } else {
            sem_post(&r.go);
            pthread_join(owner, NULL);
            // Not later than the join.
            CHECK(pthread_mutex_trylock(&r.mutex) == EOWNERDEAD);
            if (i % 4) {
                CHECK(pthread_mutex_consistent(&r.mutex) == 0 && pthread_mutex_unlock(&r.mutex) == 0);
            } else {
                CHECK(pthread_mutex_unlock(&r.mutex) == 0 && pthread_mutex_lock(&r.mutex) == ENOTRECOVERABLE);
            }
        }
    }
}

static void *exits_the_process(void *argument) {
    (void)argument;
    _exit(5);
}
static void *kills_the_process(void *argument) {
    (void)argument;
    kill(getpid(), SIGKILL);
    for (;;) pause();
    return NULL;
}
static void robust_processes(int protocol) {
    struct robust *r = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int way = 0; way < 6; way++) {
        init_robust(r, protocol, 1);
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t t;
            // The owner is the main thread or another one; the end comes from here, from another thread or from outside.
            if (way % 2) {
                CHECK(pthread_mutex_lock(&r->mutex) == 0);
                sem_post(&r->locked);
            } else {
                pthread_create(&t, NULL, dies_with_it, r);
                sem_wait(&r->held);
            }
            if (way / 2 == 0) {
                usleep(20000);
                _exit(5);
            }
            if (way / 2 == 1) {
                usleep(20000);
                pthread_create(&t, NULL, exits_the_process, NULL);
            }
            if (way / 2 == 2 && way % 2) {
                usleep(20000);
                pthread_create(&t, NULL, kills_the_process, NULL);
            }
            for (;;) pause();
        }
        sem_wait(&r->locked);
        if (way == 4) {
            usleep(10000);
            kill(pid, SIGKILL);
        }
        CHECK(pthread_mutex_lock(&r->mutex) == EOWNERDEAD);
        CHECK(wait_for(pid) == (way < 4 ? 5 : 1000 + SIGKILL));
        CHECK(pthread_mutex_consistent(&r->mutex) == 0 && pthread_mutex_unlock(&r->mutex) == 0);
    }
    munmap(r, 4096);
}

// MARK: cancellation, keys, detached threads

static int cleaned;
static pthread_key_t key;
static void count_up(void *argument) { __atomic_fetch_add(&cleaned, (int)(long)argument, __ATOMIC_SEQ_CST); }
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t ready;
static void unlock(void *argument) { pthread_mutex_unlock(argument); }
static void *cancelled(void *argument) {
    pthread_cleanup_push(count_up, (void *)1);
    pthread_setspecific(key, (void *)100);
    int ends[2];
    char c;
    CHECK(pipe(ends) == 0);
    sem_post(&ready);
    switch ((long)argument) {
    case 0: read(ends[0], &c, 1); break;
    case 1:
        pthread_mutex_lock(&mutex);
        pthread_cleanup_push(unlock, &mutex);
        for (;;) pthread_cond_wait(&condition, &mutex);
        pthread_cleanup_pop(1);
        break;
    case 2: pause(); break;
    case 3: nanosleep(&(struct timespec){100, 0}, NULL); break;
    case 4:
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
        for (;;) {
        }
    case 5:
        for (;;) pthread_testcancel();
    default: sem_wait(&(sem_t){0});
    }
    pthread_cleanup_pop(1);
    return NULL;
}
static void cancellation(void) {
    sem_init(&ready, 0, 0);
    pthread_key_create(&key, count_up);
    for (long i = 0; i < 70; i++) {
        pthread_t t;
        CHECK(pthread_create(&t, NULL, cancelled, (void *)(i % 7)) == 0);
        sem_wait(&ready);
        if (i % 2) usleep(300);
        CHECK(pthread_cancel(t) == 0);
        void *result;
        CHECK(pthread_join(t, &result) == 0 && result == PTHREAD_CANCELED);
    }
    CHECK(cleaned == 70 * 101);
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
}

// MARK: whole processes

static void *joins_main(void *argument) {
    pthread_t main_thread = *(pthread_t *)argument;
    CHECK(pthread_join(main_thread, NULL) == 0);
    // The first thread is a zombie for those who look; its process lives.
    char path[64], text[512] = {0};
    sprintf(path, "/proc/self/task/%d/stat", getpid());
    for (int i = 0;; i++) {
        int fd = open(path, O_RDONLY);
        CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0 && i < 10000);
        close(fd);
        char *state = strrchr(text, ')');
        CHECK(state != NULL);
        if (state[2] == 'Z') break;
        usleep(100);
    }
    pid_t child = fork();
    if (child == 0) _exit(3);
    CHECK(wait_for(child) == 3);
    _exit(44);
}
static void *ends_last(void *argument) {
    (void)argument;
    usleep(20000);
    syscall(SYS_exit, 7);
    return NULL;
}
static void *executes(void *argument) {
    char *arguments[] = {self, argument, NULL}, *environment[] = {NULL};
    execve("/proc/self/exe", arguments, environment);
    execve(self, arguments, environment);
    _exit(98);
}
static volatile int spins;
static void *spin(void *argument) {
    (void)argument;
    for (;;) spins++;
    return NULL;
}
static void *sleeps(void *argument) {
    (void)argument;
    for (;;) pause();
    return NULL;
}
static void processes(void) {
    pid_t pid = fork();
    if (pid == 0) {
        static pthread_t me;
        me = pthread_self();
        pthread_t t;
        CHECK(pthread_create(&t, NULL, joins_main, &me) == 0);
        pthread_exit(NULL);
    }
    CHECK(wait_for(pid) == 44);
    // Only threads that leave one by one: since Linux 6 the last one's status is the process's.
    pid = fork();
    if (pid == 0) {
        pthread_t t;
        pthread_create(&t, NULL, ends_last, NULL);
        pthread_join(t, NULL);
        pthread_create(&t, NULL, ends_last, NULL);
        pthread_exit(NULL);
    }
    int status = wait_for(pid);
    CHECK(status == 7 || status == 0);
    // execve from another thread while others run, sleep and are gone.
    for (int i = 0; i < 4; i++) {
        pid = fork();
        if (pid == 0) {
            pthread_t t;
            pthread_create(&t, NULL, spin, NULL);
            pthread_create(&t, NULL, sleeps, NULL);
            char text[32];
            sprintf(text, "%d", (int)getpid());
            pthread_create(&t, NULL, executes, text);
            if (i % 2) pthread_exit(NULL);
            for (;;) {
            }
        }
        CHECK(wait_for(pid) == 21);
    }
    // exit_group while others are everywhere.
    for (int i = 0; i < 20; i++) {
        pid = fork();
        if (pid == 0) {
            pthread_t t;
            for (int n = 0; n < 3; n++) {
                pthread_create(&t, NULL, spin, NULL);
                pthread_create(&t, NULL, sleeps, NULL);
            }
            if (i % 4) usleep(i * 100);
            if (i % 2) {
                pthread_create(&t, NULL, exits_the_process, NULL);
                pthread_create(&t, NULL, exits_the_process, NULL);
                pthread_exit(NULL);
            }
            _exit(5);
        }
        CHECK(wait_for(pid) == 5);
    }
}

// MARK: many

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void *through_the_gate(void *argument) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return argument;
}
static void *short_lived(void *argument) { return argument; }
static long resident_pages(void) {
    long total, resident;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%ld %ld", &total, &resident) == 2);
    fclose(f);
    return resident;
}

static void many(int at_once, int in_sequence) {
    static pthread_t threads[5000];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32 << 10);
    pthread_mutex_lock(&gate);
    int made = 0;
    while (made < at_once) {
        int error = pthread_create(&threads[made], &small, through_the_gate, (void *)(long)made);
        // A limit is no failure, anything else is.
        CHECK(error == 0 || (error == EAGAIN && made > 100));
        if (error) break;
        made++;
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < made; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0 && (long)result == i);
    }
    // Each begins before the one before it has been joined.
    long before = 0;
    pthread_t last;
    CHECK(pthread_create(&last, &small, short_lived, NULL) == 0);
    for (int i = 0; i < in_sequence; i++) {
        pthread_t next;
        CHECK(pthread_create(&next, &small, short_lived, NULL) == 0);
        pthread_join(last, NULL);
        last = next;
        if (i == in_sequence / 5) before = resident_pages();
    }
    pthread_join(last, NULL);
    long grown = resident_pages() - before;
    if (grown > 2000) printf("grown by %ld pages from %ld\n", grown, before);
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc == 2) {
        // After execve: the same process, alone.
        CHECK(atoi(argv[1]) == getpid() && syscall(SYS_gettid) == getpid());
        return 21;
    }
    if (argc == 3) {
        many(atoi(argv[1]), atoi(argv[2]));
        return 0;
    }
    robust_threads(PTHREAD_PRIO_NONE);
    robust_threads(PTHREAD_PRIO_INHERIT);
    printf("robust mutexes of threads\n");
    robust_processes(PTHREAD_PRIO_NONE);
    robust_processes(PTHREAD_PRIO_INHERIT);
    printf("robust mutexes of processes\n");
    fflush(stdout);
    cancellation();
    printf("cancellation\n");
    fflush(stdout);
    processes();
    printf("processes\n");
    many(300, 1500);
    printf("many\n");
    return 0;
}
