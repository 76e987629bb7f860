// Synchronous host signals: a fault of guest code becomes a return of nt_enter, one of nt_copy_fallible a short count, and
// anything else goes where it went before.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "code_ranges.h"
#include "crash.h"
#include "tagged_access.h"
#include "nt_enter.h"
#include "nt_guest.h"
#include "nt_linux.h"
#include "nt_memory.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// Bounds of the section that holds the interpreter's handlers and the guest memory helpers; the linker defines them.
extern const char guest_access_start[] __asm__("__start_nt_guest_access") __attribute__((visibility("hidden")));
extern const char guest_access_stop[] __asm__("__stop_nt_guest_access") __attribute__((visibility("hidden")));
extern const char enter_return[] __asm__("nt_enter_return") __attribute__((visibility("hidden")));
extern const char copy_access[] __asm__("nt_copy_access") __attribute__((visibility("hidden")));
extern const char copy_done[] __asm__("nt_copy_done") __attribute__((visibility("hidden")));
extern const char exchange_access[] __asm__("nt_exchange_access") __attribute__((visibility("hidden")));
extern const char exchange_failed[] __asm__("nt_exchange_failed") __attribute__((visibility("hidden")));

// `rep movsb` counts rcx down and is restartable at any byte, so rcx is the answer whether or not it faulted.
__attribute__((naked)) size_t nt_copy_fallible(void *destination, const void *source, size_t count) {
    __asm__ volatile("movq %rdx, %rcx\n\t"
                     ".globl nt_copy_access\n\t"
                     ".hidden nt_copy_access\n"
                     "nt_copy_access:\n\t"
                     "rep movsb\n\t"
                     ".globl nt_copy_done\n\t"
                     ".hidden nt_copy_done\n"
                     "nt_copy_done:\n\t"
                     "movq %rcx, %rax\n\t"
                     "retq");
}

__attribute__((naked)) bool nt_compare_exchange_fallible(uint32_t *word, uint32_t *expected, uint32_t desired) {
    __asm__ volatile("movl (%rsi), %eax\n\t"
                     ".globl nt_exchange_access\n\t"
                     ".hidden nt_exchange_access\n"
                     "nt_exchange_access:\n\t"
                     "lock cmpxchgl %edx, (%rdi)\n\t"
                     "movl %eax, (%rsi)\n\t"
                     "movl $1, %eax\n\t"
                     "retq\n\t"
                     ".globl nt_exchange_failed\n\t"
                     ".hidden nt_exchange_failed\n"
                     "nt_exchange_failed:\n\t"
                     "xorl %eax, %eax\n\t"
                     "retq");
}

static const int fault_signals[] = {SIGSEGV, SIGBUS};
#define FAULT_SIGNAL_COUNT (sizeof fault_signals / sizeof fault_signals[0])
static struct sigaction previous[FAULT_SIGNAL_COUNT];
static _Atomic(nt_signal_hook_fn) foreign_hook;

void nt_set_foreign_signal_hook(nt_signal_hook_fn hook) {
    __c11_atomic_store(&foreign_hook, hook, __ATOMIC_RELEASE);
}

/// The action that was installed before ours, or the default one, which ends the process at the faulting instruction.
static void run_previous(int signal, siginfo_t *info, void *context) {
    size_t i = 0;
    while (fault_signals[i] != signal)
        i++;
    const struct sigaction *action = &previous[i];
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(signal, info, context);
        return;
    }
    bool sent = info->si_code <= 0;
    if (!sent)
        nt_report_crash(signal, info, context);
    if (action->sa_handler == SIG_IGN && sent)
        return;
    if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN) {
        action->sa_handler(signal);
        return;
    }
    struct sigaction fallback;
    memset(&fallback, 0, sizeof fallback);
    fallback.sa_handler = SIG_DFL;
    sigaction(signal, &fallback, NULL);
    // A fault repeats when the instruction runs again; a signal that was sent does not.
    if (sent)
        syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
}

static bool in_guest_access(uintptr_t pc) {
    return (pc >= (uintptr_t)guest_access_start && pc < (uintptr_t)guest_access_stop) || nt_baseline_range_contains(pc) ||
           nt_code_range_contains(pc);
}

