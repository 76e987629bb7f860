package import A64ISA
package import TestSupport

/// Makes random cases from the encoding table.
package struct Generator {
    package var random: SplitMix64
    /// Encodings to draw from.
    package var encodings: [A64Encoding]
    /// Lists that a case draws from, each split by kind of instruction, so that a kind with few encodings is drawn as often as
    /// one with many: everything, and what compilers put together (tier 0 fuses such neighbours).
    private var flavours: [[[A64Encoding]]]

    /// Some accesses of this case go to addresses that are not mapped.
    var mayFault = false

    package init(seed: UInt64, encodings: [A64Encoding]) {
        random = SplitMix64(seed: seed)
        self.encodings = encodings
        func grouped(_ list: [A64Encoding]) -> [[A64Encoding]] {
            Dictionary(grouping: list) { $0.row.fieldsType }.sorted { $0.key < $1.key }.map(\.value)
        }
        let integer = encodings.filter { $0.row.heading.hasPrefix("Data") || $0.row.heading.hasPrefix("Branches") }
        let memory = encodings.filter { $0.row.heading.hasPrefix("Loads") }
        let vector = encodings.filter { $0.row.heading.hasPrefix("Scalar") }
        let all = grouped(encodings)
        // Floating point with what reads and sets its modes and flags in between.
        let modes = vector + encodings.filter { $0 == .MRS || $0 == .MSR_reg }
        flavours = [all, all, all, grouped(integer), grouped(integer + memory), grouped(vector), grouped(modes)]
            .filter { !$0.isEmpty }
    }

    /// Implemented encodings that a case may hold: no exceptions, and nothing that an emulator may answer as it likes.
    package static let all: [A64Encoding] = A64Encoding.rows.filter {
        $0.isImplemented && $0.isAvailable($0.bits.value, with: .max) && !excludedClasses.contains($0.fieldsType)
            && !excluded.contains($0.name) && !$0.features.contains { missingInQEMU.contains($0.feature) }
    }.map(\.encoding)

    /// Features of ours that the `max` of QEMU 10.0 has not.
    private static let missingInQEMU: A64FeatureSet = [.FEAT_CSSC, .FEAT_HBC]

    private static let excludedClasses: Set<String> = [
        // They raise exceptions.
        "ExceptionGeneration", "PermanentlyUndefined",
    ]
    private static let excluded: Set<String> = [
        // They wait.
        "WFI", "WFE",
        // EL1 and above.
        "ERETAA", "ERETAB",
        // UNDEFINED at EL0.
        "MSR_UAO", "MSR_PAN", "MSR_SPSel", "MSR_DAIFSet", "MSR_DAIFClr", "ERET", "DRPS", "SYSL",
    ]
    package mutating func makeCase() -> FuzzCase {
        let count = Int.random(in: 1...20, using: &random)
        mayFault = random.oneIn(4)
        let groups = flavours.randomElement(using: &random)!
        var units: [FuzzUnit] = []
        while units.count < count {
            let group = random.oneIn(3) ? groups.flatMap { $0 } : groups.randomElement(using: &random)!
            guard let unit = makeUnit(group.randomElement(using: &random)!) else { continue }
            units.append(unit)
            // A system call, which must not show in the flags: close(-1).
            if random.oneIn(60) {
                units.append(
                    FuzzUnit(words: [Assembler.movn(0, 0), Assembler.movz(8, 57), Assembler.svc], encoding: .SVC))
            }
        }
        var made = FuzzCase(input: MachineState(using: &random), units: units)
        if made.mayLoop, random.oneIn(2) {
            made.loopCount = UInt32.random(in: 1..<5, using: &random)
            made.loopsByFlags = random.oneIn(2)
        }
        return made
    }

    /// nil when the random fields made something to be avoided.
    package mutating func makeUnit(_ encoding: A64Encoding) -> FuzzUnit? {
        let row = encoding.row
        guard var word = row.word(filling: UInt32(truncatingIfNeeded: random.next())) else { return nil }
        // Few registers, so that instructions feed each other.
        if !random.oneIn(4) {
            for lsb: UInt32 in [0, 5, 16] where row.bits.mask & 31 << lsb == 0 && !random.oneIn(3) {
                let register: UInt32 = random.oneIn(8) ? 31 : UInt32.random(in: 0..<6, using: &random)
                word = word & ~(31 << lsb) | register << lsb
            }
        }
        // Where the aliases are: SXTB, UXTH, LSR…
        if row.fieldsType == "Bitfield", random.oneIn(3) {
            let last: UInt32 = word >> 31 != 0 ? 63 : 31
            let ends = [7, 15, 31, last]
            word = word & ~(0xfff << 10) | ends.randomElement(using: &random)! << 10
            if random.oneIn(2) { word |= (random.word() & last) << 16 }
        }
        // Ra should be all ones; what ignores that and what does not are both right.
        if row.name == "SMULH" || row.name == "UMULH" { word |= 31 << 10 }
        guard let unit = finish(word, row),
            decodeA64(unit.words[unit.main]) == encoding || row.fieldsType.hasPrefix("System"),
            row.isAvailable(unit.words[unit.main], with: .max)
        else { return nil }
        return unit
    }

    private mutating func finish(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        switch row.fieldsType {
        case "ConditionalBranch", "UnconditionalBranchImmediate", "CompareAndBranch", "TestAndBranch":
            if !random.oneIn(3) { return nil }
            let units = Int.random(in: 0..<4, using: &random)
            return FuzzUnit(words: [word], encoding: row.encoding, skips: [(0, units)])
        case "UnconditionalBranchRegister":
            if row.features.contains(where: { $0.feature == .FEAT_PAuth }) { return authenticatedBranch(word, row) }
            let register = word >> 5 & 31
            if register == 31 || !random.oneIn(3) { return nil }
            let units = Int.random(in: 0..<4, using: &random)
            return FuzzUnit(
                words: [Assembler.address(register, words: 0), word], encoding: row.encoding, skips: [(0, units)])
        case "LogicalImmediate" where !Generator.isBitMask(word): return nil
        case "SystemRegisterMove": return systemRegister(word, row)
        case "SystemInstructions": return systemInstruction(word, row)
        case "Hints" where ["PACI", "AUTI", "XPAC"].contains(row.name.prefix(4)): return signingHint(word, row)
        case "DataProcessing1Source", "DataProcessing2Source":
            if row.features.contains(where: { $0.feature == .FEAT_PAuth }) { return signing(word, row) }
            return FuzzUnit(words: [word], encoding: row.encoding)
        case "MemoryCopySet": return memoryCopySet(word, row)
        case "SystemWithRegister":
            // WFET and WFIT until a time that is over.
            return FuzzUnit(words: (word & 31 == 31 ? [] : [Assembler.movz(word & 31, 1)]) + [word], encoding: row.encoding)
        case "PSTATE" where row.name == "MSR_DIT" || row.name == "MSR_SSBS":
            let register: Assembler.SystemRegister = row.name == "MSR_DIT" ? .dit : .ssbs
            let rt = UInt32.random(in: 0..<31, using: &random)
            return FuzzUnit(words: [word, Assembler.mrs(rt, register)], encoding: row.encoding, trailing: 1)
        case "LoadAuthenticated": return authenticatedLoad(word, row)
        case let type where type.hasPrefix("Load") || type == "AtomicMemory": return memoryAccess(word, row)
        default: return FuzzUnit(words: [word], encoding: row.encoding)
        }
    }

    /// N:immr:imms is a bitmask immediate: an element of 2...64 bits that is not all ones.
    private static func isBitMask(_ word: UInt32) -> Bool {
        let length = (word >> 22 & 1) << 6 | ~(word >> 10) & 63
        guard length & 127 > 1 else { return false }
        let bits = UInt32(31 - (length & 127).leadingZeroBitCount)
        let levels = (UInt32(1) << bits) - 1
        return (word >> 10) & levels != levels && (word >> 31 != 0 || bits < 6)
    }

    private mutating func systemRegister(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        let registers: [Assembler.SystemRegister] = [.nzcv, .fpcr, .fpsr, .tpidr]
        let register = registers.randomElement(using: &random)!
        let rt = word & 31
        if row.name == "MRS" { return FuzzUnit(words: [Assembler.mrs(rt, register)], encoding: row.encoding) }
        var words = [Assembler.msr(register, rt)]
        if register == .fpcr || register == .fpsr {
            if rt == 31 { return FuzzUnit(words: words, encoding: row.encoding) }
            let mask = register == .fpcr ? MachineState.fpcrMask : 0x0800_009f
            words = Assembler.move(rt, UInt32(random.next() & mask)) + words
        }
        return FuzzUnit(words: words, encoding: row.encoding)
    }

    /// Cache operations by address (DC CVAC, CVAU, CVAP, CVADP, CIVAC), and IC IVAU. Not DC ZVA: what it clears depends on DCZID_EL0, 512 bytes under QEMU.
    private mutating func systemInstruction(_ word: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        let operations: [UInt32] = [0xd50b_7a20, 0xd50b_7b20, 0xd50b_7c20, 0xd50b_7d20, 0xd50b_7e20, 0xd50b_7520]
        let rt = word & 31
        if rt == 31 { return nil }
        let address = MachineState.scratchAddress + UInt32.random(in: 0..<512, using: &random)
        return FuzzUnit(
            words: Assembler.move(rt, address) + [operations.randomElement(using: &random)! | rt],
            encoding: row.encoding)
    }
}
