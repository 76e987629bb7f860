// SHA-256's compression function with its instructions, over argv[1] blocks of 64 bytes.
#pragma GCC target("arch=armv8-a+crypto")
#include <arm_neon.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static uint32_t constants[64];
// The constants do not matter for speed: any that differ do.
static void make_constants(void) {
    uint32_t x = 0x428a2f98;
    for (int i = 0; i < 64; i++) constants[i] = x = x * 1664525 + 1013904223;
}
int main(int argc, char **argv) {
    long blocks = argc > 1 ? atol(argv[1]) : 100000;
    make_constants();
    uint32x4_t abcd = vdupq_n_u32(0x6a09e667), efgh = vdupq_n_u32(0x510e527f);
    for (long n = 0; n < blocks; n++) {
        uint32x4_t w[4], first = abcd, second = efgh;
        for (int i = 0; i < 4; i++) w[i] = vdupq_n_u32((uint32_t)n * 4 + (uint32_t)i);
        for (int round = 0; round < 16; round++) {
            uint32x4_t sum = vaddq_u32(w[0], vld1q_u32(constants + round * 4)), old = abcd;
            abcd = vsha256hq_u32(abcd, efgh, sum);
            efgh = vsha256h2q_u32(efgh, old, sum);
            uint32x4_t next = vsha256su1q_u32(vsha256su0q_u32(w[0], w[1]), w[2], w[3]);
            w[0] = w[1], w[1] = w[2], w[2] = w[3], w[3] = next;
        }
        abcd = vaddq_u32(abcd, first);
        efgh = vaddq_u32(efgh, second);
    }
    for (int i = 0; i < 4; i++) printf("%08x", abcd[i]);
    for (int i = 0; i < 4; i++) printf("%08x", efgh[i]);
    printf("\n");
}
