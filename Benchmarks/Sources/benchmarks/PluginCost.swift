extension Bench {
    /// A way to count with a bundled plugin.
    private struct Counting {
        /// What `-plugin` gets.
        let plugin: String
        /// The start of the line with the number of events.
        let marker: String
        /// The start of the line with the number of instructions, and the text before the number in it.
        let instructions: String
    }

    private static let countings = [
        Counting(plugin: "insn,inline=on", marker: "total insns: ", instructions: "total insns: "),
        Counting(plugin: "insn,inline=off", marker: "total insns: ", instructions: "total insns: "),
        Counting(plugin: "bb,inline=on", marker: "Total: bb's: ", instructions: ", insns: "),
        Counting(plugin: "bb,inline=off", marker: "Total: bb's: ", instructions: ", insns: "),
    ]

    /// What counting costs: the same guest in the same tier with and without it. All counts must agree.
    func plugins(_ name: String) throws(BenchmarkError) {
        let group = "plugins \(name)"
        guard options.wants(group) else { return }
        let rounds = options.isQuick ? 1 : 5
        var counts: [String: UInt64] = [:]
        var table = Table(
            "plugins: cost of counting, guest '\(name)', \(rounds) times",
            columns: ["", "min", "median", "time / without", "events", "ns per event"])
        for tier in ["interp", "block", "auto"] {
            let path = guest(name)
            let commands =
                [needletail(tier, [path])]
                + Self.countings.map { needletail(tier, options: ["-plugin", $0.plugin, "-d", "plugin"], [path]) }
            let samples = try runner.alternate(commands, rounds: rounds)
            let plain = samples[0]
            table.add([plain.command.name, milliseconds(plain.minimum), milliseconds(plain.median), "1.00", "", ""])
            report.add(group: group, plain, ratio: 1)
            for (counting, sample) in zip(Self.countings, samples.dropFirst()) {
                let events = try sample.number(after: counting.marker)
                try agree(events, on: counting.marker, sample, &counts)
                try agree(try instructions(in: sample, counting), on: "instructions", sample, &counts)
                let ratio = sample.minimum / plain.minimum
                let cost = (sample.minimum - plain.minimum) * 1e9 / Double(events)
                table.add([
                    "  -plugin \(counting.plugin)", milliseconds(sample.minimum), milliseconds(sample.median),
                    fixed(ratio, 2),
                    fixed(Double(events) / 1e6, 1) + " M", fixed(cost, 2),
                ])
                report.add(
                    group: group, sample, ratio: ratio,
                    extra: [("events", Double(events)), ("nanosecondsPerEvent", cost)])
            }
        }
        report.show(table.text + "  all \(counts["instructions"] ?? 0) instructions counted by each\n")
    }

    /// The guest 'count' executes a number of instructions that its source derives.
    func exactCount() throws(BenchmarkError) {
        let group = "exact count"
        guard options.wants(group) else { return }
        let expected: UInt64 = 403_006
        for tier in ["interp", "block", "region", "auto"] {
            for counting in Self.countings {
                let command = needletail(tier, options: ["-plugin", counting.plugin, "-d", "plugin"], [guest("count")])
                let sample = try runner.alternate([command], rounds: 1)[0]
                let count = try instructions(in: sample, counting)
                if count != expected {
                    throw BenchmarkError(
                        message: "WRONG RESULT: \(quoted(command.words)) counts \(count) and not \(expected)")
                }
            }
        }
        report.show(
            "exact count: guest 'count', \(expected) instructions by insn and bb, inline and callback, in every tier\n")
    }

    private func instructions(in sample: Sample, _ counting: Counting) throws(BenchmarkError) -> UInt64 {
        if counting.instructions == counting.marker { return try sample.number(after: counting.marker) }
        let events = try sample.number(after: counting.marker)
        return try sample.number(after: "\(counting.marker)\(events)\(counting.instructions)")
    }

    private func agree(_ value: UInt64, on what: String, _ sample: Sample, _ counts: inout [String: UInt64])
        throws(BenchmarkError)
    {
        if let other = counts[what], other != value {
            throw BenchmarkError(
                message:
                    "WRONG RESULT: \(quoted(sample.command.words)) counts \(value), runs before it counted \(other)")
        }
        counts[what] = value
    }
}
