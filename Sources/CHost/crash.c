// What a crash of ours leaves behind: lines on standard error that say where it was, for a report. Everything else about it (status, core
// dump) is as if there were no handler.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "crash.h"
#include "nt_enter.h"
#include "nt_memory.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern const char etext __attribute__((visibility("hidden")));

/// Words of stack that are looked at for return addresses, and how many of these are told.
enum { STACK_WORDS = 1024, CALLERS = 16 };

// No stdio in a signal handler.
typedef struct text {
    char bytes[1024];
    size_t count;
} text;
static void put(text *to, const char *part) {
    size_t count = strnlen(part, sizeof to->bytes - to->count);
    memcpy(to->bytes + to->count, part, count);
    to->count += count;
}
static void put_number(text *to, uint64_t value) {
    char digits[20];
    int at = sizeof digits;
    digits[--at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    put(to, "0x");
    put(to, digits + at);
}
static void print(const text *line) {
    size_t done = 0;
    while (done < line->count) {
        ssize_t count = write(STDERR_FILENO, line->bytes + done, line->count - done);
        if (count <= 0) return;
        done += (size_t)count;
    }
}

static bool is_ours(uintptr_t address) { return address >= (uintptr_t)&__ehdr_start && address < (uintptr_t)&etext; }

/// - Returns: the file it is in.
static const char *put_place(text *to, uintptr_t pc) {
    Dl_info info;
    if (is_ours(pc)) {
        put(to, "needletail+");
        put_number(to, pc - (uintptr_t)&__ehdr_start);
        return NULL;
    }
    if (dladdr((void *)pc, &info) != 0 && info.dli_fname != NULL) {
        const char *slash = strrchr(info.dli_fname, '/');
        put(to, slash ? slash + 1 : info.dli_fname);
        put(to, "+");
        put_number(to, pc - (uintptr_t)info.dli_fbase);
        return info.dli_fname;
    }
    put_number(to, pc);
    return NULL;
}

/// What may be return addresses of ours: the unwinder allocates memory and takes locks.
static void put_callers(text *to, uintptr_t stack) {
    int told = 0;
    for (int i = 0; i < STACK_WORDS && told < CALLERS; i++) {
        uintptr_t word = 0;
        if (nt_copy_fallible(&word, (const void *)(stack + (uintptr_t)i * sizeof word), sizeof word) != 0) return;
        if (!is_ours(word)) continue;
        put(to, told++ ? " " : "needletail: on the stack: ");
        put_number(to, word - (uintptr_t)&__ehdr_start);
    }
    if (told) put(to, "\n");
}

static const char *name(int signal) {
    switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    default: return "SIGILL";
    }
}

void nt_report_crash(int signal, const siginfo_t *info, const ucontext_t *context) {
    // A crash of this function must not come back here, and one report is enough.
    static atomic_flag reported = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&reported)) return;
    const greg_t *registers = context->uc_mcontext.gregs;
    text lines = {.count = 0};
    put(&lines, "needletail: crash: ");
    put(&lines, name(signal));
    put(&lines, " at ");
    bool in_library = put_place(&lines, (uintptr_t)registers[REG_RIP]) != NULL;
    put(&lines, ", address ");
    put_number(&lines, (uint64_t)info->si_addr);
    const nt_cpu *cpu = nt_thread_cpu();
    if (cpu != NULL) {
        put(&lines, ", guest PC ");
        put_number(&lines, cpu->pc);
    }
    put(&lines, in_library ? "; probably a plugin's mistake\n" : "; a mistake of needletail's: please report these lines\n");
    print(&lines);
    lines.count = 0;
    put_callers(&lines, (uintptr_t)registers[REG_RSP]);
    print(&lines);
}
