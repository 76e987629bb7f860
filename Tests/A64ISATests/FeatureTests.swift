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

    /// ID registers, HWCAPs and names are those that Linux shows on the real parts.
    @Test func modelsShowWhatThePartsShow() throws {
        let a72 = try CPUModel.parse("cortex-a72").get()
        let registers = a72.features.idRegisters(midr: a72.midr)
        #expect(registers[SystemRegister.MIDR_EL1.key] == 0x410f_d083)
        #expect(registers[SystemRegister.ID_AA64PFR0_EL1.key] == 0x11)
        #expect(registers[SystemRegister.ID_AA64ISAR0_EL1.key] == 0x1_1120)
        #expect((registers[SystemRegister.ID_AA64ISAR1_EL1.key] ?? 0) == 0)
        #expect(registers[SystemRegister.ID_AA64DFR0_EL1.key] == 6)
        #expect(registers[SystemRegister.ID_AA64MMFR0_EL1.key] == 0xff00_0000)
        #expect(a72.features.hwcap == 0x8fb && a72.features.hwcap2 == 0)
        #expect(a72.features.capabilityNames.joined(separator: " ") == "fp asimd aes pmull sha1 sha2 crc32 cpuid")
    }

    @Test func capabilitiesAreNumberedOnce() {
        let all = A64Feature.table.compactMap(\.hwcap) + [.cpuid]
        #expect(Set(all.map(\.number)).count == all.count && Set(all.map(\.name)).count == all.count)
        let max = A64FeatureSet.max
        #expect(max.hwcap.nonzeroBitCount + max.hwcap2.nonzeroBitCount == max.capabilityNames.count)
    }

    /// What a CPU shows must not be missing: an encoding that only wants shown features has semantics.
    @Test func shownFeaturesAreImplemented() {
        for row in A64Encoding.rows where !row.features.isEmpty && !row.isImplemented {
            let shown = row.features.allSatisfy { A64FeatureSet.max.contains($0.feature) }
            #expect(!shown, "\(row.name) wants \(row.features.map(\.feature)), all shown by -cpu max")
        }
    }

    /// The fields that Linux lets EL0 see (Linux, "ARM64 CPU Feature Registers"), by their lowest bits. ID_AA64PFR0_EL1.EL0 and
    /// EL1 read as AArch64 only.
    static let visibleFields: [SystemRegister: Set<Int>] = [
        .ID_AA64PFR0_EL1: [16, 20, 32, 48], .ID_AA64PFR1_EL1: [0, 4, 8, 24, 44],
        .ID_AA64ISAR0_EL1: [4, 8, 12, 16, 20, 28, 32, 36, 40, 44, 48, 52, 60],
        .ID_AA64ISAR1_EL1: [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 44, 48, 52, 60],
        .ID_AA64ISAR2_EL1: [0, 4, 8, 12, 16, 20, 48, 52, 56], .ID_AA64MMFR0_EL1: [60], .ID_AA64MMFR1_EL1: [44],
        .ID_AA64MMFR2_EL1: [32],
    ]

    @Test func onlyVisibleFieldsShow() {
        for row in A64Feature.table {
            #expect(Self.visibleFields[row.register]?.contains(row.lsb) == true, "\(row.feature): bit \(row.lsb)")
        }
        // What the others read as: EL1 and EL0, no 4K and 64K granules, DebugVer of Armv8.0.
        let hidden: [SystemRegister: UInt64] = [
            .ID_AA64PFR0_EL1: 0x11, .ID_AA64MMFR0_EL1: 0xff00_0000, .ID_AA64DFR0_EL1: 6,
        ]
        for (key, value) in A64FeatureSet.max.idRegisters(midr: 0) {
            let register = SystemRegister(key: key)
            guard register.isInIDSpace else { continue }
            let visible = Self.visibleFields[register, default: []].reduce(0 as UInt64) { $0 | 15 << UInt64($1) }
            #expect(value & ~visible == hidden[register, default: 0])
        }
    }

    @Test func everyFeatureWithAnIDFieldHasOneRowPerField() {
        var seen: Set<String> = []
        for row in A64Feature.table {
            #expect(seen.insert("\(row.feature) \(row.register.key) \(row.lsb)").inserted)
            #expect(row.value <= 15 && row.lsb % 4 == 0)
        }
    }

    // MARK: Features that come together

    /// What `-cpu` can make: every set holds what its members imply.
    private func expectClosed(_ features: A64FeatureSet, _ what: String) {
        for feature in A64Feature.allCases where features.contains(feature) {
            #expect(feature.implied.isSubset(of: features), "\(what) has \(feature), but not all of what it implies")
        }
    }

    @Test func modelsHoldWhatTheirFeaturesImply() {
        for model in CPUModel.all { expectClosed(model.features, model.name) }
        for feature in A64Feature.allCases {
            var without = A64FeatureSet.max
            without.disable(feature)
            expectClosed(without, "max,\(feature.optionName)=off")
            #expect(!without.contains(feature))
            var alone = A64FeatureSet()
            alone.enable(feature)
            expectClosed(alone, feature.optionName)
            #expect(alone.contains(feature))
        }
    }

    @Test(arguments: [
        (
            A64Feature.FEAT_FP,
            [A64Feature.FEAT_AdvSIMD, .FEAT_RDM, .FEAT_AES, .FEAT_SHA512, .FEAT_JSCVT, .FEAT_BF16, .FEAT_FP16, .FEAT_FHM]
        ),
        (.FEAT_AdvSIMD, [.FEAT_FP, .FEAT_FRINTTS]), (.FEAT_SHA256, [.FEAT_SHA1, .FEAT_SHA512, .FEAT_SHA3]),
        (.FEAT_SHA1, [.FEAT_SHA256]), (.FEAT_SHA512, [.FEAT_SHA3]), (.FEAT_SHA3, [.FEAT_SHA512]), (.FEAT_SM3, [.FEAT_SM4]),
        (.FEAT_SM4, [.FEAT_SM3]),
        (.FEAT_AES, [.FEAT_PMULL]), (.FEAT_FP16, [.FEAT_FHM]), (.FEAT_LRCPC, [.FEAT_LRCPC2, .FEAT_LRCPC3]),
        (.FEAT_FlagM, [.FEAT_FlagM2]), (.FEAT_DPB, [.FEAT_DPB2]), (.FEAT_SSBS, [.FEAT_SSBS2]), (.FEAT_LSE, [.FEAT_LSE128]),
    ])
    func offTakesWithIt(_ feature: A64Feature, _ others: [A64Feature]) {
        var all = A64FeatureSet.max
        for other in A64Feature.allCases { all.enable(other) }
        all.disable(feature)
        for other in others { #expect(!all.contains(other), "\(other) stays without \(feature)") }
        #expect(all.contains(.FEAT_CRC32))
    }

    @Test func offLeavesWhatItNeeds() {
        var features = A64FeatureSet.max
        for feature: A64Feature in [.FEAT_SHA3, .FEAT_SM3, .FEAT_PMULL, .FEAT_LRCPC2, .FEAT_FlagM2, .FEAT_DPB2, .FEAT_SSBS2] {
            features.disable(feature)
        }
        for feature: A64Feature in [.FEAT_SHA256, .FEAT_AES, .FEAT_LRCPC, .FEAT_FlagM, .FEAT_DPB, .FEAT_SSBS] {
            #expect(features.contains(feature))
        }
    }

    // MARK: -cpu

    @Test func cpuOptions() throws {
        let model = try CPUModel.parse("max,lse=off").get()
        #expect(!model.features.contains(.FEAT_LSE))
        #expect(model.features.contains(.FEAT_CRC32))
        #expect(try CPUModel.parse("max,LSE=off,crc32=no,fcma=false").get().features.contains(.FEAT_SHA512))
        #expect(try CPUModel.parse("max,fp=off,aes=on").get().features.contains(.FEAT_FP))
        #expect(try !CPUModel.parse("max,aes=on,fp=off").get().features.contains(.FEAT_AES))
        #expect(try CPUModel.parse("cortex-a57,lse=on").get().features.contains(.FEAT_LSE))
        #expect(try CPUModel.parse("max,").get().features == .max)
    }

    /// Properties that qemu-aarch64 has.
    @Test(arguments: [
        "max,pauth=off", "max,sve=off", "max,sme=off,sve=off,sve256=off", "max,pauth-impdef=on", "max,lpa2=off", "max,pmu=on",
        "max,vfp=off,neon=off", "max,aarch64=on",
    ])
    func takesQEMUsProperties(_ text: String) throws {
        let features = try CPUModel.parse(text).get().features
        if text.contains("pauth=off") { #expect(!features.contains(.FEAT_PAuth)) }
        #expect(features.contains(.FEAT_FP) == !text.contains("vfp"))
    }

    @Test(arguments: [
        ("arm7tdmi", ["arm7tdmi", "-cpu help"]), ("", ["''", "-cpu help"]), (",lse=off", ["''"]), ("MAX", ["MAX"]),
        ("max,nonsense=off", ["max", "nonsense", "-cpu help"]), ("max,lse=maybe", ["max", "lse", "maybe", "on or =off"]),
        ("max,lse", ["max", "lse", "=on or =off"]), ("cortex-a72,mte=on", ["cortex-a72", "mte", "not implemented", "-cpu help"]),
        ("max,sve=on", ["max", "sve", "not implemented", "-cpu help"]),
        ("max,sve-max-vq=2", ["sve-max-vq", "'2'", "not implemented"]), ("max,sve256", ["sve256", "=off"]),
        ("max,aarch64=off", ["aarch64", "off"]),
        ("max,crc32=off,bogus=on", ["bogus"]),
    ])
    func namesWhatIsWrong(_ text: String, _ words: [String]) throws {
        let error = try #require(throws: CPUModelError.self) { try CPUModel.parse(text).get() }
        for word in words { #expect(error.message.contains(word), "'\(error.message)' does not name '\(word)'") }
        #expect(!error.message.contains("\n"))
    }

    @Test func helpListsModelsAndFeatures() {
        // What can be switched, then what cannot be on.
        let parts = CPUModel.help.split(separator: "Not implemented", maxSplits: 1)
        let (words, absent) = (Self.words(parts[0]), Self.words(parts[1]))
        for model in CPUModel.all { #expect(words.contains(model.name)) }
        for feature in A64Feature.allCases {
            #expect(words.contains(feature.optionName) == A64FeatureSet.max.contains(feature), "\(feature)")
            #expect(absent.contains(feature.optionName) != A64FeatureSet.max.contains(feature), "\(feature)")
        }
        #expect(absent.isSuperset(of: ["sve*", "sme*"]))
    }

    private static func words(_ text: Substring) -> Set<String> { Set(text.split { " ,\n".contains($0) }.map(String.init)) }

    /// The key is bits 20:5 of MRS and MSR.
    @Test func systemRegisterKeysAreTheInstructionsBits() {
        #expect(SystemRegister.TPIDR_EL0.key == UInt16(truncatingIfNeeded: 0xd53b_d049 as UInt32 >> 5))  // mrs x9, tpidr_el0
        #expect(SystemRegister.NZCV.key == UInt16(truncatingIfNeeded: 0xd51b_4200 as UInt32 >> 5))  // msr nzcv, x0
        #expect(SystemRegister.ID_AA64PFR0_EL1.isInIDSpace)
        #expect(SystemRegister(3, 0, 0, 2, 0).isInIDSpace)  // ID_ISAR0_EL1
        #expect(!SystemRegister(3, 0, 0, 1, 0).isInIDSpace)  // ID_PFR0_EL1
        #expect(!SystemRegister.MIDR_EL1.isInIDSpace)
        #expect(!SystemRegister.CTR_EL0.isInIDSpace)
    }
}
