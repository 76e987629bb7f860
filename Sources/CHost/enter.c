// Entering generated code, and the ways out that are no return: nt_leave and the fault handler's rewritten context.
#include "nt_enter.h"
#include "nt_find.h"
#include "nt_fp.h"
#include "nt_guest.h"
#include <stddef.h>

#if defined(__x86_64__)

// Generated code keeps no register (preserve_none), so everything C expects back lives on the stack; cpu too, to find it
// again. cpu->host_sp is the stack pointer at the call: a non-local exit loads it and goes on at nt_enter_return with the
// exit code in rax. preserve_none passes its first two arguments in r12 and r13. Six pushes, the return address and cpu
// leave rsp 16-byte aligned at the call.
__attribute__((naked)) uint64_t nt_enter(nt_cpu *cpu, nt_tb *tb) {
    __asm__ volatile("pushq %%rbp\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "pushq %%rbx\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "pushq %%r12\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "pushq %%r13\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "pushq %%r14\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "pushq %%r15\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "pushq %%rdi\n\t"
                     ".cfi_adjust_cfa_offset 8\n\t"
                     "movq %%rdi, %%r12\n\t"
                     "movq %%rsi, %%r13\n\t"
                     "movq %%rsp, %c0(%%rdi)\n\t"
                     "callq *%c1(%%rsi)\n\t"
                     ".globl nt_enter_return\n\t"
                     ".hidden nt_enter_return\n"
                     "nt_enter_return:\n\t"
                     "popq %%rdi\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "movq $0, %c0(%%rdi)\n\t"
                     "popq %%r15\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "popq %%r14\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "popq %%r13\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "popq %%r12\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "popq %%rbx\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "popq %%rbp\n\t"
                     ".cfi_adjust_cfa_offset -8\n\t"
                     "retq" ::"i"(offsetof(nt_cpu, host_sp)),
                     "i"(offsetof(nt_tb, entry)));
}

__attribute__((naked)) _Noreturn void nt_leave(nt_cpu *cpu, uint64_t exit_code) {
    __asm__ volatile("movq %c0(%%rdi), %%rsp\n\t"
                     "movq %%rsi, %%rax\n\t"
                     "jmp nt_enter_return" ::"i"(offsetof(nt_cpu, host_sp)));
}

#else
#error "nt_enter is written for x86-64 hosts only; an AArch64 host needs its own trampoline and context access"
#endif

// After an exit that only wants the next TB, the one that the engine would find.
static bool goes_on(nt_cpu *cpu, uint64_t exit, nt_tb **tb) {
    if (exit != NT_EXIT_LOOKUP || !cpu->finds_tbs || __atomic_load_n((uint32_t *)&cpu->exit_request, __ATOMIC_RELAXED))
        return false;
    nt_tb *next = nt_find_tb(cpu);
    if (next == NULL)
        return false;
    *tb = next;
    return true;
}

uint64_t nt_run(nt_cpu *cpu, nt_tb *tb) {
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr)::"memory");
    // What the emulator's own arithmetic left.
    if (mxcsr & 0x3f) {
        mxcsr &= ~0x3fu;
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr) : "memory");
    }
    uint64_t exit;
    do {
        exit = nt_enter(cpu, tb);
        nt_count_exit(cpu, (nt_exit)exit);
    } while (goes_on(cpu, exit, &tb));
    nt_fp_collect(cpu);
    return exit;
}

_Noreturn void nt_leave_callback(nt_cpu *cpu, uint64_t pc) {
    cpu->pc = pc;
    // As after a callback that returns: what its arithmetic left is not the guest's.
    __asm__ volatile("ldmxcsr %0" ::"m"(cpu->clean_mxcsr) : "memory");
    nt_leave(cpu, NT_EXIT_LOOKUP);
}

_Noreturn void nt_leave_alignment(nt_cpu *cpu, uint64_t address) {
    cpu->exception = NT_EXCEPTION_DATA_ALIGNMENT;
    cpu->exception_info = address;
    nt_leave(cpu, NT_EXIT_EXCEPTION);
}

NT_PRESERVE_NONE uint64_t nt_unchained(nt_cpu *cpu, nt_tb *stub) {
    nt_slot *slot = (nt_slot *)((char *)stub - offsetof(nt_slot, stub_entry));
    cpu->pc = slot->pc;
    cpu->exit_slot = slot;
    return NT_EXIT_CHAIN;
}

NT_PRESERVE_NONE uint64_t nt_stale(nt_cpu *cpu, nt_tb *tb) {
    cpu->pc = tb->pc | (uint64_t)(tb->flags >> NT_TB_BTYPE_SHIFT & 3) << NT_PC_BTYPE_SHIFT;
    return NT_EXIT_LOOKUP;
}

// Initial-exec: the signal handler may not run the lazy TLS allocator.
static _Thread_local nt_cpu *current_cpu __attribute__((tls_model("initial-exec")));

void nt_thread_set_cpu(nt_cpu *cpu) { current_cpu = cpu; }
nt_cpu *nt_thread_cpu(void) { return current_cpu; }
