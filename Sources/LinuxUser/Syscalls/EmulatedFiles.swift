internal import CHost
internal import Glibc

/// Files under `/proc` that would show the emulator or the host instead of the guest.
enum EmulatedFile: Equatable {
    case executable
    /// `maps` and `smaps`.
    case maps
    case commandLine
    case environment
    case auxiliaryVector
    case stat
    case status
    case cpuInfo

    private static let names: [(name: String, file: EmulatedFile)] = [
        ("exe", .executable), ("maps", .maps), ("smaps", .maps), ("cmdline", .commandLine), ("environ", .environment),
        ("auxv", .auxiliaryVector), ("stat", .stat), ("status", .status),
    ]

    /// Whether a path that ends so could be one; for relative paths, whose directory takes a system call to find.
    static func mayEnd(_ path: [UInt8]) -> Bool {
        let last = lastComponent(path)
        return last.elementsEqual("cpuinfo".utf8) || names.contains { last.elementsEqual($0.name.utf8) }
    }

    /// Recognises `/proc/cpuinfo`, `/proc/PROCESS/NAME` and `/proc/PROCESS/task/TID/NAME`, PROCESS being `self`, `thread-self`
    /// or a number.
    /// - Parameter isOwn: whether a number is that of a thread of this process.
    init?(path: some Collection<UInt8>, isOwn: (Int32) -> Bool) {
        guard path.first == UInt8(ascii: "/") else { return nil }
        var parts = path.split(separator: UInt8(ascii: "/"))[...]
        guard let root = parts.popFirst(), root.elementsEqual("proc".utf8), let name = parts.popLast() else { return nil }
        if parts.isEmpty {
            guard name.elementsEqual("cpuinfo".utf8) else { return nil }
            self = .cpuInfo
            return
        }
        func isOwnNumber(_ text: some Collection<UInt8>) -> Bool {
            Int32(String(decoding: text, as: UTF8.self)).map(isOwn) ?? false
        }
        guard let found = Self.names.first(where: { name.elementsEqual($0.name.utf8) }), let process = parts.popFirst(),
            process.elementsEqual("self".utf8) || process.elementsEqual("thread-self".utf8) || isOwnNumber(process)
        else { return nil }
        if !parts.isEmpty {
            guard parts.count == 2, parts[parts.startIndex].elementsEqual("task".utf8), isOwnNumber(parts[parts.startIndex + 1])
            else { return nil }
        }
        self = found.file
    }
}

extension LinuxThread {
    /// The path at guest address `guest` as the host should see it: under the sysroot when it exists there, the guest's
    /// own file for `/proc/self/exe`, otherwise `guest` itself. Valid until the next call for the same `buffer` (0 or
    /// 1).
    /// - Parameter follows: whether the call follows a last symbolic link.
    /// - Parameter directory: where a relative path begins.
    func resolvedPath(
        _ guest: UInt64, buffer: Int = 0, follows: Bool = true, in directory: UInt64 = atCurrentDirectory
    ) throws(LinuxErrno) -> UInt64 {
        // Bad pointers are found by the host, too.
        guard let path = guestPath(guest) else { return guest }
        let replacement: [UInt8]
        if follows, absolutePath(directory, guest).flatMap(Self.emulated) == .executable {
            replacement = process.executablePath
        } else if let found = SysrootPath.resolve(path, sysroot: process.configuration.sysroot, followsLast: follows) {
            replacement = found
        } else {
            return guest
        }
        guard replacement.count < Self.pathLimit else { throw .ENAMETOOLONG }
        let target = pathBuffers + buffer * Self.pathLimit
        for (index, byte) in replacement.enumerated() { target[index] = byte }
        target[replacement.count] = 0
        return address(target)
    }

    /// The emulated file that the path at `guest` names, if any.
    /// - Parameter directory: where a relative path begins.
    func emulatedFile(_ directory: UInt64, _ guest: UInt64) -> EmulatedFile? {
        absolutePath(directory, guest).flatMap(Self.emulated)
    }

    static func emulated(_ path: [UInt8]) -> EmulatedFile? {
        EmulatedFile(path: path) { number in
            if number == getpid() { return true }
            return access("/proc/thread-self/../\(number)", F_OK) == 0
        }
    }

    /// The path at `guest` from the root on. Nil also for relative paths that cannot name an emulated file.
    private func absolutePath(_ directory: UInt64, _ guest: UInt64) -> [UInt8]? {
        guard let path = guestPath(guest) else { return nil }
        if path.first == UInt8(ascii: "/") { return path }
        guard EmulatedFile.mayEnd(path) else { return nil }
        let descriptor = Int32(truncatingIfNeeded: directory)
        let link = descriptor == AT_FDCWD ? "/proc/thread-self/cwd" : "/proc/thread-self/fd/\(descriptor)"
        let found: [UInt8]? = (try? readLink(Array(link.utf8))).flatMap { $0 }
        guard let base = found, base.first == UInt8(ascii: "/") else { return nil }
        return base + [UInt8(ascii: "/")] + path
    }

    /// The path at `guest`, when it is readable and not empty.
    private func guestPath(_ guest: UInt64) -> [UInt8]? {
        do throws(LinuxErrno) {
            let path = try UserMemory.readString(guest)
            return path.isEmpty ? nil : path
        } catch {
            return nil
        }
    }

