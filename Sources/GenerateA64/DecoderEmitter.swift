/// Writes the decoder as nested switches.
///
/// Each level switches on the run of bits that leaves the fewest rows per branch; a row that does not fix those bits goes
/// into several branches, as long as that does not grow the code much. Short lists end in a chain of mask tests.
struct DecoderEmitter {
    let rows: [EncodingRow]

    /// Rows of a list that a chain of tests takes.
    private static let chainLength = 2

    func text() -> String {
        var text = "/// The encoding of an instruction word; nil when it is unallocated. Features are not looked at.\n"
        text += "package func decodeA64(_ word: UInt32) -> A64Encoding? {\n"
        text += "    // Bits 28:25 are op0 of the manual's top-level table.\n"
        text += "    switch word &>> 25 & 15 {\n"
        var functions = ""
        for group in UInt32(0)..<16 {
            let known = BitPattern(mask: 15 << 25, value: group << 25)
            let members = rows.filter { $0.bits.meets(known) }
            if members.isEmpty { continue }
            text += "    case \(group): return decodeGroup\(group)(word)\n"
            functions += "\nprivate func decodeGroup\(group)(_ word: UInt32) -> A64Encoding? {\n"
            functions += body(members, known: known, indent: "    ") + "}\n"
        }
        return text + "    default: return nil\n    }\n}\n" + functions
    }

    private func body(_ rows: [EncodingRow], known: BitPattern, indent: String) -> String {
        if rows.count > DecoderEmitter.chainLength, let (lsb, width) = discriminator(rows, known) {
            var cases: [(keys: [UInt32], body: String)] = []
            for key in UInt32(0)..<(1 << width) {
                let branch = BitPattern(mask: ((1 << width) - 1) << lsb, value: key << lsb)
                let members = rows.filter { $0.bits.meets(branch) }
                if members.isEmpty { continue }
                let text = body(members, known: known.narrowed(by: branch), indent: indent + "    ")
                if let same = cases.firstIndex(where: { $0.body == text }) {
                    cases[same].keys.append(key)
                } else {
                    cases.append(([key], text))
                }
            }
            var text = "\(indent)switch word &>> \(lsb) & \((UInt32(1) << width) - 1) {\n"
            for entry in cases {
                text += "\(indent)case \(entry.keys.map(String.init).joined(separator: ", ")):\n\(entry.body)"
            }
            return text + "\(indent)default: return nil\n\(indent)}\n"
        }
        var text = ""
        for row in rows {
            let rest = row.bits.mask & ~known.mask
            var tests = rest == 0 ? [] : ["word & \(hex(rest)) == \(hex(row.bits.value & rest))"]
            for excluded in row.excluded where excluded.meets(known) {
                tests.append("word & \(hex(excluded.mask)) != \(hex(excluded.value))")
            }
            if tests.isEmpty { return text + "\(indent)return .\(row.name)\n" }
            text += "\(indent)if \(tests.joined(separator: ", ")) { return .\(row.name) }\n"
        }
        return text + "\(indent)return nil\n"
    }

    /// The run of at most 6 unknown bits whose switch leaves the fewest rows per branch, a copied row counting extra.
    private func discriminator(_ rows: [EncodingRow], _ known: BitPattern) -> (lsb: UInt32, width: UInt32)? {
        let patterns = rows.map(\.bits)
        var best: (lsb: UInt32, width: UInt32)?
        // Without a switch every row is tried.
        var bestCost = Double(rows.count) * 0.9
        for lsb in UInt32(0)..<32 {
            for width in UInt32(1)...6 where lsb + width <= 32 {
                let mask = ((UInt32(1) << width) - 1) << lsb
                if known.mask & mask != 0 { break }
                var total = 0
                var distinct: Set<UInt64> = []
                for key in UInt32(0)..<(1 << width) {
                    // A branch is known by a mix of its rows' numbers.
                    var count = 0
                    var mix: UInt64 = 0
                    for (number, pattern) in patterns.enumerated()
                    where (pattern.value ^ key << lsb) & pattern.mask & mask == 0 {
                        count += 1
                        mix = (mix ^ UInt64(number + 1)) &* 0x9e37_79b9_7f4a_7c15
                        mix ^= mix >> 29
                    }
                    if distinct.insert(mix).inserted { total += count }
                }
                if distinct.count < 2 { continue }
                let copies = Double(total - rows.count) / Double(rows.count)
                let cost = Double(total) / Double(distinct.count) + copies * Double(rows.count) * 0.5
                if cost < bestCost { (best, bestCost) = ((lsb, width), cost) }
            }
        }
        return best
    }
}

/// `value` as eight hexadecimal digits.
func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
