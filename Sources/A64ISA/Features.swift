/// Architecture features that rows and CPU models name, spelled as the Arm manual does (Arm ARM, "Armv8 architecture
/// extensions"). `A64Feature.table` is the only place that ties them to ID registers, HWCAPs and `/proc/cpuinfo`.
///
/// FEAT_SPECRES (CFP, CPP, DVP RCTX) is not among them: Linux lets EL0 neither see nor use it.
public enum A64Feature: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case FEAT_FP, FEAT_AdvSIMD, FEAT_CRC32, FEAT_LSE, FEAT_RDM, FEAT_FP16, FEAT_DotProd, FEAT_FHM, FEAT_FCMA, FEAT_JSCVT
    case FEAT_LRCPC, FEAT_LRCPC2, FEAT_LSE2, FEAT_FlagM, FEAT_FlagM2, FEAT_FRINTTS, FEAT_DIT, FEAT_SB, FEAT_SSBS
    case FEAT_SSBS2, FEAT_DPB, FEAT_DPB2, FEAT_DGH, FEAT_BF16, FEAT_I8MM, FEAT_AES, FEAT_PMULL, FEAT_SHA1, FEAT_SHA256
    case FEAT_SHA512, FEAT_SHA3, FEAT_SM3, FEAT_SM4, FEAT_PAuth, FEAT_BTI, FEAT_RNG, FEAT_MTE, FEAT_MOPS, FEAT_WFxT
    case FEAT_LS64, FEAT_CSSC, FEAT_LSE128, FEAT_LRCPC3, FEAT_AFP, FEAT_RPRES, FEAT_ECV, FEAT_HBC, FEAT_LOR

    /// `FEAT_LSE` without the prefix, in lower case, as `-cpu max,lse=off` names it.
    package var optionName: String { String("\(self)".dropFirst(5)).lowercased() }

    /// Features that a CPU with this one has, too (Arm ARM, the features' descriptions and those of their ID register
    /// fields). Two that come only together name each other.
    package var implied: A64FeatureSet {
        switch self {
        case .FEAT_FP: [.FEAT_AdvSIMD]
        case .FEAT_AdvSIMD, .FEAT_JSCVT, .FEAT_FRINTTS, .FEAT_AFP: [.FEAT_FP]
        case .FEAT_RDM, .FEAT_FP16, .FEAT_DotProd, .FEAT_FCMA, .FEAT_BF16, .FEAT_I8MM, .FEAT_AES: [.FEAT_AdvSIMD]
        case .FEAT_FHM: [.FEAT_FP16]
        case .FEAT_RPRES: [.FEAT_AFP]
        case .FEAT_PMULL: [.FEAT_AES]
        case .FEAT_SHA1: [.FEAT_SHA256, .FEAT_AdvSIMD]
        case .FEAT_SHA256: [.FEAT_SHA1]
        case .FEAT_SHA512: [.FEAT_SHA3, .FEAT_SHA256]
        case .FEAT_SHA3: [.FEAT_SHA512]
        case .FEAT_SM3: [.FEAT_SM4, .FEAT_AdvSIMD]
        case .FEAT_SM4: [.FEAT_SM3]
        case .FEAT_LRCPC2: [.FEAT_LRCPC]
        case .FEAT_LRCPC3: [.FEAT_LRCPC2]
        case .FEAT_LSE128: [.FEAT_LSE]
        case .FEAT_FlagM2: [.FEAT_FlagM]
        case .FEAT_DPB2: [.FEAT_DPB]
        case .FEAT_SSBS2: [.FEAT_SSBS]
        case .FEAT_CRC32, .FEAT_LSE, .FEAT_LRCPC, .FEAT_LSE2, .FEAT_FlagM, .FEAT_DIT, .FEAT_SB, .FEAT_SSBS, .FEAT_DPB, .FEAT_DGH,
            .FEAT_PAuth, .FEAT_BTI, .FEAT_RNG, .FEAT_MTE, .FEAT_MOPS, .FEAT_WFxT, .FEAT_LS64, .FEAT_CSSC, .FEAT_ECV, .FEAT_HBC,
            .FEAT_LOR:
            []
        }
    }
}

/// A set of features.
///
/// Public, so that `contains` is inlined into other modules: the translator asks it of most instructions.
public struct A64FeatureSet: Hashable, BitwiseCopyable, Sendable, ExpressibleByArrayLiteral {
    @usableFromInline var bits: UInt64 = 0
    package init() {}
    /// A number for each set.
    package var number: UInt64 { bits }
    public init(arrayLiteral elements: A64Feature...) { for element in elements { insert(element) } }

