// The Mandelbrot set in double precision, argv[1] pixels wide and high; prints how many points stay and the sum of all steps.
// Fused multiply-adds would move points at the border, and the processors differ in having them.
// flags: -ffp-contract=off
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    int size = argc > 1 ? atoi(argv[1]) : 100, inside = 0;
    uint64_t steps = 0;
    for (int row = 0; row < size; row++)
        for (int column = 0; column < size; column++) {
            double x = 3.0 * column / size - 2.25, y = 3.0 * row / size - 1.5, a = 0, b = 0, aa = 0, bb = 0;
            int n = 0;
            for (; n < 100 && aa + bb <= 4; n++) {
                b = 2 * a * b + y;
                a = aa - bb + x;
                aa = a * a;
                bb = b * b;
            }
            inside += n == 100;
            steps += (uint64_t)n;
        }
    printf("%d %llu\n", inside, (unsigned long long)steps);
}
