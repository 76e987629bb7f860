// What the Linux personality needs from C: raw system calls by guest number, calls that a signal can interrupt without
// a race, and host handlers for asynchronous signals.
#ifndef NT_LINUX_H
#define NT_LINUX_H

#include "nt_cpu.h"
#include <stdbool.h>
#include <stdint.h>

/// One past the largest guest (arm64) system call number the table knows.
#define NT_LINUX_SYSCALL_LIMIT 512
/// Returned by nt_linux_interruptible when a signal was pending before the kernel was entered; nothing has happened.
#define NT_ERESTARTSYS 512

/// The host's number for an arm64 call, or -1 when the host has none.
int nt_linux_host_number(uint32_t guest_number);

/// Does the host call that corresponds to arm64 call `guest_number`.
/// - Returns: the kernel's result; -4095...-1 is an errno. -ENOSYS when the host has no such call. Leaves libc's errno
/// alone.
int64_t nt_linux_syscall(uint32_t guest_number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                         uint64_t a5);

// SIGSEGV and SIGBUS are called fault signals here: the host never blocks them. See signals.c.

/// Signals of one guest thread that the host has handed over. Changed by the handlers of that thread and by the thread itself.
typedef struct nt_signal_state nt_signal_state;

/// - Returns: NULL when there is no memory.
nt_signal_state *nt_signals_new(void);
/// Call when no thread has it attached.
void nt_signals_free(nt_signal_state *state);
/// Makes `state` the calling thread's; the handlers then set the exit request of `cpu`. NULL detaches and passes on what the
/// process was sent; block all but the fault signals before.
void nt_signals_attach(nt_signal_state *state, nt_cpu *cpu);
/// True when a handler has queued something that the guest does not block since the last nt_signals_clear. While it is true the
/// host blocks all signals but the fault signals.
bool nt_signals_pending(const nt_signal_state *state);
void nt_signals_clear(nt_signal_state *state);
/// Says which signals the guest blocks now (bit n-1 = signal n).
void nt_signals_set_closed(nt_signal_state *state, uint64_t closed);
/// Takes the queued signal `signal` (1...64) and copies its 128 bytes of siginfo.
/// - Returns: false when it is not queued.
bool nt_signals_take(nt_signal_state *state, int signal, void *info);
/// Bit n-1 is set when signal n is queued for the thread or, a fault signal, for the process.
uint64_t nt_signals_queued(nt_signal_state *state);
/// True, once, when the fault signal `signal` that the kernel has just given the thread stands for one queued for the process.
bool nt_signals_take_kick(nt_signal_state *state, int signal);
/// Forgets the fault signal `signal`, as ignoring it does.
void nt_signals_drop_faults(nt_signal_state *state, int signal);
/// Around fork; then, in the child, leaves only its own thread, without signals.
void nt_signals_lock_for_fork(void);
void nt_signals_unlock_after_fork(void);
void nt_signals_forked(nt_signal_state *mine);

typedef enum nt_disposition {
    NT_DISPOSITION_DEFAULT = 0,
    NT_DISPOSITION_IGNORE = 1,
    /// Queue for the guest: the handler records siginfo, blocks every signal but the fault signals in the interrupted context
    /// and requests an exit. The thread restores its mask once it has delivered.
    NT_DISPOSITION_QUEUE = 2,
} nt_disposition;

/// Sets the host's disposition of a signal, none of the fault signals, by the raw call (libc hides 32 and 33).
/// - Parameter restart: whether calls interrupted by it restart (SA_RESTART).
/// - Parameter no_child_stop: SA_NOCLDSTOP; `no_child_wait`: SA_NOCLDWAIT.
/// - Returns: 0 or errno.
int nt_signal_set(int signal, nt_disposition disposition, bool restart, bool no_child_stop, bool no_child_wait);
/// The host's disposition of `signal` at process start: NT_DISPOSITION_IGNORE or DEFAULT.
nt_disposition nt_signal_get(int signal);
/// To be called before the guest takes 32 or 33, which the host's libc would take later. Takes tens of microseconds, once.
void nt_signal_reserve_for_guest(void);

/// Installs the fault handlers (nt_install_fault_handlers) and queues fault signals that are sent rather than raised by an access.
/// - Returns: 0 or errno.
int nt_signals_install_faults(void);

/// rt_sigprocmask on the raw 64-bit mask (bit n-1 = signal n). `how` as in the kernel ABI (0 block, 1 unblock, 2 set).
void nt_signal_mask(int how, uint64_t set, uint64_t *old);

/// As nt_linux_syscall, for calls that may block: when a signal is queued for `state` before the kernel is entered (or
/// the kernel would restart the call after the handler), returns -NT_ERESTARTSYS without any effect of the call.
int64_t nt_linux_interruptible(nt_signal_state *state, uint32_t guest_number, uint64_t a0, uint64_t a1, uint64_t a2,
                               uint64_t a3, uint64_t a4, uint64_t a5);

/// What main was called with; glibc hands it to initialisers.
char **nt_linux_arguments(int *count);

/// The build ID of the executable that this is linked into: bytes that differ when it does. 0 bytes when it has none.
size_t nt_build_id(const uint8_t **bytes);

/// An entry of our own auxiliary vector (AT_* of linux/auxvec.h).
/// - Returns: false when the kernel gave none of that type.
bool nt_linux_auxiliary(uint64_t type, uint64_t *value);

/// fork(2) through libc, which Swift does not import.
int nt_linux_fork(void);

/// clone3(2) of a process without CLONE_VM, for what fork cannot do. The child goes on here like fork's. Only while no
/// other thread of this process runs: it would leave locks of libc taken in the child.
/// - Parameter flags: without CLONE_SETTLS and the three that store thread ids. `pidfd`: where CLONE_PIDFD stores.
/// - Parameter ids: wanted thread ids, `id_count` of them, 0 for none.
/// - Returns: 0 in the child, its process id in the parent, or a negative errno.
int64_t nt_linux_clone(uint64_t flags, uint64_t exit_signal, uint64_t pidfd, const int32_t *ids, uint64_t id_count,
                       uint64_t cgroup);

/// Ends the calling host thread, its process's first, and no other.
_Noreturn void nt_linux_exit_thread(void);

/// Reads or writes memory of this process whatever its protection, as a debugger does. Writing makes a private page this process's own.
/// - Returns: false when some of it could not be reached; there is no /proc, or pages are shared and read-only.
bool nt_linux_read_protected(void *to, const void *from, size_t count);
bool nt_linux_write_protected(void *to, const void *from, size_t count);

/// Ends the process by `signal` with its default action. Returns only if the host could not do that.
void nt_linux_die(int signal);

#endif
