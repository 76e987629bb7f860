// Handles SIGABRT, asks for its process id, and ends with status 0, or with 1 if the signal ever came.
.globl _start
_start:
    mov x0, #6                  // rt_sigaction
    adrp x1, action
    add x1, x1, :lo12:action
    mov x2, #0
    mov x3, #8
    mov x8, #134
    svc #0
    mov x8, #172
    svc #0
    mov x0, #0
end:
    mov x8, #94
    svc #0
handler:
    mov x0, #1
    b end

.data
.balign 8
action: .quad handler, 0, 0, 0
