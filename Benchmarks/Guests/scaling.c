// Work that threads do side by side, each its own: scaling KIND THREADS WORK does WORK in each of THREADS threads.
// flags: -fno-builtin-strlen -fno-builtin-memcpy
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static long work;

static void *alu(void *argument) {
    uint64_t a = (uintptr_t)argument | 1, b = 7;
    for (long i = 0; i < work * 100000; i++) {
        a = a * 6364136223846793005u + b;
        b ^= a >> 17;
        if (b & 64) b += a << 3;
    }
    return (void *)(uintptr_t)(a ^ b);
}
static void *allocations(void *argument) {
    void *held[64] = {0};
    uint64_t r = (uintptr_t)argument + 1;
    for (long i = 0; i < work * 1000; i++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        void **slot = &held[r >> 58];
        free(*slot);
        *slot = malloc(16 + (r >> 33) % 2000);
        *(char *)*slot = 1;
    }
    for (int i = 0; i < 64; i++) free(held[i]);
    return NULL;
}
static void *strings(void *argument) {
    char text[4096], copy[4096];
    long sum = (long)argument;
    for (long i = 0; i < work * 20; i++) {
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1 - i % 100] = 0;
        memcpy(copy, text, sizeof copy);
        sum += (long)strlen(copy) + strcmp(text, copy) + (strchr(copy, '!') != NULL);
        snprintf(text, sizeof text, "%ld %s %x", sum, "words", (unsigned)i);
        sum += text[0];
    }
    return (void *)sum;
}
#ifdef __aarch64__
// Code that nobody ran before: every function is written for one call.
static void *cold(void *argument) {
    uint32_t *code = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long sum = (long)argument;
    for (long round = 0; round < work; round++) {
        for (int n = 0; n < 256; n++) {
            uint32_t *f = code + n * 64;
            // Eight TBs of seven additions each.
            for (int block = 0; block < 8; block++) {
                for (int i = 0; i < 7; i++) f[block * 8 + i] = 0x91000400 | (uint32_t)((round + n + i) & 0xfff) << 10;
                f[block * 8 + 7] = block == 7 ? 0xd65f03c0 : 0x14000001;
            }
            __builtin___clear_cache((char *)f, (char *)(f + 64));
        }
        for (int n = 0; n < 256; n++) sum += ((long (*)(long))(uintptr_t)(code + n * 64))(sum);
    }
    munmap(code, 1 << 20);
    return (void *)sum;
}
#else
#define cold NULL
#endif

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void *(*run)(void *);
    } kinds[] = {{"alu", alu}, {"malloc", allocations}, {"strings", strings}, {"cold", cold}};
    if (argc != 4) return 2;
    int count = atoi(argv[2]);
    work = atol(argv[3]);
    for (int k = 0; k < 4; k++) {
        if (strcmp(argv[1], kinds[k].name) || !kinds[k].run) continue;
        pthread_t threads[64];
        for (long i = 0; i < count && i < 64; i++)
            if (pthread_create(&threads[i], NULL, kinds[k].run, (void *)i)) return 1;
        for (int i = 0; i < count && i < 64; i++) pthread_join(threads[i], NULL);
        return 0;
    }
    return 2;
}
