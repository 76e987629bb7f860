internal import A64ISA
internal import TestSupport

/// Loads and stores: what they address lies in the scratch memory, whatever the registers held.
extension Generator {
    /// How an access finds its address.
    private enum Offset {
        case none
        case immediate(Int)
        /// Register, option and shift of the register-offset forms.
        case register(UInt32, option: UInt32, shift: UInt32)
    }

    mutating func memoryAccess(_ original: UInt32, _ row: A64EncodingRow) -> FuzzUnit? {
        var word = original
        let size = word >> 30
        let isVector = word >> 26 & 1 != 0
        let rt = word & 31
        let rn = word >> 5 & 31
        let rt2 = word >> 10 & 31
        let rs = word >> 16 & 31
        let imm9 = Int(Int32(bitPattern: word << 11) >> 23)
        var offset = Offset.none
        var isAligned = false
        var writesBack = false
        var prefix: [UInt32] = []

        switch row.fieldsType {
        case "LoadLiteral":
            // Its own neighbourhood: the same bytes in both emulators.
            let distance = Int.random(in: -8..<9, using: &random)
            word = word & 0xff00_001f | (UInt32(truncatingIfNeeded: distance) & 0x7ffff) << 5
            return FuzzUnit(words: [word], encoding: row.encoding)
        case "LoadStoreUnscaled", "LoadStoreUnprivileged": offset = .immediate(imm9)
        case "LoadStorePreIndexed":
            offset = .immediate(imm9)
            writesBack = true
        case "LoadStorePostIndexed": writesBack = true
        case "LoadStoreOrderedUnscaled":
            offset = .immediate(imm9)
            isAligned = true
        case "LoadStoreUnsignedImmediate":
            let scale = isVector ? size | (word >> 23 & 1) << 2 : size
            offset = .immediate(Int(word >> 10 & 0xfff) << Int(scale))
        case "LoadStoreRegisterOffset":
            if rs == rn || rs == 31 { return nil }
            let scale = isVector ? size | (word >> 23 & 1) << 2 : size
            offset = .register(rs, option: word >> 13 & 7, shift: word >> 12 & 1 != 0 ? scale : 0)
        case "LoadStorePair":
            let scale = isVector ? 2 + size : size & 2 != 0 ? 3 : 2
            let mode = word >> 23 & 7
            let imm7 = Int(Int32(bitPattern: word << 10) >> 25)
            if mode != 1 { offset = .immediate(imm7 << Int(scale)) }
            writesBack = mode & 1 != 0
            let isLoad = word >> 22 & 1 != 0
            if isLoad && rt == rt2 { return nil }
            if writesBack && !isVector && rn != 31 && rt2 == rn { return nil }
        case "AtomicMemory": isAligned = true
        case "LoadStoreExclusive":
            isAligned = true
            guard let lead = exclusive(&word, row) else { return nil }
            prefix = lead
        case "LoadStoreMultiple", "LoadStoreMultiplePost":
            // Interleaving single elements is UNDEFINED: opcode 0, 4, 8 with one-element vectors.
            if word >> 12 & 3 == 0 && word >> 30 & 1 == 0 && word >> 10 & 3 == 3 { return nil }
        case "LoadStoreSingle", "LoadStoreSinglePost": break
        default: return nil
        }
        // CONSTRAINED UNPREDICTABLE.
        if writesBack && !isVector && rn != 31 && rt == rn { return nil }

        var target = UInt32.random(in: 0..<440, using: &random)
        if isAligned || random.oneIn(2) { target &= ~15 }
        var base = Int(MachineState.scratchAddress + target)
        switch offset {
        case .none: break
        case .immediate(let value): base -= value
        case .register(let register, let option, let shift):
            var amount = Int.random(in: 0..<16, using: &random)
            let isNegative = option != 2 && random.oneIn(2)
            prefix.append(
                isNegative ? Assembler.movn(register, UInt32(amount)) : Assembler.movz(register, UInt32(amount)))
            // Only the low half counts.
            if option & 1 == 0 { prefix.append(Assembler.movkHigh(register, UInt32(random.next() & 0xffff))) }
            if isNegative { amount = ~amount }
            base -= amount << Int(shift)
        }
        let address = UInt32(truncatingIfNeeded: base)
        if rn == 31 {
            // SP is set through a register that the access does not use as its offset.
            var temporary = UInt32.random(in: 0..<31, using: &random)
            if temporary == rs { temporary = (temporary + 1) % 31 }
            prefix = Assembler.move(temporary, address) + [Assembler.moveSP(31, temporary)] + prefix
        } else {
            prefix = Assembler.move(rn, address) + prefix
        }
        return FuzzUnit(words: prefix + [word], encoding: row.encoding)
    }

    /// Excludes what is UNPREDICTABLE and gives a store the load that it belongs to.
    private mutating func exclusive(_ word: inout UInt32, _ row: A64EncodingRow) -> [UInt32]? {
        let rt = word & 31
        let rn = word >> 5 & 31
        let rt2 = word >> 10 & 31
        let rs = word >> 16 & 31
        let name = row.name
        if name.hasPrefix("CASP") { return rt & 1 == 0 && rs & 1 == 0 && rt < 30 && rs < 30 ? [] : nil }
        if name.hasPrefix("CAS") { return [] }
        let isPair = word >> 21 & 1 != 0
        // Should-be-one fields.
        if !isPair { word |= 31 << 10 }
        let isLoad = word >> 22 & 1 != 0
        if isLoad || word >> 23 & 1 != 0 { word |= 31 << 16 }
        if word >> 23 & 1 != 0 { return [] }
        if isLoad { return isPair && rt == rt2 ? nil : [] }
        if rs == rt || rs == rn && rn != 31 || isPair && rs == rt2 { return nil }
        if random.oneIn(4) { return [Assembler.clrex] }
        // A load-exclusive of the same size into registers that are not the base; the base is set in front of both.
        let first = (rn + 1) % 31
        let second = (rn + 2) % 31
        if first == rn || second == rn { return nil }
        let load =
            word & 0xffe0_7c00 & ~(31 << 10) | 1 << 22 | 31 << 16 | (isPair ? second : 31) << 10 | rn << 5 | first
        return [load]
    }
}
