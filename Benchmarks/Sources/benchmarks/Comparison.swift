/// A piece of work that is done natively, in QEMU and in Needletail.
struct Item {
    let name: String
    /// The command on this machine, or nil when there is no such program for it.
    let native: [String]?
    /// The arm64 program and its arguments, with what both emulators want before it.
    let guest: [String]
    var result = Outcome.stdout
}

/// A set of items and what it should reach.
struct SetPlan {
    let name: String
    let title: String
    let rounds: Int
    let items: [Item]
    /// Runs with an empty code cache are a column of their own.
    var comparesCaches = false
    var bounds: [Bound] = []

    /// What is wanted of a set's geometric mean, or of each of its items.
    struct Bound {
        enum Of {
            /// QEMU's time over ours.
            case meanSpeed
            /// Our time over the native one.
            case meanPerNative
            /// QEMU's time over ours, for every item.
            case eachSpeed
        }
        let of: Of
        let target: Target
        let text: String
        /// What it is about: the first variant, or one that has to be called so. Without a persistent cache every run is a cold one.
        var variant = Column.first

        enum Column {
            case first, cold, warm
        }
    }
}

/// The runs of an item.
struct ItemResult {
    let name: String
    let native: Sample?
    let qemu: Sample
    /// One for each variant.
    let own: [Sample]

    func perNative(_ sample: Sample) -> Double? { native.map { sample.median / $0.median } }
    func perQEMU(_ sample: Sample) -> Double { sample.median / qemu.median }
}

/// The runs of a set.
struct SetResult {
    let plan: SetPlan
    let variants: [String]
    let items: [ItemResult]

    var qemuPerNative: Double? { mean(items.compactMap { $0.perNative($0.qemu) }) }
    func perNative(_ variant: Int) -> Double? { mean(items.compactMap { $0.perNative($0.own[variant]) }) }
    func perQEMU(_ variant: Int) -> Double? { mean(items.map { $0.perQEMU($0.own[variant]) }) }

    /// The variant that a target is about, or nil when it was not run.
    func column(_ which: SetPlan.Bound.Column) -> Int? {
        switch which {
        case .first: 0
        case .cold: variants.firstIndex(of: "cold") ?? 0
        case .warm: variants.firstIndex(of: "warm")
        }
    }

    /// The geometric mean of ratios of the smallest processor times.
    fileprivate func byProcessor(_ pairs: [(Sample, Sample?)]) -> Double? {
        mean(pairs.compactMap { pair in pair.1.map { max(pair.0.processorMinimum, 1e-3) / max($0.processorMinimum, 1e-3) } })
    }

    private func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : geometricMean(values) }
}

extension Bench {
    /// Runs a set, prints its table and judges it.
    func compare(_ plan: SetPlan) throws(BenchmarkError) {
        var results: [ItemResult] = []
        let variants =
            options.hasDefaultVariants && plan.comparesCaches
            ? [Variant(name: "warm", words: []), Variant(name: "cold", words: [], startsCold: true)] : options.variants
        for item in plan.items where options.wants(item.name) {
            var commands = item.native.map { [Command(name: "native", words: $0)] } ?? []
            commands.append(qemu(item.guest))
            for variant in variants {
                commands.append(
                    Command(
                        name: variant.name, words: [variant.executable ?? options.needletail] + variant.words + item.guest,
                        startsCold: variant.startsCold))
            }
            // So that the first run finds what other runs do.
            if variants.contains(where: \.startsCold) { _ = try runner.run(commands[commands.count - variants.count].words) }
            let samples = try runner.alternate(commands, rounds: plan.rounds, result: item.result)
            let first = item.native == nil ? 0 : 1
            results.append(
                ItemResult(
                    name: item.name, native: item.native == nil ? nil : samples[0], qemu: samples[first],
                    own: Array(samples[(first + 1)...])))
            report.progress("\(plan.name) \(item.name)")
        }
        guard !results.isEmpty else { return }
        let result = SetResult(plan: plan, variants: variants.map(\.name), items: results)
        report.add(result)
        report.show(result.table.text)
        judge(result)
    }

    private func judge(_ result: SetResult) {
        let set = result.plan.name
        // A part of a set says nothing about its mean.
        let isWhole = options.filter.isEmpty
        for bound in result.plan.bounds {
            guard let column = result.column(bound.variant) else { continue }
            switch bound.of {
            case .meanSpeed:
                if isWhole, let ratio = result.perQEMU(column) { report.judge(set, bound.text, 1 / ratio, bound.target) }
            case .meanPerNative:
                if isWhole, let ratio = result.perNative(column) { report.judge(set, bound.text, ratio, bound.target) }
            case .eachSpeed:
                for item in result.items {
                    report.judge(set, "\(item.name): \(bound.text)", 1 / item.perQEMU(item.own[column]), bound.target)
                }
            }
        }
        for item in result.items {
            let most = 2 * megabytes(item.qemu.peakMemory) + 40
            report.judge(set, "\(item.name): peak memory in MB", megabytes(item.own[0].peakMemory), .atMost(most))
        }
    }
}

extension SetResult {
    /// Times are medians.
    var table: Table {
        var columns = ["", "native", "QEMU"] + variants + ["QEMU / native"]
        for variant in variants { columns += ["\(variant) / native", "\(variant) / QEMU", "QEMU / \(variant)"] }
        columns += ["MB: QEMU"] + variants
        var table = Table("\(plan.title), medians of \(plan.rounds) runs", columns: columns)
        for item in items {
            var row = [item.name, item.native.map { milliseconds($0.median) } ?? "", milliseconds(item.qemu.median)]
            row += item.own.map { milliseconds($0.median) }
            row.append(ratio(item.perNative(item.qemu)))
            for own in item.own {
                row += [ratio(item.perNative(own)), ratio(item.perQEMU(own)), ratio(1 / item.perQEMU(own))]
            }
            row.append(fixed(megabytes(item.qemu.peakMemory), 0))
            row += item.own.map { fixed(megabytes($0.peakMemory), 0) }
            table.add(row)
        }
        var row = ["geometric mean", "", ""] + variants.map { _ in "" } + [ratio(qemuPerNative)]
        for variant in variants.indices {
            row += [ratio(perNative(variant)), ratio(perQEMU(variant)), ratio(perQEMU(variant).map { 1 / $0 })]
        }
        table.add(row + [""] + variants.map { _ in "" })
        // Less at the mercy of what else the machine does, but what other threads compile counts in full.
        row = ["by processor time", "", ""] + variants.map { _ in "" } + [ratio(byProcessor(items.map { ($0.qemu, $0.native) }))]
        for variant in variants.indices {
            let perQEMU = byProcessor(items.map { ($0.own[variant], $0.qemu) })
            row += [
                ratio(byProcessor(items.map { ($0.own[variant], $0.native) })), ratio(perQEMU), ratio(perQEMU.map { 1 / $0 }),
            ]
        }
        table.add(row + [""] + variants.map { _ in "" })
        return table
    }
}

/// A ratio with three significant digits or so, empty when there is none.
func ratio(_ value: Double?) -> String { value.map { fixed($0, $0 < 10 ? 2 : $0 < 100 ? 1 : 0) } ?? "" }

func megabytes(_ bytes: Int) -> Double { Double(bytes) / 1e6 }
