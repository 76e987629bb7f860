import Glibc

/// Compares Needletail with Debian's qemu-aarch64, both run here and now in turn. A missed target is printed and is no failure: how
/// fast a shared machine is today is not a property of the program. A failed run or a wrong result is one, with status 1.
@main
struct Benchmarks {
    static func main() {
        do {
            try run(Options(Array(CommandLine.arguments.dropFirst())))
        } catch {
            fflush(nil)
            let line = "benchmarks: \(error.message)\n"
            _ = line.withCString { write(2, $0, strlen($0)) }
            exit(1)
        }
    }

    private static func run(_ options: Options) throws(BenchmarkError) {
        let start = nanoseconds()
        let runner = try Runner(limitInSeconds: options.limit)
        let report = Report()
        let bench = Bench(options: options, runner: runner, report: report)
        let version = String(decoding: try runner.run([options.qemu, "--version"]).stdout, as: UTF8.self).split(
            separator: "\n")
        var loads = [Double](repeating: 0, count: 3)
        getloadavg(&loads, 3)
        report.show(
            """
            \(options.needletail) against \(version.first ?? "QEMU"), \(options.isQuick ? "quick" : "full")
            \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors, load average \(fixed(loads[0], 2)) at the start
            The commands of a table run in turn. min, median: wall time; processor: user and system time, the smallest.
            Ratios are of the minima, which the targets are about, of the medians, and of the processor times.

            """)
        try bench.startUp()
        try bench.speed(
            "tight", "tight: integer loop", guest: "tight",
            targets: ["interp": .atLeast(0.25), "block": .atLeast(1), "auto": .atLeast(1)])
        try bench.speed("default", "default: sieve, sort, SHA-256", guest: "default")
        try bench.speed("indirect", "indirect: bytecode interpreter, indirect branches", guest: "indirect")
        try bench.speed("copy", "copy: load and store pair", guest: "copy")
        try bench.speed("call", "call: recursive calls and returns", guest: "call")
        try bench.exactCount()
        try bench.plugins("default")
        if !options.isQuick { try bench.plugins("tight", callsPerInstruction: false) }
        try bench.vectors()
        if !options.isQuick { try bench.scaling() }
        try bench.programs()
        if let path = options.json { try report.write(to: path) }
        let seconds = Double(nanoseconds() - start) / 1e9
        report.show(
            "\(report.metCount) targets met, \(report.missed.count) missed; \(fixed(seconds, 0)) s"
                + report.missed.map { "\n  MISS \($0)" }.joined())
    }
}
