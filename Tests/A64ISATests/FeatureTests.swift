import A64ISA
import Testing

@Suite struct FeatureTests {
    /// Field `lsb` of an ID register as EL0 sees it.
    private func field(_ register: SystemRegister, _ lsb: Int, of features: A64FeatureSet) -> UInt64? {
        features.idRegisters(midr: 0)[register.key].map { $0 >> UInt64(lsb) & 15 }
    }

    @Test func fieldsTakeTheirHighestPresentValue() {
        #expect(field(.ID_AA64ISAR0_EL1, 52, of: [.FEAT_FlagM]) == 1)
        #expect(field(.ID_AA64ISAR0_EL1, 52, of: [.FEAT_FlagM, .FEAT_FlagM2]) == 2)
        #expect(field(.ID_AA64ISAR0_EL1, 4, of: [.FEAT_AES]) == 1)
        #expect(field(.ID_AA64ISAR0_EL1, 4, of: [.FEAT_AES, .FEAT_PMULL]) == 2)
        #expect(field(.ID_AA64ISAR0_EL1, 12, of: [.FEAT_SHA256, .FEAT_SHA512]) == 2)
        #expect(field(.ID_AA64ISAR1_EL1, 0, of: [.FEAT_DPB, .FEAT_DPB2]) == 2)
        #expect(field(.ID_AA64ISAR1_EL1, 20, of: [.FEAT_LRCPC, .FEAT_LRCPC2]) == 2)
    }

    @Test func floatingPointFieldsSayAbsentWithAllOnes() {
        #expect(field(.ID_AA64PFR0_EL1, 16, of: [.FEAT_FP, .FEAT_AdvSIMD]) == 0)
        #expect(field(.ID_AA64PFR0_EL1, 20, of: [.FEAT_FP, .FEAT_AdvSIMD]) == 0)
        #expect(field(.ID_AA64PFR0_EL1, 16, of: [.FEAT_FP, .FEAT_AdvSIMD, .FEAT_FP16]) == 1)
        #expect(field(.ID_AA64PFR0_EL1, 16, of: []) == 15)
        #expect(field(.ID_AA64PFR0_EL1, 20, of: []) == 15)
    }

    /// Bits of Linux's arm64 asm/hwcap.h.
    @Test func hwcaps() {
        let base: A64FeatureSet = [.FEAT_FP, .FEAT_AdvSIMD]
        #expect(base.hwcap == 1 << 0 | 1 << 1 | 1 << 11)
        #expect(base.hwcap2 == 0)
        #expect(base.union([.FEAT_LSE, .FEAT_CRC32]).hwcap == base.hwcap | 1 << 8 | 1 << 7)
        #expect(base.union([.FEAT_FlagM, .FEAT_FlagM2]).hwcap == base.hwcap | 1 << 27)
        #expect(base.union([.FEAT_FlagM, .FEAT_FlagM2]).hwcap2 == 1 << 7)
        #expect(base.union([.FEAT_FP16]).hwcap == base.hwcap | 1 << 9 | 1 << 10)
        #expect(base.union([.FEAT_BF16, .FEAT_I8MM]).hwcap2 == 1 << 14 | 1 << 13)
    }

    /// What a CPU shows must not be missing: an encoding that only wants shown features has semantics.
    @Test func shownFeaturesAreImplemented() {
        for row in A64Encoding.rows where !row.features.isEmpty && !row.isImplemented {
            let shown = row.features.allSatisfy { A64FeatureSet.max.contains($0.feature) }
            #expect(!shown, "\(row.name) wants \(row.features.map(\.feature)), all shown by -cpu max")
        }
    }

    @Test func everyFeatureWithAnIDFieldHasOneRowPerField() {
        var seen: Set<String> = []
        for row in A64Feature.table {
            #expect(seen.insert("\(row.feature) \(row.register.key) \(row.lsb)").inserted)
            #expect(row.value <= 15 && row.lsb % 4 == 0)
        }
    }

    @Test func cpuOptions() throws {
        let model = try CPUModel.parse("max,lse=off").get()
        #expect(!model.features.contains(.FEAT_LSE))
        #expect(model.features.contains(.FEAT_CRC32))
        #expect(throws: CPUModelError.self) { try CPUModel.parse("max,nonsense=off").get() }
        #expect(throws: CPUModelError.self) { try CPUModel.parse("arm7tdmi").get() }
        #expect(throws: CPUModelError.self) { try CPUModel.parse("max,lse=maybe").get() }
    }

    /// The key is bits 20:5 of MRS and MSR.
    @Test func systemRegisterKeysAreTheInstructionsBits() {
        #expect(SystemRegister.TPIDR_EL0.key == UInt16(truncatingIfNeeded: 0xd53b_d049 as UInt32 >> 5))  // mrs x9, tpidr_el0
        #expect(SystemRegister.NZCV.key == UInt16(truncatingIfNeeded: 0xd51b_4200 as UInt32 >> 5))  // msr nzcv, x0
        #expect(SystemRegister.ID_AA64PFR0_EL1.isInIDSpace)
        #expect(!SystemRegister.MIDR_EL1.isInIDSpace)
        #expect(!SystemRegister.CTR_EL0.isInIDSpace)
    }
}
