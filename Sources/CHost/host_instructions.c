// What the host's processor can do beyond the baseline.
#include "nt_crypto.h"
#if defined(__x86_64__)
#include <cpuid.h>

static uint32_t found;
__attribute__((constructor)) static void look(void) {
    __builtin_cpu_init();
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return;
    int has_sse41 = c >> 19 & 1;
    found = (c >> 25 & 1 ? NT_HOST_AES : 0) | (c >> 1 & 1 ? NT_HOST_CARRYLESS_PRODUCT : 0) | (__builtin_cpu_supports("fma") ? NT_HOST_FMA : 0);
    if (c >> 29 & 1 && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) found |= NT_HOST_F16C;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("lzcnt"))
        found |= NT_HOST_BASELINE;
    if (__builtin_cpu_supports("avx")) found |= NT_HOST_AVX;
    if (has_sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1) found |= NT_HOST_SHA256;
}
uint32_t nt_host_instructions(void) { return found; }
#else
uint32_t nt_host_instructions(void) { return 0; }
#endif
