/// What every group of measurements works with.
struct Bench {
    let options: Options
    let runner: Runner
    let report: Report

    func guest(_ name: String) -> String { options.guests + "/" + name }
    func qemu(_ arguments: [String]) -> Command { Command(name: "qemu-aarch64", words: [options.qemu] + arguments) }
    func needletail(_ tier: String, options own: [String] = [], _ arguments: [String]) -> Command {
        let words = ["--tier=" + tier] + own
        return Command(
            name: "needletail " + words.joined(separator: " "), words: [options.needletail] + words + arguments)
    }

    /// From exec to exit of a guest that does nothing else.
    func startUp() throws(BenchmarkError) {
        let group = "start-up"
        guard options.wants(group) else { return }
        let rounds = options.isQuick ? 100 : 400
        let exit = guest("exit")
        let samples = try runner.alternate(
            [qemu([exit]), needletail("auto", [exit]), needletail("interp", [exit])], rounds: rounds)
        let base = samples[0]
        var table = Table(
            "start-up: from exec to exit of the guest 'exit', \(rounds) times",
            columns: ["", "min", "median", "time / QEMU's", "by median", "target"])
        for (index, sample) in samples.enumerated() {
            let ratio = sample.minimum / base.minimum
            let target: Target? = index == 0 ? nil : .atMost(1)
            table.add([
                sample.command.name, milliseconds(sample.minimum), milliseconds(sample.median), fixed(ratio, 2),
                fixed(sample.median / base.median, 2), target?.verdict(on: ratio) ?? "",
            ])
            report.add(group: group, sample, ratio: ratio, target: target)
        }
        report.show(table.text)
    }

    /// One guest in QEMU and in the tiers.
    /// - Parameters:
    ///   - targets: What the speed as a multiple of QEMU's should be, by tier.
    ///   - count: The guest instructions of one run; nil asks an extra run for it.
    func speed(_ group: String, _ title: String, guest name: String, targets: [String: Target] = [:])
        throws(BenchmarkError)
    {
        guard options.wants(group) else { return }
        let path = guest(name)
        // Counting costs time, so a run of its own does it.
        let counted = try runner.alternate([needletail("block", options: ["--stats"], [path])], rounds: 1)[0]
        let count = Double(try counted.number(after: "needletail: "))
        try compare(
            group, "\(title), \(fixed(count / 1e6, 0)) M instructions", [path], count: count,
            rounds: options.isQuick ? 3 : 7,
            tiers: ["interp", "block", "region", "auto"], targets: targets)
    }

    /// C programs whose work is vector, floating-point and cryptographic instructions (Benchmarks/Guests).
    func vectors() throws(BenchmarkError) {
        let jobs: [(name: String, title: String, arguments: [String], target: Target?)] = [
            ("matmul", "matrix product, NEON single precision", ["6"], .atLeast(5)),
            ("nbody", "n-body, double precision", ["3000000"], .atLeast(5)),
            ("strings", "memcpy and strlen of glibc, 16 to 4096 bytes", ["cl", "150000"], .atLeast(5)),
            ("strings", "memcpy of glibc alone", ["c", "1000000"], nil),
            ("strings", "strlen of glibc alone", ["l", "150000"], nil),
            ("sha256", "SHA-256 instructions", ["2000000"], .atLeast(5)),
            ("aes", "AES-128 instructions", ["2000000"], .atLeast(5)),
        ]
        for (name, title, arguments, target) in jobs {
            let group = "vectors \(name)"
            guard options.wants(group) else { continue }
            let path = guest("bench/" + name)
            guard fileExists(path) else {
                report.show("vectors: skipped, there is no \(path); make bench builds it with Debian's arm64 compiler\n")
                return
            }
            try compare(
                group, "vectors: \(title)", [path] + arguments, count: nil, rounds: options.isQuick ? 1 : 3,
                tiers: ["interp", "auto"], targets: target.map { ["auto": $0] } ?? [:])
        }
    }

    /// Four threads against one that does as much as each of them. On two processors or more the four should get at least
    /// 1.8 times as much done in the same time; less means that something of ours holds them up.
    func scaling() throws(BenchmarkError) {
        let jobs: [(kind: String, title: String, work: String)] = [
            ("alu", "integer loop", "4000"), ("malloc", "malloc and free", "1500"), ("strings", "string functions", "4000"),
            ("cold", "code that is new", "25"),
        ]
        for (kind, title, work) in jobs {
            let group = "scaling \(kind)"
            guard options.wants(group) else { continue }
            let path = guest("bench/scaling")
            guard fileExists(path) else {
                report.show("scaling: skipped, there is no \(path); make bench builds it with Debian's arm64 compiler\n")
                return
            }
            let (one, four) = ([path, kind, "1", work], [path, kind, "4", work])
            let rounds = options.isQuick ? 2 : 5
            let samples = try runner.alternate(
                [qemu(one), qemu(four), needletail("auto", one), needletail("auto", four)], rounds: rounds)
            var table = Table(
                "scaling: \(title) in one and in four threads, \(rounds) times",
                columns: ["", "min", "median", "processor", "work in the same time", "by median", "target"])
            for (index, sample) in samples.enumerated() {
                var row = [
                    sample.command.name + (index % 2 == 0 ? ", one thread" : ", four threads"),
                    milliseconds(sample.minimum), milliseconds(sample.median), milliseconds(sample.processorMinimum),
                ]
                if index % 2 == 0 {
                    row += ["", "", ""]
                    report.add(group: group, sample, ratio: nil)
                } else {
                    let base = samples[index - 1]
                    let ratio = 4 * base.minimum / sample.minimum
                    let target: Target? = index == 3 ? .atLeast(1.8) : nil
                    row += [fixed(ratio, 2), fixed(4 * base.median / sample.median, 2), target?.verdict(on: ratio) ?? ""]
                    report.add(group: group, sample, ratio: ratio, target: target)
                }
                table.add(row)
            }
            report.show(table.text)
        }
    }

    /// Real programs: Debian's busybox over a file made here.
    func programs() throws(BenchmarkError) {
        let group = "programs"
        guard options.wants(group) else { return }
        guard let busybox = [guest("programs/busybox"), guest("busybox")].first(where: fileExists) else {
            report.show("programs: skipped, there is no \(guest("programs/busybox")), Debian's arm64 busybox-static\n")
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
            try compare(
                "\(group) \(name)", "\(group): busybox \(name), \(fixed(Double(text.size) / 1e6, 1)) MB",
                [busybox] + arguments, count: nil,
                rounds: options.isQuick ? 1 : 3, tiers: ["interp", "block", "auto"], targets: [:])
        }
    }

    private func compare(
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
            report.add(
                group: group, sample, ratio: ratio, target: target,
                extra: rate.map { [("millionInstructionsPerSecond", $0)] } ?? [])
        }
        report.show(table.text)
    }
}
