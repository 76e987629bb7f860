// At RLIMIT_NPROC: fork and pthread_create say EAGAIN, what runs goes on, and with room again both work. Run as root it becomes another
// user first, whom the limit binds.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;
static void *lives(void *argument) {
    while (!stop) usleep(1000);
    return argument;
}

int main(void) {
    // A user of our own, so that nobody else's processes count.
    if (getuid() == 0) CHECK(setuid(400000 + getpid()) == 0);
    struct rlimit before, few = {40, 40};
    CHECK(getrlimit(RLIMIT_NPROC, &before) == 0);
    few.rlim_max = before.rlim_max;
    // Someone who is not root may have any number of processes already.
    if (few.rlim_max < few.rlim_cur) few.rlim_cur = few.rlim_max;
    CHECK(setrlimit(RLIMIT_NPROC, &few) == 0);
    static pid_t children[1000];
    int made = 0, error = 0;
    while (made < 1000) {
        pid_t pid = fork();
        if (pid == 0) {
            pause();
            _exit(0);
        }
        if (pid < 0) {
            error = errno;
            break;
        }
        children[made++] = pid;
    }
    CHECK(error == EAGAIN && made < 40);
    for (int i = 0; i < made; i++) {
        kill(children[i], SIGKILL);
        CHECK(waitpid(children[i], NULL, 0) == children[i]);
    }
    printf("fork\n");
    static pthread_t threads[1000];
    made = 0;
    while (made < 1000 && (error = pthread_create(&threads[made], NULL, lives, NULL)) == 0) made++;
    CHECK(error == EAGAIN && made < 40);
    stop = 1;
    for (int i = 0; i < made; i++) pthread_join(threads[i], NULL);
    printf("threads\n");
    few.rlim_cur = few.rlim_max;
    CHECK(setrlimit(RLIMIT_NPROC, &few) == 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) _exit(3);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 3 << 8);
    CHECK(pthread_create(&threads[0], NULL, lives, NULL) == 0 && pthread_join(threads[0], NULL) == 0);
    printf("afterwards\n");
    return 0;
}
