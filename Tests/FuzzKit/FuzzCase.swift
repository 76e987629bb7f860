package import A64ISA

/// One fuzzed instruction with the instructions that make it safe: they put its base register into the scratch memory.
package struct FuzzUnit: Sendable {
    package var words: [UInt32]
    package var encoding: A64Encoding
    /// Where words that branch forward go, by their index: this many units are skipped.
    package var skips: [(index: Int, units: Int)] = []
    /// Words behind the instruction that show what it did.
    package var trailing = 0
    /// Where the instruction itself is.
    package var main: Int { words.count - 1 - trailing }
}

/// A state and a short run of instructions.
package struct FuzzCase: Sendable {
    package var input: MachineState
    package var units: [FuzzUnit]
    /// Not 0: the instructions are a loop that runs so often, counted by X27, which they do not name.
    package var loopCount: UInt32 = 0
    /// The loop ends in SUBS and B.NE, not in SUB and CBNZ.
    package var loopsByFlags = false
    package static let loopRegister: UInt32 = 27

    /// The words with branches resolved. A branch past the last unit ends the case, or the loop's round.
    package var words: [UInt32] {
        if loopCount == 0 { return body }
        let counter = FuzzCase.loopRegister
        let body = body
        let decrement: UInt32 = (loopsByFlags ? 0xf100_0400 : 0xd100_0400) | counter << 5 | counter
        let back = UInt32(truncatingIfNeeded: -body.count - 1) & 0x7ffff
        let branch: UInt32 = loopsByFlags ? 0x5400_0001 | back << 5 : 0xb500_0000 | back << 5 | counter
        return [Assembler.movz(counter, loopCount)] + body + [decrement, branch]
    }

    /// None of the words can change the loop's counter: no register field names it, nor the one in front of it, whose pair it is.
    var mayLoop: Bool {
        units.allSatisfy { unit in
            unit.words.allSatisfy { word in
                [0, 5, 10, 16].allSatisfy { ![26, 27].contains(word >> $0 & 31) }
            }
        }
    }

    private var body: [UInt32] {
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
