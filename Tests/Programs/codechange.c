// Code that changes: through another mapping, with its mapping, under a running thread, in a fork child. Checks itself: what
// was made of old code must never run after the architecture says that new code does.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MOV(value) (0x52800000u | (uint32_t)(value) << 5) // mov w0, #value
#define RET 0xd65f03c0u
#define NOP 0xd503201fu
#define B(words) (0x14000000u | ((uint32_t)(words) & 0x3ffffff))

typedef int (*function)(void);
static int call(void *code) { return ((function)code)(); }
static void synchronise(void *start, unsigned long size) { __builtin___clear_cache((char *)start, (char *)start + size); }
static void put(uint32_t *at, int value) {
    at[0] = MOV(value);
    at[1] = RET;
}
static void emit(uint32_t *at, int value) {
    put(at, value);
    synchronise(at, 8);
}
static void *map(unsigned long size, int protection) {
    void *p = mmap(NULL, size, protection, ANON, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static sigjmp_buf back;
static volatile int fault_code;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)context;
    fault_code = info->si_code;
    siglongjmp(back, signal);
}
/// What a call gives, or minus signal * 100 + si_code.
static int try_call(void *code) {
    int signal = sigsetjmp(back, 1);
    return signal ? -(signal * 100 + fault_code) : call(code);
}
#define EXPECT(value, wanted)                                                                                          \
    do {                                                                                                               \
        int got_ = (value);                                                                                            \
        if (got_ != (wanted)) {                                                                                        \
            printf("%d: failed: %s is %d, not %d\n", __LINE__, #value, got_, (wanted));                                \
            exit(99);                                                                                                  \
        }                                                                                                              \
    } while (0)
enum { HOT = 300 };
static void heat(void *code, int value) {
    for (int i = 0; i < HOT; i++) EXPECT(call(code), value);
}

static void aliases(void) {
    int file = memfd_create("code", 0);
    CHECK(file >= 0 && ftruncate(file, 2 * PAGE) == 0);
    uint32_t *write_view = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    uint32_t *run_view = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    CHECK(write_view != MAP_FAILED && run_view != MAP_FAILED);
    for (int i = 0; i < 40; i++) {
        put(write_view + 8 * (i % 3), i);
        synchronise(run_view + 8 * (i % 3), 8);
        heat(run_view + 8 * (i % 3), i);
    }
    // Changed by system calls.
    for (int i = 0; i < 20; i++) {
        uint32_t code[2];
        put(code, 1000 + i);
        if (i & 1) {
            CHECK(pwrite(file, code, 8, 0) == 8);
        } else {
            struct iovec from = {code, 8}, to = {write_view, 8};
            CHECK(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 8);
        }
        synchronise(run_view, 8);
        heat(run_view, 1000 + i);
    }
    CHECK(munmap(write_view, 2 * PAGE) == 0 && munmap(run_view, 2 * PAGE) == 0);
    // Behind the end of the file there is nothing to run.
    uint32_t *cut = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    CHECK(ftruncate(file, PAGE) == 0);
    EXPECT(try_call(cut + PAGE / 4), -(SIGBUS * 100 + BUS_ADRERR));
    CHECK(munmap(cut, 2 * PAGE) == 0);
    close(file);

    int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
    uint32_t *shared = shmat(id, NULL, SHM_EXEC), *other = shmat(id, NULL, 0);
    CHECK(shared != (void *)-1 && other != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
    for (int i = 0; i < 10; i++) {
        put(other, i);
        synchronise(shared, 8);
        heat(shared, i);
    }
    EXPECT(try_call(other), -(SIGSEGV * 100 + SEGV_ACCERR));
    CHECK(shmdt(shared) == 0);
    EXPECT(try_call(shared), -(SIGSEGV * 100 + SEGV_MAPERR));
    CHECK(shmdt(other) == 0);
    puts("aliases");
}

static void remapping(void) {
    char *region = map(8 * PAGE, PROT_NONE);
    // Other code at the same address, each time by another way, never with IC IVAU at that address.
    for (int i = 0; i < 60; i++) {
        uint32_t *code = map(PAGE, RWX);
        emit(code, i);
        switch (i % 4) {
        case 0:
            CHECK(mremap(code, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, region) == region);
            break;
        case 1:
            CHECK(munmap(region, PAGE) == 0);
            CHECK(mremap(code, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, region) == region);
            break;
        case 2: {
            int file = memfd_create("code", 0);
            CHECK(write(file, code, PAGE) == (long)PAGE);
            CHECK(mmap(region, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0) == region);
            CHECK(close(file) == 0 && munmap(code, PAGE) == 0);
            break;
        }
        case 3: {
            int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
            void *view = shmat(id, NULL, 0);
            memcpy(view, code, PAGE);
            CHECK(shmat(id, region, SHM_EXEC | SHM_REMAP) == region);
            CHECK(shmdt(view) == 0 && shmctl(id, IPC_RMID, NULL) == 0 && munmap(code, PAGE) == 0);
            break;
        }
        }
        heat(region, i);
    }
    uint32_t *code = mmap(region, PAGE, RWX, ANON | MAP_FIXED, -1, 0);
    emit(code, 7);
    heat(code, 7);
    CHECK(madvise(code, PAGE, MADV_DONTNEED) == 0);
    EXPECT(try_call(code), -(SIGILL * 100 + ILL_ILLOPC));
    emit(code, 8);
    heat(code, 8);
    CHECK(mremap(code, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, region + 4 * PAGE) != MAP_FAILED);
    EXPECT(try_call(code), -(SIGILL * 100 + ILL_ILLOPC));
    EXPECT(call(region + 4 * PAGE), 8);
    emit(code, 9);
    heat(code, 9);
    CHECK(mprotect(code, PAGE, PROT_NONE) == 0);
    EXPECT(try_call(code), -(SIGSEGV * 100 + SEGV_ACCERR));
    CHECK(mprotect(code, PAGE, PROT_EXEC) == 0);
    heat(code, 9);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0);
    EXPECT(try_call(code), -(SIGSEGV * 100 + SEGV_ACCERR));
    put(code, 10);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
    synchronise(code, 8);
    heat(code, 10);
    CHECK(munmap(region, 8 * PAGE) == 0);
    EXPECT(try_call(code), -(SIGSEGV * 100 + SEGV_MAPERR));
    // A run that leaves the last page of code.
    uint32_t *two = map(2 * PAGE, RWX);
    for (unsigned i = 0; i < PAGE / 4; i++) two[i] = NOP;
    put(two + PAGE / 4, 11);
    synchronise(two, 2 * PAGE);
    heat(two + PAGE / 4 - 2, 11);
    CHECK(mprotect(two + PAGE / 4, PAGE, PROT_NONE) == 0);
    EXPECT(try_call(two + PAGE / 4 - 2), -(SIGSEGV * 100 + SEGV_ACCERR));
    CHECK(munmap(two, 2 * PAGE) == 0);
    puts("remapping");
}

static __attribute__((noinline)) void on_the_stack(int value) {
    uint32_t code[64] __attribute__((aligned(64)));
    char *page = (char *)((uintptr_t)code & ~(PAGE - 1));
    unsigned long size = (char *)(code + 64) - page > (long)PAGE ? 2 * PAGE : PAGE;
    CHECK(mprotect(page, size, RWX) == 0);
    emit(code, value);
    heat(code, value);
    emit(code, value + 1);
    heat(code, value + 1);
}

/// x0: the word to patch, w1: the new word. Patches the instruction behind its own ISB.
static void within_one_block(void) {
    uint32_t *code = map(PAGE, RWX);
    const uint32_t words[] = {
        0xb9000001,  // str w1, [x0]
        0xd50b7b20,  // dc cvau, x0
        0xd5033b9f,  // dsb ish
        0xd50b7520,  // ic ivau, x0
        0xd5033b9f,  // dsb ish
        0xd5033fdf,  // isb
        MOV(0),      // patched
        RET,
    };
    memcpy(code, words, sizeof words);
    synchronise(code, sizeof words);
    for (int i = 0; i < 2000; i++) EXPECT(((int (*)(void *, uint32_t))(void *)code)(code + 6, MOV(i)), i);
    CHECK(munmap(code, PAGE) == 0);
    puts("own block");
}

// ---- threads

static void *loop_until_patched(void *code) { return (void *)(long)call(code); }

/// A loop without any call is patched to end.
static void patched_loops(void) {
    for (int round = 0; round < 30; round++) {
        uint32_t *code = map(PAGE, RWX);
        code[0] = MOV(0);
        code[1] = NOP;
        code[2] = 0x11000421;  // add w1, w1, #1
        code[3] = B(-2);
        code[4] = MOV(round + 1);
        code[5] = RET;
        synchronise(code, 24);
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, loop_until_patched, code) == 0);
        usleep(round % 5 * 500);
        __atomic_store_n(&code[1], B(3), __ATOMIC_RELEASE);
        synchronise(code + 1, 4);
        for (int i = 0; i < 2; i++) {
            void *result;
            CHECK(pthread_join(threads[i], &result) == 0);
            EXPECT((int)(long)result, round + 1);
        }
        CHECK(munmap(code, PAGE) == 0);
    }
    puts("patched loops");
}

