/// A command to measure: a line of the printed table.
struct Command {
    /// What the table calls it.
    let name: String
    let words: [String]
    /// It is to find an empty code cache.
    var startsCold = false
}

/// The runs of one command.
struct Sample {
    let command: Command
    /// Wall times in seconds, ascending.
    private(set) var seconds: [Double] = []
    private(set) var processorSeconds: [Double] = []
    /// The largest of all runs, in bytes.
    private(set) var peakMemory = 0
    /// What the last run wrote.
    private(set) var stdout: [UInt8] = []
    private(set) var stderr = ""

    init(_ command: Command) { self.command = command }

    mutating func add(_ run: Run) {
        seconds.insert(run.seconds, at: seconds.firstIndex { $0 > run.seconds } ?? seconds.endIndex)
        processorSeconds.append(run.processorSeconds)
        peakMemory = max(peakMemory, run.peakMemory)
        stdout = run.stdout
        stderr = run.stderr
    }

    var minimum: Double { seconds[0] }
    var median: Double {
        let middle = seconds.count / 2
        return seconds.count % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2
    }
    var processorMinimum: Double { processorSeconds.min() ?? 0 }

    /// The number that follows `marker` at the start of a line of stderr.
    /// - Throws: when there is none.
    func number(after marker: String) throws(BenchmarkError) -> UInt64 {
        for line in stderr.split(separator: "\n") where line.hasPrefix(marker) {
            if let value = UInt64(line.dropFirst(marker.count).prefix { $0.isNumber }) { return value }
        }
        throw missing(marker)
    }

    /// The number that follows the first `marker` in stderr.
    /// - Throws: when there is none.
    func number(behind marker: String) throws(BenchmarkError) -> UInt64 {
        for start in stderr.indices where stderr[start...].hasPrefix(marker) {
            if let value = UInt64(stderr[start...].dropFirst(marker.count).prefix { $0.isNumber }) { return value }
        }
        throw missing(marker)
    }

    private func missing(_ marker: String) -> BenchmarkError {
        BenchmarkError(message: "no '\(marker)' in what \(quoted(command.words)) wrote to stderr: \(stderr)")
    }
}

/// What has to be the same in all runs of a comparison.
enum Outcome {
    case stdout
    /// The lines of stderr that begin so.
    case stderrLines(String)

    func bytes(of run: Run) -> [UInt8] {
        switch self {
        case .stdout: run.stdout
        case .stderrLines(let start):
            Array(run.stderr.split(separator: "\n").filter { $0.hasPrefix(start) }.joined(separator: "\n").utf8)
        }
    }
}

extension Runner {
    /// Runs the commands in turn, `rounds` times each, every other round backwards, so that a slow moment of the machine hits all of
    /// them alike.
    /// - Parameter result: What of a run is its result; stdout unless said otherwise.
    /// - Throws: when a run fails, or when the results of two of them differ.
    func alternate(_ commands: [Command], rounds: Int, result: Outcome = .stdout) throws(BenchmarkError) -> [Sample] {
        var samples = commands.map { Sample($0) }
        var expected: [UInt8]?
        for round in 0..<rounds {
            for at in commands.indices {
                let index = round % 2 == 0 ? at : commands.count - 1 - at
                if commands[index].startsCold { cache.empty() }
                let run = try run(commands[index].words)
                samples[index].add(run)
                let own = result.bytes(of: run)
                if let expected, expected != own {
                    throw BenchmarkError(
                        message:
                            "WRONG RESULT: \(quoted(commands[index].words)) prints other things than \(quoted(commands[0].words))"
                    )
                }
                expected = own
            }
        }
        return samples
    }
}
