import Foundation
import Testing

/// What a plugin's author has: the header's place, the templates, and what `make install` puts where.
@Suite struct PluginPackagingTests {
    private static let templates = Installation.packageRoot + "/Sources/Plugins/Templates"

    private func run(_ command: String, _ configure: (inout Subprocess) -> Void = { _ in }) throws -> Outcome {
        var shell = Subprocess(executable: "/bin/sh", arguments: ["-c", command])
        shell.environment = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME"].contains($0.key) }
        shell.environment["NEEDLETAIL"] = Installation.needletail
        shell.timeLimitInSeconds = 300
        configure(&shell)
        return try shell.run()
    }

    @Test func tellsWhereThingsAre() throws {
        let include = try needletail(["--print-plugin-include"])
        #expect(include.status == .exit(0) && include.stdout == Installation.packageRoot + "/Sources/CPluginAPI/include\n")
        let sdk = try needletail(["--print-plugin-sdk"])
        #expect(sdk.status == .exit(0) && sdk.stdout == Installation.packageRoot + "/Sources/Plugins\n")
    }

    /// BL leaf, 1000 times.
    @Test func templateInC() throws {
        let folder = try TemporaryFolder()
        let built = try run(
            """
            clang -shared -fPIC -O2 -Wall -Werror -I"$("$NEEDLETAIL" --print-plugin-include)" \
              \(Self.templates)/c/countcalls.c -o \(folder.path)/libcountcalls.so
            """)
        #expect(built.status == .exit(0), "\(built)")
        let guest = try Installation.guest("figures")
        let outcome = try needletail(["-plugin", folder.path + "/libcountcalls.so", "-d", "plugin", guest])
        #expect(outcome.stderr == "calls: 1000\n")
    }

    /// Built against what `make install` copies, so the copy is whole; and run by what it installs.
    @Test func installsAndBuildsTheTemplateInSwift() throws {
        let folder = try TemporaryFolder()
        let prefix = folder.path + "/prefix"
        let build = URL(fileURLWithPath: Installation.needletail).deletingLastPathComponent().path
        let installed = try run("\(Installation.packageRoot)/.ci/install \(build) '' \(prefix)")
        #expect(installed.status == .exit(0), "\(installed)")
        let needletail = prefix + "/bin/needletail"
        let guest = try Installation.guest("figures")
        let counted = try run("\(needletail) -plugin insn,inline=on -d plugin \(guest)")
        #expect(counted.stderr == "cpu 0 insns: 12280\ntotal insns: 12280\n")
        #expect(try run("\(needletail) --print-plugin-include").stdout == prefix + "/include/needletail\n")
        let config = try String(contentsOfFile: prefix + "/lib/pkgconfig/needletail-plugin.pc", encoding: .utf8)
        #expect(config.hasPrefix("prefix=\(prefix)\n") && config.contains("\nCflags: -I${includedir}\n"))

        let copied = try run("cp -R \(prefix)/share/needletail/sdk/Templates/swift \(folder.path)/swift")
        #expect(copied.status == .exit(0))
        let built = try run("NEEDLETAIL_SDK=\"$(\(needletail) --print-plugin-sdk)\" swift build -c release") {
            $0.directory = folder.path + "/swift"
        }
        #expect(built.status == .exit(0), "\(built)")
        let plugin = folder.path + "/swift/.build/release/libcountcalls.so"
        let outcome = try run("\(needletail) -plugin \(plugin),vcpus=on -d plugin \(guest)")
        #expect(outcome.stderr == "vcpu 0: 1000\ncalls: 1000\n", "\(outcome)")

        // The same with a plugin that uses what the SDK has of version 6.
        let source = Installation.packageRoot + "/Tests/Plugins/answers.swift"
        let rebuilt = try run(
            "cp \(source) swift/Sources/countcalls/countcalls.swift && cd swift && "
                + "NEEDLETAIL_SDK=\"$(\(needletail) --print-plugin-sdk)\" swift build -c release"
        ) { $0.directory = folder.path }
        #expect(rebuilt.status == .exit(0), "\(rebuilt)")
        for tier in Tier.allCases {
            for (options, guest) in [("", "filtered"), (",jump=on", "redirect")] {
                let outcome = try run("\(needletail) --tier=\(tier) -plugin \(plugin)\(options) \(try Installation.guest(guest))")
                #expect(outcome.status == .exit(0) && outcome.stderr == "", "\(guest) \(outcome)")
            }
        }
    }
}
