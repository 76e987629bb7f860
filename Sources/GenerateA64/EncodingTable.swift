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
    var bits = BitPattern()
    /// What the rows need beside their own features.
    var features: [RequiredFeature] = []
}

/// Words whose bits under `mask` equal `value`.
struct BitPattern: Hashable {
    var mask: UInt32 = 0
    var value: UInt32 = 0

    func matches(_ word: UInt32) -> Bool { word & mask == value }
    /// Some word matches both.
    func meets(_ other: BitPattern) -> Bool { (value ^ other.value) & mask & other.mask == 0 }
    /// Words that match both; the two must meet.
    func narrowed(by other: BitPattern) -> BitPattern {
        BitPattern(mask: mask | other.mask, value: value | other.value)
    }
}

/// A feature an encoding needs, always or only for the words that match `condition`.
struct RequiredFeature {
    let name: String
    let condition: BitPattern
}

/// One encoding.
struct EncodingRow {
    let name: String
    let classIndex: Int
    let isImplemented: Bool
    var bits: BitPattern
    /// Words that match one of these are not this encoding.
    var excluded: [BitPattern] = []
    var features: [RequiredFeature] = []
    /// Rows that this one goes before although they overlap.
    var before: [String] = []
    /// Function of the translator that has the semantics; the row's own name unless `-> function` says otherwise.
    var handler: String
    let file: String
    let line: Int
}

/// All `.encodings` files, read and checked.
///
///     # A comment; blank lines are ignored.
///     heading "Data Processing -- Immediate / Add/subtract (immediate)" @FEAT_FOO
///     class AddSubImmediate  sf:1 op:1 S:1 100010 sh:1 imm12:12 Rn:5 Rd:5
///       ADD_imm    op=0 S=0
///       - FOO      op=0 S=1 imm12!=0b1xxxxxxxxxxx sf:sh!=0b01  @FEAT_LSE @FEAT_FP16[sf=1]  > ADD_imm
///
/// A class lists its bits from 31 down: literal bits and `field:width`. A row narrows its class. A constraint is
/// `fields=value` or `fields!=value`; several fields joined by `:` are one number, the first field on top; a binary
/// value has exactly the fields' width and may hold `x`. `@FEATURE` is needed by every word of the row,
/// `@FEATURE[fields=value]` by those that satisfy the constraint; behind a class or a heading it holds for all rows there. `> ROW` lets the row overlap `ROW` and go before it.
/// `-> function` names the semantics that several rows share; without it the row's own name is the function's.
/// `-` marks a row that is listed but not implemented.
struct EncodingTable {
    private(set) var classes: [EncodingClass] = []
    private(set) var rows: [EncodingRow] = []
    private var places: [String: (file: String, line: Int)] = [:]

