// Entering and leaving generated code, and what host signals do to it.
#ifndef NT_ENTER_H
#define NT_ENTER_H

#include "nt_tb.h"
#include <stdbool.h>

/// Runs `tb` and whatever it chains to until something leaves generated code. C calling convention; saves every
/// callee-saved host register, because preserve_none code keeps none.
/// - Returns: an nt_exit.
uint64_t nt_enter(nt_cpu *cpu, nt_tb *tb);

/// nt_enter between two points at which the host's floating-point flags are nobody's: inside they are the guest's (nt_fp.h).
uint64_t nt_run(nt_cpu *cpu, nt_tb *tb);

/// Makes `cpu` the vCPU of this host thread (thread-local); NULL removes it.
void nt_thread_set_cpu(nt_cpu *cpu);
nt_cpu *nt_thread_cpu(void);

/// Installs the host handlers for faults of memory accesses (SIGSEGV, SIGBUS) once for the process.
/// A fault in generated code (any registered code range or the interpreter's handlers) while cpu->host_sp is set makes
/// nt_enter return NT_EXIT_FAULT; one in nt_copy_* makes that call fail; anything else goes to the previous action.
/// - Returns: 0 or errno.
int nt_install_fault_handlers(void);
/// Whether host calls that such a signal interrupts, when it was sent, are restarted (SA_RESTART).
void nt_fault_signal_restarts(int signal, bool restarts);

/// Gives the calling thread an alternate signal stack (with a guard page), so that a guest that ran out of host stack or
/// set SP to nonsense still reaches the handlers. Idempotent. nt_thread_alt_stack_remove frees it before the thread ends.
/// - Returns: 0 or errno.
int nt_thread_alt_stack_install(void);
void nt_thread_alt_stack_remove(void);

/// Gets the fault signals that are no fault of the running code (sent by kill, or in code that is not guest access), before
/// the previous action does. Runs in the signal handler. `info` is a siginfo_t, `context` a ucontext_t.
/// - Returns: true when it dealt with the signal.
typedef bool (*nt_signal_hook_fn)(int signal, void *info, void *context);
void nt_set_foreign_signal_hook(nt_signal_hook_fn hook);

/// Registers [start, end) as generated host code for the fault handler. At most NT_MAX_CODE_RANGES live ranges.
/// Threads: any; async-signal-safe for readers.
bool nt_code_range_add(const void *start, const void *end);
void nt_code_range_remove(const void *start);
#define NT_MAX_CODE_RANGES 4096
/// The same for code in which guest registers are exact at each access: a fault always leaves, nothing is helped over. Never removed.
bool nt_baseline_range_add(const void *start, const void *end);

/// Says where accesses of the code in [start, end) go on when they fault: `count` times three words, the host addresses of access and
/// target and the fault point, in order of the first. They must live until the removal. The target leaves with NT_EXIT_FAULT as a TB would.
/// - Returns: false when there are NT_MAX_CODE_RANGES of them.
/// Threads: any. No thread may be in code that is removed.
bool nt_fault_ways_add(uint64_t start, uint64_t end, const uint64_t *ways, size_t count);
void nt_fault_ways_remove(uint64_t start);

/// For `--stats`.
static inline void nt_count_exit(nt_cpu *cpu, nt_exit exit) { cpu->exit_counts[exit]++; }

/// Sets or clears the exit request of a vCPU; async-signal-safe.
static inline void nt_request_exit(nt_cpu *cpu) { __atomic_store_n((uint32_t *)&cpu->exit_request, 1, __ATOMIC_RELEASE); }
static inline uint32_t nt_take_exit_request(nt_cpu *cpu) {
    return __atomic_exchange_n((uint32_t *)&cpu->exit_request, 0, __ATOMIC_ACQ_REL);
}

#endif
