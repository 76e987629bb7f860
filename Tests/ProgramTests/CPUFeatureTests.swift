import Foundation
import Testing

/// `-cpu`: what the CPU says of itself and what it does. The guest is Tests/Programs/features.c.
@Suite struct CPUFeatureTests {
    private func features(_ mode: String, cpu: String, tier: Tier = .auto) throws -> Outcome {
        try needletail(["--tier=\(tier)", "-cpu", cpu, try Installation.program("features", "O0"), mode])
    }

    /// Models that QEMU has as we do.
    @Test(arguments: ["cortex-a35", "cortex-a53", "cortex-a57", "cortex-a72"])
    func saysWhatQEMUSays(_ model: String) throws {
        let guest = try Installation.program("features", "O0")
        let actual = try needletail(["-cpu", model, guest, "registers"])
        expectSame(actual, try qemu(["-cpu", model, guest, "registers"]), model)
    }

    /// An instruction runs just when the HWCAP of its feature is set; hints always do.
    @Test(arguments: ["max", "cortex-a35", "cortex-a55", "cortex-a57", "cortex-a76", "neoverse-n1"])
    func hwcapsPromiseWhatRuns(_ model: String) throws {
        let outcome = try features("instructions", cpu: model)
        #expect(outcome.status == .exit(0) && outcome.stderr == "", "\(outcome)")
        let lines = outcome.stdout.split(separator: "\n")
        #expect(lines.count > 40)
        #expect(lines.filter { $0.contains("unlike") } == [])
        #expect(lines.contains("base runs") && !lines.contains("hint SIGILL"))
        #expect(lines.contains("lse runs") == ["max", "cortex-a55", "cortex-a76", "neoverse-n1"].contains(model))
        #expect(lines.contains("lor runs") == ["max", "cortex-a55", "cortex-a76", "neoverse-n1"].contains(model))
        #expect(lines.contains("ssbs2 runs") == ["max", "neoverse-n1"].contains(model))
        #expect(lines.contains("sha512 runs") == (model == "max"))
    }

    /// Option, and the names of all instructions that it takes away.
    static let switchedOff: [(option: String, missing: Set<Substring>)] = [
        ("crc32=off", ["crc32"]), ("lse=off", ["lse"]), ("rdm=off", ["rdm"]), ("dotprod=off", ["dotprod"]),
        ("fcma=off", ["fcma"]), ("jscvt=off", ["jscvt"]), ("lrcpc=off", ["lrcpc", "lrcpc2"]), ("lrcpc2=off", ["lrcpc2"]),
        ("dpb=off", ["dpb", "dpb2"]), ("dpb2=off", ["dpb2"]), ("aes=off", ["aes", "pmull"]), ("pmull=off", ["pmull"]),
        ("sha1=off", ["sha1", "sha256", "sha512", "sha3"]), ("sha512=off", ["sha512", "sha3"]), ("sha3=off", ["sha512", "sha3"]),
        ("sm3=off", ["sm3", "sm4"]), ("flagm=off", ["flagm", "flagm2"]), ("flagm2=off", ["flagm2"]),
        ("dit=off", ["dit"]), ("sb=off", ["sb"]), ("ssbs2=off", ["ssbs2"]), ("ssbs=off", ["ssbs2"]),
        ("frintts=off", ["frintts"]), ("i8mm=off", ["i8mm"]), ("bf16=off", ["bf16"]), ("rng=off", ["rng"]),
        ("ecv=off", ["ecv"]), ("wfxt=off", ["wfxt"]), ("cssc=off", ["cssc"]), ("hbc=off", ["hbc"]), ("lor=off", ["lor"]),
        ("lse=no,crc32=false,cssc=off", ["lse", "crc32", "cssc"]), ("crc32=off,crc32=on", []), ("dgh=off,sve=off", []),
    ]

    @Test(arguments: switchedOff.indices)
    func switchedOffFeaturesRaiseSIGILL(_ index: Int) throws {
        let test = Self.switchedOff[index]
        func outcomes(_ outcome: Outcome) -> [Substring] { outcome.stdout.split(separator: "\n") }
        let all = try features("instructions", cpu: "max")
        let expected = outcomes(all).map { line in
            let name = line.prefix { $0 != " " }
            return test.missing.contains(name) ? name + " SIGILL" : line
        }
        let actual = try features("instructions", cpu: "max," + test.option)
        #expect(actual.status == .exit(0) && actual.stderr == "")
        #expect(outcomes(actual) == expected)
        #expect(expected.count(where: { $0.hasSuffix("SIGILL") }) >= test.missing.count)
    }

    /// Without floating point a guest that does without runs, others die of SIGILL; also under QEMU's names.
    @Test(arguments: ["fp=off", "advsimd=off", "vfp=off,neon=off"])
    func floatingPointCanBeOff(_ option: String) throws {
        for tier in Tier.allCases {
            let options = ["--tier=\(tier)", "-cpu", "max," + option]
            #expect(try needletail(options + [try Installation.guest("exit")]).status == .exit(0))
            for guest in ["fp", "simd"] {
                #expect(try needletail(options + [try Installation.guest(guest)]).status == .signal(SIGILL))
            }
        }
    }

    // MARK: The system instruction space at EL0

