internal import CHost
internal import Glibc
internal import GuestMemory

/// Files under `/proc` that would show the emulator or the host instead of the guest.
enum EmulatedFile: Equatable {
    case executable
    case maps
    case commandLine
    case auxiliaryVector
    case status
    case cpuInfo

    private static let names: [(String, EmulatedFile)] = [
        ("exe", .executable), ("maps", .maps), ("cmdline", .commandLine), ("auxv", .auxiliaryVector),
        ("stat", .status),
    ]

    /// Recognises `/proc/cpuinfo`, and `/proc/self/NAME`, `/proc/thread-self/NAME` and `/proc/PID/NAME` with our own pid.
    init?(path: some Collection<UInt8>, pid: Int32) {
        let parts = path.split(separator: UInt8(ascii: "/"))
        guard path.first == UInt8(ascii: "/"), parts.count == 2 || parts.count == 3, parts[0].elementsEqual("proc".utf8)
        else { return nil }
        if parts.count == 2 {
            guard parts[1].elementsEqual("cpuinfo".utf8) else { return nil }
            self = .cpuInfo
            return
        }
        guard
            parts[1].elementsEqual("self".utf8) || parts[1].elementsEqual("thread-self".utf8)
                || parts[1].elementsEqual(String(pid).utf8)
        else { return nil }
        guard let found = Self.names.first(where: { parts[2].elementsEqual($0.0.utf8) }) else { return nil }
        self = found.1
    }
}

