import CHost
import CPluginAPI
import Foundation
import IRPasses
import Testing

@testable import PluginHost

extension HostTests {
    /// The bundled plugins, found by bare name beside the test runner. Generated code is played by `run`.
    @Suite struct BundledPluginTests {
        private static let nop: UInt32 = 0xd503_201f

        /// Does what generated code does with the tb and insn records when a TB runs from start to end on this thread's vCPU.
        private func run(_ records: TBInstrumentation) throws {
            let cpu = try #require(nt_thread_cpu())
            let arena = UnsafeMutableRawPointer(cpu)
            typealias Callback = @convention(c) (UInt32, UnsafeMutableRawPointer?) -> Void
            func call(_ function: UInt64, _ userdata: UInt64) {
                let callback = unsafeBitCast(UnsafeRawPointer(bitPattern: UInt(function)), to: Callback.self)
                callback(cpu.pointee.cpu_index, UnsafeMutableRawPointer(bitPattern: UInt(userdata)))
            }
            for record in [records.tb] + records.insns {
                for record in record {
                    switch record {
                    case .add(let offset, let value):
                        let old = arena.load(fromByteOffset: Int(offset), as: UInt64.self)
                        arena.storeBytes(of: old &+ value, toByteOffset: Int(offset), as: UInt64.self)
                    case .store(let offset, let value):
                        arena.storeBytes(of: value, toByteOffset: Int(offset), as: UInt64.self)
                    case .call(let function, let userdata, _): call(function, userdata)
                    case .callIf: Issue.record("no bundled plugin uses conditions")
                    }
                }
            }
        }

        private func tb(_ pc: UInt64, _ words: UInt32...) -> TBDescription {
            TBDescription(pc: pc, words: ContiguousArray(words))
        }

        @Test func emptyAsksAndWantsNothing() throws {
            let fixture = try Fixture()
            try fixture.load("empty,whatever=1")
            #expect(fixture.host.wantsTranslation)
            #expect(fixture.host.instrument(tb: tb(0x1000, Self.nop)).isEmpty)
            fixture.host.atExit()
            #expect(fixture.services.takeOutput() == "")
        }

        @Test(arguments: ["bb", "bb,inline=on", "bb,inline=off,idle=on"])
        func bbCountsBlocksAndInstructions(option: String) throws {
            // Each in a library of its own: the loader would share one file's static data.
            let fixture = try Fixture()
            try fixture.load(try ownCopy(option))
            try fixture.startVCPU(0)
            let long = fixture.host.instrument(tb: tb(0x1000, Self.nop, Self.nop, Self.nop))
            let short = fixture.host.instrument(tb: tb(0x2000, Self.nop))
            for _ in 0..<5 { try run(long) }
            try run(short)
            try fixture.startVCPU(1)
            try fixture.startVCPU(2)
            try run(short)
            #expect(long.tb.count == (option.contains("inline=on") ? 2 : 1))
            fixture.host.atExit()
            #expect(
                fixture.services.takeOutput() == """
                    CPU0: bb's: 6, insns: 16
                    CPU2: bb's: 1, insns: 1
                    Total: bb's: 7, insns: 17

                    """)
        }

        @Test(arguments: ["insn", "insn,inline=true"])
        func insnCountsInstructions(option: String) throws {
            let fixture = try Fixture()
            try fixture.load(try ownCopy(option))
            try fixture.startVCPU(0)
            let records = fixture.host.instrument(tb: tb(0x1000, Self.nop, Self.nop))
            for _ in 0..<3 { try run(records) }
            try fixture.startVCPU(1)
            try run(records)
            fixture.host.atExit()
            #expect(fixture.services.takeOutput() == "cpu 0 insns: 6\ncpu 1 insns: 2\ntotal insns: 8\n")
        }

        @Test func insnReportsSizes() throws {
            let fixture = try Fixture()
            try fixture.load(try ownCopy("insn,sizes=on"))
            _ = fixture.host.instrument(tb: tb(0x1000, Self.nop, Self.nop))
            _ = fixture.host.instrument(tb: tb(0x1000, Self.nop))
            fixture.host.atExit()
            #expect(fixture.services.takeOutput() == "len 4 bytes: 3 insns\n")
        }

        @Test(arguments: ["", ",inline=on"])
        func insnFollowsMatches(inline: String) throws {
            let fixture = try Fixture()
            try fixture.load(try ownCopy("insn,match=udf,trace=on,match=zzz" + inline))
            try fixture.startVCPU(0)
            let first = fixture.host.instrument(tb: tb(0x40_02b0, Self.nop, 7))
            // Translated again: the record is the same.
            let again = fixture.host.instrument(tb: tb(0x40_02b4, 7))
            let other = fixture.host.instrument(tb: tb(0x1000, 9, Self.nop))
            #expect(
                fixture.services.takeOutput()
                    == "Created record for: 4002b4 udf #7\nCreated record for: 1000 udf #9\n")
            try run(first)
            try run(first)
            try run(other)
            try run(again)
            #expect(
                fixture.services.takeOutput() == """
                    0x4002b4, 'udf #7', 1 hits , cpu 0, 1 match hits, Δ+2 since last match, 2 avg insns/match
                    0x4002b4, 'udf #7', 2 hits , cpu 0, 2 match hits, Δ+2 since last match, 2 avg insns/match
                    0x1000, 'udf #9', 1 hits , cpu 0, 3 match hits, Δ+1 since last match, 1 avg insns/match
                    0x4002b4, 'udf #7', 3 hits , cpu 0, 4 match hits, Δ+2 since last match, 1 avg insns/match

                    """)
            fixture.host.atExit()
            #expect(
                fixture.services.takeOutput() == """
                    cpu 0 insns: 7
                    total insns: 7
                    Match: udf, hits 4
                      1000: udf #9 (hits 1)
                      4002b4: udf #7 (hits 3)
                    Match: zzz, hits 0

                    """)
        }

        @Test(arguments: ["insn,inline=maybe", "insn,unknown=1", "bb,inline=1", "bb,sizes=on"])
        func refuseBadOptions(option: String) throws {
            let fixture = try Fixture()
            let error = try #require(throws: PluginError.self) { try fixture.load(option) }
            #expect(error.kind == .installFailed(-1))
        }

        /// They may be used where no Swift is installed, and cost no start-up time.
        @Test(arguments: ["insn", "bb", "empty", "cache", "execlog", "lockstep", "howvec", "uftrace", "traps"])
        func needNothingButLibc(name: String) throws {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["readelf", "-d", PluginSearchPath().resolve(name)]
            process.standardOutput = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            let needed = text.matches(of: /\(NEEDED\).*\[([^\]]*)\]/).map { String($0.output.1) }
            #expect(needed == ["libc.so.6"])
        }

        private func ownCopy(_ option: String) throws -> String {
            let parts = option.split(separator: ",", maxSplits: 1)
            let directory = TestPlugin.scratch.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let copy = directory.appendingPathComponent("lib\(parts[0]).so").path
            try FileManager.default.copyItem(atPath: PluginSearchPath().resolve(String(parts[0])), toPath: copy)
            return ([copy] + parts.dropFirst().map(String.init)).joined(separator: ",")
        }
    }
}
