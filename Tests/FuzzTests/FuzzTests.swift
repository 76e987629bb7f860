import A64ISA
import FuzzKit
import Testing

@Suite struct FuzzTests {
    /// A short run with a fixed seed against the installed QEMU; `make fuzz` is the long one.
    @Test func agreesWithQEMU() throws {
        let folder = try Fixture.temporaryFolder()
        defer { Fixture.remove(folder) }
        var fuzzer = Fuzzer(
            oracle: Fixture.qemu, suspects: Fixture.suspects.filter { !["block-one", "region-one"].contains($0.name) },
            folder: folder,
            generator: Generator(seed: 2026, encodings: Generator.all))
        for _ in 0..<6 {
            for finding in fuzzer.runBatch(500) {
                let differences = finding.actual.map { KeptCase.differences($0, finding.kept.expected) } ?? ["crashed"]
                Issue.record("\(finding.emulator): \(differences)\n\(finding.kept.text([]))")
            }
        }
        #expect(fuzzer.refused.isEmpty, "QEMU ended at \(fuzzer.refused.map(\.row.name))")
        #expect(fuzzer.exercised.count * 100 >= Generator.all.count * 95)
    }

    /// The oracle tested with a known answer: a CPU without LSE must be found out, by one instruction.
    @Test func findsACPUWithoutAtomics() throws {
        let folder = try Fixture.temporaryFolder()
        defer { Fixture.remove(folder) }
        let atomics = Generator.all.filter { $0.row.features.contains { $0.feature == .FEAT_LSE } }
        var fuzzer = Fuzzer(
            oracle: Fixture.qemu, suspects: [Emulator(name: "old", command: [Fixture.qemu.command[0], "-cpu", "cortex-a53"])],
            folder: folder, generator: Generator(seed: 1, encodings: atomics))
        let findings = fuzzer.runBatch(1)
        #expect(findings.count == 1)
        #expect(findings.allSatisfy { $0.isReproducible && $0.encodings.count == 1 && $0.actual == nil })
    }

    /// The comparison itself: a state that is changed behind the emulators' back must be found.
    @Test func keptCasesReadBack() throws {
        var input = MachineState()
        input.words[3] = 0x1234
        var expected = input
        expected.words[0] = 7
        expected.words[3] = 0
        let kept = KeptCase(words: [0x8b02_0020], input: input, expected: expected)
        let read = try #require(KeptCase(text: kept.text(["a comment"])))
        #expect(read.words == kept.words)
        #expect(read.input == kept.input)
        #expect(read.expected == kept.expected)
        #expect(KeptCase.differences(input, expected) == ["x0 = 0 not 7", "x3 = 1234 not 0"])
    }
}
