// Guest memory as the host reaches it: the address mapping, and the accesses that need more than one host instruction.
//
// Everything here that touches guest memory is called from generated code or the interpreter with cpu->host_sp set. A host
// fault inside makes nt_enter return NT_EXIT_FAULT; a bad alignment makes it return NT_EXIT_EXCEPTION with
// NT_EXCEPTION_DATA_ALIGNMENT (cpu->pc is stale: the engine takes the PC from cpu->fault_point, which the caller stored).
#ifndef NT_GUEST_H
#define NT_GUEST_H

#include "nt_cpu.h"
#include <stdbool.h>

/// Distance from guest addresses to host addresses. A compile-time constant for now; the only place that knows it.
#define NT_GUEST_BASE 0

static inline void *nt_guest_pointer(uint64_t address) { return (void *)(uintptr_t)(address + NT_GUEST_BASE); }

/// Section of code that may touch guest memory: a host fault in it is a guest fault.
#define NT_GUEST_ACCESS_SECTION __attribute__((section("nt_guest_access")))

/// A 16-byte vector value in calls: bits 63:0 in element 0.
typedef unsigned long long nt_vec __attribute__((vector_size(16)));

/// Alignment rule of atomic, exclusive, acquire and release accesses with FEAT_LSE2: every byte in one 16-byte granule.
static inline bool nt_atomic_alignment_ok(uint64_t address, uint64_t size) { return (address & 15) + size <= 16; }

/// LSE operators, numbered as EmuIR's AtomicOp.
typedef enum nt_atomic_op {
    NT_ATOMIC_ADD = 0,
    NT_ATOMIC_CLR = 1,
    NT_ATOMIC_EOR = 2,
    NT_ATOMIC_SET = 3,
    NT_ATOMIC_SMAX = 4,
    NT_ATOMIC_SMIN = 5,
    NT_ATOMIC_UMAX = 6,
    NT_ATOMIC_UMIN = 7,
    NT_ATOMIC_SWP = 8,
} nt_atomic_op;

/// Leaves generated code from a C function it called: nt_enter returns `exit_code`. Frames in between are dropped, so they
/// must own nothing.
_Noreturn void nt_leave(nt_cpu *cpu, uint64_t exit_code);
/// Leaves generated code from inside a plugin's callback that it calls; the guest goes on at `pc`.
_Noreturn void nt_leave_callback(nt_cpu *cpu, uint64_t pc);
/// As nt_leave, with NT_EXCEPTION_DATA_ALIGNMENT at `address`.
_Noreturn void nt_leave_alignment(nt_cpu *cpu, uint64_t address);

// C calling convention, for every tier. `size_log2` is log2 of bytes. All are sequentially consistent, which is at least
// what any acquire/release form asks for. Values narrower than 64 bits are zero-extended.

/// size_log2 0...3.
uint64_t nt_guest_rmw(nt_cpu *cpu, uint64_t address, uint64_t value, uint32_t op, uint32_t size_log2);
uint64_t nt_guest_cas(nt_cpu *cpu, uint64_t address, uint64_t expected, uint64_t desired, uint32_t size_log2);
nt_vec nt_guest_cas16(nt_cpu *cpu, uint64_t address, nt_vec expected, nt_vec desired);
uint64_t nt_guest_load_acquire(nt_cpu *cpu, uint64_t address, uint32_t size_log2);
nt_vec nt_guest_load_acquire16(nt_cpu *cpu, uint64_t address);
void nt_guest_store_release(nt_cpu *cpu, uint64_t address, uint64_t value, uint32_t size_log2);
void nt_guest_store_release16(nt_cpu *cpu, uint64_t address, nt_vec value);
/// Loads and opens the exclusive monitor.
uint64_t nt_guest_load_exclusive(nt_cpu *cpu, uint64_t address, uint32_t size_log2);
nt_vec nt_guest_load_exclusive16(nt_cpu *cpu, uint64_t address);
/// Stores if the monitor remembers this address and size and memory still holds the value that was read; closes it.
/// - Returns: 0 when stored, 1 when not.
uint32_t nt_guest_store_exclusive(nt_cpu *cpu, uint64_t address, uint64_t value, uint32_t size_log2);
uint32_t nt_guest_store_exclusive16(nt_cpu *cpu, uint64_t address, nt_vec value);
/// DC ZVA: zeroes the 64-byte block that holds the address.
void nt_guest_zero_block(nt_cpu *cpu, uint64_t address);

/// The addresses of those that baseline code calls.
typedef struct nt_guest_functions {
    void *rmw, *cas16, *load_exclusive, *load_exclusive16, *store_exclusive, *store_exclusive16;
} nt_guest_functions;
nt_guest_functions nt_guest_function_addresses(void);

#endif
