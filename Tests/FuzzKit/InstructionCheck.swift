package import A64ISA
internal import TestSupport

/// Every mnemonic that LLVM's disassembler accepts, in many operand forms from many states, on each tier and on the oracle.
package struct InstructionCheck {
    /// What is known of one mnemonic.
    package struct Tally: Sendable {
        package var forms = 0
        package var runs = 0
        package var differences = 0
        /// Runs that ended in SIGILL with us.
        package var illegal = 0
        /// Runs that ended in SIGILL under the oracle.
        package var refused = 0
        /// Rows that the translator lacks, or words that the decoder rejects.
        package var missing: Set<String> = []
        package var isGood: Bool { forms > 0 && differences == 0 && illegal == 0 && missing.isEmpty }
    }
    /// The first difference of an encoding, as a case that runs alone.
    package struct Trouble: Sendable {
        package let mnemonic: String
        package let emulator: String
        package let encoding: A64Encoding
        package let kept: KeptCase
        package let actual: MachineState?
    }
    /// A word to run, made safe, and what to run it from.
    private struct Form {
        let mnemonic: String
        let encoding: A64Encoding
        let fuzzCase: FuzzCase
        let inputs: [MachineState]
    }

    package var oracle: Emulator
    package var suspects: [Emulator]
    package var folder: String
    /// Distinct words for each encoding and mnemonic; fewer where an encoding has fewer.
    package var formsEach = 16
    package var statesEach = 6
    /// Forms in one program.
    package var batchSize = 400
    /// Only encodings whose name or heading this holds for.
    package var wants: (A64EncodingRow) -> Bool = { _ in true }

    package private(set) var tallies: [String: Tally] = [:]
    package private(set) var troubles: [Trouble] = []
    /// How many words each rule took out, by its place in `ScopeRule.all`, with one text each.
    package private(set) var excluded: [Int: (count: Int, example: String)] = [:]
    private var generator: Generator
    private let seed: UInt64
    private var blamed: Set<String> = []

    package init(oracle: Emulator, suspects: [Emulator], folder: String, seed: UInt64) {
        self.oracle = oracle
        self.suspects = suspects
        self.folder = folder
        self.seed = seed
        generator = Generator(seed: seed, encodings: Generator.all)
    }

    // MARK: What there is to run

    /// Counts mnemonics whose words are UNDEFINED for us, by rows of the table and by random words that no row claims.
    /// - Parameter words: how many random words.
    package mutating func scan(words: Int) {
        let llvm = A64Disassembler()
        var random = SplitMix64(seed: seed ^ 0x5ca2)
        for row in A64Encoding.rows where wants(row) {
            for _ in 0..<400 {
                guard let word = row.word(filling: random.word()), decodeA64(word) == row.encoding else { continue }
                look(word, row, llvm)
            }
        }
        for _ in 0..<words {
            let word = random.word()
            let encoding = decodeA64(word)
            if let row = encoding?.row, row.isImplemented, row.isAvailable(word, with: .max) { continue }
            if let row = encoding?.row, !wants(row) { continue }
            look(word, encoding?.row, llvm)
        }
    }

    private mutating func look(_ word: UInt32, _ row: A64EncodingRow?, _ llvm: borrowing A64Disassembler) {
        guard let text = llvm.text(word) else { return }
        let mnemonic = InstructionCheck.mnemonic(text)
        if let place = ScopeRule.excluding(word, mnemonic) {
            excluded[place, default: (0, text)].count += 1
            return
        }
        if let row {
            let isThere = row.isImplemented && row.isAvailable(word, with: .max)
            tallies[mnemonic, default: Tally()].missing.formUnion(isThere ? [] : [row.name])
        } else {
            tallies[mnemonic, default: Tally()].missing.insert("no row for " + text)
        }
    }

    /// `add` of `add x0, x1, x2`; `dc cvac` of `dc cvac, x0`, for the system instructions' names are operands.
    static func mnemonic(_ text: String) -> String {
        let words = text.split(separator: " ", maxSplits: 2)
        let first = String(words.first ?? "")
        guard ["dc", "ic", "msr", "mrs", "cfp", "dvp", "cpp"].contains(first), words.count > 1 else { return first }
        let operand = first == "mrs" ? words.last! : words[1]
        return first + " " + operand.filter { $0 != "," }.lowercased()
    }

    /// Forms of every implemented encoding in scope, for each mnemonic that its words have.
    private mutating func makeForms() -> [Form] {
        let llvm = A64Disassembler()
        var forms: [Form] = []
        for row in A64Encoding.rows where row.isImplemented && wants(row) {
            var seen: [String: Set<UInt32>] = [:]
            for attempt in 0..<4000 {
                let isSaturated = !seen.isEmpty && seen.values.allSatisfy { $0.count >= formsEach }
                if isSaturated && attempt >= 400 || seen.isEmpty && attempt == 200 { break }
                guard let unit = generator.makeUnit(row.encoding) else { continue }
                let main = unit.words[unit.main]
                guard let mnemonic = llvm.text(main).map(InstructionCheck.mnemonic),
                    ScopeRule.excluding(main, mnemonic) == nil
                else { continue }
                guard seen[mnemonic, default: []].count < formsEach, seen[mnemonic, default: []].insert(main).inserted
                else { continue }
                forms.append(form(mnemonic, unit))
            }
        }
        return forms
    }

    private mutating func form(_ mnemonic: String, _ unit: FuzzUnit) -> Form {
        var inputs: [MachineState] = []
        for n in 0..<statesEach {
            var state = MachineState(using: &generator.random)
            state.words[MachineState.fpcrIndex] = generator.random.floatingPointMode(n)
            if n > 0 { state.words[30] = inputs[0].words[30] }
            inputs.append(state)
        }
        // Where a branch went shows.
        var units = [unit]
        if !unit.skips.isEmpty {
            let add = FuzzUnit(words: [Assembler.addImmediate(0, 0, 1)], encoding: .ADD_imm)
            units += [add, add, add]
        }
        // The first state twice: tiers that compile in the background have done so the second time.
        return Form(
            mnemonic: mnemonic, encoding: unit.encoding, fuzzCase: FuzzCase(input: inputs[0], units: units),
            inputs: [inputs[0]] + inputs)
    }

    // MARK: Running

    /// - Parameter progress: called after each batch with the forms done and their number.
    package mutating func run(progress: (Int, Int) -> Void = { _, _ in }) {
        var forms = makeForms()
        // Neighbours in the table differ: a batch holds all kinds.
        forms.shuffle(using: &generator.random)
        for form in forms { tallies[form.mnemonic, default: Tally()].forms += 1 }
        for start in stride(from: 0, to: forms.count, by: batchSize) {
            let batch = Array(forms[start..<min(start + batchSize, forms.count)])
            run(batch)
            progress(start + batch.count, forms.count)
        }
    }

    private mutating func run(_ batch: [Form]) {
        let cases = batch.map { (inputs: $0.inputs, words: $0.fuzzCase.words) }
        let program = GuestProgram.make(passes: cases, pauses: false)
        let expected = oracle.run(program, in: folder)
        if !expected.isComplete { return halve(batch, expected) }
        for (index, state) in expected.states.enumerated() where index >= batch.count {
            tallies[batch[index % batch.count].mnemonic]!.runs += 1
            if state.isIllegal { tallies[batch[index % batch.count].mnemonic]!.refused += 1 }
        }
        for suspect in suspects {
            let pauses = suspect.name == "auto"
            let actual = suspect.run(pauses ? GuestProgram.make(passes: cases, pauses: true) : program, in: folder)
            for (index, state) in expected.states.enumerated() {
                let form = batch[index % batch.count]
                let result = index < actual.states.count ? actual.states[index] : nil
                if result == nil && index != actual.states.count { continue }
                if result?.isIllegal == true { tallies[form.mnemonic]!.illegal += 1 }
                if result != state { note(form, form.inputs[index / batch.count], suspect, state, result) }
            }
        }
    }

    /// The oracle ended by itself: smaller programs show which case was to blame.
    private mutating func halve(_ batch: [Form], _ outcome: Emulator.Run) {
        if batch.count == 1 {
            tallies[batch[0].mnemonic]!.missing.insert("the oracle ends by \(outcome.end) at \(batch[0].encoding)")
            return
        }
        run(Array(batch[..<(batch.count / 2)]))
        run(Array(batch[(batch.count / 2)...]))
    }

    private mutating func note(
        _ form: Form, _ input: MachineState, _ suspect: Emulator, _ expected: MachineState, _ actual: MachineState?
    ) {
        tallies[form.mnemonic]!.differences += 1
        guard blamed.insert("\(form.encoding) \(suspect.name)").inserted, troubles.count < 60 else { return }
        var alone = form.fuzzCase
        alone.input = input
        let minimiser = Minimiser(oracle: oracle, suspect: suspect, folder: folder)
        var result = (expected: expected, actual: actual)
        if expected.words[35] == 0, actual != nil, minimiser.fails(alone) {
            alone = minimiser.minimise(alone)
            if let again = minimiser.run(alone) { result = again }
        }
        troubles.append(
            Trouble(
                mnemonic: form.mnemonic, emulator: suspect.name, encoding: form.encoding,
                kept: KeptCase(words: alone.words, input: alone.input, expected: result.expected), actual: result.actual))
    }
}

extension MachineState {
    /// The case ended in SIGILL.
    var isIllegal: Bool { words[35] & GuestProgram.illegalInstruction != 0 }
}

extension SplitMix64 {
    /// FPCR for the n-th state: the reset value first, then each kind of mode, then anything.
    mutating func floatingPointMode(_ n: Int) -> UInt64 {
        let rounding = UInt64.random(in: 1...3, using: &self) << 22
        switch n % 6 {
        case 0, 1: return 0
        case 2: return rounding
        case 3: return 1 << 25 | next() & 3 << 22
        case 4: return (1 << 24 | 1 << 19 | next() & 3 << 22) & MachineState.fpcrMask
        default: return next() & MachineState.fpcrMask
        }
    }
}
