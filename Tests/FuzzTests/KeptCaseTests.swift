import FuzzKit
import Glibc
import Testing

/// Every find of the fuzzer, replayed on every tier against what QEMU did.
@Suite struct KeptCaseTests {
    @Test(arguments: Fixture.suspects)
    func leavesTheRecordedState(_ emulator: Emulator) throws {
        let cases = KeptCase.loadAll(Fixture.keptCases)
        #expect(!cases.isEmpty)
        // One by one: ADR and literals depend on where a case stands, and only the first place never moves.
        for (name, kept) in cases {
            guard let kept else {
                Issue.record("\(name) cannot be read")
                continue
            }
            let folder = try Fixture.temporaryFolder()
            defer { Fixture.remove(folder) }
            let run = emulator.run(GuestProgram.make([(kept.input, kept.words)]), in: folder)
            #expect(run.isComplete, "\(name): \(run.end)")
            for state in run.states {
                #expect(state == kept.expected, "\(name): \(KeptCase.differences(state, kept.expected))")
            }
        }
    }
}
