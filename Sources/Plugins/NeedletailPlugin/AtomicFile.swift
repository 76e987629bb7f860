public import CNeedletailPlugin

/// A file that appears under its name whole, when it is committed: until then it is written beside it, as `NAME.PID.tmp`. A child of fork
/// writes one of its own, `NAME.PID`, if it writes; what its parent wrote is not in it.
///
/// What is there and is no ordinary file (a device, a pipe) is written at once. Not locked: one thread at a time. Errors are told once on
/// stderr, and what follows is dropped.
public struct AtomicFile: ~Copyable {
    private let name: Text
    private var path: Text
    private var temporary: Text
    private var buffer = Text(capacity: 1 << 16)
    private var descriptor: Int32 = -1
    private let isDirect: Bool
    /// That the descriptor was opened in.
    private var forkCount: UInt32 = 0

    /// Opens the temporary file. A relative path is from the current directory of now.
    /// - Returns: nil, after a line on stderr, when it cannot be made.
    public init?(_ name: CText) {
        var copy = Text()
        copy.append(cText: name)
        self.name = copy
        path = Text()
        temporary = Text()
        isDirect = nt_plugin_is_special_file(name)
        open()
        if descriptor < 0 {
            Plugin.complain("cannot write", name)
            return nil
        }
    }

    private mutating func open() {
        forkCount = nt_plugin_fork_count()
        path.removeAll()
        path.append(name)
        if forkCount != 0, !isDirect {
            path.append(".")
            path.append(Int(nt_plugin_process_id()))
        }
        temporary = Self.temporaryName(path, isDirect)
        descriptor = temporary.withCText { nt_plugin_open_for_writing($0, isDirect) }
    }

    private static func temporaryName(_ path: borrowing Text, _ isDirect: Bool) -> Text {
        var name = Text()
        name.append(path)
        if isDirect { return name }
        name.append(".")
        name.append(Int(nt_plugin_process_id()))
        name.append(".tmp")
        return name
    }

    public mutating func write(_ text: borrowing Text) { write(text.bytes) }

    public mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        if forkCount != nt_plugin_fork_count() { separate() }
        if descriptor < 0 { return }
        buffer.append(bytes)
        if buffer.count >= 1 << 16 { flush() }
    }

    public mutating func write<Value: BitwiseCopyable>(raw value: Value) {
        withUnsafeBytes(of: value) { write($0.assumingMemoryBound(to: UInt8.self)) }
    }

    public mutating func flush() {
        defer { buffer.removeAll() }
        guard descriptor >= 0, nt_plugin_write_all(descriptor, buffer.bytes.baseAddress, buffer.count) != 0 else { return }
        path.withCText { Plugin.complain("cannot write", $0) }
        abandon()
    }

    /// Puts the file in its place.
    public mutating func commit() {
        if descriptor < 0 { return }
        if forkCount != nt_plugin_fork_count() {
            // The parent's.
            _ = nt_plugin_close(descriptor)
            descriptor = -1
            return
        }
        flush()
        if descriptor < 0 { return }
        let closed = nt_plugin_close(descriptor) == 0
        descriptor = -1
        if isDirect { return }
        let renamed = closed && temporary.withCText { from in path.withCText { nt_plugin_rename(from, $0) } } == 0
        if !renamed { path.withCText { Plugin.complain("cannot write", $0) } }
    }

    private mutating func abandon() {
        _ = nt_plugin_close(descriptor)
        descriptor = -1
        if !isDirect { temporary.withCText { nt_plugin_remove($0) } }
    }

    /// In a child of fork: leaves the parent its file and what it has not yet written.
    private mutating func separate() {
        if descriptor < 0 { return }
        _ = nt_plugin_close(descriptor)
        buffer.removeAll()
        open()
    }
}
