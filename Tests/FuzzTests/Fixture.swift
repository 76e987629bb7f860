import FuzzKit
import Glibc
import Testing

enum Fixture {
    static let keptCases = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Cases/fuzz"

    /// The tiers of the built executable; `NEEDLETAIL` names it.
    static let suspects: [Emulator] = {
        guard let path = getenv("NEEDLETAIL") else {
            preconditionFailure("NEEDLETAIL names no executable: use make test")
        }
        return Emulator.tiers(String(cString: path))
    }()

    /// The oracle that `.ci/setup test` fetches beside the guest programs.
    static let qemu: Emulator = {
        let guests = getenv("GUESTS").map { String(cString: $0) } ?? "Tests/Guests/.out"
        let path = "\(guests)/programs/qemu-aarch64"
        precondition(access(path, X_OK) == 0, "\(path) is missing: run .ci/setup test")
        return .qemu(path)
    }()

    static func temporaryFolder() throws -> String {
        var template = Array("/tmp/needletail-fuzz-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ folder: String) {
        for name in ["program", "qemu.out", "old.out"] + suspects.map({ $0.name + ".out" }) { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
}
