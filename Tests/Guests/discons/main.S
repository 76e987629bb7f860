// Discontinuities at known addresses: each case begins at a multiple of 0x100 from _start.
.macro SVC number
    mov x8, #\number
    svc #0
.endm
.macro HANDLE signal, table
    mov x0, #\signal
    adrp x1, \table
    add x1, x1, :lo12:\table
    mov x2, #0
    mov x3, #8
    SVC 134
.endm
.globl _start
_start:
    // Seven instructions each, the last is the SVC. A handler that goes on behind the instruction, for SIGILL, SIGTRAP, SIGBUS, SIGSEGV; one that returns, for SIGUSR1.
    HANDLE 4, skips
    HANDLE 5, skips
    HANDLE 7, skips
    HANDLE 11, skips
    HANDLE 10, returns
    b case1
.balign 256
case1:                              // 0x100
    udf #0
    brk #1
    b case2
.balign 256
case2:                              // 0x200
    mov x0, #0
    ldr x0, [x0]                    // 0x204
    b case3
.balign 256
case3:                              // 0x300
    add x0, sp, #12
    ldar x0, [x0]                   // 0x304: neither aligned nor within 16 bytes
    b case4
.balign 256
case4:                              // 0x400
    SVC 172                         // getpid, svc at 0x404
    mov x1, #10
    SVC 129                         // kill(self, SIGUSR1), svc at 0x410; the signal comes before 0x414
    b case5
.balign 256
case5:                              // 0x500
    adr x30, end
    mov x2, #64
    br x2                           // to what cannot be executed; the handler takes x30
.balign 256
end:                                // 0x600
    mov x0, #0
    SVC 94
.balign 256
on_fault:                           // 0x700: the context's PC + 4, or x30 for a branch to 64
    ldr x3, [x2, #440]
    cmp x3, #64
    add x3, x3, #4
    ldr x4, [x2, #424]
    csel x3, x4, x3, eq
    str x3, [x2, #440]
    SVC 139                         // rt_sigreturn, svc at 0x71c
.balign 256
on_signal:                          // 0x800
    SVC 139                         // 0x804
.data
.balign 8
// handler, SA_SIGINFO, restorer, mask
skips:
    .quad on_fault, 4, 0, 0
returns:
    .quad on_signal, 4, 0, 0
