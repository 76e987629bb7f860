// A guest whose instruction count is arithmetic: 3 before the outer loop, 1000 times (1 + 100 * 4 + 2), 3 at the end:
//   3 + 1000 * 403 + 3 = 403006 instructions
.globl _start
_start:
    mov x19, #1000
    mov x20, #0
    mov x21, #0
outer:
    mov x22, #100
inner:
    add x20, x20, #1
    eor x21, x21, x20
    subs x22, x22, #1
    b.ne inner
    subs x19, x19, #1
    b.ne outer
    mov x0, #0
    mov x8, #94
    svc #0
