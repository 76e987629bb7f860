// 100,100 calls of getppid.
.globl _start
_start:
    mov x20, #0x8704
    movk x20, #1, lsl #16
1:  mov x8, #173
    svc #0
    subs x20, x20, #1
    b.ne 1b
    mov x0, #0
    mov x8, #94
    svc #0
