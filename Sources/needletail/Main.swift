import A64ISA
import A64Translator
import CHost
import CodeCache
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
        let isSecondTry = Randomisation.restore()
        let words = commandLine()
        let texts = words.dropFirst().map { String(decoding: $0, as: UTF8.self) }
        // A set-user-id program run through binfmt_misc: its caller shall not choose what we do.
        let isSecure = auxiliary(23) == 1  // AT_SECURE
        do {
            let options = try Options(words: Array(texts)) { name in
                isSecure ? nil : getenv(name).map { String(cString: $0) }
            }
            // Everything from the program on is passed through byte for byte.
            start(options, Array(words.suffix(options.arguments.count + 1)), isSecure: isSecure, isSecondTry: isSecondTry)
        } catch let error as UsageError {
            fail(error.message, error.status)
        } catch Immediate.binfmt(let request) {
            do {
                print(try BinfmtRegistry(root: request.root).perform(request), terminator: "")
                exit(0)
            } catch let error as UsageError { fail(error.message, error.status) } catch { fail("\(error)", 1) }
        } catch Immediate.cache(let command) {
            do {
                print(try command.perform { name in getenv(name).map { String(cString: $0) } }, terminator: "")
                exit(0)
            } catch let error as UsageError { fail(error.message, error.status) } catch { fail("\(error)", 1) }
        } catch let request as Immediate {
            print(text(for: request), terminator: "")
            exit(request.status)
        } catch {
            fail("\(error)", 1)
        }
    }

    /// Our words. The kernel's binfmt_misc (flag P) calls us as `needletail PATH ARGV0 ARGUMENT...`: no word is an option.
    private static func commandLine() -> [[UInt8]] {
        var count: Int32 = 0
        let vector = nt_linux_arguments(&count)
        let words = (0..<Int(count)).compactMap { index in vector?[index].map { bytes($0) } }
        guard isBinfmtHandler, words.count >= 3 else { return words }
        return [words[0], Array("-0".utf8), words[2], Array("--".utf8), words[1]] + words[3...]
    }

    /// AT_FLAGS has AT_FLAGS_PRESERVE_ARGV0.
    private static var isBinfmtHandler: Bool { (auxiliary(8) ?? 0) & 1 != 0 }

    private static func auxiliary(_ type: UInt64) -> UInt64? {
        var value: UInt64 = 0
        return nt_linux_auxiliary(type, &value) ? value : nil
    }

    private static func start(_ options: Options, _ words: [[UInt8]], isSecure: Bool, isSecondTry: Bool) -> Never {
        OwnDescriptors.shared.keepExecutable(inherited: options.rerun?.executable ?? -1)
        let log = Log()
        log.configure(items: options.logItems, descriptor: logDescriptor(options, log))
        let model: CPUModel
        switch CPUModel.parse(options.cpu) {
        case .success(let parsed): model = parsed
        case .failure(let error): fail(error.message, 1)
        }
        guard let arena = try? VCPUArena() else { fail("cannot reserve address space for vCPUs", 1) }
        let idRegisters = model.features.idRegisters(midr: model.midr)
        let machine = UserModeMachine(
            log: log, arena: arena, cpu: PluginCPU(features: model.features, idRegisters: idRegisters),
            printsStatistics: options.printsStatistics)
        loadPlugins(options, machine)
        if options.program.isEmpty { fail(Options.noProgram.message, Options.noProgram.status) }

        var arguments = words
        if let argv0 = options.argv0 { arguments[0] = Array(argv0.utf8) }
        var linux = LinuxConfiguration(program: words[0], arguments: arguments, environment: guestEnvironment(options))
        linux.stackSize = options.stackSizeInBytes
        linux.sysroot = prefix(options.sysroot)
        linux.unameRelease = options.unameRelease.map { Array($0.utf8) }
        linux.randomSeed = options.seed
        linux.hwcap = model.features.hwcap
        linux.hwcap2 = model.features.hwcap2
        linux.cpu = CPUDescription(midr: model.midr, capabilities: model.features.capabilityNames)
        linux.ownOptions = inheritedOptions(options)
        // AT_EXECFD: the program, opened by binfmt_misc (flag O).
        linux.programDescriptor = options.rerun?.program ?? auxiliary(2).map { Int32(truncatingIfNeeded: $0) } ?? -1
        linux.processName = options.rerun.map { Array($0.name.utf8) }
        linux.isSecure = isSecure
        do {
            try machine.load(linux)
        } catch {
            if error.kind == .addressTaken, !isSecondTry {
                let name =
                    options.rerun?.name ?? String(decoding: words[0].split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
                Randomisation.startAgainWithout(
                    commandLine(),
                    Rerun(
                        executable: OwnDescriptors.shared.executableDescriptor() ?? -1, logFile: log.ownDescriptor,
                        program: linux.programDescriptor, name: name))
            }
            fail(error.message, error.exitStatus)
        }

        var translation = TranslationConfig(
            features: model.features, idRegisters: idRegisters,
            instructionLimit: options.oneInstructionPerTB ? 1 : 512)
        translation.observesElements = machine.plugins != nil
        let traces = !options.logItems.isDisjoint(with: [.exec, .cpu])
        machine.run(
            EngineConfiguration(
                tier: options.tier, translation: translation, chains: options.chains && !traces,
                hotThreshold: options.hotThreshold,
                sampleInterval: options.sampleInterval ?? EngineConfiguration.defaultSampleInterval,
                compileThreads: options.compileThreads, codeLimit: options.codeLimit, countsInstructions: options.printsStatistics,
                perfFormats: options.perfFormats,
                codeDirectory: options.usesCache && !isSecure && !options.oneInstructionPerTB ? codeDirectory(options, log) : nil))
    }

    private static func codeDirectory(_ options: Options, _ log: Log) -> CodeDirectory? {
        let path = CodeDirectory.path(directory: options.cacheDirectory) { getenv($0).map { String(cString: $0) } }
        guard let path else { return nil }
        let directory = CodeDirectory(path: path)
        if directory == nil { log.write(.cache, "code cache: directory \(path) is not used\n") }
        return directory
    }

    /// `-L` without a slash at its end; empty when there is no such directory.
    private static func prefix(_ sysroot: String) -> [UInt8] {
        var status = stat()
        guard stat(sysroot, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return [] }
        var path = Array(absolute(sysroot).utf8)
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        return path
    }

    /// What programs that the guest executes are run with: this program's directory need not be theirs.
    private static func inheritedOptions(_ options: Options) -> [[UInt8]] {
        options.inherited.map { word in
            switch word {
            case .plain(let text): Array(text.utf8)
            case .path(let path): Array(absolute(path).utf8)
            case .plugin(let text):
                text.prefix { $0 != "," }.contains("/") ? Array(absolute(text).utf8) : Array(text.utf8)
            }
        }
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }

    private static func loadPlugins(_ options: Options, _ machine: UserModeMachine) {
        do {
            var plugins = PluginOptions()
            for option in options.plugins { try plugins.add(option) }
            if BinfmtRegistry.isStaticBuild, !plugins.requests.isEmpty {
                fail("this is the static build, which cannot load plugins", 1)
            }
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

    /// Programs of one session write to one file, unless its name has the process id.
    private static func logDescriptor(_ options: Options, _ log: Log) -> Int32 {
        guard let name = options.logFile else { return 2 }
        func adopt(_ descriptor: Int32) -> Int32 { OwnDescriptors.shared.adopt(descriptor) { log.move(to: $0) } }
        let inherited = options.rerun?.logFile ?? -1
        if inherited >= 0, !name.contains("%d") { return adopt(inherited) }
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
        if descriptor < 0, inherited >= 0 { return adopt(inherited) }  // no path to it in this root
        if inherited >= 0 { close(inherited) }
        if descriptor < 0 { fail("cannot open log file '\(path)': \(String(cString: strerror(errno)))", 1) }
        return adopt(descriptor)
    }

    private static func text(for request: Immediate) -> String {
        switch request {
        case .help: Options.help
        case .version: "needletail \(version), an AArch64 user-mode emulator with an LLVM back end\n"
        case .logItems:
            "Log items (comma-separated):\n" + LogItems.table.map { "\($0.name)\t\($0.help)\n" }.joined()
        case .cpuModels: CPUModel.help
        case .pluginInclude: PluginDirectories.include.map { $0 + "\n" } ?? ""
        case .pluginSDK: PluginDirectories.sdk.map { $0 + "\n" } ?? ""
        case .binfmt, .cache: ""
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
