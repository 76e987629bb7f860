import Glibc

/// Why the benchmarks cannot go on, or what was wrong with a run; one line for stderr.
struct BenchmarkError: Error {
    let message: String
}

/// What one run of a program took and wrote.
struct Run {
    /// Wall time from before the fork to after the wait.
    let seconds: Double
    /// User and system time of the process and of the children it waited for.
    let processorSeconds: Double
    /// The largest resident set of the process or of a child it waited for, in bytes. Never less than what this program itself had:
    /// the child shares its memory until exec, and Linux counts that.
    let peakMemory: Int
    let stdout: [UInt8]
    let stderr: String
}

/// Starts programs one after the other and times them.
final class Runner {
    /// A run that takes longer is killed and counts as failed. Seconds.
    private let limit: Int
    /// Where Needletail keeps compiled code: not where the user's is.
    let cache: CacheFolder
    // Files and not pipes: nobody has to read them while the clock runs.
    private let stdout: Int32
    private let stderr: Int32
    private let environment: [UnsafeMutablePointer<CChar>?]
    /// What makes programs print the same each time and everywhere.
    private static let settings = [
        "LC_ALL=C", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "PYTHONNOUSERSITE=1", "OPENSSL_CONF=/dev/null",
    ]
    /// Beginnings of variables that are not handed on.
    private static let own = [
        "QEMU_", "NEEDLETAIL_", "PYTHON", "PERL", "LUA_", "AWK", "LC_", "LANG", "XZ_", "ZSTD_", "GIT_", "OPENSSL_",
    ]

    /// - Throws: when no temporary file can be made.
    init(limitInSeconds: Int, cache: CacheFolder) throws(BenchmarkError) {
        limit = limitInSeconds
        self.cache = cache
        stdout = try Self.unnamedFile()
        stderr = try Self.unnamedFile()
        // What the user has set for everyday use must not change what is measured.
        var kept: [UnsafeMutablePointer<CChar>?] = []
        var at = environ
        while let entry = at.pointee {
            let text = String(cString: entry)
            if !Self.own.contains(where: text.hasPrefix) { kept.append(strdup(entry)) }
            at += 1
        }
        environment = kept + (Self.settings + ["NEEDLETAIL_CACHE_DIR=" + cache.path]).map { strdup($0) } + [nil]
        // `wait` sleeps in sigtimedwait, which wants the signal blocked.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGCHLD)
        sigprocmask(SIG_BLOCK, &signals, nil)
    }

    /// Runs `words[0]`, searched on PATH, to its end; its stdin is empty.
    /// - Throws: when it cannot be started, does not end within the limit or does not end with status 0: a figure of a failed run
    ///   would be a lie.
    func run(_ words: [String]) throws(BenchmarkError) -> Run {
        for file in [stdout, stderr] {
            ftruncate(file, 0)
            lseek(file, 0, SEEK_SET)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }

        var child: pid_t = 0
        let start = nanoseconds()
        let error = posix_spawnp(&child, words[0], &actions, &attributes, arguments, environment)
        guard error == 0 else {
            throw BenchmarkError(message: "cannot start '\(words[0])': \(String(cString: strerror(error)))")
        }
        var usage = rusage()
        let status = wait(for: child, until: start + UInt64(limit) * 1_000_000_000, &usage)
        let end = nanoseconds()

        let run = Run(
            seconds: Double(end - start) / 1e9, processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            peakMemory: usage.ru_maxrss * 1024, stdout: contents(stdout), stderr: String(decoding: contents(stderr), as: UTF8.self))
        guard let status else { throw BenchmarkError(message: "\(quoted(words)) was killed after \(limit) s") }
        guard status == 0 else {
            let how = status & 0x7f == 0 ? "exit status \(status >> 8 & 0xff)" : "signal \(status & 0x7f)"
            throw BenchmarkError(message: "\(quoted(words)) ended with \(how): \(run.stderr)")
        }
        return run
    }

    /// The wait status, or nil when the child had to be killed at `deadline`.
    private func wait(for child: pid_t, until deadline: UInt64, _ usage: inout rusage) -> Int32? {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGCHLD)
        var status: Int32 = 0
        while wait4(child, &status, WNOHANG, &usage) == 0 {
            let now = nanoseconds()
            if now >= deadline {
                kill(child, SIGKILL)
                wait4(child, &status, 0, &usage)
                return nil
            }
            let rest = deadline - now
            var timeout = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
            sigtimedwait(&signals, nil, &timeout)
        }
        return status
    }

    private func contents(_ file: Int32) -> [UInt8] {
        let size = Int(lseek(file, 0, SEEK_END))
        guard size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, pread(file, buffer.baseAddress!, size, 0))
        }
    }

    private static func unnamedFile() throws(BenchmarkError) -> Int32 {
        let file = try temporaryFile()
        unlink(file.path)
        _ = fcntl(file.descriptor, F_SETFD, FD_CLOEXEC)
        return file.descriptor
    }
}

/// A command as one would type it.
func quoted(_ words: [String]) -> String {
    words.map { word in
        word.contains { " '\"$\\*".contains($0) } ? "'\(word)'" : word
    }.joined(separator: " ")
}

func nanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

private func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
