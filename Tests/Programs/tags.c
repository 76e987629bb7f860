// Pointers with a tag in their top byte, which the processor ignores (TBI): every kind of access, branches, si_addr, and the
// system calls' rules for them.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#ifndef PR_SET_TAGGED_ADDR_CTRL
#define PR_SET_TAGGED_ADDR_CTRL 55
#define PR_GET_TAGGED_ADDR_CTRL 56
#endif

#define TAGGED(pointer, tag) ((__typeof__(&*(pointer)))((uint64_t)(pointer) | (uint64_t)(tag) << 56))

static sigjmp_buf back;
static void *volatile fault_address;
static volatile int fault_code;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)context;
    fault_address = info->si_addr;
    fault_code = info->si_code;
    siglongjmp(back, signal);
}

static uint64_t words[64] __attribute__((aligned(64)));
static void fill(void) {
    for (unsigned i = 0; i < 64; i++) words[i] = 0x0101010101010101ul * i + 0x8000;
}
static void sum(const char *what) {
    uint64_t total = 0;
    for (unsigned i = 0; i < 64; i++) total = total * 31 + words[i];
    printf("%s %016lx\n", what, total);
}

static void plain(unsigned tag) {
    fill();
    char *p = TAGGED((char *)words, tag);
    volatile uint8_t *b = (void *)p;
    volatile uint16_t *h = (void *)p;
    volatile uint32_t *w = (void *)p;
    volatile uint64_t *x = (void *)p;
    volatile int8_t *sb = (void *)p;
    volatile int16_t *sh = (void *)p;
    volatile int32_t *sw = (void *)p;
    volatile float *f = (void *)p;
    volatile double *d = (void *)p;
    for (int i = 0; i < 8; i++) {
        b[i] = (uint8_t)(b[i + 1] + sb[i]);
        h[i + 8] = (uint16_t)(h[i] + sh[i + 9]);
        w[i + 16] = (uint32_t)(w[i] + (uint32_t)sw[i + 17]);
        x[i + 32] = x[i] + (uint64_t)sw[i + 18] + (uint64_t)sh[i];
        f[100 + i] = f[i], d[52 + i] = d[i];
    }
    sum("plain");
}

