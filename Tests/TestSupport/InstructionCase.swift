import Glibc

/// A line of `Tests/Cases/*.cases`; README.md there has the format.
package struct InstructionCase: Sendable {
    package var assembly = ""
    package var word: UInt32 = 0
    package var before: [String: UInt64] = [:]
    package var after: [String: UInt64] = [:]
    package var exception: (kind: String, info: UInt64?)?

    /// nil for a line that does not follow the format.
    package init?(line: Substring) {
        let columns = InstructionCase.columns(of: line)
        guard columns.count == 4, let word = UInt32(columns[3], radix: 16) else { return nil }
        assembly = columns[0]
        self.word = word
        for entry in columns[1].split(separator: " ") {
            guard let (name, value) = InstructionCase.assignment(entry) else { return nil }
            before[name] = value
        }
        for entry in columns[2].split(separator: " ") {
            if entry.hasPrefix("exception=") {
                let words = entry.dropFirst("exception=".count).split(separator: ":")
                exception = (String(words[0]), words.count > 1 ? InstructionCase.number(words[1]) : nil)
                continue
            }
            guard let (name, value) = InstructionCase.assignment(entry) else { return nil }
            after[name] = value
        }
    }

    private static func columns(of line: Substring) -> [String] {
        line.split(separator: "|", omittingEmptySubsequences: false).map { column in
            var words = column
            while words.first == " " { words.removeFirst() }
            while words.last == " " { words.removeLast() }
            return String(words)
        }
    }

    private static func assignment(_ text: Substring) -> (String, UInt64)? {
        let sides = text.split(separator: "=")
        guard sides.count == 2 else { return nil }
        if sides[0] == "nzcv" {
            guard sides[1].count == 4 else { return nil }
            let bits = sides[1].reduce(UInt64(0)) { $0 << 1 | ($1 == "." ? 0 : 1) }
            return ("nzcv", bits << 28)
        }
        return number(sides[1]).map { (String(sides[0]), $0) }
    }

    private static func number(_ text: Substring) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    /// Addresses of the memory that cases may touch.
    package static let memory: Range<UInt64> = 0x500000..<0x501000

    /// The address when a left or right column's name is a memory word, `[0x500010]`.
    package static func memoryAddress(_ name: String) -> UInt64? {
        name.hasPrefix("[") ? number(name.dropFirst().dropLast()) : nil
    }

    /// All files of cases.
    package static let files = [
        "DataProcessingImmediate", "DataProcessingRegister", "Flags", "Branches", "System", "LoadStore", "CommonShortSequences",
    ]

    /// The cases of `Tests/Cases/<name>.cases`, and the lines that could not be read.
    package static func load(_ name: String) -> (cases: [InstructionCase], badLines: [String]) {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        var result: (cases: [InstructionCase], badLines: [String]) = ([], [])
        for line in contents(of: "/\(folder)/Cases/\(name).cases").split(separator: "\n") where !line.hasPrefix("#") {
            if let read = InstructionCase(line: line) {
                result.cases.append(read)
            } else {
                result.badLines.append(String(line))
            }
        }
        return result
    }

    /// All of a file as text; empty when it cannot be read.
    package static func contents(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