/// `abort` of a plugin or of ours, while SIGABRT is the guest's: the signal was queued and did not end the process, and libc's last resort
/// is an instruction that faults. Ends the process as it should.
static void end_abort(int signal, const siginfo_t *info, uintptr_t pc) {
    const unsigned char hlt = 0xf4;
    unsigned char byte = 0;
    if (signal == SIGSEGV && info->si_code == SI_KERNEL && nt_copy_fallible(&byte, (const void *)pc, 1) == 0 && byte == hlt)
        nt_linux_die(SIGABRT);
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    int saved_errno = errno;
    ucontext_t *uc = context;
    greg_t *registers = uc->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    bool memory_fault = info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS);
    if (memory_fault && pc == (uintptr_t)copy_access) {
        registers[REG_RIP] = (greg_t)copy_done;
        return;
    }
    if (memory_fault && pc == (uintptr_t)exchange_access) {
        registers[REG_RIP] = (greg_t)exchange_failed;
        return;
    }
    nt_cpu *cpu = nt_thread_cpu();
    bool was_helped = signal == SIGSEGV || signal == SIGBUS ? nt_tagged_access_failed(uc) : false;
    // In compiled code guest registers may be in host registers only: it must go on, and cannot go back.
    if (memory_fault && cpu != NULL && !was_helped && info->si_code == SI_KERNEL && nt_code_range_contains(pc) && nt_step_tagged_access(uc)) {
        cpu->met_tag = 1;
        nt_request_exit(cpu);
        return;
    }
    if (memory_fault && cpu != NULL && cpu->host_sp != NULL && in_guest_access(pc)) {
        cpu->fault_address = (uint64_t)info->si_addr;
        cpu->fault_host_pc = pc;
        cpu->fault_signal = (uint32_t)signal;
        cpu->fault_code = (uint32_t)info->si_code;
        // A page fault's error code; other exceptions (an address that is not canonical) have none.
        cpu->fault_write = registers[REG_TRAPNO] == 14 && (registers[REG_ERR] & 2);
        uint32_t point;
        uintptr_t way = nt_fault_way(pc, &point);
        if (way != 0) {
            cpu->fault_point = point;
            registers[REG_RIP] = (greg_t)way;
            return;
        }
        // Returning from here restores the signal mask of the interrupted code and goes on inside nt_enter.
        registers[REG_RSP] = (greg_t)cpu->host_sp;
        registers[REG_RIP] = (greg_t)enter_return;
        registers[REG_RAX] = NT_EXIT_FAULT;
        return;
    }
    end_abort(signal, info, pc);
    nt_signal_hook_fn hook = __c11_atomic_load(&foreign_hook, __ATOMIC_ACQUIRE);
    if (hook == NULL || !hook(signal, info, context))
        run_previous(signal, info, context);
    errno = saved_errno;
}

// SA_ONSTACK: the faulting stack may be the cause. SA_NODEFER: a fault of the handler itself must crash at once and visibly.
static int set_handler(int signal, bool restarts, struct sigaction *old) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | (restarts ? SA_RESTART : 0);
    sigemptyset(&action.sa_mask);
    return sigaction(signal, &action, old);
}

void nt_fault_signal_restarts(int signal, bool restarts) { set_handler(signal, restarts, NULL); }

static int install_error;
static void install(void) {
    for (size_t i = 0; i < FAULT_SIGNAL_COUNT; i++)
        // Restarting: a signal that was sent to us must not make host calls fail.
        if (set_handler(fault_signals[i], true, &previous[i]) != 0) {
            install_error = errno;
            return;
        }
}

int nt_install_fault_handlers(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return install_error;
}

// The kernel's frame alone may take 12 KiB with AVX-512 and AMX state.
#define ALT_STACK_SIZE (64u * 1024)
#define ALT_STACK_GUARD 4096u
static _Thread_local char *alt_stack __attribute__((tls_model("initial-exec")));

int nt_thread_alt_stack_install(void) {
    if (alt_stack != NULL)
        return 0;
    char *memory = mmap(NULL, ALT_STACK_GUARD + ALT_STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return errno;
    stack_t stack = {.ss_sp = memory + ALT_STACK_GUARD, .ss_size = ALT_STACK_SIZE, .ss_flags = 0};
    if (mprotect(memory, ALT_STACK_GUARD, PROT_NONE) != 0 || sigaltstack(&stack, NULL) != 0) {
        int error = errno;
        munmap(memory, ALT_STACK_GUARD + ALT_STACK_SIZE);
        return error;
    }
    alt_stack = memory;
    return 0;
}

void nt_thread_alt_stack_remove(void) {
    if (alt_stack == NULL)
        return;
    stack_t stack = {.ss_flags = SS_DISABLE};
    sigaltstack(&stack, NULL);
    munmap(alt_stack, ALT_STACK_GUARD + ALT_STACK_SIZE);
    alt_stack = NULL;
}
