// Guest accesses with atomicity and ordering rules.
//
// x86-64: locked instructions are atomic at any alignment and full barriers, and a 16-byte granule never straddles a cache
// line, so every access nt_atomic_alignment_ok admits is one locked instruction. Loads are acquire as they are; STLR is a
// locked exchange, because Arm orders it before a later LDAR.
#include "nt_guest.h"

#if !defined(__x86_64__)
#error "guest atomics are written for x86-64 hosts only"
#endif

#define ACCESS NT_GUEST_ACCESS_SECTION

#define CHECK_ALIGNMENT(address, size)                                                                                 \
    if (__builtin_expect(!nt_atomic_alignment_ok(address, size), 0))                                                   \
    nt_leave_alignment(cpu, address)

typedef union vec_words {
    nt_vec v;
    uint64_t w[2];
} vec_words;

/// 16-byte compare-and-swap at a 16-byte aligned address. Returns the old value.
static inline __attribute__((always_inline)) nt_vec cas16(void *pointer, nt_vec expected, nt_vec desired) {
    vec_words e = {.v = expected}, d = {.v = desired};
    __asm__ volatile("lock cmpxchg16b (%[p])"
                     : "+a"(e.w[0]), "+d"(e.w[1])
                     : [p] "r"(pointer), "b"(d.w[0]), "c"(d.w[1])
                     : "memory", "cc");
    return e.v;
}

/// Misaligned load inside one granule: the aligned 16-byte load is atomic (guaranteed with AVX), a misaligned one need not be.
static inline __attribute__((always_inline)) uint64_t granule_load(uint64_t address, uint32_t size_log2) {
    vec_words granule = {.v = *(volatile nt_vec *)nt_guest_pointer(address & ~15ull)};
    __uint128_t whole = (__uint128_t)granule.w[1] << 64 | granule.w[0];
    uint64_t value = (uint64_t)(whole >> ((address & 15) * 8));
    return size_log2 == 3 ? value : value & ((1ull << (8u << size_log2)) - 1);
}

#define BY_SIZE(size_log2, CASE)                                                                                       \
    switch (size_log2) {                                                                                               \
    case 0: CASE(uint8_t, int8_t)                                                                                      \
    case 1: CASE(uint16_t, int16_t)                                                                                    \
    case 2: CASE(uint32_t, int32_t)                                                                                    \
    default: CASE(uint64_t, int64_t)                                                                                   \
    }

#define MINMAX(T, compare)                                                                                             \
    {                                                                                                                  \
        T old = *(volatile T *)p;                                                                                      \
        while (!__atomic_compare_exchange_n((T *)p, &old, (T)((compare) ? old : (T)value), false, __ATOMIC_SEQ_CST,    \
                                            __ATOMIC_SEQ_CST)) {                                                       \
        }                                                                                                              \
        return old;                                                                                                    \
    }

#define RMW(T, S)                                                                                                      \
    switch ((nt_atomic_op)op) {                                                                                        \
    case NT_ATOMIC_ADD: return __atomic_fetch_add((T *)p, (T)value, __ATOMIC_SEQ_CST);                                 \
    case NT_ATOMIC_CLR: return __atomic_fetch_and((T *)p, (T)~value, __ATOMIC_SEQ_CST);                                \
    case NT_ATOMIC_EOR: return __atomic_fetch_xor((T *)p, (T)value, __ATOMIC_SEQ_CST);                                 \
    case NT_ATOMIC_SET: return __atomic_fetch_or((T *)p, (T)value, __ATOMIC_SEQ_CST);                                  \
    case NT_ATOMIC_SMAX: MINMAX(T, (S)old > (S)value)                                                                  \
    case NT_ATOMIC_SMIN: MINMAX(T, (S)old < (S)value)                                                                  \
    case NT_ATOMIC_UMAX: MINMAX(T, old > (T)value)                                                                     \
    case NT_ATOMIC_UMIN: MINMAX(T, old < (T)value)                                                                     \
    case NT_ATOMIC_SWP: return __atomic_exchange_n((T *)p, (T)value, __ATOMIC_SEQ_CST);                                \
    }                                                                                                                  \
    __builtin_unreachable();

ACCESS uint64_t nt_guest_rmw(nt_cpu *cpu, uint64_t address, uint64_t value, uint32_t op, uint32_t size_log2) {
    CHECK_ALIGNMENT(address, 1ull << size_log2);
    void *p = nt_guest_pointer(address);
    BY_SIZE(size_log2, RMW)
}

#define CAS(T, S)                                                                                                      \
    {                                                                                                                  \
        T old = (T)expected;                                                                                           \
        __atomic_compare_exchange_n((T *)p, &old, (T)desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);              \
        return old;                                                                                                    \
    }

