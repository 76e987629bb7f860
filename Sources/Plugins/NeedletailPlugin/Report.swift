public import CNeedletailPlugin

/// What the plugin tells: in the emulator's plugin log (`-d plugin`), or in the file of `out=`; as text, or with `format=json` as one
/// JSON object. Both options are every plugin's.
///
/// The file appears whole when the report is finished, that is when the guest has exited or was killed by a signal. A child of fork
/// writes one of its own, with its process id behind the name. In JSON, what happens on the way are the elements of `events`, and what
/// is told at the end are members beside it.
public enum Report {
    public enum Format { case text, json }

    nonisolated(unsafe) public internal(set) static var format = Format.text
    /// `out=`.
    nonisolated(unsafe) public internal(set) static var path: CText?
    nonisolated(unsafe) private static var file: AtomicFile?
    nonisolated(unsafe) private static var stage = Stage.closed

    nonisolated(unsafe) private static var forkCount: UInt32 = 0

    private enum Stage { case closed, open, events, finished }

    public static var isJSON: Bool { format == .json }
    public static var hasFile: Bool { path != nil }

    /// - Returns: False, after a line on stderr, when the file cannot be made.
    static func open() -> Bool {
        guard let path else { return true }
        file = AtomicFile(path)
        return file != nil
    }

    /// A line or more of text on the way; dropped in JSON and after the end. The lock must not be held.
    public static func line(_ text: inout Text) {
        nt_plugin_lock()
        defer { nt_plugin_unlock() }
        lineLocked(&text)
    }

    /// As `line`, with the lock held.
    public static func lineLocked(_ text: inout Text) {
        if isJSON || stage == .finished { return }
        begin()
        emit(&text)
    }

    /// A JSON object on the way; dropped after the end. The lock must not be held.
    public static func event(_ body: (inout JSON) -> Void) {
        var json = JSON(capacity: 256)
        json.object(body)
        event(&json)
    }

    /// One that was built before.
    public static func event(_ object: inout JSON) {
        nt_plugin_lock()
        defer { nt_plugin_unlock() }
        if stage == .finished { return }
        begin()
        var json = JSON(capacity: 64)
        if stage == .events {
            json.separate()
        } else {
            stage = .events
            json.beginObject()
            json.member("plugin", Plugin.name)
            json.beginArray("events")
        }
        json.drain {
            $0.append(object.text)
            emit(&$0)
        }
    }

    /// Writes the end of the report and puts the file in its place. Once; the lock must not be held.
    public static func finish(text: (inout Text) -> Void, json: (inout JSON) -> Void) {
        nt_plugin_lock()
        defer { nt_plugin_unlock() }
        if stage == .finished { return }
        begin()
        if isJSON {
            var value = JSON()
            if stage == .events {
                value.endArray()
                json(&value)
                value.endObject()
            } else {
                value.object {
                    $0.member("plugin", Plugin.name)
                    json(&$0)
                }
            }
            value.drain {
                $0.append("\n")
                emit(&$0)
            }
        } else {
            var value = Text(capacity: 1024)
            text(&value)
            emit(&value)
        }
        stage = .finished
        file?.commit()
    }

    private static func begin() {
        let forks = nt_plugin_fork_count()
        if forks != forkCount {
            // The parent has what was told so far.
            forkCount = forks
            stage = .closed
        }
        if stage == .closed { stage = .open }
    }

    private static func emit(_ text: inout Text) {
        if file != nil { file?.write(text) } else { text.outs() }
    }
}
