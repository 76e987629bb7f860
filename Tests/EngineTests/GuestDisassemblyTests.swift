import LLVMBackend
import Testing

/// The form of text that plugins look for.
@Suite struct GuestDisassemblyTests {
    @Test(
        arguments: [
            (0x9400_0004, "bl #0x400010"), (0x54ff_ffc1, "b.ne #0x3ffff8"), (0xb400_0081, "cbz x1, #0x400010"),
            (0x3658_0080, "tbz w0, #0xb, #0x400010"), (0x1000_0080, "adr x0, #0x400010"), (0x9000_0021, "adrp x1, #0x404000"),
            (0x5800_0080, "ldr x0, #0x400010"), (0xf940_03e1, "ldr x1, [sp]"), (0xf840_8c22, "ldr x2, [x1, #8]!"),
            (0xa9b6_7bfd, "stp x29, x30, [sp, #-0xa0]!"), (0x9100_23e2, "add x2, sp, #8"), (0xd280_001d, "mov x29, #0"),
            (0xd280_0bc8, "mov x8, #0x5e"), (0xd358_fc22, "lsr x2, x1, #0x18"), (0x8b02_3020, "add x0, x1, x2, lsl #12"),
            (0xf2ba_8503, "movk x3, #0xd428, lsl #16"), (0xd53b_d040, "mrs x0, tpidr_el0"), (0xd400_0001, "svc #0"),
            (0x4c40_a021, "ld1 {v1.16b, v2.16b}, [x1]"), (0x1e6e_1000, "fmov d0, #1.00000000"), (0xd65f_03c0, "ret"),
            (0xf860_7822, "ldr x2, [x1, x0, lsl #3]"),
        ] as [(UInt32, String)])
    func textIsAsInQEMU(word: UInt32, text: String) {
        #expect(GuestDisassembler.shared.text(of: word, at: 0x40_0000) == text)
    }
}
