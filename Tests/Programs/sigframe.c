// The signal frame of arm64 Linux: its records, what sigreturn takes from it and what it refuses, ESR_EL1 of faults, si_code and
// si_addr, registers that a handler changes. The facts are those of arch/arm64/kernel/signal.c and arch/arm64/mm/fault.c; qemu-aarch64
// differs in several (no esr_context, other MINSIGSTKSZ, other si_codes), so this program is its own judge.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef ESR_MAGIC
#define ESR_MAGIC 0x45535201
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define DABT 0x24u
#define IABT 0x20u

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    CHECK(sigaction(signal, &action, NULL) == 0);
}

struct record {
    uint32_t magic, size;
};
static struct record *find(ucontext_t *uc, uint32_t magic) {
    char *at = (char *)uc->uc_mcontext.__reserved;
    for (;;) {
        struct record *record = (struct record *)at;
        if (record->magic == 0) return record->size == 0 && magic == 0 ? record : NULL;
        if (record->magic == magic) return record;
        at += record->size;
    }
}
static struct fpsimd_context *fpsimd(ucontext_t *uc) { return (struct fpsimd_context *)find(uc, FPSIMD_MAGIC); }
/// ESR_EL1 of the frame; 0 when there is none.
static uint64_t esr_of(ucontext_t *uc) {
    struct record *record = find(uc, ESR_MAGIC);
    if (!record) return 0;
    EXPECT_EQ(record->size, 16);
    return *(uint64_t *)(record + 1);
}

// ---- faults --------------------------------------------------------------------------------------------------------

static struct {
    int signal, code, count;
    uint64_t address, fault_address, pc, esr;
} seen;
static sigjmp_buf back;
static void note_fault(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    seen.signal = signal;
    seen.code = info->si_code;
    seen.address = (uint64_t)info->si_addr;
    seen.fault_address = uc->uc_mcontext.fault_address;
    seen.pc = uc->uc_mcontext.pc;
    seen.esr = esr_of(uc);
    seen.count++;
    siglongjmp(back, 1);
}
#define FAULT(statement)                                                                                               \
    do {                                                                                                               \
        memset(&seen, 0, sizeof seen);                                                                                 \
        if (sigsetjmp(back, 1) == 0) {                                                                                 \
            statement;                                                                                                 \
        }                                                                                                              \
        EXPECT_EQ(seen.count, 1);                                                                                      \
    } while (0)
#define SAW(the_signal, the_code, the_address)                                                                         \
    do {                                                                                                               \
        EXPECT_EQ(seen.signal, the_signal);                                                                            \
        EXPECT_EQ(seen.code, the_code);                                                                                \
        EXPECT_EQ(seen.address, the_address);                                                                          \
    } while (0)
/// Exception class, write-not-read, and the kind of fault (1 translation, 3 permission; its low bits are the level).
#define SAW_ESR(class, write, kind)                                                                                    \
    do {                                                                                                               \
        EXPECT_EQ(seen.esr >> 26, class);                                                                              \
        EXPECT_EQ(seen.esr >> 25 & 1, 1);                                                                              \
        EXPECT_EQ(seen.esr >> 6 & 1, write);                                                                           \
        EXPECT_EQ(seen.esr >> 2 & 15, kind);                                                                           \
        EXPECT_EQ(seen.fault_address, seen.address);                                                                   \
    } while (0)

#define LOAD(address) __asm__ volatile("ldr x9, [%0]" ::"r"(address) : "x9", "memory")
#define STORE(address) __asm__ volatile("str xzr, [%0]" ::"r"(address) : "memory")