    /// Adds the classes and rows of one file.
    mutating func read(_ text: String, file: String) throws(TableError) {
        var heading = ""
        var headingFeatures: [String] = []
        var current: Int?
        for (number, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = raw.prefix { $0 != "#" }
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let first = words.first else { continue }
            func mistake(_ message: String) -> TableError {
                TableError(file: file, line: number + 1, message: message)
            }
            if first == "heading" {
                guard let title = line.split(separator: "\"").dropFirst().first else {
                    throw mistake("a heading wants a title in quotes")
                }
                heading = String(title)
                headingFeatures = words.filter { $0.hasPrefix("@") }
                current = nil
                continue
            }
            if first == "class" {
                guard words.count > 2 else { throw mistake("a class wants a name and a layout") }
                if classes.contains(where: { $0.name == words[1] }) { throw mistake("class \(words[1]) stands twice") }
                do {
                    var made = try parseClass(words.filter { !$0.hasPrefix("@") }, heading)
                    for word in headingFeatures + words where word.hasPrefix("@") {
                        made.features.append(try parseFeature(word, made))
                    }
                    classes.append(made)
                } catch {
                    throw mistake(error.message)
                }
                current = classes.count - 1
                continue
            }
            guard let index = current else { throw mistake("a row before any class") }
            let implemented = first != "-"
            if !implemented { words.removeFirst() }
            guard let name = words.first, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
                throw mistake("a row wants a name")
            }
            if let other = places[name] { throw mistake("\(name) stands already in \(other.file):\(other.line)") }
            places[name] = (file, number + 1)
            var row = EncodingRow(
                name: name, classIndex: index, isImplemented: implemented, bits: classes[index].bits,
                handler: name, file: file, line: number + 1)
            do { try parseRow(&row, words.dropFirst()) } catch { throw mistake(error.message) }
            rows.append(row)
        }
    }

    private struct Mistake: Error { let message: String }

    private func parseClass(_ words: [String], _ heading: String) throws(Mistake) -> EncodingClass {
        var made = EncodingClass(name: words[1], heading: heading)
        var bit = 32
        for word in words.dropFirst(2) {
            if word.allSatisfy({ $0 == "0" || $0 == "1" }) {
                for digit in word {
                    bit -= 1
                    guard bit >= 0 else { throw Mistake(message: "class \(words[1]) is longer than 32 bits") }
                    made.bits.mask |= 1 << UInt32(bit)
                    if digit == "1" { made.bits.value |= 1 << UInt32(bit) }
                }
                continue
            }
            let parts = word.split(separator: ":")
            guard parts.count == 2, let width = Int(parts[1]), width > 0 else {
                throw Mistake(message: "'\(word)' is no field")
            }
            bit -= width
            guard bit >= 0 else { throw Mistake(message: "class \(words[1]) is longer than 32 bits") }
            if made.fields.contains(where: { $0.name == parts[0] }) {
                throw Mistake(message: "field \(parts[0]) stands twice")
            }
            made.fields.append(BitField(name: String(parts[0]), lsb: bit, width: width))
        }
        guard bit == 0 else { throw Mistake(message: "class \(words[1]) has only \(32 - bit) bits") }
        return made
    }

    private func parseRow(_ row: inout EncodingRow, _ words: ArraySlice<String>) throws(Mistake) {
        var wantsPriority = false
        var wantsHandler = false
        for word in words {
            if wantsPriority {
                row.before.append(word)
                wantsPriority = false
            } else if word == ">" {
                wantsPriority = true
            } else if wantsHandler {
                row.handler = word
                wantsHandler = false
            } else if word == "->" {
                wantsHandler = true
            } else if word.hasPrefix("@") {
                row.features.append(try parseFeature(word, classes[row.classIndex]))
            } else {
                let constraint = try parseConstraint(word, classes[row.classIndex])
                if constraint.isExclusion {
                    row.excluded.append(constraint.bits)
                } else {
                    guard row.bits.meets(constraint.bits) else { throw Mistake(message: "'\(word)' contradicts the row") }
                    row.bits = row.bits.narrowed(by: constraint.bits)
                }
            }
        }
        if wantsPriority { throw Mistake(message: "'>' wants a row name") }
        if wantsHandler { throw Mistake(message: "'->' wants a function name") }
        // An exclusion that the fixed bits rule out anyway says nothing.
        row.excluded.removeAll { !$0.meets(row.bits) }
        let shared = classes[row.classIndex].features.filter { need in !row.features.contains { $0.name == need.name } }
        // Conditions that no word of the row meets, or that all do, are none.
        row.features = (shared + row.features).compactMap { need in
            guard need.condition.meets(row.bits) else { return nil }
            let isAlways = need.condition.mask & ~row.bits.mask == 0
            return isAlways ? RequiredFeature(name: need.name, condition: BitPattern()) : need
        }
    }

    /// `@FEATURE` or `@FEATURE[fields=value]`.
    private func parseFeature(_ word: String, _ layout: EncodingClass) throws(Mistake) -> RequiredFeature {
        let parts = word.dropFirst().split(separator: "[", maxSplits: 1)
        guard let name = parts.first else { throw Mistake(message: "'@' wants a feature") }
        guard parts.count == 2 else { return RequiredFeature(name: String(name), condition: BitPattern()) }
        let constraint = try parseConstraint(String(parts[1].dropLast()), layout)
        guard !constraint.isExclusion, parts[1].last == "]" else { throw Mistake(message: "'\(word)' wants [field=value]") }
        return RequiredFeature(name: String(name), condition: constraint.bits)
    }

    private func parseConstraint(
        _ word: String, _ layout: EncodingClass
    ) throws(Mistake) -> (bits: BitPattern, isExclusion: Bool) {
        let isExclusion = word.contains("!=")
        let parts = word.split(separator: "=").map { String($0.filter { $0 != "!" }) }
        guard parts.count == 2 else { throw Mistake(message: "'\(word)' is no constraint") }
        var fields: [BitField] = []
        for name in parts[0].split(separator: ":") {
            guard let field = layout.fields.first(where: { $0.name == name }) else {
                throw Mistake(message: "'\(name)' is no field of class \(layout.name)")
            }
            fields.append(field)
        }
        let width = fields.reduce(0) { $0 + $1.width }
        let digits: [Character]
        if parts[1].hasPrefix("0b") {
            digits = Array(parts[1].dropFirst(2))
        } else {
            let isHex = parts[1].hasPrefix("0x")
            guard let number = UInt32(isHex ? String(parts[1].dropFirst(2)) : parts[1], radix: isHex ? 16 : 10) else {
                throw Mistake(message: "'\(parts[1])' is no number")
            }
            let binary = String(number, radix: 2)
            digits = Array(String(repeating: "0", count: max(0, width - binary.count)) + binary)
        }
        guard digits.count == width, digits.allSatisfy({ $0 == "0" || $0 == "1" || $0 == "x" }) else {
            throw Mistake(message: "'\(word)' wants a number of \(width) bits")
        }
        var bits = BitPattern()
        var next = 0
        for field in fields {
            for bit in stride(from: field.lsb + field.width - 1, through: field.lsb, by: -1) {
                let digit = digits[next]
                next += 1
                if digit != "x" { bits.mask |= 1 << UInt32(bit) }
                if digit == "1" { bits.value |= 1 << UInt32(bit) }
            }
        }
        return (bits, isExclusion)
    }
}