// A branch is patched to ever higher stubs while threads run through it. Once a version is published nothing older may run.
enum { STUBS = 200, SITES = 24 };
static uint32_t *race_code;
static atomic_int published[SITES];
static atomic_bool race_ends;
static void *race_reader(void *argument) {
    unsigned long random = (unsigned long)argument, calls = 0;
    while (!atomic_load(&race_ends)) {
        unsigned site = next_random(&random) % SITES;
        int before = atomic_load_explicit(&published[site], memory_order_acquire);
        __asm__ volatile("isb" ::: "memory");
        int got = call(race_code + site * 16);
        int after = atomic_load(&published[site]) + 1;
        if (got < before || got > after) {
            printf("failed: site %u gave %d between %d and %d\n", site, got, before, after);
            exit(99);
        }
        calls++;
    }
    return (void *)calls;
}
static void race(int rounds) {
    race_code = map(2 * PAGE, RWX);
    uint32_t *stubs = race_code + PAGE / 4;
    for (int i = 0; i < STUBS; i++) put(stubs + 4 * i, i);
    synchronise(race_code, 2 * PAGE);
    unsigned long random = 5;
    for (int round = 0; round < rounds; round++) {
        atomic_store(&race_ends, false);
        for (int site = 0; site < SITES; site++) {
            atomic_store(&published[site], 0);
            race_code[16 * site] = B(stubs - (race_code + 16 * site));
        }
        synchronise(race_code, PAGE);
        pthread_t threads[3];
        for (long i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, race_reader, (void *)(i + 1)) == 0);
        for (int version = 1; version < STUBS; version++)
            for (int n = 0; n < SITES; n++) {
                uint32_t *at = race_code + 16 * n;
                __atomic_store_n(at, B(stubs + 4 * version - at), __ATOMIC_RELEASE);
                synchronise(at, 4);
                atomic_store_explicit(&published[n], version, memory_order_release);
                if (next_random(&random) % 64 == 0) usleep(100);
            }
        atomic_store(&race_ends, true);
        for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(munmap(race_code, 2 * PAGE) == 0);
    puts("race");
}

