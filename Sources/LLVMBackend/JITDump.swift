internal import Glibc
internal import Support

/// `jit-PID.dump` in the current directory: generated code itself, with names and times, from which `perf inject --jit` makes what `perf
/// annotate` shows (Linux, tools/perf/Documentation/jitdump-specification.txt). Unlike a map it stays right when memory is used again.
/// A fork child begins a file of its own.
///
/// Threads: one at a time.
final class JITDump {
    private var file: UnsafeMutablePointer<FILE>?
    private var process: pid_t = 0
    private var count: UInt64 = 0

    private static let magic: UInt32 = 0x4a69_5444
    private static let version: UInt32 = 1
    private static let headerSize = 40
    /// EM_X86_64, EM_AARCH64.
    #if arch(x86_64)
        private static let machine: UInt32 = 62
    #else
        private static let machine: UInt32 = 183
    #endif
    private static let codeLoad: UInt32 = 0
    private static let loadSize = 56

    func add(_ name: String, at address: UInt64, size: UInt64) {
        let current = getpid()
        if process != current { open(current) }
        guard let file else { return }
        let name = Array(name.utf8) + [0]
        var record = Record()
        record.append(Self.codeLoad)
        record.append(UInt32(Self.loadSize + name.count + Int(size)))
        record.append(Self.now())
        record.append(UInt32(current))
        // Of the thread, which nobody asks for.
        record.append(UInt32(current))
        record.append(address)
        record.append(address)
        record.append(size)
        record.append(count)
        count += 1
        record.bytes += name
        // SAFETY: code that was just placed.
        let code = UnsafeRawPointer(bitPattern: UInt(address)).map { UnsafeRawBufferPointer(start: $0, count: Int(size)) }
        fwrite(record.bytes, 1, record.bytes.count, file)
        fwrite(code?.baseAddress, 1, code?.count ?? 0, file)
        fflush(file)
    }

    private func open(_ current: pid_t) {
        if let file { fclose(file) }
        process = current
        count = 0
        file = fopen("jit-\(current).dump", "w+e")
        guard let file else { return }
        var header = Record()
        header.append(Self.magic)
        header.append(Self.version)
        header.append(UInt32(Self.headerSize))
        header.append(Self.machine)
        header.append(0 as UInt32)
        header.append(UInt32(current))
        header.append(Self.now())
        header.append(0 as UInt64)
        fwrite(header.bytes, 1, header.bytes.count, file)
        fflush(file)
        // The mapping is how perf learns of the file: it must be executable, and stay.
        _ = mmap(nil, Int(sysconf(Int32(_SC_PAGESIZE))), PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0)
    }

    /// What `perf record -k mono` stamps its events with.
    private static func now() -> UInt64 { monotonicNanoseconds() }

    /// Numbers in the host's order.
    private struct Record {
        var bytes: [UInt8] = []
        mutating func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number) { bytes += $0 } }
    }
}
