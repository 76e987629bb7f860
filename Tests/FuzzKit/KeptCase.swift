internal import A64ISA
internal import Glibc
internal import TestSupport

/// A case as text, with what QEMU made of it: replaying needs no QEMU.
///
///     # add x0, x1, x2
///     word 8b020020
///     in x1 5
///     out x0 5
///
/// Names are `MachineState.names`, values hex. A name that `in` leaves out is 0; one that `out` leaves out is unchanged.
package struct KeptCase: Sendable {
    package var words: [UInt32] = []
    package var input = MachineState()
    package var expected = MachineState()

    package init(words: [UInt32], input: MachineState, expected: MachineState) {
        self.words = words
        self.input = input
        self.expected = expected
    }

    /// nil for text that does not follow the format.
    package init?(text: String) {
        input.sp = 0
        var outputs: [(Int, UInt64)] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == "word", let word = UInt32(parts[1], radix: 16) {
                words.append(word)
            } else if parts.count == 3, let n = MachineState.names.firstIndex(of: String(parts[1])),
                let value = UInt64(parts[2], radix: 16)
            {
                if parts[0] == "in" { input.words[n] = value } else { outputs.append((n, value)) }
            } else {
                return nil
            }
        }
        expected = input
        for (n, value) in outputs { expected.words[n] = value }
    }

    /// - Parameter disassemble: text of a word for the comment lines.
    package func text(_ comments: [String]) -> String {
        var lines = comments.map { "# " + $0 }
        for word in words {
            let digits = String(word, radix: 16)
            lines.append("word " + String(repeating: "0", count: 8 - digits.count) + digits)
        }
        for (n, name) in MachineState.names.enumerated() where input.words[n] != 0 {
            lines.append("in \(name) \(String(input.words[n], radix: 16))")
        }
        for (n, name) in MachineState.names.enumerated() where expected.words[n] != input.words[n] {
            lines.append("out \(name) \(String(expected.words[n], radix: 16))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Files of `Tests/Cases/fuzz`, by name.
    package static func loadAll(_ folder: String) -> [(name: String, kept: KeptCase?)] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".case") { names.append(name) }
        }
        return names.sorted().map { ($0, KeptCase(text: InstructionCase.contents(of: "\(folder)/\($0)"))) }
    }

    /// What differs, one line for each part: `x0 5 not 7`.
    package static func differences(_ actual: MachineState, _ expected: MachineState) -> [String] {
        MachineState.names.indices.filter { actual.words[$0] != expected.words[$0] }.map {
            "\(MachineState.names[$0]) = \(String(actual.words[$0], radix: 16)) not \(String(expected.words[$0], radix: 16))"
        }
    }
}
