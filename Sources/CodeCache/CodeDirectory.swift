internal import Glibc
internal import Support

/// The directory of the cache's files: the user's own, used by any number of processes at once. Files are only ever replaced as a
/// whole, by renaming; the last writer wins.
///
/// No descriptor stays open between two calls. The guest may change root, user and limits of the process it shares with us: then the
/// directory is not found again, and nothing is written.
package struct CodeDirectory: Sendable {
    package let path: String
    private let device: UInt64
    private let inode: UInt64
    private let user: uid_t

    /// Ends of file names: of ours, and of what is not finished.
    private static let suffix = ".ntc"
    private static let temporarySuffix = ".ntc-new"
    /// Seconds after which an unfinished file is nobody's.
    private static let temporaryLifetime = 3600
    /// Seconds in which a file's time of use need not be right.
    private static let touchInterval = 86400

    /// The directory as options and environment name it: `directory`, else `needletail` in `XDG_CACHE_HOME` or `HOME/.cache`.
    /// - Returns: nil when they name none.
    package static func path(directory: String?, variable: (String) -> String?) -> String? {
        if let directory { return directory.isEmpty ? nil : directory }
        // Relative ones are to be ignored (XDG Base Directory Specification).
        if let cache = variable("XDG_CACHE_HOME"), cache.hasPrefix("/") { return cache + "/needletail" }
        if let home = variable("HOME"), home.hasPrefix("/") { return home + "/.cache/needletail" }
        return nil
    }

    /// Makes the directory if there is none.
    /// - Returns: nil when it cannot be, or when others may write to it.
    package init?(path: String, creates: Bool = true) {
        var absolute = path
        if !path.hasPrefix("/") {
            guard let current = getcwd(nil, 0) else { return nil }
            absolute = String(cString: current) + "/" + path
            free(current)
        }
        var status = stat()
        if stat(absolute, &status) != 0 {
            guard creates else { return nil }
            // With its parent: `.cache` of a new user.
            if let slash = absolute.lastIndex(of: "/") { mkdir(String(absolute[..<slash]), 0o700) }
            mkdir(absolute, 0o700)
            guard stat(absolute, &status) == 0 else { return nil }
        }
        guard status.st_mode & S_IFMT == S_IFDIR, Self.isOurs(status) else { return nil }
        self.path = absolute
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        user = status.st_uid
    }

    private static func isOurs(_ status: stat) -> Bool { status.st_uid == geteuid() && status.st_mode & 0o022 == 0 }

    /// Runs `body` with a descriptor of the directory, if it is still the same one and ours.
    private func withDescriptor<Result>(_ body: (Int32) -> Result?) -> Result? {
        guard geteuid() == user, getuid() == user else { return nil }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode else { return nil }
        return body(descriptor)
    }

    /// What a file was when it was read.
    package struct Version: Equatable, Sendable {
        let inode: UInt64
        let size: Int64
    }

    /// The version of the file with a name; nil when there is none that may be used.
    package func version(of name: String) -> Version? {
        withDescriptor { directory in
            var status = stat()
            guard fstatat(directory, name + Self.suffix, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
            return Self.version(status)
        }
    }

    private static func version(_ status: stat) -> Version? {
        guard status.st_mode & S_IFMT == S_IFREG, isOurs(status), status.st_size <= CodeFile.sizeLimit else { return nil }
        return Version(inode: UInt64(status.st_ino), size: Int64(status.st_size))
    }

    /// - Returns: the contents of the file with a name, to be deallocated; nil when there is none that may be used.
    package func read(_ name: String) -> (bytes: UnsafeRawBufferPointer, version: Version)? {
        withDescriptor { directory in
            let descriptor = openat(directory, name + Self.suffix, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0, let version = Self.version(status) else { return nil }
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 16)
            var done = 0
            while done < bytes.count {
                let count = Glibc.read(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count <= 0 { break }
                done += count
            }
            guard done == bytes.count else {
                bytes.deallocate()
                return nil
            }
            // So that what nobody uses goes first.
            if time(nil) - status.st_mtim.tv_sec > Self.touchInterval { futimens(descriptor, nil) }
            return (UnsafeRawBufferPointer(bytes), version)
        }
    }

    /// Replaces the file with a name.
    /// - Returns: false when it could not be written; nothing is left behind.
    package func write(_ bytes: [UInt8], as name: String) -> Bool {
        withDescriptor { directory in
            // The guest's limit, whose signal would be ours.
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(1), &limit) == 0, limit.rlim_cur >= rlim_t(bytes.count) else { return false }
            let temporary = name + "-\(getpid())" + Self.temporarySuffix
            let descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { return false }
            var done = 0
            bytes.withUnsafeBytes { buffer in
                while done < buffer.count {
                    let count = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                    if count <= 0 { break }
                    done += count
                }
            }
            // A directory may have taken the name.
            if close(descriptor) == 0, done == bytes.count {
                if renameat(directory, temporary, directory, name + Self.suffix) == 0 { return true }
                if unlinkat(directory, name + Self.suffix, AT_REMOVEDIR) == 0,
                    renameat(directory, temporary, directory, name + Self.suffix) == 0
                {
                    return true
                }
            }
            unlinkat(directory, temporary, 0)
            return false
        } ?? false
    }

    // MARK: All files

    private struct Found {
        let name: String
        let size: Int
        let time: Int
        let isTemporary: Bool
    }

    private func files(_ directory: Int32) -> [Found] {
        let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { return [] }
        defer { closedir(stream) }
        var result: [Found] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let isTemporary = name.hasSuffix(Self.temporarySuffix)
            guard isTemporary || name.hasSuffix(Self.suffix) else { continue }
            var status = stat()
            guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            result.append(
                Found(name: name, size: Int(status.st_size), time: status.st_mtim.tv_sec, isTemporary: isTemporary))
        }
        return result
    }

    /// Removes what was used longest ago until all files have at most `limit` bytes, and what dead processes have left.
    package func shrink(to limit: Int) {
        _ = withDescriptor { directory -> Bool? in
            let now = time(nil)
            var total = 0
            for file in files(directory).sorted(by: { $0.time > $1.time }) {
                if file.isTemporary {
                    if now - file.time > Self.temporaryLifetime { unlinkat(directory, file.name, 0) }
                    continue
                }
                total += file.size
                if total > limit { unlinkat(directory, file.name, 0) }
            }
            return true
        }
    }

    /// Removes all files of the cache, and nothing else.
    /// - Returns: how many there were.
    package func clear() -> Int {
        withDescriptor { directory in
            files(directory).count { unlinkat(directory, $0.name, 0) == 0 }
        } ?? 0
    }

    /// - Returns: number and bytes of all files, and what is in each that can be read, whatever it was made for.
    package func statistics() -> (files: Int, bytes: Int, entries: Int, unreadable: Int) {
        let found = withDescriptor { files($0) } ?? []
        var result = (files: 0, bytes: 0, entries: 0, unreadable: 0)
        for file in found where !file.isTemporary {
            result.files += 1
            result.bytes += file.size
            let count = read(String(file.name.dropLast(Self.suffix.count))).flatMap { CodeFile.entryCount($0.bytes) }
            if let count { result.entries += count } else { result.unreadable += 1 }
        }
        return result
    }
}
