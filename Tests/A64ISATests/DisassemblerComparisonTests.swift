import A64ISA
import CLLVM
import Testing

/// LLVM's AArch64 disassembler as a second opinion on which words are allocated, and under which name.
///
/// Words: random ones, instances of every row, and those instances with one bit turned over.
@Suite struct DisassemblerComparisonTests {
    /// The features `nt_disassembler_a64` has on. A row that wants another one counts as unallocated here.
    static let features: A64FeatureSet = [
        .FEAT_FP, .FEAT_AdvSIMD, .FEAT_CRC32, .FEAT_LSE, .FEAT_RDM, .FEAT_FP16, .FEAT_DotProd, .FEAT_FHM, .FEAT_FCMA,
        .FEAT_JSCVT, .FEAT_LRCPC, .FEAT_LRCPC2, .FEAT_LSE2, .FEAT_FlagM, .FEAT_FlagM2, .FEAT_FRINTTS, .FEAT_DIT,
        .FEAT_SB, .FEAT_SPECRES, .FEAT_SSBS2, .FEAT_DPB, .FEAT_DPB2, .FEAT_DGH, .FEAT_BF16, .FEAT_I8MM, .FEAT_AES,
        .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256, .FEAT_SHA512, .FEAT_SHA3, .FEAT_SM3, .FEAT_SM4, .FEAT_PAuth, .FEAT_BTI,
        .FEAT_RNG, .FEAT_MOPS,
    ]

    /// A known difference and why it stands.
    struct Exclusion: Sendable {
        let reason: String
        let holds: @Sendable (_ word: UInt32, _ ours: A64Encoding?, _ llvm: String?) -> Bool
    }

    static let exclusions: [Exclusion] = [
        Exclusion(reason: "LLVM prints unallocated words of the system space as MSR, MRS or SYS with a generic register") {
            word, ours, llvm in
            (ours == nil || ours == .WFET || ours == .WFIT) && llvm != nil && word & 0xffc0_0000 == 0xd500_0000
        },
        Exclusion(reason: "a logical immediate that means no bit mask is UNDEFINED by the instruction's pseudocode") {
            word, ours, llvm in
            let isLogical = ours == .AND_imm || ours == .ORR_imm || ours == .EOR_imm || ours == .ANDS_imm
            return isLogical && llvm == nil && !isBitMask(LogicalImmediate(word: word))
        },
        Exclusion(reason: "Ra of SMULH and UMULH should be 31; the manual lets an implementation ignore it, as we do") {
            word, ours, llvm in
            (ours == .SMULH || ours == .UMULH) && llvm == nil && word >> 10 & 31 != 31
        },
    ]

    /// DecodeBitMasks finds an element: N:NOT(imms) has a bit set above bit 0, and the ones do not fill the element.
    private static func isBitMask(_ f: LogicalImmediate) -> Bool {
        if f.sf == 0 && f.N == 1 { return false }
        let combined = f.N << 6 | (~f.imms & 0x3f)
        guard combined > 1 else { return false }
        let length = combined.bitWidth - 1 - combined.leadingZeroBitCount
        let levels = (1 << length) - 1
        return f.imms & levels != levels
    }

    @Test(arguments: [0x5eed, 0xa64] as [UInt64])
    func allocationMatches(seed: UInt64) throws {
        let llvm = try Disassembler()
        var random = SplitMix64(seed: seed)
        var differences: [String: Int] = [:]
        var compared = 0
        func compare(_ word: UInt32) {
            compared += 1
            let decoded = decodeA64(word)
            let ours = decoded.flatMap { $0.row.isAvailable(word, with: Self.features) ? $0 : nil }
            let accepted = llvm.accepts(word)
            guard (ours != nil) != accepted else { return }
            let text = accepted ? llvm.text(word) : nil
            if Self.exclusions.contains(where: { $0.holds(word, decoded, text) }) { return }
            let key = "ours \(ours.map { "\($0)" } ?? "unallocated"), LLVM \(text?.prefix { $0 != " " } ?? "unallocated")"
            differences[key, default: 0] += 1
            if differences[key] == 1 { Issue.record("\(hex(word)): \(key): \(text ?? "")") }
        }
        for _ in 0..<600_000 { compare(random.word()) }
        for row in A64Encoding.rows {
            for _ in 0..<150 {
                guard let word = row.word(filling: random.word()) else { continue }
                compare(word)
                compare(word ^ (1 << (random.word() & 31)))
            }
        }
        #expect(compared > 600_000)
        #expect(differences.isEmpty, "\(differences)")
    }

