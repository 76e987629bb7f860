// A guest whose memory accesses are known: 4 reads and 3 writes, counted as plugins see them, and a load that faults in front of
// others of its block, which then do not happen.
.globl _start
_start:
    // rt_sigaction(SIGSEGV, action, NULL, 8)
    mov x0, #11
    adrp x1, action
    add x1, x1, :lo12:action
    mov x2, #0
    mov x3, #8
    mov x8, #134
    svc #0
    adrp x1, words
    add x1, x1, :lo12:words
    mov w3, #7
    ldxr w2, [x1]           // read
    stxr w4, w3, [x1]       // stores: read, write
    stxr w5, w3, [x1]       // does not store, the monitor is closed
    ldadd w3, w6, [x1]      // read, write
    ldp x7, x8, [x1]        // read
    str x7, [x1]            // write
    mov x10, #8
    b 1f
1:
    ldr x9, [x10]           // faults
    ldr x7, [x1]
    ldr x8, [x1]
    str x8, [x1]
    mov x0, #1
    b 2f
on_fault:
    mov x0, #0
2:
    mov x8, #94
    svc #0

.data
.balign 16
words:
    .quad 1, 2
action:
    .quad on_fault, 0, 0, 0
