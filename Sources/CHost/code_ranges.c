// Where generated host code lives, and where its accesses go on when they fault, for the fault handler. Writers take a lock, readers none.
#include "nt_enter.h"
#include "code_ranges.h"

// A range is live while `start` is not 0; the rest is written before it. A reader that races with the reuse of an entry sees
// a changed `start` and treats the entry as dead, which is right: code whose range is being removed is not being run.
typedef struct code_range {
    _Atomic(uintptr_t) start;
    _Atomic(uintptr_t) end;
    // Of guarded code.
    _Atomic(const uint64_t *) ways;
    _Atomic(size_t) count;
} code_range;

typedef struct code_ranges {
    code_range ranges[NT_MAX_CODE_RANGES];
    _Atomic(uint32_t) used; // entries below this may be live
} code_ranges;

static code_ranges compiled, baseline, guarded;
static _Atomic(bool) writing;

static void lock(void) {
    while (__atomic_test_and_set(&writing, __ATOMIC_ACQUIRE)) {
    }
}
static void unlock(void) { __atomic_clear(&writing, __ATOMIC_RELEASE); }

static bool add(code_ranges *all, uintptr_t start, uintptr_t end, const uint64_t *ways, size_t way_count) {
    code_range *ranges = all->ranges;
    lock();
    uint32_t count = __c11_atomic_load(&all->used, __ATOMIC_RELAXED);
    uint32_t i = 0;
    while (i < count && __c11_atomic_load(&ranges[i].start, __ATOMIC_RELAXED) != 0)
        i++;
    bool fits = i < NT_MAX_CODE_RANGES;
    if (fits) {
        __c11_atomic_store(&ranges[i].end, end, __ATOMIC_RELAXED);
        __c11_atomic_store(&ranges[i].ways, ways, __ATOMIC_RELAXED);
        __c11_atomic_store(&ranges[i].count, way_count, __ATOMIC_RELAXED);
        __c11_atomic_store(&ranges[i].start, start, __ATOMIC_RELEASE);
        if (i == count)
            __c11_atomic_store(&all->used, count + 1, __ATOMIC_RELEASE);
    }
    unlock();
    return fits;
}

static void drop(code_ranges *all, uintptr_t start) {
    code_range *ranges = all->ranges;
    lock();
    uint32_t count = __c11_atomic_load(&all->used, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count; i++)
        if (__c11_atomic_load(&ranges[i].start, __ATOMIC_RELAXED) == start) {
            __c11_atomic_store(&ranges[i].start, 0, __ATOMIC_RELEASE);
            break;
        }
    unlock();
}

static const code_range *find(code_ranges *all, uintptr_t address) {
    code_range *ranges = all->ranges;
    uint32_t count = __c11_atomic_load(&all->used, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = __c11_atomic_load(&ranges[i].start, __ATOMIC_ACQUIRE);
        if (start == 0 || address < start)
            continue;
        uintptr_t end = __c11_atomic_load(&ranges[i].end, __ATOMIC_ACQUIRE);
        if (address < end && __c11_atomic_load(&ranges[i].start, __ATOMIC_ACQUIRE) == start)
            return &ranges[i];
    }
    return NULL;
}

bool nt_code_range_add(const void *start, const void *end) { return add(&compiled, (uintptr_t)start, (uintptr_t)end, NULL, 0); }
void nt_code_range_remove(const void *start) { drop(&compiled, (uintptr_t)start); }
bool nt_code_range_contains(uintptr_t address) { return find(&compiled, address) != NULL; }

bool nt_baseline_range_add(const void *start, const void *end) { return add(&baseline, (uintptr_t)start, (uintptr_t)end, NULL, 0); }
bool nt_baseline_range_contains(uintptr_t address) { return find(&baseline, address) != NULL; }

bool nt_fault_ways_add(uint64_t start, uint64_t end, const uint64_t *ways, size_t count) { return add(&guarded, start, end, ways, count); }
void nt_fault_ways_remove(uint64_t start) { drop(&guarded, start); }

enum { ACCESS, TARGET, POINT, WORDS };

uintptr_t nt_fault_way(uintptr_t access, uint32_t *point) {
    const code_range *range = find(&guarded, access);
    if (range == NULL)
        return 0;
    // The code runs here, so neither range nor table is being removed.
    const uint64_t *ways = __c11_atomic_load(&range->ways, __ATOMIC_RELAXED);
    size_t count = __c11_atomic_load(&range->count, __ATOMIC_RELAXED), low = 0, high = count;
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