// Functions that are made, run, patched and dropped by several threads, as in a virtual machine's code heap.
static atomic_long made;
static long churn_rounds;
static void *churn(void *argument) {
    unsigned long random = 77 + (unsigned long)argument;
    uint32_t *heap = map(16 * PAGE, RWX);
    enum { SLOTS = 16 * PAGE / 64 };
    int values[SLOTS] = {0};
    for (int i = 0; i < SLOTS; i++) emit(heap + 16 * i, 0);
    for (long n = 0; n < churn_rounds; n++) {
        int slot = (int)(next_random(&random) % SLOTS);
        int value = (int)(next_random(&random) & 0xffff);
        emit(heap + 16 * slot, value);
        values[slot] = value;
        int runs = n % 50 == 0 ? HOT : 3;
        for (int i = 0; i < runs; i++) EXPECT(call(heap + 16 * slot), value);
        int other = (int)(next_random(&random) % SLOTS);
        EXPECT(call(heap + 16 * other), values[other]);
        atomic_fetch_add(&made, 1);
        if (n % 5000 == 4999) {
            CHECK(munmap(heap, 16 * PAGE) == 0);
            heap = map(16 * PAGE, RWX);
            for (int i = 0; i < SLOTS; i++) emit(heap + 16 * i, values[i]);
        }
    }
    CHECK(munmap(heap, 16 * PAGE) == 0);
    return NULL;
}
static long resident_pages(void) {
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld %ld", &size, &resident) == 2);
    fclose(file);
    return resident;
}
static void churning(long rounds, int phases) {
    long first = 0;
    for (int phase = 0; phase < phases; phase++) {
        churn_rounds = rounds;
        pthread_t threads[4];
        for (long i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, churn, (void *)i) == 0);
        for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
        if (phase == 0) first = resident_pages();
        if (phases > 2) fprintf(stderr, "%ld functions, %ld MiB resident\n", atomic_load(&made), resident_pages() / 256);
    }
    long growth = resident_pages() - first;
    if (growth > 64 * 256) printf("failed: grew by %ld pages\n", growth);
    puts("churn");
}

static void forked(void) {
    uint32_t *code = map(PAGE, RWX);
    for (int i = 0; i < 10; i++) {
        emit(code, i);
        heat(code, i);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            heat(code, i);
            emit(code, i + 100);
            heat(code, i + 100);
            _exit(0);
        }
        heat(code, i);
        emit(code, i + 50);
        heat(code, i + 50);
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        heat(code, i + 50);
    }
    // Gone or empty in the child, but not here.
    for (int wipe = 0; wipe < 2; wipe++) {
        CHECK(madvise(code, PAGE, wipe ? MADV_WIPEONFORK : MADV_DONTFORK) == 0);
        pid_t child = fork();
        if (child == 0) {
            EXPECT(try_call(code), wipe ? -(SIGILL * 100 + ILL_ILLOPC) : -(SIGSEGV * 100 + SEGV_MAPERR));
            _exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        heat(code, 59);
        CHECK(madvise(code, PAGE, wipe ? MADV_KEEPONFORK : MADV_DOFORK) == 0);
    }
    CHECK(munmap(code, PAGE) == 0);
    puts("fork");
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
    CHECK(sigaction(SIGILL, &action, NULL) == 0);
    if (argc > 2) {  // a soak: how many functions each thread makes in each of ten phases
        churning(atol(argv[1]), 10);
        race(atoi(argv[2]));
        return 0;
    }
    aliases();
    remapping();
    on_the_stack(20);
    puts("stack");
    within_one_block();
    forked();
    patched_loops();
    race(2);
    // Where each function costs a compilation, fewer will do.
    churning(argc > 1 ? atol(argv[1]) : 4000, 2);
    return 0;
}
