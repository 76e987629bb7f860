import A64ISA
import FuzzKit
import Glibc
import LLVMBackend

extension Fuzz {
    /// Every mnemonic of LLVM's in many forms from many states. Prints what is wrong, then what was left out, then one line of sums.
    /// - Returns: nothing is wrong.
    static func check(_ options: [String: String], _ suspects: [Emulator], seed: UInt64) -> Bool {
        let only = options["--only"] ?? ""
        guard let forms = Int(options["--forms"] ?? "16"), let states = Int(options["--states"] ?? "6"),
            let millions = Int(options["--scan"] ?? (only.isEmpty ? "20" : "0"))
        else { fail("--forms, --states and --scan want numbers") }
        let tiers = options["--tiers"] == nil ? suspects.filter { ["interp", "block", "auto"].contains($0.name) } : suspects
        let folder = temporaryFolder()
        var check = InstructionCheck(oracle: .qemu(options["--qemu"]!), suspects: tiers, folder: folder, seed: seed)
        check.formsEach = forms
        check.statesEach = states
        check.wants = { row(of: $0.encoding, holdsOneOf: only) }
        check.scan(words: millions * 1_000_000)
        check.run { done, count in
            _ = "\\r\(done) of \(count) forms".withCString { isatty(2) == 0 ? 0 : write(2, $0, strlen($0)) }
        }
        remove(folder, tiers)
        for trouble in check.troubles {
            var comments = trouble.kept.words.map { GuestDisassembler.shared.text(of: $0, at: 0) }
            comments.append("\(trouble.mnemonic), \(trouble.encoding), tier \(trouble.emulator):")
            comments += trouble.actual.map { KeptCase.differences($0, trouble.kept.expected) } ?? ["it crashed"]
            print("----\n\(trouble.kept.text(comments))")
        }
        let bad = check.tallies.filter { !$0.value.isGood }.sorted { $0.key < $1.key }
        if !bad.isEmpty {
            print(row("mnemonic", "forms", "runs", "differ", "SIGILL", "QEMU's", "missing"))
            for (name, tally) in bad {
                let numbers = [tally.forms, tally.runs, tally.differences, tally.illegal, tally.refused].map(String.init)
                let missing = tally.missing.sorted()
                print(row([name] + numbers + [missing.prefix(4).joined(separator: ", ") + (missing.count > 4 ? "…" : "")]))
            }
        }
        print("excluded by rule (words seen, example, where it is tested instead):")
        for (place, rule) in ScopeRule.all.enumerated() {
            guard let seen = check.excluded[place] else { continue }
            let place = rule.testedIn.isEmpty ? "" : "; \(rule.testedIn)"
            print("  \(rule.reason): \(seen.count), \(seen.example)\(place)")
        }
        let all = check.tallies.values
        let sum = { (count: (InstructionCheck.Tally) -> Int) in all.reduce(0) { $0 + count($1) } }
        print(
            "mnemonics: \(all.count - bad.count) of \(all.count), forms \(sum(\.forms)), states \(states), runs \(sum(\.runs))",
            "tiers \(tiers.map(\.name).joined(separator: "/"))",
            "differences \(sum(\.differences)), SIGILL \(sum(\.illegal))", separator: ", ")
        // Nothing found because nothing was looked at is no success.
        if all.isEmpty { print("no mnemonic was checked: \(only.isEmpty ? "LLVM knows none" : "'\(only)' names none")") }
        return bad.isEmpty && !all.isEmpty
    }

    private static func row(_ columns: String...) -> String { row(columns) }
    private static func row(_ columns: [String]) -> String {
        let widths = [18, 6, 6, 7, 7, 7, 0]
        return zip(columns, widths).map { $0 + String(repeating: " ", count: max(1, $1 - $0.count)) }.joined()
    }
}
