internal import CPluginAPI
internal import Glibc

/// The four GLib functions that arrays in the interface need. Plugins own those arrays, so they are made and resized by the
/// GLib the plugin uses: the one the dynamic loader has, or loads now. Never linked: an emulator without plugins needs none.
struct GLib: Sendable {
    let newArray: @convention(c) (Int32, Int32, UInt32) -> UnsafeMutablePointer<GArray>?
    let appendValues: @convention(c) (UnsafeMutablePointer<GArray>, UnsafeRawPointer, UInt32) -> UnsafeMutablePointer<GArray>?
    let appendBytes:
        @convention(c) (UnsafeMutablePointer<GByteArray>, UnsafeRawPointer, UInt32) -> UnsafeMutablePointer<GByteArray>?
    let setSize: @convention(c) (UnsafeMutablePointer<GByteArray>, UInt32) -> UnsafeMutablePointer<GByteArray>?

    /// nil when the host has no GLib (said once on stderr).
    static let shared: GLib? = {
        let name = "libglib-2.0.so.0"
        guard let library = dlopen(name, RTLD_NOW | RTLD_NOLOAD) ?? dlopen(name, RTLD_NOW | RTLD_LOCAL),
            let newArray = dlsym(library, "g_array_new"),
            let appendValues = dlsym(library, "g_array_append_vals"),
            let appendBytes = dlsym(library, "g_byte_array_append"),
            let setSize = dlsym(library, "g_byte_array_set_size")
        else {
            pluginDiagnostic("a plugin uses GLib arrays, but \(name) cannot be opened")
            return nil
        }
        // SAFETY: the four signatures are GLib's public ones; guint is 32 bits, gboolean int.
        return GLib(
            newArray: unsafeBitCast(newArray, to: (@convention(c) (Int32, Int32, UInt32) -> UnsafeMutablePointer<GArray>?).self),
            appendValues: unsafeBitCast(
                appendValues,
                to: (@convention(c) (UnsafeMutablePointer<GArray>, UnsafeRawPointer, UInt32) -> UnsafeMutablePointer<
                    GArray
                >?).self),
            appendBytes: unsafeBitCast(
                appendBytes,
                to: (@convention(c) (UnsafeMutablePointer<GByteArray>, UnsafeRawPointer, UInt32) -> UnsafeMutablePointer<
                    GByteArray
                >?).self),
            setSize: unsafeBitCast(
                setSize,
                to: (@convention(c) (UnsafeMutablePointer<GByteArray>, UInt32) -> UnsafeMutablePointer<GByteArray>?).self))
    }()
}
