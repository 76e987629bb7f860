/// System registers by the `op0:op1:CRn:CRm:op2` number of MRS and MSR (bits 20:5 of the instruction).
package struct SystemRegister: Hashable, BitwiseCopyable, Sendable {
    package let key: UInt16
    package init(key: UInt16) { self.key = key }
    package init(_ op0: UInt16, _ op1: UInt16, _ CRn: UInt16, _ CRm: UInt16, _ op2: UInt16) {
        key = op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2
    }

    package static let MIDR_EL1 = SystemRegister(3, 0, 0, 0, 0)
    package static let MPIDR_EL1 = SystemRegister(3, 0, 0, 0, 5)
    package static let REVIDR_EL1 = SystemRegister(3, 0, 0, 0, 6)
    package static let ID_AA64PFR0_EL1 = SystemRegister(3, 0, 0, 4, 0)
    package static let ID_AA64PFR1_EL1 = SystemRegister(3, 0, 0, 4, 1)
    package static let ID_AA64ZFR0_EL1 = SystemRegister(3, 0, 0, 4, 4)
    package static let ID_AA64DFR0_EL1 = SystemRegister(3, 0, 0, 5, 0)
    package static let ID_AA64ISAR0_EL1 = SystemRegister(3, 0, 0, 6, 0)
    package static let ID_AA64ISAR1_EL1 = SystemRegister(3, 0, 0, 6, 1)
    package static let ID_AA64ISAR2_EL1 = SystemRegister(3, 0, 0, 6, 2)
    package static let ID_AA64MMFR0_EL1 = SystemRegister(3, 0, 0, 7, 0)
    package static let ID_AA64MMFR1_EL1 = SystemRegister(3, 0, 0, 7, 1)
    package static let ID_AA64MMFR2_EL1 = SystemRegister(3, 0, 0, 7, 2)
    package static let CTR_EL0 = SystemRegister(3, 3, 0, 0, 1)
    package static let DCZID_EL0 = SystemRegister(3, 3, 0, 0, 7)
    package static let RNDR = SystemRegister(3, 3, 2, 4, 0)
    package static let RNDRRS = SystemRegister(3, 3, 2, 4, 1)
    package static let PMUSERENR_EL0 = SystemRegister(3, 3, 9, 14, 0)
    package static let NZCV = SystemRegister(3, 3, 4, 2, 0)
    package static let DAIF = SystemRegister(3, 3, 4, 2, 1)
    package static let DIT = SystemRegister(3, 3, 4, 2, 5)
    package static let SSBS = SystemRegister(3, 3, 4, 2, 6)
    package static let TCO = SystemRegister(3, 3, 4, 2, 7)
    package static let FPCR = SystemRegister(3, 3, 4, 4, 0)
    package static let FPSR = SystemRegister(3, 3, 4, 4, 1)
    package static let TPIDR_EL0 = SystemRegister(3, 3, 13, 0, 2)
    package static let TPIDRRO_EL0 = SystemRegister(3, 3, 13, 0, 3)
    package static let TPIDR2_EL0 = SystemRegister(3, 3, 13, 0, 5)
    package static let CNTFRQ_EL0 = SystemRegister(3, 3, 14, 0, 0)
    package static let CNTPCT_EL0 = SystemRegister(3, 3, 14, 0, 1)
    package static let CNTVCT_EL0 = SystemRegister(3, 3, 14, 0, 2)
    package static let CNTVCTSS_EL0 = SystemRegister(3, 3, 14, 0, 6)

    /// CNTFRQ_EL0 in Hz. QEMU's user mode shows the same.
    package static let counterFrequency: UInt64 = 62_500_000

    /// The registers of the ID space (`isInIDSpace`) that the manual names: CRm and op2 are the place in these rows.
    package static let namesInIDSpace: [[String]] = [
        ["ID_ISAR0", "ID_ISAR1", "ID_ISAR2", "ID_ISAR3", "ID_ISAR4", "ID_ISAR5", "ID_MMFR4", "ID_ISAR6"],
        ["MVFR0_EL1", "MVFR1_EL1", "MVFR2_EL1", "", "ID_PFR2", "ID_DFR1", "ID_MMFR5"],
        [
            "ID_AA64PFR0_EL1", "ID_AA64PFR1_EL1", "ID_AA64PFR2_EL1", "", "ID_AA64ZFR0_EL1", "ID_AA64SMFR0_EL1", "",
            "ID_AA64FPFR0_EL1",
        ],
        ["ID_AA64DFR0_EL1", "ID_AA64DFR1_EL1", "ID_AA64DFR2_EL1", "", "ID_AA64AFR0_EL1", "ID_AA64AFR1_EL1"],
        ["ID_AA64ISAR0_EL1", "ID_AA64ISAR1_EL1", "ID_AA64ISAR2_EL1", "ID_AA64ISAR3_EL1"],
        ["ID_AA64MMFR0_EL1", "ID_AA64MMFR1_EL1", "ID_AA64MMFR2_EL1", "ID_AA64MMFR3_EL1", "ID_AA64MMFR4_EL1"],
    ]

    /// op0 = 3, op1 = 0, CRn = 0, CRm 2...7: the feature ID space whose EL0 reads Linux emulates; unallocated ones read 0, and
    /// so do those of AArch32 (CRm 2 and 3), which EL0 has not. CRm 1 is UNDEFINED.
    package var isInIDSpace: Bool { key & 0b11_111_1111_0000_000 == 3 << 14 && (2...7).contains(key >> 3 & 15) }
}
