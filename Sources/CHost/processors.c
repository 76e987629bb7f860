#define _GNU_SOURCE
#include "nt_processors.h"

#include <sched.h>

int nt_usable_processors(void) {
    // Too small a set is refused: room for 64 Ki processors, more than any kernel is built for.
    _Alignas(cpu_set_t) unsigned char set[8192];
    CPU_ZERO_S(sizeof set, (cpu_set_t *)set);
    if (sched_getaffinity(0, sizeof set, (cpu_set_t *)set) != 0)
        return 1;
    int count = CPU_COUNT_S(sizeof set, (cpu_set_t *)set);
    return count > 0 ? count : 1;
}
