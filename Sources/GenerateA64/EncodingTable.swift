/// A mistake in an `.encodings` file.
struct TableError: Error {
    let file: String
    let line: Int
    let message: String
}

/// A named bit field of an encoding class, `lsb` counted from bit 0.
struct BitField {
    let name: String
    let lsb: Int
    let width: Int
    var mask: UInt32 { width == 32 ? .max : (1 << UInt32(width)) - 1 }
}

/// A layout shared by rows: fixed bits and fields.
struct EncodingClass {
    let name: String
    let heading: String
    var fields: [BitField] = []
    var mask: UInt32 = 0
    var value: UInt32 = 0
}

/// One encoding.
struct EncodingRow {
    let name: String
    let classIndex: Int
    let isImplemented: Bool
    var mask: UInt32
    var value: UInt32
    /// Words whose masked bits equal the value are not this encoding.
    var excluded: [(mask: UInt32, value: UInt32)] = []
    var features: [String] = []
    /// Rows that this one goes before although they overlap.
    var before: [String] = []
    let file: String
    let line: Int
}

/// All `.encodings` files, read and checked.
struct EncodingTable {
    private(set) var classes: [EncodingClass] = []
    private(set) var rows: [EncodingRow] = []

    /// Adds the rows of one file.
    mutating func read(_ text: String, file: String) throws {
        var heading = ""
        var current: Int?
        for (number, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = raw.prefix { $0 != "#" }
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let first = words.first else { continue }
            func fail(_ message: String) -> TableError { TableError(file: file, line: number + 1, message: message) }
            if first == "heading" {
                heading = line.split(separator: "\"").dropFirst().first.map(String.init) ?? ""
                continue
            }
            if first == "class" {
                guard words.count > 2 else { throw fail("a class wants a name and a layout") }
                classes.append(try parseClass(words, heading, fail))
                current = classes.count - 1
                continue
            }
            guard let index = current else { throw fail("a row before any class") }
            let implemented = first != "-"
            if !implemented { words.removeFirst() }
            guard let name = words.first else { throw fail("a row wants a name") }
            if let other = rows.first(where: { $0.name == name }) {
                throw fail("\(name) stands already in \(other.file):\(other.line)")
            }
            var row = EncodingRow(
                name: name, classIndex: index, isImplemented: implemented, mask: classes[index].mask,
                value: classes[index].value, file: file, line: number + 1)
            var at = 1
            while at < words.count {
                let word = words[at]
                at += 1
                if word.hasPrefix("@") {
                    row.features.append(String(word.dropFirst()))
                } else if word == ">" {
                    guard at < words.count else { throw fail("'>' wants a row name") }
                    row.before.append(words[at])
                    at += 1
                } else {
                    try constrain(&row, word, fail)
                }
            }
            rows.append(row)
        }
    }

    private func parseClass(_ words: [String], _ heading: String, _ fail: (String) -> TableError) throws -> EncodingClass {
        var made = EncodingClass(name: words[1], heading: heading)
        var bit = 32
        for word in words.dropFirst(2) {
            if word.allSatisfy({ $0 == "0" || $0 == "1" }) {
                for digit in word {
                    bit -= 1
                    guard bit >= 0 else { throw fail("class \(words[1]) is longer than 32 bits") }
                    made.mask |= 1 << UInt32(bit)
                    if digit == "1" { made.value |= 1 << UInt32(bit) }
                }
                continue
            }
            let parts = word.split(separator: ":")
            guard parts.count == 2, let width = Int(parts[1]), width > 0 else { throw fail("'\(word)' is no field") }
            bit -= width
            guard bit >= 0 else { throw fail("class \(words[1]) is longer than 32 bits") }
            made.fields.append(BitField(name: String(parts[0]), lsb: bit, width: width))
        }
        guard bit == 0 else { throw fail("class \(words[1]) has \(32 - bit) bits") }
        return made
    }

    private func constrain(_ row: inout EncodingRow, _ word: String, _ fail: (String) -> TableError) throws {
        let isExclusion = word.contains("!=")
        let parts = word.split(separator: "=").map { String($0.filter { $0 != "!" }) }
        guard parts.count == 2, let field = classes[row.classIndex].fields.first(where: { $0.name == parts[0] }) else {
            throw fail("'\(word)' names no field of class \(classes[row.classIndex].name)")
        }
        // 0b values may have x for bits that do not matter.
        var mask = field.mask
        let number: UInt32?
        if parts[1].hasPrefix("0b") {
            let digits = parts[1].dropFirst(2)
            guard digits.count == field.width else { throw fail("'\(word)' wants \(field.width) binary digits") }
            mask = UInt32(String(digits.map { $0 == "x" ? "0" : "1" }), radix: 2)!
            number = UInt32(String(digits.map { $0 == "x" ? "0" : $0 }), radix: 2)
        } else if parts[1].hasPrefix("0x") {
            number = UInt32(parts[1].dropFirst(2), radix: 16)
        } else {
            number = UInt32(parts[1])
        }
        guard let value = number, value & ~field.mask == 0 else { throw fail("'\(word)' does not fit its field") }
        let bits = (mask: mask << UInt32(field.lsb), value: value << UInt32(field.lsb))
        if isExclusion {
            row.excluded.append(bits)
        } else {
            row.mask |= bits.mask
            row.value |= bits.value
        }
    }

    /// Rejects rows that share words without saying which goes first, and puts rows that go first before the others.
    mutating func checkAndOrder() throws {
        for (i, a) in rows.enumerated() {
            for b in rows[(i + 1)...] where overlap(a, b) && !a.before.contains(b.name) && !b.before.contains(a.name) {
                throw TableError(file: b.file, line: b.line, message: "\(b.name) overlaps \(a.name) (\(a.file):\(a.line))")
            }
        }
        for row in rows {
            for name in row.before where !rows.contains(where: { $0.name == name }) {
                throw TableError(file: row.file, line: row.line, message: "\(row.name) goes before \(name), which is no row")
            }
        }
        // Stable: a row moves just before the first row it must precede.
        var ordered: [EncodingRow] = []
        for row in rows {
            let place = ordered.firstIndex { row.before.contains($0.name) } ?? ordered.count
            ordered.insert(row, at: place)
        }
        rows = ordered
    }

    private func overlap(_ a: EncodingRow, _ b: EncodingRow) -> Bool {
        if (a.value ^ b.value) & a.mask & b.mask != 0 { return false }
        let mask = a.mask | b.mask
        let value = a.value | b.value
        for excluded in a.excluded + b.excluded where excluded.mask & mask == excluded.mask && value & excluded.mask == excluded.value {
            return false
        }
        return true
    }
}
