// swift-tools-version: 6.2
import PackageDescription

// A package of its own: nothing here is part of the emulator's build, and it measures programs, not libraries.
let package = Package(
    name: "Benchmarks",
    targets: [.executableTarget(name: "benchmarks")],
    swiftLanguageModes: [.v6]
)
