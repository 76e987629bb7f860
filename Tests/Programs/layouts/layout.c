// What a program needs of its loader: initial data, zeroed memory, room to write, a break that grows.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char __executable_start[];
#ifndef BSS
#define BSS 5000
#endif
static char zeroed[BSS];
static volatile uint32_t data[3000] = {1, 2, 3, [2999] = 4};
static const volatile uint32_t constant[3000] = {5, [2999] = 6};
static int constructed;
__attribute__((constructor)) static void construct(void) { constructed = 7; }

int main(int argc, char **argv) {
    int isZero = 1;
    for (unsigned long at = 0; at < sizeof zeroed; at += at < 100000 ? 1 : 999983) isZero &= zeroed[at] == 0;
    for (unsigned long at = 0; at < sizeof zeroed; at += 100 + sizeof zeroed / 7) zeroed[at] = 1;
    data[1] = data[2] = 9;
    printf("%u %u %u %u %u %d %d %d %s\n", data[0], data[1], data[2999], constant[0], constant[2999], isZero, constructed, argc,
           argc > 1 ? argv[1] : "");
    char *first = sbrk(100000);
    memset(first, 1, 100000);
    printf("break %d\n", sbrk(0) == first + 100000);
    if (argc > 2) printf("aligned %d\n", (uintptr_t)__executable_start % strtoul(argv[2], 0, 0) == 0);
#ifdef RUN_STACK
    uint32_t code[2] = {0x52800540, 0xd65f03c0};  // mov w0, #42; ret
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    printf("stack %d\n", ((int (*)(void))(void *)code)());
#endif
    return 3;
}
