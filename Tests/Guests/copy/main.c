// Copies a 32 KiB buffer 40000 times with load and store pair, for the benchmark: 10 instructions for 64 bytes.
#include "guest.h"

enum { WORDS = 4096, ROUNDS = 40000 };

static uint64_t from[WORDS], to[WORDS];

int guest_main(void) {
    for (int i = 0; i < WORDS; i++) from[i] = (uint64_t)i * 0x9e3779b97f4a7c15;
    for (int i = 0; i < ROUNDS; i++) {
        from[i % WORDS] += to[(i + 7) % WORDS];
        const uint64_t *source = from;
        uint64_t *target = to;
        uint64_t bytes = sizeof from;
        __asm__ volatile(
            "1: ldp x9, x10, [%0], #32\n ldp x11, x12, [%0, #-16]\n ldp x13, x14, [%0], #32\n ldp x15, x16, [%0, #-16]\n"
            "stp x9, x10, [%1], #32\n stp x11, x12, [%1, #-16]\n stp x13, x14, [%1], #32\n stp x15, x16, [%1, #-16]\n"
            "subs %2, %2, #64\n b.ne 1b\n"
            : "+r"(source), "+r"(target), "+r"(bytes)
            :
            : "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "cc", "memory");
    }
    uint64_t sum = 0;
    for (int i = 0; i < WORDS; i++) sum = sum * 31 + to[i];
    guest_print_hex(sum, 16);
    guest_print("\n");
    return 0;
}
