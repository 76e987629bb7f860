// Time, random numbers, limits, system information: values vary, so relations are what is printed.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static long nanoseconds(clockid_t clock) {
    struct timespec t;
    CHECK(clock_gettime(clock, &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

int main(void) {
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID,
                                       CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_COARSE};
    for (unsigned i = 0; i < 6; i++) {
        long before = nanoseconds(clocks[i]);
        for (int n = 0; n < 100; n++) {
            long now = nanoseconds(clocks[i]);
            CHECK(now >= before);
            before = now;
        }
    }
    struct timespec short_time = {0, 2000000}, resolution;
    long start = nanoseconds(CLOCK_MONOTONIC);
    CHECK(nanosleep(&short_time, NULL) == 0);
    printf("slept at least 2 ms: %d\n", nanoseconds(CLOCK_MONOTONIC) - start >= 2000000);
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0);
    printf("resolution %ld s\n", (long)resolution.tv_sec);
    struct timeval now;
    CHECK(gettimeofday(&now, NULL) == 0);
    printf("clocks agree %d\n", labs(now.tv_sec - time(NULL)) <= 1);
    struct timespec wrong;
    int result = clock_gettime(77, &wrong);
    printf("wrong clock %d %s\n", result, strerror(errno));
    short_time.tv_nsec = 2000000000;
    result = nanosleep(&short_time, NULL);
    printf("wrong time %d %s\n", result, strerror(errno));
    unsigned long ticks, later, frequency;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    usleep(1000);
    __asm__ volatile("isb\nmrs %0, cntvct_el0" : "=r"(later));
    printf("counter runs %d frequency %d\n", later > ticks, frequency > 0);

    unsigned char bytes[300] = {0}, again[300] = {0};
    CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes && getrandom(again, sizeof again, GRND_NONBLOCK) == sizeof again);
    int zeros = 0;
    for (int i = 0; i < 300; i++) zeros += bytes[i] == 0;
    printf("random differs %d, few zeros %d\n", memcmp(bytes, again, 300) != 0, zeros < 30);
    result = (int)getrandom((void *)8, 100, 0);
    printf("getrandom to nowhere %d %s\n", result, strerror(errno));
    const unsigned char *at_random = (const unsigned char *)getauxval(AT_RANDOM);
    zeros = 0;
    for (int i = 0; i < 16; i++) zeros += at_random[i] == 0;
    printf("AT_RANDOM %d page size %ld\n", zeros < 8, (long)getauxval(AT_PAGESZ));
    printf("AT_SECURE %ld AT_PLATFORM %s\n", (long)getauxval(AT_SECURE), (const char *)getauxval(AT_PLATFORM));
    printf("hwcap: fp %d asimd %d atomics %d\n", (getauxval(AT_HWCAP) & 1) != 0, (getauxval(AT_HWCAP) & 2) != 0,
           (getauxval(AT_HWCAP) & 1 << 8) != 0);
    struct utsname name;
    CHECK(uname(&name) == 0);
    printf("%s %s\n", name.sysname, name.machine);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 0);
    limit.rlim_cur = 100;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    printf("limit %ld\n", (long)limit.rlim_cur);
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    cpu_set_t set;
    printf("affinity %d processors %d\n", sched_getaffinity(0, sizeof set, &set) == 0, sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    struct sysinfo info;
    printf("sysinfo %d memory %d\n", sysinfo(&info), info.totalram > 0);
    result = (int)sysconf(_SC_PAGESIZE);
    printf("page %d\n", result);
    return 0;
}
