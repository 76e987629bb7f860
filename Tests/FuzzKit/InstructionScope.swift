internal import A64ISA

/// What `isa-check` leaves out of LLVM's instructions, and why.
package struct ScopeRule: Sendable {
    package let reason: String
    /// Where it is tested all the same; empty when EL0 has nothing to test.
    package let testedIn: String
    let holds: @Sendable (_ word: UInt32, _ name: String) -> Bool

    /// The place in `all` of the rule that takes an instruction out of the comparison. `name` is `InstructionCheck.mnemonic`.
    static func excluding(_ word: UInt32, _ name: String) -> Int? {
        all.firstIndex { $0.holds(word, name) }
    }

    package static let all: [ScopeRule] = [
        ScopeRule(
            reason: "raises an exception by design", testedIn: "Tests/Cases/System.cases, Tests/Programs/fatal.c"
        ) { word, _ in
            // SVC, BRK, HLT, and UDF.
            [0xd400_0001, 0xd420_0000, 0xd440_0000].contains(word & 0xffe0_001f) || word >> 16 == 0
        },
        ScopeRule(
            reason: "UNDEFINED at EL0: calls, returns and PSTATE fields of higher levels", testedIn: "Tests/Cases/System.cases"
        ) { word, _ in
            // HVC, SMC, DCPS; ERET, ERETAA, ERETAB, DRPS; MSR (immediate) outside op1 = 3, or DAIF.
            if word & 0xff00_0000 == 0xd400_0000 { return true }
            if word & 0xff9f_0000 == 0xd69f_0000 { return true }
            let isImmediate = word & 0xfff8_f01f == 0xd500_401f
            let (op1, op2) = (word >> 16 & 7, word >> 5 & 7)
            return isImmediate && (op1 == 3 ? op2 >= 6 : op1 != 0 || op2 > 2)
        },
        ScopeRule(reason: "system registers and operations of EL1 and above (op1 is not 3)", testedIn: "") { word, _ in
            isSystem(word) && word >> 16 & 7 != 3
        },
        ScopeRule(reason: "no architectural name: LLVM prints the numbers", testedIn: "") { _, name in
            // MSR S0_… also for PSTATE fields and hints that nobody has defined.
            name == "sys" || name == "sysl"
                || ["msr s", "mrs s"].contains { name.hasPrefix($0) } && name.dropFirst(5).first?.isNumber == true
        },
        ScopeRule(
            reason: "time and random numbers differ from run to run", testedIn: "Tests/Programs/clocks.c, Tests/Cases/System.cases"
        ) { word, _ in
            // CNT*_EL0 and RNDR, RNDRRS.
            let register = word >> 5 & 0xffff
            return isRegister(word) && (register >> 7 & 15 == 14 || register >> 3 == 3 << 11 | 3 << 8 | 2 << 4 | 4)
        },
        ScopeRule(reason: "registers that Linux traps or that tell the CPU apart", testedIn: "Tests/Cases/System.cases") {
            word, _ in
            // Compared are NZCV, FPCR, FPSR, DIT, SSBS, TPIDR_EL0.
            isRegister(word) && !compared.contains(word >> 5 & 0xffff)
        },
        ScopeRule(reason: "MTE, GCS, SVE and other features outside the scope", testedIn: "") { _, name in
            // DC GVA and its kin, TCO.
            ["dc g", "dc cg", "dc ig", "gcs", "brb", "trcit", "cosp", "msr tco"].contains { name.hasPrefix($0) }
        },
        ScopeRule(
            reason: "clears DCZID_EL0's size, which is QEMU's own", testedIn: "Tests/Programs/memory.c, Tests/Cases/System.cases"
        ) { word, _ in word & 0xffff_ffe0 == 0xd50b_7420 },
        ScopeRule(reason: "prediction restriction: Linux leaves it UNDEFINED at EL0", testedIn: "Tests/Cases/System.cases") {
            word, _ in word & 0xffff_ff00 == 0xd50b_7300
        },
        ScopeRule(reason: "FEAT_CSSC, which QEMU 10.0 lacks", testedIn: "Tests/Programs/features.c") { word, _ in
            decodeA64(word)?.row.features.contains { $0.feature == .FEAT_CSSC } == true
        },
        ScopeRule(reason: "a hint that waits for an event or an interrupt", testedIn: "Tests/Programs/threads.c") { word, _ in
            word == 0xd503_205f || word == 0xd503_207f
        },
    ]

    private static func isSystem(_ word: UInt32) -> Bool {
        word & 0xffc0_0000 == 0xd500_0000 && word >> 19 & 3 != 0
    }
    private static func isRegister(_ word: UInt32) -> Bool {
        word & 0xffc0_0000 == 0xd500_0000 && word >> 19 & 3 >= 2
    }
    private static let compared: Set<UInt32> = Set(
        [SystemRegister.NZCV, .FPCR, .FPSR, .DIT, .SSBS, .TPIDR_EL0].map { UInt32($0.key) })
}
