// Signals that the guest is sent. The kernel keeps them as long as it can: what the guest blocks the host blocks, too, and a
// handler takes one signal at a time, after which all others wait in the kernel until the thread has delivered it.
//
// SIGSEGV and SIGBUS are the exception: they are never blocked, because they are also how accesses of guest memory fail.
// One that was sent while the guest blocks it is kept here: by the thread when it was sent to that thread, else for the process,
// unless a thread takes it that does not block it. (What a signalfd would read of these two is not emulated.)
#define _GNU_SOURCE
#include "crash.h"
#include "nt_enter.h"
#include "nt_memory.h"
#include "signal_state.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

_Static_assert(sizeof(siginfo_t) == 128, "siginfo is 128 bytes on every Linux architecture");

#define BIT(signal) (UINT64_C(1) << ((signal)-1))
/// What the host never blocks.
#define FAULT_SIGNALS (BIT(SIGSEGV) | BIT(SIGBUS))
static inline bool is_fault_signal(int signal) { return signal == SIGSEGV || signal == SIGBUS; }
static inline unsigned fault_index(int signal) { return signal == SIGBUS; }
static const int fault_numbers[2] = {SIGSEGV, SIGBUS};

// ---- slots -----------------------------------------------------------------------------------------------------------

enum { SLOT_EMPTY, SLOT_CHANGING, SLOT_FULL };

