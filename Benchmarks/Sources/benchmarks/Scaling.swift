extension Bench {
    /// Four threads against one that does as much as each of them. On two processors or more the four should get at least
    /// 1.8 times as much done in the same time; less means that something of ours holds them up. Code that is new at every call is
    /// shown without a target: each function takes the place of one that was run, so all threads stop for it, as in QEMU.
    func scaling() throws(BenchmarkError) {
        // Long enough that compiling, which one thread leaves to the other processor, is a small part.
        let jobs: [(kind: String, title: String, work: Int)] = [
            ("alu", "integer loop", 4000), ("malloc", "malloc and free", 6400), ("strings", "string functions", 12000),
            ("cold", "code that is new", 24),
        ]
        for (kind, title, work) in jobs {
            let group = "scaling \(kind)"
            guard options.wants(group) else { continue }
            let path = guest("bench/scaling")
            guard fileExists(path) else {
                report.show("scaling: skipped, there is no \(path); make bench builds it with Debian's arm64 compiler\n")
                return
            }
            let amount = String(options.isQuick ? work / 4 : work)
            let (one, four) = ([path, kind, "1", amount], [path, kind, "4", amount])
            let rounds = options.isQuick ? 2 : 3
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
                    let target: Target? = index == 3 && kind != "cold" ? .atLeast(1.8) : nil
                    row += [fixed(ratio, 2), fixed(4 * base.median / sample.median, 2), target?.verdict(on: ratio) ?? ""]
                    report.add(group: group, sample, ratio: ratio, target: target)
                }
                table.add(row)
            }
            report.show(table.text)
        }
    }
}
