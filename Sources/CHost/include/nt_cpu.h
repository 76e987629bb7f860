// The vCPU: one C struct, its offsets the only layout truth (GuestState names them for Swift).
//
//   vCPU arena (one per cpu_index, NT_ARENA_STRIDE apart, reserved, committed on first touch)
//   +0                     nt_cpu            guest registers and engine words
//   +NT_JUMP_CACHE_OFFSET  nt_jump_cache     {pc, TB} pairs for indirect branches
//   +NT_PAC_CACHE_OFFSET   nt_pac_cache      pointer authentication codes (nt_pauth.h)
//   +NT_SCOREBOARD_OFFSET  scoreboards       plugin counters, the same offset in every vCPU
//
// Generated code gets the nt_cpu pointer as its first argument and reaches all of it as [cpu + constant].
#ifndef NT_CPU_H
#define NT_CPU_H

#include <stddef.h>
#include <stdint.h>

struct nt_tb;

#define NT_JUMP_CACHE_BITS 14
#define NT_JUMP_CACHE_SIZE (1u << NT_JUMP_CACHE_BITS)
#define NT_JUMP_CACHE_BYTES (NT_JUMP_CACHE_SIZE * 16)
#define NT_JUMP_CACHE_OFFSET 0x4000
/// Flags of a TB: made for an FPCR that is not zero. Code of other TBs computes as if it were.
#define NT_TB_FPCR 1u
/// Flags of a TB, bits 2:1: PSTATE.BTYPE at its start. An indirect branch puts it into bits 57:56 of the PC it looks up or leaves
/// with, and the jump cache knows the TB by that PC. Not 0 only where the guest has guarded pages.
#define NT_TB_BTYPE_SHIFT 1
/// Flags above these make a key that no look-up asks for.
#define NT_TB_FLAG_BITS 3
#define NT_PC_BTYPE_SHIFT 56
#define NT_PAC_CACHE_OFFSET 0x84000
#define NT_PAC_CACHE_BITS 9
#define NT_PAC_CACHE_SIZE (1u << NT_PAC_CACHE_BITS)
#define NT_SCOREBOARD_OFFSET 0x88000
#define NT_SCOREBOARD_SIZE 0x4000000 /* 64 MiB of address space a vCPU, lazily committed */
#define NT_ARENA_STRIDE (NT_SCOREBOARD_OFFSET + NT_SCOREBOARD_SIZE)
#define NT_MAX_VCPUS 4096

/// Number of 8-byte temporaries the interpreter may use for one TB (SSA values that are not guest registers).
#define NT_INTERP_TEMPS 1024

typedef struct nt_v128 {
    _Alignas(16) uint64_t lo;
    uint64_t hi;
} nt_v128;

/// Why generated code came back to the run loop. The value is what nt_enter returns.
typedef enum nt_exit {
    /// `cpu->pc` is the next guest PC; the jump cache had no TB for it.
    NT_EXIT_LOOKUP = 0,
    /// As LOOKUP, and `cpu->exit_slot` names the slot (nt_slot *) that wants to be chained to the TB of `cpu->pc`.
    NT_EXIT_CHAIN = 1,
    /// `cpu->exit_request` was seen; `cpu->pc` is the next guest PC; nothing of its TB has run.
    NT_EXIT_REQUEST = 2,
    /// The TB ended in a guest exception: `cpu->exception`, `cpu->exception_info`; `cpu->pc` as nt_exception says.
    NT_EXIT_EXCEPTION = 3,
    /// A guest memory access faulted on the host: `cpu->fault_point`, `cpu->fault_address`, `cpu->fault_signal`,
    /// `cpu->fault_code`, `cpu->fault_write`. Guest registers are those before the faulting instruction; `cpu->pc` is stale.
    NT_EXIT_FAULT = 4,
    /// A tier-0 TB became hot: `cpu->pc` is its PC and `cpu->exit_tb` the TB; nothing of it has run.
    NT_EXIT_HOT = 5,
} nt_exit;
#define NT_EXIT_COUNT 6

/// Guest exceptions as TB terminators raise them. PC rules: "at" = the instruction's own address.
typedef enum nt_exception {
    NT_EXCEPTION_NONE = 0,
    /// SVC; info = imm16; pc = the address after it.
    NT_EXCEPTION_SVC = 1,
    /// Undefined, unallocated, or not implemented; info = the instruction word; pc = at.
    NT_EXCEPTION_UNDEFINED = 2,
    /// BRK; info = imm16; pc = at.
    NT_EXCEPTION_BREAKPOINT = 3,
    /// HLT; info = imm16; pc = at.
    NT_EXCEPTION_HALT = 4,
    /// Branch to a PC that is not a multiple of 4; info = that address; pc = that address.
    NT_EXCEPTION_PC_ALIGNMENT = 5,
    /// The instruction fetch failed (page not mapped or not executable); info = address; pc = that address.
    NT_EXCEPTION_INSTRUCTION_ABORT = 6,
    /// An access that must be aligned was not (exclusives, acquire/release without LSE2); info = address; pc = at.
    NT_EXCEPTION_DATA_ALIGNMENT = 7,
    /// A pointer failed authentication (FEAT_FPAC); info = index of the key; pc = at.
    NT_EXCEPTION_PAC_FAIL = 8,
    /// An indirect branch led to no landing pad in a guarded page (FEAT_BTI); info = BTYPE; pc = the target.
    NT_EXCEPTION_BRANCH_TARGET = 9,
} nt_exception;