static void assembly(unsigned tag) {
    fill();
    uint64_t *p = TAGGED(words, tag), a = 1, b = 2, c = 3, index = 8;
    uint64_t *q = p;
    __asm__ volatile("ldr %[a], [%[q], #8]!\n str %[a], [%[q]], #16\n ldur %[b], [%[q], #-8]\n"
                     "stp %[a], %[b], [%[q], #32]!\n ldp %[a], %[b], [%[q]], #-16\n ldpsw %[a], %[b], [%[q], #8]\n"
                     "str %[b], [%[q], %[i]]\n ldr %w[a], [%[q], %w[i], sxtw #2]\n ldrsb %[b], [%[q], %w[i], uxtw]\n"
                     : [q] "+r"(q), [a] "+&r"(a), [b] "+&r"(b) : [i] "r"(index) : "memory");
    printf("moved by %ld, %lx %lx, tag kept %d\n", (long)((uint64_t)q - (uint64_t)p), a, b, (unsigned)((uint64_t)q >> 56) == tag);
    q = p;
    __asm__ volatile("ldr q0, [%[q], #16]\n ldp q1, q2, [%[q], #32]\n stp q2, q0, [%[q], #64]\n"
                     "ld1 {v3.16b-v6.16b}, [%[q]], #64\n st1 {v3.16b, v4.16b}, [%[q]], #32\n ld2 {v1.4s, v2.4s}, [%[q]]\n"
                     "st3 {v1.8h-v3.8h}, [%[q]]\n ld1r {v5.2d}, [%[q]]\n st1 {v5.s}[2], [%[q]]\n ld4 {v1.b-v4.b}[3], [%[q]]\n"
                     "str q4, [%[q], #48]\n stnp d1, d2, [%[q], #80]\n"
                     : [q] "+r"(q) : : "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6");
    sum("vectors");
    q = p;
    uint32_t status;
    __asm__ volatile("1: ldaxr %[a], [%[q]]\n add %[a], %[a], #5\n stlxr %w[s], %[a], [%[q]]\n cbnz %w[s], 1b\n"
                     "2: ldxp %[a], %[b], [%[p2]]\n stxp %w[s], %[b], %[a], [%[p2]]\n cbnz %w[s], 2b\n"
                     "ldar %[b], [%[q]]\n stlr %w[b], [%[p2]]\n"
                     : [a] "+&r"(a), [b] "+&r"(b), [s] "=&r"(status) : [q] "r"(q), [p2] "r"(q + 2) : "memory");
    printf("exclusive %lx %lx\n", a, b);
    __asm__ volatile(".arch armv8.1-a\n ldaddal %[a], %[b], [%[q]]\n swp %[b], %[c], [%[p1]]\n casal %[c], %[a], [%[p2]]\n"
                     "ldsmaxb %w[a], %w[c], [%[p1]]\n stset %[b], [%[q]]\n"
                     : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c) : [q] "r"(q), [p1] "r"(q + 1), [p2] "r"(q + 2) : "memory");
    register uint64_t x2 __asm__("x2") = words[4], x3 __asm__("x3") = words[5], x4 __asm__("x4") = 17, x5 __asm__("x5") = 18;
    __asm__ volatile(".arch armv8.1-a\n caspal x2, x3, x4, x5, [%[q]]\n" : "+r"(x2), "+r"(x3) : "r"(x4), "r"(x5), [q] "r"(q + 4) : "memory");
    printf("atomics %lx %lx %lx %lx %lx\n", a, b, c, x2, x3);
    // A reservation by one tag is good for another.
    uint64_t *other = TAGGED(words, 255 - tag);
    __asm__ volatile("ldxr %[a], [%[q]]\n stxr %w[s], %[a], [%[o]]\n" : [a] "=&r"(a), [s] "=&r"(status) : [q] "r"(q), [o] "r"(other) : "memory");
    printf("other tag %u\n", status);
    __asm__ volatile("dc zva, %[z]\n prfm pldl1keep, [%[z]]\n dc cvac, %[z]\n dc civac, %[z]\n" : : [z] "r"(q + 40) : "memory");
    // How much is zeroed differs between processors.
    printf("zeroed %d\n", words[40] == 0);
}

static int twice(int n) { return 2 * n; }
static void branches(unsigned tag) {
    int (*volatile function)(int) = TAGGED(&twice, tag);
    int total = 0;
    for (int i = 0; i < 1000; i++) total += function(i);
    uint64_t here, there;
    // The PC has no tag, and neither has a return address.
    __asm__ volatile("adr x9, 1f\n orr x9, x9, %[tag]\n br x9\n 1: adr %[here], 1b\n"
                     "adr x9, 2f\n orr x9, x9, %[tag]\n blr x9\n b 3f\n 2: mov %[there], x30\n ret\n 3:\n"
                     : [here] "=&r"(here), [there] "=&r"(there) : [tag] "r"((uint64_t)tag << 56) : "x9", "x30");
    printf("branches %d %d %d\n", total, (int)(here >> 56), (int)(there >> 56));
}

