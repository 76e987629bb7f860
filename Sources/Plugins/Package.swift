// swift-tools-version: 6.2
// The SDK for plugins in Swift as a package by itself, for plugins built elsewhere: they then need neither LLVM nor the rest of
// Needletail. The package above builds the same sources for the bundled plugins. `make install` copies it to share/needletail/sdk.
import PackageDescription

let package = Package(
    name: "NeedletailPlugin",
    products: [.library(name: "NeedletailPlugin", targets: ["NeedletailPlugin"])],
    targets: [
        // A link to Sources/CPluginAPI in the repository.
        .target(name: "CPluginAPI", path: "CPluginAPI", exclude: ["exported-symbols.list"]),
        .target(name: "CNeedletailPlugin", dependencies: ["CPluginAPI"], path: "CNeedletailPlugin"),
        .target(
            name: "NeedletailPlugin", dependencies: ["CNeedletailPlugin"], path: "NeedletailPlugin",
            swiftSettings: [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
