import A64ISA
import EmuIR
import Testing

@testable import A64Translator

/// Every line of `Tests/Cases`, translated alone and evaluated; all registers are compared, not only the expected ones.
@Suite struct InstructionCaseTests {
    private static let registers =
        (0...30).map { "x\($0)" } + ["sp", "fpcr", "fpsr", "tpidr_el0", "tpidrro_el0", "pstate"]

    @Test(arguments: ["DataProcessingImmediate", "DataProcessingRegister", "Flags", "Branches", "System"])
    func behavesAsRecorded(_ file: String) {
        let (cases, badLines) = InstructionCase.load(file)
        #expect(badLines.isEmpty)
        #expect(!cases.isEmpty)
        let config = TranslationConfig(features: .max, idRegisters: A64FeatureSet.max.idRegisters(midr: 0x410f_d083))
        var translator = Translator(config: config)
        translator.config.instructionLimit = 1
        var failures: [String] = []
        for entry in cases {
            // Twice, so that what "unchanged" registers and flags hold cannot matter.
            for junk: UInt64 in [0x5a5a_1234_0000_0000, 0xa5a5_8765_ffff_ffff] {
                if let failure = run(entry, junk: junk, &translator) {
                    failures.append(failure)
                    break
                }
            }
        }
        let shown = failures.prefix(20).joined(separator: "\n")
        #expect(failures.isEmpty, "\(failures.count) of \(cases.count):\n\(shown)")
    }

    /// What is wrong, nil when nothing is.
    private func run(_ entry: InstructionCase, junk: UInt64, _ translator: inout Translator) -> String? {
        var state: [String: UInt64] = [:]
        for (index, name) in Self.registers.enumerated() { state[name] = junk &* UInt64(index + 1) }
        state["pstate"] = 0
        state["nzcv"] = junk & 0xf000_0000
        var pc: UInt64 = 0x400000
        for (name, value) in entry.before {
            if name == "pc" { pc = value } else { state[name] = value }
        }
        let block = translator.translate(at: pc) { $0 == pc ? entry.word : nil }
        var evaluator = IREvaluator(state: state)
        evaluator.run(block)
        if let unsupported = evaluator.unsupported { return "\(entry.assembly): evaluator lacks \(unsupported)" }

        var expected = state
        for (name, value) in entry.after where name != "pc" { expected[name] = value }
        var wrong: [String] = []
        for (name, value) in expected where evaluator.state[name] != value {
            wrong.append("\(name)=\(hex(evaluator.state[name] ?? 0)) not \(hex(value))")
        }
        let expectedPC = entry.after["pc"] ?? (entry.exception == nil ? pc &+ 4 : pc)
        if evaluator.pc != expectedPC { wrong.append("pc=\(hex(evaluator.pc ?? 0)) not \(hex(expectedPC))") }
        let kind = evaluator.exception.map { "\($0.kind)" }
        if kind != entry.exception?.kind { wrong.append("exception \(kind ?? "none")") }
        if let info = entry.exception?.info, evaluator.exception?.info != info { wrong.append("exception info") }
        return wrong.isEmpty ? nil : "\(entry.assembly) [\(hex(UInt64(entry.word)))] \(entry.before): \(wrong.sorted())"
    }

    private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
