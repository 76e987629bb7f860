// Threads that meet: argv[1] threads do argv[2] rounds between them of fetch-and-add, compare-and-swap on a word each of its own and on
// shared ones, a spin lock, a mutex, and publishing through release and acquire.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static long share;
static _Alignas(64) atomic_ulong total;
static _Alignas(64) atomic_ulong product = 1;
static _Alignas(64) atomic_flag spin = ATOMIC_FLAG_INIT;
static _Alignas(64) uint64_t guarded, locked;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct { _Alignas(64) atomic_ulong word; uint64_t data; } own[64];

static void *work(void *argument) {
    atomic_ulong *mine = &own[(uintptr_t)argument].word;
    uint64_t *data = &own[(uintptr_t)argument].data;
    for (long i = 0; i < share; i++) {
        // Mostly undisturbed, as in real programs.
        for (int k = 0; k < 6; k++) {
            unsigned long old = atomic_load_explicit(mine, memory_order_relaxed);
            while (!atomic_compare_exchange_weak(mine, &old, old * 5 + 3)) {}
            *data += atomic_fetch_xor_explicit(mine, 0xff, memory_order_acq_rel) & 1;
            atomic_store_explicit(mine, old + 1, memory_order_release);
        }
        atomic_fetch_add_explicit(&total, 3, memory_order_relaxed);
        if (i % 4 == 0) {
            unsigned long old = atomic_load(&product);
            while (!atomic_compare_exchange_weak(&product, &old, old * 3)) {}
        }
        if (i % 8 == 0) {
            while (atomic_flag_test_and_set_explicit(&spin, memory_order_acquire)) sched_yield();
            guarded++;
            atomic_flag_clear_explicit(&spin, memory_order_release);
            pthread_mutex_lock(&mutex);
            locked += 2;
            pthread_mutex_unlock(&mutex);
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 1;
    long rounds = argc > 2 ? atol(argv[2]) : 100000;
    pthread_t threads[64];
    if (count < 1 || count > 64) return 2;
    // Each gets a multiple of eight, so that the results do not depend on the number of threads that divide the work.
    share = rounds / count & ~7L;
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i)) return 1;
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    printf("%lu %016lx %llu %llu\n", atomic_load(&total), atomic_load(&product), (unsigned long long)guarded, (unsigned long long)locked);
}