extension EncodingTable {
    /// Rejects rows that share words without saying which goes first, rows without any word, and unknown priorities;
    /// puts rows that go first before the others, keeping the files' order otherwise.
    mutating func checkAndOrder() throws(TableError) {
        let patterns = rows.map(\.bits)
        for (i, a) in rows.enumerated() {
            func mistake(_ message: String) -> TableError { TableError(file: a.file, line: a.line, message: message) }
            guard EncodingTable.hasWord(a.bits, without: a.excluded) else { throw mistake("\(a.name) matches no word") }
            for j in rows.indices[(i + 1)...] where patterns[i].meets(patterns[j]) {
                let b = rows[j]
                guard EncodingTable.hasWord(a.bits.narrowed(by: b.bits), without: a.excluded + b.excluded) else { continue }
                if !a.before.contains(b.name) && !b.before.contains(a.name) {
                    throw TableError(
                        file: b.file, line: b.line,
                        message: "\(b.name) overlaps \(a.name) (\(a.file):\(a.line)); '> NAME' would say which goes first")
                }
            }
            for name in a.before where places[name] == nil {
                throw mistake("\(a.name) goes before \(name), which is no row")
            }
        }
        var ordered: [EncodingRow] = []
        var waiting = rows
        while !waiting.isEmpty {
            // The first row that no waiting row must precede.
            guard let next = waiting.firstIndex(where: { row in !waiting.contains { $0.before.contains(row.name) } }) else {
                throw TableError(file: waiting[0].file, line: waiting[0].line, message: "priorities form a circle")
            }
            ordered.append(waiting.remove(at: next))
        }
        rows = ordered
    }

    /// Some word matches `bits` and none of `excluded`. Exact: fixes one free bit of an exclusion after another.
    private static func hasWord(_ bits: BitPattern, without excluded: [BitPattern]) -> Bool {
        guard let first = excluded.first(where: { $0.meets(bits) }) else { return true }
        var rest = bits
        var free = first.mask & ~bits.mask
        while free != 0 {
            let bit = free & (0 &- free)
            free &= free - 1
            // Words that leave the exclusion at this bit, having followed it at the bits before.
            let leaving = BitPattern(mask: rest.mask | bit, value: rest.value | (~first.value & bit))
            if hasWord(leaving, without: excluded) { return true }
            rest = BitPattern(mask: rest.mask | bit, value: rest.value | (first.value & bit))
        }
        return false
    }
}
