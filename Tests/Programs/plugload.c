// Eight threads that compute and make system calls: a load for plugins that come and go meanwhile.
#include "check.h"
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *work(void *argument) {
    uint64_t x = (uintptr_t)argument;
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 100; i++) x = x * 6364136223846793005u + 1442695040888963407u;
        if (syscall(SYS_getppid) <= 0) return NULL;
    }
    return (void *)(uintptr_t)x;
}

int main(void) {
    pthread_t threads[8];
    for (long i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0);
        sum += (uintptr_t)result;
    }
    printf("%016llx\n", (unsigned long long)sum);
    return 0;
}
