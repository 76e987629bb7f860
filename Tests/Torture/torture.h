// Shared by the torture programs. They are portable C whose output depends neither on the machine nor on the compiler's options: one
// checksum a section, so that a difference names the section.
#ifndef TORTURE_H
#define TORTURE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone))
/// Keeps the compiler from knowing a value.
#define HIDE(x) __asm__ volatile("" : "+r"(x) : : "memory")
#define COUNT(a) (int)(sizeof(a) / sizeof(a)[0])
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) printf("failed: line %d: %s\n", __LINE__, #condition);                                       \
    } while (0)

static uint64_t torture_sum;
static inline void mix(uint64_t value) { torture_sum = (torture_sum << 7 | torture_sum >> 57) * 0x9e3779b97f4a7c15u + value; }
static inline void mix_bytes(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) mix(((const uint8_t *)bytes)[i]);
}
// Which NaN comes out is the machine's choice.
static inline void mix_double(double x) {
    uint64_t bits = 0x7ff8000000000000;
    if (x == x) memcpy(&bits, &x, 8);
    mix(bits);
}
static inline void mix_float(float x) {
    uint32_t bits = 0x7fc00000;
    if (x == x) memcpy(&bits, &x, 4);
    mix(bits);
}
static inline void section(const char *name) {
    printf("%-20s %016llx\n", name, (unsigned long long)torture_sum);
    torture_sum = 0;
}

static uint64_t torture_state = 1;
static inline uint64_t next_random(void) {
    uint64_t z = torture_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

#endif
