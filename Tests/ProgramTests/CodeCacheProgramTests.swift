import Foundation
import Testing

/// Programs with a code cache: as without one, whatever state it is in. `CProgramTests` runs more programs so.
@Suite struct CodeCacheProgramTests {
    /// What `--stats` says of the cache.
    struct Counts: Equatable {
        var files = 0
        var taken = 0
        var written = 0

        init(_ outcome: Outcome) throws {
            let line = try #require(outcome.stderr.split(separator: "\n").first { $0.contains(" code cache: ") }, "\(outcome)")
            let numbers = line.split { !$0.isNumber }.compactMap { Int($0) }
            try #require(numbers.count == 3)
            (files, taken, written) = (numbers[0], numbers[1], numbers[2])
        }
    }

    /// Runs with `--stats`, which is taken off the messages.
    private func run(
        _ program: [String], _ options: [String] = [], cache: String, status: Outcome.Status = .exit(0)
    ) throws -> (Outcome, Counts) {
        var outcome = try needletail(["--hot-threshold=2", "--stats"] + options + program) { $0.cacheDirectory = cache }
        let counts = try Counts(outcome)
        outcome.stderr = outcome.stderr.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("needletail: ") || $0.contains("uncaught") }.joined(separator: "\n")
        #expect(outcome.status == status)
        return (outcome, counts)
    }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".ntc") }.map { folder + "/" + $0 }
    }

    @Test(arguments: [("integers", "O0"), ("library", "O2"), ("integers", "pie")])
    func takesWhatAnotherProcessHasMade(_ program: (name: String, variant: String)) throws {
        let path = try Installation.program(program.name, program.variant)
        let folder = try TemporaryFolder()
        let cache = folder.path + "/cache"
        let plain = try needletail([path])
        let (first, cold) = try run([path], cache: cache)
        #expect(cold.files == 0 && cold.taken == 0 && cold.written > 100)
        let (second, warm) = try run([path], cache: cache)
        #expect(warm.files == 1 && warm.taken >= cold.written / 2)
        let (third, hot) = try run([path], cache: cache)
        #expect(hot.taken >= warm.taken && hot.written < 100)
        for outcome in [first, second, third] { expectSame(outcome, plain, "\(path) with a code cache") }
    }

    /// Code of one configuration is none of another's.
    @Test func isOfOneConfiguration() throws {
        let path = try Installation.program("integers", "O2")
        let folder = try TemporaryFolder()
        _ = try run([path], cache: folder.path)
        for options in [["-cpu", "cortex-a57"], ["--no-chain"], ["--tier=baseline"]] {
            let (_, counts) = try run([path], options, cache: folder.path)
            #expect(counts.taken == 0 && counts.written > 0)
        }
        let plugin = try run([path], ["-plugin", "empty"], cache: folder.path).1
        #expect(plugin.taken == 0 && plugin.written > 0)
        let fresh = try TemporaryFolder()
        let dump = try needletail(["-d", "op", "-D", "/dev/null", "--hot-threshold=2", path]) { $0.cacheDirectory = fresh.path }
        #expect(dump.status == .exit(0))
        #expect(try files(fresh.path).isEmpty)
    }

    /// Threads note new code at the same time: each run begins with an empty cache, a race shows in a few of hundreds of them.
    @Test(arguments: ["O0", "O2"]) func isFilledByThreadsAtOnce(_ variant: String) throws {
        let path = try Installation.program("coldthreads", variant)
        let plain = try needletail(["--tier=interp", path])
        #expect(plain.status == .exit(0))
        for _ in 0..<60 {
            let folder = try TemporaryFolder()
            let (cold, counts) = try run([path], cache: folder.path)
            expectSame(cold, plain, "with an empty cache")
            #expect(counts.written > 1000)
            expectSame(try run([path], cache: folder.path).0, plain, "with what threads have written")
        }
    }

    /// Where there can be none, nobody notices.
    @Test func doesWithoutDirectory() throws {
        let path = try Installation.program("integers", "O2")
        let plain = try needletail([path])
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
        try FileManager.default.createDirectory(
            atPath: folder.path + "/open", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
        for place in ["file", "file/inside", "not/there/at/all", "open"] {
            let actual = try needletail([path]) { $0.cacheDirectory = folder.path + "/" + place }
            expectSame(actual, plain, "with \(place) as directory of the cache")
            #expect(try files(folder.path + "/open").isEmpty)
        }
        let told = try needletail(["-d", "cache", path]) { $0.cacheDirectory = folder.path + "/file" }
        #expect(told.stderr == "code cache: directory \(folder.path)/file is not used\n")
        // Enough for the program's output (blocks of 512 bytes), not for the cache.
        var limited = Subprocess(
            executable: "/bin/sh",
            arguments: [
                "-c", "ulimit -f 16; exec \"$0\" --cache-dir \"$1\" --hot-threshold=2 \"$2\"", Installation.needletail,
                folder.path + "/small", path,
            ])
        limited.directory = folder.path
        expectSame(try limited.run(), plain, "with a limit of file sizes")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/small").isEmpty)
    }

    @Test func survivesDamagedFiles() throws {
        let path = try Installation.program("integers", "O2")
        let plain = try needletail([path])
        let folder = try TemporaryFolder()
        let written = try run([path], cache: folder.path).1.written
        let file = try #require(try files(folder.path).first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        func check(_ what: String, _ bytes: Data) throws {
            try bytes.write(to: URL(fileURLWithPath: file))
            chmod(file, 0o600)
            let (outcome, _) = try run([path], cache: folder.path)
            expectSame(outcome, plain, "with a file that is \(what)")
            // What was not found the first time is written then, and the rest, if the file was not usable, the second time.
            _ = try run([path], cache: folder.path)
            #expect(try run([path], cache: folder.path).1.taken >= written / 2, "a file that was \(what) is not made again")
        }
        for part in [0, 3, 20, 500] { try check("cut off after \(part) bytes", whole.prefix(part)) }
        try check("cut off in the middle", whole.prefix(whole.count / 2))
        for place in stride(from: 0, to: whole.count, by: max(1, whole.count / 12)) {
            var changed = whole
            changed[place] ^= 0x10
            try check("changed at \(place)", changed)
        }
        try check("another program's", Data("not the cache's".utf8))
    }

    /// Another program at the same path, of the same size or not, is another program.
    @Test func noticesChangedPrograms() throws {
        let folder = try TemporaryFolder()
        let program = folder.path + "/program"
        for (name, variant) in [("integers", "O0"), ("integers", "O2"), ("library", "O2"), ("integers", "O0")] {
            let original = try Installation.program(name, variant)
            // In place: the inode stays.
            let bytes = try Data(contentsOf: URL(fileURLWithPath: original))
            if FileManager.default.fileExists(atPath: program) {
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: program))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: bytes)
                try handle.close()
            } else {
                try bytes.write(to: URL(fileURLWithPath: program))
                chmod(program, 0o755)
            }
            let expected = try needletail(["-0", "program", original])
            for _ in 0..<2 {
                let (outcome, _) = try run(["-0", "program", program], cache: folder.path + "/cache")
                expectSame(outcome, expected, "\(name).\(variant) in place of another program")
            }
        }
    }

    /// Several processes write at once; each file is one of theirs.
    @Test func isSharedByProcesses() async throws {
        let path = try Installation.program("integers", "O2")
        let plain = try needletail([path])
        let folder = try TemporaryFolder()
        let cache = folder.path
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try needletail(["--hot-threshold=2", path]) { $0.cacheDirectory = cache }
                }
            }
            for try await outcome in group { expectSame(outcome, plain, "beside others") }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).allSatisfy { $0.hasSuffix(".ntc") })
        let again = try needletail(["--hot-threshold=2", "-d", "cache", path]) { $0.cacheDirectory = cache }
        expectSame(again, plain, "after others")
    }

    /// Guests that change code, also in images; that fault in kept code; that fork, execute and end in every way.
    @Test(arguments: [
        ("codechange", ["1", "15"]), ("hotfaults", []), ("sigprecise", []), ("processes", []), ("threadsignals", []),
    ])
    func behavesAsWithout(_ program: (name: String, arguments: [String])) throws {
        let path = try Installation.program(program.name, "O2")
        let folder = try TemporaryFolder()
        let plain = try needletail([path] + program.arguments)
        for round in 1...3 {
            let actual = try needletail(["--hot-threshold=2", path] + program.arguments) { $0.cacheDirectory = folder.path }
            // Some write to stderr what they measure.
            #expect(actual.stdout == plain.stdout && actual.status == plain.status, "\(program.name), round \(round): \(actual)")
        }
    }

    @Test func isShownAndCleared() throws {
        let folder = try TemporaryFolder()
        let cache = folder.path + "/cache"
        #expect(try needletail(["--cache", "stats", "--cache-dir", cache]).stdout == "\(cache): no code cache\n")
        let written = try run([try Installation.program("integers", "O2")], cache: cache).1.written
        let size = try FileManager.default.attributesOfItem(atPath: try #require(try files(cache).first))[.size] as? Int
        let stats = try needletail(["--cache", "stats", "--cache-dir", cache])
        #expect(stats.stdout == "\(cache): 1 files, \(size ?? 0) bytes, \(written) TBs\n" && stats.status == .exit(0))
        try Data().write(to: URL(fileURLWithPath: cache + "/other"))
        #expect(try needletail(["--cache", "clear", "--cache-dir", cache]).stdout == "\(cache): 1 files removed\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache) == ["other"])
        let wrong = try needletail(["--cache", "forget"])
        #expect(wrong.status == .exit(1) && wrong.stderr.hasPrefix("needletail: usage: "))
    }
}
