/// A static ELF that runs cases one after the other and writes the state after each to standard output.
///
/// No compiler is needed to make it. All cases are run twice, so that the second time finds code that `--tier=auto` compiled
/// after the first.
package enum GuestProgram {
    package static let passes = 2
    private static let codeAddress: UInt32 = 0x40_0000
    private static let inputAddress: UInt32 = 0x1000_0000
    private static let resultAddress: UInt32 = 0x2000_0000
    private static let counterAddress: UInt32 = 0x2000_0800
    /// Cases start here whatever the harness grows to: ADR and literals of kept cases depend on it.
    private static let firstCase = 0x1000

    /// - Returns: the bytes of the ELF file. A case is the state before it and its instructions.
    package static func make(_ cases: [(input: MachineState, words: [UInt32])]) -> [UInt8] {
        var code = Code()
        code.harness(firstCase: firstCase / 4)
        for (index, entry) in cases.enumerated() {
            code.add(entry.words, input: inputAddress + UInt32(index * MachineState.size), x30: entry.input.words[30])
        }
        code.finish(firstCase: firstCase / 4)
        return elf(code: code.words.flatMap(littleEndian), data: cases.flatMap(\.input.bytes))
    }

    private struct Code {
        var words: [UInt32] = []
        private var loadAll = 0
        private var saveRest = 0

        private mutating func emit(_ word: UInt32) { words.append(word) }
        private mutating func emit(_ several: [UInt32]) { words += several }

        mutating func harness(firstCase: Int) {
            typealias A = Assembler
            // The pass counter, then the first case.
            emit(A.move(0, counterAddress) + [A.movz(1, UInt32(passes)), A.store(1, 0, 0)])
            emit(A.branch(words: firstCase - words.count))
            // X0 = state to load, X30 = return address; loads all but X30.
            loadAll = words.count
            emit([A.clrex, A.msr(.tpidr, 31)])
            emit(A.move(1, MachineState.scratchAddress) + [A.addImmediate(2, 0, 800)])
            for offset in stride(from: 0, to: MachineState.scratchSize, by: 32) {
                emit([A.loadPairQ(0, 2, offset), A.storePairQ(0, 1, offset)])
            }
            emit([
                A.load(1, 0, 256), A.msr(.nzcv, 1), A.load(1, 0, 264), A.msr(.fpcr, 1), A.load(1, 0, 272),
                A.msr(.fpsr, 1),
            ])
            emit([A.load(1, 0, 248), A.moveSP(31, 1)])
            for n in stride(from: UInt32(0), to: 32, by: 2) { emit(A.loadPairQ(n, 0, 288 + Int(n) * 16)) }
            for n in stride(from: UInt32(2), to: 30, by: 2) { emit(A.loadPair(n, n + 1, 0, Int(n) * 8)) }
            emit([A.load(1, 0, 8), A.load(0, 0, 0), A.ret])
            // X28 = where to store; X28...X30 are stored already. Writes the result out.
            saveRest = words.count
            for n in stride(from: UInt32(0), to: 28, by: 2) { emit(A.storePair(n, n + 1, 28, Int(n) * 8)) }
            emit([A.moveSP(0, 31), A.store(0, 28, 248), A.mrs(0, .nzcv), A.store(0, 28, 256), A.mrs(0, .fpcr)])
            emit([A.store(0, 28, 264), A.mrs(0, .fpsr), A.store(0, 28, 272), A.store(31, 28, 280)])
            for n in stride(from: UInt32(0), to: 32, by: 2) { emit(A.storePairQ(n, 28, 288 + Int(n) * 16)) }
            emit(A.move(1, MachineState.scratchAddress) + [A.addImmediate(2, 28, 800)])
            for offset in stride(from: 0, to: MachineState.scratchSize, by: 32) {
                emit([A.loadPairQ(0, 1, offset), A.storePairQ(0, 2, offset)])
            }
            emit([
                A.movz(0, 1), A.moveRegister(1, 28), A.movz(2, UInt32(MachineState.size)), A.movz(8, 64), A.svc, A.ret,
            ])
            precondition(words.count <= firstCase, "the harness has outgrown its page")
            words += [UInt32](repeating: A.nop, count: firstCase - words.count)
        }

        mutating func add(_ sequence: [UInt32], input: UInt32, x30: UInt64) {
            typealias A = Assembler
            emit([A.branch(words: 3), UInt32(truncatingIfNeeded: x30), UInt32(truncatingIfNeeded: x30 >> 32)])
            emit(A.move(0, input))
            emit(A.branchLink(words: loadAll - words.count))
            emit(A.loadLiteral(30, words: -5))
            emit(sequence)
            emit([A.msr(.tpidr, 30)] + A.move(30, resultAddress))
            emit([A.storePair(28, 29, 30, 224), A.mrs(29, .tpidr), A.store(29, 30, 240), A.moveRegister(28, 30)])
            emit(A.branchLink(words: saveRest - words.count))
        }

        mutating func finish(firstCase: Int) {
            typealias A = Assembler
            emit(A.move(0, counterAddress) + [A.load(1, 0, 0), 0xd100_0421, A.store(1, 0, 0)])
            // CBZ over a far branch back: the cases may be more than 1 MiB of code.
            emit(0xb400_0041)
            emit(A.branch(words: firstCase - words.count))
            emit([A.movz(0, 0), A.movz(8, 94), A.svc])
        }
    }

    // MARK: ELF

    private static func littleEndian(_ word: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    private static func elf(code: [UInt8], data: [UInt8]) -> [UInt8] {
        var file: [UInt8] = []
        func put(_ value: Int, _ bytes: Int) {
            for n in 0..<bytes { file.append(UInt8(truncatingIfNeeded: value >> (8 * n))) }
        }
        func padded(_ count: Int) -> Int { (count + 4095) & ~4095 }
        file += [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        put(2, 2)
        put(183, 2)
        put(1, 4)
        put(Int(codeAddress), 8)
        put(64, 8)
        put(0, 8)
        put(0, 4)
        for (value, bytes) in [(64, 2), (56, 2), (4, 2), (64, 2), (0, 2), (0, 2)] { put(value, bytes) }
        let dataOffset = 4096 + padded(code.count)
        let segments: [(flags: Int, offset: Int, address: UInt32, fileSize: Int, size: Int)] = [
            (5, 4096, codeAddress, code.count, code.count),
            (4, dataOffset, inputAddress, data.count, data.count), (6, 0, resultAddress, 0, 8192),
            (6, 0, MachineState.scratchAddress - 0x1_0000, 0, 0x3_0000),
        ]
        for segment in segments {
            put(1, 4)
            put(segment.flags, 4)
            put(segment.offset, 8)
            put(Int(segment.address), 8)
            put(Int(segment.address), 8)
            put(segment.fileSize, 8)
            put(segment.size, 8)
            put(4096, 8)
        }
        file += [UInt8](repeating: 0, count: 4096 - file.count)
        file += code + [UInt8](repeating: 0, count: padded(code.count) - code.count)
        return file + data
    }
}
