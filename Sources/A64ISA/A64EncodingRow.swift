/// One row of the encoding table, for tests, fuzzers and coverage. Not used when translating.
package struct A64EncodingRow: Sendable {
    package let encoding: A64Encoding
    /// The manual's heading.
    package let heading: String
    /// A word is a candidate when `word & mask == value`.
    package let mask: UInt32
    package let value: UInt32
    /// Unless for one of these `word & mask == value`.
    package let excluded: [(mask: UInt32, value: UInt32)]
    /// All must be present.
    package let features: [A64Feature]
    package let isImplemented: Bool

    init(
        _ encoding: A64Encoding, _ heading: String, _ mask: UInt32, _ value: UInt32,
        _ excluded: [(UInt32, UInt32)], _ features: [A64Feature], _ isImplemented: Bool
    ) {
        self.encoding = encoding
        self.heading = heading
        self.mask = mask
        self.value = value
        self.excluded = excluded.map { (mask: $0.0, value: $0.1) }
        self.features = features
        self.isImplemented = isImplemented
    }
}

extension A64Encoding {
    /// The encoding's row; the rows stand in the order of the cases.
    package var row: A64EncodingRow { A64Encoding.rows[Int(rawValue)] }
}
