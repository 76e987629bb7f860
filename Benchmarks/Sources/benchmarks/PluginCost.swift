/// What plugins cost on one guest: its time with a plugin over its time without, in Needletail and in QEMU.
struct PluginResult {
    struct Row {
        /// The plugin and its arguments, without folders.
        let name: String
        let emulator: String
        let sample: Sample
        /// Median time over that of the same emulator without a plugin.
        let ratio: Double
        /// What each counted event adds; nil when the plugin does not say how many there were.
        let nanosecondsPerEvent: Double?
    }

    let guest: String
    let rounds: Int
    private(set) var rows: [Row] = []

    init(guest: String, rounds: Int) {
        self.guest = guest
        self.rounds = rounds
    }

    mutating func add(_ row: Row) { rows.append(row) }

    func row(_ name: String, _ emulator: String) -> Row? { rows.first { $0.name == name && $0.emulator == emulator } }

    /// Each plugin once, with both emulators' figures where both ran it.
    var table: Table {
        var table = Table(
            "plugins: guest '\(guest)', medians of \(rounds) runs",
            columns: [
                "", "QEMU", "needletail", "QEMU with / without", "with / without", "QEMU ns per event", "ns per event",
                "ns / QEMU's",
            ])
        var shown: [String] = []
        for name in rows.map(\.name) where !shown.contains(name) {
            shown.append(name)
            let (qemu, own) = (row(name, "qemu-aarch64"), row(name, "needletail"))
            var costs: Double?
            if let theirs = qemu?.nanosecondsPerEvent, let ours = own?.nanosecondsPerEvent { costs = ours / theirs }
            func time(_ row: Row?) -> String { row.map { milliseconds($0.sample.median) } ?? "" }
            table.add([
                name, time(qemu), time(own), ratio(qemu?.ratio), ratio(own?.ratio), ratio(qemu?.nanosecondsPerEvent),
                ratio(own?.nanosecondsPerEvent), ratio(costs),
            ])
        }
        return table
    }
}

extension Bench {
    private static let kinds = ["insn-inline", "insn-callback", "bb-inline", "bb-callback", "mem-inline", "mem-callback"]
    private static let bundled = [
        "empty", "insn,inline=on", "insn,inline=off", "bb,inline=on", "bb,inline=off", "mem,inline=on",
        "hotblocks,inline=on", "hotblocks,inline=off", "howvec,inline=on", "howvec,inline=off",
    ]
    /// Those that take ten and more times as long, with a tenth of the work.
    private static let slow = ["mem,callback=on", "cache"]
    private static let lessWork = "none, a tenth of the work"

    /// The bundled plugins, and one of our own (Benchmarks/Plugins) that both emulators run, on the guest `core`.
    func plugins() throws(BenchmarkError) {
        guard options.wants("plugins") else { return }
        let own = guest("bench/plugins/count.so")
        // QEMU 9.0 took the old interface away.
        let theirs = qemuMajorVersion < 9 ? guest("bench/plugins/count-api1.so") : own
        // Two seconds: what hot code costs, and not how it became hot.
        let work = options.isQuick ? 30000 : 60000
        func program(_ work: Int) -> [String] { [guest("bench/core"), String(work)] }
        // Name, the command of either emulator, and what its time is compared with.
        var runs: [(name: String, isOwn: Bool, command: Command, plain: String)] = []
        func add(_ name: String, own words: [String]?, qemu other: [String]?, less: Bool = false) {
            let program = program(less ? work / 10 : work)
            let plain = less ? Self.lessWork : "none"
            if let other { runs.append((name, false, qemu(other + program), plain)) }
            guard let words else { return }
            runs.append((name, true, Command(name: "needletail", words: [options.needletail] + words + program), plain))
        }
        add("none", own: [], qemu: [])
        for kind in Self.kinds {
            add("count \(kind)", own: ["-plugin", "\(own),count=\(kind)"], qemu: ["-plugin", "\(theirs),count=\(kind)"])
        }
        add("count insn-conditional", own: ["-plugin", own + ",count=insn-conditional"], qemu: nil)
        for plugin in Self.bundled { add(plugin, own: ["-plugin", plugin, "-d", "plugin"], qemu: nil) }
        add(Self.lessWork, own: [], qemu: nil, less: true)
        for plugin in Self.slow { add(plugin, own: ["-plugin", plugin, "-d", "plugin"], qemu: nil, less: true) }

        let rounds = options.rounds ?? (options.isQuick ? 1 : 3)
        // What does the same work prints the same.
        let (full, less) = (runs.filter { $0.plain != Self.lessWork }, runs.filter { $0.plain == Self.lessWork })
        runs = full + less
        let samples =
            try runner.alternate(full.map(\.command), rounds: rounds) + runner.alternate(less.map(\.command), rounds: rounds)
        var result = PluginResult(guest: "core", rounds: rounds)
        var counts: [String: UInt64] = [:]
        for (run, sample) in zip(runs, samples) {
            guard let plain = zip(runs, samples).first(where: { $0.0.isOwn == run.isOwn && $0.0.name == run.plain }) else { continue }
            var cost: Double?
            if run.name.hasPrefix("count ") {
                let events = try sample.number(after: "events: ")
                try agree(events, on: "\(run.command.name) \(run.name.prefix { $0 != "-" })", sample, &counts)
                cost = (sample.median - plain.1.median) * 1e9 / Double(events)
            }
            result.add(
                .init(
                    name: run.name, emulator: run.command.name, sample: sample, ratio: sample.median / plain.1.median,
                    nanosecondsPerEvent: cost))
        }
        report.add(result)
        report.show(result.table.text)
        judge(result)
    }

    private func judge(_ result: PluginResult) {
        let bounds = [
            ("count insn-inline", 1.10), ("insn,inline=on", 1.10), ("count bb-inline", 1.05), ("bb,inline=on", 1.05),
            ("count mem-inline", 1.15), ("mem,inline=on", 1.15),
        ]
        for (name, bound) in bounds {
            guard let row = result.row(name, "needletail") else { continue }
            report.judge("plugins", "\(name), time with / without", row.ratio, .atMost(bound))
        }
        let name = "count insn-callback"
        if let own = result.row(name, "needletail")?.nanosecondsPerEvent,
            let theirs = result.row(name, "qemu-aarch64")?.nanosecondsPerEvent
        {
            report.judge("plugins", "\(name), cost of an instruction / QEMU's", own / theirs, .atMost(0.4))
        }
    }

    /// The guest 'count' executes a number of instructions that its source derives; every tier and every way to count must find it.
    func exactCount() throws(BenchmarkError) {
        guard options.wants("exact count") else { return }
        let expected: UInt64 = 403_006
        let countings = [
            ("insn,inline=on", "total insns: "), ("insn,inline=off", "total insns: "), ("bb,inline=on", ", insns: "),
            ("bb,inline=off", ", insns: "),
        ]
        for tier in ["interp", "block", "region", "auto"] {
            for (plugin, marker) in countings {
                let command = needletail(tier, options: ["-plugin", plugin, "-d", "plugin"], [guest("count")])
                let sample = try runner.alternate([command], rounds: 1)[0]
                let count = try sample.number(behind: marker)
                if count != expected {
                    throw BenchmarkError(
                        message: "WRONG RESULT: \(quoted(command.words)) counts \(count) and not \(expected)")
                }
            }
        }
        report.show(
            "exact count: guest 'count', \(expected) instructions by insn and bb, inline and callback, in every tier\n")
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
