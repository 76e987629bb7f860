internal import CPluginAPI
internal import CPluginCalls
internal import Glibc

extension PluginHost {
    /// Loads and installs what the options name, in order. Once, before the program is loaded and before any vCPU exists.
    ///
    /// After an error the executable should leave through `exit`: plugins installed before the failing one then get their
    /// atexit callbacks.
    package func load(_ options: PluginOptions) throws(PluginError) {
        if options.requests.isEmpty { return }
        // For what leaves through C `exit` without the engine, such as a plugin that ends the emulation. Registered before
        // any plugin is opened, so it runs after what plugins register and before their destructors.
        Self.callsAtExit
        let searchPath = PluginSearchPath()
        for request in options.requests { try load(request, searchPath) }
    }

    /// Once in a process.
    private static let callsAtExit: Void = {
        // libc takes a function off its list before it calls it: other threads that call `exit` meanwhile would go on to the end of the
        // process. Each of them meets one of these and stays there.
        for _ in 0..<exitingThreads { atexit { PluginHost.active?.atExit() } }
    }()
    /// How many threads may call `exit` at once.
    private static let exitingThreads = 256

    private func load(_ request: PluginRequest, _ searchPath: PluginSearchPath) throws(PluginError) {
        let path = request.path
        let file = searchPath.resolve(path)
        guard let library = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
            throw .cannotOpen(path, dlerror().map { String(cString: $0) } ?? "unknown reason")
        }
        guard let install = dlsym(library, "qemu_plugin_install") else { throw .noInstallFunction(path) }
        guard let versionSymbol = dlsym(library, "qemu_plugin_version") else { throw .noVersion(path) }
        let version = Int(versionSymbol.load(as: Int32.self))
        guard Self.supportedVersions.contains(version) else { throw .version(path, version) }

        let plugin = LoadedPlugin(
            id: newID(), path: path, identity: Self.identity(file, request.arguments), version: version, library: library,
            arguments: ArgumentVector(request.arguments),
            number: nt_plugin_note(install, Int32(version)))
        add(plugin)
        let status = callInstall(install, plugin)
        if status != 0 {
            remove(plugin)
            throw .installFailed(path, status)
        }
    }

    /// A file, and what its plugin is told: another text for another plugin.
    private static func identity(_ file: String, _ arguments: [String]) -> String? {
        var status = stat()
        guard stat(file, &status) == 0 else { return nil }
        let times = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        return "\(status.st_dev) \(status.st_ino) \(status.st_size) \(times) \(arguments)"
    }

    private func callInstall(_ install: UnsafeMutableRawPointer, _ plugin: LoadedPlugin) -> Int {
        var info = qemu_info_t()
        info.target_name = Self.targetName.pointer
        info.version.min = Int32(Self.supportedVersions.lowerBound)
        info.version.cur = Int32(Self.supportedVersions.upperBound)
        info.system_emulation = false
        installing = plugin.id
        defer { installing = nil }
        var status: Int32 = 0
        call(plugin, install, nil) {
            status = nt_plugin_call_install(&$0, &info, Int32(plugin.arguments.count), plugin.arguments.pointer)
        }
        return Int(status)
    }

    // Plugins may keep the pointer.
    private static let targetName = PermanentCString("aarch64")
}

/// The plugin whose install function runs. Loading is done by one thread before others exist.
nonisolated(unsafe) var installing: UInt64?

/// Where plugins are found.
///
/// A bare name (no slash) that names no file here is first looked for as `lib<name>.so` among the bundled plugins: beside
/// the executable, then in `../lib/needletail` from there. Everything else is as in QEMU: a regular file is taken as it is;
/// otherwise `.so` is appended unless it is there; a bare name goes to the dynamic loader's own search.
struct PluginSearchPath {
    private let bundledDirectories: [String]

    init(executable: String? = PluginSearchPath.executablePath()) {
        let directory = executable.flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
        bundledDirectories = directory.map { [$0, "\($0)/../lib/needletail"] } ?? []
    }

    /// - Returns: What to give to dlopen.
    func resolve(_ path: String) -> String {
        if Self.isRegularFile(path) { return path }
        if !path.contains("/") {
            let file = path.hasPrefix("lib") && path.hasSuffix(".so") ? path : "lib\(path).so"
            for directory in bundledDirectories where Self.isRegularFile("\(directory)/\(file)") {
                return "\(directory)/\(file)"
            }
        }
        return path.hasSuffix(".so") ? path : "\(path).so"
    }

    private static func isRegularFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    private static func executablePath() -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            let count = readlink("/proc/self/exe", buffer.baseAddress!, buffer.count - 1)
            guard count > 0 else { return nil }
            return String(decoding: buffer[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
