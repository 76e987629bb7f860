// fuzz: compares needletail with qemu-aarch64 on random instruction sequences.
//
//   fuzz isa-check --needletail PATH [--qemu PATH] [--seed N] [--forms N] [--states N] [--scan MILLIONS] [--only TEXT] [--tiers a,b]
//   fuzz --needletail PATH [--qemu PATH] [--time SECONDS] [--seed N] [--only TEXT] [--tiers a,b] [--batch N] [--keep FOLDER]
//
// isa-check goes through all mnemonics once instead; Check.swift says what it prints.
// --only takes encodings whose name or heading holds one of the texts that commas separate. Exit status 1 when something was found.
import A64ISA
import FuzzKit
import Glibc
import LLVMBackend
import TestSupport

@main
struct Fuzz {
    static func main() {
        var options = ["--time": "60", "--seed": "1", "--qemu": "qemu-aarch64", "--batch": "500", "--only": ""]
        var arguments = CommandLine.arguments.dropFirst()
        let checks = arguments.first == "isa-check"
        if checks { arguments.removeFirst() }
        while let name = arguments.popFirst() {
            guard name.hasPrefix("--"), let value = arguments.popFirst() else {
                fail("usage: fuzz --needletail PATH [--time S]…")
            }
            options[name] = value
        }
        guard let needletail = options["--needletail"], let seconds = Int(options["--time"]!),
            let seed = UInt64(options["--seed"]!), let batch = Int(options["--batch"]!)
        else { fail("--needletail PATH is missing, or a number is none") }
        var suspects = Emulator.tiers(needletail)
        if let tiers = options["--tiers"] {
            suspects.removeAll { !tiers.split(separator: ",").contains(Substring($0.name)) }
        }
        let only = options["--only"]!
        if checks { exit(check(options, suspects, seed: seed) ? 0 : 1) }
        let encodings = Generator.all.filter {
            row(of: $0, holdsOneOf: only)
        }
        if encodings.isEmpty { fail("no implemented encoding's name or heading holds '\(only)'") }
        let folder = temporaryFolder()
        var fuzzer = Fuzzer(
            oracle: .qemu(options["--qemu"]!), suspects: suspects, folder: folder,
            generator: Generator(seed: seed, encodings: encodings))
        let end = time(nil) + seconds
        var found = 0
        repeat {
            for finding in fuzzer.runBatch(batch) {
                found += 1
                report(finding, seed: seed, number: found, keep: options["--keep"])
            }
        } while time(nil) < end
        remove(folder, suspects)
        print("seed \(seed): \(fuzzer.caseCount) cases on \(suspects.map(\.name)), \(found) findings")
        print("exercised \(fuzzer.exercised.count) of \(Generator.all.count) encodings (\(encodings.count) chosen)")
        if !fuzzer.refused.isEmpty { print("the oracle does not know: \(fuzzer.refused.map(\.row.name).sorted())") }
        for (encoding, word) in fuzzer.onlyHere.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            print("the oracle refuses \(encoding.row.name) \(String(word, radix: 16))")
        }
        let missing = Set(encodings).subtracting(fuzzer.exercised)
        if !missing.isEmpty && missing.count < 100 { print("never drawn: \(missing.map(\.row.name).sorted())") }
        exit(found == 0 ? 0 : 1)
    }

    static func temporaryFolder() -> String {
        var template = Array("/tmp/needletail-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fail("no temporary folder") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ folder: String, _ suspects: [Emulator]) {
        for name in ["program", "qemu.out"] + suspects.map({ $0.name + ".out" }) { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    static func row(of encoding: A64Encoding, holdsOneOf texts: String) -> Bool {
        texts.isEmpty
            || texts.split(separator: ",").contains {
                encoding.row.name.contains($0) || encoding.row.heading.contains($0)
            }
    }

    private static func report(_ finding: Fuzzer.Finding, seed: UInt64, number: Int, keep: String?) {
        var comments = finding.kept.words.map { GuestDisassembler.shared.text(of: $0, at: 0) }
        comments.append(
            "seed \(seed), \(finding.emulator)\(finding.isReproducible ? "" : ", only after the cases in front of it"):"
        )
        comments += finding.actual.map { KeptCase.differences($0, finding.kept.expected) } ?? ["it crashed"]
        let text = finding.kept.text(comments)
        print("---- finding \(number)\n\(text)")
        fflush(nil)
        guard let keep, finding.isReproducible, let last = finding.encodings.last else { return }
        guard let file = fopen("\(keep)/\(last.row.name)-\(seed)-\(number).case", "w") else {
            fail("cannot write to \(keep)")
        }
        fputs(text, file)
        fclose(file)
    }

    static func fail(_ message: String) -> Never {
        let line = "fuzz: \(message)\n"
        _ = line.withCString { write(2, $0, strlen($0)) }
        exit(2)
    }
}
