internal import CHost
internal import Glibc

/// A file that somebody wants executed.
struct ExecFile: Equatable {
    /// What the guest calls it; scripts hand this to their interpreter.
    var name: [UInt8]
    /// Where the host finds it: a path of its own, or one below `directory`, with AT_ flags.
    var path: [UInt8]
    var directory = atCurrentDirectory
    var flags: Int32 = 0

    /// Whether it can be found by `path` alone.
    var isPath: Bool { directory == atCurrentDirectory || path.first == UInt8(ascii: "/") }

    /// AT_EXECVE_CHECK, Linux 6.14: all checks of execve and nothing else.
    static let checkOnly: Int32 = 0x10000
    private static let emptyPath: Int32 = 0x1000

    /// Everything the kernel checks before it reads the file: permission, type, file system, writers.
    func check() throws(LinuxErrno) {
        do throws(LinuxErrno) {
            try withCString(path) { (p) throws(LinuxErrno) in
                try withCString([UInt8(ascii: "x")]) { (argument) throws(LinuxErrno) in
                    var vector = GuestRecord(size: 16)
                    vector[0, as: UInt64.self] = argument
                    _ = try withHostBuffer(vector) { (arguments) throws(LinuxErrno) in
                        let flags = UInt64(UInt32(bitPattern: flags | Self.checkOnly))
                        return try hostCall(CallNumber.execveat, directory, p, arguments, arguments + 8, flags)
                    }
                }
            }
        } catch {
            // EINVAL: an older kernel. What can be found out without its help:
            guard error == .EINVAL else { throw error }
            if flags & Self.emptyPath == 0 {
                _ = try withCString(path) { (p) throws(LinuxErrno) in
                    try hostCall(CallNumber.faccessat2, directory, p, UInt64(X_OK), UInt64(AT_EACCESS))
                }
            }
            if let file = try? open() {
                var status = stat()
                guard fstat(file.descriptor, &status) == 0 else { throw .last }
                guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o111 != 0 else { throw .EACCES }
            }
        }
    }

    /// Opens it for reading.
    /// - Throws: EACCES for a file that may be executed but not read.
    func open() throws(LinuxErrno) -> HostFile {
        if path.isEmpty, flags & Self.emptyPath != 0 {
            return try HostFile(copying: Int32(truncatingIfNeeded: directory))
        }
        let noFollow = flags & AT_SYMLINK_NOFOLLOW != 0 ? HostOpenFlags.noFollow : 0
        return try HostFile(reading: path, at: directory, flags: noFollow)
    }

    /// A script's interpreter could not open a descriptor that execve closes.
    var isGoneAfterwards: Bool {
        !isPath && fcntl(Int32(truncatingIfNeeded: directory), F_GETFD) & FD_CLOEXEC != 0
    }
}

/// What an execve comes to: our own emulator again, or the host's kernel.
enum ExecPlan: Equatable {
    case guest(program: ExecFile, arguments: [[UInt8]])
    case host

    private static let scriptDepthLimit = 5
    private static let headerSize = 256

    /// Looks at the file (and, for scripts, at the interpreter) as the kernel would.
    /// - Parameter file: has been checked.
    /// - Parameter resolve: turns a guest path into the host's.
    init(file: ExecFile, arguments: [[UInt8]], resolve: ([UInt8]) -> [UInt8], depth: Int = 0) throws(LinuxErrno) {
        guard depth <= Self.scriptDepthLimit else { throw .ELOOP }
        let opened: HostFile
        do throws(LinuxErrno) {
            opened = try file.open()
        } catch {
            // Executable but unreadable: the host can run it, we cannot.
            guard error == .EACCES else { throw error }
            self = .host
            return
        }
        let header = try opened.read(at: 0, count: Self.headerSize)
        if Self.isGuestELF(header) {
            try Self.checkImage(opened, resolve)
            self = .guest(program: file, arguments: arguments)
            return
        }
        guard let line = Self.interpreterLine(header) else {
            self = .host
            return
        }
        if file.isGoneAfterwards { throw .ENOENT }
        let inner = [line.interpreter] + (line.argument.map { [$0] } ?? []) + [file.name] + arguments.dropFirst()
        let interpreter = ExecFile(name: line.interpreter, path: resolve(line.interpreter))
        try interpreter.check()
        self = try ExecPlan(file: interpreter, arguments: inner, resolve: resolve, depth: depth + 1)
    }

    static func isGuestELF(_ header: [UInt8]) -> Bool {
        header.count >= 64 && header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) && header[18] == 183
            && header[19] == 0
    }

    /// What would end the new program before its first instruction is an errno of this execve.
    private static func checkImage(
        _ file: borrowing HostFile, _ resolve: ([UInt8]) -> [UInt8]
    ) throws(LinuxErrno) {
        let image: ELFImage
        do throws(ELFError) {
            image = try ELFImage(ProgramLoader.DescriptorSource(descriptor: file.descriptor))
        } catch {
            throw .ENOEXEC
        }
        guard let path = image.interpreter else { return }
        let interpreter = ExecFile(name: path, path: resolve(path))
        try interpreter.check()
        guard isGuestELF(try interpreter.open().read(at: 0, count: 64)) else { throw .ELIBBAD }
    }

    /// `#! interpreter [argument]`, by the rules of the kernel's binfmt_script.
    static func interpreterLine(_ header: [UInt8]) -> (interpreter: [UInt8], argument: [UInt8]?)? {
        guard header.starts(with: Array("#!".utf8)) else { return nil }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var line = header[2...].prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        let interpreter = Array(line.prefix { !isBlank($0) })
        guard !interpreter.isEmpty else { return nil }
        let argument = Array(line.dropFirst(interpreter.count).drop(while: isBlank))
        return (interpreter, argument.isEmpty ? nil : argument)
    }
}

extension LinuxConfiguration {
    /// What the command line asks for as a program to load: scripts become their interpreter with arguments, and an absolute
    /// path that is no arm64 program on the host is looked up under the prefix.
    func resolved() throws(LoadError) -> LinuxConfiguration {
        if programDescriptor >= 0 { return self }
        let find = { (path: [UInt8]) in SysrootPath.resolve(path, sysroot: sysroot) ?? path }
        let header = (try? HostFile(reading: program))?.header
        let isScript = header?.starts(with: Array("#!".utf8)) ?? false
        if header.map(ExecPlan.isGuestELF) ?? false { return self }
        if !isScript {
            var copy = self
            if let found = SysrootPath.resolve(program, sysroot: sysroot) { copy.program = found }
            return copy
        }
        let plan: ExecPlan
        do throws(LinuxErrno) {
            let file = ExecFile(name: program, path: program)
            try file.check()
            plan = try ExecPlan(file: file, arguments: arguments, resolve: find)
        } catch {
            throw .file(program, error)
        }
        guard case .guest(let interpreter, let arguments) = plan else { throw .foreignScript(program) }
        var copy = self
        copy.program = interpreter.path
        copy.arguments = arguments
        return copy
    }
}

extension HostFile {
    fileprivate var header: [UInt8] { (try? read(at: 0, count: 64)) ?? [] }
}
