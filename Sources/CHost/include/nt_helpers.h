// Host functions that IR `call` names: the C half of EmuIR's Helper enum, in the same order.
#ifndef NT_HELPERS_H
#define NT_HELPERS_H

#include "nt_cpu.h"
#include "nt_guest.h"

/// X(name, result type, parameters as C declares them). Order and names equal EmuIR's Helper; a test compares them.
#define NT_HELPER_LIST(X)                                                                                              \
    X(cntvct, uint64_t, (nt_cpu * cpu))                                                                                \
    X(random_number, uint64_t, (nt_cpu * cpu))                                                                         \
    X(icache_invalidate, void, (nt_cpu * cpu, uint64_t address))                                                       \
    X(spin_hint, void, (nt_cpu * cpu))                                                                                 \
    X(crc32, uint32_t, (nt_cpu * cpu, uint32_t accumulator, uint64_t data, uint32_t size))                             \
    X(vshl_register, nt_vec, (nt_cpu * cpu, nt_vec value, nt_vec amounts, uint32_t mode))                              \
    X(vshl_saturating, nt_vec, (nt_cpu * cpu, nt_vec value, nt_vec amounts, uint32_t mode))                            \
    X(polynomial_multiply, nt_vec, (nt_cpu * cpu, nt_vec a, nt_vec b, uint32_t mode))                                  \
    X(aes, nt_vec, (nt_cpu * cpu, nt_vec state, nt_vec key, uint32_t mode))                                            \
    X(sha1_rounds, nt_vec, (nt_cpu * cpu, nt_vec abcd, uint64_t e, nt_vec schedule))                                   \
    X(sha256h, nt_vec, (nt_cpu * cpu, nt_vec abcd, nt_vec efgh, nt_vec schedule))                                      \
    X(sha256h2, nt_vec, (nt_cpu * cpu, nt_vec efgh, nt_vec abcd, nt_vec schedule))                                     \
    X(sha512h, nt_vec, (nt_cpu * cpu, nt_vec d, nt_vec n, nt_vec m))                                                   \
    X(sha512h2, nt_vec, (nt_cpu * cpu, nt_vec d, nt_vec n, nt_vec m))                                                  \
    X(sm3_round, nt_vec, (nt_cpu * cpu, nt_vec d, nt_vec n, uint64_t word))                                            \
    X(sm3partw1, nt_vec, (nt_cpu * cpu, nt_vec d, nt_vec n, nt_vec m))                                                 \
    X(sm3partw2, nt_vec, (nt_cpu * cpu, nt_vec d, nt_vec n, nt_vec m))                                                 \
    X(sm4, nt_vec, (nt_cpu * cpu, nt_vec state, nt_vec keys, uint32_t mode))                                           \
    X(table_lookup, nt_vec, (nt_cpu * cpu, nt_vec indices, nt_vec outside, uint32_t table))                            \
    X(fp_fma_half_long, uint64_t, (nt_cpu * cpu, uint64_t addend, uint64_t a, uint64_t b))                             \
    X(fp_bfdot, uint64_t, (nt_cpu * cpu, uint64_t sum, uint64_t a, uint64_t b))                                        \
    X(fp_javascript, uint64_t, (nt_cpu * cpu, uint64_t a))                                                             \
    X(fpsr_read, uint64_t, (nt_cpu * cpu))                                                                             \
    X(fpsr_write, void, (nt_cpu * cpu, uint64_t value))                                                                \
    X(pac_sign, uint64_t, (nt_cpu * cpu, uint64_t pointer, uint64_t modifier, uint32_t key))                           \
    X(pac_authenticate, uint64_t, (nt_cpu * cpu, uint64_t pointer, uint64_t modifier, uint32_t key))                   \
    X(pac_generic, uint64_t, (nt_cpu * cpu, uint64_t value, uint64_t modifier))                                        \
    X(mops, void, (nt_cpu * cpu, uint64_t pc, uint32_t what))

typedef enum nt_helper_id {
#define NT_HELPER_ENUM(name, result, parameters) NT_HELPER_##name,
    NT_HELPER_LIST(NT_HELPER_ENUM)
#undef NT_HELPER_ENUM
        NT_HELPER_COUNT
} nt_helper_id;

#define NT_HELPER_DECLARE(name, result, parameters) result nt_helper_##name parameters;
NT_HELPER_LIST(NT_HELPER_DECLARE)
#undef NT_HELPER_DECLARE

/// Address of a helper (C calling convention), NULL for a number that names none.
void *nt_helper_address(uint32_t id);
/// Its name without the nt_helper_ prefix, NULL for a number that names none.
const char *nt_helper_name(uint32_t id);

/// The operand `what` of mops: numbers of the registers (to, from or value, size), the stage (0 prologue, 1 main, 2 epilogue), and
/// whether it copies, and only forward.
#define NT_MOPS_TO(what) ((what) & 31)
#define NT_MOPS_FROM(what) ((what) >> 5 & 31)
#define NT_MOPS_SIZE(what) ((what) >> 10 & 31)
#define NT_MOPS_STAGE(what) ((what) >> 16 & 3)
#define NT_MOPS_COPY 0x40000u
#define NT_MOPS_FORWARD 0x80000u

/// What plugins want at the accesses that the mops helper makes, in the order in which it runs. Kept by the TB.
typedef enum nt_mem_record_kind { NT_MEM_ADD, NT_MEM_STORE, NT_MEM_CALL } nt_mem_record_kind;
typedef struct nt_mem_record {
    uint8_t kind;       // nt_mem_record_kind
    uint8_t directions; // 1 reads, 2 writes, 3 both
    uint8_t regs;       // NT_MEM_CALL: what goes into cpu->reg_permission
    uint64_t target;    // offset in the vCPU's arena; NT_MEM_CALL: the function
    uint64_t value;     // amount; NT_MEM_CALL: its userdata
} nt_mem_record;
typedef struct nt_mem_records {
    uint64_t count;
    const nt_mem_record *rows;
} nt_mem_records;

/// Frequency of the virtual counter (CNTFRQ_EL0), in Hz.
#define NT_CNTFRQ 62500000u

/// 64 bits for the guest: from the host's generator, or the next of the seeded sequence. Any thread.
uint64_t nt_random_number(void);
/// Makes nt_random_number a sequence that depends on `seed` only (`-seed`). Threads: call before the first vCPU runs.
void nt_seed_random(uint64_t seed);

/// What icache_invalidate calls: notes that the guest rewrote code in the instruction-cache line of `address`.
typedef void (*nt_icache_hook_fn)(nt_cpu *cpu, uint64_t address);
/// Threads: call before the first vCPU runs.
void nt_set_icache_hook(nt_icache_hook_fn hook);

#endif
