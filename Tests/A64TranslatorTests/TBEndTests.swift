import A64ISA
import EmuIR
import Testing

@testable import A64Translator

/// What instructions do beside registers, and where they end a TB.
@Suite struct TBEndTests {
    /// The operations that somebody beside this vCPU's registers can tell, in order; an address is named by its register.
    private func effects(_ word: UInt32, features: A64FeatureSet = .max, isParallel: Bool = false) -> [String] {
        var translator = Translator(config: TranslationConfig(features: features))
        translator.config.isParallel = isParallel
        let block = translator.translate(at: 0x1000) { $0 == 0x1000 ? word : nil }
        func argument(_ value: Value) -> String { value.isNone ? "" : " " + block.insts[value.index].slot.name }
        return block.insts.compactMap { inst in
            switch inst.op {
            case .fence: "fence \(FenceKind(rawValue: inst.aux).map { "\($0)" } ?? "?")"
            case .clearExclusive, .exitTo: "\(inst.op.info.name)"
            case .zeroBlock: "zero_block" + argument(inst.a)
            case .call: "call \(Helper(rawValue: UInt16(inst.imm))!.signature.name)" + argument(inst.a)
            case .raise: "\(ExceptionKind(rawValue: inst.aux)!)"
            default: nil
            }
        }
    }

    @Test(arguments: [
        (0xd503_3fbf as UInt32, "dmb sy", ["fence full"]),
        (0xd503_39bf, "dmb ishld", ["fence load"]),
        (0xd503_3abf, "dmb ishst", ["fence store"]),
        (0xd503_30bf, "dmb #0", ["fence full"]),
        (0xd503_3f9f, "dsb sy", ["fence full"]),
        (0xd503_3d9f, "dsb ld", ["fence load"]),
        (0xd503_3e9f, "dsb st", ["fence store"]),
        (0xd503_309f, "ssbb", ["fence full"]),
        (0xd503_349f, "pssbb", ["fence full"]),
        (0xd503_30ff, "sb", ["fence compiler"]),
        (0xd503_229f, "csdb", ["fence compiler"]),
        (0xd503_3f5f, "clrex", ["clear_exclusive"]),
        (0xd503_3fdf, "isb", ["exit_to"]),
        (0xd51b_4401, "msr fpcr, x1", ["exit_to"]),
        (0xd51b_4421, "msr fpsr, x1", ["call fpsr_write x0"]),
        (0xd53b_e041, "mrs x1, cntvct_el0", ["call cntvct"]),
        (0xd50b_7421, "dc zva, x1", ["zero_block x1"]),
        (0xd50b_7521, "ic ivau, x1", ["call icache_invalidate x1"]),
        (0xd50b_7b21, "dc cvau, x1", []),
        (0xd503_203f, "yield", []),
    ])
    func does(_ word: UInt32, _ assembly: String, _ expected: [String]) {
        #expect(effects(word) == expected, "\(assembly)")
    }

    @Test(arguments: [(0xd503_203f as UInt32, "yield"), (0xd503_205f, "wfe"), (0xd503_1001, "wfet x1")])
    func waitingForAnotherThreadLetsItRun(_ word: UInt32, _ assembly: String) {
        #expect(effects(word, isParallel: true) == ["call spin_hint"], "\(assembly)")
        #expect(effects(word) == [], "\(assembly) of a thread that is alone")
    }

    /// Instructions whose feature is off are UNDEFINED; hints are NOPs.
    @Test(arguments: [
        (0x1ac2_4020 as UInt32, A64Feature.FEAT_CRC32), (0xba01_842f, .FEAT_FlagM), (0x3a00_082d, .FEAT_FlagM),
        (0xd500_401f, .FEAT_FlagM), (0xd500_403f, .FEAT_FlagM2), (0xd500_405f, .FEAT_FlagM2), (0xd503_30ff, .FEAT_SB),
        (0xd503_415f, .FEAT_DIT), (0xd53b_42a1, .FEAT_DIT), (0xd50b_7c21, .FEAT_DPB), (0xd50b_7d21, .FEAT_DPB2),
        (0xd503_413f, .FEAT_SSBS2), (0xd53b_42c1, .FEAT_SSBS2), (0xd53b_2401, .FEAT_RNG), (0xd53b_2421, .FEAT_RNG),
        (0xd53b_e0c1, .FEAT_ECV), (0xd503_1001, .FEAT_WFxT), (0xd503_1021, .FEAT_WFxT), (0x5400_0050, .FEAT_HBC),
        (0x5ac0_1c41, .FEAT_CSSC), (0x11c3_f420, .FEAT_CSSC), (0x9ac2_6020, .FEAT_CSSC), (0xc8df_7c22, .FEAT_LOR),
        (0xd53b_4401, .FEAT_FP), (0xd51b_4401, .FEAT_FP), (0xd53b_4421, .FEAT_FP), (0xd51b_4421, .FEAT_FP),
        (0x1e60_2800, .FEAT_FP), (0x3dc0_0020, .FEAT_FP), (0xad00_0400, .FEAT_FP), (0x9c00_0000, .FEAT_FP),
        (0x4ea0_8400, .FEAT_AdvSIMD), (0x5ee0_8400, .FEAT_AdvSIMD), (0x4c40_7020, .FEAT_AdvSIMD), (0x0e0c_0c20, .FEAT_AdvSIMD),
    ])
    func needsItsFeature(_ word: UInt32, _ feature: A64Feature) {
        #expect(!effects(word).contains("undefined"))
        var without = A64FeatureSet.max
        without.remove(feature)
        #expect(effects(word, features: without) == ["undefined"])
    }

    /// How many guest instructions a TB takes from a sequence, and where it goes on.
    private func run(_ words: [UInt32], at start: UInt64, limit: Int = 512) -> (count: Int, pc: UInt64?) {
        var translator = Translator(config: TranslationConfig(features: .max, instructionLimit: limit))
        let block = translator.translate(at: start) { pc in
            let index = Int(pc &- start) / 4
            return index < words.count ? words[index] : nil
        }
        guard let end = block.insts.last else { return (0, nil) }
        return (block.guestInstructionCount, end.op == .raise ? end.imm2 : end.imm)
    }

    private let nop: UInt32 = 0xd503_201f

    @Test func endsAtBranchesAndContextChanges() {
        #expect(run([nop, 0x1400_0002, nop], at: 0x1000) == (2, 0x100c))  // b .+8
        #expect(run([nop, 0xd503_3fdf, nop], at: 0x1000) == (2, 0x1008))  // isb
        #expect(run([nop, 0xd51b_4401, nop], at: 0x1000) == (2, 0x1008))  // msr fpcr, x1
        #expect(run([nop, 0xd400_0001, nop], at: 0x1000) == (2, 0x1008))  // svc #0
        #expect(run([nop, 0x0000_0000, nop], at: 0x1000) == (2, 0x1004))  // udf #0
        #expect(run([nop, 0xd503_3fbf, nop], at: 0x1000) == (3, 0x100c))  // dmb sy goes on
    }

    @Test func endsAtThePageTheLimitAndAFailedFetch() {
        #expect(run([UInt32](repeating: nop, count: 8), at: 0x1ff8) == (2, 0x2000))
        #expect(run([UInt32](repeating: nop, count: 8), at: 0x1000, limit: 3) == (3, 0x100c))
        #expect(run([nop, nop], at: 0x1000) == (2, 0x1008))
    }
}
