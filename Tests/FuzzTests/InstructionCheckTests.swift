import A64ISA
import FuzzKit
import Testing

@Suite struct InstructionCheckTests {
    /// Two forms from three states of what `make isa-check` looks at more closely.
    @Test func everyMnemonicAgreesWithQEMU() throws {
        let folder = try Fixture.temporaryFolder()
        defer { Fixture.remove(folder) }
        var check = InstructionCheck(
            oracle: Fixture.qemu, suspects: Fixture.suspects.filter { ["interp", "block", "auto"].contains($0.name) },
            folder: folder, seed: 2026)
        check.formsEach = 2
        check.statesEach = 3
        check.scan(words: 500_000)
        check.run()
        for trouble in check.troubles {
            let differences = trouble.actual.map { KeptCase.differences($0, trouble.kept.expected) } ?? ["crashed"]
            Issue.record("\(trouble.mnemonic), \(trouble.emulator): \(differences)\n\(trouble.kept.text([]))")
        }
        #expect(check.tallies.count > 600)
        for (mnemonic, tally) in check.tallies {
            #expect(tally.differences == 0 && tally.illegal == 0 && tally.refused == 0, "\(mnemonic): \(tally)")
            // What is missing is a feature that guests are not shown.
            let unexplained = tally.missing.filter { name in
                guard let row = A64Encoding.rows.first(where: { $0.name == name }) else { return true }
                return row.features.allSatisfy { A64FeatureSet.max.contains($0.feature) }
            }
            #expect(unexplained.isEmpty, "\(mnemonic): \(unexplained)")
            #expect(tally.forms > 0 || !tally.missing.isEmpty, "\(mnemonic) was never drawn")
        }
    }
}
