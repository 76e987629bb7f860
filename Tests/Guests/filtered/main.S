// Calls that a filter answers; ends with status 0 if it does, and with 1 if it does not.
.macro SVC number
    mov x8, #\number
    svc #0
.endm
.globl _start
_start:
    SVC 173                     // getppid
    mov x1, #1234
    cmp x0, x1
    b.ne wrong
    SVC 131                     // tgkill of nobody
    cmn x0, #1                  // EPERM, not ESRCH or EINVAL
    b.ne wrong
    mov x0, #1
    SVC 94                      // exit_group, which returns 7
    cmp x0, #7
    b.ne wrong
    mov x0, #0
    SVC 94
wrong:
    mov x0, #1
    SVC 93
