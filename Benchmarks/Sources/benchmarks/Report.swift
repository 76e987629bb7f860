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

/// A target and what was reached.
struct Verdict {
    let set: String
    let text: String
    let value: Double
    let target: Target

    var isMet: Bool { target.isMet(by: value) }
    var line: String { "\(isMet ? "PASS" : "MISS") \(set): \(text): \(fixed(value, 2)), wanted \(target.text)" }
}

/// Collects what was measured: prints each table when it is complete, and keeps the figures for the files of `--out`.
final class Report {
    /// What was compared with what, when and where; lines of text.
    let about: String
    private(set) var sets: [SetResult] = []
    private(set) var plugins: PluginResult?
    private(set) var verdicts: [Verdict] = []
    /// Commands of the sets that are no comparison with native runs.
    private(set) var others: [(group: String, sample: Sample, ratio: Double?)] = []
    /// All that was printed as tables.
    private(set) var tables: [String] = []

    init(about: String) {
        self.about = about
        show(about)
    }

    func show(_ text: String) {
        print(text)
        fflush(nil)
    }

    /// Says on a terminal what is done, so that a long run is not silent.
    func progress(_ text: String) {
        guard isatty(2) == 1 else { return }
        let line = "\r\u{1b}[K\(text)\r"
        _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
    }

    func add(_ set: SetResult) { sets.append(set) }
    func add(_ result: PluginResult) { plugins = result }

    /// Notes one command's figures. `ratio` is the one that its table prints, `target` what it should be.
    func add(group: String, _ sample: Sample, ratio: Double?, target: Target? = nil) {
        others.append((group, sample, ratio))
        if let target, let ratio { judge(group, sample.command.name, ratio, target) }
    }

    func judge(_ set: String, _ text: String, _ value: Double, _ target: Target) {
        verdicts.append(Verdict(set: set, text: text, value: value, target: target))
    }

    /// The verdicts, one a line. Memory and single items only where they are missed: there are many.
    var summary: String {
        let met = verdicts.filter(\.isMet)
        let shown = verdicts.filter { !$0.isMet || !$0.text.utf8.contains(UInt8(ascii: ":")) }
        return "\(met.count) targets met, \(verdicts.count - met.count) missed\n"
            + shown.map { "  \($0.line)\n" }.joined()
    }

    /// Writes the report's files into `folder`, which is made when it is missing.
    /// - Throws: when one cannot be written.
    func write(to folder: String) throws(BenchmarkError) {
        var path = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
            path += path.isEmpty && part.isEmpty ? "/" : part + "/"
            mkdir(path, 0o777)
        }
        for (name, text) in [("bench.json", json), ("bench.md", markdown), ("bench.svg", Chart(self).text)] {
            guard let file = fopen("\(folder)/\(name)", "w"), fputs(text, file) >= 0, fclose(file) == 0 else {
                throw BenchmarkError(message: "cannot write '\(folder)/\(name)': \(String(cString: strerror(errno)))")
            }
        }
        show("written: \(folder)/bench.json, bench.md, bench.svg")
    }
}
