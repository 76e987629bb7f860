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
        let cache = try CacheFolder()
        defer { cache.remove() }
        let runner = try Runner(limitInSeconds: options.limit, cache: cache)
        let version = String(decoding: try runner.run([options.qemu, "--version"]).stdout, as: UTF8.self).split(
            separator: "\n")
        var loads = [Double](repeating: 0, count: 3)
        getloadavg(&loads, 3)
        let report = Report(
            about: """
                Needletail against \(version.first ?? "QEMU"), \(options.isQuick ? "quick" : "full")
                \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors, load average \(fixed(loads[0], 2)) at the start
                The commands of a table run in turn. Wall times; a / b is a's time over b's. MB: the largest resident set.

                """)
        let number = version.first?.split(separator: " ").first { $0.first?.isNumber == true }?.prefix { $0.isNumber }
        let bench = Bench(
            options: options, runner: runner, report: report, qemuMajorVersion: number.flatMap { Int($0) } ?? 0)
        for set in options.sets {
            switch set {
            case "start-up": try bench.compare(bench.startUp)
            case "micro": try bench.compare(bench.micro)
            case "programs":
                let files = try InputFiles(quick: options.isQuick)
                defer { files.remove() }
                try bench.compare(bench.programs(files))
            case "plugins":
                try bench.exactCount()
                try bench.plugins()
            case "scaling": try bench.scaling()
            default: try bench.tiers()
            }
        }
        let seconds = Double(nanoseconds() - start) / 1e9
        report.show("\(report.summary)\(fixed(seconds, 0)) s")
        if let folder = options.output { try report.write(to: folder) }
    }
}
