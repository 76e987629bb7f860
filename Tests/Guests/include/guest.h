// What a freestanding guest has instead of a C library: system calls, printing, memory functions. Linux, AArch64.
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

static inline long guest_syscall(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}
#define GUEST_SYS_WRITE 64
#define GUEST_SYS_EXIT_GROUP 94

static inline void guest_write(const char *text, size_t length) { guest_syscall(GUEST_SYS_WRITE, 1, (long)text, (long)length, 0, 0, 0); }

static inline size_t guest_length(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}
static inline void guest_print(const char *text) { guest_write(text, guest_length(text)); }

static inline void guest_print_number(uint64_t value) {
    char digits[20];
    int at = 20;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    guest_write(digits + at, (size_t)(20 - at));
}
static inline void guest_print_hex(uint64_t value, int width) {
    char digits[16];
    for (int i = width - 1; i >= 0; i--, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
    guest_write(digits, (size_t)width);
}
__attribute__((noreturn)) static inline void guest_exit(int status) {
    for (;;) guest_syscall(GUEST_SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

// The compiler may call these by itself.
void *memset(void *p, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

// Defined by the guest; `_start` calls it and exits with its result.
int guest_main(void);

#endif
