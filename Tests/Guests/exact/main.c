// Executes floating-point instructions on records from standard input and writes what each left to standard output; the test that
// makes the records knows the right results by exact arithmetic.
#define ARCHITECTURE "armv8.5-a+fp16"
#include "fp_run.h"
#include "guest.h"
#define GUEST_SYS_READ 63

struct record {
    uint32_t test, fpcr;
    uint64_t in[3];
};
struct result {
    uint64_t v0[2], x0, fpsr;
};

#define TEST(name, text)                                                                                               \
    extern void stub_##name(void);                                                                                     \
    __asm__(".text\nstub_" #name ":\n" text "\n  ret\n");
#include "tests.h"
#undef TEST
static void (*const stubs[])(void) = {
#define TEST(name, text) stub_##name,
#include "tests.h"
#undef TEST
};

static struct record records[2048];
static struct result results[2048];

int guest_main(void) {
    for (;;) {
        size_t size = 0;
        while (size < sizeof records) {
            long count = guest_syscall(GUEST_SYS_READ, 0, (long)records + (long)size, (long)(sizeof records - size), 0, 0, 0);
            if (count < 0) return 2;
            if (count == 0) break;
            size += (size_t)count;
        }
        size_t count = size / sizeof *records;
        if (count == 0) return 0;
        for (size_t i = 0; i < count; i++) {
            const struct record *record = &records[i];
            if (record->test >= sizeof stubs / sizeof *stubs) return 3;
            struct io io = {{record->in[0], record->in[1], record->in[2]}, record->fpcr, {~0ull, ~0ull}, 0, 0, 0};
            fp_run(&io, stubs[record->test]);
            results[i] = (struct result){{io.v0[0], io.v0[1]}, io.x0, io.fpsr};
        }
        guest_write((const char *)results, count * sizeof *results);
    }
}
