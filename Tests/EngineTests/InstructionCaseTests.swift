import TestSupport
import Testing

/// Every line of `Tests/Cases` on every executor, through the engine's own way from bytes to registers. What the results should
/// be was recorded from `qemu-aarch64`; all registers are compared, not only the ones a case names.
///
/// Serialized: the cases' memory has fixed addresses.
@Suite(.serialized) struct InstructionCaseTests {
    private static let registers =
        (0...30).map { "x\($0)" } + ["sp", "fpcr", "fpsr", "tpidr_el0", "tpidrro_el0", "pstate"]
        + (0...31).flatMap { ["v\($0).lo", "v\($0).hi"] }

    @Test(arguments: CaseMachine.Configuration.allCases, InstructionCase.files)
    func behavesAsRecorded(_ configuration: CaseMachine.Configuration, _ file: String) throws {
        let (cases, badLines) = InstructionCase.load(file)
        #expect(badLines.isEmpty)
        #expect(!cases.isEmpty)
        let machine = try CaseMachine(configuration)
        // A branch to itself never ends here; A64TranslatorTests has it.
        let failures = cases.filter { $0.exception != nil || $0.after["pc"] != $0.before["pc", default: 0x400000] }
            .compactMap { run($0, on: machine) }
        let shown = failures.prefix(20).joined(separator: "\n")
        #expect(failures.isEmpty, "\(failures.count) of \(cases.count):\n\(shown)")
    }

    /// What is wrong, nil when nothing is.
    private func run(_ entry: InstructionCase, on machine: CaseMachine) -> String? {
        // Twice, so that what "unchanged" registers and flags hold cannot matter.
        for junk: UInt64 in [0x5a5a_1234_0000_0000, 0xa5a5_8765_ffff_ffff] {
            var state: [String: UInt64] = [:]
            for (index, name) in Self.registers.enumerated() { state[name] = junk &* UInt64(index + 1) }
            state["pstate"] = 0
            state["fpcr"] = 0
            state["fpsr"] = 0
            state["nzcv"] = junk & 0xf000_0000
            var pc: UInt64 = 0x400000
            for (name, value) in entry.before {
                if name == "pc" { pc = value } else { state[name] = value }
            }
            // Named so that it is read back; what it held is of no interest.
            for name in entry.after.keys where name.hasPrefix("[") && state[name] == nil { state[name] = 0 }
            let actual = machine.run(entry.word, at: pc, state)
            if let failure = compare(entry, pc, state, actual, machine) { return failure }
        }
        return nil
    }

    private func compare(
        _ entry: InstructionCase, _ pc: UInt64, _ before: [String: UInt64], _ actual: [String: UInt64],
        _ machine: CaseMachine
    ) -> String? {
        var expected = before
        for (name, value) in entry.after { expected[name] = value }
        expected["pc"] = entry.after["pc"] ?? (entry.exception == nil ? pc &+ 4 : pc)
        var wrong: [String] = []
        for (name, value) in expected.sorted(by: { $0.key < $1.key }) where actual[name] != value {
            wrong.append("\(name)=\(hex(actual[name] ?? 0)) not \(hex(value))")
        }
        if machine.exception?.kind != entry.exception?.kind {
            wrong.append("exception=\(machine.exception?.kind ?? "none") not \(entry.exception?.kind ?? "none")")
        }
        if let info = entry.exception?.info, machine.exception?.info != info {
            wrong.append("info=\(hex(machine.exception?.info ?? 0)) not \(hex(info))")
        }
        for address in machine.strayBytes(beside: before.keys) { wrong.append("[\(hex(address))] was written") }
        if let count = machine.count, count != 1 { wrong.append("counted \(count) instructions not 1") }
        return wrong.isEmpty ? nil : "\(entry.assembly) [\(hex(UInt64(entry.word)))]: \(wrong.joined(separator: " "))"
    }

    private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
