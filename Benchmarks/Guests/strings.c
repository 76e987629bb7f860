// The C library's memcpy (argv[1] has 'c'), strlen ('l') or both, on 16 to 4096 bytes at varying alignments, argv[2] rounds.
// flags: -fno-builtin
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char from[8192], to[8192];
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "cl";
    long rounds = argc > 2 ? atol(argv[2]) : 10000;
    int copies = strchr(what, 'c') != NULL, measures = strchr(what, 'l') != NULL;
    size_t sum = 0;
    memset(from, 'x', sizeof from);
    for (long i = 0; i < rounds; i++)
        for (size_t size = 16; size <= 4096; size *= 2) {
            size_t shift = (size_t)i & 15;
            if (copies) memcpy(to + (shift * 7 & 15), from + shift, size);
            if (measures) {
                from[shift + size] = 0;
                __asm__ volatile("" ::: "memory");
                sum += strlen(from + shift);
                from[shift + size] = 'x';
            }
            __asm__ volatile("" ::: "memory");
        }
    for (size_t i = 0; i < sizeof to; i++) sum += (unsigned char)to[i];
    printf("%zu\n", sum);
}
