/// A command to measure: a line of the printed table.
struct Command {
    /// What the table calls it.
    let name: String
    let words: [String]
}

/// The runs of one command.
struct Sample {
    let command: Command
    /// Wall times in seconds, ascending.
    private(set) var seconds: [Double] = []
    private(set) var processorSeconds: [Double] = []
    /// What the last run wrote.
    private(set) var stdout: [UInt8] = []
    private(set) var stderr = ""

    init(_ command: Command) { self.command = command }

    mutating func add(_ run: Run) {
        seconds.insert(run.seconds, at: seconds.firstIndex { $0 > run.seconds } ?? seconds.endIndex)
        processorSeconds.append(run.processorSeconds)
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
        throw BenchmarkError(message: "no '\(marker)' in what \(quoted(command.words)) wrote to stderr: \(stderr)")
    }
}

extension Runner {
    /// Runs the commands in turn, `rounds` times each, every other round backwards, so that a slow moment of the machine hits all of
    /// them alike.
    /// - Throws: when a run fails, or when two of them print different things.
    func alternate(_ commands: [Command], rounds: Int) throws(BenchmarkError) -> [Sample] {
        var samples = commands.map { Sample($0) }
        var expected: [UInt8]?
        for round in 0..<rounds {
            for at in commands.indices {
                let index = round % 2 == 0 ? at : commands.count - 1 - at
                let run = try run(commands[index].words)
                samples[index].add(run)
                if let expected, expected != run.stdout {
                    throw BenchmarkError(
                        message:
                            "WRONG RESULT: \(quoted(commands[index].words)) prints other things than \(quoted(commands[0].words))"
                    )
                }
                expected = run.stdout
            }
        }
        return samples
    }
}
