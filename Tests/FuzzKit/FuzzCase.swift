package import A64ISA

/// One fuzzed instruction with the instructions that make it safe: they put its base register into the scratch memory.
package struct FuzzUnit: Sendable {
    package var words: [UInt32]
    package var encoding: A64Encoding
    /// Where words that branch forward go, by their index: this many units are skipped.
    package var skips: [(index: Int, units: Int)] = []
}

/// A state and a short run of instructions.
package struct FuzzCase: Sendable {
    package var input: MachineState
    package var units: [FuzzUnit]

    /// The words with branches resolved. A branch past the last unit ends the case.
    package var words: [UInt32] {
        var starts: [Int] = []
        var length = 0
        for unit in units {
            starts.append(length)
            length += unit.words.count
        }
        starts.append(length)
        var words: [UInt32] = []
        for (n, unit) in units.enumerated() {
            var resolved = unit.words
            for (index, units) in unit.skips {
                let target = starts[min(n + 1 + units, starts.count - 1)]
                resolved[index] = FuzzCase.retarget(resolved[index], words: target - starts[n] - index)
            }
            words += resolved
        }
        return words
    }

    /// Puts a branch's (or ADR's) distance in words into its immediate field.
    private static func retarget(_ word: UInt32, words: Int) -> UInt32 {
        let distance = UInt32(truncatingIfNeeded: words)
        if word & 0x7c00_0000 == 0x1400_0000 { return word & 0xfc00_0000 | distance & 0x3ff_ffff }
        if word & 0x7e00_0000 == 0x3600_0000 { return word & 0xfff8_001f | (distance & 0x3fff) << 5 }
        return word & 0xff00_001f | (distance & 0x7ffff) << 5
    }
}
