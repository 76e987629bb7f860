// What the signal handlers and the calls that they interrupt share.
#ifndef NT_SIGNAL_STATE_H
#define NT_SIGNAL_STATE_H

#include "nt_linux.h"
#include <signal.h>
#include <sys/types.h>

/// A sent SIGSEGV or SIGBUS. A handler may be interrupted by another of the same signal (the host blocks neither), so a
/// slot changes hands by its state.
typedef struct fault_slot {
    _Atomic(uint32_t) state; // empty, being changed, full
    siginfo_t info;
} fault_slot;

struct nt_signal_state {
    volatile uint32_t pending;   // something deliverable was queued since the last clear; nt_interruptible_asm reads it
    volatile uint32_t disturbed; // a signal that the guest blocks came since the call began
    volatile uint64_t closed;    // signals the guest blocks now; SIGSEGV and SIGBUS are looked at
    _Atomic(uint32_t) kicks;     // bit 0: SIGSEGV, bit 1: SIGBUS: the next one means that a slot of the process is full
    _Atomic(pid_t) tid;          // 0: of no thread
    nt_cpu *cpu;
    volatile int queued_signal; // 0 or the one queued signal that the host can block; all such are blocked while it is here
    siginfo_t queued_info;
    fault_slot faults[2]; // sent to this thread: SIGSEGV, SIGBUS
    uint32_t index;       // in the table of states
    nt_signal_state *next_free;
};

/// Where the check of the pending word begins, where the kernel has been left, and where a call goes that must not begin.
extern const char nt_interruptible_start[] __attribute__((visibility("hidden")));
extern const char nt_interruptible_end[] __attribute__((visibility("hidden")));
extern const char nt_interruptible_abort[] __attribute__((visibility("hidden")));

#endif
