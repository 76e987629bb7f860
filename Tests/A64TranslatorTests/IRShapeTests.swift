import A64ISA
import EmuIR
import Testing

@testable import A64Translator

/// The operations typical instructions become, in order: one that grows here costs every tier.
@Suite struct IRShapeTests {
    /// Operation names without the leading `insn` and the closing `chain`.
    private func operations(_ word: UInt32) -> String {
        var translator = Translator(config: TranslationConfig(features: .max))
        let block = translator.translate(at: 0x1000) { $0 == 0x1000 ? word : nil }
        #expect(block.insts.first?.op == .insn)
        let end = block.insts.last?.op == .chain ? 1 : 0
        return block.insts.dropFirst().dropLast(end).map { "\($0.op.info.name)" }.joined(separator: " ")
    }

    @Test(arguments: [
        (0x8b02_0020 as UInt32, "add x0, x1, x2", "get get add set"),
        (0xab02_0020, "adds x0, x1, x2", "get get add flags_add set"),
        (0x2b02_0020, "adds w0, w1, w2", "get trunc get trunc add flags_add zext set"),
        (0xeb02_003f, "cmp x1, x2", "get get flags_sub"),
        (0xf100_143f, "cmp x1, #5", "get const flags_sub"),
        (0x9100_03fd, "mov x29, sp", "get set"),
        (0x8b02_0c20, "add x0, x1, x2, lsl #3", "get get const shl add set"),
        (0x8b22_4820, "add x0, x1, w2, uxtw #2", "get get ubfx const shl add set"),
        (0xaa01_03e0, "mov x0, x1", "get set"),
        (0xaa21_03e0, "mvn x0, x1", "get not set"),
        (0xd282_4680, "mov x0, #0x1234", "const set"),
        (0x9280_0000, "mov x0, #-1", "const set"),
        (0xf2a2_4680, "movk x0, #0x1234, lsl #16", "get const bfi set"),
        (0xea02_003f, "tst x1, x2", "get get and flags_logic"),
        (0x8a22_0020, "bic x0, x1, x2", "get get and_not set"),
        (0xd37d_f020, "lsl x0, x1, #3", "get const shl set"),
        (0xd343_fc20, "lsr x0, x1, #3", "get const lshr set"),
        (0x9343_fc20, "asr x0, x1, #3", "get const ashr set"),
        (0x9340_7c20, "sxtw x0, w1", "get sbfx set"),
        (0xd344_2c20, "ubfx x0, x1, #4, #8", "get ubfx set"),
        (0xb37c_1c20, "bfi x0, x1, #4, #8", "get get bfi set"),
        (0x9ac2_2020, "lsl x0, x1, x2", "get get shl set"),
        (0x9b02_0c20, "madd x0, x1, x2, x3", "get get mul get add set"),
        (0x9b02_7c20, "mul x0, x1, x2", "get get mul set"),
        (0x9a82_0020, "csel x0, x1, x2, eq", "get get cond select set"),
        (0x9a9f_17e0, "cset x0, eq", "cond zext set"),
        (0xda9f_13e0, "csetm x0, eq", "cond sext set"),
        (0xfa42_0024, "ccmp x1, x2, #4, eq", "get get cond flags_ccmp_sub"),
        (0x9a02_0020, "adc x0, x1, x2", "get get adc set"),
        (0x1000_0080, "adr x0, .+16", "const set"),
        (0x5400_0040, "b.eq .+8", "cond branch_if"),
        (0xb400_0041, "cbz x1, .+8", "get const icmp_eq branch_if"),
        (0x3718_0041, "tbnz w1, #3, .+8", "get const and const icmp_ne branch_if"),
        (0xd65f_03c0, "ret", "get branch_indirect"),
        (0xd63f_0020, "blr x1", "get const set branch_indirect"),
        (0xd503_201f, "nop", ""),
    ])
    func isShort(_ word: UInt32, _ assembly: String, _ expected: String) {
        #expect(operations(word) == expected, "\(assembly)")
    }
}