static bool slot_claim(fault_slot *slot, uint32_t from) {
    return __c11_atomic_compare_exchange_strong(&slot->state, &from, SLOT_CHANGING, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
/// A standard signal that is pending already is not queued again.
static void slot_put(fault_slot *slot, const siginfo_t *info) {
    if (!slot_claim(slot, SLOT_EMPTY)) return;
    slot->info = *info;
    __c11_atomic_store(&slot->state, SLOT_FULL, __ATOMIC_RELEASE);
}
static bool slot_take(fault_slot *slot, siginfo_t *info) {
    if (!slot_claim(slot, SLOT_FULL)) return false;
    if (info) *info = slot->info;
    __c11_atomic_store(&slot->state, SLOT_EMPTY, __ATOMIC_RELEASE);
    return true;
}
static bool slot_is_full(fault_slot *slot) { return __c11_atomic_load(&slot->state, __ATOMIC_ACQUIRE) == SLOT_FULL; }

/// Sent to the process while every thread blocks them.
static fault_slot process_faults[2];

// ---- threads ---------------------------------------------------------------------------------------------------------

static _Thread_local nt_signal_state *thread_signals __attribute__((tls_model("initial-exec")));

// States are used again and never freed: a handler of another thread may be looking at one.
#define STATES_LIMIT 32768 // more than there can be vCPUs: a thread object may outlive its vCPU
static _Atomic(nt_signal_state *) states[STATES_LIMIT];
static nt_signal_state *free_states;
static uint32_t state_count;
static pthread_mutex_t states_lock = PTHREAD_MUTEX_INITIALIZER;

nt_signal_state *nt_signals_new(void) {
    pthread_mutex_lock(&states_lock);
    nt_signal_state *state = free_states;
    if (state) {
        free_states = state->next_free;
    } else if (state_count < STATES_LIMIT && (state = calloc(1, sizeof *state))) {
        state->index = state_count++;
        __c11_atomic_store(&states[state->index], state, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&states_lock);
    // Until its thread has said what it blocks nothing is passed on to it.
    if (state) state->closed = ~UINT64_C(0);
    return state;
}

void nt_signals_free(nt_signal_state *state) {
    state->pending = 0;
    state->queued_signal = 0;
    __c11_atomic_store(&state->kicks, 0, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) slot_take(&state->faults[i], NULL);
    pthread_mutex_lock(&states_lock);
    state->next_free = free_states;
    free_states = state;
    pthread_mutex_unlock(&states_lock);
}

/// A thread, other than the calling one, that does not block `signal`.
static nt_signal_state *find_open(const nt_signal_state *mine, int signal, pid_t *tid) {
    for (uint32_t i = 0; i < STATES_LIMIT; i++) {
        nt_signal_state *state = __c11_atomic_load(&states[i], __ATOMIC_ACQUIRE);
        if (!state) break;
        *tid = __c11_atomic_load(&state->tid, __ATOMIC_ACQUIRE);
        if (state != mine && *tid && !(state->closed & BIT(signal))) return state;
    }
    return NULL;
}

/// Keeps a fault signal for the process and tells a thread that does not block it.
static void keep_for_process(const nt_signal_state *mine, unsigned index, const siginfo_t *info) {
    slot_put(&process_faults[index], info);
    pid_t tid;
    nt_signal_state *other = find_open(mine, fault_numbers[index], &tid);
    if (!other) return;
    __c11_atomic_fetch_or(&other->kicks, 1u << index, __ATOMIC_ACQ_REL);
    syscall(SYS_tgkill, getpid(), tid, fault_numbers[index]);
}

void nt_signals_attach(nt_signal_state *state, nt_cpu *cpu) {
    nt_signal_state *old = thread_signals;
    thread_signals = state;
    if (state) {
        state->cpu = cpu;
        __c11_atomic_store(&state->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    } else if (old) {
        __c11_atomic_store(&old->tid, 0, __ATOMIC_RELEASE);
        // What the process was sent is now for another thread; what this thread was sent ends with it.
        for (unsigned i = 0; i < 2; i++) {
            siginfo_t info;
            if (slot_take(&old->faults[i], &info) && info.si_code != SI_TKILL) keep_for_process(NULL, i, &info);
            if (nt_signals_take_kick(old, fault_numbers[i]) && slot_take(&process_faults[i], &info))
                keep_for_process(NULL, i, &info);
        }
    }
}

void nt_signals_lock_for_fork(void) { pthread_mutex_lock(&states_lock); }
void nt_signals_unlock_after_fork(void) { pthread_mutex_unlock(&states_lock); }

void nt_signals_forked(nt_signal_state *mine) {
    for (uint32_t i = 0; i < state_count; i++) {
        nt_signal_state *state = __c11_atomic_load(&states[i], __ATOMIC_RELAXED);
        if (state != mine) __c11_atomic_store(&state->tid, 0, __ATOMIC_RELAXED);
    }
    __c11_atomic_store(&mine->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
    __c11_atomic_store(&mine->kicks, 0, __ATOMIC_RELAXED);
    mine->pending = 0;
    mine->queued_signal = 0;
    for (int i = 0; i < 2; i++) {
        slot_take(&mine->faults[i], NULL);
        slot_take(&process_faults[i], NULL);
    }
}

// ---- the queue -------------------------------------------------------------------------------------------------------

bool nt_signals_pending(const nt_signal_state *state) { return state->pending != 0; }
void nt_signals_clear(nt_signal_state *state) { state->pending = 0; }
void nt_signals_set_closed(nt_signal_state *state, uint64_t closed) { state->closed = closed; }

uint64_t nt_signals_queued(nt_signal_state *state) {
    uint64_t queued = state->queued_signal ? BIT(state->queued_signal) : 0;
    for (int i = 0; i < 2; i++)
        if (slot_is_full(&state->faults[i]) || slot_is_full(&process_faults[i])) queued |= BIT(fault_numbers[i]);
    return queued;
}

bool nt_signals_take(nt_signal_state *state, int signal, void *info) {
    if (is_fault_signal(signal)) {
        unsigned i = fault_index(signal);
        return slot_take(&state->faults[i], info) || slot_take(&process_faults[i], info);
    }
    if (signal == 0 || state->queued_signal != signal) return false;
    memcpy(info, &state->queued_info, sizeof state->queued_info);
    state->queued_signal = 0;
    return true;
}

bool nt_signals_take_kick(nt_signal_state *state, int signal) {
    if (!is_fault_signal(signal)) return false;
    uint32_t bit = 1u << fault_index(signal);
    return __c11_atomic_fetch_and(&state->kicks, ~bit, __ATOMIC_ACQ_REL) & bit;
}

// ---- handlers --------------------------------------------------------------------------------------------------------

/// The thread is to deliver something: it leaves guest code, a call that would block is not begun, and all that the host can block
/// waits in the kernel, which keeps order and number.
static void wake(nt_signal_state *state, ucontext_t *context) {
    state->pending = 1;
    if (state->cpu) nt_request_exit(state->cpu);
    uint64_t all_blocked = ~FAULT_SIGNALS;
    memcpy(&context->uc_sigmask, &all_blocked, sizeof all_blocked);
#if defined(__x86_64__)
    greg_t *pc = &context->uc_mcontext.gregs[REG_RIP];
#else
    __typeof__(&context->uc_mcontext.pc) pc = &context->uc_mcontext.pc;
#endif
    if ((uintptr_t)*pc >= (uintptr_t)nt_interruptible_start && (uintptr_t)*pc < (uintptr_t)nt_interruptible_end)
        *pc = (__typeof__(*pc))(uintptr_t)nt_interruptible_abort;
}

#if defined(__x86_64__)
static uintptr_t interrupted_pc(const ucontext_t *context) { return (uintptr_t)context->uc_mcontext.gregs[REG_RIP]; }
/// What a failed check of Swift's or C's runs into, ud2. Guest code has none; and it may send itself a signal that looks like one.
static bool is_trap(const ucontext_t *context) {
    uint8_t code[2] = {0, 0};
    return nt_copy_fallible(code, (const void *)interrupted_pc(context), 2) == 0 && code[0] == 0x0f && code[1] == 0x0b;
}
#else
static uintptr_t interrupted_pc(const ucontext_t *context) { return (uintptr_t)context->uc_mcontext.pc; }
static bool is_trap(const ucontext_t *context) { return false; }
#endif

static void queue_signal(int signal, siginfo_t *info, void *context) {
    if (signal == SIGILL && info->si_code > 0 && is_trap(context)) {
        nt_report_crash(signal, info, context);
        // It happens again when this returns.
        nt_signal_set(signal, NT_DISPOSITION_DEFAULT, false, false, false);
        return;
    }
    nt_signal_state *state = thread_signals;
    if (!state) return; // threads of ours that are no vCPU block these signals; a stray one is dropped
    state->queued_info = *info;
    state->queued_signal = signal;
    wake(state, context);
}

/// The fault handlers' offer of what is no fault of guest code: signals that somebody sent are the guest's.
static bool take_sent_signal(int signal, void *info_pointer, void *context_pointer) {
    siginfo_t *info = info_pointer;
    ucontext_t *context = context_pointer;
    // A process may send itself what looks like a fault; that arrives at the end of the call that sent it.
    if (info->si_code > 0 && interrupted_pc(context) != (uintptr_t)nt_interruptible_end) return false;
    nt_signal_state *state = thread_signals;
    unsigned index = fault_index(signal);
    bool is_open = state && !(state->closed & BIT(signal));
    if (state && nt_signals_take_kick(state, signal)) {
        // The kick itself means nothing; the slot of the process is what it is about.
        if (is_open) wake(state, context);
        return true;
    }
    if (state && (is_open || info->si_code == SI_TKILL)) {
        slot_put(&state->faults[index], info);
        if (is_open) wake(state, context);
        else state->disturbed = 1;
        return true;
    }
    if (state) state->disturbed = 1;
    keep_for_process(state, index, info);
    return true;
}

int nt_signals_install_faults(void) {
    nt_set_foreign_signal_hook(take_sent_signal);
    return nt_install_fault_handlers();
}

// ---- dispositions and masks --------------------------------------------------------------------------------------------

// The kernel's own sigaction layout.
struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

#if defined(__x86_64__)
void nt_signal_restorer(void);
__asm__(".pushsection .text\n"
        ".type nt_signal_restorer, @function\n"
        "nt_signal_restorer:\n"
        "  mov $15, %eax\n" // rt_sigreturn
        "  syscall\n"
        ".size nt_signal_restorer, . - nt_signal_restorer\n"
        ".popsection\n");
#define KERNEL_SA_RESTORER 0x04000000
#endif

static void *return_at_once(void *unused) { return unused; }

/// libc's signal to its own threads (33) gets libc's handler when the first thread is made. Let that happen before the guest
/// takes the signal, not after.
static void let_libc_take_its_signals(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, return_at_once, NULL) == 0) pthread_join(thread, NULL);
}

int nt_signal_set(int signal, nt_disposition disposition, bool restart, bool no_child_stop, bool no_child_wait) {
    struct kernel_sigaction action;
    memset(&action, 0, sizeof action);
    switch (disposition) {
    case NT_DISPOSITION_DEFAULT: action.handler = (void *)SIG_DFL; break;
    case NT_DISPOSITION_IGNORE: action.handler = (void *)SIG_IGN; break;
    case NT_DISPOSITION_QUEUE: action.handler = (void *)queue_signal; break;
    }
    action.flags = SA_SIGINFO | SA_ONSTACK; // the fault handler's alternate stack, when there is one
    if (restart) action.flags |= SA_RESTART; // a guest handler with SA_RESTART: the kernel restarts, we abort the call
    if (no_child_stop) action.flags |= SA_NOCLDSTOP;
    if (no_child_wait) action.flags |= SA_NOCLDWAIT;
    action.mask = ~FAULT_SIGNALS; // one at a time
#if defined(__x86_64__)
    action.flags |= KERNEL_SA_RESTORER;
    action.restorer = nt_signal_restorer;
#endif
    int64_t result = nt_linux_syscall(134, (uint64_t)signal, (uintptr_t)&action, 0, 8, 0, 0);
    return (int)-result;
}

void nt_signal_reserve_for_guest(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, let_libc_take_its_signals);
}

void nt_signals_drop_faults(nt_signal_state *state, int signal) {
    if (!is_fault_signal(signal)) return;
    slot_take(&process_faults[fault_index(signal)], NULL);
    if (state) slot_take(&state->faults[fault_index(signal)], NULL);
}

nt_disposition nt_signal_get(int signal) {
    struct kernel_sigaction action;
    memset(&action, 0, sizeof action);
    if (nt_linux_syscall(134, (uint64_t)signal, 0, (uintptr_t)&action, 8, 0, 0) != 0) return NT_DISPOSITION_DEFAULT;
    return action.handler == (void *)SIG_IGN ? NT_DISPOSITION_IGNORE : NT_DISPOSITION_DEFAULT;
}

void nt_signal_mask(int how, uint64_t set, uint64_t *old) {
    nt_linux_syscall(135, (uint64_t)how, (uintptr_t)&set, (uintptr_t)old, 8, 0, 0);
}
