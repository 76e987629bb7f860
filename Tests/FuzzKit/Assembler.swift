/// The few A64 words that the harness and the fix-ups in front of fuzzed instructions are made of.
enum Assembler {
    static let nop: UInt32 = 0xd503_201f
    static let ret: UInt32 = 0xd65f_03c0
    static let svc: UInt32 = 0xd400_0001
    static let clrex: UInt32 = 0xd503_3f5f

    /// MOVZ and MOVK of a 32-bit value.
    static func move(_ rd: UInt32, _ value: UInt32) -> [UInt32] {
        [0xd280_0000 | (value & 0xffff) << 5 | rd, 0xf2a0_0000 | (value >> 16) << 5 | rd]
    }
    static func movz(_ rd: UInt32, _ value: UInt32) -> UInt32 { 0xd280_0000 | value << 5 | rd }
    static func movn(_ rd: UInt32, _ value: UInt32) -> UInt32 { 0x9280_0000 | value << 5 | rd }
    /// MOVK of bits 47:32.
    static func movkHigh(_ rd: UInt32, _ value: UInt32) -> UInt32 { 0xf2c0_0000 | value << 5 | rd }
    /// MOV to or from SP (31), by ADD.
    static func moveSP(_ rd: UInt32, _ rn: UInt32) -> UInt32 { 0x9100_0000 | rn << 5 | rd }
    static func moveRegister(_ rd: UInt32, _ rm: UInt32) -> UInt32 { 0xaa00_03e0 | rm << 16 | rd }
    static func addImmediate(_ rd: UInt32, _ rn: UInt32, _ value: UInt32) -> UInt32 {
        0x9100_0000 | value << 10 | rn << 5 | rd
    }
    static func load(_ rt: UInt32, _ rn: UInt32, _ offset: Int) -> UInt32 {
        0xf940_0000 | UInt32(offset / 8) << 10 | rn << 5 | rt
    }
    static func store(_ rt: UInt32, _ rn: UInt32, _ offset: Int) -> UInt32 {
        0xf900_0000 | UInt32(offset / 8) << 10 | rn << 5 | rt
    }
    static func loadPair(_ rt: UInt32, _ rt2: UInt32, _ rn: UInt32, _ offset: Int) -> UInt32 {
        0xa940_0000 | UInt32(offset / 8) << 15 | rt2 << 10 | rn << 5 | rt
    }
    static func storePair(_ rt: UInt32, _ rt2: UInt32, _ rn: UInt32, _ offset: Int) -> UInt32 {
        0xa900_0000 | UInt32(offset / 8) << 15 | rt2 << 10 | rn << 5 | rt
    }
    static func loadPairQ(_ rt: UInt32, _ rn: UInt32, _ offset: Int) -> UInt32 {
        0xad40_0000 | UInt32(offset / 16) << 15 | (rt + 1) << 10 | rn << 5 | rt
    }
    static func storePairQ(_ rt: UInt32, _ rn: UInt32, _ offset: Int) -> UInt32 {
        0xad00_0000 | UInt32(offset / 16) << 15 | (rt + 1) << 10 | rn << 5 | rt
    }
    /// LDR (literal) of 64 bits, `words` from here.
    static func loadLiteral(_ rt: UInt32, words: Int) -> UInt32 {
        0x5800_0000 | (UInt32(truncatingIfNeeded: words) & 0x7ffff) << 5 | rt
    }
    static func branch(words: Int) -> UInt32 { 0x1400_0000 | UInt32(truncatingIfNeeded: words) & 0x3ff_ffff }
    static func branchLink(words: Int) -> UInt32 { 0x9400_0000 | UInt32(truncatingIfNeeded: words) & 0x3ff_ffff }
    static func branchIfNotZero(_ rt: UInt32, words: Int) -> UInt32 {
        0xb500_0000 | (UInt32(truncatingIfNeeded: words) & 0x7ffff) << 5 | rt
    }
    /// ADR of a word `words` from here.
    static func address(_ rd: UInt32, words: Int) -> UInt32 {
        0x1000_0000 | (UInt32(truncatingIfNeeded: words) & 0x7ffff) << 5 | rd
    }
    enum SystemRegister: UInt32 {
        case nzcv = 0xd51b_4200
        case fpcr = 0xd51b_4400
        case fpsr = 0xd51b_4420
        case tpidr = 0xd51b_d040
        case dit = 0xd51b_42a0
        case ssbs = 0xd51b_42c0
    }
    static func msr(_ register: SystemRegister, _ rt: UInt32) -> UInt32 { register.rawValue | rt }
    static func mrs(_ rt: UInt32, _ register: SystemRegister) -> UInt32 { register.rawValue | 1 << 21 | rt }
}
