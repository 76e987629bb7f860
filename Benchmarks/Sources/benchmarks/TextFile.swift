import Glibc

/// A file for the programs to work on. The name differs from run to run, and so must not get into a result.
struct TextFile {
    let path: String
    let size: Int

    /// Lines of a word, a number and more words.
    /// - Throws: when it cannot be written.
    init(lineCount: Int) throws(BenchmarkError) {
        let syllables = [
            "ka", "ter", "no", "mil", "er", "so", "ra", "vin", "del", "tu", "es", "por", "li", "gan", "she", "bo",
        ]
        var random = Random(seed: 42)
        func word() -> String { (0...random.below(4)).map { _ in syllables[random.below(syllables.count)] }.joined() }
        var text = ""
        for _ in 0..<lineCount {
            text += "\(word()) \(random.below(65536))"
            for _ in 0..<random.below(12) { text += " " + word() }
            text += " \(random.below(10))\n"
        }
        try self.init(suffix: ".txt", text)
    }

    /// - Throws: when it cannot be written.
    init(suffix: String, _ text: String) throws(BenchmarkError) {
        let file = try temporaryFile(suffix: suffix)
        path = file.path
        size = text.utf8.count
        let written = text.withCString { write(file.descriptor, $0, size) }
        close(file.descriptor)
        guard written == size else {
            throw BenchmarkError(message: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    func remove() { unlink(path) }
}

/// A new empty file where temporary files go, open for reading and writing.
/// - Throws: when it cannot be made.
func temporaryFile(suffix: String = "") throws(BenchmarkError) -> (path: String, descriptor: Int32) {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(folder)/needletail-bench-XXXXXX\(suffix)".utf8CString)
    let descriptor = mkstemps(&template, Int32(suffix.utf8.count))
    guard descriptor >= 0 else {
        throw BenchmarkError(message: "no temporary file in '\(folder)': \(String(cString: strerror(errno)))")
    }
    return (String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self), descriptor)
}

/// Numbers that are the same in every run.
struct Random {
    private var state: UInt32

    init(seed: UInt32) { state = seed }

    /// A number from 0 to `bound` - 1; `bound` is at most 65536.
    mutating func below(_ bound: Int) -> Int {
        state = state &* 1_664_525 &+ 1_013_904_223
        return Int(state >> 16) % bound
    }
}

func fileExists(_ path: String) -> Bool { access(path, R_OK) == 0 }
