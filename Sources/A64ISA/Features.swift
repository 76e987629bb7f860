/// Architecture features that rows and CPU models name, spelled as the Arm manual does (Arm ARM, "Armv8 architecture
/// extensions"). `A64Feature.table` is the only place that ties them to ID registers and HWCAPs.
package enum A64Feature: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case FEAT_FP, FEAT_AdvSIMD, FEAT_CRC32, FEAT_LSE, FEAT_RDM, FEAT_FP16, FEAT_DotProd, FEAT_FHM, FEAT_FCMA, FEAT_JSCVT
    case FEAT_LRCPC, FEAT_LRCPC2, FEAT_LSE2, FEAT_FlagM, FEAT_FlagM2, FEAT_FRINTTS, FEAT_DIT, FEAT_SB, FEAT_SPECRES
    case FEAT_SSBS2, FEAT_DPB, FEAT_DPB2, FEAT_DGH, FEAT_BF16, FEAT_I8MM, FEAT_AES, FEAT_PMULL, FEAT_SHA1, FEAT_SHA256
    case FEAT_SHA512, FEAT_SHA3, FEAT_SM3, FEAT_SM4, FEAT_PAuth, FEAT_BTI, FEAT_RNG, FEAT_MTE, FEAT_MOPS, FEAT_WFxT
    case FEAT_LS64, FEAT_CSSC, FEAT_LSE128, FEAT_LRCPC3, FEAT_AFP, FEAT_RPRES

    /// `FEAT_LSE` without the prefix, in lower case, as `-cpu max,lse=off` names it.
    package var optionName: String { String("\(self)".dropFirst(5)).lowercased() }
}

/// A set of features.
package struct A64FeatureSet: Hashable, BitwiseCopyable, Sendable, ExpressibleByArrayLiteral {
    private var bits: UInt64 = 0
    package init() {}
    package init(arrayLiteral elements: A64Feature...) { for element in elements { insert(element) } }

    package func contains(_ feature: A64Feature) -> Bool { bits >> UInt64(feature.rawValue) & 1 != 0 }
    package mutating func insert(_ feature: A64Feature) { bits |= 1 << UInt64(feature.rawValue) }
    package mutating func remove(_ feature: A64Feature) { bits &= ~(1 << UInt64(feature.rawValue)) }
    package func union(_ other: A64FeatureSet) -> A64FeatureSet {
        var both = self
        both.bits |= other.bits
        return both
    }

    /// The Armv8.0-A base.
    package static let armv8: A64FeatureSet = [.FEAT_FP, .FEAT_AdvSIMD]

    /// Everything this project implements: what `-cpu max` shows.
    package static let max: A64FeatureSet = [
        .FEAT_FP, .FEAT_AdvSIMD, .FEAT_CRC32, .FEAT_LSE, .FEAT_LRCPC, .FEAT_LRCPC2, .FEAT_LSE2, .FEAT_FlagM, .FEAT_FlagM2,
        .FEAT_DIT, .FEAT_SB, .FEAT_DPB, .FEAT_DPB2, .FEAT_DGH, .FEAT_RDM, .FEAT_DotProd, .FEAT_I8MM, .FEAT_AES, .FEAT_PMULL,
        .FEAT_SHA1, .FEAT_SHA256, .FEAT_SHA512, .FEAT_SHA3, .FEAT_SM3, .FEAT_SM4, .FEAT_FCMA, .FEAT_FRINTTS, .FEAT_JSCVT,
        .FEAT_BF16, .FEAT_PAuth, .FEAT_MOPS,
    ]
}

/// How Linux shows one feature to EL0: an ID register field and the HWCAP bits.
package struct A64FeatureRow: Sendable {
    package let feature: A64Feature
    package let register: SystemRegister
    package let lsb: Int
    package let value: UInt64
    /// Bit of AT_HWCAP (Linux UAPI, asm/hwcap.h).
    package let hwcap: Int?
    /// Bit of AT_HWCAP2.
    package let hwcap2: Int?
}

extension A64Feature {
    private static func row(
        _ feature: A64Feature, _ register: SystemRegister, _ lsb: Int, _ value: UInt64, hwcap: Int? = nil, hwcap2: Int? = nil
    ) -> A64FeatureRow {
        A64FeatureRow(feature: feature, register: register, lsb: lsb, value: value, hwcap: hwcap, hwcap2: hwcap2)
    }

