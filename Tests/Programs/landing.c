// Guarded pages (FEAT_BTI): which first instruction takes which branch, what a fault shows, what handlers and sigreturn do with
// BTYPE. Code is made at run time, in pages with and without PROT_BTI.
#define _GNU_SOURCE
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#ifndef PROT_BTI
#define PROT_BTI 0x10
#endif
#ifndef HWCAP2_BTI
#define HWCAP2_BTI (1 << 17)
#endif

static sigjmp_buf back;
static volatile unsigned long fault_btype, fault_pc;
static volatile int fault_code, retry;
static void on_fault(int signal, siginfo_t *info, void *context) {
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    fault_code = info->si_code;
    fault_btype = machine->pstate >> 10 & 3;
    fault_pc = machine->pc;
    if (retry) {  // as if it had been reached by a direct branch
        retry = 0;
        machine->pstate &= ~(3ul << 10);
        return;
    }
    siglongjmp(back, signal);
}

static const struct {
    const char *name;
    uint32_t word;
} pads[] = {
    {"nop", 0xd503201f}, {"bti", 0xd503241f}, {"bti c", 0xd503245f}, {"bti j", 0xd503249f}, {"bti jc", 0xd50324df},
    {"paciasp", 0xd503233f}, {"pacibsp", 0xd503237f}, {"paciaz", 0xd503231f}, {"brk", 0xd4200000}, {"mov", 0x52800020},
};
enum { PADS = sizeof pads / sizeof pads[0] };

/// Each way to branch: code that takes the target in x0, also in x16, and returns what the target leaves in w0.
static const struct {
    const char *name;
    uint32_t word;
} ways[] = {
    {"br x0", 0xd61f0000}, {"br x16", 0xd61f0200}, {"br x17", 0xd61f0220}, {"blr x0", 0xd63f0000}, {"blr x16", 0xd63f0200},
    {"ret x0", 0xd65f0000},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static uint32_t *make_page(int protection) {
    uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PADS; i++) {
        uint32_t *target = page + 16 * i;
        target[0] = pads[i].word;
        target[1] = 0x52800540;  // mov w0, #42
        target[2] = 0xd65f0260;  // ret x19
    }
    for (int i = 0; i < WAYS; i++) {
        uint32_t *way = page + 512 + 16 * i;
        way[0] = 0xd503245f;  // bti c
        way[1] = 0xa9bf7bf3;  // stp x19, x30, [sp, #-16]!
        way[2] = 0xaa0003f0;  // mov x16, x0
        way[3] = 0xaa0003f1;  // mov x17, x0
        way[4] = 0x10000053;  // adr x19, +8
        way[5] = ways[i].word;
        way[6] = 0xa8c17bf3;  // ldp x19, x30, [sp], #16
        way[7] = 0xd65f03c0;  // ret
    }
    __builtin___clear_cache((char *)page, (char *)page + 4096);
    CHECK(mprotect(page, 4096, protection) == 0);
    return page;
}

static void try_all(const char *what, uint32_t *from, uint32_t *to) {
    for (volatile int w = 0; w < WAYS; w++) {
        printf("%s, %s:", what, ways[w].name);
        for (volatile int p = 0; p < PADS; p++) {
            int signal = sigsetjmp(back, 1);
            if (signal == 0) {
                int (*way)(void *) = (int (*)(void *))(void *)(from + 512 + 16 * w);
                int result = 0;
                for (int n = 0; n < 3; n++) result = way(to + 16 * p);
                printf(" %s %d", pads[p].name, result);
            } else {
                printf(" %s %d", pads[p].name, signal);
                if (signal == SIGILL) printf("/%lu", fault_btype);
                if (fault_pc != (unsigned long)(to + 16 * p)) printf(" elsewhere");
                if (signal == SIGILL && fault_code != ILL_ILLOPC) printf(" code %d", fault_code);
            }
            printf(p == PADS - 1 ? "\n" : ",");
        }
    }
}

static uint32_t *handler_page;
static int handled;
static void count(int signal) { (void)signal, handled++; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!(getauxval(AT_HWCAP2) & HWCAP2_BTI)) {
        void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        printf("no guarded pages: %d\n", mprotect(page, 4096, PROT_READ | PROT_EXEC | PROT_BTI));
        return 0;
    }
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGILL, &action, NULL) == 0 && sigaction(SIGTRAP, &action, NULL) == 0);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    uint32_t *plain = make_page(PROT_READ | PROT_EXEC);
    try_all("before", plain, plain);
    uint32_t *guarded = make_page(PROT_READ | PROT_EXEC | PROT_BTI);
    try_all("guarded", guarded, guarded);
    try_all("from plain", plain, guarded);
    try_all("to plain", guarded, plain);
    // The handler clears BTYPE: the instruction runs.
    retry = 1;
    int (*way)(void *) = (int (*)(void *))(void *)(guarded + 512 + 16 * 3);
    printf("gone on with %d\n", way(guarded));
    // The guard comes and goes.
    CHECK(mprotect(guarded, 4096, PROT_READ | PROT_EXEC) == 0);
    printf("unguarded %d\n", way(guarded));
    CHECK(mprotect(guarded, 4096, PROT_READ | PROT_EXEC | PROT_BTI) == 0);
    int signal = sigsetjmp(back, 1);
    if (signal == 0) way(guarded);
    printf("guarded again %d\n", signal);
    // A handler is entered as by a call.
    signal = sigsetjmp(back, 1);
    handler_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t code[] = {0xd503249f, 0xd65f03c0};  // bti j; ret
    memcpy(handler_page, code, sizeof code);
    code[0] = 0xd503245f;  // bti c
    memcpy(handler_page + 16, code, sizeof code);
    __builtin___clear_cache((char *)handler_page, (char *)handler_page + 4096);
    CHECK(mprotect(handler_page, 4096, PROT_READ | PROT_EXEC | PROT_BTI) == 0);
    struct sigaction other = {.sa_handler = (void (*)(int))(void *)(handler_page + 16)};
    CHECK(sigaction(SIGUSR1, &other, NULL) == 0 && raise(SIGUSR1) == 0);
    puts("handler with bti c");
    other.sa_handler = (void (*)(int))(void *)handler_page;
    CHECK(sigaction(SIGUSR1, &other, NULL) == 0);
    signal = sigsetjmp(back, 1);
    if (signal == 0) raise(SIGUSR1);
    printf("handler with bti j: %d, BTYPE %lu\n", signal, fault_btype);
    // Hot code that calls across pages, with signals in between.
    CHECK(signal == SIGILL);
    other.sa_handler = count;
    CHECK(sigaction(SIGUSR2, &other, NULL) == 0);
    long sum = 0;
    for (int i = 0; i < 20000; i++) {
        sum += way(guarded + 16 * 2);
        if (i % 1000 == 0) raise(SIGUSR2);
    }
    printf("hot %ld handled %d\n", sum, handled);
    return 0;
}
