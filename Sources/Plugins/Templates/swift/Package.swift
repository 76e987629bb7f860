// swift-tools-version: 6.2
// An out-of-tree plugin in Swift. Build it with
//   NEEDLETAIL_SDK="$(needletail --print-plugin-sdk)" swift build -c release
// and run it with
//   needletail -plugin .build/release/libcountcalls.so -d plugin program
import PackageDescription

let sdk = Context.environment["NEEDLETAIL_SDK"] ?? "../.."

let package = Package(
    name: "countcalls",
    products: [.library(name: "countcalls", type: .dynamic, targets: ["countcalls"])],
    dependencies: [.package(name: "NeedletailPlugin", path: sdk)],
    targets: [
        .target(
            name: "countcalls", dependencies: [.product(name: "NeedletailPlugin", package: "NeedletailPlugin")],
            // No Swift runtime in the plugin, nor in the process it is loaded into.
            swiftSettings: [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])])
    ]
)
