// What programs use of libc all day: strings against simple versions of the same, sorting, the allocator, printing and reading of
// numbers, setjmp, deep recursion, files.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static unsigned long seed = 7;
static unsigned random_below(unsigned limit) { return (unsigned)(next_random(&seed) % limit); }
static uint64_t hash(const void *data, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return h;
}

// Each string function against byte loops, at every alignment, next to the end of a page.
static void strings(void) {
    char *area = aligned_alloc(4096, 3 * 4096), *other = aligned_alloc(4096, 3 * 4096);
    uint64_t h = 0;
    for (int round = 0; round < 3000; round++) {
        unsigned n = random_below(round % 10 == 0 ? 1500 : 70);
        char *p = area + (round % 3 == 0 ? 4096 - n - 1 : random_below(64)), *q = other + random_below(64);
        for (unsigned i = 0; i < n; i++) p[i] = (char)('a' + random_below(6));
        p[n] = 0;
        size_t length = 0;
        while (p[length]) length++;
        CHECK(strlen(p) == length && strnlen(p, n / 2) == n / 2 && rawmemchr(p, 0) == p + n);
        char c = (char)('a' + random_below(7));
        char *first = NULL, *last = NULL;
        for (unsigned i = 0; i < n; i++)
            if (p[i] == c) {
                if (!first) first = p + i;
                last = p + i;
            }
        CHECK(strchr(p, c) == first && strrchr(p, c) == last && memchr(p, c, n) == first && memrchr(p, c, n) == last);
        CHECK(strchrnul(p, c) == (first ? first : p + n));
        memset(q, 'z', n + 20);
        CHECK(memcpy(q, p, n + 1) == q && strcmp(p, q) == 0 && memcmp(p, q, n + 1) == 0 && q[n + 1] == 'z');
        if (n > 4) {
            unsigned at = random_below(n);
            q[at]++;
            CHECK(strcmp(p, q) < 0 && memcmp(q, p, n) > 0 && strncmp(p, q, at) == 0 && strncmp(p, q, at + 1) < 0);
            CHECK(strcasecmp(p, q) < 0);
            unsigned from = random_below(n / 2), to = random_below(n / 2), count = n / 2;
            char expected[1600];
            for (unsigned i = 0; i < count; i++) expected[i] = q[from + i];
            memmove(q + to, q + from, count);
            for (unsigned i = 0; i < count; i++) CHECK(q[to + i] == expected[i]);
        }
        char small[4] = {(char)('a' + random_below(6)), (char)('a' + random_below(6)), 0};
        char *found = NULL;
        for (unsigned i = 0; n >= 2 && i < n - 1 && !found; i++)
            if (p[i] == small[0] && p[i + 1] == small[1]) found = p + i;
        CHECK(strstr(p, small) == found);
        size_t span = 0;
        while (p[span] == 'a' || p[span] == 'b' || p[span] == 'c') span++;
        CHECK(strspn(p, "abc") == span && strcspn(p, "def") == span);
        stpcpy(stpcpy(q, p), "!");
        CHECK(strlen(q) == n + 1);
        h ^= hash(q, n + 1);
    }
    printf("strings %016lx\n", h);
    char text[] = "one, two;three ,,four";
    int words = 0;
    for (char *word = strtok(text, ", ;"); word; word = strtok(NULL, ", ;")) words += (int)strlen(word);
    printf("strtok %d\n", words);
    free(area);
    free(other);
}

