// Ends by a fault in the middle of a TB of a loop that has been hot, with known numbers of instructions and accesses.
.globl _start
_start:
    mov w0, #50000
    mov x1, xzr
    sub x2, sp, #64
loop:
    ldr x3, [x2]
    tbz w0, #0, even
    add x1, x1, #3
    str x1, [x2, #8]
    b next
even:
    add x1, x1, #5
next:
    cmp w0, #1
    csel x5, xzr, x2, eq
    ldr x4, [x5]
    subs w0, w0, #1
    b.ne loop
    brk #0
