import A64ISA
import Foundation
import Testing

/// Self-checking C programs in many compilations: what they print depends on neither the options, the machine nor the emulator.
@Suite struct TortureTests {
    static let names = ["algorithms", "atomics", "calls", "control", "loops", "numbers", "text", "wide"]

    /// A few in `make test`; TORTURE=all (`make test-torture`) has every level with every architecture.
    static let variants: [String] = {
        // What the compiler may then use without asking.
        let hasFull = [A64Feature.FEAT_FP16, .FEAT_FHM, .FEAT_PAuth, .FEAT_BTI].allSatisfy { A64FeatureSet.max.contains($0) }
        let architectures = ["base", "lse"] + (hasFull ? ["full"] : [])
        if ProcessInfo.processInfo.environment["TORTURE"] == "all" {
            return ["O0", "O1", "O2", "O3", "Os"].flatMap { level in architectures.map { "\(level).\($0)" } }
        }
        return ["O0.base", "O3.\(architectures.last!)"]
    }()

    private static let folder = Result {
        let folder = Installation.guests + "/torture"
        var script = Subprocess(
            executable: Installation.packageRoot + "/Tests/Torture/build.sh", arguments: [folder, "O2.host"] + variants)
        script.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        script.timeLimitInSeconds = 900
        let outcome = try script.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "build.sh: \(outcome)") }
        return folder
    }

    @Test(arguments: names, variants)
    func printsTheSameEverywhere(_ name: String, _ variant: String) throws {
        let folder = try TortureTests.folder.get()
        let native = try Subprocess(executable: "\(folder)/\(name).O2.host", arguments: []).run()
        try #require(native.status == .exit(0) && !native.stdout.contains("failed"), "natively: \(native)")
        // Debian 12's QEMU suffices: compilers emit nothing newer.
        expectSame(try qemu(["\(folder)/\(name).\(variant)"]), native, "\(name).\(variant) under QEMU")
        // `block` compiles each block of the program and its library: not for both.
        for tier in Tier.allCases where tier != .block || variant == TortureTests.variants.last {
            let actual = try needletail(["--tier=\(tier)", "\(folder)/\(name).\(variant)"])
            expectSame(actual, native, "\(name).\(variant) in tier \(tier)")
        }
    }
}
