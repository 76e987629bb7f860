import Foundation
import Testing

/// Freestanding guests that run instructions over many inputs; `expected` beside their source is what qemu-aarch64 printed.
@Suite struct GuestOutputTests {
    @Test(arguments: ["simd", "fp", "fpvector", "fphalf"], ["interp", "block"])
    func printsAsUnderQEMU(_ guest: String, _ tier: String) throws {
        let path = try Installation.guest(guest)
        let file = Installation.packageRoot + "/Tests/Guests/\(guest)/expected"
        let printed = try String(contentsOfFile: file, encoding: .utf8)
        let actual = try needletail(["--tier=\(tier)", path])
        expectSame(actual, Outcome(stdout: printed, stderr: "", status: .exit(0)), "\(guest) in tier \(tier)")
    }
}
