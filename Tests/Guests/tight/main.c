// The tight integer loop of the benchmark: 12 instructions, 200 million times, no memory access.
#include "guest.h"
int guest_main(void) {
    uint64_t n = 200000000, a = 1, b = 2, c = 3, d = 4;
    __asm__ volatile(
        "1: add %1, %1, %2\n eor %2, %2, %3\n add %3, %3, #7\n and %4, %3, %1\n lsr x9, %1, #3\n orr x10, x9, %2\n sub %2, x10, %3\n add %1, %1, x9\n"
        "eor %4, %4, %1\n add %3, %3, %4\n subs %0, %0, #1\n b.ne 1b\n" : "+r"(n), "+r"(a), "+r"(b), "+r"(c), "+r"(d) :: "x9","x10","cc");
    guest_print_hex(a ^ b ^ c ^ d, 16); guest_print("\n");
    return 0;
}
