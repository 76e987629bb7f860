// Entry point and the memory functions that clang expects of every program.
#include "guest.h"

// Linux starts a program with SP 16-byte aligned and everything else undefined.
__asm__(".text\n"
        ".global _start\n"
        "_start:\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  bl guest_start\n");

__attribute__((used, noreturn)) void guest_start(void) { guest_exit(guest_main()); }

// The empty assembly keeps the compiler from turning the loops into calls of themselves.
void *memset(void *p, int c, size_t n) {
    unsigned char *q = p;
    while (n--) {
        *q++ = (unsigned char)c;
        __asm__ volatile("" ::: "memory");
    }
    return p;
}
void *memcpy(void *to, const void *from, size_t n) {
    unsigned char *t = to;
    const unsigned char *f = from;
    while (n--) {
        *t++ = *f++;
        __asm__ volatile("" ::: "memory");
    }
    return to;
}
