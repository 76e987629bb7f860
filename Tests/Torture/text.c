// The C library's memory and string functions (NEON and unaligned accesses inside) over sizes and alignments, against plain loops.
#include "torture.h"
#include <ctype.h>
#include <wchar.h>

static uint8_t a[4200], b[4200], c[4200];
static char s[600], t[600];
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns", "no-tree-vectorize"), noinline))
PLAIN static void plain_copy(uint8_t *to, const uint8_t *from, size_t n) {
    if (to < from) for (size_t i = 0; i < n; i++) to[i] = from[i];
    else while (n--) to[n] = from[n];
}
static int sign(int x) { return (x > 0) - (x < 0); }

static void memories(void) {
    static const int sizes[] = {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 95, 96, 97, 127, 128, 129, 200, 255, 256, 257, 400, 1000, 2100};
    for (int k = 0; k < COUNT(sizes); k++)
        for (int from = 0; from < 18; from += 1 + k % 3)
            for (int to = 0; to < 18; to += 1 + (k + 1) % 3) {
                size_t n = (size_t)sizes[k];
                HIDE(n);
                for (size_t i = 0; i < n + 40; i++) a[i] = (uint8_t)(i * 7 + n), b[i] = c[i] = 0xaa;
                memcpy(b + to, a + from, n), plain_copy(c + to, a + from, n);
                CHECK(!memcmp(b, c, n + 40));
                memmove(b + to, b + from, n), plain_copy(c + to, c + from, n);
                CHECK(!memcmp(b, c, n + 40));
                memset(b + to, (int)n + from, n);
                for (size_t i = 0; i < n; i++) c[(size_t)to + i] = (uint8_t)((int)n + from);
                CHECK(!memcmp(b, c, n + 40));
                if (n) {
                    size_t at = (size_t)(from * 5) % n;
                    b[(size_t)to + at] ^= 0x80;
                    CHECK(memcmp(b + to, c + to, n) != 0 && memcmp(b + to, c + to, at) == 0);
                    mix((uint64_t)(memchr(b + to, b[(size_t)to + at], n) == (void *)(b + to + at)));
                    mix((uint64_t)sign(memcmp(b + to, c + to, n)));
                    b[(size_t)to + at] ^= 0x80;
                }
                memset(b + to, 0, n);
                mix_bytes(b, 40);
            }
    section("memory");
}

static void strings(void) {
    for (int length = 0; length < 130; length++)
        for (int at = 0; at < 17; at += 3) {
            char *p = s + at, *q = t + (at * 5 & 15);
            for (int i = 0; i < length; i++) p[i] = (char)('a' + (i * 11 + length) % 25);
            p[length] = 0, p[length + 1] = 'Z';
            CHECK((int)strlen(p) == length && (int)strnlen(p, 50) == (length < 50 ? length : 50));
            strcpy(q, p);
            CHECK(strcmp(p, q) == 0 && strncmp(p, q, 40) == 0);
            CHECK(strchr(p, 0) == p + length && strchr(p, 'Z') == NULL && strrchr(p, 0) == p + length);
            if (length) {
                int where = at * 7 % length;
                q[where] = 'z';
                mix((uint64_t)(strchr(q, 'z') - q)), mix((uint64_t)sign(strcmp(p, q))), mix((uint64_t)sign(strncmp(p, q, (size_t)where)));
                mix((uint64_t)(strstr(q, "z") - q)), mix((uint64_t)strcspn(q, "xyz")), mix((uint64_t)strspn(p, "abcdefghijklmno"));
                char *found = strstr(p, p + length / 2);
                mix((uint64_t)(found - p));
                strncpy(q, p, (size_t)where), strcat(q, "!"), mix((uint64_t)strlen(q));
            }
        }
    char line[] = "one,two;;three four,,five";
    for (char *w = strtok(line, ",; "); w; w = strtok(NULL, ",; ")) mix_bytes(w, strlen(w));
    for (int i = 0; i < 128; i++) mix((uint64_t)(!!isalpha(i) | !!isdigit(i) << 1 | !!isspace(i) << 2 | !!ispunct(i) << 3) + (uint64_t)tolower(i) * 16);
    wchar_t wide[50], other[50];
    for (int i = 0; i < 49; i++) wide[i] = L'a' + i * 1000;
    wide[49] = 0;
    wcscpy(other, wide), mix(wcslen(other)), mix((uint64_t)(wcschr(other, L'a' + 30000) - other)), mix((uint64_t)(wmemcmp(wide, other, 50) == 0));
    section("strings");
}

static void formats(void) {
    char out[300];
    for (int i = 0; i < 200; i++) {
        uint64_t r = next_random() >> (i % 60);
        mix_bytes(out, (size_t)snprintf(out, sizeof out, "%lld %llu %llx %llo %+d %08d %-9d| %*d %.*s %c", (long long)r, (unsigned long long)r, (unsigned long long)r, (unsigned long long)r,
                                         (int)r, (int)r % 10000, (int)r, 12, (int)r, (int)(r % 9), "abcdefghij", 'A' + (int)(r % 26)));
        long long back;
        unsigned long long u;
        CHECK(sscanf(out, "%lld %llu", &back, &u) == 2 && u == r && (uint64_t)back == r);
        mix((uint64_t)strtol(out, NULL, 0)), mix(strtoull(out, NULL, 16)), mix((uint64_t)atoi(out));
    }
    section("formats");
}

static int by_value(const void *x, const void *y) {
    uint32_t p = *(const uint32_t *)x, q = *(const uint32_t *)y;
    return (p > q) - (p < q);
}
static void searching(void) {
    static uint32_t list[3000];
    for (int i = 0; i < 3000; i++) list[i] = (uint32_t)next_random() % 5000;
    qsort(list, 3000, 4, by_value);
    for (int i = 1; i < 3000; i++) CHECK(list[i - 1] <= list[i]);
    for (uint32_t i = 0; i < 5000; i += 3) mix((uint64_t)(bsearch(&i, list, 3000, 4, by_value) != NULL));
    mix_bytes(list, sizeof list);
    section("sort and search");
}

int main(void) {
    memories();
    strings();
    formats();
    searching();
}
