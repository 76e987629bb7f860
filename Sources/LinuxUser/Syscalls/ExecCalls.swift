internal import CHost
internal import Glibc

extension LinuxThread {
    /// AT_EMPTY_PATH, which Glibc's import lacks.
    private static let emptyPath: Int32 = 0x1000

    func execve(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let path = executablePath(try UserMemory.readString(a[0]))
        return try execute(path, arguments: a[1], environment: a[2])
    }

    func execveat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let name = try UserMemory.readString(a[1])
        let flags = a.int(4)
        guard flags & ~(Self.emptyPath | AT_SYMLINK_NOFOLLOW) == 0 else { throw .EINVAL }
        let path: [UInt8]
        if name.first == UInt8(ascii: "/") {
            path = executablePath(name)
        } else if name.isEmpty {
            guard flags & Self.emptyPath != 0 else { throw .ENOENT }
            // A close-on-exec descriptor is gone when we open the program again: its real name lasts.
            let link = Array("/proc/thread-self/fd/\(a.int(0))".utf8)
            path = try readLink(link).flatMap { Self.exists($0) ? $0 : nil } ?? link
        } else if a.int(0) == AT_FDCWD {
            path = name
        } else {
            path = Array("/proc/thread-self/fd/\(a.int(0))/".utf8) + name
        }
        if flags & AT_SYMLINK_NOFOLLOW != 0, try readLink(path) != nil { throw .ELOOP }
        return try execute(path, arguments: a[2], environment: a[3])
    }

    /// Where the host finds the program a guest names: its own file for `/proc/self/exe`, else the sysroot first.
    private func executablePath(_ path: [UInt8]) -> [UInt8] {
        if EmulatedFile(path: path, pid: getpid()) == .executable { return process.executablePath }
        return SysrootPath.resolve(path, sysroot: process.configuration.sysroot) ?? path
    }

    private static func exists(_ path: [UInt8]) -> Bool {
        (try? withCString(path) { (p) throws(LinuxErrno) in
            try hostCall(CallNumber.faccessat, atCurrentDirectory, p, 0)
        }) != nil
    }

    /// The target of a symbolic link; nil when `path` is none.
    private func readLink(_ path: [UInt8]) throws(LinuxErrno) -> [UInt8]? {
        var buffer = GuestRecord(size: Self.pathLimit)
        let name = path
        do throws(LinuxErrno) {
            let count = try buffer.withMutableAddress { (target) throws(LinuxErrno) in
                try withCString(name) { (p) throws(LinuxErrno) in
                    try hostCall(CallNumber.readlinkat, atCurrentDirectory, p, target, UInt64(Self.pathLimit))
                }
            }
            return Array(buffer.bytes.prefix(Int(count)))
        } catch {
            if error == .EINVAL { return nil }
            throw error
        }
    }

    private func execute(_ path: [UInt8], arguments: UInt64, environment: UInt64) throws(LinuxErrno) -> UInt64 {
        var guestArguments = try UserMemory.readStringArray(arguments)
        if guestArguments.isEmpty { guestArguments = [[]] }  // the kernel does so since 5.18
        let guestEnvironment = try UserMemory.readStringArray(environment)
        let plan = try ExecPlan(path: path, arguments: guestArguments, resolve: executablePath)
        switch plan {
        case .host(let program, let arguments):
            return try hostExecve(program, arguments, guestEnvironment)
        case .guest(let program, let arguments):
            let configuration = process.configuration
            // A leading dash would be an option of ours.
            let name = program.first == UInt8(ascii: "-") ? Array("./".utf8) + program : program
            var command: [[UInt8]] = [Array(configuration.emulatorName.utf8)] + configuration.ownOptions
            command += [Array("-0".utf8), arguments.first ?? [], name]
            command += arguments.dropFirst()
            // Not /proc/self/exe, which is gone with the first thread.
            return try hostExecve(Array("/proc/thread-self/exe".utf8), command, guestEnvironment)
        }
    }

    private func hostExecve(
        _ program: [UInt8], _ arguments: [[UInt8]], _ environment: [[UInt8]]
    ) throws(LinuxErrno) -> UInt64 {
        func vector(_ texts: [[UInt8]]) -> UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?> {
            let pointers = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>.allocate(capacity: texts.count + 1)
            for (index, text) in texts.enumerated() {
                let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count + 1)
                copy.initialize(from: text, count: text.count)
                copy[text.count] = 0
                pointers[index] = copy
            }
            pointers[texts.count] = nil
            return pointers
        }
        func free(_ pointers: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, _ count: Int) {
            for index in 0..<count { pointers[index]?.deallocate() }
            pointers.deallocate()
        }
        let argumentVector = vector(arguments)
        let environmentVector = vector(environment)
        defer {
            free(argumentVector, arguments.count)
            free(environmentVector, environment.count)
        }
        return try withCString(program) { (path) throws(LinuxErrno) in
            try interruptible(CallNumber.execve, path, address(argumentVector), address(environmentVector))
        }
    }
}

/// What an execve comes to: our own emulator again, or the host's kernel.
enum ExecPlan: Equatable {
    case guest(program: [UInt8], arguments: [[UInt8]])
    case host(program: [UInt8], arguments: [[UInt8]])

    private static let scriptDepthLimit = 5
    private static let headerSize = 256

    /// Looks at the file (and, for scripts, at the interpreter) as the kernel would.
    /// - Parameter resolve: turns a guest path into the host's.
    init(
        path: [UInt8], arguments: [[UInt8]], resolve: ([UInt8]) -> [UInt8], depth: Int = 0
    ) throws(LinuxErrno) {
        guard depth < Self.scriptDepthLimit else { throw .ELOOP }
        let opened = try Self.open(path)
        guard let header = opened else {
            // Executable but unreadable: the host can run it, we cannot.
            self = .host(program: path, arguments: arguments)
            return
        }
        if Self.isGuestELF(header) {
            self = .guest(program: path, arguments: arguments)
            return
        }
        guard let line = Self.interpreterLine(header) else {
            self = .host(program: path, arguments: arguments)
            return
        }
        let inner: [[UInt8]] = [line.interpreter] + (line.argument.map { [$0] } ?? []) + [path] + arguments.dropFirst()
        let plan = try ExecPlan(
            path: resolve(line.interpreter), arguments: inner, resolve: resolve, depth: depth + 1)
        if case .guest = plan {
            self = plan
        } else {
            self = .host(program: path, arguments: arguments)
        }
    }

    /// The first bytes of an executable regular file; nil when it may be executed but not read.
    private static func open(_ path: [UInt8]) throws(LinuxErrno) -> [UInt8]? {
        _ = try withCString(path) { (p) throws(LinuxErrno) in
            try hostCall(CallNumber.faccessat2, atCurrentDirectory, p, UInt64(X_OK), UInt64(AT_EACCESS))
        }
        let file: HostFile
        do throws(LinuxErrno) {
            file = try HostFile(reading: path)
        } catch {
            if error == .EACCES { return nil }
            throw error
        }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw .last }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .EACCES }
        return try file.read(at: 0, count: headerSize)
    }

    static func isGuestELF(_ header: [UInt8]) -> Bool {
        header.count >= 64 && header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) && header[18] == 183
            && header[19] == 0
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
