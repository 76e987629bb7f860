// A read that a signal interrupts and that is made again, and a fork.
.macro SVC number
    mov x8, #\number
    svc #0
.endm
.globl _start
_start:
    mov x0, #14                 // rt_sigaction(SIGALRM)
    adrp x1, action
    add x1, x1, :lo12:action
    mov x2, #0
    mov x3, #8
    SVC 134
    adrp x19, pipe
    add x19, x19, :lo12:pipe
    mov x0, x19                 // pipe2
    mov x1, #0
    SVC 59
    mov x0, #0                  // setitimer(ITIMER_REAL), 30 ms
    adrp x1, timer
    add x1, x1, :lo12:timer
    mov x2, #0
    SVC 103
    ldr w0, [x19]               // read
    add x1, x19, #8
    mov x2, #1
    SVC 63
    mov x0, #17                 // clone(SIGCHLD)
    mov x1, #0
    mov x2, #0
    mov x3, #0
    mov x4, #0
    SVC 220
    cbz x0, 1f
    mov x1, #0                  // wait4
    mov x2, #0
    mov x3, #0
    SVC 260
1:  mov x0, #0
    SVC 93
handler:
    ldr w0, [x19, #4]           // write
    mov x1, x19
    mov x2, #1
    SVC 64
    SVC 139

.data
.balign 8
action: .quad handler, 0x10000000, 0, 0 // SA_RESTART
timer:  .quad 0, 0, 0, 30000
pipe:   .quad 0, 0
