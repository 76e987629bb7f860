// Pointer authentication: every instruction signs, authenticates and strips; wrong codes; keys of threads, children and prctl. No
// output depends on keys. Failures fault with FEAT_FPAC and corrupt the pointer without, and both are checked.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

// Nothing but `compiled` signs by itself: without the feature its RETAA does not exist.
#pragma GCC target("arch=armv8.3-a,branch-protection=none")

#define PAC_FIELD 0x007f000000000000ul
#define RESET_KEYS 54
#define SET_ENABLED_KEYS 60
#define GET_ENABLED_KEYS 61

typedef unsigned long word;

#define TWO_OPERANDS(name)                                                                                             \
    static word name(word pointer, word modifier) {                                                                    \
        __asm__ volatile(#name " %0, %1" : "+r"(pointer) : "r"(modifier) : "memory");                                  \
        return pointer;                                                                                                \
    }
#define ONE_OPERAND(name)                                                                                              \
    static word name(word pointer, word unused) {                                                                      \
        (void)unused;                                                                                                  \
        __asm__ volatile(#name " %0" : "+r"(pointer)::"memory");                                                       \
        return pointer;                                                                                                \
    }
TWO_OPERANDS(pacia) TWO_OPERANDS(pacib) TWO_OPERANDS(pacda) TWO_OPERANDS(pacdb)
TWO_OPERANDS(autia) TWO_OPERANDS(autib) TWO_OPERANDS(autda) TWO_OPERANDS(autdb)
ONE_OPERAND(paciza) ONE_OPERAND(pacizb) ONE_OPERAND(pacdza) ONE_OPERAND(pacdzb)
ONE_OPERAND(autiza) ONE_OPERAND(autizb) ONE_OPERAND(autdza) ONE_OPERAND(autdzb)
ONE_OPERAND(xpaci) ONE_OPERAND(xpacd)

static word pacga(word value, word modifier) {
    word code;
    __asm__ volatile("pacga %0, %1, %2" : "=r"(code) : "r"(value), "r"(modifier));
    return code;
}

// Hints, by what they work on.
#define HINT_1716(name)                                                                                                \
    static word name(word pointer, word modifier) {                                                                    \
        register word x17 __asm__("x17") = pointer;                                                                    \
        register word x16 __asm__("x16") = modifier;                                                                   \
        __asm__ volatile(#name : "+r"(x17) : "r"(x16) : "memory");                                                     \
        return x17;                                                                                                    \
    }
#define HINT_LR(name)                                                                                                  \
    static word name(word pointer, word unused) {                                                                      \
        (void)unused;                                                                                                  \
        __asm__ volatile("mov x10, x30\n\tmov x30, %0\n\t" #name "\n\tmov %0, x30\n\tmov x30, x10"                     \
                         : "+r"(pointer)::"x10", "memory");                                                            \
        return pointer;                                                                                                \
    }
/// With SP = modifier while the hint runs; nothing is on the stack meanwhile.
#define HINT_SP(name)                                                                                                  \
    static word name(word pointer, word modifier) {                                                                    \
        __asm__ volatile("mov x10, x30\n\tmov x11, sp\n\tmov sp, %1\n\tmov x30, %0\n\t" #name                          \
                         "\n\tmov %0, x30\n\tmov sp, x11\n\tmov x30, x10"                                              \
                         : "+r"(pointer)                                                                               \
                         : "r"(modifier)                                                                               \
                         : "x10", "x11", "memory");                                                                    \
        return pointer;                                                                                                \
    }
HINT_1716(pacia1716) HINT_1716(pacib1716) HINT_1716(autia1716) HINT_1716(autib1716)
HINT_LR(paciaz) HINT_LR(pacibz) HINT_LR(autiaz) HINT_LR(autibz) HINT_LR(xpaclri)
HINT_SP(paciasp) HINT_SP(pacibsp) HINT_SP(autiasp) HINT_SP(autibsp)

typedef word (*operation)(word, word);
static const struct pair {
    const char *name;
    operation sign, authenticate, strip;
    /// The register form of the same key; the modifier is zero in the pair.
    operation plain;
    int zero;
} pairs[] = {
    {"ia", pacia, autia, xpaci, pacia, 0},          {"ib", pacib, autib, xpaci, pacib, 0},
    {"da", pacda, autda, xpacd, pacda, 0},          {"db", pacdb, autdb, xpacd, pacdb, 0},
    {"iza", paciza, autiza, xpaci, pacia, 1},       {"izb", pacizb, autizb, xpaci, pacib, 1},
    {"dza", pacdza, autdza, xpacd, pacda, 1},       {"dzb", pacdzb, autdzb, xpacd, pacdb, 1},
    {"ia1716", pacia1716, autia1716, xpaclri, pacia, 0}, {"ib1716", pacib1716, autib1716, xpaclri, pacib, 0},
    {"iaz", paciaz, autiaz, xpaclri, pacia, 1},     {"ibz", pacibz, autibz, xpaclri, pacib, 1},
    {"iasp", paciasp, autiasp, xpaclri, pacia, 0},  {"ibsp", pacibsp, autibsp, xpaclri, pacib, 0},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static sigjmp_buf failed;
static volatile int failures;
static siginfo_t failure;
static void on_sigill(int signal, siginfo_t *info, void *context) {
    (void)signal;
    failures++;
    failure = *info;
    // The fault is precise: at an instruction of ours.
    CHECK((word)info->si_addr == ((ucontext_t *)context)->uc_mcontext.pc);
    siglongjmp(failed, 1);
}

static int faults; // FEAT_FPAC

/// The result of authenticating a pointer that must fail: the fault, or a pointer that is neither.
static void expect_failure(operation authenticate, word wrong, word modifier, word original) {
    int before = failures;
    if (sigsetjmp(failed, 1) == 0) {
        word result = authenticate(wrong, modifier);
        CHECK(!faults && result != original && (result & ~0xffff000000000000ul) == (original & ~0xffff000000000000ul));
    } else {
        CHECK(faults && failures == before + 1);
        CHECK(failure.si_code == ILL_ILLOPN);
    }
}

static void sign_and_authenticate(void) {
    word state = 1;
    for (int p = 0; p < PAIRS; p++) {
        const struct pair *pair = pairs + p;
        word codes = 0;
        for (int i = 0; i < 200; i++) {
            word pointer = next_random(&state) & 0xffffffffffff;
            // A stack pointer for the forms that use one.
            word modifier = next_random(&state) & ~15ul;
            if (i % 4 == 1) pointer |= (next_random(&state) & 0xff) << 56;
            if (i % 4 == 2) pointer |= 0xffff000000000000;
            int upper = i % 4 == 2;
            word field = upper ? 0xff7f000000000000 : PAC_FIELD;
            word code = pair->sign(pointer, modifier);
            CHECK(((code ^ pointer) & ~field) == 0);
            CHECK(code == pair->plain(pointer, pair->zero ? 0 : modifier));
            CHECK(pair->authenticate(code, modifier) == pointer);
            CHECK(pair->strip(code, 0) == pointer && pair->strip(pointer, 0) == pointer);
            codes |= code ^ pointer;
            // Any wrong bit of the code is found.
            if (i < 32) {
                word wrong = 1ul << (48 + i % 7);
                expect_failure(pair->authenticate, code ^ wrong, modifier, pointer);
                if (upper) expect_failure(pair->authenticate, code ^ 1ul << (56 + i % 8), modifier, pointer);
            }
        }
        CHECK((codes & PAC_FIELD) == PAC_FIELD);
    }
    printf("signed and authenticated\n");
}

__attribute__((noinline)) static void depends_on_everything(void) {
    word state = 2;
    int same[4] = {0};
    for (int i = 0; i < 1000; i++) {
        word pointer = next_random(&state) & 0xffffffffffff, modifier = next_random(&state);
        word bit = 1ul << i % 48, modifierBit = 1ul << i % 64;
        word code = pacia(pointer, modifier) & PAC_FIELD;
        same[0] += code == (pacia(pointer ^ bit, modifier) & PAC_FIELD);
        same[1] += code == (pacia(pointer, modifier ^ modifierBit) & PAC_FIELD);
        same[2] += code == (pacib(pointer, modifier) & PAC_FIELD);
        same[3] += code == (pacda(pointer, modifier) & PAC_FIELD);
    }
    // One in 128 by chance.
    for (int i = 0; i < 4; i++) CHECK(same[i] < 40);
    int equal = 0;
    for (int i = 0; i < 1000; i++) {
        word value = next_random(&state), modifier = next_random(&state), code = pacga(value, modifier);
        CHECK((code & 0xffffffff) == 0 && code == pacga(value, modifier));
        equal += code == pacga(value ^ 1ul << i % 64, modifier) || code == pacga(value, modifier ^ 1ul << i % 64);
    }
    CHECK(equal == 0);
    printf("codes depend on pointer, modifier and key\n");
}

// MARK: combined instructions

word call_braa(word target, word modifier), call_blraa(word target, word modifier), call_brab(word target, word modifier),
    call_blrab(word target, word modifier), call_braaz(word target), call_blraaz(word target), call_brabz(word target),
    call_blrabz(word target), call_sp(word target), return_a(word x), return_b(word x), return_wrong(word x);
extern char branch_target[], blraa_here[], retaa_here[];
__asm__(".arch armv8.3-a\n.text\n"
        ".global branch_target\nbranch_target: mov x0, #42\n ret\n"
        ".global call_braa\ncall_braa: braa x0, x1\n"
        ".global call_brab\ncall_brab: brab x0, x1\n"
        ".global call_braaz\ncall_braaz: braaz x0\n"
        ".global call_brabz\ncall_brabz: brabz x0\n"
        ".global call_blraa\ncall_blraa: str x30, [sp, #-16]!\n"
        ".global blraa_here\nblraa_here: blraa x0, x1\n add x0, x0, #1\n ldr x30, [sp], #16\n ret\n"
        ".global call_blrab\ncall_blrab: str x30, [sp, #-16]!\n mov x30, x0\n blrab x30, x1\n add x0, x0, #1\n ldr x30, [sp], #16\n ret\n"
        ".global call_blraaz\ncall_blraaz: str x30, [sp, #-16]!\n blraaz x0\n add x0, x0, #1\n ldr x30, [sp], #16\n ret\n"
        ".global call_blrabz\ncall_blrabz: str x30, [sp, #-16]!\n blrabz x0\n add x0, x0, #1\n ldr x30, [sp], #16\n ret\n"
        ".global call_sp\ncall_sp: mov x9, sp\n pacia x0, x9\n braa x0, sp\n"
        ".global return_a\nreturn_a: paciasp\n sub sp, sp, #32\n str x30, [sp]\n add x0, x0, #1\n ldr x30, [sp]\n add sp, sp, #32\n retaa\n"
        ".global return_b\nreturn_b: pacibsp\n add x0, x0, #2\n retab\n"
        ".global return_wrong\nreturn_wrong: paciasp\n eor x30, x30, #0x1000000000000\n"
        ".global retaa_here\nretaa_here: retaa\n");

#define LOAD(name)                                                                                                     \
    static word name(word *pointer, word *updated) {                                                                   \
        word value;                                                                                                    \
        __asm__ volatile(#name " %0, [%1, #-16]!" : "=&r"(value), "+r"(pointer)::"memory");                            \
        *updated = (word)pointer;                                                                                      \
        return value;                                                                                                  \
    }                                                                                                                  \
    static word name##_offset(word *pointer) {                                                                         \
        word value;                                                                                                    \
        __asm__ volatile(#name " %0, [%1, #4088]" : "=&r"(value) : "r"(pointer) : "memory");                           \
        return value;                                                                                                  \
    }
LOAD(ldraa) LOAD(ldrab)

static void combined(void) {
    word target = (word)branch_target;
    CHECK(call_braa(pacia(target, 99), 99) == 42 && call_brab(pacib(target, 98), 98) == 42);
    CHECK(call_braaz(paciza(target, 0)) == 42 && call_brabz(pacizb(target, 0)) == 42);
    CHECK(call_blraa(pacia(target, 97), 97) == 43 && call_blrab(pacib(target, 96), 96) == 43);
    CHECK(call_blraaz(paciza(target, 0)) == 43 && call_blrabz(pacizb(target, 0)) == 43);
    CHECK(call_sp(target) == 42);
    CHECK(return_a(5) == 6 && return_b(5) == 7);
    static word memory[520];
    for (int i = 0; i < 520; i++) memory[i] = (word)i * 3;
    word updated;
    CHECK(ldraa((word *)pacdza((word)(memory + 7), 0), &updated) == 15 && updated == (word)(memory + 5));
    CHECK(ldrab((word *)pacdzb((word)(memory + 8), 0), &updated) == 18 && updated == (word)(memory + 6));
    CHECK(ldraa_offset((word *)pacdza((word)memory, 0)) == 511 * 3);
    CHECK(ldrab_offset((word *)pacdzb((word)(memory + 1), 0)) == 512 * 3);
    if (faults) {
        // Nothing has happened when the combined instruction faults.
        if (sigsetjmp(failed, 1) == 0) {
            call_blraa(pacia(target, 97) ^ 1ul << 50, 97);
            CHECK(0);
        }
        CHECK((char *)failure.si_addr == blraa_here && failure.si_code == ILL_ILLOPN);
        if (sigsetjmp(failed, 1) == 0) {
            return_wrong(0);
            CHECK(0);
        }
        CHECK((char *)failure.si_addr == retaa_here);
        if (sigsetjmp(failed, 1) == 0) {
            ldraa((word *)(pacdza((word)memory, 0) ^ 1ul << 49), &updated);
            CHECK(0);
        }
        CHECK(failure.si_code == ILL_ILLOPN);
    }
    printf("branches, returns and loads\n");
}

__attribute__((noinline, target("arch=armv8.3-a,branch-protection=pac-ret+leaf"))) static long compiled(long n) {
    return n < 2 ? n : compiled(n - 1) + compiled(n - 2);
}

// MARK: keys

#define KEYS 5
static void codes(word out[KEYS]) {
    // Many pointers: the seven bits of one may agree by chance. Rotated, so that the codes, all in the same bits, stay apart.
    memset(out, 0, KEYS * sizeof *out);
    for (word i = 0; i < 16; i++) {
        operation signs[KEYS] = {pacia, pacib, pacda, pacdb, pacga};
        for (int k = 0; k < KEYS; k++) out[k] = (out[k] << 9 | out[k] >> 55) ^ signs[k](i << 20, i);
    }
}
static void expect_changed(const word before[KEYS], const word after[KEYS], int mask) {
    for (int k = 0; k < KEYS; k++) CHECK((before[k] != after[k]) == (mask >> k & 1));
}

static void *in_thread(void *argument) {
    word mine[KEYS], changed[KEYS];
    codes(mine);
    expect_changed(argument, mine, 0);
    // Not the key that frames of this thread may be signed with.
    CHECK(prctl(RESET_KEYS, 30, 0, 0, 0) == 0);
    codes(changed);
    expect_changed(mine, changed, 30);
    return NULL;
}

static void keys(void) {
    word before[KEYS], after[KEYS];
    codes(before);
    codes(after);
    expect_changed(before, after, 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, in_thread, before) == 0 && pthread_join(thread, NULL) == 0);
    codes(after);
    expect_changed(before, after, 0);
    pid_t child = fork();
    if (child == 0) {
        codes(after);
        if (memcmp(before, after, sizeof before) != 0) _exit(8);
        // All of them; no signed frame returns after this.
        register long option __asm__("x0") = RESET_KEYS, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0, x3 __asm__("x3") = 0;
        register long x4 __asm__("x4") = 0, number __asm__("x8") = SYS_prctl;
        __asm__ volatile("svc #0" : "+r"(option) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(number) : "memory");
        if (option != 0) _exit(9);
        codes(after);
        for (int k = 0; k < KEYS; k++)
            if (before[k] == after[k]) _exit(10 + k);
        _exit(7);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);

    CHECK(prctl(RESET_KEYS, 32, 0, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(RESET_KEYS, 1, 1, 0, 0) == -1 && errno == EINVAL);
    for (int mask = 2; mask < 32; mask <<= 1) {
        codes(before);
        CHECK(prctl(RESET_KEYS, mask, 0, 0, 0) == 0);
        codes(after);
        expect_changed(before, after, mask);
    }

    // QEMU does not know these.
    if (prctl(GET_ENABLED_KEYS, 0, 0, 0, 0) == -1) return;
    CHECK(prctl(GET_ENABLED_KEYS, 0, 0, 0, 0) == 15);
    CHECK(prctl(SET_ENABLED_KEYS, 16, 0, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(SET_ENABLED_KEYS, 2, 4, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(SET_ENABLED_KEYS, 2 | 8, 8, 0, 0) == 0 && prctl(GET_ENABLED_KEYS, 0, 0, 0, 0) == 13);
    word code = pacia(0x123456789abc, 5);
    CHECK(pacib(0x123456789abc, 5) == 0x123456789abc && autib(code, 99) == code && xpaci(code, 0) == 0x123456789abc);
    CHECK(call_brab((word)branch_target, 3) == 42 && return_b(1) == 3);
    CHECK(autia(code, 5) == 0x123456789abc);
    CHECK(prctl(SET_ENABLED_KEYS, 2, 2, 0, 0) == 0 && prctl(GET_ENABLED_KEYS, 0, 0, 0, 0) == 15);
    CHECK(autib(pacib(0x123456789abc, 5), 5) == 0x123456789abc);
}

int main(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_sigill;
    // Some hints run with a modifier as stack pointer.
    static char alternate[64 << 10];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(sigaltstack(&stack, NULL) == 0);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    CHECK(sigaction(SIGILL, &action, NULL) == 0);
    if (!(getauxval(AT_HWCAP) & HWCAP_PACA)) {
        // Hints do nothing, the others do not exist.
        CHECK(!(getauxval(AT_HWCAP) & HWCAP_PACG));
        for (int p = 8; p < PAIRS; p++)
            CHECK(pairs[p].sign(0x1234567890, 16) == 0x1234567890 && pairs[p].authenticate(0x99551234567890, 16) == 0x99551234567890);
        CHECK(xpaclri(0x99551234567890, 0) == 0x99551234567890);
        for (int p = 0; p < 8; p++) {
            if (sigsetjmp(failed, 1) == 0) {
                pairs[p].sign(1, 2);
                CHECK(0);
            }
        }
        CHECK(failures == 8 && prctl(RESET_KEYS, 0, 0, 0, 0) == -1 && errno == EINVAL);
        printf("no pointer authentication\n");
        return 0;
    }
    CHECK(getauxval(AT_HWCAP) & HWCAP_PACG);
    word features;
    __asm__("mrs %0, id_aa64isar1_el1" : "=r"(features));
    faults = (features >> 4 & 15) >= 4 || (features >> 8 & 15) >= 4;
    sign_and_authenticate();
    depends_on_everything();
    combined();
    CHECK(compiled(20) == 6765);
    printf("compiled code\n");
    keys();
    printf("keys\n");
    return 0;
}
