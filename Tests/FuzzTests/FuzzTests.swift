import A64ISA
import FuzzKit
import Testing

@Suite struct FuzzTests {
    /// A short run with a fixed seed against the installed QEMU; `make fuzz` is the long one.
    @Test func agreesWithQEMU() throws {
        let folder = try Fixture.temporaryFolder()
        defer { Fixture.remove(folder) }
        var fuzzer = Fuzzer(
            oracle: .qemu(), suspects: Fixture.suspects.filter { $0.name != "block-one" }, folder: folder,
            generator: Generator(seed: 2026, encodings: Generator.all))
        for _ in 0..<8 {
            for finding in fuzzer.runBatch(500) {
                let differences = finding.actual.map { KeptCase.differences($0, finding.kept.expected) } ?? ["crashed"]
                Issue.record("\(finding.emulator): \(differences)\n\(finding.kept.text([]))")
            }
        }
        #expect(fuzzer.refused.isEmpty, "QEMU ended at \(fuzzer.refused.map(\.row.name))")
        #expect(fuzzer.exercised.count * 100 >= Generator.all.count * 95)
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
