import Foundation
import TestSupport
import Testing

/// The whole executable on damaged programs: it runs what is left of one, which may well crash as a guest, or says in one line
/// why not. Never a crash of ours, never a hang. `make fuzz-elf TIME=seconds SEED=n` goes on for longer.
@Suite struct ELFFuzzTests {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    @Test func damagedProgramsEndInOrder() throws {
        let folder = try TemporaryFolder()
        let paths = try Self.makeInterpreters(folder)
        let seed = Self.number("ELF_FUZZ_SEED") ?? 1
        var mutator = ELFMutator(seed: seed)
        let end = Self.number("ELF_FUZZ_TIME").map { Date() + Double($0) }
        let path = folder.path + "/damaged"
        var done = 0
        var ran = 0
        while end.map({ Date() < $0 }) ?? (done < 400) {
            let bytes = mutator.next(paths)
            // A new file each time: the old one may still be mapped by a child of the emulator.
            unlink(path)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            chmod(path, 0o755)
            let outcome = try needletail(["--tier=interp", path]) {
                $0.directory = folder.path
                $0.timeLimitInSeconds = 20
            }
            done += 1
            if outcome.status == .exit(0) { ran += 1 }
            guard Self.isInOrder(outcome) else {
                let kept = FileManager.default.temporaryDirectory.path + "/needletail-elf-\(seed)-\(done)"
                try Data(bytes).write(to: URL(fileURLWithPath: kept))
                Issue.record("file \(done) of seed \(seed), kept as \(kept): \(outcome)")
                if end == nil { return }
                continue
            }
        }
        if end != nil { print("\(done) damaged programs, of which \(ran) ran to their end") }
        #expect(ran > 0 && ran < done)
    }

    /// Names that PT_INTERP may hold: one that works, and everything else that a path can be.
    private static func makeInterpreters(_ folder: TemporaryFolder) throws -> ELFMutator.Paths {
        let at = folder.path
        try Data(ELFMutator.program(isPositionIndependent: true, interpreter: nil)).write(to: URL(fileURLWithPath: at + "/good"))
        chmod(at + "/good", 0o755)
        try Data("#!/bin/sh\n".utf8).write(to: URL(fileURLWithPath: at + "/script"))
        chmod(at + "/script", 0o755)
        try Data().write(to: URL(fileURLWithPath: at + "/empty"))
        mkfifo(at + "/fifo", 0o777)
        mkdir(at + "/folder", 0o755)
        let names = ["good", "good", "good", "script", "empty", "fifo", "folder", "missing", "damaged"].map { at + "/" + $0 }
        return ELFMutator.Paths(texts: names + ["good", "", "/", "/dev/null", "/proc/self/mem", "/bin/true"])
    }

    private static func isInOrder(_ outcome: Outcome) -> Bool {
        switch outcome.status {
        case .timeout: return false
        case .signal: return outcome.stderr.contains("uncaught target signal") && outcome.errorLines.count == 1
        case .exit(0): return outcome.errorLines.isEmpty
        case .exit: return outcome.errorLines.count == 1 && outcome.stderr.hasPrefix("needletail: ") || outcome.errorLines.isEmpty
        }
    }
}
