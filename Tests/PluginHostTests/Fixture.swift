import A64ISA
import CHost
import CPluginAPI
import Foundation
import GuestState
import IRPasses
import Synchronization
import Testing

@testable import PluginHost

/// Everything that touches the process's one active host: run one at a time.
@Suite(.serialized) struct HostTests {}

/// A host with one arena, services that record, and plugins compiled on the spot.
final class Fixture {
    let arena: VCPUArena
    let services = RecordingServices()
    let host: PluginHost
    /// All of them, to the end: threads of the test runner keep the vCPU that a test gave them, and on one of those the active host
    /// has its atexit callbacks when the process ends.
    private static let arenas = Mutex<[VCPUArena]>([])

    init() throws {
        nt_thread_set_cpu(nil)
        arena = try VCPUArena(capacity: 8)
        host = PluginHost(arena: arena, services: services)
        Self.arenas.withLock { $0.append(arena) }
    }

    /// Opens a vCPU index and makes it this thread's.
    @discardableResult
    func startVCPU(_ index: Int) throws -> UnsafeMutablePointer<nt_cpu> {
        let cpu = try #require(arena.activate(index))
        nt_thread_set_cpu(cpu)
        host.vcpuInit(index)
        return cpu
    }

    /// What the engine does at a safe point.
    func runSafeWork() {
        host.flush()
        let work = host.beginSafeWork()
        host.reclaim()
        host.finish(work)
    }

    func load(_ options: String...) throws {
        var parsed = PluginOptions()
        for option in options { try parsed.add(option) }
        try host.load(parsed)
    }
}

final class RecordingServices: PluginHostServices, @unchecked Sendable {
    // @unchecked: used by one test, on its thread, but for safe points.
    var output = ""
    private let requests = Atomic(0)
    var safePointRequests: Int { requests.load(ordering: .relaxed) }
    var program: PluginProgramInfo?
    var memory: [UInt64: UInt8] = [:]

    let cpu = PluginCPU(features: .max, idRegisters: A64FeatureSet.max.idRegisters(midr: 0x1234))
    func disassemble(_ word: UInt32, at pc: UInt64) -> String { word == 0xd503_201f ? "nop" : "udf #\(word)" }
    func symbol(at pc: UInt64) -> String? { pc < 0x40_0000 ? nil : "main" }
    func hostAddress(ofCode pc: UInt64) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(pc)) }
    func readMemory(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        for index in buffer.indices {
            guard let byte = memory[address + UInt64(index)] else { return false }
            buffer[index] = byte
        }
        return true
    }
    func writeMemory(at address: UInt64, from bytes: UnsafeRawBufferPointer) -> Bool {
        for (index, byte) in bytes.enumerated() { memory[address + UInt64(index)] = byte }
        return true
    }
    func pluginOutput(_ text: UnsafeBufferPointer<UInt8>) { output += String(decoding: text, as: UTF8.self) }
    var hasTimeControl = false
    var times: [Int64] = []
    func requestTimeControl() -> Bool {
        defer { hasTimeControl = true }
        return !hasTimeControl
    }
    func updateTime(_ nanoseconds: Int64) { times.append(nanoseconds) }
    func requestSafePoint() { requests.add(1, ordering: .relaxed) }
    func stopForExit() {}

    func takeOutput() -> String {
        defer { output = "" }
        return output
    }
}

/// Compiles test plugins against our header, each into its own file.
enum TestPlugin {
    static let headers = packageRoot.appendingPathComponent("Sources/CPluginAPI/include").path
    static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// For this process's files; gone when it exits.
    static let scratch: URL = {
        atexit { try? FileManager.default.removeItem(at: TestPlugin.scratch) }
        return FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-plugin-tests-\(ProcessInfo.processInfo.processIdentifier)")
    }()

    /// - Returns: Path of the shared object (of anything the arguments make).
    static func compile(
        _ source: String, compiler: String = "clang", suffix: String = "c", arguments: [String] = ["-shared", "-fPIC"]
    ) throws -> String {
        let directory = scratch.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let input = directory.appendingPathComponent("plugin.\(suffix)")
        let output = directory.appendingPathComponent("libplugin.so")
        try source.write(to: input, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [compiler] + arguments
            + ["-Wall", "-Werror", "-Wl,-z,now", "-I", headers, input.path, "-o", output.path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(compiler) refused the source")
        return output.path
    }

    /// A plugin of Tests/Plugins for an API version.
    static func compile(file name: String, version: Int) throws -> String {
        let folder = packageRoot.appendingPathComponent("Tests/Plugins").path
        return try compile(
            "#include \"\(name).c\"\n",
            arguments: ["-shared", "-fPIC", "-DQEMU_PLUGIN_VERSION=\(version)", "-I", folder])
    }

    /// The least plugin, with `body` as its install function.
    static func minimal(version: Int = 5, install body: String = "return 0;") -> String {
        """
        #define QEMU_PLUGIN_VERSION \((2...7).contains(version) ? version : 5)
        #include <qemu-plugin.h>
        QEMU_PLUGIN_EXPORT int qemu_plugin_version = \(version);
        QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
            (void)id; (void)info; (void)argc; (void)argv;
            \(body)
        }
        """
    }
}
