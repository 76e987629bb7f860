import Engine
import LLVMBackend
import Support

/// What the command line and the environment ask for.
struct Options {
    var sysroot = "/etc/qemu-binfmt/aarch64"
    var stackSizeInBytes: UInt64?
    var cpu = "max"
    /// Changes to the guest's environment in order: `NAME=VALUE` sets, `NAME` alone unsets.
    var environmentChanges: [String] = []
    var argv0: String?
    var unameRelease: String?
    var logItems: LogItems = []
    var logFile: String?
    var oneInstructionPerTB = false
    var plugins: [String] = []
    var seed: UInt64?
    // Ours.
    var tier = Tier.auto
    var chains = true
    var hotThreshold: Int32?
    var sampleInterval: UInt64?
    var compileThreads: Int?
    /// Bytes.
    var codeLimit = EngineConfiguration.defaultCodeLimit
    var printsStatistics = false
    var perfFormats: PerfFormats = []
    var usesCache = true
    var cacheDirectory: String?
    /// What an emulator that executed us handed over.
    var rerun: Rerun?

    /// Option words that programs executed by this one are run with, too.
    var inherited: [InheritedWord] = []
    var program = ""
    var arguments: [String] = []
}

/// `--rerun`: open descriptors (-1 for none) and the process name of a program that a guest has executed.
struct Rerun: Equatable {
    var executable: Int32
    var logFile: Int32
    var program: Int32
    var name: String

    static let option = "--rerun="
    /// The option that says so.
    var word: String { "\(Self.option)\(executable),\(logFile),\(program),\(name)" }

    init(executable: Int32, logFile: Int32, program: Int32, name: String) {
        (self.executable, self.logFile, self.program, self.name) = (executable, logFile, program, name)
    }

    /// `EXECUTABLE,LOG,PROGRAM,NAME`; the name may have commas.
    init?(_ text: String) {
        let parts = text.split(separator: ",", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let executable = Int32(parts[0]), let logFile = Int32(parts[1]), let program = Int32(parts[2])
        else { return nil }
        (self.executable, self.logFile, self.program, name) = (executable, logFile, program, String(parts[3]))
    }
}

/// A word of an option for programs that the guest executes. Paths are given as seen from our working directory.
enum InheritedWord: Equatable {
    case plain(String)
    case path(String)
    /// A plugin's path, when it has a slash, with arguments behind a comma.
    case plugin(String)
}

/// Why the emulator does not start: one line for stderr and an exit status.
struct UsageError: Error {
    let message: String
    var status: Int32 = 1
}

/// Options that print something and end the program.
enum Immediate: Error {
    case help
    case version
    case logItems
    case cpuModels
    case pluginInclude
    case pluginSDK
    case binfmt(BinfmtRequest)
    case cache(CacheCommand)

    /// QEMU's: its lists count as a failure to start.
    var status: Int32 {
        switch self {
        case .help, .version, .binfmt, .cache: 0
        case .pluginInclude: PluginDirectories.include == nil ? 1 : 0
        case .pluginSDK: PluginDirectories.sdk == nil ? 1 : 0
        case .logItems, .cpuModels: 1
        }
    }
}

/// One command-line option. The table below is the only list: parser, environment variables and `-h` read it.
struct OptionRow: Sendable {
    /// All spellings, the first is the one `-h` shows.
    let names: [String]
    /// What the argument is called in `-h`; nil when the option takes none.
    let argument: String?
    /// Environment variable of the same meaning.
    let variable: String?
    let help: String
    let inheritance: Inheritance
    let apply: @Sendable (inout Options, String) throws -> Void

    /// Whether a program that the guest executes runs with the option, too.
    enum Inheritance {
        /// The guest's own environment and arguments have its effect already.
        case none
        case plain
        case path
        case plugin
    }