static void fault(const char *what, volatile char *p, int offset) {
    int signal = sigsetjmp(back, 1);
    if (signal == 0) (void)p[offset];
    printf("%s: signal %d code %d address %d\n", what, signal, fault_code,
           fault_address == (void *)((uint64_t)(p + offset) & ~(0xfful << 56)));
}
static void faults(void) {
    char *page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(munmap(page + 4096, 4096) == 0 && mprotect(page, 4096, PROT_NONE) == 0);
    fault("no access", TAGGED(page, 0x12), 5);
    fault("no mapping", TAGGED(page, 0x80), 4097);
    fault("null", TAGGED((char *)NULL, 0xff), 64);
}
/// A pointer that is none whatever its top byte.
static void wild(void) {
    fault("wild", (char *)0x12345678fffffff0ul, 24);
    uint64_t base = 0x7f00dead00000000ul, index = 0x10;
    int signal = sigsetjmp(back, 1);
    if (signal == 0) __asm__ volatile("ldr q0, [%0, %1]" : : "r"(base), "r"(index) : "v0");
    printf("wild sum: signal %d address %lx\n", signal, (uint64_t)fault_address);
    signal = sigsetjmp(back, 1);
    if (signal == 0) __asm__ volatile("stp x2, x3, [%0, #-32]!" : "+r"(base) : : "memory");
    printf("wild pair: signal %d address %lx base %lx\n", signal, (uint64_t)fault_address, base);
}

static char root[] = "/";
static void calls(void) {
    char text[16] = "hello";
    int pipes[2];
    CHECK(pipe(pipes) == 0);
    struct stat status;
    char *name = TAGGED(root, 3);
    long n = write(pipes[1], TAGGED(text, 3), 5);
    printf("write %ld %d, ", n, n < 0 ? errno : 0);
    int result = stat(name, &status);
    printf("stat %d %d, ", result, result < 0 ? errno : 0);
    result = sigaltstack(NULL, TAGGED((stack_t *)text, 1));
    printf("sigaltstack %d %d\n", result, result < 0 ? errno : 0);
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    close(pipes[0]), close(pipes[1]);
    munmap(page, 4096);
}
static void control(void) {
    calls();
    printf("get %d\n", prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
    printf("set unknown %d\n", prctl(PR_SET_TAGGED_ADDR_CTRL, 1ul << 40, 0, 0, 0));
    printf("set with rest %d\n", prctl(PR_SET_TAGGED_ADDR_CTRL, 1, 1, 0, 0));
    printf("set %d\n", prctl(PR_SET_TAGGED_ADDR_CTRL, 1, 0, 0, 0));
    printf("get %d\n", prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
    char text[16] = "hello";
    int pipes[2];
    CHECK(pipe(pipes) == 0);
    CHECK(write(pipes[1], TAGGED(text, 9), 5) == 5);
    memset(text, 0, 5);
    CHECK(read(pipes[0], TAGGED(text, 7), 5) == 5);
    struct stat status;
    printf("read '%s' stat %d\n", text, stat(TAGGED(root, 3), TAGGED(&status, 99)));
    close(pipes[0]), close(pipes[1]);
    CHECK(prctl(PR_SET_TAGGED_ADDR_CTRL, 0, 0, 0, 0) == 0);
    calls();
}

static void *worker(void *argument) {
    // Hot loops over tagged memory in several threads, some of which begin before there was any tag.
    uint64_t *p = argument;
    uint64_t total = 0;
    for (int round = 0; round < 200; round++)
        for (int i = 0; i < 1000; i++) total += p[i], p[i] = total;
    return (void *)total;
}
static void threads(void) {
    pthread_t ids[4];
    uint64_t *memory[4], total = 0;
    for (unsigned i = 0; i < 4; i++) {
        memory[i] = calloc(1000, 8);
        for (unsigned k = 0; k < 1000; k++) memory[i][k] = k * i;
        CHECK(pthread_create(&ids[i], NULL, worker, TAGGED(memory[i], i * 0x33)) == 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result;
        CHECK(pthread_join(ids[i], &result) == 0);
        total = total * 31 + (uint64_t)result;
        free(memory[i]);
    }
    printf("threads %016lx\n", total);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
    if (argc > 1 && strcmp(argv[1], "wild") == 0) {
        wild();
        return 0;
    }
    threads();
    for (unsigned tag = 0; tag < 256; tag += 85) {
        plain(tag);
        assembly(tag);
        branches(tag);
    }
    faults();
    control();
    return 0;
}