static int by_value(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int tree_nodes;
static void visit(const void *node, VISIT order, int depth) {
    (void)node, (void)depth;
    if (order == postorder || order == leaf) tree_nodes++;
}
static void sorting(void) {
    enum { N = 20000 };
    long *numbers = malloc(N * sizeof *numbers);
    for (int i = 0; i < N; i++) numbers[i] = (long)next_random(&seed) >> random_below(60);
    qsort(numbers, N, sizeof *numbers, by_value);
    for (int i = 1; i < N; i++) CHECK(numbers[i - 1] <= numbers[i]);
    CHECK(bsearch(&numbers[N / 3], numbers, N, sizeof *numbers, by_value) != NULL);
    printf("sorted %016lx\n", hash(numbers, N * sizeof *numbers));
    char *texts[500], store[500][16];
    for (int i = 0; i < 500; i++) {
        sprintf(store[i], "%lx", next_random(&seed) % 100000);
        texts[i] = store[i];
    }
    qsort(texts, 500, sizeof texts[0], by_text);
    printf("%s %s %s\n", texts[0], texts[250], texts[499]);
    void *tree = NULL;
    for (int i = 0; i < 1000; i++) tsearch(&numbers[random_below(N)], &tree, by_value);
    twalk(tree, visit);
    printf("tree %d\n", tree_nodes);
    free(numbers);
}

static void allocator(void) {
    static struct { unsigned char *data; size_t size; } blocks[200];
    for (int round = 0; round < 20000; round++) {
        unsigned i = random_below(200);
        for (size_t n = 0; n < blocks[i].size; n += 97) CHECK(blocks[i].data[n] == (unsigned char)i);
        size_t size = random_below(round % 100 == 0 ? 300000 : 600);
        if (round % 3 == 0) {
            free(blocks[i].data);
            blocks[i].data = calloc(size + 1, 1);
            for (size_t n = 0; n < size; n += 53) CHECK(blocks[i].data[n] == 0);
        } else {
            blocks[i].data = realloc(blocks[i].data, size + 1);
        }
        CHECK(blocks[i].data != NULL && (uintptr_t)blocks[i].data % 16 == 0);
        memset(blocks[i].data, (int)i, size + 1);
        blocks[i].size = size;
    }
    size_t total = 0;
    for (int i = 0; i < 200; i++) {
        total += blocks[i].size;
        free(blocks[i].data);
    }
    printf("allocator %zu\n", total);
}

static void numbers(void) {
    static const double values[] = {0.0, -0.0, 1, -1, 0.1, 1.0 / 3, 2.5, 1e10, 123456789.125, 1e100, 1e-100, DBL_MAX, DBL_MIN,
                                    5e-324, M_PI, 1e15 + 0.3, 0.5, 1.5, 99999.5, INFINITY, -INFINITY, NAN};
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        double v = values[i];
        printf("%f|%e|%g|%.0f|%10.3f|%-12.4e|%+a|%.17g\n", v < 1e50 ? v : 1, v, v, v < 1e50 ? v : 2, v < 1e50 ? v : 3, v, v, v);
        char text[64];
        sprintf(text, "%.17g", v);
        CHECK(strtod(text, NULL) == v || isnan(v));
        long double wide = v;
        printf("%Lg %.20Lf\n", wide * 3, v < 1e50 ? wide / 7 : 0);
        float narrow = (float)v;
        printf("%.9g %d %u %ld\n", narrow, (int)(v < 1e9 && v > -1e9 ? v : 0), (unsigned)(v < 4e9 && v >= 0 ? v : 0), lrint(v < 1e9 ? v : 1));
    }
    printf("%5d|%-5d|%05d|%x|%#o|%ld|%hhd|%s|%c|%%|%p|%*d|%.3s\n", 42, 42, 42, 48879, 8, LONG_MIN, 300, "text", 'c', (void *)0, 7, 3, "abcdef");
    printf("%ld %lu %ld %d\n", strtol("-0x7f", NULL, 16), strtoul("077", NULL, 8), strtol("9999999999999999999", NULL, 10), errno == ERANGE);
    printf("%d %.3f\n", atoi("  -123x"), atof("2.71828e2"));
    int a, n;
    float f;
    char word[20];
    n = sscanf("17 3.25 hello", "%d %f %19s", &a, &f, word);
    printf("%d %d %.2f %s\n", n, a, f, word);
    double x = 0.3;
    printf("%.15g %.15g %.15g %.15g %.15g\n", sin(x), cos(x * 100), tan(x), atan2(x, -2), asin(x));
    printf("%.15g %.15g %.15g %.15g %.15g\n", exp(x * 10), log(x), log10(1000 * x), pow(x, 2.7), sqrt(x));
    printf("%.15g %.15g %.15g %.15g %.15g\n", cbrt(x), hypot(3, x), fmod(10, x), tgamma(4.5), erf(x));
    printf("%g %g %g %g %g %g\n", floor(-2.5), ceil(-2.5), round(-2.5), trunc(-2.5), rint(-2.5), nearbyint(3.5));
    double fraction = frexp(100, &n);
    printf("%g %g %.15g %d\n", ldexp(0.75, 10), fraction, fma(x, x, x), n);
    float sum = 0;
    for (int i = 1; i < 10000; i++) sum += 1.0f / (float)i;
    printf("harmonic %.7g\n", sum);
}

static jmp_buf jump;
static void deeper(int n) {
    volatile char pad[100];
    pad[n % 100] = (char)n;
    if (n == 0) longjmp(jump, 5);
    deeper(n - 1);
    pad[0]++;
}
static long ackermann(long m, long n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
static long deep_sum(long n) {
    volatile char pad[48];
    pad[0] = (char)n;
    return n == 0 ? 0 : n + deep_sum(n - 1) + (pad[0] - (char)n);
}
static int variadic(int count, ...) {
    va_list list;
    va_start(list, count);
    double sum = 0;
    for (int i = 0; i < count; i++) sum += i % 2 ? va_arg(list, double) : va_arg(list, int);
    va_end(list);
    return (int)sum;
}
static void control(void) {
    volatile int kept = 3;
    register int saved = 9;
    int result = setjmp(jump);
    if (result == 0) {
        kept = 4;
        deeper(500);
    }
    printf("longjmp %d kept %d %d\n", result, kept, saved);
    printf("ackermann %ld deep %ld\n", ackermann(2, 200), deep_sum(50000));
    printf("variadic %d\n", variadic(12, 1, 2.5, 3, 4.5, 5, 6.5, 7, 8.5, 9, 10.5, 11, 12.5));
    struct tm parts = {.tm_year = 109, .tm_mon = 1, .tm_mday = 13, .tm_hour = 23, .tm_min = 31, .tm_sec = 30};
    char text[100];
    time_t when = timegm(&parts);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j", gmtime(&when));
    printf("%ld %s\n", (long)when, text);
    printf("wide %zu %ls\n", wcslen(L"guest"), L"wide");
}

static void files(void) {
    FILE *file = tmpfile();
    CHECK(file != NULL);
    for (int i = 0; i < 3000; i++) fprintf(file, "line %d of %d\n", i, 3000);
    rewind(file);
    char line[100];
    long total = 0;
    int lines = 0;
    while (fgets(line, sizeof line, file)) {
        int a, b;
        CHECK(sscanf(line, "line %d of %d", &a, &b) == 2 && a == lines && b == 3000);
        lines++;
        total += (long)strlen(line);
    }
    printf("%d lines %ld bytes at %ld\n", lines, total, ftell(file));
    fclose(file);
    file = fopen("/nonexistent/file", "r");
    printf("%d %s\n", file == NULL, strerror(errno));
}

int main(void) {
    strings();
    sorting();
    allocator();
    numbers();
    control();
    files();
    return 0;
}