    init(
        names: [String], argument: String?, variable: String?, help: String, inheritance: Inheritance = .plain,
        apply: @escaping @Sendable (inout Options, String) throws -> Void
    ) {
        self.names = names
        self.argument = argument
        self.variable = variable
        self.help = help
        self.inheritance = inheritance
        self.apply = apply
    }
}

extension OptionRow {
    private static func unsupported(_ name: String, _ why: String) -> @Sendable (inout Options, String) throws -> Void {
        { _, _ in throw UsageError(message: "option '\(name)' is not supported: \(why)") }
    }

    static let table: [OptionRow] = [
        OptionRow(names: ["-h", "-help", "--help"], argument: nil, variable: nil, help: "print this help") { _, _ in
            throw Immediate.help
        },
        OptionRow(
            names: ["-g"], argument: "port", variable: "QEMU_GDB", help: "(not supported) wait for gdb",
            apply: unsupported("-g", "the gdb stub is not written yet")),
        OptionRow(
            names: ["-L"], argument: "path", variable: "QEMU_LD_PREFIX",
            help: "prefix of the guest's ELF interpreter and libraries", inheritance: .path
        ) {
            $0.sysroot = $1
        },
        OptionRow(
            names: ["-s"], argument: "size", variable: "QEMU_STACK_SIZE", help: "stack size in bytes, or with K, M, G"
        ) {
            guard let size = parseSize($1), size >= 4096 else {
                throw UsageError(message: "invalid stack size '\($1)'")
            }
            $0.stackSizeInBytes = size
        },
        OptionRow(names: ["-cpu"], argument: "model", variable: "QEMU_CPU", help: "CPU model (-cpu help for a list)") {
            if $1 == "help" || $1 == "?" { throw Immediate.cpuModels }
            $0.cpu = $1
        },
        OptionRow(
            names: ["-E"], argument: "var=value", variable: "QEMU_SET_ENV",
            help: "sets variables of the guest, separated by commas", inheritance: .none
        ) {
            for change in $1.split(separator: ",") {
                guard change.contains("=") else { throw UsageError(message: "-E wants NAME=VALUE, not '\(change)'") }
                $0.environmentChanges.append(String(change))
            }
        },
        OptionRow(
            names: ["-U"], argument: "var", variable: "QEMU_UNSET_ENV",
            help: "unsets variables of the guest, separated by commas", inheritance: .none
        ) {
            for name in $1.split(separator: ",") {
                guard !name.contains("=") else { throw UsageError(message: "-U wants a name, not '\(name)'") }
                $0.environmentChanges.append(String(name))
            }
        },
        OptionRow(
            names: ["-0"], argument: "argv0", variable: "QEMU_ARGV0", help: "argv[0] of the guest program", inheritance: .none
        ) {
            $0.argv0 = $1
        },
        OptionRow(names: ["-r"], argument: "uname", variable: "QEMU_UNAME", help: "kernel release that uname shows") {
            $0.unameRelease = $1
        },
        OptionRow(
            names: ["-B"], argument: "address", variable: "QEMU_GUEST_BASE", help: "guest base; only 0 is supported"
        ) {
            guard parseSize($1) == 0 else { throw UsageError(message: "guest base '\($1)' is not supported, only 0") }
        },
        OptionRow(
            names: ["-R"], argument: "size", variable: "QEMU_RESERVED_VA",
            help: "accepted and ignored: the guest shares the host's address space"
        ) {
            guard parseSize($1) != nil else { throw UsageError(message: "invalid size '\($1)'") }
        },
        OptionRow(
            names: ["-t"], argument: "tsig hsig n[,...]", variable: "QEMU_RTSIG_MAP",
            help: "accepted and ignored: real-time signals keep their numbers"
        ) { _, _ in },
        OptionRow(
            names: ["-d"], argument: "item[,...]", variable: "QEMU_LOG", help: "log these items (-d help for a list)"
        ) {
            for word in $1.split(separator: ",") {
                if word == "help" || word == "?" { throw Immediate.logItems }
                guard let row = LogItems.table.first(where: { $0.name == word }) else {
                    throw UsageError(message: "unknown log item '\(word)'; '-d help' lists them")
                }
                $0.logItems.insert(row.item)
            }
        },
        OptionRow(
            names: ["-dfilter"], argument: "range[,...]", variable: "QEMU_DFILTER",
            help: "(not supported) log these addresses only",
            apply: unsupported("-dfilter", "the log has no address filter")),
        OptionRow(
            names: ["-D"], argument: "logfile", variable: "QEMU_LOG_FILENAME",
            help: "write the log to this file (%d is the process id)", inheritance: .path
        ) {
            $0.logFile = $1
        },
        OptionRow(
            names: ["-p"], argument: "pagesize", variable: "QEMU_PAGESIZE", help: "page size; only 4096 is supported"
        ) {
            guard parseSize($1) == 4096 else {
                throw UsageError(message: "page size '\($1)' is not supported, only 4096")
            }
        },
        OptionRow(
            names: ["-one-insn-per-tb", "-singlestep", "--one-insn-per-tb"], argument: nil,
            variable: "QEMU_ONE_INSN_PER_TB", help: "one guest instruction in each TB"
        ) {
            $0.oneInstructionPerTB = $1 != "0"
        },
        OptionRow(
            names: ["-tb-size"], argument: "size", variable: "QEMU_TB_SIZE",
            help: "memory for compiled code in MiB; when it is full, the oldest code goes (default 128)"
        ) {
            // Bytes with a unit.
            let mebibytes = UInt64($1).map { $0 > 0 ? $0 : UInt64(EngineConfiguration.defaultCodeLimit >> 20) }
            guard let bytes = mebibytes.map({ $0.multipliedReportingOverflow(by: 1 << 20).partialValue }) ?? parseSize($1),
                bytes >> 20 > 0, mebibytes ?? 0 < 1 << 40
            else { throw UsageError(message: "invalid size '\($1)'") }
            $0.codeLimit = Int(min(bytes, UInt64(EngineConfiguration.greatestCodeLimit)))
        },
        OptionRow(
            names: ["-trace", "--trace"], argument: "pattern", variable: "QEMU_TRACE", help: "(not supported) QEMU's trace points",
            apply: unsupported("-trace", "QEMU's trace points do not exist here; see -d help")),
        OptionRow(
            names: ["-perfmap"], argument: nil, variable: "QEMU_PERFMAP",
            help: "write /tmp/perf-PID.map, so that perf names compiled guest code"
        ) { options, _ in
            options.perfFormats.insert(.map)
        },
        OptionRow(
            names: ["-jitdump"], argument: nil, variable: "QEMU_JITDUMP",
            help: "write jit-PID.dump, from which perf inject --jit makes code that perf annotate shows"
        ) { options, _ in
            options.perfFormats.insert(.dump)
        },
        OptionRow(names: ["-strace"], argument: nil, variable: "QEMU_STRACE", help: "log system calls") { options, _ in
            options.logItems.insert(.strace)
        },
        OptionRow(
            names: ["-seed"], argument: "number", variable: "QEMU_RAND_SEED",
            help: "makes AT_RANDOM, RNDR and RNDRRS repeatable"
        ) {
            guard let seed = UInt64($1) else { throw UsageError(message: "invalid seed '\($1)'") }
            $0.seed = seed
        },
        OptionRow(
            names: ["-plugin", "--plugin"], argument: "file[,name=value]", variable: "QEMU_PLUGIN",
            help: "load a plugin: a bundled one by name, or a path", inheritance: .plugin
        ) {
            $0.plugins.append($1)
        },
        OptionRow(names: ["-version", "--version"], argument: nil, variable: "QEMU_VERSION", help: "print the version") { _, _ in
            throw Immediate.version
        },
        OptionRow(
            names: ["--print-plugin-include"], argument: nil, variable: nil, help: "print the directory of qemu-plugin.h"
        ) { _, _ in throw Immediate.pluginInclude },
        OptionRow(
            names: ["--print-plugin-sdk"], argument: nil, variable: nil,
            help: "print the directory of the Swift package for plugins"
        ) { _, _ in throw Immediate.pluginSDK },
        OptionRow(
            names: ["--tier"], argument: "tier", variable: "NEEDLETAIL_TIER",
            help: "interp, baseline, block, region or auto (default)"
        ) {
            guard let tier = Tier(rawValue: $1) else {
                throw UsageError(message: "unknown tier '\($1)': interp, baseline, block, region or auto")
            }
            $0.tier = tier
        },
        OptionRow(
            names: ["--hot-threshold"], argument: "count", variable: "NEEDLETAIL_HOT_THRESHOLD",
            help: "executions of a TB in tier 0 before it is compiled"
        ) {
            guard let count = Int32($1), count > 0 else { throw UsageError(message: "invalid count '\($1)'") }
            $0.hotThreshold = count
        },
        OptionRow(
            names: ["--sample-interval"], argument: "microseconds", variable: "NEEDLETAIL_SAMPLE_INTERVAL",
            help: "time between two looks at what runs, of which --tier=auto makes regions, at first; 0: no regions"
        ) {
            guard let time = UInt64($1), time <= 1_000_000_000 else { throw UsageError(message: "invalid time '\($1)'") }
            $0.sampleInterval = time
        },
        OptionRow(
            names: ["--compile-threads"], argument: "count", variable: "NEEDLETAIL_COMPILE_THREADS",
            help: "threads that compile in the background at most, or auto (default): as many as processors are idle, up to 4"
        ) {
            if $1 == "auto" { return $0.compileThreads = nil }
            guard let count = Int($1), 1...64 ~= count else { throw UsageError(message: "invalid count '\($1)': 1 to 64, or auto") }
            $0.compileThreads = count
        },
        OptionRow(
            names: ["--perf"], argument: "format", variable: nil,
            help: "map or jitdump: as -perfmap or -jitdump; both with map,jitdump"
        ) {
            for format in $1.split(separator: ",", omittingEmptySubsequences: false) {
                switch format {
                case "map": $0.perfFormats.insert(.map)
                case "jitdump": $0.perfFormats.insert(.dump)
                default: throw UsageError(message: "unknown format '\(format)' for --perf: map or jitdump")
                }
            }
        },
        OptionRow(names: ["--no-chain"], argument: nil, variable: nil, help: "every TB returns to the run loop") {
            options, _ in
            options.chains = false
        },
        OptionRow(
            names: ["--no-cache"], argument: nil, variable: "NEEDLETAIL_NO_CACHE",
            help: "neither take compiled code of earlier runs nor keep this one's"
        ) {
            $0.usesCache = $1 == "0"
        },
        OptionRow(
            names: ["--cache-dir"], argument: "path", variable: "NEEDLETAIL_CACHE_DIR",
            help: "directory of the code cache; else needletail in XDG_CACHE_HOME or ~/.cache", inheritance: .path
        ) {
            $0.cacheDirectory = $1
        },
        OptionRow(
            names: ["--cache"], argument: "action", variable: nil,
            help: "stats (what the code cache holds) or clear, with --cache-dir DIR of another one"
        ) { _, _ in throw UsageError(message: "--cache comes first: needletail --cache stats|clear") },
        OptionRow(
            names: ["--stats"], argument: nil, variable: nil, help: "at exit print guest instructions, time and speed"
        ) { options, _ in
            options.printsStatistics = true
        },
        OptionRow(
            names: ["--binfmt"], argument: "action", variable: nil,
            help:
                "install [--force], remove or status of the kernel's handler for AArch64 programs, of another root with --root DIR"
        ) { _, _ in throw UsageError(message: "--binfmt comes first: needletail --binfmt install|remove|status") },
        OptionRow(names: ["--rerun"], argument: "state", variable: nil, help: "", inheritance: .none) {
            guard let rerun = Rerun($1) else { throw UsageError(message: "--rerun is for programs that a guest executes") }
            $0.rerun = rerun
        },
    ]

