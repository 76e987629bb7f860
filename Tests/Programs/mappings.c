// The address space calls against the kernel: the same program is built for the host, and both must say the same.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static const char *base; // addresses are shown relative to it
static void show(const char *what, long result) {
    int error = errno;
    if (result < 0 && result > -4096) printf("%s: %s\n", what, strerrorname_np(error));
    else if (base && (const char *)result >= base && (const char *)result < base + 4096 * PAGE)
        printf("%s: base + %ld pages\n", what, (long)(((const char *)result - base) / (long)PAGE));
    else if (result > 65536) printf("%s: elsewhere\n", what);
    else printf("%s: %ld\n", what, result);
}
#define T(expression) (errno = 0, show(#expression, (long)(expression)))

static sigjmp_buf back;
static volatile int last_code;
static void *volatile last_address;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)context;
    last_code = info->si_code;
    last_address = info->si_addr;
    siglongjmp(back, signal);
}
/// 'r', 'w': what works; a signal's number and code otherwise.
static const char *access_of(volatile char *p) {
    static char text[2][64];
    static int n;
    char *out = text[n ^= 1];
    int signal = sigsetjmp(back, 1);
    *out = 0;
    if (signal == 0) (void)*p, strcat(out, "read");
    else sprintf(out, "read: signal %d code %d%s", signal, last_code, last_address == (void *)p ? "" : " elsewhere");
    signal = sigsetjmp(back, 1);
    if (signal == 0) *p = *p, strcat(out, " write");
    else sprintf(out + strlen(out), ", write: signal %d code %d", signal, last_code);
    return out;
}
#define A(address) printf("access %s: %s\n", #address, access_of(address))