    /// Mnemonics LLVM prefers over the row's own name, by the row's name up to the first underscore.
    static let aliases: [String: Set<String>] = [
        "ADDS": ["cmn"], "ANDS": ["tst"], "ASRV": ["asr"], "BFM": ["bfc", "bfi", "bfxil"], "BFMLAL": ["bfmlalb", "bfmlalt"],
        "CSINC": ["cinc", "cset"], "CSINV": ["cinv", "csetm"], "CSNEG": ["cneg"], "DSB": ["ssbb", "pssbb"], "DUP": ["mov"],
        "EXTR": ["ror"], "HINT": ["hint"], "INS": ["mov"], "LSLV": ["lsl"], "LSRV": ["lsr"], "MADD": ["mul"],
        "MOVN": ["mov"], "MOVZ": ["mov"], "MSUB": ["mneg"], "NOT": ["mvn"], "ORN": ["mvn"], "ORR": ["mov"], "PSB": ["hint"],
        "RORV": ["ror"], "SBC": ["ngc"], "SBCS": ["ngcs"], "SBFM": ["asr", "sbfiz", "sbfx", "sxtb", "sxth", "sxtw"],
        "SMADDL": ["smull"], "SMSUBL": ["smnegl"], "SUB": ["neg"], "SUBS": ["cmp", "negs"],
        "UBFM": ["lsl", "lsr", "ubfiz", "ubfx", "uxtb", "uxth"], "UMADDL": ["umull"], "UMOV": ["mov"], "UMSUBL": ["umnegl"],
        "SYS": ["apas", "at", "cfp", "cpp", "cosp", "dc", "dvp", "ic", "tlbi", "brb", "trcit", "gcspushm", "gcsss1"],
    ]

    /// The first word of LLVM's text names the row. Loads and stores are left out: their many aliases would be a second
    /// table, and their rows' names carry the addressing mode.
    @Test func mnemonicsMatch() throws {
        let llvm = try Disassembler()
        var random = SplitMix64(seed: 3)
        var wrong: Set<String> = []
        for row in A64Encoding.rows where !row.heading.hasPrefix("Loads and Stores") {
            let stem = String(row.name.prefix { $0 != "_" })
            for _ in 0..<60 {
                guard let word = row.word(filling: random.word()), decodeA64(word) == row.encoding else { continue }
                guard let mnemonic = llvm.text(word)?.prefix(while: { $0 != " " && $0 != "." }) else { continue }
                var known = Self.aliases[stem] ?? []
                known.formUnion([stem.lowercased(), stem.lowercased() + "2"])
                // WFET and WFIT are not among the disassembler's features: generic there.
                if stem.hasPrefix("WF") { known.insert("msr") }
                if !known.contains(String(mnemonic)) { wrong.insert("\(row.name): \(mnemonic)") }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.sorted())")
    }
}

/// Owner of one LLVM disassembler. One thread at a time.
private struct Disassembler: ~Copyable {
    private let context: LLVMDisasmContextRef
    private let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 256)

    init() throws { context = try #require(nt_disassembler_a64()) }

    deinit {
        LLVMDisasmDispose(context)
        buffer.deallocate()
    }

    func accepts(_ word: UInt32) -> Bool {
        var bytes = word.littleEndian
        return withUnsafeMutableBytes(of: &bytes) {
            LLVMDisasmInstruction(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4, 0x10000, buffer, 256) == 4
        }
    }

    /// The instruction's text, blanks single; nil when LLVM rejects the word.
    func text(_ word: UInt32) -> String? {
        guard accepts(word) else { return nil }
        return String(cString: buffer).split(whereSeparator: { $0 == "\t" || $0 == " " }).joined(separator: " ")
    }
}