    /// Opens an emulated file; nil when the path is none. The executable is left to `resolvedPath`.
    func openEmulated(_ directory: UInt64, _ guest: UInt64, flags: UInt32) throws(LinuxErrno) -> UInt64? {
        let pathOnly: UInt32 = 0o10000000
        guard flags & (pathOnly | HostOpenFlags.directory) == 0, let path = absolutePath(directory, guest),
            let file = Self.emulated(path), file != .executable
        else { return nil }
        // In this order: where there is no /proc, there is no such file.
        let host = try Self.contents(of: path)
        guard flags & 3 == 0 else { throw .EACCES }
        let content: [UInt8]
        switch file {
        case .executable: return nil
        case .maps:
            // Both from one moment.
            content = try process.addressSpace.layoutLock.withLock { () throws(LinuxErrno) in
                GuestMaps.text(host: try Self.contents(of: path), areas: process.addressSpace.withMap { $0.areas })
            }
        case .commandLine: content = bytes(process.argumentStrings)
        case .environment: content = bytes(process.environmentStrings)
        case .auxiliaryVector: content = bytes(process.auxiliaryVector)
        case .stat: content = ProcessStatus(process).statLine(host)
        case .status: content = ProcessStatus(process).status(host)
        case .cpuInfo:
            content = Array(process.configuration.cpu.cpuInfo(count: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))).utf8)
        }
        return try Self.memoryFile(content, closesOnExec: flags & HostOpenFlags.closeOnExec != 0)
    }

    /// The bytes of guest memory there now: programs rewrite their arguments to change what `ps` shows.
    private func bytes(_ range: Range<UInt64>) -> [UInt8] {
        (try? UserMemory.readBytes(range.lowerBound, count: range.count)) ?? []
    }

    static func contents(of path: [UInt8]) throws(LinuxErrno) -> [UInt8] {
        let file = try HostFile(reading: path)
        var text: [UInt8] = []
        while true {
            let part = try file.read(at: UInt64(text.count), count: 1 << 16)
            if part.isEmpty { return text }
            text += part
        }
    }

    private static func memoryFile(_ content: [UInt8], closesOnExec: Bool) throws(LinuxErrno) -> UInt64 {
        let descriptor = try withCString(Array("proc".utf8)) { (name) throws(LinuxErrno) in
            try hostCall(CallNumber.memfdCreate, name, closesOnExec ? 1 : 0)
        }
        let file = Int32(truncatingIfNeeded: descriptor)
        var done = 0
        while done < content.count {
            let n = content.withUnsafeBytes { write(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard n > 0 else {
                let error = LinuxErrno.last
                Glibc.close(file)
                throw error
            }
            done += n
        }
        lseek(file, 0, SEEK_SET)
        return descriptor
    }
}

/// `/proc/PID/stat` and `/proc/PID/status`: the host's text with the guest's addresses, threads and signal actions.
struct ProcessStatus {
    private let process: LinuxProcess

    init(_ process: LinuxProcess) { self.process = process }

    /// Fields from the third on are counted behind the last parenthesis: a program's name may have blanks.
    func statLine(_ host: [UInt8]) -> [UInt8] {
        guard let end = host.lastIndex(of: UInt8(ascii: ")")) else { return host }
        var fields = host[(end + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map {
            String(decoding: $0, as: UTF8.self)
        }
        func set(_ field: Int, _ value: UInt64) {
            if fields.indices.contains(field - 3) { fields[field - 3] = String(value) }
        }
        let program = process.program
        set(20, UInt64(threadCount))
        set(26, program.code.lowerBound)
        set(27, program.code.upperBound)
        set(28, process.initialStackPointer)
        set(29, 0)
        set(30, 0)
        set(45, program.data.lowerBound)
        set(46, program.data.upperBound)
        set(47, process.lock.withLock { process.programBreak.start })
        set(48, process.argumentStrings.lowerBound)
        set(49, process.argumentStrings.upperBound)
        set(50, process.environmentStrings.lowerBound)
        set(51, process.environmentStrings.upperBound)
        return host[...end] + Array((" " + fields.joined(separator: " ") + "\n").utf8)
    }

    func status(_ host: [UInt8]) -> [UInt8] {
        var ignored: UInt64 = 0
        var caught: UInt64 = 0
        for signal in 1...Signal.count {
            let action = process.signals.action(signal)
            if action.handler == SignalAction.ignoreHandler { ignored |= 1 << UInt64(signal - 1) }
            if action.isHandler { caught |= 1 << UInt64(signal - 1) }
        }
        func mask(_ bits: UInt64) -> String {
            let digits = String(bits, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        let replacements = [
            ("Threads:", String(threadCount)), ("SigIgn:", mask(ignored)), ("SigCgt:", mask(caught)),
        ]
        let lines = host.split(separator: UInt8(ascii: "\n")).map { line -> [UInt8] in
            let found = replacements.first { line.starts(with: $0.0.utf8) }
            return found.map { Array("\($0.0)\t\($0.1)".utf8) } ?? Array(line)
        }
        return lines.flatMap { $0 + [UInt8(ascii: "\n")] }
    }

    private var threadCount: Int { process.lock.withLock { process.liveThreads } }
}