static void faults(void) {
    handle(SIGSEGV, note_fault, 0);
    handle(SIGBUS, note_fault, 0);
    handle(SIGILL, note_fault, 0);
    handle(SIGTRAP, note_fault, 0);
    char *pages = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    char *readable = pages, *none = pages + 4096, *hole = pages + 8192;
    CHECK(mprotect(readable, 4096, PROT_READ) == 0);
    CHECK(mprotect(none, 4096, PROT_NONE) == 0);
    CHECK(munmap(hole, 4096) == 0);

    FAULT(LOAD(hole + 16));
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole + 16);
    SAW_ESR(DABT, 0, 1);
    FAULT(STORE(hole + 24));
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole + 24);
    SAW_ESR(DABT, 1, 1);
    FAULT(STORE(readable + 8));
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)readable + 8);
    SAW_ESR(DABT, 1, 3);
    FAULT(LOAD(none + 8));
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)none + 8);
    EXPECT_EQ(seen.esr >> 26, DABT);
    EXPECT_EQ(seen.esr >> 6 & 1, 0);
    FAULT(STORE(none + 8));
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)none + 8);
    EXPECT_EQ(seen.esr >> 6 & 1, 1);
    FAULT(LOAD(8l));
    SAW(SIGSEGV, SEGV_MAPERR, 8);
    printf("data\n");

    // Atomics and exclusives tell WnR = 0 when reading alone would have faulted.
    FAULT(__asm__ volatile("ldxr x9, [%0]" ::"r"(hole) : "x9", "memory"));
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole);
    SAW_ESR(DABT, 0, 1);
    FAULT(__asm__ volatile(".arch_extension lse\n ldadd x9, x10, [%0]" ::"r"(readable) : "x10", "memory"));
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)readable);
    SAW_ESR(DABT, 1, 3);
    FAULT(__asm__ volatile(".arch_extension lse\n ldadd x9, x10, [%0]" ::"r"(hole) : "x10", "memory"));
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole);
    SAW_ESR(DABT, 0, 1);
    FAULT(__asm__ volatile(".arch_extension lse\n cas x9, x10, [%0]" ::"r"(hole + 8) : "x9", "memory"));
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole + 8);
    SAW_ESR(DABT, 0, 1);
    FAULT(__asm__ volatile("stlr x9, [%0]" ::"r"(readable) : "memory"));
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)readable);
    SAW_ESR(DABT, 1, 3);
    FAULT(__asm__ volatile("dc zva, %0" ::"r"(readable + 64) : "memory"));
    EXPECT_EQ(seen.signal, SIGSEGV);
    EXPECT_EQ(seen.address & -64, (uint64_t)readable + 64);
    EXPECT_EQ(seen.esr >> 6 & 1, 1);
    FAULT(__asm__ volatile("stp q0, q1, [%0]" ::"r"(readable + 32) : "memory"));
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)readable + 32);
    SAW_ESR(DABT, 1, 3);
    printf("atomics\n");

    // Addresses that no 48-bit process can have. The top byte is a tag: loads ignore it and si_addr does not show it.
    FAULT(LOAD(0x0001234500000010ul));
    SAW(SIGSEGV, SEGV_MAPERR, 0x0001234500000010);
    SAW_ESR(DABT, 0, 1);
    FAULT(STORE(0x00ff234500000010ul));
    EXPECT_EQ(seen.signal, SIGSEGV);
    EXPECT_EQ(seen.code, SEGV_MAPERR);
    EXPECT_EQ(seen.esr >> 6 & 1, 1);
    FAULT(LOAD(0x5500000000000000ul | (uint64_t)hole));
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole);
    FAULT(__asm__ volatile("mov x9, #3\n ldr x10, [%0, x9, lsl #3]" ::"r"(0x0000900000000000ul) : "x9", "x10"));
    SAW(SIGSEGV, SEGV_MAPERR, 0x0000900000000018);
    FAULT(__asm__ volatile("mov x9, %0\n ldp x10, x11, [x9, #-32]!" ::"r"(0x0000900000000020ul) : "x9", "x10", "x11"));
    SAW(SIGSEGV, SEGV_MAPERR, 0x0000900000000000);
    FAULT(__asm__ volatile("mov x9, %0\n st1 {v0.4s, v1.4s}, [x9], #32" ::"r"(0x0000900000000020ul) : "x9"));
    SAW(SIGSEGV, SEGV_MAPERR, 0x0000900000000020);
    SAW_ESR(DABT, 1, 1);
    FAULT(__asm__ volatile("ldtrb w10, [%0, #-1]" ::"r"(0x0000900000000020ul) : "x10"));
    SAW(SIGSEGV, SEGV_MAPERR, 0x000090000000001f);
    FAULT(__asm__ volatile("mov w9, #-4\n str q3, [%0, w9, sxtw]" ::"r"(0x0000900000000020ul) : "x9"));
    SAW(SIGSEGV, SEGV_MAPERR, 0x000090000000001c);
    SAW_ESR(DABT, 1, 1);
    printf("far addresses\n");

    // A file's mapping beyond its end.
    int file = memfd_create("short", 0);
    CHECK(file >= 0 && ftruncate(file, 4096) == 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, file, 0);
    CHECK(map != MAP_FAILED);
    FAULT(LOAD(map + 4096 + 64));
    SAW(SIGBUS, BUS_ADRERR, (uint64_t)map + 4096 + 64);
    EXPECT_EQ(seen.esr >> 26, DABT);
    EXPECT_EQ(seen.esr >> 6 & 1, 0);
    FAULT(STORE(map + 4096 + 64));
    SAW(SIGBUS, BUS_ADRERR, (uint64_t)map + 4096 + 64);
    EXPECT_EQ(seen.esr >> 6 & 1, 1);
    FAULT(((void (*)(void))(map + 4096))());
    SAW(SIGBUS, BUS_ADRERR, (uint64_t)map + 4096);
    EXPECT_EQ(seen.pc, (uint64_t)map + 4096);
    EXPECT_EQ(seen.esr >> 26, IABT);
    printf("end of file\n");

    FAULT(((void (*)(void))readable)());
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)readable);
    EXPECT_EQ(seen.pc, (uint64_t)readable);
    SAW_ESR(IABT, 0, 3);
    FAULT(((void (*)(void))hole)());
    SAW(SIGSEGV, SEGV_MAPERR, (uint64_t)hole);
    EXPECT_EQ(seen.pc, (uint64_t)hole);
    SAW_ESR(IABT, 0, 1);
    FAULT(((void (*)(void))none)());
    SAW(SIGSEGV, SEGV_ACCERR, (uint64_t)none);
    printf("fetch\n");

    // A misaligned PC: the kernel reports no fault address, but ESR.
    FAULT(__asm__ volatile("adr x9, 1f\n add x9, x9, #2\n br x9\n1: nop" ::: "x9"));
    EXPECT_EQ(seen.signal, SIGBUS);
    EXPECT_EQ(seen.code, BUS_ADRALN);
    EXPECT_EQ(seen.address, seen.pc);
    EXPECT_EQ(seen.pc & 3, 2);
    EXPECT_EQ(seen.fault_address, 0);
    EXPECT_EQ(seen.esr >> 26, 0x22);
    char *aligned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FAULT(__asm__ volatile("ldxr x9, [%0]" ::"r"(aligned + 12) : "x9", "memory"));
    SAW(SIGBUS, BUS_ADRALN, (uint64_t)aligned + 12);
    EXPECT_EQ(seen.esr >> 26, DABT);
    EXPECT_EQ(seen.esr & 63, 0x21);
    FAULT(__asm__ volatile("stlxr w10, x9, [%0]" ::"r"(aligned + 12) : "x10", "memory"));
    SAW(SIGBUS, BUS_ADRALN, (uint64_t)aligned + 12);
    FAULT(__asm__ volatile(".arch_extension lse\n swpal x9, x10, [%0]" ::"r"(aligned + 9) : "x10", "memory"));
    SAW(SIGBUS, BUS_ADRALN, (uint64_t)aligned + 9);
    printf("alignment\n");

    // No ESR for these; SIGTRAP leaves the record of the fault before.
    FAULT(__asm__ volatile(".word 0"));
    SAW(SIGILL, ILL_ILLOPC, seen.pc);
    EXPECT_EQ(seen.esr, 0);
    EXPECT_EQ(seen.fault_address, 0);
    FAULT(__asm__ volatile("mrs x9, sctlr_el1" ::: "x9"));
    SAW(SIGILL, ILL_ILLOPC, seen.pc);
    FAULT(__asm__ volatile("hlt #3"));
    SAW(SIGILL, ILL_ILLOPC, seen.pc);
    FAULT(__asm__ volatile("brk #3"));
    SAW(SIGTRAP, TRAP_BRKPT, seen.pc);
    EXPECT_EQ(seen.esr, 0);
    FAULT(STORE(none));
    FAULT(__asm__ volatile("brk #4"));
    SAW(SIGTRAP, TRAP_BRKPT, seen.pc);
    EXPECT_EQ(seen.esr >> 26, DABT);
    EXPECT_EQ(seen.fault_address, (uint64_t)none);
    printf("undefined\n");
    munmap(pages, 5 * 4096);
}