/// A free range, far from where the kernel puts what names no address: an emulator's own memory is there, too.
static char *place(unsigned long pages) {
    static uintptr_t next = 0x200000000000;
    char *p = (char *)next;
    next += (pages + 4096) * PAGE;
    base = p;
    return p;
}
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static void placing(void) {
    puts("-- mmap");
    char *p = place(64);
    T(mmap(p + PAGE, PAGE, RW, ANON, -1, 0));            // a free hint is taken
    T(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    T(mmap(p, 3 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    T(mmap(p + 4 * PAGE + 7, PAGE, RW, ANON, -1, 0));    // an unaligned hint is rounded
    T(mmap(p + 8 * PAGE + 7, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    T(mmap(p + 8 * PAGE, 0, RW, ANON | MAP_FIXED, -1, 0));
    T(mmap(p + 8 * PAGE, 1, RW, ANON | MAP_FIXED, -1, 0));
    T(mmap(p + 8 * PAGE, ~0ul, RW, ANON, -1, 0));
    T(mmap(p + 8 * PAGE, 1ul << 62, RW, ANON, -1, 0));
    T(mmap((void *)(~0ul << 12), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    T(mmap((void *)(1ul << 62), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    T(syscall(SYS_mmap, p + 12 * PAGE, PAGE, RW, ANON, -1, 1l));
    T(mmap(p + 12 * PAGE, PAGE, RW, MAP_ANONYMOUS, -1, 0));
    T(mmap(p + 12 * PAGE, PAGE, RW, MAP_PRIVATE, -1, 0));
    T(mmap(p + 12 * PAGE, PAGE, RW, MAP_PRIVATE, 12345, 0));
    T(mmap(p + 12 * PAGE, PAGE, RW | 0x100, ANON, -1, 0));
    T(mmap(p + 14 * PAGE, PAGE, RW, ANON | MAP_STACK | MAP_NORESERVE | MAP_POPULATE, -1, 0));
    T(mmap(p + 16 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    p[16 * PAGE] = p[17 * PAGE] = p[18 * PAGE] = 5;
    T(mmap(p + 17 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    printf("replaced in the middle %d %d %d\n", p[16 * PAGE], p[17 * PAGE], p[18 * PAGE]);
    T(munmap(p + 16 * PAGE + 1, PAGE));
    T(munmap(p + 16 * PAGE, 0));
    T(munmap(p + 16 * PAGE, 1ul << 62));
    T(munmap((void *)(1ul << 62), PAGE));
    T(munmap(p + 17 * PAGE, 1));
    A(p + 17 * PAGE);
    A(p + 18 * PAGE);
    T(munmap(p, 64 * PAGE));
    T(munmap(p, 64 * PAGE));
}

static void protecting(void) {
    puts("-- mprotect");
    char *p = place(16);
    T(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    T(mprotect(p + 1, PAGE, PROT_READ));
    T(mprotect(p, 0, PROT_READ));
    T(mprotect(p + 12 * PAGE, 0, PROT_READ));
    T(mprotect(p, ~0ul, PROT_READ));
    T(mprotect(p, PAGE, 0x100));
    T(mprotect(p, PAGE, 8));
    T(mprotect(p, PAGE, 0x3000000));
    T(mprotect(p, PAGE, PROT_NONE));
    A(p);
    T(mprotect(p, PAGE, PROT_WRITE));
    A(p);
    T(mprotect(p, 1, PROT_READ));
    A(p);
    A(p + PAGE);
    T(munmap(p + 4 * PAGE, PAGE));
    T(mprotect(p + 2 * PAGE, 5 * PAGE, PROT_READ)); // applies up to the hole
    A(p + 3 * PAGE);
    A(p + 4 * PAGE);
    A(p + 5 * PAGE);
    T(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
    T(mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ));
    A(p + 5 * PAGE);
    T(munmap(p, 16 * PAGE));
    char name[] = "/tmp/needletail-XXXXXX";
    int file = mkstemp(name), reading = open(name, O_RDONLY);
    CHECK(unlink(name) == 0 && ftruncate(file, 2 * PAGE) == 0);
    T(mmap(p, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, reading, 0));
    T(mprotect(p, PAGE, RW));
    T(mmap(p, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, reading, 0));
    T(mmap(p, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, reading, 0));
    T(mmap(p, 2 * PAGE, RW, MAP_SHARED_VALIDATE | 0x8000000 | MAP_FIXED, file, 0));
    // A file that shrinks and grows under its mapping.
    T(mmap(p, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0));
    p[PAGE] = 7;
    A(p + PAGE);
    A(p + 2 * PAGE);
    CHECK(ftruncate(file, PAGE) == 0);
    A(p + PAGE);
    CHECK(ftruncate(file, 4 * PAGE) == 0);
    A(p + 3 * PAGE);
    printf("grown again %d\n", p[PAGE]);
    T(msync(p, 4 * PAGE, MS_SYNC));
    T(msync(p + 1, PAGE, MS_SYNC));
    T(msync(p, PAGE, 64));
    T(msync(p, PAGE, MS_SYNC | MS_ASYNC));
    T(msync(p, 6 * PAGE, MS_ASYNC));
    T(munmap(p, 4 * PAGE));
    close(file), close(reading);
}

static void moving(void) {
    puts("-- mremap");
    char *p = place(64);
    T(mmap(p, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    for (int i = 0; i < 4; i++) p[i * PAGE] = (char)(i + 1);
    T(mremap(p + 1, PAGE, PAGE, 0));
    T(mremap(p, PAGE, 0, 0));
    T(mremap(p, 4 * PAGE, 4 * PAGE, 64));
    T(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_FIXED, p + 8 * PAGE));
    T(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + 8 * PAGE + 1));
    T(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + 2 * PAGE));
    T(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, (void *)(1ul << 62)));
    T(mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE));
    T(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP));
    T(mremap(p + 40 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    T(mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE));
    T(mremap(p, 0, PAGE, MREMAP_MAYMOVE));
    T(mremap(p, 4 * PAGE, 6 * PAGE, 0)); // grows in place
    A(p + 5 * PAGE);
    T(mmap(p + 6 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0));
    T(mremap(p, 6 * PAGE, 8 * PAGE, 0)); // in the way
    T(mremap(p, 6 * PAGE, 3 * PAGE, 0)); // shrinks
    A(p + 2 * PAGE);
    A(p + 3 * PAGE);
    T(mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + 16 * PAGE));
    A(p);
    printf("moved %d %d %d\n", p[16 * PAGE], p[17 * PAGE], p[18 * PAGE]);
    T(mremap(p + 17 * PAGE, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + 6 * PAGE)); // over a mapping
    printf("replaced %d\n", p[6 * PAGE]);
    A(p + 17 * PAGE);
    T(mprotect(p + 18 * PAGE, PAGE, PROT_READ));
    T(mremap(p + 16 * PAGE, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE)); // a hole in it
    T(mmap(p + 20 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    T(mprotect(p + 21 * PAGE, PAGE, PROT_READ));
    T(mremap(p + 20 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE)); // two mappings
    char *q = mmap(p + 24 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    q[0] = 9;
    T(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE | MREMAP_FIXED, p + 28 * PAGE));
    printf("left empty %d, moved %d\n", q[0], p[28 * PAGE]);
    T(mmap(p + 32 * PAGE, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    T(mremap(p + 32 * PAGE, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 34 * PAGE)); // a second view
    p[32 * PAGE] = 11;
    printf("second view %d\n", p[34 * PAGE]);
    T(munmap(p, 64 * PAGE));
}

static void advising(void) {
    puts("-- madvise, mincore, mlock");
    char *p = place(32);
    T(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    memset(p, 3, 8 * PAGE);
    T(madvise(p + 1, PAGE, MADV_DONTNEED));
    T(madvise(p, 0, MADV_DONTNEED));
    T(madvise(p, PAGE, 12345));
    T(madvise(p, ~0ul, MADV_DONTNEED));
    T(madvise(p, 1, MADV_DONTNEED));
    printf("emptied %d %d\n", p[0], p[PAGE]);
    T(madvise(p, 8 * PAGE, MADV_NORMAL));
    T(madvise(p, 8 * PAGE, MADV_SEQUENTIAL));
    T(madvise(p, 8 * PAGE, MADV_WILLNEED));
    T(madvise(p, 8 * PAGE, MADV_COLD));
    T(madvise(p, 8 * PAGE, MADV_REMOVE));
    T(munmap(p + 4 * PAGE, PAGE));
    T(madvise(p + 2 * PAGE, 4 * PAGE, MADV_DONTNEED)); // around a hole
    printf("around the hole %d %d %d %d\n", p[2 * PAGE], p[3 * PAGE], p[5 * PAGE], p[6 * PAGE]);
    T(madvise(p + 20 * PAGE, PAGE, MADV_DONTNEED));
    unsigned char resident[8] = {0};
    T(mincore(p + 1, PAGE, resident));
    T(mincore(p, 4 * PAGE, resident));
    T(mincore(p, 8 * PAGE, resident));
    T(mincore(p, PAGE, (unsigned char *)8));
    T(mincore(p, ~0ul, resident));
    T(mlock(p + 1, 100));
    T(mlock(p + 3 * PAGE, 3 * PAGE));
    T(munlock(p + 20 * PAGE, PAGE));
    T(mlock(p, 0));
    T(mlock2(p, PAGE, 1));
    T(mlock2(p, PAGE, 8));
    T(munlock(p, 2 * PAGE));
    T(mlockall(0));
    T(mlockall(8));
    T(munlockall());
    T(munmap(p, 32 * PAGE));
}

static void forking(void) {
    puts("-- fork");
    char *p = place(32);
    T(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    memset(p, 4, 8 * PAGE);
    T(madvise(p + PAGE, PAGE, MADV_DONTFORK));
    T(madvise(p + 3 * PAGE, PAGE, MADV_WIPEONFORK));
    T(madvise(p + 5 * PAGE, PAGE, MADV_DONTFORK));
    T(madvise(p + 5 * PAGE, PAGE, MADV_DOFORK));
    T(madvise(p + 6 * PAGE, PAGE, MADV_WIPEONFORK));
    T(madvise(p + 6 * PAGE, PAGE, MADV_KEEPONFORK));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        A(p);
        A(p + PAGE);
        printf("child %d %d %d %d\n", p[0], p[3 * PAGE], p[5 * PAGE], p[6 * PAGE]);
        T(mprotect(p + PAGE, PAGE, RW));
        T(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
        T(munmap(p + PAGE, PAGE));
        fflush(stdout);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            printf("grandchild %d %d\n", p[0], p[3 * PAGE]);
            fflush(stdout);
            _exit(0);
        }
        CHECK(waitpid(grandchild, NULL, 0) == grandchild);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
    printf("parent %d %d\n", p[PAGE], p[3 * PAGE]);
    T(munmap(p, 8 * PAGE));
}

static void breaking(void) {
    puts("-- brk");
    char *start = (char *)syscall(SYS_brk, 0);
    char *aligned = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));
    base = aligned;
    T(syscall(SYS_brk, aligned + 4 * PAGE));
    memset(aligned, 6, 4 * PAGE);
    T(syscall(SYS_brk, aligned + PAGE + 5));
    A(aligned + PAGE);
    A(aligned + 2 * PAGE);
    T(syscall(SYS_brk, aligned + 3 * PAGE));
    printf("again %d %d %d\n", aligned[0], aligned[PAGE + 100], aligned[2 * PAGE]);
    T(mmap(aligned + 5 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0)); // in the way
    T((char *)syscall(SYS_brk, aligned + 8 * PAGE) == aligned + 3 * PAGE);
    T(munmap(aligned + 5 * PAGE, PAGE));
    T((char *)syscall(SYS_brk, 1) == aligned + 3 * PAGE);
    T((char *)syscall(SYS_brk, 1ul << 62) == aligned + 3 * PAGE);
    T((char *)syscall(SYS_brk, aligned) == aligned);
    A(aligned);
}

static void limits(void) {
    puts("-- limits");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        for (int resource = RLIMIT_DATA; resource <= RLIMIT_AS; resource += RLIMIT_AS - RLIMIT_DATA) {
            CHECK(getrlimit((unsigned)resource, &limit) == 0);
            limit.rlim_cur = 1ul << 30;
            T(setrlimit((unsigned)resource, &limit));
            CHECK(getrlimit((unsigned)resource, &limit) == 0);
            printf("limit %d: %ld MiB\n", resource, (long)(limit.rlim_cur >> 20));
            base = NULL;
            T(mmap(NULL, 1ul << 31, RW, ANON | MAP_NORESERVE, -1, 0));
            char *data = mmap(NULL, 1ul << 31, PROT_READ, ANON | MAP_NORESERVE, -1, 0);
            printf("not data: %d\n", data != MAP_FAILED);
            if (data != MAP_FAILED) CHECK(munmap(data, 1ul << 31) == 0);
            char *half = mmap(NULL, 1ul << 29, RW, ANON | MAP_NORESERVE, -1, 0);
            T(half);
            T(mmap(NULL, 1ul << 29, RW, ANON | MAP_NORESERVE, -1, 0));
            T(mremap(half, 1ul << 29, 1ul << 30, MREMAP_MAYMOVE));
            T(munmap(half, 1ul << 29));
            T(sbrk(1l << 30));
            void *volatile much = malloc(1ul << 31);
            CHECK(much == NULL && errno == ENOMEM);
        }
        limit.rlim_cur = 2, limit.rlim_max = 1;
        T(setrlimit(RLIMIT_AS, &limit));
        T(setrlimit(RLIMIT_AS, (struct rlimit *)8));
        T(getrlimit(RLIMIT_STACK, (struct rlimit *)8));
        T(prlimit(0, RLIMIT_DATA, NULL, &limit));
        printf("prlimit: %ld MiB\n", (long)(limit.rlim_cur >> 20));
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}

static void sharing(void) {
    puts("-- shared memory");
    char *p = place(32);
    int id = shmget(IPC_PRIVATE, 2 * PAGE + 1, IPC_CREAT | 0600);
    CHECK(id >= 0);
    T(shmat(id, p, 0));
    T(shmat(id, p, 0));
    T(shmat(id, p + 1, 0));
    T(shmat(id, p + 4 * PAGE + 1, SHM_RND));
    T(shmat(id, p + 8 * PAGE, SHM_RDONLY));
    p[2 * PAGE] = 3;
    printf("views %d %d\n", p[6 * PAGE], p[10 * PAGE]);
    A(p + 8 * PAGE);
    A(p + 11 * PAGE);
    T(mmap(p + 16 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    T(shmat(id, p + 16 * PAGE, 0));
    T(shmat(id, p + 16 * PAGE, SHM_REMAP));
    printf("remapped %d\n", p[18 * PAGE]);
    T(shmdt(p + PAGE));
    T(shmdt(p));
    A(p);
    T(shmat(id + 4000, NULL, 0));
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    T(shmdt(p + 4 * PAGE));
    T(shmdt(p + 8 * PAGE));
    T(shmdt(p + 16 * PAGE));
    T(shmdt(p + 16 * PAGE));
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
    placing();
    protecting();
    moving();
    advising();
    forking();
    breaking();
    limits();
    sharing();
    return 0;
}
