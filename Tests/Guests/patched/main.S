// Asks a plugin to write its code and sees what comes of it: getpid(address, word, when) is the request. `when` 0: now; 1: when the
// next block begins that starts with `mov x29, x29`. Ends with the number of the first check that fails, or 0.
.macro REQUEST place, word, when
    adr x0, \place
    ldr w1, =\word
    mov x2, #\when
    mov x8, #172
    svc #0
.endm
.macro CHECK register, value
    add x28, x28, #1
    cmp \register, #\value
    b.ne failed
.endm
.equ MOV_W0_2, 0x52800040
.equ MOV_W0_3, 0x52800060
.equ MOV_W0_4, 0x52800080
.equ MOV_W22_7, 0x528000f6
.globl _start
_start:
    mov x28, #0
    // From a system call.
    bl number
    CHECK x0, 1
    REQUEST number, MOV_W0_2, 0
    bl number
    CHECK x0, 2
    // From a callback, when the code's block is hot and chained to: what comes behind the callback's block is new.
    mov x20, #1000
    mov x21, #0
1:  cmp x20, #500
    b.ne 2f
    REQUEST number, MOV_W0_3, 1
2:  b 3f
3:  mov x29, x29
    bl number
    add x21, x21, x0
    subs x20, x20, #1
    b.ne 1b
    mov x0, #2500
    sub x21, x21, x0
    CHECK x21, 0
    // The block that the callback stands in runs to its end as it is.
    mov x23, #3
    mov x24, #0
    REQUEST own, MOV_W22_7, 1
4:  mov x29, x29
own:
    mov w22, #1
    add x24, x24, x22
    subs x23, x23, #1
    b.ne 4b
    CHECK x24, 15
    // What the guest cannot write, and has not mapped.
    REQUEST constant, 1234, 0
    CHECK x0, 0
    adr x1, constant
    ldr w1, [x1]
    CHECK x1, 1234
    mov x0, #4096
    mov x2, #0
    mov x8, #172
    svc #0
    CHECK x0, 1
    // Code that has never run.
    REQUEST fresh, MOV_W0_4, 0
    bl fresh
    CHECK x0, 4
    mov x28, #0
failed:
    mov x0, x28
    mov x8, #94
    svc #0
number:
    mov w0, #1
    ret
fresh:
    udf #0
    ret
constant:
    .word 5
.ltorg
