import Foundation
import Testing

/// QEMU's options and environment variables.
@Suite struct CommandLineTests {
    private func program() throws -> String { try Installation.program("arguments", "O2") }

    @Test func printsVersionAndHelpOnStandardOutput() throws {
        for option in ["-version", "--version"] {
            let outcome = try needletail([option])
            #expect(outcome.stdout.hasPrefix("needletail ") && outcome.stdout.hasSuffix("\n"))
            #expect(outcome.stderr == "" && outcome.status == .exit(0))
        }
        for option in ["-h", "-help", "--help"] {
            let outcome = try needletail([option])
            for word in ["usage:", "-plugin", "-strace", "QEMU_LD_PREFIX", "-one-insn-per-tb", "--tier"] {
                #expect(outcome.stdout.contains(word), "\(option) does not show \(word)")
            }
            #expect(outcome.stderr == "" && outcome.status == .exit(0))
        }
        for (option, word) in [("-d", "in_asm"), ("-cpu", "max")] {
            let outcome = try needletail([option, "help"])
            #expect(outcome.stdout.contains(word) && outcome.stderr == "")
            #expect(outcome.status == (try qemu([option, "help"])).status)
        }
    }

    /// Compared with qemu-aarch64: options, environment, program arguments.
    static let likeQEMU: [(options: [String], variables: [String: String], arguments: [String])] = [
        ([], [:], ["arguments", "-x", "--", "", "a b", "-version"]),
        (["-0", "other name"], [:], []), ([], ["QEMU_ARGV0": "from the environment"], []),
        (["-0", "option"], ["QEMU_ARGV0": "variable"], []),
        (["-E", "B=2", "-U", "C"], ["A": "1", "C": "3"], ["environment"]),
        (["-E", "B=2,C=4", "-E", "B=5"], ["A": "1"], ["environment"]), (["-E", "A="], ["A": "1"], ["environment"]),
        (["-U", "A,B"], ["A": "1", "B": "2", "C": "3"], ["environment"]),
        (["-E", "A=x", "-U", "A"], [:], ["environment"]),
        (["-U", "A", "-E", "A=x"], ["A": "1"], ["environment"]),
        ([], ["QEMU_SET_ENV": "X=1,Y=2"], ["environment"]),
        ([], ["QEMU_UNSET_ENV": "A,B", "A": "1", "B": "2"], ["environment"]),
        (["-s", "1M"], [:], ["stack", "1048576"]), (["-s", "67108864"], [:], ["stack", "67108864"]),
        ([], ["QEMU_STACK_SIZE": "32M"], ["stack", "33554432"]), ([], [:], ["stack", "8388608"]),
        (["-r", "9.8.7"], [:], ["uname"]), ([], ["QEMU_UNAME": "5.4.3-test"], ["uname"]), ([], [:], ["uname"]),
        (["-L", "ROOT"], [:], ["read", "/etc/needletail-test"]),
        ([], ["QEMU_LD_PREFIX": "ROOT"], ["read", "/etc/needletail-test"]),
        ([], [:], ["read", "/etc/needletail-test"]), (["-L", "ROOT"], [:], ["read", "/etc/hostname-that-is-not"]),
        (["-cpu", "cortex-a57"], [:], ["cpu"]), ([], ["QEMU_CPU": "cortex-a53"], ["cpu"]),
        (["-B", "0"], [:], ["arguments"]), (["-p", "4096"], [:], ["arguments"]), (["-seed", "5"], [:], ["arguments"]),
        (["-one-insn-per-tb"], [:], ["arguments"]), (["-singlestep"], [:], ["arguments"]),
    ]

