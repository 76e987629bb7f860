// swift-tools-version: 6.2
import PackageDescription

// No package is depended on. swift-argument-parser was tried: on Linux it brings FoundationEssentials into the executable
// (24 MB in place of 9 MB, 1.5 ms more from exec to exit), and QEMU's option syntax is not its own.

// Plugins resolve qemu_plugin_* against the executable. What the list names is exported and so survives --gc-sections;
// nothing else is, though linking the Swift runtime statically asks for everything.
let exportPluginAPI: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--dynamic-list=\(Context.packageDirectory)/Sources/CPluginAPI/exported-symbols.list",
        "-Xlinker", "--no-export-dynamic",
        // By which the code cache knows the executable that made an entry.
        "-Xlinker", "--build-id",
    ])
]
// The Swift runtime inside the executable: 1.4 ms less start-up, and nothing to install beside it. Here, because
// --static-swift-stdlib also compiles against the static resource directory, which on Linux has no Embedded Swift for the
// plugins: with this, one `swift build` makes them and the executable. So are, where they can be had, the libraries that LLVM needs:
// prepare.sh leaves them in that directory.
// --wrap: see Sources/CHost/startup.c.
let staticRuntime: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-L", "\(Context.packageDirectory)/CLLVM/LLVMStatic.artifactbundle/static",
            "-Xlinker", "--wrap=swift_copyAuxiliaryExecutablePath", "-Xlinker", "--wrap=__cxa_atexit",
        ], .when(platforms: [.linux]))
]
// C that runs while the guest does is optimised in every configuration; a frame pointer would cost it a register.
let hotC: [CSetting] = [.unsafeFlags(["-O2", "-fomit-frame-pointer"])]
// Tests run on the release build, one build for both; these targets let their tests see `internal` names.
let testable: [SwiftSetting] = [.unsafeFlags(["-enable-testing"])]
// Run-time checks of exclusive access to members of classes, in debug builds only: translation and dispatch, which take members at
// every TB, spent a twentieth of their time in them.
let uncheckedExclusivity: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
let embedded: [SwiftSetting] = [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])]
// lib<name>.so beside the executable, from Sources/Plugins/<name>.
let bundledPlugins = [
    "insn", "bb", "empty", "mem", "syscall", "inline", "hotblocks", "hotpages", "howvec", "execlog", "stoptrigger", "bbv", "drcov",
    "cache", "lockstep", "cflow", "ips", "uftrace", "traps", "discons", "reset", "hwprofile", "patch",
]

