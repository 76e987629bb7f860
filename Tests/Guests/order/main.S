// One load that a test plugin looks for, at the start of a block and in the middle of one.
.globl _start
_start:
    adr x1, _start
    mov x0, #0
    ldr x7, [x1]
    b 1f
1:
    ldr x7, [x1]
    mov x8, #94
    svc #0
