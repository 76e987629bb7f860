// Where generated accesses go on when they fault, for the fault handler. Writers take a lock, readers none.
#include "fault_ways.h"
#include "nt_enter.h"

// An entry is live while `start` is not 0; the rest is written before it. Only who runs the code of an entry looks at its table: that code is not
// being removed, and so neither is the table.
typedef struct table {
    _Atomic(uintptr_t) start;
    _Atomic(uintptr_t) end;
    _Atomic(const uint64_t *) ways;
    _Atomic(size_t) count;
} table;

static table tables[NT_MAX_FAULT_WAY_TABLES];
static _Atomic(uint32_t) used; // entries below this may be live
static _Atomic(bool) writing;

static void lock(void) {
    while (__atomic_test_and_set(&writing, __ATOMIC_ACQUIRE)) {
    }
}
static void unlock(void) { __atomic_clear(&writing, __ATOMIC_RELEASE); }

bool nt_fault_ways_add(uint64_t start, uint64_t end, const uint64_t *ways, size_t count) {
    lock();
    uint32_t limit = __c11_atomic_load(&used, __ATOMIC_RELAXED);
    uint32_t i = 0;
    while (i < limit && __c11_atomic_load(&tables[i].start, __ATOMIC_RELAXED) != 0)
        i++;
    bool fits = i < NT_MAX_FAULT_WAY_TABLES;
    if (fits) {
        __c11_atomic_store(&tables[i].end, end, __ATOMIC_RELAXED);
        __c11_atomic_store(&tables[i].ways, ways, __ATOMIC_RELAXED);
        __c11_atomic_store(&tables[i].count, count, __ATOMIC_RELAXED);
        __c11_atomic_store(&tables[i].start, start, __ATOMIC_RELEASE);
        if (i == limit)
            __c11_atomic_store(&used, limit + 1, __ATOMIC_RELEASE);
    }
    unlock();
    return fits;
}

void nt_fault_ways_remove(uint64_t start) {
    lock();
    uint32_t limit = __c11_atomic_load(&used, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < limit; i++)
        if (__c11_atomic_load(&tables[i].start, __ATOMIC_RELAXED) == start) {
            __c11_atomic_store(&tables[i].start, 0, __ATOMIC_RELEASE);
            break;
        }
    unlock();
}

enum { ACCESS, TARGET, POINT, WORDS };

static uintptr_t find(const uint64_t *ways, size_t count, uintptr_t access, uint32_t *point) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ways[WORDS * middle + ACCESS] < access)
            low = middle + 1;
        else
            high = middle;
    }
    const uint64_t *way = ways + WORDS * low;
    if (low == count || way[ACCESS] != access)
        return 0;
    *point = (uint32_t)way[POINT];
    return (uintptr_t)way[TARGET];
}

uintptr_t nt_fault_way(uintptr_t access, uint32_t *point) {
    uint32_t limit = __c11_atomic_load(&used, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < limit; i++) {
        uintptr_t start = __c11_atomic_load(&tables[i].start, __ATOMIC_ACQUIRE);
        if (start == 0 || access < start || access >= __c11_atomic_load(&tables[i].end, __ATOMIC_RELAXED))
            continue;
        const uint64_t *ways = __c11_atomic_load(&tables[i].ways, __ATOMIC_RELAXED);
        size_t count = __c11_atomic_load(&tables[i].count, __ATOMIC_RELAXED);
        // The entry may have been given to other code between the reads.
        if (__c11_atomic_load(&tables[i].start, __ATOMIC_ACQUIRE) == start)
            return find(ways, count, access, point);
    }
    return 0;
}
