// Four threads with figures that are known: BundledReportTests. How often the first thread waits is not.
.text
.balign 4096
.global _start
_start:
    mov x19, #4
1:  bl word_of_thread
    mov x2, x4
    mov x3, #0
    adr x1, stacks
    add x1, x1, x19, lsl #12
    mov x0, #0x0f00               // VM FS FILES SIGHAND
    movk x0, #0x0035, lsl #16     // THREAD SYSVSEM PARENT_SETTID CHILD_CLEARTID
    mov x8, #220                  // clone
    svc #0
    cbz x0, thread
    subs x19, x19, #1
    b.ne 1b
    mov x19, #4
2:  bl word_of_thread
3:  ldr w2, [x4]
    cbz w2, 4f
    mov x0, x4
    mov x1, #0
    mov x3, #0
    mov x8, #98                   // futex WAIT
    svc #0
    b 3b
4:  subs x19, x19, #1
    b.ne 2b
    mov x0, #0
    mov x8, #94
    svc #0
word_of_thread:
    adr x4, words
    add x4, x4, x19, lsl #2
    ret

// 1000 rounds: one atomic addition (a read and a write) and one store each.
thread:
    mov x21, #1000
    mov x23, #1
    adr x22, pages
    add x25, x22, #1, lsl #12
5:  ldadd x23, x24, [x22]
    str x21, [x25]
    subs x21, x21, #1
    b.ne 5b
    mov x0, #0
    mov x8, #93
    svc #0

.bss
.balign 4096
pages: .skip 8192
stacks: .skip 5 * 4096
words: .skip 64
