extension Bench {
    /// The tiers against each other on guests without a C library, and with busybox.
    func tiers() throws(BenchmarkError) {
        try speed(
            "tight", "tight: integer loop", guest: "tight",
            targets: ["interp": .atLeast(0.25), "block": .atLeast(1), "auto": .atLeast(1)])
        try speed("default", "default: sieve, sort, SHA-256", guest: "default")
        try speed("indirect", "indirect: bytecode interpreter, indirect branches", guest: "indirect")
        try speed("copy", "copy: load and store pair", guest: "copy")
        try speed("call", "call: recursive calls and returns", guest: "call")
        try busybox()
    }

    /// One guest in QEMU and in the tiers.
    /// - Parameters:
    ///   - targets: What the speed as a multiple of QEMU's should be, by tier.
    ///   - count: The guest instructions of one run; nil asks an extra run for it.
    private func speed(_ group: String, _ title: String, guest name: String, targets: [String: Target] = [:])
        throws(BenchmarkError)
    {
        guard options.wants(group) else { return }
        let path = guest(name)
        // Counting costs time, so a run of its own does it.
        let counted = try runner.alternate([needletail("block", options: ["--stats"], [path])], rounds: 1)[0]
        let count = Double(try counted.number(after: "needletail: "))
        try compareTiers(
            group, "\(title), \(fixed(count / 1e6, 0)) M instructions", [path], count: count,
            rounds: options.isQuick ? 3 : 7,
            tiers: ["interp", "block", "region", "auto"], targets: targets)
    }

    /// Real programs: Debian's busybox over a file made here.
    private func busybox() throws(BenchmarkError) {
        let group = "busybox"
        guard options.wants(group) else { return }
        guard let busybox = [guest("programs/busybox"), guest("busybox")].first(where: fileExists) else {
            report.show("busybox: skipped, there is no \(guest("programs/busybox")), Debian's arm64 busybox-static\n")
            return
        }
        let text = try TextFile(lineCount: options.isQuick ? 30_000 : 60_000)
        defer { text.remove() }
        let jobs: [(String, [String])] = [
            ("sha256sum", ["sha256sum"] + Array(repeating: text.path, count: 8)), ("gzip", ["gzip", "-c", text.path]),
            ("sort", ["sort", text.path]),
            ("awk", ["awk", "{ n[$1] += $2 } END { for (w in n) s += n[w]; print NR, s }", text.path]),
            ("grep", ["grep", "-c", "e[aiou]*r.*[13579]$", text.path]),
        ]
        for (name, arguments) in jobs {
            try compareTiers(
                "\(group) \(name)", "busybox \(name), \(fixed(Double(text.size) / 1e6, 1)) MB",
                [busybox] + arguments, count: nil,
                rounds: options.isQuick ? 1 : 3, tiers: ["interp", "block", "auto"], targets: [:])
        }
    }

    private func compareTiers(
        _ group: String, _ title: String, _ arguments: [String], count: Double?, rounds: Int, tiers: [String],
        targets: [String: Target]
    ) throws(BenchmarkError) {
        let commands = [qemu(arguments)] + tiers.map { needletail($0, arguments) }
        let samples = try runner.alternate(commands, rounds: rounds)
        let base = samples[0]
        // A column that would be empty is left out.
        let head =
            ["", "min", "median", "processor"] + (count == nil ? [] : ["M insn/s"]) + [
                "speed / QEMU's", "by median", "by processor",
            ]
        var table = Table("\(title), \(rounds) times", columns: head + (targets.isEmpty ? [] : ["target"]))
        for (index, sample) in samples.enumerated() {
            let ratio = base.minimum / sample.minimum
            let target = index == 0 ? nil : targets[tiers[index - 1]]
            let rate = count.map { $0 / sample.minimum / 1e6 }
            var row = [
                sample.command.name, milliseconds(sample.minimum), milliseconds(sample.median),
                milliseconds(sample.processorMinimum),
            ]
            if let rate { row.append(fixed(rate, 0)) }
            row += [
                fixed(ratio, 2), fixed(base.median / sample.median, 2), fixed(base.processorMinimum / sample.processorMinimum, 2),
            ]
            if !targets.isEmpty { row.append(target?.verdict(on: ratio) ?? "") }
            table.add(row)
            report.add(group: group, sample, ratio: ratio, target: target)
        }
        report.show(table.text)
    }
}
