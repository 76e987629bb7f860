import CNeedletailPlugin
import NeedletailPlugin

/// A vCPU's calls, in uftrace's format: 16 bytes for each entry and exit.
final class Trace {
    /// Names the file, and the task in it.
    let taskID: UInt64
    /// When it began, in nanoseconds of the monotonic clock.
    let start = nt_plugin_now()
    private var file: AtomicFile
    /// Return addresses of the functions that are under way.
    private var frames: [(function: UInt64, returnAddress: UInt64)] = []

    private enum Kind: UInt64 { case entry, exit }

    init?(directory: CText, taskID: UInt64) {
        self.taskID = taskID
        var name = Text()
        name.append("\(directory)/\(taskID).dat")
        guard let file = name.withCText({ AtomicFile($0) }) else { return nil }
        self.file = file
        frames.reserveCapacity(1024)
    }

    /// A block begins behind a call.
    func enter(_ function: UInt64, returningTo returnAddress: UInt64) {
        record(.entry, function)
        frames.append((function, returnAddress))
    }

    /// A block begins behind a return. Where no function under way returns to, nothing was left: a signal handler's return, or a jump
    /// that looks like one. What was called in between and never returned (longjmp) ends, too.
    func leave(to address: UInt64) {
        guard let index = frames.lastIndex(where: { $0.returnAddress == address }) else { return }
        while frames.count > index { pop() }
    }

    private func pop() {
        let frame = frames.removeLast()
        record(.exit, frame.function)
    }

    /// Ends all that is under way, and puts the file in place.
    func close() {
        while !frames.isEmpty { pop() }
        file.commit()
    }

    private func record(_ kind: Kind, _ function: UInt64) {
        // 2 bits of kind, 1 for more data, 3 that are always 5, 10 of depth, 48 of address.
        let depth = UInt64(min(frames.count, 1023))
        file.write(raw: nt_plugin_now())
        file.write(raw: kind.rawValue | 5 << 3 | depth << 6 | function << 16)
    }
}