    @inlinable public func contains(_ feature: A64Feature) -> Bool {
        bits &>> UInt64(unsafeBitCast(feature, to: UInt8.self)) & 1 != 0
    }
    package mutating func insert(_ feature: A64Feature) { bits |= 1 << UInt64(feature.rawValue) }
    package mutating func remove(_ feature: A64Feature) { bits &= ~(1 << UInt64(feature.rawValue)) }
    package func union(_ other: A64FeatureSet) -> A64FeatureSet {
        var both = self
        both.bits |= other.bits
        return both
    }
    package func intersection(_ other: A64FeatureSet) -> A64FeatureSet {
        var both = self
        both.bits &= other.bits
        return both
    }
    package func isSubset(of other: A64FeatureSet) -> Bool { bits & ~other.bits == 0 }

    /// Adds a feature and all that it implies.
    package mutating func enable(_ feature: A64Feature) {
        insert(feature)
        for other in A64Feature.allCases where feature.implied.contains(other) && !contains(other) { enable(other) }
    }

    /// Takes a feature away and all that imply it.
    package mutating func disable(_ feature: A64Feature) {
        remove(feature)
        for other in A64Feature.allCases where other.implied.contains(feature) && contains(other) { disable(other) }
    }

    /// The Armv8.0-A base.
    package static let armv8: A64FeatureSet = [.FEAT_FP, .FEAT_AdvSIMD]

    /// Everything this project implements: what `-cpu max` shows.
    package static let max: A64FeatureSet = [
        .FEAT_SSBS, .FEAT_SSBS2, .FEAT_RNG, .FEAT_WFxT, .FEAT_ECV, .FEAT_HBC, .FEAT_CSSC, .FEAT_LOR,
        .FEAT_FP, .FEAT_AdvSIMD, .FEAT_CRC32, .FEAT_LSE, .FEAT_LRCPC, .FEAT_LRCPC2, .FEAT_LSE2, .FEAT_FlagM, .FEAT_FlagM2,
        .FEAT_DIT, .FEAT_SB, .FEAT_DPB, .FEAT_DPB2, .FEAT_DGH, .FEAT_RDM, .FEAT_DotProd, .FEAT_I8MM, .FEAT_AES, .FEAT_PMULL,
        .FEAT_SHA1, .FEAT_SHA256, .FEAT_SHA512, .FEAT_SHA3, .FEAT_SM3, .FEAT_SM4, .FEAT_FCMA, .FEAT_FRINTTS, .FEAT_JSCVT,
        .FEAT_BF16, .FEAT_FP16, .FEAT_FHM, .FEAT_PAuth, .FEAT_MOPS, .FEAT_BTI,
    ]
}

/// How Linux shows one feature to EL0: a visible ID register field, and the HWCAP bit that it sets.
package struct A64FeatureRow: Sendable {
    package let feature: A64Feature
    package let register: SystemRegister
    package let lsb: Int
    package let value: UInt64
    package let hwcap: HWCAP?
}

/// A bit of AT_HWCAP or AT_HWCAP2 (Linux UAPI, asm/hwcap.h) and its word in `/proc/cpuinfo`.
package struct HWCAP: Sendable {
    /// 0...63 in AT_HWCAP, 64...127 in AT_HWCAP2.
    package let number: Int
    package let name: String

    /// EL0 may read the ID registers; the kernel emulates that, and so do we.
    package static let cpuid = HWCAP(number: 11, name: "cpuid")
}

extension A64Feature {
    private static func row(
        _ feature: A64Feature, _ register: SystemRegister, _ lsb: Int, _ value: UInt64
    ) -> A64FeatureRow {
        A64FeatureRow(feature: feature, register: register, lsb: lsb, value: value, hwcap: nil)
    }
    private static func row(
        _ feature: A64Feature, _ register: SystemRegister, _ lsb: Int, _ value: UInt64, hwcap number: Int, _ name: String
    ) -> A64FeatureRow {
        A64FeatureRow(
            feature: feature, register: register, lsb: lsb, value: value, hwcap: HWCAP(number: number, name: name))
    }
    private static func row(
        _ feature: A64Feature, _ register: SystemRegister, _ lsb: Int, _ value: UInt64, hwcap2 number: Int, _ name: String
    ) -> A64FeatureRow {
        row(feature, register, lsb, value, hwcap: 64 + number, name)
    }