extension LinuxThread {
    /// The path at guest address `guest` as the host should see it: under the sysroot when it exists there, the guest's
    /// own file for `/proc/self/exe`, otherwise `guest` itself. Valid until the next call for the same `buffer` (0 or
    /// 1).
    func resolvedPath(_ guest: UInt64, buffer: Int = 0) throws(LinuxErrno) -> UInt64 {
        // The host reads relative paths by itself and finds bad pointers, too.
        guard let path = absolutePath(guest) else { return guest }
        let replacement: [UInt8]
        if EmulatedFile(path: path, pid: getpid()) == .executable {
            replacement = process.executablePath
        } else if let found = SysrootPath.resolve(path, sysroot: process.configuration.sysroot) {
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
    func emulatedFile(_ guest: UInt64) -> EmulatedFile? {
        absolutePath(guest).flatMap { EmulatedFile(path: $0, pid: getpid()) }
    }

    /// The path, when it is absolute, readable and one that could be redirected.
    private func absolutePath(_ guest: UInt64) -> [UInt8]? {
        do throws(LinuxErrno) {
            guard try UserMemory.read(guest, as: UInt8.self) == UInt8(ascii: "/") else { return nil }
            let path = try UserMemory.readString(guest)
            return path
        } catch {
            return nil
        }
    }

    /// Opens an emulated file; nil when the path is none. The executable is left to `resolvedPath`.
    func openEmulated(_ guest: UInt64, flags: UInt32) throws(LinuxErrno) -> UInt64? {
        guard let file = emulatedFile(guest) else { return nil }
        let content: [UInt8]
        switch file {
        case .executable: return nil
        case .maps: content = mapsText()
        case .commandLine: content = argumentBytes()
        case .auxiliaryVector:
            content = try UserMemory.readBytes(
                process.auxiliaryVector.lowerBound, count: process.auxiliaryVector.count)
        case .status: content = statText()
        case .cpuInfo:
            content = Array(process.configuration.cpu.cpuInfo(count: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))).utf8)
        }
        guard flags & 3 == 0 else { throw .EACCES }
        let descriptor = try withCString(Array("proc".utf8)) { (name) throws(LinuxErrno) in
            try hostCall(CallNumber.memfdCreate, name, flags & HostOpenFlags.closeOnExec != 0 ? 1 : 0)
        }
        let file_ = Int32(truncatingIfNeeded: descriptor)
        var done = 0
        while done < content.count {
            let n = content.withUnsafeBytes { write(file_, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard n > 0 else {
                let error = LinuxErrno.last
                close(file_)
                throw error
            }
            done += n
        }
        lseek(file_, 0, SEEK_SET)
        return descriptor
    }

    /// argv as the guest has it now (it may have rewritten it).
    private func argumentBytes() -> [UInt8] {
        let range = process.argumentStrings
        return (try? UserMemory.readBytes(range.lowerBound, count: range.count)) ?? []
    }

    /// Field 2 is the program's name, field 28 the start of the stack; what we do not know is 0, as QEMU has it.
    private func statText() -> [UInt8] {
        let name = process.executablePath.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        var fields = [String](repeating: "0", count: 52)
        fields[0] = String(getpid())
        fields[1] = "(" + String(decoding: name.prefix(15), as: UTF8.self) + ")"
        fields[2] = "R"
        fields[3] = String(getppid())
        fields[4] = String(getpgid(0))
        fields[5] = String(getsid(0))
        fields[27] = String(process.stack.upperBound)
        return Array((fields.joined(separator: " ") + "\n").utf8)
    }

    /// The host's lines cut to guest mappings, with the guest's protection.
    private func mapsText() -> [UInt8] {
        guard let file = try? HostFile(reading: Array("/proc/thread-self/maps".utf8)) else { return [] }
        var text: [UInt8] = []
        while let part = try? file.read(at: UInt64(text.count), count: 1 << 16), !part.isEmpty { text += part }
        let areas = process.addressSpace.withMap { $0.areas }
        return GuestMaps.text(host: text, areas: areas)
    }
}

/// Formatting of the guest's `/proc/self/maps`.
enum GuestMaps {
    static func text(host: [UInt8], areas: [VMA]) -> [UInt8] {
        var result: [UInt8] = []
        for line in host.split(separator: UInt8(ascii: "\n")) {
            guard let mapping = HostMapping(line) else { continue }
            for area in areas where area.range.overlaps(mapping.range) {
                let range = area.range.clamped(to: mapping.range)
                result += Self.line(range, area, mapping)
            }
        }
        return result
    }

    private struct HostMapping {
        let range: Range<UInt64>
        let offset: UInt64
        let device: String
        let inode: String
        let name: [UInt8]

        /// "start-end perms offset device inode   name"
        init?(_ line: ArraySlice<UInt8>) {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard parts.count >= 5 else { return nil }
            let ends = parts[0].split(separator: UInt8(ascii: "-")).map {
                UInt64(String(decoding: $0, as: UTF8.self), radix: 16)
            }
            guard ends.count == 2, let start = ends[0], let end = ends[1], start < end,
                let offset = UInt64(String(decoding: parts[2], as: UTF8.self), radix: 16)
            else { return nil }
            range = start..<end
            self.offset = offset
            device = String(decoding: parts[3], as: UTF8.self)
            inode = String(decoding: parts[4], as: UTF8.self)
            name = parts.count > 5 ? Array(parts[5].drop { $0 == UInt8(ascii: " ") }) : []
        }
    }

    private static func line(_ range: Range<UInt64>, _ area: VMA, _ mapping: HostMapping) -> [UInt8] {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, 8 - text.count)) + text
        }
        let p = area.protection
        let rights =
            (p.contains(.read) ? "r" : "-") + (p.contains(.write) ? "w" : "-") + (p.contains(.execute) ? "x" : "-")
            + (area.isShared ? "s" : "p")
        let offset = mapping.inode == "0" ? 0 : mapping.offset + (range.lowerBound - mapping.range.lowerBound)
        var text =
            "\(digits(range.lowerBound))-\(digits(range.upperBound)) \(rights) \(digits(offset)) "
            + "\(mapping.device) \(mapping.inode)"
        let name: [UInt8]
        switch area.label {
        case .none: name = mapping.name.first == UInt8(ascii: "[") ? [] : mapping.name
        case .stack: name = Array("[stack]".utf8)
        case .heap: name = Array("[heap]".utf8)
        }
        if !name.isEmpty { text += String(repeating: " ", count: max(1, 73 - text.utf8.count)) }
        return Array(text.utf8) + name + [UInt8(ascii: "\n")]
    }
}
