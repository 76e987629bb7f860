extension Bench {
    /// Programs of our own (Benchmarks/Guests), each about one thing that programs do; compiled from the same source for both machines.
    var micro: SetPlan {
        // Name, program, arguments before the amount of work, the amount, the arguments behind it.
        let jobs: [(name: String, program: String, before: [String], work: Int)] = [
            ("core", "core", [], 12000), ("sort", "sort", [], 6), ("recursion", "recursion", [], 150),
            ("interpreter", "interpreter", [], 1200), ("virtual calls", "virtual", [], 18000),
            ("n-body", "nbody", [], 2_000_000), ("mandelbrot", "mandelbrot", [], 1600), ("matmul", "matmul", [], 12),
            ("strings", "strings", ["cl"], 200_000), ("sha256", "sha256", [], 1_500_000), ("aes", "aes", [], 2_000_000),
            ("crc", "crc", [], 15000), ("atomics 1", "atomics", ["1"], 4_800_000), ("atomics 2", "atomics", ["2"], 4_800_000),
            ("atomics 4", "atomics", ["4"], 4_800_000), ("hash map", "hashmap", [], 30), ("json", "json", [], 250),
        ]
        let items = jobs.map { job in
            let work = options.isQuick ? max(1, job.program == "mandelbrot" ? job.work / 2 : job.work / 4) : job.work
            let arguments = job.before + ["\(work)"]
            return Item(
                name: job.name, native: [guest("bench/native/" + job.program)] + arguments,
                guest: [guest("bench/" + job.program)] + arguments)
        }
        return SetPlan(
            name: "micro", title: "micro: small C and C++ programs", rounds: options.rounds ?? (options.isQuick ? 1 : 5),
            items: items,
            bounds: [
                .init(of: .meanSpeed, target: .atLeast(5), text: "geometric mean, times as fast as QEMU"),
                .init(of: .meanPerNative, target: .atMost(3), text: "geometric mean, times native"),
                .init(of: .eachSpeed, target: .atLeast(1), text: "times as fast as QEMU"),
            ])
    }
}
