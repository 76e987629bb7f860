/// Makes a failing case small: fewer instructions first, then fewer values.
struct Minimiser {
    let oracle: Emulator
    let suspect: Emulator
    let folder: String

    /// The oracle's and the suspect's states after the case, nil when the oracle could not run it.
    func run(_ fuzzCase: FuzzCase) -> (expected: MachineState, actual: MachineState?)? {
        let program = GuestProgram.make([(fuzzCase.input, fuzzCase.words)])
        let expected = oracle.run(program, in: folder)
        guard expected.isComplete, let first = expected.states.first else { return nil }
        let actual = suspect.run(program, in: folder, seconds: 10)
        return (first, actual.states.first { $0 != first } ?? (actual.isComplete ? first : nil))
    }

    func fails(_ fuzzCase: FuzzCase) -> Bool {
        guard let result = run(fuzzCase) else { return false }
        return result.actual != result.expected
    }

    func minimise(_ original: FuzzCase) -> FuzzCase {
        var best = original
        for count: UInt32 in [0, 1, 2] where best.loopCount > count {
            var shorter = best
            shorter.loopCount = count
            if fails(shorter) { best = shorter }
        }
        var size = max(1, best.units.count / 2)
        while true {
            var at = 0
            while at < best.units.count {
                var smaller = best
                smaller.units.removeSubrange(at..<min(at + size, best.units.count))
                if fails(smaller) { best = smaller } else { at += size }
            }
            if size == 1 { break }
            size /= 2
        }
        for range in [36..<100, 100..<164, 0..<31, 32..<36] { zero(range, &best) }
        return best
    }

    /// Clears as much of a range of the input as the failure allows.
    private func zero(_ range: Range<Int>, _ best: inout FuzzCase) {
        if range.allSatisfy({ best.input.words[$0] == 0 }) { return }
        var cleared = best
        for n in range { cleared.input.words[n] = 0 }
        if fails(cleared) {
            best = cleared
        } else if range.count > 1 {
            let middle = range.lowerBound + range.count / 2
            zero(range.lowerBound..<middle, &best)
            zero(middle..<range.upperBound, &best)
        }
    }
}
