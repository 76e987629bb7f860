import EmuIR
import TestSupport
import Testing

@Suite struct IRTextTests {
    @Test func printsEachKindOfField() throws {
        var ir = IRBuilder(pc: 0x40_0000, flags: 3)
        ir.insn(pc: 0x40_0000, word: 0x9100_0421)
        let x1 = ir.get(.x(1))
        let low = ir.load(x1, offset: -16, size: 2, .i64, [.signExtend, .pairFirst])
        let high = ir.load(x1, offset: -12, size: 2, .i64, [.signExtend, .pairSecond])
        ir.set(.x(0), low)
        ir.flags(.flagsSub, low, high)
        let eq = ir.cond(.eq)
        ir.fence(.full)
        let old = ir.atomicRMW(.umax, x1, high, size: 3, [.acquire, .release])
        ir.call(.icacheInvalidate, old)
        let v = ir.get(.v(7))
        _ = ir.vextract(v, lane: 2, index: 3)
        ir.append(IRInst(.pluginMemCall, .none, x1, .none, eq, aux: 3, flags: 1, imm: 0x1000, imm2: 7))
        ir.branchIf(eq, taken: 0x40_0100, fallthrough: 0x40_0004)
        #expect(
            ir.block.text == """
                block pc=0x400000, flags=0x3, insns=1
                insn pc=0x400000, word=0x91000421
                %1 = get.i64 x1
                %2 = load.i64 %1, size=2, offset=-16, flags=sign_extend|pair_first
                %3 = load.i64 %1, size=2, offset=-12, flags=sign_extend|pair_second
                set.i64 x0, %2
                flags_sub.i64 %2, %3
                %6 = cond eq
                fence full
                %8 = atomic_rmw.i64 umax, %1, %3, size=3, flags=acquire|release
                call icache_invalidate, %8
                %10 = get.i128 v7
                %11 = vextract %10, lane=2, index=3
                plugin_mem_call %1, _, %6, info=3, regs=1, function=0x1000, userdata=0x7
                branch_if %6, taken=0x400100, fallthrough=0x400004

                """)
        try IRVerifier.verify(ir.block)
        #expect(try IRParser.parse(ir.block.text) == ir.block)
    }

    @Test func annotationsAreComments() throws {
        var ir = IRBuilder(pc: 0x1000)
        ir.insn(pc: 0x1000, word: 0xd503_201f)
        ir.chain(0x1004)
        let text = ir.block.text { pc, word in "at \(pc): \(word == 0xd503_201f ? "nop" : "?")" }
        #expect(text.contains("insn pc=0x1000, word=0xd503201f  ; at 4096: nop\n"))
        #expect(try IRParser.parse(text) == ir.block)
    }

    @Test(arguments: 0..<20)
    func roundTripsRandomBlocks(_ group: UInt64) throws {
        for seed in 0..<50 {
            let block = RandomIR.block(seed: group * 1000 + UInt64(seed))
            try IRVerifier.verify(block)
            let text = block.text
            #expect(try IRParser.parse(text) == block, "\(text)")
        }
    }

    /// Every operation occurs in the random blocks, so the tests that use them leave none out.
    @Test func randomBlocksCoverTheTable() {
        var seen: Set<Opcode> = []
        for seed in 0..<800 { seen.formUnion(RandomIR.block(seed: UInt64(seed)).insts.map(\.op)) }
        #expect(Set(Opcode.allCases).subtracting(seen).isEmpty)
    }

    @Test func handWrittenTextMayBeLoose() throws {
        let block = try IRParser.parse(
            """
            ; no header, free numbers, decimal and hex
              insn pc=4096, word=0x0

            %70 = const.i64 value=10   ; ten
            %9=const.i64 value=0xa
            %100 = add.i64 %70,%9
            set.i64 x0, %100
            chain pc=4100
            """)
        #expect(block.pc == 4096)
        #expect(block.guestInstructionCount == 1)
        #expect(block.insts[3] == IRInst(.add, .i64, Value(1), Value(2)))
        try IRVerifier.verify(block)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let text: String
        let line: Int
        let column: Int
        let message: String
        var testDescription: String { message }
    }

    @Test(arguments: [
        Bad(text: "frob %1", line: 1, column: 1, message: "no operation is called 'frob'"),
        Bad(text: "nop\n  nop x", line: 2, column: 7, message: "'nop' takes no name"),
        Bad(text: "%1 = add.i64 %0, %0", line: 1, column: 14, message: "%0 is not defined before"),
        Bad(text: "%0 = add.i128", line: 1, column: 10, message: "'add' cannot have type i128"),
        Bad(text: "%0 = add.i6", line: 1, column: 10, message: "no type is called 'i6'"),
        Bad(text: "%0 = get x1", line: 1, column: 9, message: "'get' needs a type suffix"),
        Bad(text: "%0 = get.i64 x31", line: 1, column: 14, message: "no register is called 'x31'"),
        Bad(text: "%0 = get.i64", line: 1, column: 13, message: "'get' needs its register"),
        Bad(text: "get.i64 x1", line: 1, column: 1, message: "'get' defines a value: write '%n = '"),
        Bad(text: "%0 = nop", line: 1, column: 1, message: "'nop' defines no value"),
        Bad(text: "%0 = get.i64 x1\n%0 = get.i64 x2", line: 2, column: 1, message: "%0 is defined twice"),
        Bad(text: "chain pc=0x1g", line: 1, column: 10, message: "'0x1g' is no 64-bit number"),
        Bad(text: "chain pc=0x10000000000000000", line: 1, column: 10, message: "'0x10000000000000000' is no 64-bit number"),
        Bad(text: "chain pc=1, pc=2", line: 1, column: 13, message: "'pc' is given twice"),
        Bad(text: "chain to=1", line: 1, column: 7, message: "'chain' has no 'to'"),
        Bad(text: "chain pc=1,", line: 1, column: 12, message: "expected something after ','"),
        Bad(text: "chain pc=1 %", line: 1, column: 12, message: "expected end of line"),
        Bad(text: "%x = cond eq", line: 1, column: 1, message: "expected a number after '%'"),
        Bad(text: "%0 = cond eq, ne", line: 1, column: 15, message: "a second condition"),
        Bad(text: "%0 = get.i64 x0\n%1 = load.i64 %0, size=5", line: 2, column: 24, message: "size must be below 5"),
        Bad(
            text: "%0 = get.i64 x0\n%1 = load.i64 %0, size=3, flags=acquire|fast", line: 2, column: 41,
            message: "no memory flag is called 'fast'"),
        Bad(
            text: "%0 = get.i64 x0\n%1 = load.i64 %0, size=3, offset=-9223372036854775809", line: 2, column: 34,
            message: "offset has 64 bits with sign"),
        Bad(text: "block pc=0, insns=513", line: 1, column: 13, message: "a block has at most 512 instructions"),
        Bad(text: "block where=0", line: 1, column: 7, message: "a block has no 'where'"),
        Bad(text: "\u{fffd}", line: 1, column: 1, message: "expected an operation"),
    ])
    func reportsWhereTextIsWrong(_ bad: Bad) {
        let expected = IRParseError(line: bad.line, column: bad.column, message: bad.message)
        #expect(throws: expected) { try IRParser.parse(bad.text) }
    }
}
