import A64ISA
import A64Translator
import Engine
import Glibc
import GuestState
import LinuxUser
import PluginHost
import Support

@main
struct Needletail {
    static let version = "0.1.0"

    static func main() {
        Randomisation.restore()
        let words = (0..<Int(CommandLine.argc)).map { bytes(CommandLine.unsafeArgv[$0]!) }
        let texts = words.dropFirst().map { String(decoding: $0, as: UTF8.self) }
        do {
            let options = try Options(words: Array(texts)) { name in
                getenv(name).map { String(cString: $0) }
            }
            // Everything from the program on is passed through byte for byte.
            let rest = Array(words.suffix(options.arguments.count + 1))
            start(options, rest, ownOptions: Array(words.dropFirst().dropLast(rest.count)))
        } catch let error as UsageError {
            fail(error.message, error.status)
        } catch let request as Immediate {
            print(text(for: request), terminator: "")
            exit(request.status)
        } catch {
            fail("\(error)", 1)
        }
    }

    private static func start(_ options: Options, _ words: [[UInt8]], ownOptions: [[UInt8]]) -> Never {
        let log = Log()
        log.configure(items: options.logItems, descriptor: logDescriptor(options))
        let model: CPUModel
        switch CPUModel.parse(options.cpu) {
        case .success(let parsed): model = parsed
        case .failure(let error): fail(error.message, 1)
        }
        guard let arena = try? VCPUArena() else { fail("cannot reserve address space for vCPUs", 1) }
        let machine = UserModeMachine(log: log, arena: arena, printsStatistics: options.printsStatistics)
        loadPlugins(options, machine)

        var arguments = words
        if let argv0 = options.argv0 { arguments[0] = Array(argv0.utf8) }
        var linux = LinuxConfiguration(program: words[0], arguments: arguments, environment: guestEnvironment(options))
        linux.stackSize = options.stackSizeInBytes
        linux.sysroot = Array(options.sysroot.utf8)
        linux.unameRelease = options.unameRelease.map { Array($0.utf8) }
        linux.randomSeed = options.seed
        linux.hwcap = model.features.hwcap
        linux.hwcap2 = model.features.hwcap2
        linux.cpu = CPUDescription(midr: model.midr, capabilities: model.features.capabilityNames)
        linux.ownOptions = withoutArgv0(ownOptions)
        do {
            try machine.load(linux)
        } catch {
            if error.kind == .addressTaken { Randomisation.startAgainWithout() }
            fail(error.message, error.exitStatus)
        }

        var translation = TranslationConfig(
            features: model.features, idRegisters: model.features.idRegisters(midr: model.midr),
            instructionLimit: options.oneInstructionPerTB ? 1 : 512)
        translation.observesElements = machine.plugins != nil
        let traces = !options.logItems.isDisjoint(with: [.exec, .cpu])
        machine.run(
            EngineConfiguration(
                tier: options.tier, translation: translation, chains: options.chains && !traces,
                hotThreshold: options.hotThreshold ?? EngineConfiguration.defaultHotThreshold,
                countsInstructions: options.printsStatistics))
    }

    private static func loadPlugins(_ options: Options, _ machine: UserModeMachine) {
        do {
            var plugins = PluginOptions()
            for option in options.plugins { try plugins.add(option) }
            if plugins.wantsHelp {
                print(PluginOptions.usage, terminator: "")
                exit(0)
            }
            for warning in plugins.warnings { warn(warning) }
            try machine.load(plugins)
        } catch {
            fail(error.description, 1)
        }
    }

    /// The host's environment with `-E` and `-U` applied; our own variables do not reach the guest by accident, QEMU's do.
    private static func guestEnvironment(_ options: Options) -> [[UInt8]] {
        var variables: [[UInt8]] = []
        var at = environ
        while let entry = at.pointee {
            variables.append(bytes(entry))
            at += 1
        }
        for change in options.environmentChanges {
            let entry = Array(change.utf8)
            let name = entry.prefix { $0 != UInt8(ascii: "=") } + [UInt8(ascii: "=")]
            variables.removeAll { $0.starts(with: name) }
            if entry.count >= name.count { variables.append(entry) }
        }
        return variables
    }

    /// `-0` names this program only, not those it executes.
    private static func withoutArgv0(_ options: [[UInt8]]) -> [[UInt8]] {
        var kept: [[UInt8]] = []
        var skips = false
        for option in options {
            if skips {
                skips = false
            } else if option == Array("-0".utf8) {
                skips = true
            } else {
                kept.append(option)
            }
        }
        return kept
    }

    private static func logDescriptor(_ options: Options) -> Int32 {
        guard let name = options.logFile else { return 2 }
        var path = ""
        var rest = name[...]
        while let percent = rest.firstIndex(of: "%") {
            path += rest[..<percent]
            let after = rest.index(after: percent)
            if after < rest.endIndex, rest[after] == "d" {
                path += "\(getpid())"
                rest = rest[rest.index(after: after)...]
            } else {
                path += "%"
                rest = rest[after...]
            }
        }
        path += rest
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if descriptor < 0 { fail("cannot open log file '\(path)': \(String(cString: strerror(errno)))", 1) }
        return descriptor
    }

    private static func text(for request: Immediate) -> String {
        switch request {
        case .help: Options.help
        case .version: "needletail \(version), an AArch64 user-mode emulator with an LLVM back end\n"
        case .logItems:
            "Log items (comma-separated):\n" + LogItems.table.map { "\($0.name)\t\($0.help)\n" }.joined()
        case .cpuModels:
            CPUModel.help
        }
    }

    private static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    private static func warn(_ message: String) {
        let line = "needletail: warning: \(message)\n"
        _ = line.withCString { write(2, $0, strlen($0)) }
    }

    private static func fail(_ message: String, _ status: Int32) -> Never {
        let line = "needletail: \(message)\n"
        _ = line.withCString { write(2, $0, strlen($0)) }
        exit(status)
    }
}
