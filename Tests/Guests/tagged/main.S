// A program whose first tagged access is in the middle of a block. 4 blocks, 24 instructions and 7 accesses are executed.
.arch armv8.5-a
.globl _start
_start:
    adrp x1, words                  // 14 instructions to b.ne
    add x1, x1, :lo12:words
    mov x0, #0x0f00000000000000
    orr x1, x1, x0
    mov x2, #3
    mov x3, #0
    str x2, [x1, #8]                // write, the first
    ldp d0, d1, [x1]                // two reads
    add x3, x3, #1
    nop
    nop
1:  ldr x4, [x1]                    // read, three times
    subs x2, x2, #1
    b.ne 1b                         // twice: 2 blocks of 3
    ldr x5, [x1, #8]                // read
    sub x0, x5, #3                  // 4 more to svc
    mov x8, #94
    svc #0

.data
.balign 16
words:
    .quad 1, 2
