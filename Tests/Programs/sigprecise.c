// Registers, flags and PC at a fault in every form of load and store, with work on registers before and after the access in the same
// block (arch/arm64 assembly). Nothing of the faulting instruction has happened; all before it has, nothing behind it.
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

// x0: the address; x1: 16, an index; x3, x4: base and data of nothing in particular.
#define COMMON(F)                                                                                                      \
    F("ldrb w5, [x0]") F("ldrh w5, [x0]") F("ldr w5, [x0]") F("ldr x5, [x0]") F("ldrsb w5, [x0]") F("ldrsb x5, [x0]")  \
    F("ldrsh w5, [x0]") F("ldrsh x5, [x0]") F("ldrsw x5, [x0]") F("strb w5, [x0]") F("strh w5, [x0]") F("str w5, [x0]") \
    F("str x5, [x0]") F("str xzr, [x0]") F("ldr x5, [x0, #8]") F("str x5, [x0, #8]") F("ldur x5, [x0, #1]")             \
    F("stur x5, [x0, #1]") F("ldr x5, [x0, #16]!") F("str x5, [x0, #16]!") F("ldr x5, [x0], #16") F("str x5, [x0], #16") \
    F("ldrb w5, [x0], #-1") F("strb w5, [x0, #1]!") F("ldr x0, [x0]") F("ldr x5, [x0, x1]") F("str x5, [x0, x1]")      \
    F("ldr w5, [x0, w1, sxtw #2]") F("ldr x5, [x0, x1, lsl #3]") F("strh w5, [x0, w1, uxtw]") F("ldtr x5, [x0]")       \
    F("sttr x5, [x0]") F("ldtrsb w5, [x0, #3]") F("sttrb w5, [x0, #3]") F("ldp x5, x6, [x0]") F("ldp x0, x6, [x0]")     \
    F("ldp x6, x0, [x0]") F("ldp w5, w6, [x0, #8]") F("ldpsw x5, x6, [x0]") F("stp x5, x6, [x0]") F("stp w5, w6, [x0]") \
    F("ldp x5, x6, [x0], #32") F("ldp x5, x6, [x0, #16]!") F("stp x5, x6, [x0], #32") F("stp x5, x6, [x0, #16]!")      \
    F("ldnp x5, x6, [x0]") F("stnp x5, x6, [x0]") F("ldr b5, [x0]") F("ldr h5, [x0]") F("ldr s5, [x0]") F("ldr d5, [x0]") \
    F("ldr q5, [x0]") F("str b5, [x0]") F("str h5, [x0]") F("str s5, [x0]") F("str d5, [x0]") F("str q5, [x0]")        \
    F("ldr q5, [x0, #16]!") F("str q5, [x0], #16") F("ldr d5, [x0, x1]") F("str s5, [x0, x1, lsl #2]") F("ldp s5, s6, [x0]") \
    F("ldp d5, d6, [x0], #16") F("ldp q5, q6, [x0, #32]!") F("stp s5, s6, [x0]") F("stp d5, d6, [x0], #16")            \
    F("stp q5, q6, [x0, #32]!") F("ldnp q5, q6, [x0]") F("stnp q5, q6, [x0]") F("ld1 {v5.16b}, [x0]")                  \
    F("ld1 {v5.8b}, [x0], #8") F("ld1 {v5.4s, v6.4s}, [x0], x1") F("ld1 {v5.2d, v6.2d, v7.2d}, [x0]")                  \
    F("ld1 {v5.16b, v6.16b, v7.16b, v8.16b}, [x0], #64") F("ld2 {v5.4s, v6.4s}, [x0]") F("ld3 {v5.8h, v6.8h, v7.8h}, [x0], #48") \
    F("ld4 {v5.16b, v6.16b, v7.16b, v8.16b}, [x0]") F("ld1 {v5.b}[3], [x0]") F("ld1 {v5.d}[1], [x0], #8")               \
    F("ld2 {v5.s, v6.s}[1], [x0]") F("ld3 {v5.h, v6.h, v7.h}[2], [x0], x1") F("ld4 {v5.d, v6.d, v7.d, v8.d}[0], [x0]") \
    F("ld1r {v5.4s}, [x0], #4") F("ld2r {v5.8h, v6.8h}, [x0]") F("ld3r {v5.16b, v6.16b, v7.16b}, [x0]")                \
    F("ld4r {v5.2d, v6.2d, v7.2d, v8.2d}, [x0], #32") F("st1 {v5.16b}, [x0]") F("st1 {v5.8b}, [x0], #8")               \
    F("st1 {v5.4s, v6.4s}, [x0], x1") F("st1 {v5.16b, v6.16b, v7.16b, v8.16b}, [x0], #64") F("st2 {v5.4s, v6.4s}, [x0]") \
    F("st3 {v5.8h, v6.8h, v7.8h}, [x0], #48") F("st4 {v5.16b, v6.16b, v7.16b, v8.16b}, [x0]") F("st1 {v5.b}[3], [x0]") \
    F("st1 {v5.d}[1], [x0], #8") F("st2 {v5.s, v6.s}[1], [x0]") F("st4 {v5.d, v6.d, v7.d, v8.d}[0], [x0], #32")
// Those that must be aligned.
#define ALIGNED(F)                                                                                                     \
    F("ldarb w5, [x0]") F("ldarh w5, [x0]") F("ldar w5, [x0]") F("ldar x5, [x0]") F("stlrb w5, [x0]") F("stlr x5, [x0]") \
    F("ldxr x5, [x0]") F("ldaxrb w5, [x0]") F("ldxp x5, x6, [x0]") F("ldaxp w5, w6, [x0]") F("ldxr x0, [x0]")
