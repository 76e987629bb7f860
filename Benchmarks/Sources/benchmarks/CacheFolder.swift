import Glibc

/// A folder for compiled code of the programs that are measured.
struct CacheFolder {
    let path: String

    /// - Throws: when it cannot be made.
    init() throws(BenchmarkError) {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/needletail-bench-cache-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw BenchmarkError(message: "no temporary folder in '\(folder)': \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Nothing of ours has folders in it.
    func empty() {
        guard let directory = opendir(path) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlinkat(dirfd(directory), name, 0)
        }
    }

    func remove() {
        empty()
        rmdir(path)
    }
}
