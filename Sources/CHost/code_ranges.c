// Where generated host code lives, for the fault handler. Writers take a lock, readers none.
#include "nt_enter.h"
#include "code_ranges.h"

// A range is live while `start` is not 0; `end` is written before it. A reader that races with the reuse of an entry sees
// a changed `start` and treats the entry as dead, which is right: code whose range is being removed is not being run.
typedef struct code_range {
    _Atomic(uintptr_t) start;
    _Atomic(uintptr_t) end;
} code_range;

typedef struct code_ranges {
    code_range ranges[NT_MAX_CODE_RANGES];
    _Atomic(uint32_t) used; // entries below this may be live
} code_ranges;

static code_ranges compiled, baseline;
static _Atomic(bool) writing;

static void lock(void) {
    while (__atomic_test_and_set(&writing, __ATOMIC_ACQUIRE)) {
    }
}
static void unlock(void) { __atomic_clear(&writing, __ATOMIC_RELEASE); }

static bool add(code_ranges *all, const void *start, const void *end) {
    code_range *ranges = all->ranges;
    lock();
    uint32_t count = __c11_atomic_load(&all->used, __ATOMIC_RELAXED);
    uint32_t i = 0;
    while (i < count && __c11_atomic_load(&ranges[i].start, __ATOMIC_RELAXED) != 0)
        i++;
    bool fits = i < NT_MAX_CODE_RANGES;
    if (fits) {
        __c11_atomic_store(&ranges[i].end, (uintptr_t)end, __ATOMIC_RELAXED);
        __c11_atomic_store(&ranges[i].start, (uintptr_t)start, __ATOMIC_RELEASE);
        if (i == count)
            __c11_atomic_store(&all->used, count + 1, __ATOMIC_RELEASE);
    }
    unlock();
    return fits;
}

bool nt_code_range_add(const void *start, const void *end) { return add(&compiled, start, end); }
bool nt_baseline_range_add(const void *start, const void *end) { return add(&baseline, start, end); }

void nt_code_range_remove(const void *start) {
    code_range *ranges = compiled.ranges;
    lock();
    uint32_t count = __c11_atomic_load(&compiled.used, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count; i++)
        if (__c11_atomic_load(&ranges[i].start, __ATOMIC_RELAXED) == (uintptr_t)start) {
            __c11_atomic_store(&ranges[i].start, 0, __ATOMIC_RELEASE);
            break;
        }
    unlock();
}

static bool contains(code_ranges *all, uintptr_t address) {
    code_range *ranges = all->ranges;
    uint32_t count = __c11_atomic_load(&all->used, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = __c11_atomic_load(&ranges[i].start, __ATOMIC_ACQUIRE);
        if (start == 0 || address < start)
            continue;
        uintptr_t end = __c11_atomic_load(&ranges[i].end, __ATOMIC_ACQUIRE);
        if (address < end && __c11_atomic_load(&ranges[i].start, __ATOMIC_ACQUIRE) == start)
            return true;
    }
    return false;
}

bool nt_code_range_contains(uintptr_t address) { return contains(&compiled, address); }
bool nt_baseline_range_contains(uintptr_t address) { return contains(&baseline, address); }
