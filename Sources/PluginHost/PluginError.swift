/// Why a plugin, or an option that names one, cannot be used. Fatal for the emulator: the executable prints `description`
/// (one line) and exits with status 1.
package struct PluginError: Error, CustomStringConvertible, Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// `-plugin` or QEMU_PLUGIN is malformed.
        case badOption
        /// The dynamic loader refused: no such file, or a symbol the emulator does not have.
        case cannotOpen
        case noInstallFunction
        case noVersion
        case versionTooOld(Int)
        case versionTooNew(Int)
        /// `qemu_plugin_install` returned this.
        case installFailed(Int)
    }

    package let kind: Kind
    /// The plugin's path as the user gave it; empty for options that name none.
    package let path: String
    package let reason: String

    package var description: String { path.isEmpty ? "-plugin: \(reason)" : "plugin \(path): \(reason)" }
}

// The message texts.
extension PluginError {
    static func fileMustComeFirst(_ key: String) -> PluginError {
        PluginError(kind: .badOption, path: "", reason: "option '\(key)' stands before any 'file='")
    }
    static var emptyFile: PluginError { PluginError(kind: .badOption, path: "", reason: "'file=' needs a path") }

    static func cannotOpen(_ path: String, _ loaderText: String) -> PluginError {
        PluginError(kind: .cannotOpen, path: path, reason: "cannot open: \(loaderText)")
    }
    static func noInstallFunction(_ path: String) -> PluginError {
        PluginError(kind: .noInstallFunction, path: path, reason: "has no function qemu_plugin_install")
    }
    static func noVersion(_ path: String) -> PluginError {
        PluginError(kind: .noVersion, path: path, reason: "does not declare its API version (qemu_plugin_version)")
    }
    static func version(_ path: String, _ version: Int) -> PluginError {
        let oldest = PluginHost.supportedVersions.lowerBound
        let newest = PluginHost.supportedVersions.upperBound
        return version < oldest
            ? PluginError(
                kind: .versionTooOld(version), path: path,
                reason: "needs plugin API version \(version); the oldest supported is \(oldest)")
            : PluginError(
                kind: .versionTooNew(version), path: path,
                reason: "needs plugin API version \(version); the newest supported is \(newest)")
    }
    static func installFailed(_ path: String, _ status: Int) -> PluginError {
        PluginError(kind: .installFailed(status), path: path, reason: "qemu_plugin_install returned error \(status)")
    }
}