    /// What Linux lets EL0 do, by the fields of the instruction.
    private static func systemSpace(with features: Set<String>) -> [String] {
        func has(_ name: String) -> Bool { features.contains(name) }
        var lines = ["MSR S3_3_C4_C2_0"]  // NZCV
        if has("dit") { lines.append("MSR S3_3_C4_C2_5") }
        if has("ssbs2") { lines.append("MSR S3_3_C4_C2_6") }
        lines += ["MSR S3_3_C4_C4_0", "MSR S3_3_C4_C4_1", "MSR S3_3_C13_C0_2"]  // FPCR, FPSR, TPIDR_EL0
        lines += ["MRS S3_0_C0_C0_0", "MRS S3_0_C0_C0_5", "MRS S3_0_C0_C0_6"]  // MIDR, MPIDR, REVIDR
        for crm in 2...7 { lines += (0...7).map { "MRS S3_0_C0_C\(crm)_\($0)" } }
        lines += ["MRS S3_3_C0_C0_1", "MRS S3_3_C0_C0_7"]  // CTR_EL0, DCZID_EL0
        if has("rng") { lines += ["MRS S3_3_C2_C4_0", "MRS S3_3_C2_C4_1"] }
        lines.append("MRS S3_3_C4_C2_0")
        if has("dit") { lines.append("MRS S3_3_C4_C2_5") }
        if has("ssbs2") { lines.append("MRS S3_3_C4_C2_6") }
        lines += ["MRS S3_3_C4_C4_0", "MRS S3_3_C4_C4_1", "MRS S3_3_C9_C14_0"]  // FPCR, FPSR, PMUSERENR_EL0
        lines += ["MRS S3_3_C13_C0_2", "MRS S3_3_C13_C0_3"]  // TPIDR_EL0, TPIDRRO_EL0
        lines += ["MRS S3_3_C14_C0_0", "MRS S3_3_C14_C0_2"]  // CNTFRQ_EL0, CNTVCT_EL0
        if has("ecv") { lines.append("MRS S3_3_C14_C0_6") }
        // DC ZVA, IC IVAU, DC CVAC, CVAU, CVAP, CVADP, CIVAC.
        lines += ["SYS S1_3_C7_C4_1", "SYS S1_3_C7_C5_1", "SYS S1_3_C7_C10_1", "SYS S1_3_C7_C11_1"]
        if has("dpb") { lines.append("SYS S1_3_C7_C12_1") }
        if has("dpb2") { lines.append("SYS S1_3_C7_C13_1") }
        lines.append("SYS S1_3_C7_C14_1")
        // CFINV, XAFLAG, AXFLAG, SSBS, DIT.
        if has("flagm") { lines.append("MSR immediate 0 0: CRm 0001") }
        if has("flagm2") { lines += ["MSR immediate 0 1: CRm 0001", "MSR immediate 0 2: CRm 0001"] }
        if has("ssbs2") { lines.append("MSR immediate 3 1: CRm ffff") }
        if has("dit") { lines.append("MSR immediate 3 2: CRm ffff") }
        return lines
    }

    static let systemFeatures: [(cpu: String, features: Set<String>)] = [
        ("max", ["dit", "ssbs2", "rng", "ecv", "dpb", "dpb2", "flagm", "flagm2"]),
        ("max,flagm=off,ecv=off,dpb2=off", ["dit", "ssbs2", "rng", "dpb"]), ("cortex-a57", []),
        ("neoverse-n1", ["ssbs2", "dpb"]),
    ]

    @Test(arguments: systemFeatures)
    func everythingElseInTheSystemSpaceIsUndefined(_ cpu: String, _ features: Set<String>) throws {
        let outcome = try self.features("system", cpu: cpu)
        #expect(outcome.status == .exit(0) && outcome.stderr == "")
        let actual = outcome.stdout.split(separator: "\n").map(String.init)
        let expected = Self.systemSpace(with: features)
        #expect(Set(actual).subtracting(expected) == [] && Set(expected).subtracting(actual) == [])
        #expect(actual.count == expected.count)
    }

    // MARK: The rest

    @Test(arguments: Tier.allCases)
    func randomNumbersClearTheFlags(_ tier: Tier) throws {
        #expect(try features("random", cpu: "max", tier: tier) == Outcome(stdout: "random\n", stderr: "", status: .exit(0)))
    }

    /// `-seed` repeats AT_RANDOM and RNDR, as in QEMU.
    @Test func seedsRepeat() throws {
        let guest = try Installation.program("features", "O2")
        func numbers(_ options: String...) throws -> String {
            let outcome = try needletail(options + [guest, "numbers"])
            #expect(outcome.status == .exit(0) && outcome.stderr == "" && outcome.stdout.split(separator: "\n").count == 4)
            return outcome.stdout
        }
        let five = try numbers("-seed", "5")
        #expect(try numbers("-seed", "5") == five && numbers("-seed", "5", "--tier=interp") == five)
        #expect(try numbers("-seed", "6") != five)
        #expect(try numbers() != numbers())
        #expect(Set(five.split(separator: "\n")).count == 4)
    }

    @Test func cpuinfoShowsTheModel() throws {
        let outcome = try features("cpuinfo", cpu: "cortex-a72")
        // What the guest's sysconf says.
        let count = try #require(outcome.stdout.split { " \n".contains($0) }.last.flatMap { Int($0) })
        #expect(count > 0)
        let expected = (0..<count).map {
            """
            processor\t: \($0)
            BogoMIPS\t: 125.00
            Features\t: fp asimd aes pmull sha1 sha2 crc32 cpuid
            CPU implementer\t: 0x41
            CPU architecture: 8
            CPU variant\t: 0x0
            CPU part\t: 0xd08
            CPU revision\t: 3


            """
        }.joined()
        #expect(outcome == Outcome(stdout: expected + "online \(count)\n", stderr: "", status: .exit(0)))
        let words = try features("cpuinfo", cpu: "max,lse=off").stdout.split { " \n\t".contains($0) }
        #expect(words.contains("flagm2") && words.contains("cssc") && !words.contains("atomics"))
    }
}
