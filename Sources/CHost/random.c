// Random numbers for the guest: the host's, or a repeatable sequence.
#include "nt_helpers.h"
#include <stdatomic.h>
#include <sys/random.h>

static _Bool is_seeded;
static _Atomic uint64_t state;

void nt_seed_random(uint64_t seed) {
    is_seeded = 1;
    atomic_store_explicit(&state, seed, memory_order_relaxed);
}

uint64_t nt_random_number(void) {
    if (is_seeded) {
        // splitmix64: the state is a counter, so that threads draw from one sequence without a lock.
        uint64_t z = atomic_fetch_add_explicit(&state, 0x9e3779b97f4a7c15u, memory_order_relaxed) + 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
    }
    uint64_t number;
    // Interrupted or short only before the host's generator is seeded, early at boot.
    while (getrandom(&number, sizeof number, 0) != sizeof number)
        ;
    return number;
}

uint64_t nt_helper_random_number(nt_cpu *cpu) {
    (void)cpu;
    return nt_random_number();
}
