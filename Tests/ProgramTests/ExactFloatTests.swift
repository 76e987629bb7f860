import Foundation
import ReferenceFloat
import Testing

/// Floating point against exact arithmetic of our own: two emulators may share a mistake.
@Suite struct ExactFloatTests {
    /// EXACT_RANDOM sets the random inputs for each instruction and mode, EXACT_SEED their seed.
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    private static let vectors = Result {
        let header = try String(contentsOfFile: Installation.packageRoot + "/Tests/Guests/exact/tests.h", encoding: .utf8)
        return ExactFloatVectors(
            header: header, randomCount: Int(number("EXACT_RANDOM") ?? 40), seed: number("EXACT_SEED") ?? 1)
    }

    @Test(arguments: Tier.allCases)
    func roundsCorrectly(_ tier: Tier) throws {
        try check([Installation.needletail, "--tier=\(tier)"])
    }

    /// A plugin computes at every chance it gets: what it raises must not show in the guest, nor the guest's modes in the plugin.
    @Test(arguments: Tier.allCases)
    func isUndisturbedByPlugins(_ tier: Tier) throws {
        let plugin = try HostCompiler.plugin(FloatNoise.source)
        try check([Installation.needletail, "--tier=\(tier)", "-plugin", plugin.path], every: 7)
    }

    /// The arithmetic itself, by the oracle.
    @Test func agreesWithQEMU() throws { try check([Installation.programs + "/qemu-aarch64", "-cpu", "max"]) }

    /// - Parameter step: 1 for all vectors, n for every n-th.
    private func check(_ emulator: [String], every step: Int = 1) throws {
        let vectors = try ExactFloatTests.vectors.get()
        try #require(vectors.records.count > 100_000)
        let records = stride(from: 0, to: vectors.records.count, by: step).map { vectors.records[$0] }
        let folder = try TemporaryFolder()
        let (inputPath, outputPath) = (folder.path + "/records", folder.path + "/results")
        var input: [UInt64] = []
        input.reserveCapacity(records.count * 4)
        for record in records { input += [UInt64(record.test) | record.fpcr << 32] + record.inputs }
        try input.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: inputPath))
        let process = Subprocess(
            executable: "/bin/sh",
            arguments: ["-c", "exec \"$@\" <\(inputPath) >\(outputPath)", "sh"] + emulator
                + [try Installation.guest("exact")])
        let outcome = try process.run()
        try #require(outcome.status == .exit(0), "\(outcome)")
        let output = try Data(contentsOf: URL(fileURLWithPath: outputPath)).withUnsafeBytes {
            Array($0.bindMemory(to: UInt64.self))
        }
        try #require(output.count == records.count * 4)
        var wrong: [String: Int] = [:]
        for (n, record) in records.enumerated() where Array(output[n * 4..<n * 4 + 4]) != record.expected {
            let name = vectors.instructions[record.test].name
            wrong[name, default: 0] += 1
            if wrong[name]! > 3 { continue }
            func hex(_ values: some Sequence<UInt64>) -> String { values.map { String($0, radix: 16) }.joined(separator: " ") }
            Issue.record(
                """
                \(name) with FPCR \(hex([record.fpcr])) of \(hex(record.inputs)):
                V0, X0, FPSR are \(hex(output[n * 4..<n * 4 + 4])), not \(hex(record.expected))
                """)
        }
        #expect(wrong.isEmpty, "\(wrong)")
    }
}
