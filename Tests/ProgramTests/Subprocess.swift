import Foundation

/// How a program ended and what it wrote.
struct Outcome: Equatable, CustomStringConvertible {
    enum Status: Equatable {
        case exit(Int32)
        case signal(Int32)
        /// Killed by us after the time limit.
        case timeout
    }
    var stdout: String
    var stderr: String
    var status: Status

    var description: String { "\(status)\nstdout:\n\(stdout)\nstderr:\n\(stderr)" }
    var errorLines: [Substring] { stderr.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
}

/// Runs a program with its output in files of its own, so that nothing blocks on a full pipe and no descriptor leaks into the
/// programs that other tests start meanwhile. The program leads a process group, which is killed as a whole after the time limit.
struct Subprocess {
    var executable: String
    var arguments: [String]
    /// nil: a small fixed environment.
    var environment: [String: String] = [:]
    var directory: String?
    var input = ""
    var timeLimitInSeconds: Int32 = 120
    /// The emulator's code cache: none, so that tests see neither each other's nor the user's.
    var cacheDirectory: String?

    static let baseEnvironment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"]

    struct Failure: Error, CustomStringConvertible { let description: String }

    private var cacheOptions: [String] {
        // A command by itself comes first.
        guard executable == Installation.needletail, let first = arguments.first, !first.hasPrefix("--binfmt"),
            !first.hasPrefix("--cache"), !first.hasPrefix("--rerun")
        else { return [] }
        return (cacheDirectory ?? Self.commonCache).map { ["--cache-dir", $0] } ?? ["--no-cache"]
    }
    /// `make test-cache` has all tests share a code cache.
    private static let commonCache = ProcessInfo.processInfo.environment["TEST_CACHE_DIR"]

    func run() throws -> Outcome {
        let folder = try TemporaryFolder()
        let inputPath = folder.path + "/in"
        try Data(input.utf8).write(to: URL(fileURLWithPath: inputPath))
        let (outputPath, errorPath) = (folder.path + "/out", folder.path + "/err")

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let directory { try Self.addChangeDirectory(&actions, directory) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var set = sigset_t()
        sigemptyset(&set)
        posix_spawnattr_setsigmask(&attributes, &set)
        sigfillset(&set)
        posix_spawnattr_setsigdefault(&attributes, &set)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let variables = Self.baseEnvironment.merging(environment) { $1 }.map { "\($0)=\($1)" }.sorted()
        var argumentVector = ([executable] + cacheOptions + arguments).map { strdup($0) } + [nil]
        var environmentVector = variables.map { strdup($0) } + [nil]
        defer {
            argumentVector.forEach { free($0) }
            environmentVector.forEach { free($0) }
        }
        var pid = pid_t()
        let error = posix_spawnp(&pid, executable, &actions, &attributes, &argumentVector, &environmentVector)
        guard error == 0 else { throw Failure(description: "\(executable): \(String(cString: strerror(error)))") }

        let status = wait(for: pid)
        func text(_ path: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        }
        return Outcome(stdout: try text(outputPath), stderr: try text(errorPath), status: status)
    }

    /// `posix_spawn_file_actions_addchdir_np`, which the Glibc module does not show.
    private static func addChangeDirectory(_ actions: inout posix_spawn_file_actions_t, _ path: String) throws {
        typealias Function =
            @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addchdir_np") else {
            throw Failure(description: "this libc cannot start a program in another directory")
        }
        // SAFETY: the signature is the one in spawn.h.
        let error = unsafeBitCast(symbol, to: Function.self)(&actions, path)
        guard error == 0 else { throw Failure(description: "chdir \(path): \(String(cString: strerror(error)))") }
    }

    private func wait(for pid: pid_t) -> Outcome.Status {
        let deadline = DispatchTime.now() + .seconds(Int(timeLimitInSeconds))
        var raw: Int32 = 0
        var pause: useconds_t = 500
        var status: Outcome.Status?
        while waitpid(pid, &raw, status == nil ? WNOHANG : 0) != pid {
            if status == nil, DispatchTime.now() > deadline {
                status = .timeout
                kill(-pid, SIGKILL)
            }
            usleep(pause)
            pause = min(pause * 2, 10_000)
        }
        // What a test's program left running must not outlive the test.
        kill(-pid, SIGKILL)
        if let status { return status }
        let signal = raw & 0x7f
        return signal == 0 ? .exit(raw >> 8 & 0xff) : .signal(signal)
    }
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
    let path: String
    init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/needletail-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw Subprocess.Failure(description: "mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes an executable file. By another process: a child that a parallel test forks would hold this one's descriptor for a moment,
    /// and who executes the file then is told that it is busy (ETXTBSY).
    func writeExecutable(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        var writer = Subprocess(executable: "/bin/sh", arguments: ["-c", "cat > \"$0\" && chmod 755 \"$0\"", file])
        writer.input = text
        let outcome = try writer.run()
        guard outcome.status == .exit(0) else { throw Subprocess.Failure(description: "cannot write \(file): \(outcome)") }
        return file
    }
}