/// The CPU struct. Scalars are host-endian; a vector register is lo = bits 63:0, hi = bits 127:64.
typedef struct nt_cpu {
    // Guest registers.
    uint64_t x[32]; // x[31] is SP (EL0); XZR has no storage
    uint64_t pc;    // exact only when the vCPU is outside generated code
    // NZCV, unpacked: N is bit 63 of `nf`; Z is (`zf` == 0); C and V are 0 or 1.
    uint64_t nf;
    uint64_t zf;
    uint64_t cf;
    uint64_t vf;
    uint64_t tpidr_el0;
    uint64_t tpidrro_el0;
    uint64_t fpcr;
    uint64_t fpsr;
    uint64_t tpidr2_el0;
    // PSTATE.DIT (bit 24) and PSTATE.SSBS (bit 12), as in SPSR; between TBs BTYPE (bits 11:10), too; other bits 0
    uint64_t pstate;
    // Pointer authentication, index nt_pac_key: keys (lo = bits 63:0); bit n of pac_disabled is not SCTLR_EL1.En<key n>.
    nt_v128 pac_keys[5];
    uint64_t pac_disabled;
    // Exclusive monitor: the reservation remembers address, size (bytes, 0 = open) and the value that was read.
    uint64_t exclusive_address;
    uint64_t exclusive_size;
    nt_v128 exclusive_value;
    nt_v128 v[32];

    // Engine words that generated code touches.
    _Atomic(uint32_t) exit_request; // not 0: leave at the next poll
    uint32_t cpu_index;
    uint32_t fault_point; // (tb_index << NT_FAULT_POINT_INSN_BITS) | instruction index; stored before an access
    uint32_t reg_permission; // plugin callback flags while a callback runs
    uint64_t exception;
    uint64_t exception_info;
    void *exit_slot;
    struct nt_tb *exit_tb;
    void *host_sp; // stack pointer that nt_enter's fault path returns to; NULL outside generated code
    uint64_t fault_address;
    uint32_t fault_signal; // host signal number
    uint32_t fault_code;   // host si_code
    uint32_t met_tag;      // a compiled access met a tagged address for the first time and was helped over it
    uint32_t fault_write;  // the host's access was a write; 0 also when the host does not say
    void *owner; // Engine's vCPU object (unmanaged reference)
    uint64_t insn_count; // guest instructions, counted only for --stats
    uint64_t exit_counts[NT_EXIT_COUNT]; // how often generated code was left, by nt_exit
    // Last memory access, for memory callbacks.
    nt_v128 mem_value;
    // What plugins want at the accesses of the mops call that follows; it takes this and leaves NULL.
    const struct nt_mem_records *mem_records;
    uint64_t fault_host_pc;  // the host instruction that faulted
    uint32_t finds_tbs;      // nt_run may go on to TBs that it finds itself (nt_find.h)
    uint32_t clean_mxcsr; // default modes, no flags: what follows a callback loads
    // Always zero: the interpreter's operand for XZR and other zero constants.
    nt_v128 zero;
    // Tier-0 scratch: SSA values that live in no guest register. 16-byte values take two consecutive slots.
    _Alignas(16) uint64_t temps[NT_INTERP_TEMPS];
} nt_cpu;

#define NT_FAULT_POINT_INSN_BITS 9

typedef struct nt_jump_cache_entry {
    uint64_t pc; // ~0 when empty (no A64 PC is odd)
    struct nt_tb *tb;
} nt_jump_cache_entry;

/// Index of a PC in the jump cache. Generated code inlines the same expression.
static inline uint32_t nt_jump_cache_index(uint64_t pc) { return (uint32_t)(pc >> 2) & (NT_JUMP_CACHE_SIZE - 1); }

/// The cache of the TBs with these flags: one for each value of NT_TB_FPCR, one behind the other.
static inline nt_jump_cache_entry *nt_jump_cache(nt_cpu *cpu, uint32_t tb_flags) {
    return (nt_jump_cache_entry *)((char *)cpu + NT_JUMP_CACHE_OFFSET + (tb_flags & NT_TB_FPCR) * NT_JUMP_CACHE_BYTES);
}

_Static_assert(sizeof(nt_cpu) <= NT_JUMP_CACHE_OFFSET, "the CPU struct must end before the jump cache");
_Static_assert(NT_JUMP_CACHE_BYTES == NT_JUMP_CACHE_SIZE * sizeof(nt_jump_cache_entry), "");
_Static_assert(NT_JUMP_CACHE_OFFSET + 2 * NT_JUMP_CACHE_BYTES <= NT_PAC_CACHE_OFFSET,
               "the jump caches must end before the authentication codes");
_Static_assert(NT_PAC_CACHE_OFFSET + NT_PAC_CACHE_SIZE * 32 <= NT_SCOREBOARD_OFFSET,
               "the authentication codes must end before the scoreboards");
_Static_assert(offsetof(nt_cpu, v) % 16 == 0 && offsetof(nt_cpu, temps) % 16 == 0, "16-byte values are aligned");
_Static_assert(offsetof(nt_cpu, temps) + NT_INTERP_TEMPS * 8 <= 0xffff, "an interpreter operand is a 16-bit offset");

#endif
