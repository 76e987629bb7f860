import NeedletailPlugin

/// A class of instructions: those whose encoding has `pattern` where `mask` has ones.
struct InstructionClass {
    enum Counting { case together, individually, not }

    let name: StaticString
    /// For `count=KEY`.
    let key: StaticString
    let mask: UInt32
    let pattern: UInt32
    var counting: Counting
    var hits = Counter(nothing: ())

    init(_ name: StaticString, _ key: StaticString, _ mask: UInt32, _ pattern: UInt32, _ counting: Counting = .together) {
        self.name = name
        self.key = key
        self.mask = mask
        self.pattern = pattern
        self.counting = counting
    }

    /// A64's groups, after the index by encoding in the Arm manual. The first match decides, so what is special stands before what is
    /// general. Names and keys are those of QEMU's reports; indented ones are part of the unindented one that follows.
    static var a64: [InstructionClass] {
        [
            InstructionClass("  UDEF", "udef", 0xffff_0000, 0x0000_0000, .not),
            InstructionClass("  SVE", "sve", 0x1e00_0000, 0x0400_0000),
            InstructionClass("Reserved", "res", 0x1e00_0000, 0x0000_0000),
            // data processing, immediate
            InstructionClass("  PCrel addr", "pcrel", 0x1f00_0000, 0x1000_0000),
            InstructionClass("  Add/Sub (imm,tags)", "asit", 0x1f80_0000, 0x1180_0000),
            InstructionClass("  Add/Sub (imm)", "asi", 0x1f00_0000, 0x1100_0000),
            InstructionClass("  Logical (imm)", "logi", 0x1f80_0000, 0x1200_0000),
            InstructionClass("  Move Wide (imm)", "movwi", 0x1f80_0000, 0x1280_0000),
            InstructionClass("  Bitfield", "bitf", 0x1f80_0000, 0x1300_0000),
            InstructionClass("  Extract", "extr", 0x1f80_0000, 0x1380_0000),
            InstructionClass("Data Proc Imm", "dpri", 0x1c00_0000, 0x1000_0000),
            // branches, exception generation, system
            InstructionClass("  Cond Branch (imm)", "cndb", 0xfe00_0000, 0x5400_0000),
            InstructionClass("  Exception Gen", "excp", 0xff00_0000, 0xd400_0000),
            InstructionClass("    NOP", "nop", 0xffff_ffff, 0xd503_201f, .not),
            InstructionClass("  Hints", "hint", 0xffff_f000, 0xd503_2000),
            InstructionClass("  Barriers", "barr", 0xffff_f000, 0xd503_3000),
            InstructionClass("  PSTATE", "psta", 0xfff8_f000, 0xd500_4000),
            InstructionClass("  System Insn", "sins", 0xffd8_0000, 0xd508_0000),
            InstructionClass("  System Reg", "sreg", 0xffd0_0000, 0xd510_0000),
            InstructionClass("  Branch (reg)", "breg", 0xfe00_0000, 0xd600_0000),
            InstructionClass("  Branch (imm)", "bimm", 0x7c00_0000, 0x1400_0000),
            InstructionClass("  Cmp & Branch", "cmpb", 0x7e00_0000, 0x3400_0000),
            InstructionClass("  Tst & Branch", "tstb", 0x7e00_0000, 0x3600_0000),
            InstructionClass("Branches", "branch", 0x1c00_0000, 0x1400_0000),
            // loads and stores
            InstructionClass("  AdvSimd ldstmult", "advlsm", 0xbfbf_0000, 0x0c00_0000),
            InstructionClass("  AdvSimd ldstmult++", "advlsmp", 0xbfa0_0000, 0x0c80_0000),
            InstructionClass("  AdvSimd ldst", "advlss", 0xbf9f_0000, 0x0d00_0000),
            InstructionClass("  AdvSimd ldst++", "advlssp", 0xbf80_0000, 0x0d80_0000),
            InstructionClass("  ldst excl", "ldstx", 0x3f00_0000, 0x0800_0000),
            InstructionClass("    Prefetch", "prfm", 0xff00_0000, 0xd800_0000),
            InstructionClass("  Load Reg (lit)", "ldlit", 0x3b00_0000, 0x1800_0000),
            InstructionClass("  ldst noalloc pair", "ldstnap", 0x3b80_0000, 0x2800_0000),
            InstructionClass("  ldst pair", "ldstp", 0x3a00_0000, 0x2800_0000),
            InstructionClass("  ldst reg", "ldstr", 0x3b20_0000, 0x3800_0000),
            InstructionClass("  Atomic ldst", "atomic", 0x3b20_0c00, 0x3820_0000),
            InstructionClass("  ldst reg (reg off)", "ldstro", 0x3b20_0c00, 0x3820_0800),
            InstructionClass("  ldst reg (pac)", "ldstpa", 0x3b20_0400, 0x3820_0400),
            InstructionClass("  ldst reg (imm)", "ldsti", 0x3b00_0000, 0x3900_0000),
            InstructionClass("Loads & Stores", "ldst", 0x0a00_0000, 0x0800_0000),
            // data processing of registers
            InstructionClass("Data Proc Reg", "dprr", 0x0e00_0000, 0x0a00_0000),
            InstructionClass("Scalar FP ", "fpsimd", 0x0e00_0000, 0x0e00_0000),
            InstructionClass("Unclassified", "unclas", 0x0000_0000, 0x0000_0000),
        ]
    }

    /// What other targets have.
    static var other: [InstructionClass] {
        [InstructionClass("Unclassified", "unclas", 0, 0, .individually)]
    }

    func contains(_ encoding: UInt32) -> Bool { encoding & mask == pattern }
}
