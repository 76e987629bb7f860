internal import EmuIR
internal import Glibc
internal import Support

/// `/tmp/perf-PID.map`, by which Linux `perf` names generated code: one line for each function, with start and size in hex and a name
/// (Linux, tools/perf/Documentation/jit-interface.txt). A fork child begins a file of its own.
///
/// Threads: one at a time.
final class PerfMap {
    private var file: UnsafeMutablePointer<FILE>?
    private var process: pid_t = 0
    private let symbol: (UInt64) -> String?

    /// - Parameter symbol: the name of the guest function at an address.
    init(symbol: @escaping (UInt64) -> String?) { self.symbol = symbol }

    /// - Parameter prefix: stands before the guest function's name.
    func add(_ prefix: String, _ block: IRBlock, at address: UInt64, size: UInt64) {
        let current = getpid()
        if process != current {
            if let file { fclose(file) }
            process = current
            file = fopen("/tmp/perf-\(current).map", "we")
        }
        guard let file else { return }
        let name = symbol(block.pc).map { "\($0)@" } ?? ""
        fputs("\(hex(address).dropFirst(2)) \(hex(size).dropFirst(2)) \(prefix)\(name)\(hex(block.pc))\n", file)
        fflush(file)
    }
}