    /// Rows of one field stand in rising order of the field's value: the last present one decides. FEAT_LOR has none: Linux
    /// shows EL0 neither its field nor a HWCAP.
    package static let table: [A64FeatureRow] = [
        // ID_AA64PFR0_EL1.FP and AdvSIMD are 0 for "present" and 0b1111 for "absent"; `idRegisters` handles the absence.
        row(.FEAT_FP, .ID_AA64PFR0_EL1, 16, 0, hwcap: 0, "fp"),
        row(.FEAT_AdvSIMD, .ID_AA64PFR0_EL1, 20, 0, hwcap: 1, "asimd"),
        row(.FEAT_FP16, .ID_AA64PFR0_EL1, 16, 1, hwcap: 9, "fphp"),
        row(.FEAT_FP16, .ID_AA64PFR0_EL1, 20, 1, hwcap: 10, "asimdhp"),
        row(.FEAT_DIT, .ID_AA64PFR0_EL1, 48, 1, hwcap: 24, "dit"),
        row(.FEAT_BTI, .ID_AA64PFR1_EL1, 0, 1, hwcap2: 17, "bti"),
        row(.FEAT_SSBS, .ID_AA64PFR1_EL1, 4, 1), row(.FEAT_SSBS2, .ID_AA64PFR1_EL1, 4, 2, hwcap: 28, "ssbs"),
        row(.FEAT_MTE, .ID_AA64PFR1_EL1, 8, 2, hwcap2: 18, "mte"),
        row(.FEAT_AES, .ID_AA64ISAR0_EL1, 4, 1, hwcap: 3, "aes"),
        row(.FEAT_PMULL, .ID_AA64ISAR0_EL1, 4, 2, hwcap: 4, "pmull"),
        row(.FEAT_SHA1, .ID_AA64ISAR0_EL1, 8, 1, hwcap: 5, "sha1"),
        row(.FEAT_SHA256, .ID_AA64ISAR0_EL1, 12, 1, hwcap: 6, "sha2"),
        row(.FEAT_SHA512, .ID_AA64ISAR0_EL1, 12, 2, hwcap: 21, "sha512"),
        row(.FEAT_CRC32, .ID_AA64ISAR0_EL1, 16, 1, hwcap: 7, "crc32"),
        row(.FEAT_LSE, .ID_AA64ISAR0_EL1, 20, 2, hwcap: 8, "atomics"),
        row(.FEAT_LSE128, .ID_AA64ISAR0_EL1, 20, 3, hwcap2: 47, "lse128"),
        row(.FEAT_RDM, .ID_AA64ISAR0_EL1, 28, 1, hwcap: 12, "asimdrdm"),
        row(.FEAT_SHA3, .ID_AA64ISAR0_EL1, 32, 1, hwcap: 17, "sha3"),
        row(.FEAT_SM3, .ID_AA64ISAR0_EL1, 36, 1, hwcap: 18, "sm3"),
        row(.FEAT_SM4, .ID_AA64ISAR0_EL1, 40, 1, hwcap: 19, "sm4"),
        row(.FEAT_DotProd, .ID_AA64ISAR0_EL1, 44, 1, hwcap: 20, "asimddp"),
        row(.FEAT_FHM, .ID_AA64ISAR0_EL1, 48, 1, hwcap: 23, "asimdfhm"),
        row(.FEAT_FlagM, .ID_AA64ISAR0_EL1, 52, 1, hwcap: 27, "flagm"),
        row(.FEAT_FlagM2, .ID_AA64ISAR0_EL1, 52, 2, hwcap2: 7, "flagm2"),
        row(.FEAT_RNG, .ID_AA64ISAR0_EL1, 60, 1, hwcap2: 16, "rng"),
        row(.FEAT_DPB, .ID_AA64ISAR1_EL1, 0, 1, hwcap: 16, "dcpop"),
        row(.FEAT_DPB2, .ID_AA64ISAR1_EL1, 0, 2, hwcap2: 0, "dcpodp"),
        // APA and GPA: QARMA5; FEAT_PAuth2, a failure faults (FEAT_FPAC), in combined instructions, too (FEAT_FPACCOMBINE).
        row(.FEAT_PAuth, .ID_AA64ISAR1_EL1, 4, 5, hwcap: 30, "paca"),
        row(.FEAT_PAuth, .ID_AA64ISAR1_EL1, 24, 1, hwcap: 31, "pacg"),
        row(.FEAT_JSCVT, .ID_AA64ISAR1_EL1, 12, 1, hwcap: 13, "jscvt"),
        row(.FEAT_FCMA, .ID_AA64ISAR1_EL1, 16, 1, hwcap: 14, "fcma"),
        row(.FEAT_LRCPC, .ID_AA64ISAR1_EL1, 20, 1, hwcap: 15, "lrcpc"),
        row(.FEAT_LRCPC2, .ID_AA64ISAR1_EL1, 20, 2, hwcap: 26, "ilrcpc"),
        row(.FEAT_LRCPC3, .ID_AA64ISAR1_EL1, 20, 3, hwcap2: 46, "lrcpc3"),
        row(.FEAT_FRINTTS, .ID_AA64ISAR1_EL1, 32, 1, hwcap2: 8, "frint"),
        row(.FEAT_SB, .ID_AA64ISAR1_EL1, 36, 1, hwcap: 29, "sb"),
        row(.FEAT_BF16, .ID_AA64ISAR1_EL1, 44, 1, hwcap2: 14, "bf16"),
        row(.FEAT_DGH, .ID_AA64ISAR1_EL1, 48, 1, hwcap2: 15, "dgh"),
        row(.FEAT_I8MM, .ID_AA64ISAR1_EL1, 52, 1, hwcap2: 13, "i8mm"),
        row(.FEAT_WFxT, .ID_AA64ISAR2_EL1, 0, 2, hwcap2: 31, "wfxt"),
        row(.FEAT_RPRES, .ID_AA64ISAR2_EL1, 4, 1, hwcap2: 21, "rpres"),
        row(.FEAT_MOPS, .ID_AA64ISAR2_EL1, 16, 1, hwcap2: 43, "mops"),
        row(.FEAT_HBC, .ID_AA64ISAR2_EL1, 20, 1, hwcap2: 44, "hbc"),
        row(.FEAT_CSSC, .ID_AA64ISAR2_EL1, 52, 1, hwcap2: 34, "cssc"),
        row(.FEAT_ECV, .ID_AA64MMFR0_EL1, 60, 1, hwcap2: 19, "ecv"),
        row(.FEAT_AFP, .ID_AA64MMFR1_EL1, 44, 1, hwcap2: 20, "afp"),
        row(.FEAT_LSE2, .ID_AA64MMFR2_EL1, 32, 1, hwcap: 25, "uscat"),
    ]
}

