#include "nt_virtual_time.h"

#include <stdatomic.h>
#include <time.h>

static atomic_bool on;
static _Atomic int64_t current;
static int64_t realtime_base;

bool nt_virtual_time_start(void) {
    if (atomic_load(&on)) return false;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    realtime_base = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    atomic_store(&on, true);
    return true;
}

bool nt_virtual_time_is_on(void) { return atomic_load_explicit(&on, memory_order_relaxed); }
int64_t nt_virtual_time_now(void) { return atomic_load_explicit(&current, memory_order_relaxed); }
int64_t nt_virtual_time_realtime_base(void) { return realtime_base; }

void nt_virtual_time_advance(int64_t now) {
    int64_t before = atomic_load_explicit(&current, memory_order_relaxed);
    while (before < now && !atomic_compare_exchange_weak(&current, &before, now)) {
    }
}