    /// Rows of one field stand in rising order of the field's value: the last present one decides.
    package static let table: [A64FeatureRow] = [
        // ID_AA64PFR0_EL1.FP and AdvSIMD are 0 for "present" and 0b1111 for "absent"; A64IDRegisters handles the absence.
        row(.FEAT_FP, .ID_AA64PFR0_EL1, 16, 0, hwcap: 0), row(.FEAT_AdvSIMD, .ID_AA64PFR0_EL1, 20, 0, hwcap: 1),
        row(.FEAT_FP16, .ID_AA64PFR0_EL1, 16, 1, hwcap: 9), row(.FEAT_FP16, .ID_AA64PFR0_EL1, 20, 1, hwcap: 10),
        row(.FEAT_DIT, .ID_AA64PFR0_EL1, 48, 1, hwcap: 24), row(.FEAT_BTI, .ID_AA64PFR1_EL1, 0, 1, hwcap2: 17),
        row(.FEAT_SSBS2, .ID_AA64PFR1_EL1, 4, 2, hwcap: 28), row(.FEAT_MTE, .ID_AA64PFR1_EL1, 8, 2, hwcap2: 18),
        row(.FEAT_AES, .ID_AA64ISAR0_EL1, 4, 1, hwcap: 3), row(.FEAT_PMULL, .ID_AA64ISAR0_EL1, 4, 2, hwcap: 4),
        row(.FEAT_SHA1, .ID_AA64ISAR0_EL1, 8, 1, hwcap: 5), row(.FEAT_SHA256, .ID_AA64ISAR0_EL1, 12, 1, hwcap: 6),
        row(.FEAT_SHA512, .ID_AA64ISAR0_EL1, 12, 2, hwcap: 21), row(.FEAT_CRC32, .ID_AA64ISAR0_EL1, 16, 1, hwcap: 7),
        row(.FEAT_LSE, .ID_AA64ISAR0_EL1, 20, 2, hwcap: 8), row(.FEAT_RDM, .ID_AA64ISAR0_EL1, 28, 1, hwcap: 12),
        row(.FEAT_SHA3, .ID_AA64ISAR0_EL1, 32, 1, hwcap: 17), row(.FEAT_SM3, .ID_AA64ISAR0_EL1, 36, 1, hwcap: 18),
        row(.FEAT_SM4, .ID_AA64ISAR0_EL1, 40, 1, hwcap: 19), row(.FEAT_DotProd, .ID_AA64ISAR0_EL1, 44, 1, hwcap: 20),
        row(.FEAT_FHM, .ID_AA64ISAR0_EL1, 48, 1, hwcap: 23), row(.FEAT_FlagM, .ID_AA64ISAR0_EL1, 52, 1, hwcap: 27),
        row(.FEAT_FlagM2, .ID_AA64ISAR0_EL1, 52, 2, hwcap2: 7), row(.FEAT_RNG, .ID_AA64ISAR0_EL1, 60, 1, hwcap2: 16),
        row(.FEAT_DPB, .ID_AA64ISAR1_EL1, 0, 1, hwcap: 16), row(.FEAT_DPB2, .ID_AA64ISAR1_EL1, 0, 2, hwcap2: 0),
        // APA and GPA: QARMA5; FEAT_PAuth2, a failure faults (FEAT_FPAC), in combined instructions, too (FEAT_FPACCOMBINE).
        row(.FEAT_PAuth, .ID_AA64ISAR1_EL1, 4, 5, hwcap: 30), row(.FEAT_PAuth, .ID_AA64ISAR1_EL1, 24, 1, hwcap: 31),
        row(.FEAT_JSCVT, .ID_AA64ISAR1_EL1, 12, 1, hwcap: 13), row(.FEAT_FCMA, .ID_AA64ISAR1_EL1, 16, 1, hwcap: 14),
        row(.FEAT_LRCPC, .ID_AA64ISAR1_EL1, 20, 1, hwcap: 15), row(.FEAT_LRCPC2, .ID_AA64ISAR1_EL1, 20, 2, hwcap: 26),
        row(.FEAT_FRINTTS, .ID_AA64ISAR1_EL1, 32, 1, hwcap2: 8), row(.FEAT_SB, .ID_AA64ISAR1_EL1, 36, 1, hwcap: 29),
        row(.FEAT_BF16, .ID_AA64ISAR1_EL1, 44, 1, hwcap2: 14), row(.FEAT_DGH, .ID_AA64ISAR1_EL1, 48, 1, hwcap2: 15),
        row(.FEAT_I8MM, .ID_AA64ISAR1_EL1, 52, 1, hwcap2: 13), row(.FEAT_MOPS, .ID_AA64ISAR2_EL1, 16, 1, hwcap2: 43),
        row(.FEAT_WFxT, .ID_AA64ISAR2_EL1, 0, 2, hwcap2: 31), row(.FEAT_LSE2, .ID_AA64MMFR2_EL1, 32, 1, hwcap: 25),
    ]
}

extension A64FeatureSet {
    /// AT_HWCAP. Bit 11 (CPUID) says that EL0 may read the ID registers; the kernel emulates that, and so do we.
    package var hwcap: UInt64 { 1 << 11 | presentBits(\.hwcap) }
    /// AT_HWCAP2.
    package var hwcap2: UInt64 { presentBits(\.hwcap2) }

    private func presentBits(_ bit: KeyPath<A64FeatureRow, Int?>) -> UInt64 {
        var bits: UInt64 = 0
        for row in A64Feature.table where contains(row.feature) {
            if let number = row[keyPath: bit] { bits |= 1 << UInt64(number) }
        }
        return bits
    }

    /// The ID registers with fields as EL0 sees them under Linux, plus MIDR, MPIDR, REVIDR, CTR and DCZID.
    ///
    /// - Parameter midr: MIDR_EL1 of the CPU model.
    package func idRegisters(midr: UInt64) -> [UInt16: UInt64] {
        var values: [UInt16: UInt64] = [:]
        // EL0 field: AArch64 only; EL1 the same.
        values[SystemRegister.ID_AA64PFR0_EL1.key] = 0x11
        // TGran64 and TGran4 are hidden fields, whose safe value is "not implemented".
        values[SystemRegister.ID_AA64MMFR0_EL1.key] = 0xff00_0000
        for row in A64Feature.table where contains(row.feature) {
            let field: UInt64 = 15 << UInt64(row.lsb)
            values[row.register.key] = (values[row.register.key] ?? 0) & ~field | row.value << UInt64(row.lsb)
        }
        for (feature, lsb) in [(A64Feature.FEAT_FP, 16), (.FEAT_AdvSIMD, 20)] where !contains(feature) {
            values[SystemRegister.ID_AA64PFR0_EL1.key]! |= 15 << UInt64(lsb)
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
