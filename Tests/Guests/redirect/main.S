// Each `mov x9, #n` is a place at which a plugin moves the PC two instructions on; where it does not, the guest ends with status n.
.macro STEP n
    mov x9, #\n
    b wrong
.endm
.globl _start
_start:
    b wrong                     // vcpu_init moves the PC past this
    mov x9, #0
    mov x0, #5                  // rt_sigaction(SIGTRAP)
    adrp x1, action
    add x1, x1, :lo12:action
    mov x2, #0
    mov x3, #8
    mov x8, #134
    svc #0
    STEP 1                      // an instruction's callback
    b 1f
1:  STEP 2                      // a block's callback
    mov x9, #3                  // a callback of the access, which happens
    ldr x10, [sp]
    b wrong
    STEP 4                      // a conditional callback
    b 2f
2:  STEP 5                      // the translation callback
    mov x9, #6
    mov x8, #173
    mov x0, #55
    svc #0                      // the callback of a system call, which is not made
    b wrong
    cmp x0, #55
    b.ne wrong
    mov x9, #7
    mov x8, #178
    svc #0                      // the return of a system call
    b wrong
    mov x9, #8
    brk #8                      // a discontinuity: in place of the handler
    b wrong
    mov x0, #0
    b end
wrong:
    mov x0, x9
end:
    mov x8, #94
    svc #0
handler:
    mov x0, #99
    b end

.data
.balign 8
action: .quad handler, 0, 0, 0
