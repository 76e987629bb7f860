// Threads: create and join, mutex, condition variable, barrier, atomics, thread-local storage, exit of threads, many short ones.
// The results are sums that come out wrong when an update is lost.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 20000

static long plain_sum;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int8_t byte_sum;
static _Atomic uint16_t half_sum;
static _Atomic uint32_t word_sum;
static _Atomic uint64_t wide_sum, bits, most, exchanged;
static pthread_spinlock_t spin;
static long spin_sum;
static __thread long local = 41;
static __thread char local_text[100];
static pthread_key_t key;
static atomic_int destroyed;
static pthread_barrier_t barrier;

static void *count(void *argument) {
    long me = (long)argument;
    CHECK(local == 41 && local_text[0] == 0);
    local += me;
    memset(local_text, 'a' + (int)me, sizeof local_text - 1);
    pthread_setspecific(key, (void *)(me + 1));
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 16 == 0) {
            pthread_mutex_lock(&mutex);
            plain_sum += 1;
            pthread_mutex_unlock(&mutex);
            pthread_spin_lock(&spin);
            spin_sum += 1;
            pthread_spin_unlock(&spin);
        }
        atomic_fetch_add(&byte_sum, 1);
        atomic_fetch_add_explicit(&half_sum, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&word_sum, 3, memory_order_acq_rel);
        atomic_fetch_add(&wide_sum, 0x100000001);
        atomic_fetch_xor(&bits, 1ul << (i % 64));
        uint64_t candidate = (uint64_t)me * ROUNDS + (uint64_t)i, seen = atomic_load(&most);
        while (seen < candidate && !atomic_compare_exchange_weak(&most, &seen, candidate)) {
        }
    }
    for (int i = 0; i < 1000; i++) {
        // Every value put in is taken out exactly once.
        uint64_t old = atomic_exchange(&exchanged, (uint64_t)me * 1000 + (uint64_t)i + 1);
        atomic_fetch_add(&wide_sum, old);
    }
    CHECK(local == 41 + me && local_text[98] == 'a' + (int)me && local_text[99] == 0);
    return (void *)(me * 7);
}

// Producers and consumers over a small ring.
static int ring[8], head, tail;
static pthread_mutex_t ring_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static void *produce(void *argument) {
    for (int i = 1; i <= 1000; i++) {
        pthread_mutex_lock(&ring_mutex);
        while (head - tail == 8) pthread_cond_wait(&not_full, &ring_mutex);
        ring[head++ % 8] = i;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&ring_mutex);
    }
    return argument;
}
static void *consume(void *argument) {
    long sum = 0;
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&ring_mutex);
        while (head == tail) pthread_cond_wait(&not_empty, &ring_mutex);
        sum += ring[tail++ % 8];
        pthread_cond_signal(&not_full);
        pthread_mutex_unlock(&ring_mutex);
    }
    (void)argument;
    return (void *)sum;
}

static int phase_counts[10];
static void *in_phases(void *argument) {
    for (int phase = 0; phase < 10; phase++) {
        __atomic_fetch_add(&phase_counts[phase], 1, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
        CHECK(__atomic_load_n(&phase_counts[phase], __ATOMIC_RELAXED) == THREADS);
    }
    pthread_exit((char *)argument + 1);
}

static sem_t semaphore;
static void *short_lived(void *argument) {
    (void)argument;
    sem_post(&semaphore);
    return NULL;
}
static void on_destroy(void *value) { atomic_fetch_add(&destroyed, (int)(long)value); }
static volatile int spinning;
static void *forever(void *argument) {
    (void)argument;
    spinning = 1;
    for (;;) {
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_spin_init(&spin, 0);
    pthread_key_create(&key, on_destroy);
    for (long i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, count, (void *)i) == 0);
    long returned = 0;
    for (int i = 0; i < THREADS; i++) {
        void *value;
        CHECK(pthread_join(threads[i], &value) == 0);
        returned += (long)value;
    }
    uint64_t put = 0;
    for (uint64_t i = 1; i <= THREADS * 1000; i++) put += i;
    put -= exchanged;
    printf("returned %ld\nmutex %ld\nspin %ld\n", returned, plain_sum, spin_sum);
    printf("byte %d half %u word %u wide %lx\n", byte_sum, half_sum, word_sum, wide_sum - put);
    printf("bits %lx most %lu\n", bits, most);
    printf("local %ld destroyed %d\n", local, destroyed);

    CHECK(pthread_create(&threads[0], NULL, produce, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, produce, NULL) == 0);
    CHECK(pthread_create(&threads[2], NULL, consume, NULL) == 0);
    CHECK(pthread_create(&threads[3], NULL, consume, NULL) == 0);
    void *first, *second;
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    pthread_join(threads[2], &first);
    pthread_join(threads[3], &second);
    printf("consumed %ld\n", (long)first + (long)second);

    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, in_phases, (void *)i) == 0);
    returned = 0;
    for (int i = 0; i < THREADS; i++) {
        void *value;
        pthread_join(threads[i], &value);
        returned += (long)value;
    }
    printf("phases %ld\n", returned);

    sem_init(&semaphore, 0, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    for (int i = 0; i < 50; i++) {
        pthread_t id;
        CHECK(pthread_create(&id, i % 2 ? &attributes : NULL, short_lived, NULL) == 0);
        if (i % 2 == 0) pthread_join(id, NULL);
        sem_wait(&semaphore);
    }
    printf("short-lived ones done\n");

    // The process ends although a thread loops for ever.
    CHECK(pthread_create(&threads[0], NULL, forever, NULL) == 0);
    while (!spinning) sched_yield();
    fflush(stdout);
    exit(17);
}