// ---- state ---------------------------------------------------------------------------------------------------------

static int handler_fpcr_zero;
static void examine(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    struct fpsimd_context *fp = fpsimd(uc);
    uint64_t fpcr;
    EXPECT_EQ(signal, SIGUSR1);
    EXPECT_EQ(uc->uc_flags, 0);
    EXPECT(uc->uc_link == NULL);
    EXPECT_EQ((uintptr_t)info & 15, 0);
    EXPECT_EQ((uintptr_t)uc - (uintptr_t)info, 128);
    EXPECT_EQ((uintptr_t)&uc->uc_mcontext - (uintptr_t)uc, 176);
    EXPECT(fp == (void *)uc->uc_mcontext.__reserved);
    EXPECT(find(uc, 0) != NULL);
    EXPECT_EQ(fp->head.size, 528);
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    // A handler inherits FPCR.
    handler_fpcr_zero = fpcr == 0;
    // All of the integer registers: X0 is the result of kill, X8 its number.
    for (int n = 9; n < 29; n++) EXPECT_EQ(uc->uc_mcontext.regs[n], 0x1000 + n);
    EXPECT_EQ(uc->uc_mcontext.regs[8], SYS_kill);
    EXPECT_EQ(uc->uc_mcontext.regs[0], 0);
    EXPECT_EQ(uc->uc_mcontext.pstate, 0xa0000000);
    EXPECT_EQ(*(uint32_t *)(uc->uc_mcontext.pc - 4), 0xd4000001);
    for (int n = 0; n < 32; n++) {
        EXPECT_EQ((uint64_t)fp->vregs[n], 0x0101010101010101ul * (unsigned)n);
        EXPECT_EQ((uint64_t)(fp->vregs[n] >> 64), 0x0101010101010101ul * (unsigned)n);
    }
    EXPECT_EQ(fp->fpsr, 0x10);
    EXPECT_EQ(fp->fpcr, 0x00c00000);
    // Change everything that may be changed.
    for (int n = 9; n < 29; n++) uc->uc_mcontext.regs[n] = 0x2000u + n;
    uc->uc_mcontext.regs[0] = 77;
    uc->uc_mcontext.pc += 4;
    uc->uc_mcontext.pstate = 0x50000000;
    for (int n = 0; n < 32; n++) fp->vregs[n] = (__uint128_t)(0x100u + n) << 64 | (0x200u + n);
    fp->fpsr = 0x08000003;
    fp->fpcr = 0;
}
static void state(void) {
    handle(SIGUSR1, examine, 0);
    static uint64_t out[32], vectors[64];
    // x29 and x30 stay the compiler's; outputs go through memory after the signal.
    __asm__ volatile(
        "stp x29, x30, [sp, #-32]!\n stp %[out], %[vec], [sp, #16]\n"
        ".irp n,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28\n mov x\\n, #0x1000 + \\n\n.endr\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n movi v\\n\\().16b, #\\n\n.endr\n"
        "mov x0, #0xc00000\n msr fpcr, x0\n mov x0, #16\n msr fpsr, x0\n"
        "mov x8, #172\n svc #0\n mov x1, #10\n mov x8, #129\n"
        "movz x2, #0xa000, lsl #16\n msr nzcv, x2\n"
        "svc #0\n"
        "mov x0, #1\n" // skipped by the handler
        "mrs x1, nzcv\n mrs x2, fpsr\n mrs x3, fpcr\n"
        "ldp x4, x5, [sp, #16]\n"
        ".irp n,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28\n str x\\n, [x4, #8 * \\n]\n.endr\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n str q\\n, [x5, #16 * \\n]\n.endr\n"
        "msr fpcr, xzr\n"
        "ldp x29, x30, [sp], #32\n"
        "stp x0, x1, [x4]\n stp x2, x3, [x4, #16]\n"
        :
        : [out] "r"(out), [vec] "r"(vectors)
        : "x0", "x1", "x2", "x3", "x4", "x5", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19",
          "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
          "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
          "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
    EXPECT_EQ(handler_fpcr_zero, 0);
    EXPECT_EQ(out[0], 77);
    EXPECT_EQ(out[1], 0x50000000);
    EXPECT_EQ(out[2], 0x08000003);
    EXPECT_EQ(out[3], 0);
    for (int n = 9; n < 29; n++) EXPECT_EQ(out[n], 0x2000 + n);
    for (int n = 0; n < 32; n++) {
        EXPECT_EQ(vectors[2 * n], 0x200 + n);
        EXPECT_EQ(vectors[2 * n + 1], 0x100 + n);
    }
    printf("state\n");
}

// ---- frames that sigreturn refuses ---------------------------------------------------------------------------------

static int spoil;
static uint64_t spoiled_sp;
static char fake[8192] __attribute__((aligned(16)));
static void spoiler(int signal, siginfo_t *info, void *context) {
    (void)signal;
    ucontext_t *uc = context;
    struct record *first = (struct record *)uc->uc_mcontext.__reserved, *second = (struct record *)((char *)first + first->size);
    spoiled_sp = (uint64_t)info;
    switch (spoil) {
    case 0: first->magic = 0x12345678; break;             // unknown
    case 1: first->size = 520; break;                     // not the record's size, nor aligned
    case 2: first->size = 544; break;                     // not the record's size
    case 3: first->magic = 0, first->size = 0; break;     // no FPSIMD record
    case 4: first->magic = 0, first->size = 16; break;    // a terminator with a size
    case 5: memcpy(second, first, first->size); break;    // two of them
    case 6: uc->uc_mcontext.pstate |= 5; break;           // EL1h
    case 7: uc->uc_mcontext.pstate |= 0x80; break;        // I
    case 8: first->size = 8192; break;
    case 9: second->magic = ESR_MAGIC, second->size = 0; break;
    }
}
static void bad_frames(void) {
    handle(SIGSEGV, note_fault, 0);
    handle(SIGUSR1, spoiler, 0);
    for (spoil = 0; spoil <= 9; spoil++) {
        memset(&seen, 0, sizeof seen);
        if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
        EXPECT_EQ(seen.signal, SIGSEGV);
        EXPECT(seen.code == SEGV_ACCERR);
        EXPECT_EQ(seen.count, 1);
        if (seen.count != 1) printf("frame %d was taken\n", spoil);
    }
    // An ESR record of a kind that is known and ignored.
    spoil = 10;
    raise(SIGUSR1);
    // SP misaligned, and SP in nowhere.
    FAULT(__asm__ volatile("mov x9, sp\n mov sp, %0\n mov x8, #139\n svc #0\n mov sp, x9" ::"r"(fake + 8) : "x8", "x9", "memory"));
    EXPECT_EQ(seen.signal, SIGSEGV);
    printf("bad frames\n");
}

// ---- alternate stack -----------------------------------------------------------------------------------------------

static char alternate[65536] __attribute__((aligned(16)));
static stack_t in_frame, in_handler;
static int handler_on_alternate;
static void look_at_stack(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    char here;
    in_frame = ((ucontext_t *)context)->uc_stack;
    handler_on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    sigaltstack(NULL, &in_handler);
}
static void look_and_refuse(int signal, siginfo_t *info, void *context) {
    look_at_stack(signal, info, context);
    stack_t other = {.ss_sp = fake, .ss_size = sizeof fake};
    EXPECT(sigaltstack(&other, NULL) == -1 && errno == EPERM);
    ((ucontext_t *)context)->uc_stack.ss_sp = fake;
    ((ucontext_t *)context)->uc_stack.ss_size = sizeof fake;
}
static void stacks(void) {
    stack_t old, stack = {.ss_sp = alternate, .ss_size = 5119};
    EXPECT(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE && old.ss_size == 0);
    EXPECT(sigaltstack(&stack, NULL) == -1 && errno == ENOMEM);
    stack.ss_size = 5120;
    EXPECT(sigaltstack(&stack, NULL) == 0);
    stack.ss_flags = 4;
    EXPECT(sigaltstack(&stack, NULL) == -1 && errno == EINVAL);
    EXPECT(sigaltstack((void *)16, NULL) == -1 && errno == EFAULT);
    stack.ss_flags = 0;
    stack.ss_size = sizeof alternate;
    EXPECT(sigaltstack(&stack, &old) == 0 && old.ss_size == 5120 && old.ss_flags == 0);
    EXPECT_EQ(getauxval(AT_MINSIGSTKSZ), 4720);
    handle(SIGUSR1, look_at_stack, 0);
    raise(SIGUSR1);
    EXPECT_EQ(handler_on_alternate, 0);
    EXPECT(in_frame.ss_sp == alternate && in_frame.ss_flags == 0 && in_frame.ss_size == sizeof alternate);
    handle(SIGUSR1, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT_EQ(handler_on_alternate, 1);
    EXPECT_EQ(in_frame.ss_flags, 0);
    EXPECT_EQ(in_handler.ss_flags, SS_ONSTACK);
    // A handler may change what comes back with the frame.
    handle(SIGUSR1, look_and_refuse, SA_ONSTACK);
    raise(SIGUSR1);
    sigaltstack(NULL, &old);
    EXPECT(old.ss_sp == fake && old.ss_size == sizeof fake);
    // The stack that disarms itself does so for every handler, on it or not.
    stack.ss_flags = (int)SS_AUTODISARM;
    EXPECT(sigaltstack(&stack, NULL) == 0);
    handle(SIGUSR1, look_at_stack, 0);
    raise(SIGUSR1);
    EXPECT_EQ(in_handler.ss_flags, SS_DISABLE);
    EXPECT_EQ(in_frame.ss_flags, (int)SS_AUTODISARM);
    sigaltstack(NULL, &old);
    EXPECT(old.ss_sp == alternate && old.ss_flags == (int)SS_AUTODISARM);
    handle(SIGUSR1, look_at_stack, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT_EQ(handler_on_alternate, 1);
    EXPECT_EQ(in_handler.ss_flags, SS_DISABLE);
    stack.ss_flags = SS_DISABLE;
    EXPECT(sigaltstack(&stack, NULL) == 0);
    sigaltstack(NULL, &old);
    EXPECT(old.ss_sp == NULL && old.ss_flags == SS_DISABLE && old.ss_size == 0);
    printf("stacks\n");
}

// A frame that has no room is a SIGSEGV of the kernel's, on the alternate stack when there is one; without, death.
static void no_room(void) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    handle(SIGSEGV, note_fault, SA_ONSTACK);
    handle(SIGUSR1, note_fault, 0);
    char *small = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(small - 4096, 0);
    FAULT(__asm__ volatile("mov x19, sp\n mov sp, %0\n mov x8, #172\n svc #0\n mov x1, #10\n mov x8, #129\n svc #0\n mov sp, x19" ::"r"(16l)
                           : "x0", "x1", "x8", "x19", "memory"));
    EXPECT_EQ(seen.signal, SIGSEGV);
    EXPECT_EQ(seen.code, SI_KERNEL);
    EXPECT_EQ(seen.address, 0);
    fflush(stdout);
    int status;
    pid_t child = fork();
    if (child == 0) {
        handle(SIGSEGV, note_fault, 0);
        __asm__ volatile("mov sp, %0\n str x0, [sp]" ::"r"(16l) : "memory");
        _exit(1);
    }
    waitpid(child, &status, 0);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    munmap(small, 4096);
    printf("no room\n");
}

// ---- the exclusive monitor, flags of sigaction ------------------------------------------------------------------------

static void nothing(int signal, siginfo_t *info, void *context) { (void)signal, (void)info, (void)context; }
static void odds(void) {
    // A handler between the two halves of an exclusive pair opens the monitor.
    handle(SIGUSR1, nothing, 0);
    uint64_t word = 5;
    uint32_t failed;
    uint64_t pid = (uint64_t)getpid();
    __asm__ volatile("mov x0, %2\n mov x1, #10\n mov x8, #129\n ldxr x9, [%1]\n svc #0\n stxr %w0, x9, [%1]"
                     : "=&r"(failed)
                     : "r"(&word), "r"(pid)
                     : "x0", "x1", "x8", "x9", "memory");
    EXPECT_EQ(failed, 1);
    // Flags that nobody knows are not kept, so that programs can ask which there are; SA_RESETHAND keeps flags and mask.
    struct {
        uint64_t handler, flags, restorer, mask;
    } set = {(uint64_t)nothing, 0xffffffff00000000u | SA_RESTART | 0x400 | 0x20, 0, ~0ul}, got;
    EXPECT(syscall(SYS_rt_sigaction, SIGUSR2, &set, NULL, 8) == 0);
    EXPECT(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &got, 8) == 0);
    EXPECT_EQ(got.flags, SA_RESTART);
    EXPECT_EQ(got.mask, ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1)));
    set.flags = SA_RESETHAND | SA_SIGINFO;
    set.mask = 5;
    EXPECT(syscall(SYS_rt_sigaction, SIGUSR2, &set, NULL, 8) == 0);
    raise(SIGUSR2);
    EXPECT(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &got, 8) == 0);
    EXPECT_EQ(got.handler, 0);
    EXPECT_EQ(got.flags, SA_RESETHAND | SA_SIGINFO);
    EXPECT_EQ(got.mask, 5);
    printf("odds\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    faults();
    state();
    bad_frames();
    stacks();
    no_room();
    odds();
    printf("%d failures\n", check_failures);
    return check_failures != 0;
}