    /// A number of bytes: decimal or 0x hex, with an optional K, M or G.
    private static func parseSize(_ text: String) -> UInt64? {
        var digits = Substring(text)
        var factor: UInt64 = 1
        if let last = digits.last, let shift = ["k": 10, "m": 20, "g": 30][last.lowercased()] {
            factor = 1 << UInt64(shift)
            digits = digits.dropLast()
        }
        let number = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
        guard let number, let product = Optional(number.multipliedReportingOverflow(by: factor)), !product.overflow
        else {
            return nil
        }
        return product.partialValue
    }
}

extension Options {
    /// Environment first, then the command line; the first word that is no option is the program.
    ///
    /// - Parameter words: the arguments without the emulator's own name.
    init(words: [String], environment: (String) -> String?) throws {
        for row in OptionRow.table {
            guard let variable = row.variable, let value = environment(variable) else { continue }
            try row.apply(&self, value)
            // The guest may start programs with an environment of their own, which are to find their files all the same.
            if row.names.contains(Self.prefixOption) { inherit(row, value) }
        }
        if let request = try BinfmtRequest(words) { throw Immediate.binfmt(request) }
        if let command = try CacheCommand(words) { throw Immediate.cache(command) }
        var at = 0
        while at < words.count, words[at].hasPrefix("-"), words[at] != "-" {
            var name = words[at]
            at += 1
            if name == "--" { break }
            var inline: String?
            if name.hasPrefix("--"), let equals = name.firstIndex(of: "=") {
                inline = String(name[name.index(after: equals)...])
                name = String(name[..<equals])
            }
            guard let row = OptionRow.table.first(where: { $0.names.contains(name) }) else {
                throw UsageError(message: "unknown option '\(name)'; -h lists the options")
            }
            if row.argument == nil {
                if inline != nil { throw UsageError(message: "option '\(name)' takes no argument") }
                try row.apply(&self, "")
                inherit(row, nil)
            } else if let inline {
                try row.apply(&self, inline)
                inherit(row, inline)
            } else {
                guard at < words.count else {
                    throw UsageError(message: "option '\(name)' wants an argument: \(row.argument!)")
                }
                try row.apply(&self, words[at])
                inherit(row, words[at])
                at += 1
            }
        }
        if at == words.count {
            // A plugin that is asked for help ends us before it needs a program.
            if asksPluginForHelp { return }
            throw Self.noProgram
        }
        program = words[at]
        arguments = Array(words[(at + 1)...])
        if !logItems.isDisjoint(with: [.noChain]) { chains = false }
    }