#define LSE(F)                                                                                                         \
    F("ldadd x5, x6, [x0]") F("ldaddal w5, w6, [x0]") F("stadd x5, [x0]") F("ldsetb w5, w6, [x0]") F("ldclrh w5, w6, [x0]") \
    F("ldeor x5, x0, [x0]") F("ldsmax x5, x6, [x0]") F("ldumin w5, w6, [x0]") F("swp x5, x6, [x0]") F("swpal w5, w5, [x0]") \
    F("cas x5, x6, [x0]") F("casal w5, w6, [x0]") F("casb w5, w6, [x0]") F("casp x6, x7, x10, x11, [x0]")               \
    F("caspal w6, w7, w10, w11, [x0]")

// Each: some work, the access, other work on the same registers.
#define BEFORE "add x9, x9, #1\n add v9.4s, v9.4s, v10.4s\n subs x12, x13, x14\n mov x15, #77\n"
#define AFTER "\n add x9, x9, #1\n mov x15, #78\n fmov d9, #1.0\n adds x12, x12, x12\n mov x5, #0\n movi v5.16b, #0\n ret\n"
#define CODE(text) ".balign 64\n" BEFORE text AFTER
#define NAME(text) text,
__asm__(".text\n .arch_extension lse\n .balign 64\n common_code:\n" COMMON(CODE) ".balign 64\n aligned_code:\n" ALIGNED(CODE) ".balign 64\n lse_code:\n" LSE(CODE));
extern char common_code[], aligned_code[], lse_code[];
static const char *common_names[] = {COMMON(NAME)}, *aligned_names[] = {ALIGNED(NAME)}, *lse_names[] = {LSE(NAME)};
#define PLACE 4 // the access is the fifth instruction

// Loads all registers with what `expected` says, then jumps.
void enter_with(uint64_t address, uint64_t index, char *code);
__asm__(".text\n enter_with:\n stp x29, x30, [sp, #-16]!\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        " mov w3, #0x101 * \\n + 7\n dup v\\n\\().4s, w3\n.endr\n"
        "mov x16, x2\n"
        ".irp n,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17\n mov x\\n, #0x111 * \\n\n.endr\n"
        "cmp x2, x2\n blr x16\n ldp x29, x30, [sp], #16\n ret\n");

static sigjmp_buf back;
static const char *name;
static char *code;
static uint64_t address, low, high;
static int faults;
static void check_state(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    struct fpsimd_context *fp = (void *)uc->uc_mcontext.__reserved;
    int before = check_failures;
    faults++;
    EXPECT_EQ(signal, SIGSEGV);
    EXPECT_EQ(uc->uc_mcontext.pc, (uint64_t)code + PLACE * 4);
    EXPECT((uint64_t)info->si_addr >= low && (uint64_t)info->si_addr < high);
    EXPECT_EQ(uc->uc_mcontext.regs[0], address);
    EXPECT_EQ(uc->uc_mcontext.regs[1], 16);
    for (int n = 2; n <= 17; n++) {
        uint64_t wanted = n == 9 ? 0x111u * 9 + 1 : n == 12 ? -0x111ul : n == 15 ? 77 : n == 16 ? (uint64_t)code : 0x111ul * n;
        EXPECT_EQ(uc->uc_mcontext.regs[n], wanted);
    }
    EXPECT_EQ(uc->uc_mcontext.pstate & 0xf0000000, 0x80000000); // x13 - x14: negative, borrow
    for (unsigned n = 0; n < 32; n++) {
        uint32_t lane = 0x101 * n + 7;
        if (n == 9) lane += 0x101 * 10 + 7;
        uint64_t wanted = (uint64_t)lane << 32 | lane;
        EXPECT_EQ((uint64_t)fp->vregs[n], wanted);
        EXPECT_EQ((uint64_t)(fp->vregs[n] >> 64), wanted);
    }
    if (check_failures != before) printf("in %s\n", name);
    siglongjmp(back, 1);
}

static void try_all(const char *const *names, unsigned count, char *first, int crosses, char *hole) {
    for (unsigned i = 0; i < count; i++) {
        name = names[i];
        code = first + i * 64;
        for (volatile int way = 0; way <= crosses; way++) {
            // Well inside, and with the first byte before the hole: forms that reach no further do not fault then.
            address = (uint64_t)hole + (way ? -1ul : 4096 - 512);
            low = (uint64_t)hole;
            high = low + 8192;
            int before = faults;
            // Often enough for each tier.
            for (volatile int round = 0; round < 3; round++)
                if (sigsetjmp(back, 1) == 0) enter_with(address, 16, code);
            if (!way && faults != before + 3) {
                printf("%s: %d faults\n", name, faults - before);
                check_failures++;
            }
        }
    }
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = check_state;
    action.sa_flags = SA_SIGINFO;
    char *pages = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && mprotect(pages + 4096, 8192, PROT_NONE) == 0);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    int lse = getauxval(AT_HWCAP) >> 8 & 1;
    for (int round = 0; round < rounds; round++) {
        try_all(common_names, sizeof common_names / sizeof common_names[0], common_code, 1, pages + 4096);
        try_all(aligned_names, sizeof aligned_names / sizeof aligned_names[0], aligned_code, 0, pages + 4096);
        if (lse) try_all(lse_names, sizeof lse_names / sizeof lse_names[0], lse_code, 0, pages + 4096);
    }
    printf("forms %s\n", check_failures ? "differ" : "agree");
    return check_failures != 0;
}
