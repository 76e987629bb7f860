import Foundation
import Testing

/// Callbacks that generated code takes over do what they do when they are called.
@Suite struct CallbackTests {
    /// What the plugin found when the interpreter called all of its callbacks.
    private func accounts(_ plugin: HostCompiler.Plugin, _ options: [String], _ guest: String) throws -> String {
        let outcome = try needletail(options + ["-plugin", plugin.path, guest])
        #expect(outcome.status == .exit(0))
        return outcome.stderr
    }

    @Test(arguments: [
        ["-O2"], ["-O2", "-fcf-protection", "-fno-omit-frame-pointer"], ["-O1", "-fno-plt"], ["-O3", "-march=x86-64-v3"], ["-O0"],
    ]) func doWhatTheirCallsDo(_ options: [String]) throws {
        let plugin = try HostCompiler.plugin(file: "leaves", version: 5, options: options)
        for name in ["count", "figures"] {
            let guest = try Installation.guest(name)
            let expected = try accounts(plugin, ["--tier=interp"], guest)
            #expect(expected.contains(", moved 1, "), "\(expected)")
            if name == "count" {
                #expect(expected.hasPrefix("insns 403006, in elements 403006, moved 1, blocks 101001\n"), "\(expected)")
            }
            for tier in [["--tier=block"], ["--tier=region"], ["--sample-interval=100"]] {
                #expect(try accounts(plugin, tier, guest) == expected, "\(name) \(options) \(tier)")
            }
        }
    }
}
