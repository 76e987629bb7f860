// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "needletail",
    products: [
        .executable(name: "needletail", targets: ["needletail"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // base
        .target(name: "Support"),
        // model
        .target(name: "CHost"),
        .target(name: "EmuIR", dependencies: ["Support"]),
        .target(name: "GuestState", dependencies: ["CHost", "EmuIR"]),
        .target(name: "GuestMemory", dependencies: ["GuestState", "CHost", "Support"]),
        // stages
        .target(name: "A64ISA", dependencies: ["Support"], exclude: ["Encodings"]),
        .target(name: "A64Translator", dependencies: ["A64ISA", "EmuIR"]),
        .target(name: "IRPasses", dependencies: ["EmuIR", "Support"]),
        .target(name: "IRInterpreter", dependencies: ["EmuIR", "GuestState", "GuestMemory", "CHost"]),
        .binaryTarget(name: "LLVMStatic", path: "CLLVM/LLVMStatic.artifactbundle"),
        .target(
            name: "CLLVM", dependencies: ["LLVMStatic"], path: "CLLVM",
            exclude: ["prepare.sh", "LLVMStatic.artifactbundle"], publicHeadersPath: "include",
            cxxSettings: [.define("_GNU_SOURCE"), .define("__STDC_CONSTANT_MACROS"), .define("__STDC_LIMIT_MACROS")],
            linkerSettings: [.linkedLibrary("z"), .linkedLibrary("zstd"), .linkedLibrary("m"), .linkedLibrary("stdc++")]),
        .target(name: "LLVMBackend", dependencies: ["EmuIR", "GuestState", "CHost", "Support", "CLLVM"]),
        // engine
        .target(name: "CPluginAPI"),
        .target(name: "PluginHost", dependencies: ["Support", "CPluginAPI", "IRPasses", "EmuIR", "A64ISA", "GuestState", "CHost"]),
        .target(
            name: "Engine",
            dependencies: [
                "Support", "EmuIR", "GuestState", "GuestMemory", "A64ISA", "A64Translator", "IRPasses",
                "IRInterpreter", "LLVMBackend", "PluginHost", "CHost",
            ]),
        // environment
        .target(name: "LinuxUser", dependencies: ["Engine", "GuestMemory", "GuestState", "CHost", "Support"]),
        // executables
        .executableTarget(name: "needletail", dependencies: ["LinuxUser", "Engine", "Support"]),
        .executableTarget(name: "generate-a64", dependencies: [], path: "Sources/GenerateA64"),
        // tests
        .testTarget(name: "A64TranslatorTests", dependencies: ["A64Translator", "A64ISA", "EmuIR"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17,
    cxxLanguageStandard: .gnucxx20
)