    @Test(arguments: likeQEMU.indices)
    func optionsActAsInQEMU(_ index: Int) throws {
        let test = Self.likeQEMU[index]
        let root = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: root.path + "/etc", withIntermediateDirectories: true)
        try Data("from the prefix\n".utf8).write(to: URL(fileURLWithPath: root.path + "/etc/needletail-test"))
        func filled(_ text: String) -> String { text == "ROOT" ? root.path : text }
        let variables = test.variables.mapValues(filled)
        let options = test.options.map(filled)
        let actual = try needletail(options + [try program()] + test.arguments) { $0.environment = variables }
        // QEMU 7.2 does not know the newer name of -singlestep.
        let theirs = options.map { $0 == "-one-insn-per-tb" ? "-singlestep" : $0 }
        var expected = try qemu(theirs + [try program()] + test.arguments) { $0.environment = variables }
        if expected.status != .exit(0), theirs.contains("-singlestep") {
            expected = try qemu(["-one-insn-per-tb", try program()] + test.arguments) { $0.environment = variables }
        }
        // The order of variables is nobody's promise.
        func sorted(_ outcome: Outcome) -> Outcome {
            guard test.arguments.first == "environment" else { return outcome }
            var outcome = outcome
            outcome.stdout = outcome.stdout.split(separator: "\n").sorted().joined(separator: "\n")
            return outcome
        }
        expectSame(sorted(actual), sorted(expected), "\(options) \(variables) \(test.arguments)")
    }

    @Test func findsTheProgramRelativeToTheWorkingDirectory() throws {
        let outcome = try needletail(["./exit"]) { $0.directory = Installation.guests }
        #expect(outcome == Outcome(stdout: "", stderr: "", status: .exit(0)))
    }

    // MARK: -d

    /// Item, tier, and a line that its log must contain.
    static let logItems: [(item: String, tier: String, pattern: String)] = [
        ("in_asm", "auto", #"^0x[0-9a-f]+:  d2800bc8  mov x8, #0x5e$"#), ("op", "auto", #"^OP:$"#),
        ("op", "auto", #"^raise svc"#),
        ("op_opt", "auto", #"^OP after optimization:$"#), ("llvm", "block", #"^define .*preserve_none.* i64 @"#),
        ("out_asm", "block", #"^OUT: TB 0x[0-9a-f]+ \[size=[0-9]+\]$"#),
        ("out_asm", "block", #"^0x[0-9a-f]+:  (ret|jmp)"#),
        ("exec", "auto", #"^Trace 0: .*0000000000210"#), ("strace", "auto", #"^[0-9]+ exit_group\(0\)$"#),
        ("cpu", "auto", #"PC=[0-9a-f]{16}"#), ("int", "auto", #"exception svc"#),
        ("nochain,exec", "interp", #"^Trace 0: "#),
    ]

    @Test(arguments: logItems.indices)
    func logs(_ index: Int) throws {
        let test = Self.logItems[index]
        let guest = try Installation.guest("exit")
        let arguments = ["--tier=\(test.tier)", "-d", test.item]
        let outcome = try needletail(arguments + [guest])
        #expect(outcome.status == .exit(0) && outcome.stdout == "")
        let expression = try NSRegularExpression(pattern: test.pattern, options: .anchorsMatchLines)
        let range = NSRange(outcome.stderr.startIndex..., in: outcome.stderr)
        #expect(
            expression.firstMatch(in: outcome.stderr, range: range) != nil, "no line like \(test.pattern):\n\(outcome)")

        // The same in a file, by option and by variables, with nothing on stderr.
        let folder = try TemporaryFolder()
        let file = folder.path + "/log"
        let quiet = try needletail(arguments + ["-D", file, guest])
        #expect(quiet == Outcome(stdout: "", stderr: "", status: .exit(0)))
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count
        #expect(lines == outcome.errorLines.filter { !$0.isEmpty }.count)
        let byVariable = try needletail(["--tier=\(test.tier)", guest]) {
            $0.environment = ["QEMU_LOG": test.item, "QEMU_LOG_FILENAME": folder.path + "/other"]
        }
        #expect(byVariable == Outcome(stdout: "", stderr: "", status: .exit(0)))
        #expect(
            try String(contentsOfFile: folder.path + "/other", encoding: .utf8).split(separator: "\n").count == lines)
    }

    @Test func logsPluginsAndCrashes() throws {
        let guest = try Installation.guest("exit")
        let folder = try TemporaryFolder()
        let log = folder.path + "/log-%d"
        let outcome = try needletail(["-d", "plugin", "-D", log, "-plugin", "insn", guest])
        #expect(outcome == Outcome(stdout: "", stderr: "", status: .exit(0)))
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.count == 1 && Int(files[0].dropFirst("log-".count)) != nil, "\(files)")
        #expect(
            try String(contentsOfFile: "\(folder.path)/\(files[0])", encoding: .utf8)
                == "cpu 0 insns: 3\ntotal insns: 3\n")

        let crash = try needletail(["-d", "int", try Installation.program("fatal", "O2"), "segv"])
        #expect(crash.status == .signal(SIGSEGV))
        #expect(crash.stderr.contains("fault signal=11 address=0x10"))
        #expect(crash.stderr.contains("guest killed by signal 11 at 0x") && crash.stderr.contains("PC="))
        let unknown = try needletail(["-d", "unimp", try Installation.program("arguments", "O2")])
        #expect(unknown.stderr.hasPrefix("Unsupported syscall: "))
    }

    /// `PID name(arguments) = result`, the calls in the same order as qemu-aarch64 makes them.
    @Test func tracesSystemCallsAsQEMU() throws {
        let guest = try Installation.program("arguments", "O2")
        let expression = try NSRegularExpression(pattern: #"^[0-9]+ [a-z0-9_]+\(.*\)( = .*)?$"#)
        func calls(_ outcome: Outcome) -> [String] {
            outcome.errorLines.compactMap { line in
                let name = line.split(separator: " ").dropFirst().first.map { String($0.prefix { $0 != "(" }) }
                // Both refuse rseq and may or may not have these.
                return ["Unknown", "rseq", "set_robust_list", "set_tid_address"].contains(name) ? nil : name
            }
        }
        let expected = calls(try qemu(["-strace", guest, "x"]))
        for (arguments, variables) in [(["-strace"], [:]), (["-d", "strace"], [:]), ([], ["QEMU_STRACE": "1"])] {
            let outcome = try needletail(arguments + [guest, "x"]) { $0.environment = variables }
            #expect(outcome.status == .exit(0))
            for line in outcome.errorLines {
                let text = String(line)
                #expect(expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil, "\(text)")
            }
            #expect(calls(outcome) == expected)
            #expect(outcome.stderr.contains(#"readlinkat(AT_FDCWD,"/proc/self/exe",0x"#))
            #expect(outcome.stderr.contains("mprotect(0x") && outcome.stderr.contains(",PROT_READ) = 0\n"))
            #expect(outcome.errorLines.last?.hasSuffix(" exit_group(0)") == true)
        }
        let failing = try needletail(["-strace", guest, "read", "/nonexistent"])
        #expect(
            failing.stderr.contains(
                #"openat(AT_FDCWD,"/nonexistent",O_RDONLY) = -1 errno=2 (No such file or directory)"#))
    }

    @Test func statisticsCountInstructions() throws {
        for tier in Tier.allCases {
            let outcome = try needletail(["--stats", "--tier=\(tier)", try Installation.guest("count")])
            #expect(outcome.stderr.hasPrefix("needletail: 403006 guest instructions in "), "\(tier): \(outcome)")
        }
    }
}
