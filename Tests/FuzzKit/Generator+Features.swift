internal import A64ISA
internal import TestSupport

/// Instructions whose result alone says nothing, or is each emulator's own.
extension Generator {
    /// PAC and AUT. Keys are random: what is signed is authenticated again, which leaves the pointer.
    mutating func signing(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        let (rd, rn) = (word & 31, word >> 5 & 31)
        if rd == 31 { return nil }
        if row.name == "PACGA" {
            // AND Xd, Xd, #0xffffffff
            return FuzzUnit(words: [word, 0x9240_7c00 | rd << 5 | rd], encoding: row.encoding, trailing: 1)
        }
        if row.name.hasPrefix("XPAC") { return FuzzUnit(words: [word], encoding: row.encoding) }
        if rd == rn { return nil }
        return pair(word, authenticate: 4 << 10, pointer(rd), row)
    }

    /// PACIASP and its kin: X30, or X17 with the modifier in X16.
    mutating func signingHint(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        if row.name == "XPACLRI" { return FuzzUnit(words: [word], encoding: row.encoding) }
        return pair(word, authenticate: 4 << 5, pointer(row.name.hasSuffix("1716") ? 17 : 30), row)
    }

    private func pair(_ word: UInt32, authenticate bit: UInt32, _ prefix: [UInt32], _ row: A64EncodingRow) -> FuzzUnit {
        FuzzUnit(
            words: prefix + [word & ~bit, word | bit], encoding: row.encoding, trailing: word & bit == 0 ? 1 : 0)
    }

    /// An address of 48 bits.
    private mutating func pointer(_ register: UInt32) -> [UInt32] {
        Assembler.move(register, random.word()) + [Assembler.movkHigh(register, random.word() & 0x7fff)]
    }

    /// BRAA, BLRAA, RETAA to a signed address, over an instruction that shows when they do not go there.
    mutating func authenticatedBranch(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        let keyB = word >> 10 & 1
        let isReturn = row.name.hasPrefix("RET")
        let (rn, modifier) = (isReturn ? 30 : word >> 5 & 31, word & 31)
        if !isReturn && (rn == 31 || rn == modifier) { return nil }
        // PACIASP, PACIBSP; PACIZA, PACIZB; PACIA, PACIB
        let sign: UInt32 =
            isReturn
            ? 0xd503_233f | keyB << 6
            : 0xdac1_0000 | keyB << 10 | (row.name.hasSuffix("Z") ? 8 << 10 | 31 << 5 : modifier << 5) | rn
        return FuzzUnit(
            words: [Assembler.address(rn, words: 4), sign, word, Assembler.movz(rn, 0), Generator.strip(rn)],
            encoding: row.encoding, trailing: 2)
    }

    /// LDRAA, LDRAB: PACDZA or PACDZB of the base goes before.
    mutating func authenticatedLoad(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        let (rt, rn) = (word & 31, word >> 5 & 31)
        let writesBack = word >> 11 & 1 != 0
        if rn == 31 || writesBack && rt == rn { return nil }
        let offset = Int(Int32(bitPattern: (word >> 22 & 1) << 31 | (word >> 12 & 0x1ff) << 22) >> 22) * 8
        let address = Int(MachineState.scratchAddress) + Int.random(in: 0..<480, using: &random) - offset
        let sign: UInt32 = 0xdac1_2be0 | (word >> 23 & 1) << 10 | rn
        return FuzzUnit(
            words: Assembler.move(rn, UInt32(truncatingIfNeeded: address)) + [sign, word, Generator.strip(rn)],
            encoding: row.encoding, trailing: 1)
    }

    /// XPACI: a signature is each emulator's own.
    private static func strip(_ register: UInt32) -> UInt32 { 0xdac1_43e0 | register }

    /// CPY… and SET…: always prologue, main part and epilogue together, for how far each comes is the CPU's choice.
    mutating func memoryCopySet(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        let (rd, rn, rs) = (word & 31, word >> 5 & 31, word >> 16 & 31)
        let sets = word >> 22 & 3 == 3
        if rd == rn || rd == rs || rn == rs || rd == 31 || rn == 31 || rs == 31 && !sets { return nil }
        let size = random.oneIn(8) ? 0 : UInt32.random(in: 0..<(random.oneIn(2) ? 32 : 200), using: &random)
        // CPYF… goes forward whatever overlaps: UNKNOWN bytes.
        let overlaps = word >> 26 & 1 != 0
        let source = UInt32.random(in: 0..<(overlaps ? 512 : 256) - size, using: &random)
        let target = UInt32.random(in: (overlaps || sets ? 0 : 256)..<512 - size, using: &random)
        var words = Assembler.move(rd, MachineState.scratchAddress + target) + Assembler.move(rn, size)
        if !sets { words += Assembler.move(rs, MachineState.scratchAddress + source) }
        let lsb: UInt32 = sets ? 14 : 22
        let part = word >> lsb & 3
        words += (0..<3).map { word & ~(3 << lsb) | $0 << lsb }
        return FuzzUnit(words: words, encoding: row.encoding, trailing: 2 - Int(part))
    }
}
