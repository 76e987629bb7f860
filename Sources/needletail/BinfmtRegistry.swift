import CHost
import Glibc
import LinuxUser

/// The kernel's binfmt_misc: which program runs files whose beginning matches a pattern (Documentation/admin-guide/binfmt-misc
/// of Linux). Each handler is a file in its directory; writing to `register` makes one.
struct BinfmtRegistry {
    static let name = "needletail-aarch64"
    private static let systemDirectory = "/proc/sys/fs/binfmt_misc"
    /// e_ident of a 64-bit little-endian file and, at 16, e_type ET_EXEC or ET_DYN and e_machine EM_AARCH64.
    static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 183, 0]
    /// Any EI_OSABI; types 2 and 3.
    static let mask: [UInt8] =
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff]

    let directory: String
    let isSystem: Bool

    init(root: String) {
        isSystem = root.isEmpty
        directory = root + Self.systemDirectory
    }

    /// Another's file of the registry that would run AArch64 programs, too.
    struct Handler: Equatable {
        let name: String
        var isEnabled = false
        var interpreter = ""
        var flags = ""
        fileprivate var offset = 0
        fileprivate var magic: [UInt8] = []
        fileprivate var mask: [UInt8] = []

        /// - Returns: nil for a handler of other programs.
        init?(name: String, text: String) {
            self.name = name
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 1).map(String.init)
                switch words.first {
                case "enabled": isEnabled = true
                case "interpreter": interpreter = words.last ?? ""
                case "flags:": flags = words.count > 1 ? words[1] : ""
                case "offset": offset = Int(words.last ?? "") ?? 0
                case "magic": magic = Self.bytes(words.last ?? "")
                case "mask": mask = Self.bytes(words.last ?? "")
                default: break
                }
            }
            guard runsGuestPrograms else { return nil }
        }

        private var runsGuestPrograms: Bool {
            guard !magic.isEmpty, offset >= 0, offset + magic.count <= BinfmtRegistry.magic.count else { return false }
            return magic.indices.allSatisfy { index in
                let mask = mask.indices.contains(index) ? mask[index] : 0xff
                return (magic[index] ^ BinfmtRegistry.magic[offset + index]) & mask == 0
            }
        }

        private static func bytes(_ hex: String) -> [UInt8] {
            let digits = Array(hex.utf8)
            return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
            }
        }
    }

    // MARK: actions

    /// - Returns: what to print.
    func perform(_ request: BinfmtRequest) throws -> String {
        try mount()
        switch request.action {
        case .status: return try status()
        case .remove: return try remove()
        case .install: return try install(force: request.force)
        }
    }

    private func status() throws -> String {
        let handlers = try handlers()
        let isOn = try read("status", "read binfmt_misc").hasPrefix("enabled")
        var text = isOn ? "" : "binfmt_misc is switched off (echo 1 > \(directory)/status)\n"
        if handlers.isEmpty { return text + "no handler of AArch64 programs is registered\n" }
        for handler in handlers {
            let owner = handler.name == Self.name ? "" : " (not ours)"
            let state = handler.isEnabled && isOn ? "active" : "disabled"
            text += "\(handler.name)\(owner): \(state), \(handler.interpreter), flags \(handler.flags)\n"
        }
        if handlers.filter(\.isEnabled).count > 1 { text += "several are active: the kernel uses the one registered last\n" }
        return text
    }

    private func remove() throws -> String {
        guard try handlers().contains(where: { $0.name == Self.name }) else { return "\(Self.name) is not registered\n" }
        try write("-1", Self.name, "remove \(Self.name)")
        return "removed \(Self.name)\n"
    }

    private func install(force: Bool) throws -> String {
        let handlers = try handlers()
        var text = ""
        for foreign in handlers where foreign.name != Self.name && foreign.isEnabled {
            guard force else {
                throw UsageError(
                    message: "\(foreign.name) (\(foreign.interpreter)) runs AArch64 programs already; "
                        + "--binfmt install --force switches it off")
            }
            try write("0", foreign.name, "switch \(foreign.name) off")
            text += "switched \(foreign.name) off\n"
        }
        let interpreter = try Self.interpreter()
        // With F the kernel keeps the file as it was: made anew, a newer build comes into effect.
        if handlers.contains(where: { $0.name == Self.name }) { try write("-1", Self.name, "replace \(Self.name)") }
        try write(Self.registration(interpreter: interpreter.path, flags: Self.flags), "register", "register \(Self.name)")
        text += "registered \(Self.name): \(interpreter.path), flags \(Self.flags)\n"
        if !interpreter.isStatic {
            text +=
                "note: this build needs its shared libraries; in chroots and containers without them "
                + "only the static build (make static) runs\n"
        }
        return text
    }

    // MARK: details

    /// F: the kernel opens our file now, so that it runs in every root. P: argv[0] is handed over (as AT_FLAGS says from Linux
    /// 5.12 on; before, we could not tell). O: the program comes as a descriptor. C: its owner's rights count.
    static var flags: String { kernelIsAtLeast(5, 12) ? "POCF" : "OCF" }

    static func registration(interpreter: String, flags: String) -> String {
        func escaped(_ bytes: [UInt8]) -> String {
            bytes.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count == 1 ? "0" : "") + digits
            }.joined()
        }
        return ":\(name):M::\(escaped(magic)):\(escaped(mask)):\(interpreter):\(flags)"
    }

    private static func kernelIsAtLeast(_ major: Int, _ minor: Int) -> Bool {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.split { !$0.isNumber }.prefix(2).map { Int($0) ?? 0 }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (major, minor)
    }

    /// Our executable, or the static build beside it.
    private static func interpreter() throws -> (path: String, isStatic: Bool) {
        guard let resolved = realpath("/proc/self/exe", nil) else {
            throw UsageError(message: "cannot find our own executable: \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        if isStaticBuild { return (path, true) }
        let other = path + "-static"
        return access(other, X_OK) == 0 ? (other, true) : (path, false)
    }

    /// The kernel loads no dynamic loader for it.
    static var isStaticBuild: Bool {
        var base: UInt64 = 0
        return !nt_linux_auxiliary(7, &base) || base == 0  // AT_BASE
    }

    private func mount() throws {
        if access(directory + "/register", F_OK) == 0 { return }
        guard isSystem else { throw UsageError(message: "there is no binfmt_misc in \(directory)") }
        if Glibc.mount("binfmt_misc", directory, "binfmt_misc", 0, nil) == 0 { return }
        switch errno {
        case ENODEV: throw UsageError(message: "this kernel has no binfmt_misc")
        case EPERM, EACCES: throw UsageError(message: "binfmt_misc is not mounted, and mounting it takes root")
        case ENOENT, ENOTDIR: throw UsageError(message: "there is no \(directory) to mount binfmt_misc on")
        default: throw UsageError(message: "cannot mount binfmt_misc: \(String(cString: strerror(errno)))")
        }
    }

    private func handlers() throws -> [Handler] {
        guard let listing = opendir(directory) else { throw failure("read \(directory)") }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix("."), name != "register", name != "status" { names.append(name) }
        }
        return try names.sorted().compactMap { Handler(name: $0, text: try read($0, "read \($0)")) }
    }

    private func read(_ file: String, _ what: String) throws -> String {
        let descriptor = open("\(directory)/\(file)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(what) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure(what) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private func write(_ text: String, _ file: String, _ what: String) throws {
        let descriptor = open("\(directory)/\(file)", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(what) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw failure(what) }
    }

    private func failure(_ what: String) -> UsageError {
        let error = errno
        switch error {
        case EACCES, EPERM: return UsageError(message: "cannot \(what): permission denied; run as root")
        case EROFS: return UsageError(message: "cannot \(what): \(directory) is read-only here; run outside the container")
        default: return UsageError(message: "cannot \(what): \(String(cString: strerror(error)))")
        }
    }
}
