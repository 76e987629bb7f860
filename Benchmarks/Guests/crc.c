// CRC-32C with the processor's instruction, on words of eight bytes and one byte, argv[1] rounds over 64 KiB.
#ifdef __aarch64__
#pragma GCC target("arch=armv8-a+crc")
#include <arm_acle.h>
#define WORD(sum, value) __crc32cd(sum, value)
#define BYTE(sum, value) __crc32cb(sum, value)
#else
#pragma GCC target("sse4.2")
#include <nmmintrin.h>
#define WORD(sum, value) (uint32_t) _mm_crc32_u64(sum, value)
#define BYTE(sum, value) _mm_crc32_u8(sum, value)
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static uint64_t words[8192];
int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 10;
    for (uint64_t i = 0; i < 8192; i++) words[i] = i * 0x9e3779b97f4a7c15;
    const unsigned char *bytes = (const unsigned char *)words;
    uint32_t sum = 0xffffffff;
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < 8192; i++) sum = WORD(sum, words[i]);
        for (int i = 0; i < 4096; i++) sum = BYTE(sum, bytes[i * 16]);
    }
    printf("%08x\n", sum);
}
