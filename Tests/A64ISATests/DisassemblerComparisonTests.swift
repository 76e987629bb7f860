import A64ISA
import FuzzKit
import TestSupport
import Testing

/// LLVM's AArch64 disassembler as a second opinion on which words are allocated, and under which name.
///
/// Words: random ones, instances of every row, and those instances with one bit turned over.
@Suite struct DisassemblerComparisonTests {
    /// The features `nt_disassembler_a64` has on. A row that wants another one counts as unallocated here.
    static let features: A64FeatureSet = [
        .FEAT_FP, .FEAT_AdvSIMD, .FEAT_CRC32, .FEAT_LSE, .FEAT_RDM, .FEAT_FP16, .FEAT_DotProd, .FEAT_FHM, .FEAT_FCMA,
        .FEAT_JSCVT, .FEAT_LRCPC, .FEAT_LRCPC2, .FEAT_LSE2, .FEAT_FlagM, .FEAT_FlagM2, .FEAT_FRINTTS, .FEAT_DIT,
        .FEAT_SB, .FEAT_SSBS2, .FEAT_DPB, .FEAT_DPB2, .FEAT_DGH, .FEAT_BF16, .FEAT_I8MM, .FEAT_AES,
        .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256, .FEAT_SHA512, .FEAT_SHA3, .FEAT_SM3, .FEAT_SM4, .FEAT_PAuth, .FEAT_BTI,
        .FEAT_RNG, .FEAT_MOPS, .FEAT_WFxT, .FEAT_HBC, .FEAT_CSSC, .FEAT_LOR,
    ]

    /// A known difference and why it stands.
    struct Exclusion: Sendable {
        let reason: String
        let holds: @Sendable (_ word: UInt32, _ ours: A64Encoding?, _ llvm: String?) -> Bool
    }

    static let exclusions: [Exclusion] = [
        Exclusion(reason: "LLVM prints unallocated words of the system space as MSR, MRS or SYS with a generic register") {
            word, ours, llvm in
            ours == nil && llvm != nil && word & 0xffc0_0000 == 0xd500_0000
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
        Exclusion(reason: "Rs and Rt2 of exclusive and ordered accesses should be 31 where unused; as above") {
            word, ours, llvm in
            ours != nil && llvm == nil && word & 0x3f00_0000 == 0x0800_0000
                && (word >> 16 & 31 != 31 || word >> 10 & 31 != 31)
        },
        Exclusion(reason: "CASP with an odd register is UNDEFINED by its pseudocode; the semantics say so") {
            word, ours, llvm in
            ours.map { "\($0)".hasPrefix("CASP") } == true && llvm == nil && (word | word >> 16) & 1 != 0
        },
        Exclusion(reason: "2 to 4 structures of 64-bit elements in 64-bit vectors are UNDEFINED; the semantics say so") {
            word, ours, llvm in
            let isMultiple = ours.map { "\($0)".dropFirst(2).prefix(6).contains("_mult") } == true
            return isMultiple && llvm == nil && word >> 30 & 1 == 0 && word >> 10 & 3 == 3
        },
        Exclusion(reason: "memory copy and set with overlapping registers or register 31 are UNDEFINED; not implemented yet") {
            word, ours, llvm in
            let (d, n, s) = (word & 31, word >> 5 & 31, word >> 16 & 31)
            let isMemory = ours.map { ["CPY", "SET"].contains("\($0)".prefix(3)) } == true && word & 0x3b20_0c00 == 0x1900_0400
            return isMemory && llvm == nil && (d == n || d == s || n == s || d == 31 || n == 31 || s == 31)
        },
        Exclusion(
            reason: "CONSTRAINED UNPREDICTABLE, not unallocated: a pair loads one register twice, or its base is written back"
        ) {
            word, ours, llvm in
            let (t, n, t2) = (word & 31, word >> 5 & 31, word >> 10 & 31)
            return ours != nil && llvm == nil && word & 0x3a00_0000 == 0x2800_0000
                && (t == t2 || n != 31 && (t == n || t2 == n))
        },
        Exclusion(
            reason: "CONSTRAINED UNPREDICTABLE, not unallocated: a load into its written-back base; LLVM adds LDTR and its kin"
        ) {
            word, ours, llvm in
            let isImmediate = word & 0x3f20_0000 == 0x3800_0000 && word >> 10 & 3 != 0
            let isAuthenticated = word & 0xff20_0c00 == 0xf820_0c00
            return ours != nil && llvm == nil && (isImmediate || isAuthenticated) && word & 31 == word >> 5 & 31
                && word & 31 != 31
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
    func allocationMatches(seed: UInt64) {
        let llvm = A64Disassembler()
        var random = SplitMix64(seed: seed)
        var differences: [String: Int] = [:]
        var compared = 0
        func compare(_ word: UInt32) {
            compared += 1
            let ours = decodeA64(word).flatMap { $0.row.isAvailable(word, with: Self.features) ? $0 : nil }
            let accepted = llvm.accepts(word)
            guard (ours != nil) != accepted else { return }
            let text = accepted ? llvm.text(word) : nil
            if Self.exclusions.contains(where: { $0.holds(word, ours, text) }) { return }
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

    /// Loads and stores whose rows take several mnemonics together: options of the memory copy and set instructions, the
    /// number of structures, and the store alias of an atomic without result.
    private static func isLoadStoreVariant(_ mnemonic: Substring, of stem: String) -> Bool {
        let name = stem.lowercased()
        switch name.prefix(3) {
        case "cpy", "set": return mnemonic.hasPrefix(name)
        case "ld1", "st1": return mnemonic.prefix(2) == name.prefix(2) && mnemonic.dropFirst(3) == name.dropFirst(3)
        case "prf": return mnemonic == "rprfm"
        default: return name.hasPrefix("ld") && mnemonic == "st" + name.dropFirst(2)
        }
    }

    /// The first word of LLVM's text names the row.
    @Test func mnemonicsMatch() {
        let llvm = A64Disassembler()
        var random = SplitMix64(seed: 3)
        var wrong: Set<String> = []
        for row in A64Encoding.rows {
            let stem = String(row.name.prefix { $0 != "_" })
            for _ in 0..<60 {
                guard let word = row.word(filling: random.word()), decodeA64(word) == row.encoding else { continue }
                guard let mnemonic = llvm.text(word)?.prefix(while: { $0 != " " && $0 != "." }) else { continue }
                var known = Self.aliases[stem] ?? []
                known.formUnion([stem.lowercased(), stem.lowercased() + "2"])
                let isVariant = row.heading.hasPrefix("Loads and Stores") && Self.isLoadStoreVariant(mnemonic, of: stem)
                if !known.contains(String(mnemonic)) && !isVariant { wrong.insert("\(row.name): \(mnemonic)") }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.sorted())")
    }
}
