// Recursive calls for the benchmark: 30 million calls and returns with a stack frame each.
#include "guest.h"

// Without optimisation of the recursion, or the compiler makes half of the calls a loop.
__attribute__((noinline, disable_tail_calls)) static uint64_t fibonacci(uint64_t n) {
    if (n < 2) return n;
    uint64_t first = fibonacci(n - 1);
    __asm__ volatile("" : "+r"(first));
    uint64_t second = fibonacci(n - 2);
    __asm__ volatile("" : "+r"(second));
    return first + second;
}

int guest_main(void) {
    guest_print_number(fibonacci(35));
    guest_print("\n");
    return 0;
}
