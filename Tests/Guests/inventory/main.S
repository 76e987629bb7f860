// Every kind of memory access, with what a plugin is to be told of it behind "//=": R or W, size in bytes, s for a sign-extending
// load, @offset from X0, value (high:low of 16 bytes); nothing where nothing is reported. Tests/Plugins/accesses.c writes the same.
.arch armv8.5-a+memtag+mops
.macro T
    mov x29, x29
.endm
.globl _start
_start:
    adrp x0, data
    add x0, x0, :lo12:data
    add x4, x0, #64
    ldr x1, =0xa1a2a3a4a5a6a7a8
    fmov d0, x1
    fmov v0.d[1], x0
    ins v0.d[1], x1
    // Loads of one register.
    T; ldrb w2, [x0]                //= R1@0=11
    T; ldrh w2, [x0, #2]            //= R2@2=4433
    T; ldr w2, [x0]                 //= R4@0=44332211
    T; ldr x2, [x0]                 //= R8@0=8877665544332211
    T; ldrsb x2, [x0, #7]           //= R1s@7=88
    T; ldrsb w2, [x0, #7]           //= R1s@7=88
    T; ldrsh x2, [x0, #6]           //= R2s@6=8877
    T; ldrsw x2, [x0, #4]           //= R4s@4=88776655
    T; ldur x2, [x0, #3]            //= R8@3=bbaa998877665544
    T; ldtr w2, [x0]                //= R4@0=44332211
    T; ldar x2, [x0]                //= R8@0=8877665544332211
    T; ldarb w2, [x0]               //= R1@0=11
    T; ldapr w2, [x0]               //= R4@0=44332211
    mov x4, x0
    T; ldr x2, [x4, #8]!            //= R8@8=ffeeddccbbaa99
    add x4, x0, #64
    T; ldr b2, [x0]                 //= R1@0=11
    T; ldr h2, [x0]                 //= R2@0=2211
    T; ldr s2, [x0]                 //= R4@0=44332211
    T; ldr d2, [x0]                 //= R8@0=8877665544332211
    T; ldr q2, [x0]                 //= R16@0=ffeeddccbbaa99:8877665544332211
    // Stores of one register.
    T; strb w1, [x0, #64]           //= W1@64=a8
    T; strh w1, [x0, #64]           //= W2@64=a7a8
    T; str w1, [x0, #64]            //= W4@64=a5a6a7a8
    T; str x1, [x0, #64]            //= W8@64=a1a2a3a4a5a6a7a8
    T; str xzr, [x0, #64]           //= W8@64=0
    T; stlr x1, [x4]                //= W8@64=a1a2a3a4a5a6a7a8
    T; sttr w1, [x4]                //= W4@64=a5a6a7a8
    T; str s0, [x0, #64]            //= W4@64=a5a6a7a8
    T; str q0, [x0, #64]            //= W16@64=a1a2a3a4a5a6a7a8:a1a2a3a4a5a6a7a8
    // Pairs.
    T; ldp w2, w3, [x0]             //= R8@0=8877665544332211
    T; ldpsw x2, x3, [x0]           //= R8@0=8877665544332211
    T; ldp x2, x3, [x0]             //= R16@0=ffeeddccbbaa99:8877665544332211
    T; ldnp x2, x3, [x0]            //= R16@0=ffeeddccbbaa99:8877665544332211
    T; stp w1, wzr, [x0, #64]       //= W8@64=a5a6a7a8
    T; stp x1, xzr, [x0, #64]       //= W16@64=0:a1a2a3a4a5a6a7a8
    T; ldp s2, s3, [x0]             //= R4@0=44332211 R4@4=88776655
    T; ldp d2, d3, [x0]             //= R8@0=8877665544332211 R8@8=ffeeddccbbaa99
    T; ldp q2, q3, [x0]             //= R16@0=ffeeddccbbaa99:8877665544332211 R16@16=1f1e1d1c1b1a1918:1716151413121110
    T; stp d0, d0, [x0, #64]        //= W8@64=a1a2a3a4a5a6a7a8 W8@72=a1a2a3a4a5a6a7a8
    // Exclusives: a lost monitor stores nothing.
    str x0, [x0, #72]
    str xzr, [x0, #64]
    T; ldxr x2, [x4]                //= R8@64=0
    T; stxr w3, x1, [x4]            //= R8@64=0 W8@64=a1a2a3a4a5a6a7a8
    T; stxr w3, x1, [x4]            //=
    T; ldaxr w2, [x4]               //= R4@64=a5a6a7a8
    cbz x0, 9f
    // In another block than its load.
    T; stlxr w3, wzr, [x4]          //= R4@64=a5a6a7a8 W4@64=0
    str xzr, [x0, #64]
    str xzr, [x0, #72]
    T; ldxp x2, x3, [x4]            //= R16@64=0:0
    b 1f
1:  T; stxp w3, x1, xzr, [x4]       //= R16@64=0:0 W16@64=0:a1a2a3a4a5a6a7a8
    T; ldxp w2, w3, [x4]            //= R8@64=a1a2a3a4a5a6a7a8
    T; stxp w3, wzr, wzr, [x4]      //= R8@64=a1a2a3a4a5a6a7a8 W8@64=0
    // Atomics: what memory held, and what it holds then.
    mov x2, #5
    str x2, [x0, #64]
    T; ldadd x2, x3, [x4]           //= R8@64=5 W8@64=a
    T; ldclr x2, x3, [x4]           //= R8@64=a W8@64=a
    T; ldset x2, x3, [x4]           //= R8@64=a W8@64=f
    T; ldeor x2, x3, [x4]           //= R8@64=f W8@64=a
    T; ldsmax x2, x3, [x4]          //= R8@64=a W8@64=a
    T; ldumin w2, w3, [x4]          //= R4@64=a W4@64=5
    T; stadd w2, [x4]               //= R4@64=5 W4@64=a
    T; ldaddb w1, w3, [x4]          //= R1@64=a W1@64=b2
    T; swp x2, x3, [x4]             //= R8@64=b2 W8@64=5
    T; cas x2, x1, [x4]             //= R8@64=5 W8@64=a1a2a3a4a5a6a7a8
    // The comparison fails: memory is as it was.
    mov x2, #6
    T; cas x2, x0, [x4]             //= R8@64=a1a2a3a4a5a6a7a8 W8@64=a1a2a3a4a5a6a7a8
    mov x2, #6
    T; casb w2, w0, [x4]            //= R1@64=a8 W1@64=a8
    mov w2, #0x1a8
    T; casb w2, wzr, [x4]           //= R1@64=a8 W1@64=0
    str xzr, [x0, #64]
    str xzr, [x0, #72]
    mov x2, #0
    mov x3, #0
    mov x6, x1
    mov x7, #0
    T; casp x2, x3, x6, x7, [x4]    //= R16@64=0:0 W16@64=0:a1a2a3a4a5a6a7a8
    mov x2, #0
    mov x3, #0
    T; casp x2, x3, x2, x3, [x4]    //= R16@64=0:a1a2a3a4a5a6a7a8 W16@64=0:a1a2a3a4a5a6a7a8
    T; casp w2, w3, w2, w3, [x4]    //= R8@64=a1a2a3a4a5a6a7a8 W8@64=a1a2a3a4a5a6a7a8
    // Vector structures.
    T; ld1 {v2.16b}, [x0]           //= R8@0=8877665544332211 R8@8=ffeeddccbbaa99
    T; ld1 {v2.8b}, [x0]            //= R8@0=8877665544332211
    T; ld1 {v2.2d, v3.2d}, [x0]     //= R8@0=8877665544332211 R8@8=ffeeddccbbaa99 R8@16=1716151413121110 R8@24=1f1e1d1c1b1a1918
    T; st1 {v0.4s}, [x4]            //= W8@64=a1a2a3a4a5a6a7a8 W8@72=a1a2a3a4a5a6a7a8
    T; ld2 {v2.2s, v3.2s}, [x0]     //= R4@0=44332211 R4@4=88776655 R4@8=ccbbaa99 R4@12=ffeedd
    T; ld3 {v2.4h, v3.4h, v4.4h}, [x0] //= R2@0=2211 R2@2=4433 R2@4=6655 R2@6=8877 R2@8=aa99 R2@10=ccbb R2@12=eedd R2@14=ff R2@16=1110 R2@18=1312 R2@20=1514 R2@22=1716
    T; st2 {v0.2d, v1.2d}, [x4]     //= W8@64=a1a2a3a4a5a6a7a8 W8@72=0 W8@80=a1a2a3a4a5a6a7a8 W8@88=0
    T; ld1 {v2.s}[1], [x0]          //= R4@0=44332211
    T; st1 {v0.h}[2], [x4]          //= W2@64=a3a4
    T; ld2 {v2.b, v3.b}[1], [x0]    //= R1@0=11 R1@1=22
    T; ld1r {v2.4s}, [x0]           //= R4@0=44332211
    T; ld2r {v2.8h, v3.8h}, [x0]    //= R2@0=2211 R2@2=4433
    // Cache lines and what is no access.
    T; dc zva, x4                   //= W16@64=0:0 W16@80=0:0 W16@96=0:0 W16@112=0:0
    T; prfm pldl1keep, [x0]         //=
    T; dc cvau, x0                  //=
    T; adr x2, data                 //=
    // The address that counts is the one without its tag.
    orr x4, x4, #0x0f00000000000000
    T; ldr x2, [x4]                 //= R8@64=0
    // Copies and sets: what is done at once is told in pieces from where it begins.
    add x4, x0, #64
    mov x5, #27
    mov x6, x0
    T; cpyfp [x4]!, [x6]!, x5!      //= R16@0=ffeeddccbbaa99:8877665544332211 W16@64=ffeeddccbbaa99:8877665544332211 R8@16=1716151413121110 W8@80=1716151413121110 R2@24=1918 W2@88=1918 R1@26=1a W1@90=1a
    T; cpyfm [x4]!, [x6]!, x5!      //=
    T; cpyfe [x4]!, [x6]!, x5!      //=
    add x4, x0, #68
    mov x5, #9
    add x6, x0, #64
    T; cpyp [x4]!, [x6]!, x5!       //= R8@65=9988776655443322 W8@69=9988776655443322 R1@64=11 W1@68=11
    cpym [x4]!, [x6]!, x5!
    cpye [x4]!, [x6]!, x5!
    add x4, x0, #64
    orr x4, x4, #0x0f00000000000000
    mov x5, #7
    T; setp [x4]!, x5!, x1          //= W4@64=a8a8a8a8 W2@68=a8a8 W1@70=a8
    // A page boundary in the middle: one access.
    adrp x4, page_end
    add x4, x4, :lo12:page_end
9:  mov x0, x4
    T; ldr x2, [x0, #-4]            //= R8@-4=6655443300000000
    sub x4, x0, #8
    mov x5, #12
    T; setp [x4]!, x5!, xzr         //= W8@-8=0
    T; setm [x4]!, x5!, xzr         //=
    T; sete [x4]!, x5!, xzr         //= W4@0=0
    mov x0, #0
    mov x8, #94
    svc #0
.ltorg

.data
.balign 64
data:
    .byte 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00
    .byte 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f
    .zero 160
.balign 4096
    .zero 4096
page_end:
    .byte 0x33, 0x44, 0x55, 0x66
    .zero 60
