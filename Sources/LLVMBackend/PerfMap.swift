internal import Glibc
internal import Support

/// `/tmp/perf-PID.map`, by which Linux `perf` names generated code: one line for each function, with start and size in hex and a name
/// (Linux, tools/perf/Documentation/jit-interface.txt). A fork child begins a file of its own.
///
/// Threads: one at a time.
final class PerfMap {
    private var file: UnsafeMutablePointer<FILE>?
    private var process: pid_t = 0

    func add(_ name: String, at address: UInt64, size: UInt64) {
        let current = getpid()
        if process != current {
            if let file { fclose(file) }
            process = current
            file = fopen("/tmp/perf-\(current).map", "we")
        }
        guard let file else { return }
        fputs("\(hex(address).dropFirst(2)) \(hex(size).dropFirst(2)) \(name)\n", file)
        fflush(file)
    }
}
