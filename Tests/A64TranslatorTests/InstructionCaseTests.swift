import A64ISA
import EmuIR
import TestSupport
import Testing

@testable import A64Translator

/// Every line of `Tests/Cases`, translated alone and run by the evaluator: the semantics, apart from every executor.
/// `EngineTests` runs the same lines on the tiers.
@Suite struct InstructionCaseTests {
    private static let slots = StateSlot.all.filter { $0.isWritable && $0 != .tpidr2EL0 }

    @Test(arguments: InstructionCase.files)
    func behavesAsRecorded(_ file: String) {
        let (cases, badLines) = InstructionCase.load(file)
        #expect(badLines.isEmpty)
        #expect(!cases.isEmpty)
        let config = TranslationConfig(
            features: .max, idRegisters: A64FeatureSet.max.idRegisters(midr: 0x410f_d083), instructionLimit: 1)
        var translator = Translator(config: config)
        // Twice, so that what "unchanged" registers and flags hold cannot matter.
        let failures = cases.compactMap {
            run($0, junk: 0x5a5a_1234_0000_0000, &translator) ?? run($0, junk: 0xa5a5_8765_ffff_ffff, &translator)
        }
        let shown = failures.prefix(20).joined(separator: "\n")
        #expect(failures.isEmpty, "\(failures.count) of \(cases.count):\n\(shown)")
    }

    /// What is wrong, nil when nothing is.
    private func run(_ entry: InstructionCase, junk: UInt64, _ translator: inout Translator) -> String? {
        var image = GuestImage()
        for slot in Self.slots where slot != .pstate {
            image.slots[Int(slot.rawValue)] = UInt128(junk &* UInt64(slot.rawValue + 1))
        }
        image.nzcv = UInt8(junk >> 28 & 15)
        var pc: UInt64 = 0x400000
        apply(entry.before, to: &image, &pc)
        let block = translator.translate(at: pc) { $0 == pc ? entry.word : nil }
        var evaluator = IREvaluator(image)
        let outcome = evaluator.run(block)

        var expectedPC = entry.exception == nil ? pc &+ 4 : pc
        apply(entry.after, to: &image, &expectedPC)
        var wrong: [String] = []
        for slot in Self.slots where evaluator.image.slots[Int(slot.rawValue)] != image.slots[Int(slot.rawValue)] {
            let (actual, expected) = (evaluator.image.slots[Int(slot.rawValue)], image.slots[Int(slot.rawValue)])
            wrong.append("\(slot.name)=\(hex(actual)) not \(hex(expected))")
        }
        for address in Set(evaluator.image.memory.keys).union(image.memory.keys) {
            let (actual, expected) = (evaluator.image.read(address, bytes: 1), image.read(address, bytes: 1))
            if actual != expected { wrong.append("[\(hex(UInt128(address)))]=\(hex(actual)) not \(hex(expected))") }
        }
        if evaluator.image.nzcv != image.nzcv { wrong.append("nzcv=\(evaluator.image.nzcv) not \(image.nzcv)") }
        guard case .left(let op, let actualPC, let rawKind, let info) = outcome else {
            return "\(entry.assembly): faulted"
        }
        if actualPC != expectedPC { wrong.append("pc=\(hex(UInt128(actualPC))) not \(hex(UInt128(expectedPC)))") }
        let kind = op == .raise ? ExceptionKind(rawValue: rawKind).map { "\($0)" } : nil
        if kind != entry.exception?.kind { wrong.append("exception \(kind ?? "none")") }
        if let expected = entry.exception?.info, info != expected { wrong.append("exception info") }
        return wrong.isEmpty ? nil : "\(entry.assembly) [\(hex(UInt128(entry.word)))] \(entry.before): \(wrong)"
    }

    private func apply(_ values: [String: UInt64], to image: inout GuestImage, _ pc: inout UInt64) {
        for (name, value) in values {
            if let address = InstructionCase.memoryAddress(name) {
                image.write(address, bytes: 8, UInt128(value))
            } else if name == "pc" {
                pc = value
            } else if name == "nzcv" {
                image.nzcv = UInt8(value >> 28)
            } else if let slot = Self.slots.first(where: { $0.name == name }) {
                image.slots[Int(slot.rawValue)] = UInt128(value)
            } else {
                Issue.record("no register is called \(name)")
            }
        }
    }

    private func hex(_ value: UInt128) -> String { "0x" + String(value, radix: 16) }
}
