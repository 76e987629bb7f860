// Eight threads map, move, protect and unmap at once, where the kernel likes, so that each gets what another has just given
// back; two of them also run code there, and one forks. What belongs to a thread must be what that thread made of it.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
enum { THREADS = 8, SLOTS = 12, ROUNDS = 4000 };
struct slot {
    char *start;
    unsigned long pages;
    int protection;
    char mark;
};
static struct slot slots[THREADS][SLOTS];

static void fill(struct slot *s) {
    for (unsigned long i = 0; i < s->pages; i++) s->start[i * PAGE + 8] = s->mark;
}
static void verify(const struct slot *s) {
    if (!(s->protection & PROT_READ)) return;
    for (unsigned long i = 0; i < s->pages; i++) CHECK(s->start[i * PAGE + 8] == s->mark);
}
static void *worker(void *argument) {
    unsigned id = (unsigned)(uintptr_t)argument;
    unsigned long random = id + 1;
    for (int round = 0; round < ROUNDS; round++) {
        struct slot *s = &slots[id][next_random(&random) % SLOTS];
        unsigned what = next_random(&random) % 8;
        if (!s->start) {
            s->pages = 1 + next_random(&random) % 4;
            s->protection = PROT_READ | PROT_WRITE | (id < 2 ? PROT_EXEC : 0);
            s->mark = (char)next_random(&random);
            s->start = mmap(NULL, s->pages * PAGE, s->protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(s->start != MAP_FAILED);
            CHECK(s->start[8] == 0);
            fill(s);
        } else if (what < 3) {
            verify(s);
            CHECK(munmap(s->start, s->pages * PAGE) == 0);
            s->start = NULL;
        } else if (what == 3) {
            s->protection ^= PROT_WRITE;
            CHECK(mprotect(s->start, s->pages * PAGE, s->protection) == 0);
            verify(s);
        } else if (what == 4) {
            unsigned long pages = 1 + next_random(&random) % 6;
            char *moved = mremap(s->start, s->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
            CHECK(moved != MAP_FAILED);
            s->start = moved;
            if (pages > s->pages && s->protection & PROT_WRITE) {
                s->pages = pages;
                fill(s);
            } else if (pages > s->pages) {
                CHECK(munmap(moved + s->pages * PAGE, (pages - s->pages) * PAGE) == 0);
            } else {
                s->pages = pages;
            }
            verify(s);
        } else if (what == 5) {
            CHECK(mprotect(s->start, PAGE, s->protection) == 0);
            CHECK(madvise(s->start, s->pages * PAGE, MADV_NORMAL) == 0);
        } else if (id < 2 && s->protection & PROT_WRITE) {
            uint32_t *code = (uint32_t *)(s->start + 64);
            unsigned value = next_random(&random) & 0xffff;
            code[0] = 0x52800000u | value << 5;  // mov w0, #value
            code[1] = 0xd65f03c0u;               // ret
            __builtin___clear_cache((char *)code, (char *)(code + 2));
            CHECK(((unsigned (*)(void))(void *)code)() == value);
        } else if (id == 7 && round % 50 == 0) {
            pid_t child = fork();
            if (child == 0) {
                for (int i = 0; i < SLOTS; i++)
                    if (slots[id][i].start) verify(&slots[id][i]);
                char *more = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                _exit(more == MAP_FAILED || munmap(more, PAGE) != 0);
            }
            int status = -1;
            CHECK(child > 0 && waitpid(child, &status, 0) == child);
            CHECK(status == 0);
        }
    }
    return NULL;
}

/// Each slot is one part of /proc/self/maps with its own protection.
static void compare_maps(void) {
    for (unsigned id = 0; id < THREADS; id++)
        for (int i = 0; i < SLOTS; i++) {
            struct slot *s = &slots[id][i];
            if (!s->start) continue;
            FILE *file = fopen("/proc/self/maps", "r");
            char line[4096];
            unsigned long at = (unsigned long)s->start, end = at + s->pages * PAGE;
            while (at < end && fgets(line, sizeof line, file)) {
                unsigned long from, to;
                char r, w, x;
                CHECK(sscanf(line, "%lx-%lx %c%c%c", &from, &to, &r, &w, &x) == 5);
                if (from > at || to <= at) continue;
                CHECK((r == 'r') == !!(s->protection & PROT_READ) && (w == 'w') == !!(s->protection & PROT_WRITE));
                CHECK((x == 'x') == !!(s->protection & PROT_EXEC));
                at = to;
            }
            fclose(file);
            CHECK(at >= end);
            verify(s);
        }
}

int main(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, worker, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    compare_maps();
    puts("mappings are whose they are");
    return 0;
}