    static let noProgram = UsageError(message: "no program given; -h shows how to call needletail")

    private var asksPluginForHelp: Bool { plugins.contains { $0.split(separator: ",").dropFirst().contains("help") } }

    private static let prefixOption = "-L"

    private mutating func inherit(_ row: OptionRow, _ argument: String?) {
        if row.inheritance == .none { return }
        if row.names.contains(Self.prefixOption) {
            // The last one counts; or the list would grow from program to program.
            if let at = inherited.firstIndex(of: .plain(Self.prefixOption)) { inherited.removeSubrange(at...(at + 1)) }
        }
        inherited.append(.plain(row.names[0]))
        guard let argument else { return }
        switch row.inheritance {
        case .path: inherited.append(.path(argument))
        case .plugin: inherited.append(.plugin(argument))
        case .none, .plain: inherited.append(.plain(argument))
        }
    }

    static var help: String {
        var text = """
            usage: needletail [options] program [arguments...]
            Runs an AArch64 Linux program on this host, compiled by LLVM, with QEMU-compatible plugins.

            Option                     Env-variable              Meaning

            """
        for row in OptionRow.table where !row.help.isEmpty {
            let option = row.names[0] + (row.argument.map { " " + $0 } ?? "")
            text += pad(option, 27) + pad(row.variable ?? "", 26) + row.help + "\n"
        }
        return text + """

            -E and -U may be given several times; the last change of a variable stays in effect.

            """
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
