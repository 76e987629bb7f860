extension Bench {
    /// Programs of our own (Benchmarks/Guests), each about one thing that programs do; compiled from the same source for both machines.
    var micro: SetPlan {
        // Name, program, arguments before the amount of work, the amount, the arguments behind it.
        let jobs: [(name: String, program: String, before: [String], work: Int)] = [
            ("core", "core", [], 8000), ("sort", "sort", [], 6), ("recursion", "recursion", [], 100),
            ("interpreter", "interpreter", [], 700), ("virtual calls", "virtual", [], 14000),
            ("n-body", "nbody", [], 2_500_000), ("mandelbrot", "mandelbrot", [], 1000), ("matmul", "matmul", [], 10),
            ("strings", "strings", ["cl"], 300_000), ("sha256", "sha256", [], 1_500_000), ("aes", "aes", [], 2_000_000),
            ("crc", "crc", [], 15000), ("atomics 1", "atomics", ["1"], 3_200_000), ("atomics 2", "atomics", ["2"], 3_200_000),
            ("atomics 4", "atomics", ["4"], 3_200_000), ("hash map", "hashmap", [], 30), ("json", "json", [], 100),
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