ACCESS uint64_t nt_guest_cas(nt_cpu *cpu, uint64_t address, uint64_t expected, uint64_t desired, uint32_t size_log2) {
    CHECK_ALIGNMENT(address, 1ull << size_log2);
    void *p = nt_guest_pointer(address);
    BY_SIZE(size_log2, CAS)
}

ACCESS nt_vec nt_guest_cas16(nt_cpu *cpu, uint64_t address, nt_vec expected, nt_vec desired) {
    CHECK_ALIGNMENT(address, 16);
    return cas16(nt_guest_pointer(address), expected, desired);
}

#define LOAD(T, S) return *(volatile T *)p;

ACCESS uint64_t nt_guest_load_acquire(nt_cpu *cpu, uint64_t address, uint32_t size_log2) {
    CHECK_ALIGNMENT(address, 1ull << size_log2);
    if (__builtin_expect(address & ((1ull << size_log2) - 1), 0))
        return granule_load(address, size_log2);
    void *p = nt_guest_pointer(address);
    BY_SIZE(size_log2, LOAD)
}

ACCESS nt_vec nt_guest_load_acquire16(nt_cpu *cpu, uint64_t address) {
    CHECK_ALIGNMENT(address, 16);
    return *(volatile nt_vec *)nt_guest_pointer(address);
}

#define STORE(T, S)                                                                                                    \
    __atomic_exchange_n((T *)p, (T)value, __ATOMIC_SEQ_CST);                                                           \
    return;

ACCESS void nt_guest_store_release(nt_cpu *cpu, uint64_t address, uint64_t value, uint32_t size_log2) {
    CHECK_ALIGNMENT(address, 1ull << size_log2);
    void *p = nt_guest_pointer(address);
    BY_SIZE(size_log2, STORE)
}

ACCESS void nt_guest_store_release16(nt_cpu *cpu, uint64_t address, nt_vec value) {
    CHECK_ALIGNMENT(address, 16);
    *(volatile nt_vec *)nt_guest_pointer(address) = value;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

ACCESS uint64_t nt_guest_load_exclusive(nt_cpu *cpu, uint64_t address, uint32_t size_log2) {
    uint64_t value = nt_guest_load_acquire(cpu, address, size_log2);
    cpu->exclusive_address = address;
    cpu->exclusive_size = 1ull << size_log2;
    cpu->exclusive_value.lo = value;
    return value;
}

ACCESS nt_vec nt_guest_load_exclusive16(nt_cpu *cpu, uint64_t address) {
    vec_words value = {.v = nt_guest_load_acquire16(cpu, address)};
    cpu->exclusive_address = address;
    cpu->exclusive_size = 16;
    cpu->exclusive_value.lo = value.w[0];
    cpu->exclusive_value.hi = value.w[1];
    return value.v;
}

ACCESS uint32_t nt_guest_store_exclusive(nt_cpu *cpu, uint64_t address, uint64_t value, uint32_t size_log2) {
    CHECK_ALIGNMENT(address, 1ull << size_log2);
    uint32_t failed = 1;
    if (cpu->exclusive_size == 1ull << size_log2 && cpu->exclusive_address == address)
        failed = nt_guest_cas(cpu, address, cpu->exclusive_value.lo, value, size_log2) != cpu->exclusive_value.lo;
    cpu->exclusive_size = 0;
    return failed;
}

ACCESS uint32_t nt_guest_store_exclusive16(nt_cpu *cpu, uint64_t address, nt_vec value) {
    CHECK_ALIGNMENT(address, 16);
    uint32_t failed = 1;
    if (cpu->exclusive_size == 16 && cpu->exclusive_address == address) {
        nt_vec expected = {cpu->exclusive_value.lo, cpu->exclusive_value.hi};
        vec_words old = {.v = cas16(nt_guest_pointer(address), expected, value)};
        failed = old.w[0] != cpu->exclusive_value.lo || old.w[1] != cpu->exclusive_value.hi;
    }
    cpu->exclusive_size = 0;
    return failed;
}

ACCESS void nt_guest_zero_block(nt_cpu *cpu, uint64_t address) {
    (void)cpu;
    volatile nt_vec *block = nt_guest_pointer(address & ~63ull);
    for (int i = 0; i < 4; i++)
        block[i] = (nt_vec){0, 0};
}

nt_guest_functions nt_guest_function_addresses(void) {
    return (nt_guest_functions){
        .rmw = (void *)nt_guest_rmw,
        .cas16 = (void *)nt_guest_cas16,
        .load_exclusive = (void *)nt_guest_load_exclusive,
        .load_exclusive16 = (void *)nt_guest_load_exclusive16,
        .store_exclusive = (void *)nt_guest_store_exclusive,
        .store_exclusive16 = (void *)nt_guest_store_exclusive16,
    };
}
