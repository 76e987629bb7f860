import Foundation
import Testing

@testable import PluginHost

extension HostTests {
    @Suite struct LoadingTests {
        private func failure(_ path: String) throws -> PluginError {
            let fixture = try Fixture()
            return try #require(throws: PluginError.self) { try fixture.load(path) }
        }

        @Test(arguments: 2...7)
        func acceptsVersions(version: Int) throws {
            let fixture = try Fixture()
            try fixture.load(TestPlugin.compile(TestPlugin.minimal(version: version)))
        }

        @Test(arguments: [-1, 0, 1])
        func refusesOldVersions(version: Int) throws {
            let path = try TestPlugin.compile(TestPlugin.minimal(version: version))
            let error = try failure(path)
            #expect(error.kind == .versionTooOld(version))
            #expect(error.description == "plugin \(path): needs plugin API version \(version); the oldest supported is 2")
        }

        @Test(arguments: [8, 100])
        func refusesNewVersions(version: Int) throws {
            let path = try TestPlugin.compile(TestPlugin.minimal(version: version))
            let error = try failure(path)
            #expect(error.kind == .versionTooNew(version))
            #expect(error.description == "plugin \(path): needs plugin API version \(version); the newest supported is 7")
        }

        @Test func namesTheMissingFile() throws {
            let error = try failure("/nonexistent/libx.so")
            #expect(error.kind == .cannotOpen)
            #expect(error.description.hasPrefix("plugin /nonexistent/libx.so: cannot open: "))
            #expect(!error.description.contains("\n"))
        }

        @Test func namesTheMissingSymbol() throws {
            let path = try TestPlugin.compile(
                "extern void qemu_plugin_from_the_future(void);\n"
                    + TestPlugin.minimal(install: "qemu_plugin_from_the_future(); return 0;"))
            let error = try failure(path)
            #expect(error.kind == .cannotOpen)
            #expect(error.reason.contains("qemu_plugin_from_the_future"))
        }

        @Test func needsInstallFunctionAndVersion() throws {
            let empty = try TestPlugin.compile("int qemu_plugin_version = 5;")
            #expect(try failure(empty).kind == .noInstallFunction)
            let unversioned = try TestPlugin.compile("int qemu_plugin_install(void) { return 0; }")
            #expect(try failure(unversioned).kind == .noVersion)
        }

        @Test func reportsAFailedInstall() throws {
            let path = try TestPlugin.compile(TestPlugin.minimal(install: "return -1;"))
            let error = try failure(path)
            #expect(error.kind == .installFailed(-1))
            #expect(error.description == "plugin \(path): qemu_plugin_install returned error -1")
        }

        @Test func installSeesInfoAndArguments() throws {
            let path = try TestPlugin.compile(
                "#include <stdio.h>\n"
                    + TestPlugin.minimal(
                        install: """
                            char line[256];
                            snprintf(line, sizeof line, "%s %d %d %d %d %d/%d", info->target_name, info->version.min,
                                     info->version.cur, info->system_emulation, qemu_plugin_num_vcpus(), argc,
                                     argv == NULL);
                            qemu_plugin_outs(line);
                            for (int i = 0; i < argc; i++) { qemu_plugin_outs("|"); qemu_plugin_outs(argv[i]); }
                            return id == 0;
                            """))
            let fixture = try Fixture()
            try fixture.load("\(path),inline=true,list=a,,b")
            #expect(fixture.services.takeOutput() == "aarch64 2 7 0 0 2/0|inline=true|list=a,b")
            let other = try Fixture()
            try other.load(path)
            #expect(other.services.takeOutput() == "aarch64 2 7 0 0 0/1")
        }

        @Test func findsFilesAsQEMUDoesAndBundledPluginsByBareName() throws {
            let directory = TestPlugin.scratch.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for name in ["libinsn.so", "plain"] {
                try Data().write(to: directory.appendingPathComponent(name))
            }
            let search = PluginSearchPath(executable: "\(directory.path)/needletail")
            let here = directory.path
            #expect(search.resolve("insn") == "\(here)/libinsn.so")
            #expect(search.resolve("libinsn.so") == "\(here)/libinsn.so")
            #expect(search.resolve("\(here)/libinsn") == "\(here)/libinsn.so")
            #expect(search.resolve("\(here)/libinsn.so") == "\(here)/libinsn.so")
            #expect(search.resolve("\(here)/plain") == "\(here)/plain")
            // Left to the dynamic loader, which then names what it looked for.
            #expect(search.resolve("other") == "other.so")
            #expect(search.resolve("other.so") == "other.so")
        }
    }
}
