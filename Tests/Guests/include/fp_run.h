// Runs one floating-point instruction with given registers, FPCR and flags.
#ifndef FP_RUN_H
#define FP_RUN_H
#include <stdint.h>
#ifndef ARCHITECTURE
#define ARCHITECTURE "armv8.5-a+fp"
#endif

// What one execution reads and leaves. The assembly below knows the offsets.
struct io {
    uint64_t in[3];  // D1, D2, D3; the first is X1, too
    uint64_t fpcr;
    uint64_t v0[2];  // all ones before, so that a write that does not clear the upper bits shows
    uint64_t x0, fpsr, nzcv;
};
void fp_run(struct io *io, void (*stub)(void));

__asm__(".arch " ARCHITECTURE "\n"
        ".text\n"
        ".global fp_run\n"
        "fp_run:\n"
        "  stp x29, x30, [sp, #-32]!\n"
        "  stp x19, xzr, [sp, #16]\n"
        "  mov x19, x0\n"
        "  mov x9, x1\n"
        "  ldp d1, d2, [x19]\n"
        "  ldr d3, [x19, #16]\n"
        "  ldr x1, [x19]\n"
        "  ldr q0, [x19, #32]\n"
        "  mov x0, #-1\n"
        "  ldr x10, [x19, #24]\n"
        "  ldr x11, [x19, #64]\n"
        "  msr nzcv, x11\n"
        "  msr fpsr, xzr\n"
        "  msr fpcr, x10\n"
        "  blr x9\n"
        "  mrs x10, fpsr\n"
        "  mrs x11, nzcv\n"
        "  msr fpcr, xzr\n"
        "  str q0, [x19, #32]\n"
        "  stp x0, x10, [x19, #48]\n"
        "  str x11, [x19, #64]\n"
        "  ldp x19, xzr, [sp, #16]\n"
        "  ldp x29, x30, [sp], #32\n"
        "  ret\n");

#endif
