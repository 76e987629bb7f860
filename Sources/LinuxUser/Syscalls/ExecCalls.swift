internal import CHost
internal import Glibc

extension LinuxThread {
    /// AT_EMPTY_PATH, which Glibc's import lacks.
    private static let emptyPath: Int32 = 0x1000

    func execve(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let name = try UserMemory.readString(a[0])
        return try execute(ExecFile(name: name, path: executablePath(name)), arguments: a[1], environment: a[2])
    }

    func execveat(_ a: SyscallArguments) throws(LinuxErrno) -> UInt64 {
        let name = try UserMemory.readString(a[1])
        let flags = a.int(4)
        guard flags & ~(Self.emptyPath | AT_SYMLINK_NOFOLLOW | ExecFile.checkOnly) == 0 else { throw .EINVAL }
        let file: ExecFile
        if name.first == UInt8(ascii: "/") || a.int(0) == AT_FDCWD && !name.isEmpty {
            file = ExecFile(name: name, path: executablePath(name), flags: flags & ~Self.emptyPath)
        } else {
            if name.isEmpty, flags & Self.emptyPath == 0 { throw .ENOENT }
            // The kernel's name for it; the interpreter of a script opens that.
            let link = Array("/dev/fd/\(a.int(0))".utf8)
            file = ExecFile(
                name: name.isEmpty ? link : link + [UInt8(ascii: "/")] + name, path: name, directory: a[0], flags: flags)
        }
        return try execute(file, arguments: a[2], environment: a[3])
    }

    /// Where the host finds the program a guest names: its own file for `/proc/self/exe`, else the sysroot first.
    private func executablePath(_ path: [UInt8]) -> [UInt8] {
        if Self.emulated(path) == .executable { return process.executablePath }
        return SysrootPath.resolve(path, sysroot: process.configuration.sysroot) ?? path
    }

    /// The target of a symbolic link; nil when `path` is none.
    func readLink(_ path: [UInt8]) throws(LinuxErrno) -> [UInt8]? {
        var buffer = GuestRecord(size: Self.pathLimit)
        do throws(LinuxErrno) {
            let count = try buffer.withMutableAddress { (target) throws(LinuxErrno) in
                try withCString(path) { (p) throws(LinuxErrno) in
                    try hostCall(CallNumber.readlinkat, atCurrentDirectory, p, target, UInt64(Self.pathLimit))
                }
            }
            return Array(buffer.bytes.prefix(Int(count)))
        } catch {
            if error == .EINVAL { return nil }
            throw error
        }
    }

    private func execute(_ file: ExecFile, arguments: UInt64, environment: UInt64) throws(LinuxErrno) -> UInt64 {
        try file.check()  // first, as in the kernel: it decides between ENOENT and EFAULT
        var guestArguments = try UserMemory.readStringArray(arguments, byteLimit: Self.argumentLimit)
        if guestArguments.isEmpty { guestArguments = [[]] }  // the kernel does so since 5.18
        let guestEnvironment = try UserMemory.readStringArray(environment, byteLimit: Self.argumentLimit)
        let plan = try ExecPlan(file: file, arguments: guestArguments, resolve: executablePath)
        if file.flags & ExecFile.checkOnly != 0 { return 0 }
        switch plan {
        case .host:
            return try hostExecve(file, guestArguments, guestEnvironment)
        case .guest(let program, let arguments):
            return try executeGuest(program, file, arguments, guestEnvironment)
        }
    }

    /// The kernel's bound where the stack may grow without limit; below it the host decides.
    private static let argumentLimit = 6 << 20

    /// Runs ourselves again. Three descriptors go along: our executable (in a chroot there is no path to it, without
    /// `/proc` no link either), the log file and, when it has no path, the program.
    private func executeGuest(
        _ program: ExecFile, _ named: ExecFile, _ arguments: [[UInt8]], _ environment: [[UInt8]]
    ) throws(LinuxErrno) -> UInt64 {
        guard let executable = OwnDescriptors.shared.executableDescriptor() else {
            // We were started where `/proc` is not mounted, so by binfmt_misc, which can do that again.
            return try hostExecve(program, arguments, environment)
        }
        let configuration = process.configuration
        let logFile = process.log.ownDescriptor
        let programDescriptor = program.isPath ? -1 : try program.open().release()
        defer { if programDescriptor >= 0 { Glibc.close(programDescriptor) } }
        let name = lastComponent(named.name)
        let kept = [executable, logFile, programDescriptor]
        let rerun = "--rerun=" + kept.map { String($0) + "," }.joined()
        // A leading dash would be an option of ours.
        let file = program.isPath ? program.path : program.name
        let path = file.first == UInt8(ascii: "-") ? Array("./".utf8) + file : file
        var command = [Array(configuration.emulatorName.utf8), Array(rerun.utf8) + name.prefix(15)]
        command += configuration.ownOptions + [Array("-0".utf8), arguments.first ?? [], path]
        command += arguments.dropFirst()
        // Not close-on-exec for the moment of the call.
        for descriptor in kept where descriptor >= 0 { _ = Glibc.fcntl(descriptor, F_SETFD, 0) }
        defer {
            for descriptor in kept where descriptor >= 0 { _ = Glibc.fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
        let ourselves = ExecFile(
            name: [], path: [], directory: UInt64(UInt32(bitPattern: executable)), flags: Self.emptyPath)
        return try hostExecve(ourselves, command, environment)
    }

    private func hostExecve(
        _ file: ExecFile, _ arguments: [[UInt8]], _ environment: [[UInt8]]
    ) throws(LinuxErrno) -> UInt64 {
        let argumentVector = StringVector(arguments)
        let environmentVector = StringVector(environment)
        // A child of vfork has run next to nothing, and its parent waits.
        if vforkParent < 0 { process.engine?.programEnds() }
        return try withCString(file.path) { (path) throws(LinuxErrno) in
            if file.isPath, file.flags == 0 {
                return try interruptible(CallNumber.execve, path, argumentVector.address, environmentVector.address)
            }
            return try interruptible(
                CallNumber.execveat, file.directory, path, argumentVector.address, environmentVector.address,
                UInt64(UInt32(bitPattern: file.flags)))
        }
    }
}

/// A NULL-terminated array of C strings, as execve takes it.
private struct StringVector: ~Copyable {
    private let pointers: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
    private let count: Int
    var address: UInt64 { LinuxUser.address(pointers) }

    init(_ texts: [[UInt8]]) {
        count = texts.count
        pointers = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() {
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count + 1)
            copy.initialize(from: text, count: text.count)
            copy[text.count] = 0
            (pointers + index).initialize(to: copy)
        }
        (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { pointers[index]?.deallocate() }
        pointers.deallocate()
    }
}
