import Foundation

/// Builds plugins for the host with the toolchain's clang.
enum HostCompiler {
    /// A shared object and the folder that keeps it alive.
    struct Plugin {
        let path: String
        let folder: TemporaryFolder
    }

    /// A plugin of Tests/Plugins for an API version.
    static func plugin(file name: String, version: Int, options: [String] = []) throws -> Plugin {
        try plugin(
            "#include \"\(name).c\"\n",
            options: ["-DQEMU_PLUGIN_VERSION=\(version)", "-I", Installation.packageRoot + "/Tests/Plugins"] + options)
    }

    static func plugin(_ source: String, options: [String] = []) throws -> Plugin {
        let folder = try TemporaryFolder()
        let input = folder.path + "/plugin.c"
        try Data(source.utf8).write(to: URL(fileURLWithPath: input))
        let output = folder.path + "/libplugin.so"
        let headers = Installation.packageRoot + "/Sources/CPluginAPI/include"
        var compiler = Subprocess(
            executable: "clang",
            arguments: ["-shared", "-fPIC", "-Wall", "-Werror", "-I", headers] + options + [input, "-o", output])
        compiler.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        let outcome = try compiler.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "clang: \(outcome)") }
        return Plugin(path: output, folder: folder)
    }
}
