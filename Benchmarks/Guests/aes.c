// AES-128 in counter mode with AESE and AESMC, argv[1] blocks of 64 bytes.
#pragma GCC target("arch=armv8-a+crypto")
#include <arm_neon.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static uint8x16_t keys[11];
static uint8x16_t encrypt(uint8x16_t block) {
    for (int i = 0; i < 9; i++) block = vaesmcq_u8(vaeseq_u8(block, keys[i]));
    return veorq_u8(vaeseq_u8(block, keys[9]), keys[10]);
}
int main(int argc, char **argv) {
    long blocks = argc > 1 ? atol(argv[1]) : 100000;
    for (int i = 0; i < 11; i++) keys[i] = vdupq_n_u8((uint8_t)(i * 29 + 7));
    uint8x16_t sum = vdupq_n_u8(0);
    for (long i = 0; i < blocks; i++)
        for (int k = 0; k < 4; k++) {
            uint64x2_t counter = vcombine_u64(vcreate_u64((uint64_t)i), vcreate_u64((uint64_t)k));
            sum = veorq_u8(sum, encrypt(vreinterpretq_u8_u64(counter)));
        }
    uint64x2_t both = vreinterpretq_u64_u8(sum);
    printf("%016llx%016llx\n", (unsigned long long)both[0], (unsigned long long)both[1]);
}
