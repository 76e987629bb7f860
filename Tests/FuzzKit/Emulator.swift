internal import Glibc

/// An emulator's command line, without the program.
package struct Emulator: Sendable, Hashable {
    package let name: String
    package let command: [String]
    /// Takes part in every so manieth batch: the slow ones cost as much as all others together.
    package var period = 1

    package init(name: String, command: [String], period: Int = 1) {
        self.name = name
        self.command = command
        self.period = period
    }

    /// QEMU as the oracle; version 10 knows all that we do (Tests/Programs/fetch-qemu.sh).
    package static func qemu(_ path: String) -> Emulator { Emulator(name: "qemu", command: [path, "-cpu", "max"]) }

    /// Each way of needletail to execute.
    package static func tiers(_ path: String) -> [Emulator] {
        [
            Emulator(name: "interp", command: [path, "--tier=interp"]),
            Emulator(name: "block", command: [path, "--tier=block"]),
            Emulator(name: "baseline", command: [path, "--tier=baseline"]),
            Emulator(name: "auto", command: [path, "--tier=auto", "--hot-threshold=1"]),
            Emulator(name: "region", command: [path, "--tier=region"]),
            Emulator(name: "interp-one", command: [path, "--tier=interp", "-one-insn-per-tb"]),
            Emulator(name: "block-one", command: [path, "--tier=block", "-one-insn-per-tb"], period: 8),
            Emulator(name: "baseline-one", command: [path, "--tier=baseline", "-one-insn-per-tb"], period: 4),
            // Flags and counts between the TBs of a region.
            Emulator(name: "region-one", command: [path, "--tier=region", "-one-insn-per-tb"], period: 8),
            Emulator(name: "region-inline", command: [path, "--tier=region", "-plugin", "insn,inline=on"], period: 8),
            // Counters in front of each instruction: in IR, and as calls.
            Emulator(name: "block-inline", command: [path, "--tier=block", "-plugin", "insn,inline=on"], period: 4),
            Emulator(name: "baseline-inline", command: [path, "--tier=baseline", "-plugin", "insn,inline=on"], period: 4),
            Emulator(name: "baseline-call", command: [path, "--tier=baseline", "-plugin", "insn"], period: 4),
            Emulator(name: "interp-call", command: [path, "--tier=interp", "-plugin", "insn"], period: 4),
        ]
    }

    package struct Run: Sendable {
        /// Whole records, in the order in which the guest wrote them.
        package var states: [MachineState]
        /// The guest ended by itself.
        package var isComplete: Bool
        /// How it ended otherwise.
        package var end: String
    }

    /// Runs a program made by `GuestProgram`.
    /// - Parameter folder: where the program and its output are put.
    package func run(_ program: [UInt8], in folder: String, seconds: Int = 60) -> Run {
        let path = "\(folder)/program"
        let output = "\(folder)/\(name).out"
        write(program, to: path)
        let file = open(output, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        precondition(file >= 0, "cannot write \(output)")
        defer { close(file) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, file, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let arguments = (command + [path]).map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let error = posix_spawnp(&child, command[0], &actions, nil, arguments, environ)
        precondition(error == 0, "cannot run \(command[0]): \(String(cString: strerror(error)))")
        var status: Int32 = 0
        var waited = 0
        while waitpid(child, &status, WNOHANG) == 0 {
            usleep(500)
            waited += 1
            if waited == seconds * 2000 {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                return Run(states: states(file), isComplete: false, end: "timed out")
            }
        }
        let end = status & 0x7f != 0 ? "signal \(status & 0x7f)" : "status \(status >> 8 & 0xff)"
        return Run(states: states(file), isComplete: status == 0, end: end)
    }

    private func states(_ file: Int32) -> [MachineState] {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
        let count = pread(file, &bytes, bytes.count, 0)
        precondition(count == bytes.count, "cannot read the output back")
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / MachineState.size).map { n in
                MachineState(
                    bytes: UnsafeRawBufferPointer(rebasing: raw[n * MachineState.size..<(n + 1) * MachineState.size]))
            }
        }
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o755)
        precondition(file >= 0, "cannot write \(path)")
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, bytes.count - done) }
            precondition(count > 0, "cannot write \(path)")
            done += count
        }
        close(file)
    }
}
