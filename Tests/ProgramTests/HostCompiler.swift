import Foundation

/// Builds plugins for the host with the toolchain's clang.
enum HostCompiler {
    /// A shared object and the folder that keeps it alive.
    struct Plugin {
        let path: String
        let folder: TemporaryFolder
    }

    static func plugin(_ source: String) throws -> Plugin {
        let folder = try TemporaryFolder()
        let input = folder.path + "/plugin.c"
        try Data(source.utf8).write(to: URL(fileURLWithPath: input))
        let output = folder.path + "/libplugin.so"
        let headers = Installation.packageRoot + "/Sources/CPluginAPI/include"
        var compiler = Subprocess(
            executable: "clang", arguments: ["-shared", "-fPIC", "-Wall", "-Werror", "-I", headers, input, "-o", output])
        compiler.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        let outcome = try compiler.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "clang: \(outcome)") }
        return Plugin(path: output, folder: folder)
    }
}
