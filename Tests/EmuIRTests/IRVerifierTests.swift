import EmuIR
import TestSupport
import Testing

@Suite struct IRVerifierTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// What stands between `insn pc=0x1000` and `chain`, or a whole block where `isWhole`.
        let text: String
        var isWhole = false
        /// nil when the block is valid.
        let message: String?
        var testDescription: String { message ?? "valid: \(text)" }
    }

    static let cases: [Case] = [
        Case(text: "", message: nil),
        Case(text: "", isWhole: true, message: "the block is empty"),
        Case(text: "chain pc=0", isWhole: true, message: "the block must start with insn"),
        Case(text: "block pc=8\ninsn pc=4, word=0\nchain pc=8", isWhole: true, message: "the address should be 0x8"),
        Case(
            text: "insn pc=4, word=0\ninsn pc=12, word=0\nchain pc=8", isWhole: true, message: "the address should be 0x8"),
        Case(
            text: "block pc=4, insns=2\ninsn pc=4, word=0\nchain pc=8", isWhole: true,
            message: "1 insn, but the block counts 2 guest instructions"),
        Case(
            text: "block pc=4, insns=0\ninsn pc=4, word=0\nchain pc=8", isWhole: true,
            message: "0 guest instructions are not in 1...512"),
        Case(text: "insn pc=4, word=0", isWhole: true, message: "the block must end with a terminator"),
        Case(text: "exit_to pc=8", message: "a terminator must be last"),
        Case(text: "%1 = const.i64 value=0\n%2 = add.i64 %1", message: "operand 2 is missing"),
        Case(text: "%1 = const.i32 value=0\n%2 = add.i64 %1, %1", message: "%1 is i32, not i64"),
        Case(text: "%1 = get.i64 v3", message: "v3 is i128"),
        Case(text: "%1 = get.i64 v3.hi", message: nil),
        Case(text: "%1 = get.i64 x1\n%2 = zext.i64 %1", message: "the operand must be narrower than the result"),
        Case(text: "%1 = get.i64 x1\n%2 = trunc.i64 %1", message: "the operand must be wider than the result"),
        Case(text: "%1 = get.i64 x1\n%2 = ubfx.i64 %1, lsb=60, width=5", message: "lsb + width exceed 64 bits"),
        Case(text: "%1 = const.i32 value=1\n%2 = sbfx.i32 %1, lsb=0, width=33", message: "lsb + width exceed 32 bits"),
        Case(text: "%1 = get.i64 x1\n%2 = bfi.i64 %1, %1, lsb=0, width=0", message: "width must not be 0"),
        Case(text: "%1 = const.i32 value=1\n%2 = extr.i32 %1, %1, lsb=32", message: "lsb must be below 32"),
        Case(text: "%1 = get.i64 x1\n%2 = load.i32 %1, size=3", message: "an access of 8 bytes does not fit i32"),
        Case(
            text: "%1 = get.i64 x1\n%2 = load.i64 %1, size=3, flags=sign_extend",
            message: "sign_extend needs an integer type wider than the access"),
        Case(text: "%1 = get.i64 x1\nstore.i64 %1, %1, size=2, flags=sign_extend", message: "sign_extend is for load"),
        Case(text: "%1 = get.i64 x1\nstore.i64 %1, %1, size=4", message: "an access of 16 bytes does not fit i64"),
        Case(
            text: "%1 = get.i64 x1\n%2 = store_exclusive %1, %1, size=4", message: "an access of 16 bytes does not fit i64"),
        Case(
            text: "%1 = get.i64 x1\n%2 = load_exclusive.i64 %1, size=3, flags=pair_first",
            message: "pairs are of load or store"),
        Case(text: "%1 = get.i64 x1\nstore.i64 %1, %1, size=3, flags=pair_first", message: "pair_first without pair_second"),
        Case(text: "%1 = get.i64 x1\nstore.i64 %1, %1, size=3, flags=pair_second", message: "pair_second without pair_first"),
        Case(
            text: "%1 = get.i64 x1\nstore.i64 %1, %1, size=3, flags=pair_first\nstore.i64 %1, %1, size=2, flags=pair_second",
            message: "the halves of the pair differ"),
        Case(
            text: "%1 = get.i64 x1\nstore.i64 %1, %1, size=3, flags=pair_first\nstore.i64 %1, %1, size=3, flags=pair_second",
            message: nil),
        Case(text: "%1 = get.i128 v1\n%2 = vextract %1, lane=3, index=2", message: "no lane has this index"),
        Case(text: "%1 = get.i128 v1\n%2 = vshl %1, lane=0, amount=9", message: "the amount exceeds the lane"),
        Case(text: "%1 = get.i128 v1\n%2 = vrev %1, lane=2, container=2", message: "the container must be larger than the lane"),
        Case(text: "%1 = get.i128 v1\n%2 = vnarrow %1, lane=0", message: "lanes of one byte cannot be narrowed"),
        Case(text: "%1 = get.i128 v1\n%2 = vzext_low %1, lane=3", message: "lanes of 8 bytes cannot be extended"),
        Case(text: "%1 = call.i32 cntvct", message: "cntvct returns i64"),
        Case(text: "call icache_invalidate", message: "parameter 1 of icache_invalidate is i64, not none"),
        Case(
            text: "%1 = const.i32 value=1\n%2 = crc32 %1, %1, size=3", message: "data of this size must be i64"),
        Case(
            text: "%1 = get.i64 x1\nplugin_mem_call %1, %1, info=3, regs=0, function=0, userdata=0",
            message: "the value is i64, not none"),
        Case(text: "%1 = get.i64 x1\nplugin_add %1, offset=0, value=1", message: "the condition must be i1"),
    ]

    @Test(arguments: cases)
    func names(_ example: Case) throws {
        let text = example.isWhole ? example.text : "insn pc=0x1000, word=0\n\(example.text)\nchain pc=0x1004"
        let block = try IRParser.parse(text)
        let message: String?
        do {
            try IRVerifier.verify(block)
            message = nil
        } catch { message = error.message }
        #expect(message == example.message)
    }

    /// What text cannot say.
    @Test func rejectsWhatOnlyCodeCanBuild() {
        func message(_ inst: IRInst) -> String? {
            var block = IRBlock(pc: 0)
            block.insts = [IRInst(.insn), IRInst(.get, .i64, imm: 0), inst]
            return IRVerifier.problem(with: inst, at: 2, in: block)
        }
        let x = Value(1)
        #expect(message(IRInst(.set, .i64, x, imm: 99)) == "v3.lo cannot be written")
        #expect(message(IRInst(.get, .i64, imm: 50)) == "no register has number 50")
        #expect(message(IRInst(.get, .i64, imm: 1 << 32)) == "no register has number 4294967296")
        #expect(message(IRInst(.cond, aux: 16)) == "no condition has number 16")
        #expect(message(IRInst(.fence, aux: 9)) == "no fence kind has number 9")
        #expect(message(IRInst(.raise, aux: 0)) == "no exception kind has number 0")
        #expect(message(IRInst(.call, imm: 0xffff)) == "no helper has number 65535")
        #expect(message(IRInst(.atomicRMW, .i64, x, x, aux: 3, imm: 77)) == "no atomic operator has number 77")
        #expect(message(IRInst(.add, .i64, x, x, imm2: 4)) == "a field the operation does not use is 0x4")
        #expect(message(IRInst(.add, .i64, x, x, x)) == "operand 3 is one too many")
        #expect(message(IRInst(.add, .i64, x, Value(2))) == "%2 is not defined before its use")
        #expect(message(IRInst(.add, .i64, x, Value(0))) == "%0 defines no value")
        #expect(message(IRInst(.nop, .i64)) == "the operation has no type")
    }

    @Test func errorNamesTheInstruction() throws {
        let block = try IRParser.parse("insn pc=0, word=0\n%1 = get.i64 x1\n%2 = add.i64 %1\nchain pc=4")
        let error = #expect(throws: IRVerifierError.self) { try IRVerifier.verify(block) }
        #expect(error?.description == "#2: %2 = add.i64 %1, _: operand 2 is missing")
    }
}
