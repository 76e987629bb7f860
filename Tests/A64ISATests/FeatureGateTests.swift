import A64ISA
import TestSupport
import Testing

/// LLVM's AArch64 disassembler as a second opinion on which feature an encoding needs: with the feature off it must reject
/// just those words that `A64EncodingRow.isAvailable` rejects.
@Suite struct FeatureGateTests {
    /// One of LLVM's features and ours that it covers, those that LLVM switches off along with it among them.
    struct Gate: Sendable, CustomTestStringConvertible {
        let name: String
        let features: A64FeatureSet
        var testDescription: String { name }
        init(_ name: String, _ features: A64FeatureSet) {
            self.name = name
            self.features = features
        }
    }

    static let gates = [
        Gate("fp-armv8", []), Gate("neon", [.FEAT_AdvSIMD]), Gate("crc", [.FEAT_CRC32]), Gate("lse", [.FEAT_LSE]),
        Gate("lor", [.FEAT_LOR]), Gate("rdm", [.FEAT_RDM]), Gate("fullfp16", [.FEAT_FP16, .FEAT_FHM]),
        Gate("fp16fml", [.FEAT_FHM]), Gate("dotprod", [.FEAT_DotProd]), Gate("complxnum", [.FEAT_FCMA]),
        Gate("jsconv", [.FEAT_JSCVT]), Gate("fptoint", [.FEAT_FRINTTS]), Gate("bf16", [.FEAT_BF16]),
        Gate("i8mm", [.FEAT_I8MM]), Gate("rcpc", [.FEAT_LRCPC, .FEAT_LRCPC2]), Gate("rcpc-immo", [.FEAT_LRCPC2]),
        Gate("flagm", [.FEAT_FlagM]), Gate("aes", [.FEAT_AES, .FEAT_PMULL]),
        Gate("sha2", [.FEAT_SHA1, .FEAT_SHA256, .FEAT_SHA512, .FEAT_SHA3]), Gate("sha3", [.FEAT_SHA512, .FEAT_SHA3]),
        Gate("sm4", [.FEAT_SM3, .FEAT_SM4]), Gate("pauth", [.FEAT_PAuth]), Gate("mops", [.FEAT_MOPS]),
        Gate("mte", [.FEAT_MTE]), Gate("ls64", [.FEAT_LS64]), Gate("hbc", [.FEAT_HBC]),
        Gate("cssc", [.FEAT_CSSC]),
    ]

    private static let everything = A64Feature.allCases.reduce(into: A64FeatureSet()) { $0.insert($1) }
    private static let allOn = gates.map { "+" + $0.name }.joined(separator: ",") + base
    /// SMC and DCPS3 are there on all CPUs, and UNDEFINED at EL0.
    private static let base = ",+el3"

    /// Hints run everywhere, and LLVM knows generic forms of all of the system space.
    private static func isGeneric(_ row: A64EncodingRow) -> Bool { row.bits.value & 0xffc0_0000 == 0xd500_0000 }

    /// Known differences, by gate and row.
    private static let differences: Set<String> = [
        // LLVM wants NEON for BFCVT, which is scalar, and none for the vector forms of FRINT32 and FRINT64.
        "neon BFCVT", "neon FRINT32X_advsimd", "neon FRINT32Z_advsimd", "neon FRINT64X_advsimd", "neon FRINT64Z_advsimd",
    ]

    /// Up to 24 words of each row that LLVM accepts with everything on.
    private static func words() throws -> [(row: A64EncodingRow, word: UInt32)] {
        let all = try Disassembler(features: allOn)
        var random = SplitMix64(seed: 11)
        var words: [(A64EncodingRow, UInt32)] = []
        for row in A64Encoding.rows where !isGeneric(row) {
            var found = 0
            for attempt in 0..<400 where found < 24 {
                // Every other with ones where unused registers should be ones.
                let filling = random.word() | (attempt & 1 == 0 ? 0 : 0x001f_7c00)
                guard let word = row.word(filling: filling), decodeA64(word) == row.encoding, all.accepts(word) else {
                    continue
                }
                found += 1
                words.append((row, word))
            }
            #expect(found > 0, "LLVM knows no \(row.name)")
        }
        return words
    }

    @Test func rowsNameTheFeaturesThatLLVMWants() throws {
        let words = try Self.words()
        for gate in Self.gates {
            let without = try Disassembler(features: Self.allOn + ",-" + gate.name)
            var features = Self.everything
            for feature in A64Feature.allCases where gate.features.contains(feature) { features.remove(feature) }
            var wrong: Set<String> = []
            for (row, word) in words {
                // LLVM's fp-armv8 takes all of AdvSIMD with it, but not the integer instructions.
                let isAvailable =
                    gate.name == "fp-armv8"
                    ? !row.features.contains { [.FEAT_FP, .FEAT_AdvSIMD].contains($0.feature) && $0.condition.matches(word) }
                    : row.isAvailable(word, with: features)
                if without.accepts(word) != isAvailable, !Self.differences.contains("\(gate.name) \(row.name)") {
                    wrong.insert("LLVM: \(row.name) \(isAvailable ? "needs" : "does without") it")
                }
            }
            #expect(wrong.isEmpty, "\(gate.name): \(wrong.sorted())")
        }
    }

    /// An encoding that names no feature belongs to Armv8.0-A without floating point.
    @Test func otherRowsAreTheBase() throws {
        let base = try Disassembler(features: "-fp-armv8" + Self.base)
        var wrong: Set<String> = []
        for (row, word) in try Self.words() where row.features.isEmpty && !base.accepts(word) { wrong.insert(row.name) }
        #expect(wrong.isEmpty, "\(wrong.sorted())")
    }

    /// Every feature but those without an encoding of their own stands behind some LLVM feature.
    @Test func everyFeatureOfARowIsCompared() {
        var compared = A64FeatureSet()
        for gate in Self.gates where gate.name != "fp-armv8" { compared = compared.union(gate.features) }
        compared.insert(.FEAT_FP)
        let named = Set(A64Encoding.rows.filter { !Self.isGeneric($0) }.flatMap { $0.features.map(\.feature) })
        #expect(named.filter { !compared.contains($0) }.isEmpty)
    }
}
