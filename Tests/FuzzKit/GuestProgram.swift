/// A static ELF that runs cases one after the other and writes the state after each to standard output.
///
/// No compiler is needed to make it. All cases are run at least twice, so that the second time finds code that `--tier=auto`
/// compiled after the first.
package enum GuestProgram {
    /// How often cases with one state run.
    package static let passes = 2
    /// What a SIGILL handler puts into the fault word's upper byte; the rest is the instruction's address.
    package static let illegalInstruction: UInt64 = 4 << 56
    private static let codeAddress: UInt32 = 0x40_0000
    private static let inputAddress: UInt32 = 0x1000_0000
    private static let resultAddress: UInt32 = 0x2000_0000
    private static let counterAddress: UInt32 = 0x2000_0800
    private static let signalStackAddress: UInt32 = 0x2000_1000
    private static let signalStackSize: UInt32 = 0x1_0000
    /// Cases start here whatever the harness grows to: ADR and literals of kept cases depend on it.
    private static let firstCase = 0x1000

    /// - Parameter pauses: sleeps for a second, for a compiler in the background to catch up.
    /// - Returns: the bytes of the ELF file. A case is the state before it and its instructions.
    package static func make(_ cases: [(input: MachineState, words: [UInt32])], pauses: Bool = false) -> [UInt8] {
        var code = Code(passes: passes, distance: 0)
        code.harness(firstCase: firstCase / 4, catchesIllegal: false)
        for (index, entry) in cases.enumerated() {
            code.add(entry.words, input: inputAddress + UInt32(index * MachineState.size), x30: entry.input.words[30])
        }
        code.finish(firstCase: firstCase / 4, pauses: pauses)
        return elf(code: code.words.flatMap(littleEndian), data: cases.flatMap(\.input.bytes))
    }

    /// A program that runs each case once for each of its states: all cases on their first state, then all on their second…
    /// SIGILL ends a case like a fault, and shows in the fault word (`illegalInstruction`).
    /// - Precondition: all cases have the same number of states, and X30 is the same in all states of a case.
    package static func make(passes cases: [(inputs: [MachineState], words: [UInt32])], pauses: Bool) -> [UInt8] {
        let count = cases.first?.inputs.count ?? 0
        var code = Code(passes: count, distance: UInt32(cases.count * MachineState.size))
        code.harness(firstCase: firstCase / 4, catchesIllegal: true)
        for (index, entry) in cases.enumerated() {
            precondition(entry.inputs.count == count && Set(entry.inputs.map(\.words[30])).count == 1)
            code.add(
                entry.words, input: inputAddress + UInt32(index * MachineState.size), x30: entry.inputs[0].words[30])
        }
        code.finish(firstCase: firstCase / 4, pauses: pauses)
        let data = (0..<count).flatMap { pass in cases.flatMap(\.inputs[pass].bytes) }
        return elf(code: code.words.flatMap(littleEndian), data: data)
    }

    private struct Code {
        let passes: Int
        /// How much further the states of the next pass are.
        let distance: UInt32
        var words: [UInt32] = []
        private var loadAll = 0
        private var saveRest = 0
        private var saveTail = 0
        private var handler = 0

        init(passes: Int, distance: UInt32) {
            self.passes = passes
            self.distance = distance
        }

        private mutating func emit(_ word: UInt32) { words.append(word) }
        private mutating func emit(_ several: [UInt32]) { words += several }

        mutating func harness(firstCase: Int, catchesIllegal: Bool) {
            typealias A = Assembler
            let start = words.count
            emit(A.nop)
            // X0 = state to load, X30 = return address; loads all but X30.
            loadAll = words.count
            // ADD X0, X0, X1: this pass's state.
            emit(A.move(1, counterAddress) + [A.load(1, 1, 40), 0x8b01_0000])
            emit([A.clrex, A.msr(.tpidr, 31)])
            // Where the case ends, for the signal handler.
            emit([A.addImmediate(2, 30, 0), 0xf85e_c041] + A.move(2, counterAddress) + [A.store(1, 2, 32)])
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
            emit([A.moveSP(0, 31), A.store(0, 28, 248), A.mrs(0, .nzcv), A.store(0, 28, 256), A.store(31, 28, 280)])
            saveTail = words.count
            emit([A.mrs(0, .fpcr), A.store(0, 28, 264), A.mrs(0, .fpsr), A.store(0, 28, 272)])
            for n in stride(from: UInt32(0), to: 32, by: 2) { emit(A.storePairQ(n, 28, 288 + Int(n) * 16)) }
            emit(A.move(1, MachineState.scratchAddress) + [A.addImmediate(2, 28, 800)])
            for offset in stride(from: 0, to: MachineState.scratchSize, by: 32) {
                emit([A.loadPairQ(0, 1, offset), A.storePairQ(0, 2, offset)])
            }
            emit([
                A.movz(0, 1), A.moveRegister(1, 28), A.movz(2, UInt32(MachineState.size)), A.movz(8, 64), A.svc, A.ret,
            ])
            emitHandler()
            words[start] = A.branch(words: words.count - start)
            emitStart(firstCase: firstCase, signals: catchesIllegal ? [11, 7, 4] : [11, 7])
            precondition(words.count <= firstCase, "the harness has outgrown its page")
            words += [UInt32](repeating: A.nop, count: firstCase - words.count)
        }

        /// SIGSEGV, SIGBUS, SIGILL: the registers are the signal frame's, the PC goes where other cases have 0, and the case is over.
        private mutating func emitHandler() {
            typealias A = Assembler
            handler = words.count
            emit(A.move(28, resultAddress))
            // X2 = ucontext; X0...X30, SP, PC and PSTATE from byte 184 on.
            for n in 0..<16 { emit([A.loadPair(3, 4, 2, 184 + n * 16), A.storePair(3, 4, 28, n * 16)]) }
            // CMP X0, #4; CSET X4, EQ; ADD X3, X3, X4, LSL #58
            emit([A.load(3, 2, 440), 0xf100_101f, 0x9a9f_17e4, 0x8b04_e863, A.store(3, 28, 280), A.load(3, 2, 448)])
            // AND X3, X3, #0xf0000000
            emit([0x9264_0c63, A.store(3, 28, 256)])
            emit(A.move(0, counterAddress) + [A.load(30, 0, 32)])
            emit(A.branch(words: saveTail - words.count))
        }

        /// The signal handler's stack and actions, the pass counter, then the first case.
        private mutating func emitStart(firstCase: Int, signals: [UInt32]) {
            typealias A = Assembler
            emit(A.move(0, counterAddress + 64) + A.move(1, signalStackAddress) + [A.store(1, 0, 0), A.store(31, 0, 8)])
            emit(A.move(1, signalStackSize) + [A.store(1, 0, 16), A.movz(1, 0), A.movz(8, 132), A.svc])
            // SA_SIGINFO, SA_ONSTACK, SA_NODEFER; the handler never returns, so no restorer.
            emit(A.move(5, counterAddress + 128) + A.move(1, codeAddress + UInt32(handler * 4)) + [A.store(1, 5, 0)])
            emit(A.move(1, 0x4800_0004) + [A.store(1, 5, 8), A.store(31, 5, 16), A.store(31, 5, 24)])
            for signal in signals {
                emit([A.movz(0, signal), A.moveRegister(1, 5), A.movz(2, 0), A.movz(3, 8), A.movz(8, 134), A.svc])
            }
            emit(A.move(0, counterAddress) + [A.movz(1, UInt32(passes)), A.store(1, 0, 0), A.store(31, 0, 40)])
            emit(A.branch(words: firstCase - words.count))
        }

        mutating func add(_ sequence: [UInt32], input: UInt32, x30: UInt64) {
            typealias A = Assembler
            let end = codeAddress + UInt32(words.count + 9 + sequence.count + 8) * 4
            emit([A.branch(words: 5), UInt32(truncatingIfNeeded: x30), UInt32(truncatingIfNeeded: x30 >> 32), end, 0])
            emit(A.move(0, input))
            emit(A.branchLink(words: loadAll - words.count))
            emit(A.loadLiteral(30, words: -7))
            emit(sequence)
            emit([A.msr(.tpidr, 30)] + A.move(30, resultAddress))
            emit([A.storePair(28, 29, 30, 224), A.mrs(29, .tpidr), A.store(29, 30, 240), A.moveRegister(28, 30)])
            emit(A.branchLink(words: saveRest - words.count))
            precondition(words.count == Int(end - codeAddress) / 4, "the signal handler would go on at a wrong place")
        }

        mutating func finish(firstCase: Int, pauses: Bool) {
            typealias A = Assembler
            if pauses {
                // nanosleep; with many states only behind the first.
                emit(A.move(0, counterAddress + 16) + [A.load(1, 0, 24), A.branchIfNotZero(1, words: 7)])
                emit([A.movz(1, 1), A.store(1, 0, 0), A.store(31, 0, 8), A.movz(1, 0), A.movz(8, 101), A.svc])
            }
            // ADD X1, X1, X2
            emit(A.move(0, counterAddress) + [A.load(1, 0, 40)] + A.move(2, distance) + [0x8b02_0021, A.store(1, 0, 40)])
            emit([A.load(1, 0, 0), 0xd100_0421, A.store(1, 0, 0)])
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
            (4, dataOffset, inputAddress, data.count, data.count), (6, 0, resultAddress, 0, 0x1_2000),
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
