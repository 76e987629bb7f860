/// Words whose bits under `mask` equal `value`.
package struct A64BitPattern: Hashable, Sendable {
    package let mask: UInt32
    package let value: UInt32

    @inlinable package func matches(_ word: UInt32) -> Bool { word & mask == value }
}

/// A feature an encoding needs for those of its words that match `condition`.
package struct A64FeatureNeed: Sendable {
    package let feature: A64Feature
    package let condition: A64BitPattern
}

/// What the table says about an encoding. For tests, fuzzers, logs and coverage; decoding does not look here.
package struct A64EncodingRow: Sendable {
    package let encoding: A64Encoding
    package let name: String
    /// The struct that names the encoding's fields.
    package let fieldsType: String
    /// The manual's heading.
    package let heading: String
    package let bits: A64BitPattern
    /// Words that match one of these are not this encoding.
    package let excluded: [A64BitPattern]
    package let features: [A64FeatureNeed]
    /// False: the translator treats it as UNDEFINED.
    package let isImplemented: Bool

    /// The row's pattern holds `word`. A row that goes before this one may still claim it.
    package func matches(_ word: UInt32) -> Bool {
        bits.matches(word) && !excluded.contains { $0.matches(word) }
    }

    /// The word of this row whose free bits are those of `random`; nil when that word is excluded.
    package func word(filling random: UInt32) -> UInt32? {
        let word = random & ~bits.mask | bits.value
        return matches(word) ? word : nil
    }

    /// Conditions under which words of the row need a feature that others do not: the half-precision forms, say.
    package var conditions: [A64BitPattern] { features.map(\.condition).filter { $0.mask != 0 } }

    /// `features` has all that `word` needs.
    package func isAvailable(_ word: UInt32, with features: A64FeatureSet) -> Bool {
        self.features.allSatisfy { !$0.condition.matches(word) || features.contains($0.feature) }
    }
}

/// Unpacks the generated numbers.
private let encodingRows: [A64EncodingRow] = {
    var numbers = encodingNumbers[...]
    var needs = encodingNeeds[...]
    func pattern() -> A64BitPattern { A64BitPattern(mask: numbers.removeFirst(), value: numbers.removeFirst()) }
    return A64Encoding.allCases.map { encoding in
        let bits = pattern()
        let summary = numbers.removeFirst()
        let layout = encodingClasses[Int(summary >> 16)]
        let excluded = (0..<summary & 0xff).map { _ in pattern() }
        let features = (0..<summary >> 8 & 0x7f).map { _ in
            A64FeatureNeed(feature: needs.removeFirst(), condition: pattern())
        }
        return A64EncodingRow(
            encoding: encoding, name: "\(encoding)", fieldsType: layout.name, heading: layout.heading, bits: bits,
            excluded: excluded, features: features, isImplemented: summary >> 15 & 1 != 0)
    }
}()

extension A64Encoding {
    /// The table, indexed by raw value.
    package static var rows: [A64EncodingRow] { encodingRows }
    package var row: A64EncodingRow { encodingRows[Int(rawValue)] }
}

/// How many of the listed encodings have semantics. Words under one of a row's conditions are a form of their own.
package struct A64Coverage: Equatable, Sendable {
    package let heading: String
    package private(set) var implemented = 0
    package private(set) var listed = 0

    /// One entry per heading, in the table's order.
    package static func perHeading() -> [A64Coverage] {
        var result: [A64Coverage] = []
        var places: [String: Int] = [:]
        for row in A64Encoding.rows {
            let place = places[row.heading] ?? result.count
            if place == result.count {
                places[row.heading] = place
                result.append(A64Coverage(heading: row.heading))
            }
            let forms = 1 + row.conditions.count
            result[place].listed += forms
            if row.isImplemented { result[place].implemented += forms }
        }
        return result
    }
}
