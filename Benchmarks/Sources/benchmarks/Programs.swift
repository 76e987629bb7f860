import Glibc

/// Debian's packages of Benchmarks/Programs/packages, unpacked for both machines.
struct Sysroots {
    let arm64: String
    let native: String

    /// The commands for a program in both. The native one is started by the packages' own loader, so that it has their libraries.
    /// - Parameter nativePath: Where the program for this machine lies, if elsewhere.
    func item(_ name: String, _ path: String, _ arguments: [String], nativePath: String? = nil, result: Outcome = .stdout) -> Item {
        let loader = [
            native + "/lib64/ld-linux-x86-64.so.2", "--library-path", native + "/usr/lib/x86_64-linux-gnu",
        ]
        return Item(
            name: name, native: loader + ["\(native)/\(nativePath ?? path)"] + arguments,
            guest: ["-L", arm64, "\(arm64)/\(path)"] + arguments, result: result)
    }
}

extension Bench {
    var sysroots: Sysroots {
        Sysroots(arm64: options.guests + "/bench/sysroot", native: options.guests + "/bench/sysroot-native")
    }

    /// Debian's programs at work on files that are made here.
    /// - Parameter files: Made by the caller, so that they live as long as the runs.
    func programs(_ files: InputFiles) -> SetPlan {
        let quick = options.isQuick
        func script(_ name: String) -> String { "\(options.sources)/Programs/\(name)" }
        func rounds(_ full: Int) -> String { String(quick ? max(1, full / 10) : full) }
        let text = files.text.path
        let roots = sysroots
        // 2^2203 - 1 and 2^1279 - 1 are prime.
        let prime = "7" + String(repeating: "F", count: quick ? 319 : 550)
        let items = [
            roots.item("python", "usr/bin/python3", [script("python.py"), rounds(10)]),
            roots.item("perl", "usr/bin/perl", [script("perl.pl"), text, "1"]),
            roots.item("lua", "usr/bin/lua", [script("lua.lua"), rounds(20)]),
            roots.item(
                "sqlite", "usr/bin/sqlite3",
                [":memory:", "create table size as select \(quick ? 6000 : 30000) as n", ".read " + script("sqlite.sql")]),
            roots.item("xz", "usr/bin/xz", ["-6", "-c", "-T1", text]),
            roots.item(
                "zstd", "usr/bin/zstd", ["-12", "-c", "-q", "--single-thread"] + Array(repeating: text, count: quick ? 1 : 3)),
            roots.item("openssl sha256", "usr/bin/openssl", ["dgst", "-sha256"] + Array(repeating: text, count: quick ? 40 : 160)),
            roots.item("openssl bignum", "usr/bin/openssl", ["prime", "-hex", prime]),
            roots.item("gawk", "usr/bin/gawk", ["-v", "rounds=" + rounds(2), "-f", script("gawk.awk"), text]),
            roots.item(
                "stockfish", "usr/games/stockfish", ["bench", "16", "1", quick ? "6" : "9", "default", "depth", "classical"],
                result: .stderrLines("Nodes searched")),
            // Both compile for arm64; on this machine a cross compiler does.
            roots.item(
                "cc1", "usr/lib/gcc/aarch64-linux-gnu/12/cc1",
                ["-quiet", "-O2", "-fno-ident", "-fno-pie", files.source.path, "-o", "-"],
                nativePath: "usr/lib/gcc-cross/aarch64-linux-gnu/12/cc1"),
        ]
        return SetPlan(
            name: "programs", title: "programs: Debian 12's, on a text of \(fixed(Double(files.text.size) / 1e6, 1)) MB and others",
            rounds: options.rounds ?? (quick ? 1 : 3), items: items, comparesCaches: true,
            bounds: [
                .init(of: .meanSpeed, target: .atLeast(2.5), text: "geometric mean, times as fast as QEMU"),
                .init(
                    of: .meanSpeed, target: .atLeast(1.5), text: "geometric mean with an empty cache, times as fast as QEMU",
                    variant: .cold),
                .init(of: .eachSpeed, target: .atLeast(1), text: "times as fast as QEMU"),
            ])
    }

    /// From exec to exit of programs that do next to nothing.
    var startUp: SetPlan {
        let roots = sysroots
        // It needs no loader.
        let busybox = Item(
            name: "busybox true", native: [roots.native + "/usr/bin/busybox", "true"],
            guest: [roots.arm64 + "/usr/bin/busybox", "true"])
        let items = [
            busybox, roots.item("bash -c :", "usr/bin/bash", ["-c", ":"]),
            roots.item("ls", "usr/bin/ls", [options.sources + "/Guests"]),
            roots.item("python3 -c pass", "usr/bin/python3", ["-c", "pass"]),
            roots.item("git --version", "usr/bin/git", ["--version"]),
        ]
        return SetPlan(
            name: "start-up", title: "start-up: from exec to exit", rounds: options.rounds ?? (options.isQuick ? 5 : 21),
            items: items, comparesCaches: true,
            bounds: [
                .init(
                    of: .meanSpeed, target: .atLeast(1), text: "geometric mean with an empty cache, times as fast as QEMU",
                    variant: .cold),
                .init(
                    of: .meanSpeed, target: .atLeast(2), text: "geometric mean with a warm cache, times as fast as QEMU",
                    variant: .warm),
            ])
    }
}

/// What the programs work on: the same in every run.
struct InputFiles {
    let text: TextFile
    let source: TextFile

    /// - Throws: when they cannot be written.
    init(quick: Bool) throws(BenchmarkError) {
        text = try TextFile(lineCount: quick ? 3_000 : 20_000)
        source = try TextFile(suffix: ".c", generatedSource(functions: quick ? 2 : 10))
    }

    func remove() {
        text.remove()
        source.remove()
    }
}
