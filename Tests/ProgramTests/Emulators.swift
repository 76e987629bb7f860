import Foundation
import Testing

/// The executables under test and the guest programs. Set-up that fails fails every test that asks for it.
enum Installation {
    static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    static let needletail =
        ProcessInfo.processInfo.environment["NEEDLETAIL"] ?? packageRoot + "/.build/release/needletail"
    /// Freestanding guests, which `make guests` builds.
    static let guests = ProcessInfo.processInfo.environment["GUESTS"] ?? packageRoot + "/Tests/Guests/.out"
    static let programs = guests + "/programs"

    private static func script(_ name: String, in folder: String = "Programs") -> Result<Void, Subprocess.Failure> {
        Result {
            var script = Subprocess(executable: packageRoot + "/Tests/\(folder)/\(name)", arguments: [programs])
            script.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
            script.timeLimitInSeconds = 600
            let outcome = try script.run()
            guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "\(name): \(outcome)") }
        }.mapError { $0 as? Subprocess.Failure ?? Subprocess.Failure(description: "\($0)") }
    }
    private static let builtPrograms = script("build.sh")
    private static let fetchedBusybox = script("fetch-busybox.sh")
    private static let builtLitmus = script("build.sh", in: "Litmus")

    /// A guest of Tests/Programs in one of its variants (O0, O2, pie).
    static func program(_ name: String, _ variant: String) throws -> String {
        try builtPrograms.get()
        return "\(programs)/\(name).\(variant)"
    }
    static func busybox() throws -> String {
        try fetchedBusybox.get()
        return programs + "/busybox"
    }
    static func litmus() throws -> String {
        try builtLitmus.get()
        return programs + "/litmus"
    }
    static func guest(_ name: String) throws -> String {
        let path = "\(guests)/\(name)"
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is missing: run `make guests`")
        return path
    }
}

/// `--tier` values; every program must behave the same in each.
enum Tier: String, CaseIterable, Sendable {
    case interp
    case block
    case baseline
    case auto
}

func needletail(_ arguments: [String], configure: (inout Subprocess) -> Void = { _ in }) throws -> Outcome {
    var process = Subprocess(executable: Installation.needletail, arguments: arguments)
    configure(&process)
    return try process.run()
}

/// Debian's qemu-aarch64, the oracle.
func qemu(_ arguments: [String], configure: (inout Subprocess) -> Void = { _ in }) throws -> Outcome {
    var process = Subprocess(executable: "qemu-aarch64", arguments: arguments)
    configure(&process)
    var outcome = try process.run()
    // Both begin their own messages with their own name.
    outcome.stderr = outcome.stderr.replacingOccurrences(of: "qemu: uncaught", with: "needletail: uncaught")
    return outcome
}

/// Compares everything an outcome holds; on a difference shows the first line that differs.
func expectSame(
    _ actual: Outcome, _ expected: Outcome, _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    if actual == expected { return }
    func difference(_ a: String, _ b: String) -> String {
        let (a, b) = (
            a.split(separator: "\n", omittingEmptySubsequences: false),
            b.split(separator: "\n", omittingEmptySubsequences: false)
        )
        for n in 0..<max(a.count, b.count) {
            let (x, y) = (n < a.count ? a[n] : "(end)", n < b.count ? b[n] : "(end)")
            if x != y { return "line \(n + 1): '\(x)' instead of '\(y)'" }
        }
        return "equal"
    }
    Issue.record(
        """
        \(what) differs: status \(actual.status), expected \(expected.status)
        stdout \(difference(actual.stdout, expected.stdout))
        stderr \(difference(actual.stderr, expected.stderr))
        """, sourceLocation: sourceLocation)
}
