import Glibc

/// A text for the programs to work on, the same in every run: lines of a word, a number and more words.
struct TextFile {
    let path: String
    let size: Int

    /// - Throws: when it cannot be written.
    init(lineCount: Int) throws(BenchmarkError) {
        let syllables = [
            "ka", "ter", "no", "mil", "er", "so", "ra", "vin", "del", "tu", "es", "por", "li", "gan", "she", "bo",
        ]
        var state: UInt32 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 1_664_525 &+ 1_013_904_223
            return Int(state >> 16) % bound
        }
        func word() -> String { (0...random(3)).map { _ in syllables[random(syllables.count)] }.joined() }
        var text = ""
        for _ in 0..<lineCount {
            text += "\(word()) \(random(65536))"
            for _ in 0..<random(12) { text += " " + word() }
            text += " \(random(10))\n"
        }
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/needletail-bench-text-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        size = text.utf8.count
        let written = text.withCString { descriptor < 0 ? -1 : write(descriptor, $0, size) }
        close(descriptor)
        guard written == size else {
            throw BenchmarkError(message: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    func remove() { unlink(path) }
}

func fileExists(_ path: String) -> Bool { access(path, R_OK) == 0 }
