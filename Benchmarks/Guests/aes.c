// AES-128 in counter mode with the processor's instructions, argv[1] blocks of 64 bytes.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __aarch64__
#pragma GCC target("arch=armv8-a+crypto")
#include <arm_neon.h>
typedef uint8x16_t block;
#define XOR(a, b) veorq_u8(a, b)
static block encrypt(block text, const block *keys) {
    for (int i = 0; i < 9; i++) text = vaesmcq_u8(vaeseq_u8(text, keys[i]));
    return veorq_u8(vaeseq_u8(text, keys[9]), keys[10]);
}
#else
#pragma GCC target("aes,sse4.1")
#include <wmmintrin.h>
typedef __m128i block;
#define XOR(a, b) _mm_xor_si128(a, b)
static block encrypt(block text, const block *keys) {
    text = _mm_xor_si128(text, keys[0]);
    for (int i = 1; i < 10; i++) text = _mm_aesenc_si128(text, keys[i]);
    return _mm_aesenclast_si128(text, keys[10]);
}
#endif
int main(int argc, char **argv) {
    long blocks = argc > 1 ? atol(argv[1]) : 100000;
    block keys[11], sum;
    for (int i = 0; i < 11; i++) memset(&keys[i], i * 29 + 7, sizeof keys[i]);
    memset(&sum, 0, sizeof sum);
    for (long i = 0; i < blocks; i++)
        for (int k = 0; k < 4; k++) {
            uint64_t words[2] = {(uint64_t)i, (uint64_t)k};
            block counter;
            memcpy(&counter, words, sizeof counter);
            sum = XOR(sum, encrypt(counter, keys));
        }
    unsigned char bytes[16];
    memcpy(bytes, &sum, sizeof bytes);
    for (int i = 0; i < 16; i++) printf("%02x", bytes[i]);
    printf("\n");
}
