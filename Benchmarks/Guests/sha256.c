// SHA-256's compression function over argv[1] blocks of 64 bytes, with Arm's instructions, in C elsewhere.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// The constants do not matter for speed: any that differ do.
static uint32_t constants[64], state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static uint32_t message[16];
#ifdef __aarch64__
#pragma GCC target("arch=armv8-a+crypto")
#include <arm_neon.h>
static void compress(void) {
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4), w[4], first = abcd, second = efgh;
    for (int i = 0; i < 4; i++) w[i] = vld1q_u32(message + i * 4);
    for (int round = 0; round < 16; round++) {
        uint32x4_t sum = vaddq_u32(w[0], vld1q_u32(constants + round * 4)), old = abcd;
        abcd = vsha256hq_u32(abcd, efgh, sum);
        efgh = vsha256h2q_u32(efgh, old, sum);
        uint32x4_t next = vsha256su1q_u32(vsha256su0q_u32(w[0], w[1]), w[2], w[3]);
        w[0] = w[1], w[1] = w[2], w[2] = w[3], w[3] = next;
    }
    vst1q_u32(state, vaddq_u32(abcd, first));
    vst1q_u32(state + 4, vaddq_u32(efgh, second));
}
#else
static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }
static void compress(void) {
    uint32_t w[64], s[8];
    memcpy(w, message, sizeof message);
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t one = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t two = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + one;
        s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}
#endif
int main(int argc, char **argv) {
    long blocks = argc > 1 ? atol(argv[1]) : 100000;
    uint32_t x = 0x428a2f98;
    for (int i = 0; i < 64; i++) constants[i] = x = x * 1664525 + 1013904223;
    for (long n = 0; n < blocks; n++) {
        for (int i = 0; i < 16; i++) message[i] = (uint32_t)n * 4 + (uint32_t)(i / 4);
        compress();
    }
    for (int i = 0; i < 8; i++) printf("%08x", state[i]);
    printf("\n");
}
