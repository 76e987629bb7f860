// Shared by the guest programs: output that does not depend on addresses or time, and a CHECK that names its line.
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: failed: %s\n", __FILE_NAME__, __LINE__, #condition);                                        \
            fflush(stdout);                                                                                            \
            exit(99);                                                                                                  \
        }                                                                                                              \
    } while (0)

/// As CHECK, but the program goes on; `check_failures` counts.
static int check_failures __attribute__((unused));
#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: failed: %s\n", __FILE_NAME__, __LINE__, #condition);                                        \
            fflush(stdout);                                                                                            \
            __atomic_fetch_add(&check_failures, 1, __ATOMIC_RELAXED);                                                  \
        }                                                                                                              \
    } while (0)
/// As EXPECT for two integers, which are shown.
#define EXPECT_EQ(actual, expected)                                                                                    \
    do {                                                                                                               \
        long long actual_ = (long long)(actual), expected_ = (long long)(expected);                                    \
        if (actual_ != expected_) {                                                                                    \
            printf("%s:%d: failed: %s is %lld (%#llx), not %lld (%#llx)\n", __FILE_NAME__, __LINE__, #actual, actual_, \
                   actual_, expected_, expected_);                                                                     \
            fflush(stdout);                                                                                            \
            __atomic_fetch_add(&check_failures, 1, __ATOMIC_RELAXED);                                                  \
        }                                                                                                              \
    } while (0)

/// A cheap generator of repeatable numbers (splitmix64).
static inline unsigned long next_random(unsigned long *state) {
    unsigned long z = *state += 0x9e3779b97f4a7c15ul;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
    z = (z ^ z >> 27) * 0x94d049bb133111ebul;
    return z ^ z >> 31;
}

#endif
