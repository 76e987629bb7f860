import Glibc

/// What a ratio is wanted to be.
enum Target {
    case atMost(Double)
    case atLeast(Double)

    func isMet(by ratio: Double) -> Bool {
        switch self {
        case .atMost(let bound): ratio <= bound
        case .atLeast(let bound): ratio >= bound
        }
    }

    var text: String {
        switch self {
        case .atMost(let bound): "<= " + fixed(bound, 2)
        case .atLeast(let bound): ">= " + fixed(bound, 2)
        }
    }

    func verdict(on ratio: Double) -> String { "\(text) \(isMet(by: ratio) ? "PASS" : "MISS")" }
}

/// Collects what was measured: prints each table when it is complete, and keeps the figures for `--json`.
final class Report {
    private var entries: [String] = []
    private(set) var missed: [String] = []
    private(set) var metCount = 0

    func show(_ text: String) {
        print(text)
        fflush(nil)
    }

    /// Notes one command's figures. `ratio` is the one that its table prints, `target` what it should be.
    func add(group: String, _ sample: Sample, ratio: Double?, target: Target? = nil, extra: [(String, Double)] = []) {
        if let target, let ratio {
            if target.isMet(by: ratio) {
                metCount += 1
            } else {
                missed.append("\(group), \(sample.command.name): \(fixed(ratio, 2)), wanted \(target.text)")
            }
        }
        var fields = [
            "\"group\": \(json(group))", "\"name\": \(json(sample.command.name))",
            "\"command\": \(json(quoted(sample.command.words)))",
            "\"seconds\": [\(sample.seconds.map { fixed($0, 6) }.joined(separator: ", "))]",
            "\"minimum\": \(fixed(sample.minimum, 6))", "\"median\": \(fixed(sample.median, 6))",
            "\"processorMinimum\": \(fixed(sample.processorMinimum, 6))",
        ]
        if let ratio { fields.append("\"ratio\": \(fixed(ratio, 4))") }
        if let target, let ratio {
            fields.append("\"target\": \(json(target.text))")
            fields.append("\"met\": \(target.isMet(by: ratio))")
        }
        for (name, value) in extra { fields.append("\(json(name)): \(fixed(value, 4))") }
        entries.append("  {\(fields.joined(separator: ", "))}")
    }

    /// - Throws: when the file cannot be written.
    func write(to path: String) throws(BenchmarkError) {
        let text = "[\n\(entries.joined(separator: ",\n"))\n]\n"
        guard let file = fopen(path, "w"), fputs(text, file) >= 0, fclose(file) == 0 else {
            throw BenchmarkError(message: "cannot write '\(path)': \(String(cString: strerror(errno)))")
        }
    }

    private func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20: quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
