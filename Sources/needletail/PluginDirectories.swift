import Glibc

/// Where what plugins are built with lies: as `make install` puts it, or in the sources that this executable was built in.
enum PluginDirectories {
    /// What `-I` wants; nil when neither place has the header.
    static var include: String? { find("include/needletail", "Sources/CPluginAPI/include", holding: "qemu-plugin.h") }
    /// The Swift package of the SDK.
    static var sdk: String? { find("share/needletail/sdk", "Sources/Plugins", holding: "Package.swift") }

    private static func find(_ installed: String, _ source: String, holding file: String) -> String? {
        guard var directory = executable.flatMap(parent) else { return nil }
        if let prefix = parent(directory), exists("\(prefix)/\(installed)/\(file)") { return "\(prefix)/\(installed)" }
        while !exists("\(directory)/\(source)/\(file)") {
            guard let above = parent(directory) else { return nil }
            directory = above
        }
        return "\(directory)/\(source)"
    }

    private static var executable: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }

    private static func parent(_ path: String) -> String? {
        path.lastIndex(of: "/").flatMap { path.isEmpty ? nil : String(path[..<$0]) }
    }

    private static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }
}
