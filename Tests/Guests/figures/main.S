// What the bundled plugins report of this program is known by arithmetic; BundledReportTests has the figures. The numbers behind
// instructions are their places from _start, in words.
.text
.balign 4096
.global _start
_start:
    mov x29, #0                   // 0
    adr x20, pages
    nop
    add x22, x20, #1, lsl #12
    mov x19, #1000
round:
    bl leaf                       // 5
    str x0, [x20]                 // 6
    ldr x1, [x20]
    ldp x2, x3, [x20]
    strb w1, [x22]
    adr x9, next
    tst x19, #3
    b.ne next                     // 12: 750 of 1000 times
    br x9                         // 13: the others
    nop
next:
    subs x19, x19, #1             // 15
    b.ne round                    // 16
    mov x21, #3                   // 17
1:  mov x8, #172                  // 18: getpid
    svc #0
    subs x21, x21, #1             // 20
    b.ne 1b
    mov x0, #-1                   // 22: close(-1) fails
    mov x8, #57
    svc #0
    mov x0, #1                    // 25: write
    adr x1, text
    nop
    mov x2, #3
    mov x8, #64
    svc #0
    mov x0, #0                    // 31: exit_group
    mov x8, #94
    svc #0
.type leaf, %function
leaf:
    add x0, x0, #1                // 34
    ret
.size leaf, . - leaf

.section .rodata
text: .ascii "ok\n"

.bss
.balign 4096
pages: .skip 8192