extension A64FeatureSet {
    /// The capabilities in the order of their bits.
    private var capabilities: [HWCAP] {
        let shown = A64Feature.table.filter { contains($0.feature) }.compactMap(\.hwcap)
        return (shown + [.cpuid]).sorted { $0.number < $1.number }
    }

    /// AT_HWCAP.
    package var hwcap: UInt64 { capabilities.reduce(0) { $1.number < 64 ? $0 | 1 << UInt64($1.number) : $0 } }
    /// AT_HWCAP2.
    package var hwcap2: UInt64 { capabilities.reduce(0) { $1.number < 64 ? $0 : $0 | 1 << UInt64($1.number - 64) } }
    /// The words of the Features line of `/proc/cpuinfo`.
    package var capabilityNames: [String] { capabilities.map(\.name) }

    /// What EL0 reads from the ID registers under Linux: visible fields say what there is, all others what "absent" is for
    /// them. With them MIDR, MPIDR, REVIDR, CTR and DCZID.
    ///
    /// - Parameter midr: MIDR_EL1 of the CPU model.
    package func idRegisters(midr: UInt64) -> [UInt16: UInt64] {
        // EL0 and EL1: AArch64 only. TGran64 and TGran4: not supported is 0b1111. DebugVer: Armv8.0 is the least.
        var values: [UInt16: UInt64] = [
            SystemRegister.ID_AA64PFR0_EL1.key: 0x11,
            SystemRegister.ID_AA64MMFR0_EL1.key: 0xff00_0000,
            SystemRegister.ID_AA64DFR0_EL1.key: 6,
        ]
        for row in A64Feature.table where contains(row.feature) {
            let field: UInt64 = 15 << UInt64(row.lsb)
            values[row.register.key] = (values[row.register.key] ?? 0) & ~field | row.value << UInt64(row.lsb)
        }
        for (feature, lsb) in [(A64Feature.FEAT_FP, 16), (.FEAT_AdvSIMD, 20)] where !contains(feature) {
            values[SystemRegister.ID_AA64PFR0_EL1.key, default: 0] |= 15 << UInt64(lsb)
        }
        values[SystemRegister.MIDR_EL1.key] = midr
        values[SystemRegister.MPIDR_EL1.key] = 1 << 31
        values[SystemRegister.REVIDR_EL1.key] = 0
        // 64-byte lines; caches are coherent, but the guest must not skip its maintenance: DIC and IDC stay 0.
        values[SystemRegister.CTR_EL0.key] = 0x8444_c004
        // DC ZVA of 64 bytes, allowed.
        values[SystemRegister.DCZID_EL0.key] = 4
        return values
    }
}
