// Calls and returns: Fibonacci, Ackermann, Takeuchi, and eight queens, argv[1] rounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
// Without these the compiler unrolls the recursion and hardly a call is left.
#define PLAIN __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))
PLAIN static uint32_t fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
PLAIN static uint32_t ackermann(uint32_t m, uint32_t n) {
    return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}
PLAIN static int tak(int x, int y, int z) {
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}
PLAIN static int queens(uint32_t columns, uint32_t up, uint32_t down) {
    int count = columns == 255;
    for (uint32_t free = ~(columns | up | down) & 255; free; free &= free - 1) {
        uint32_t place = free & -free;
        count += queens(columns | place, (up | place) << 1, (down | place) >> 1);
    }
    return count;
}
int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t sum = 0;
    for (int i = 0; i < rounds; i++) {
        sum = sum * 31 + fib(25 + (uint32_t)i % 3);
        sum = sum * 31 + ackermann(2, 200 + (uint32_t)i % 5) + ackermann(3, 5);
        sum = sum * 31 + (uint32_t)tak(14, 8, i % 3);
        for (int k = 0; k < 10; k++) sum = sum * 31 + (uint32_t)queens(0, 0, 0);
    }
    printf("%08x\n", sum);
}
