// The address space: mmap, mprotect, munmap, mremap, brk; code that is written at run time and changed while it runs; what
// /proc/self shows.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static sigjmp_buf back;
static void jump_back(int signal) { siglongjmp(back, signal); }
static int touch(volatile char *address, int write) {
    int signal = sigsetjmp(back, 1);
    if (signal) return signal;
    if (write) *address = 1;
    else (void)*address;
    return 0;
}
static void show(const char *what, char *page) {
    printf("%s: read %d write %d\n", what, touch(page, 0), touch(page, 1));
}

static void mappings(void) {
    signal(SIGSEGV, jump_back);
    signal(SIGBUS, jump_back);
    char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    show("read-write", page);
    CHECK(mprotect(page, 4096, PROT_READ) == 0);
    show("read", page);
    CHECK(mprotect(page, 4096, PROT_NONE) == 0);
    show("none", page);
    show("next", page + 4096);
    CHECK(munmap(page + 4096, 4096) == 0);
    show("unmapped", page + 4096);
    show("after the hole", page + 8192);
    int result = mprotect(page, 3 * 4096, PROT_READ);
    printf("mprotect over a hole %d %s\n", result, strerror(errno));
    result = munmap(page, 3 * 4096);
    printf("munmap over a hole %d\n", result);
    void *wrong = mmap((void *)1, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("misaligned MAP_FIXED %d %s\n", wrong == MAP_FAILED, strerror(errno));
    wrong = mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("empty mmap %d %s\n", wrong == MAP_FAILED, strerror(errno));
    result = munmap((void *)4097, 4096);
    printf("misaligned munmap %d %s\n", result, strerror(errno));

    char *grown = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(grown, "kept");
    grown = mremap(grown, 4096, 64 * 4096, MREMAP_MAYMOVE);
    CHECK(grown != MAP_FAILED);
    grown[64 * 4096 - 1] = 'x';
    printf("mremap %s %d\n", grown, grown[64 * 4096 - 2]);
    CHECK(munmap(grown, 64 * 4096) == 0);

    char name[] = "/tmp/needletail-XXXXXX";
    int file = mkstemp(name);
    CHECK(file >= 0 && unlink(name) == 0);
    CHECK(write(file, "hello, file", 11) == 11);
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    shared[0] = 'J';
    copy[1] = 'A';
    char text[12] = {0};
    CHECK(pread(file, text, 11, 0) == 11);
    printf("file '%s' copy '%s' beyond the end %d\n", text, copy, touch(shared + 4096, 0));
    CHECK(munmap(shared, 8192) == 0 && munmap(copy, 4096) == 0 && close(file) == 0);

    char *start = sbrk(0), *more = sbrk(100000);
    CHECK(more == start);
    memset(more, 5, 100000);
    CHECK(sbrk(-100000) == start + 100000 && sbrk(0) == start);
    printf("brk moved\n");
    unsigned char resident[4];
    char *four = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(four, 1, 4 * 4096);
    CHECK(madvise(four, 4096, MADV_DONTNEED) == 0);
    printf("dontneed %d %d mincore %d\n", four[0], four[4096], mincore(four, 4 * 4096, resident));
    // The whole of a big reservation can be had and only touched pages cost.
    char *huge = mmap(NULL, 1ul << 34, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(huge != MAP_FAILED);
    huge[1ul << 33] = 3;
    printf("huge %d %d\n", huge[1ul << 33], huge[5]);
    CHECK(munmap(huge, 1ul << 34) == 0);
}

// mov w0, #value; ret
static void emit(uint32_t *at, unsigned value) {
    at[0] = 0x52800000u | value << 5;
    at[1] = 0xd65f03c0u;
    __builtin___clear_cache((char *)at, (char *)(at + 2));
}
typedef int (*function)(void);

// Changes the second next instruction after its own call and returns into it: code that rewrites the page it runs on.
static int rewrite_self(uint32_t *page) {
    // page: stp x29,x30,[sp,#-16]! ; bl/blr x1 (patch) ; movz w0,#1 ; ldp ; ret. x0 = page, x1 = callback
    const uint32_t code[] = {
        0xa9bf7bfd,  // stp x29, x30, [sp, #-16]!
        0xd63f0020,  // blr x1
        0x52800020,  // mov w0, #1       <- the callback turns it into #2
        0xa8c17bfd,  // ldp x29, x30, [sp], #16
        0xd65f03c0,  // ret
    };
    memcpy(page, code, sizeof code);
    __builtin___clear_cache((char *)page, (char *)page + sizeof code);
    return 0;
}
static uint32_t *patched;
static unsigned patch_value;
static void patch(void) {
    patched[2] = 0x52800000u | patch_value << 5;
    __builtin___clear_cache((char *)&patched[2], (char *)&patched[3]);
}

static void written_code(void) {
    uint32_t *page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    function call = (function)(void *)page;
    long sum = 0;
    for (unsigned i = 0; i < 2000; i++) {
        emit(page, i);
        sum += call();
    }
    printf("rewritten code %ld\n", sum);
    // Hot before it is changed: every tier must forget it.
    sum = 0;
    for (unsigned i = 0; i < 5; i++) {
        emit(page, i + 10);
        for (int n = 0; n < 20000; n++) sum += call();
    }
    printf("hot rewritten code %ld\n", sum);
    // write xor execute by mprotect, as a JIT does it
    sum = 0;
    for (unsigned i = 0; i < 50; i++) {
        CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
        emit(page + 16, i);
        CHECK(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
        sum += ((function)(void *)(page + 16))();
    }
    printf("mprotected code %ld\n", sum);
    // Code in a mapping that goes away and comes back with other contents.
    sum = 0;
    for (unsigned i = 0; i < 50; i++) {
        uint32_t *again = mmap(page + 1024, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(again == page + 1024);
        emit(again, 3 * i);
        sum += ((function)(void *)again)();
    }
    printf("remapped code %ld\n", sum);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    rewrite_self(page + 512);
    patched = page + 512;
    sum = 0;
    for (patch_value = 2; patch_value < 500; patch_value++)
        sum += ((int (*)(void *, void (*)(void)))(void *)patched)(patched, patch);
    printf("code that changed its own page %ld\n", sum);
    int signal;
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    if ((signal = sigsetjmp(back, 1)) == 0) call();
    printf("no longer executable %d\n", signal);
    CHECK(munmap(page, 2 * 4096) == 0);
    if ((signal = sigsetjmp(back, 1)) == 0) call();
    printf("no longer mapped %d\n", signal);
}

static void proc_self(const char *program) {
    char path[4096], real[4096];
    long n = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(n > 0);
    path[n] = 0;
    CHECK(realpath(program, real) != NULL);
    printf("exe is the program %d\n", strcmp(path, real) == 0);
    struct stat a, b;
    CHECK(stat("/proc/self/exe", &a) == 0 && stat(program, &b) == 0);
    int file = open("/proc/self/exe", O_RDONLY);
    unsigned char head[20];
    CHECK(read(file, head, 20) == 20);
    printf("exe is an AArch64 ELF %d\n", head[18] == 183);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[5000];
    int code = 0, stack = 0, heap = 0, here = 0;
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char r, w, x, p;
        CHECK(sscanf(line, "%lx-%lx %c%c%c%c", &start, &end, &r, &w, &x, &p) == 6);
        code += (unsigned long)proc_self >= start && (unsigned long)proc_self < end && r == 'r' && x == 'x';
        here += (unsigned long)line >= start && (unsigned long)line < end && w == 'w' && strstr(line, "[stack]") != NULL;
        stack += strstr(line, "[stack]") != NULL;
        heap += (unsigned long)sbrk(0) - 1 >= start && (unsigned long)sbrk(0) - 1 < end && w == 'w';
    }
    printf("maps: code %d stack %d here %d heap %d\n", code, stack, here, heap);
}

int main(int argc, char **argv) {
    (void)argc;
    setvbuf(stdout, NULL, _IONBF, 0);
    mappings();
    written_code();
    proc_self(argv[0]);
    return 0;
}
