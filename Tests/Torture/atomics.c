// Atomic operations of every size on values and at addresses that carry across, alone and among threads.
#include "torture.h"
#include <pthread.h>
#include <stdbool.h>

#define TYPES(X) X(uint8_t, u8) X(int16_t, s16) X(uint32_t, u32) X(int64_t, s64) X(uint64_t, u64)
#define OPERATIONS(T, name)                                                                                            \
    static void test_##name(void) {                                                                                    \
        static T cells[9];                                                                                             \
        for (int i = 0; i < 500; i++) {                                                                                \
            T *p = &cells[i % 9], v = (T)next_random(), expected = (T)(i % 3 ? *p : v), stored;                        \
            mix((uint64_t)__atomic_fetch_add(p, v, __ATOMIC_RELAXED));                                                 \
            mix((uint64_t)__atomic_fetch_sub(p, (T)i, __ATOMIC_ACQUIRE));                                              \
            mix((uint64_t)__atomic_fetch_and(p, (T)(v | 0x55), __ATOMIC_RELEASE));                                     \
            mix((uint64_t)__atomic_fetch_or(p, (T)(v & 0x33), __ATOMIC_ACQ_REL));                                      \
            mix((uint64_t)__atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST));                                                 \
            mix((uint64_t)__atomic_fetch_nand(p, v, __ATOMIC_SEQ_CST));                                                \
            mix((uint64_t)__atomic_add_fetch(p, 3, __ATOMIC_SEQ_CST));                                                 \
            mix((uint64_t)__atomic_exchange_n(p, (T)(v * 3), __ATOMIC_ACQ_REL));                                       \
            if (i % 2) expected = (T)(v * 3);                                                                          \
            mix(__atomic_compare_exchange_n(p, &expected, (T)(v + 1), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));     \
            mix((uint64_t)expected);                                                                                   \
            __atomic_store_n(p, (T)(*p ^ 5), __ATOMIC_RELEASE);                                                        \
            stored = __atomic_load_n(p, __ATOMIC_ACQUIRE);                                                             \
            mix((uint64_t)stored), mix((uint64_t)__sync_lock_test_and_set(p, (T)(stored + 9))), mix((uint64_t)__sync_val_compare_and_swap(p, (T)(stored + 9), v)); \
        }                                                                                                              \
        mix_bytes(cells, sizeof cells);                                                                                \
        section("atomic " #name);                                                                                      \
    }
TYPES(OPERATIONS)

static uint64_t total, list_count;
static uint32_t narrow;
static uint16_t pieces[4];
static struct node { struct node *next; int value; } *head, nodes[4][500];
static int turn;
static void *work(void *argument) {
    int me = (int)(intptr_t)argument;
    for (int i = 0; i < 500; i++) {
        __atomic_fetch_add(&total, (uint64_t)(i * me), __ATOMIC_RELAXED);
        __atomic_fetch_xor(&narrow, 1u << (i % 32), __ATOMIC_ACQ_REL);
        // Neighbours in one word.
        __atomic_fetch_add(&pieces[me], (uint16_t)i, __ATOMIC_SEQ_CST);
        struct node *n = &nodes[me][i];
        n->value = i;
        n->next = __atomic_load_n(&head, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&head, &n->next, n, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {}
    }
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != me) sched_yield();
    list_count += (uint64_t)me;
    __atomic_store_n(&turn, me + 1, __ATOMIC_RELEASE);
    return NULL;
}
static void threads(void) {
    pthread_t ids[4];
    for (intptr_t i = 0; i < 4; i++) CHECK(pthread_create(&ids[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < 4; i++) pthread_join(ids[i], NULL);
    uint64_t sum = 0, count = 0;
    for (struct node *n = head; n; n = n->next) sum += (uint64_t)n->value, count++;
    mix(total), mix(narrow), mix_bytes(pieces, sizeof pieces), mix(list_count), mix(sum), mix(count);
    section("threads");
}

int main(void) {
#define RUN(T, name) test_##name();
    TYPES(RUN)
    threads();
}
