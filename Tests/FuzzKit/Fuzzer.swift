package import A64ISA
internal import TestSupport

/// Runs random cases on the oracle and on each tier, and compares every byte of state.
package struct Fuzzer {
    package struct Finding: Sendable {
        package let emulator: String
        package let kept: KeptCase
        package let actual: MachineState?
        package let encodings: [A64Encoding]
        /// False: alone the case passes, what ran before it in the batch matters.
        package let isReproducible: Bool
    }

    package var oracle: Emulator
    package var suspects: [Emulator]
    /// Where programs and outputs are put.
    package var folder: String
    package var generator: Generator

    package private(set) var exercised: Set<A64Encoding> = []
    package private(set) var caseCount = 0
    /// Encodings that the oracle does not know; they are not drawn again.
    package private(set) var refused: Set<A64Encoding> = []
    private var batchCount = 0
    private var refusals: [A64Encoding: Int] = [:]
    /// Words that the first suspect executes and the oracle does not.
    package private(set) var onlyHere: [A64Encoding: UInt32] = [:]
    /// Encodings with a finding, so that one bug is reported once.
    package private(set) var blamed: Set<A64Encoding> = []

    package init(oracle: Emulator, suspects: [Emulator], folder: String, generator: Generator) {
        self.oracle = oracle
        self.suspects = suspects
        self.folder = folder
        self.generator = generator
    }

    /// - Returns: what was found in this batch, minimised.
    package mutating func runBatch(_ count: Int) -> [Finding] {
        var cases: [FuzzCase] = []
        while cases.count < count {
            let made = generator.makeCase()
            if isWanted(made) { cases.append(made) }
        }
        var expected = Emulator.Run(states: [], isComplete: false, end: "")
        while !cases.isEmpty {
            expected = oracle.run(program(cases), in: folder)
            if expected.isComplete { break }
            let culprit = expected.states.count % cases.count
            refuse(cases[culprit])
            cases.remove(at: culprit)
            cases.removeAll { !isWanted($0) }
        }
        guard expected.states.count == cases.count * GuestProgram.passes else { return [] }
        caseCount += cases.count
        for unit in cases.joined(by: \.units) where unit.encoding != .SVC { exercised.insert(unit.encoding) }
        let chosen = suspects.filter { suspects.count == 1 || batchCount % $0.period == 0 }
        batchCount += 1
        return chosen.flatMap { compare($0, cases, expected.states) }
    }

    private func isWanted(_ fuzzCase: FuzzCase) -> Bool {
        fuzzCase.units.allSatisfy { !refused.contains($0.encoding) && !blamed.contains($0.encoding) }
    }

    private func program(_ cases: [FuzzCase], pauses: Bool = false) -> [UInt8] {
        GuestProgram.make(cases.map { (input: $0.input, words: $0.words) }, pauses: pauses)
    }

    private mutating func compare(_ suspect: Emulator, _ cases: [FuzzCase], _ expected: [MachineState]) -> [Finding] {
        var findings: [Finding] = []
        let actual = suspect.run(program(cases, pauses: suspect.name == "auto"), in: folder)
        var suspicious = Set(
            (0..<min(actual.states.count, expected.count)).filter { actual.states[$0] != expected[$0] }.map {
                $0 % cases.count
            })
        if !actual.isComplete { suspicious.insert(actual.states.count % cases.count) }
        for n in suspicious.sorted() where isWanted(cases[n]) {
            let finding = examine(cases[n], suspect)
            findings.append(finding)
            // The last instruction of the smallest case is the one whose result differs, or which crashes.
            if finding.isReproducible { blamed.formUnion(finding.encodings.suffix(1)) }
            if findings.count == 20 { break }
        }
        return findings
    }

    private func examine(_ failing: FuzzCase, _ suspect: Emulator) -> Finding {
        let minimiser = Minimiser(oracle: oracle, suspect: suspect, folder: folder)
        let isReproducible = minimiser.fails(failing)
        let smallest = isReproducible ? minimiser.minimise(failing) : failing
        let result = minimiser.run(smallest)
        return Finding(
            emulator: suspect.name,
            kept: KeptCase(words: smallest.words, input: smallest.input, expected: result?.expected ?? smallest.input),
            actual: result?.actual, encodings: smallest.units.map(\.encoding), isReproducible: isReproducible)
    }

    /// The oracle ended in the middle of a case: finds the instruction. One that it keeps refusing is drawn no more.
    private mutating func refuse(_ fuzzCase: FuzzCase) {
        for count in 1...fuzzCase.units.count {
            var head = fuzzCase
            head.units = Array(fuzzCase.units[..<count])
            if oracle.run(program([head]), in: folder).isComplete { continue }
            let unit = fuzzCase.units[count - 1]
            head.units = [unit]
            if let suspect = suspects.first, suspect.run(program([head]), in: folder).isComplete {
                onlyHere[unit.encoding] = unit.words[unit.main]
            }
            refusals[unit.encoding, default: 0] += 1
            if refusals[unit.encoding] == 5 { refused.insert(unit.encoding) }
            return
        }
    }
}

extension Sequence {
    fileprivate func joined<Part: Sequence>(by part: (Element) -> Part) -> [Part.Element] { flatMap { part($0) } }
}