let package = Package(
    name: "needletail",
    products: [
        .executable(name: "needletail", targets: ["needletail"]),
        .library(name: "NeedletailPlugin", targets: ["NeedletailPlugin"]),
    ] + bundledPlugins.map { .library(name: $0, type: .dynamic, targets: [$0]) },
    targets: [
        // base
        .target(name: "Support"),
        // model
        .target(name: "CHost", cSettings: hotC),
        .target(name: "EmuIR", dependencies: ["Support"]),
        .target(name: "GuestState", dependencies: ["CHost", "EmuIR"]),
        .target(
            name: "GuestMemory", dependencies: ["GuestState", "CHost", "Support"],
            swiftSettings: testable + uncheckedExclusivity),
        // stages
        .target(name: "A64ISA", dependencies: ["Support"], exclude: ["Encodings"]),
        .target(name: "A64Translator", dependencies: ["A64ISA", "EmuIR"], swiftSettings: testable),
        .target(name: "IRPasses", dependencies: ["EmuIR", "Support"]),
        .target(name: "CInterpreter", dependencies: ["CHost"], cSettings: hotC),
        .target(name: "IRInterpreter", dependencies: ["EmuIR", "GuestState", "CInterpreter", "CHost", "Support"]),
        .target(name: "Baseline", dependencies: ["EmuIR", "GuestState", "CHost", "Support"]),
        .binaryTarget(name: "LLVMStatic", path: "CLLVM/LLVMStatic.artifactbundle"),
        .target(
            name: "CLLVM", dependencies: ["LLVMStatic"], path: "CLLVM",
            exclude: ["prepare.sh", "LLVMStatic.artifactbundle"], publicHeadersPath: "include",
            cxxSettings: [.define("_GNU_SOURCE"), .define("__STDC_CONSTANT_MACROS"), .define("__STDC_LIMIT_MACROS")],
            linkerSettings: [.linkedLibrary("z"), .linkedLibrary("zstd"), .linkedLibrary("m"), .linkedLibrary("stdc++")]),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd"),
        .target(name: "CodeCache", dependencies: ["CZstd", "GuestMemory", "Support"]),
        .target(name: "LLVMBackend", dependencies: ["EmuIR", "GuestState", "CHost", "Support", "CLLVM"]),
        // engine
        .target(name: "CPluginAPI", exclude: ["exported-symbols.list"]),
        .target(name: "CPluginCalls", dependencies: ["CHost"]),
        .target(
            name: "PluginHost",
            dependencies: ["Support", "CPluginAPI", "CPluginCalls", "IRPasses", "EmuIR", "A64ISA", "GuestState", "CHost"],
            swiftSettings: testable),
        .target(
            name: "Engine",
            dependencies: [
                "Support", "EmuIR", "GuestState", "GuestMemory", "A64ISA", "A64Translator", "IRPasses",
                "IRInterpreter", "Baseline", "CodeCache", "LLVMBackend", "PluginHost", "CHost",
            ], swiftSettings: uncheckedExclusivity),
        // the SDK for plugins, which the bundled ones use; Embedded Swift, so that they need no Swift runtime
        .target(name: "CNeedletailPlugin", dependencies: ["CPluginAPI"], path: "Sources/Plugins/CNeedletailPlugin"),
        .target(
            name: "NeedletailPlugin", dependencies: ["CNeedletailPlugin"], path: "Sources/Plugins/NeedletailPlugin",
            swiftSettings: embedded),
        // environment
        .target(name: "LinuxUser", dependencies: ["GuestMemory", "GuestState", "CHost", "Support"], swiftSettings: testable),
        // executables
        .executableTarget(
            name: "needletail",
            dependencies: [
                "LinuxUser", "Engine", "CodeCache", "PluginHost", "LLVMBackend", "A64ISA", "A64Translator", "GuestState",
                "GuestMemory", "CHost",
                "Support",
            ], linkerSettings: exportPluginAPI + staticRuntime),
        .executableTarget(name: "generate-a64", dependencies: [], path: "Sources/GenerateA64"),
        // tests
        .target(name: "TestSupport", dependencies: ["EmuIR"], path: "Tests/TestSupport"),
        .target(name: "FuzzKit", dependencies: ["A64ISA", "CLLVM", "TestSupport"], path: "Tests/FuzzKit"),
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzKit", "A64ISA", "TestSupport", "LLVMBackend"], path: "Tests/Fuzz"),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzKit", "A64ISA"]),
        .testTarget(name: "EmuIRTests", dependencies: ["EmuIR", "TestSupport"]),
        .testTarget(name: "IRPassesTests", dependencies: ["IRPasses", "EmuIR", "TestSupport"]),
        .testTarget(
            name: "BaselineTests", dependencies: ["Baseline", "A64Translator", "EmuIR", "IRPasses", "LLVMBackend", "Support"]),
        .testTarget(name: "CodeCacheTests", dependencies: ["CodeCache", "GuestMemory"]),
        .testTarget(name: "CLLVMTests", dependencies: ["CLLVM"]),
        .testTarget(name: "A64TranslatorTests", dependencies: ["A64Translator", "A64ISA", "EmuIR", "TestSupport"]),
        .testTarget(name: "A64ISATests", dependencies: ["A64ISA", "FuzzKit", "TestSupport"]),
        .testTarget(
            name: "PluginHostTests",
            dependencies: ["PluginHost", "IRPasses", "CPluginAPI", "CPluginCalls", "A64ISA", "GuestState", "CHost"],
            linkerSettings: exportPluginAPI),
        .testTarget(name: "GuestMemoryTests", dependencies: ["GuestMemory"]),
        .target(name: "ReferenceFloat", path: "Tests/ReferenceFloat"),
        .testTarget(name: "ProgramTests", dependencies: ["A64ISA", "ReferenceFloat", "TestSupport"]),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "A64ISA", "A64Translator", "EmuIR", "GuestState", "IRPasses", "LLVMBackend", "CHost", "Support",
                "TestSupport",
            ]),
        .testTarget(name: "LinuxUserTests", dependencies: ["LinuxUser", "GuestMemory", "CHost", "TestSupport"]),
    ]
        + bundledPlugins.map {
            .target(
                name: $0, dependencies: ["NeedletailPlugin", "CNeedletailPlugin"], path: "Sources/Plugins/\($0)",
                exclude: ["README.md"], swiftSettings: embedded)
        },
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17,
    cxxLanguageStandard: .gnucxx20
)

// `make test-tsan`: ThreadSanitizer for the host side of plugins. It takes no Embedded Swift, and generated code would be foreign to it.
if Context.environment["TSAN"] != nil {
    let kept: Set = [
        "Support", "CHost", "EmuIR", "GuestState", "A64ISA", "IRPasses", "CPluginAPI", "CPluginCalls", "PluginHost",
        "PluginHostTests",
    ]
    package.products = []
    package.targets.removeAll { !kept.contains($0.name) }
}
