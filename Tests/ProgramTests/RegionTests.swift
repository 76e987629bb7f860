import Foundation
import Testing

/// Regions seen from outside: what `-d region` and `-perfmap` say, and what a guest sees of them, which is nothing.
@Suite struct RegionTests {
    @Test(arguments: [("tight", 1), ("call", 1), ("default", 1)])
    func formWhereCodeLoops(_ name: String, _ count: Int) throws {
        let guest = try Installation.guest(name)
        let plain = try needletail(["--tier=interp", guest])
        let outcome = try needletail(["--sample-interval=100", "-d", "region", guest])
        #expect(outcome.stdout == plain.stdout && outcome.status == plain.status)
        let regions = outcome.errorLines.filter { $0.hasPrefix("region 0x") }
        #expect(regions.count >= count, "\(regions)")
        #expect(regions.contains { $0.contains(": loop, ") }, "\(regions)")
    }

    @Test func areCountedByStatistics() throws {
        let outcome = try needletail(["--tier=region", "--stats", try Installation.guest("call")])
        #expect(outcome.stderr.contains("regions ") && !outcome.stderr.contains("regions 0 of"), "\(outcome)")
    }

    @Test(arguments: ["block", "region"])
    func areNamedForPerf(_ tier: String) throws {
        let guest = try Installation.guest("call")
        let folder = try TemporaryFolder()
        // The shell tells the process's number before it becomes the emulator.
        let script = "echo $$ > \(folder.path)/pid; exec \(Installation.needletail) --tier=\(tier) --perf=map \(guest)"
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", script]
        shell.standardOutput = FileHandle.nullDevice
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        let pid = try String(contentsOfFile: folder.path + "/pid", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let path = "/tmp/perf-\(pid).map"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(!lines.isEmpty)
        for line in lines {
            let fields = line.split(separator: " ", maxSplits: 2)
            #expect(fields.count == 3 && UInt64(fields[0], radix: 16) != nil && (UInt64(fields[1], radix: 16) ?? 0) > 0, "\(line)")
        }
        #expect(lines.contains { $0.contains("@0x") })
        #expect(lines.contains { $0.contains(" region ") } == (tier == "region"))
    }

    /// Header and records are as perf's jitdump-specification.txt says, to the last byte.
    @Test func isDumpedForPerf() throws {
        let guest = try Installation.guest("call")
        let folder = try TemporaryFolder()
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "cd \(folder.path) && exec \(Installation.needletail) -jitdump \(guest)"]
        shell.standardOutput = FileHandle.nullDevice
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasPrefix("jit-") })
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)"))
        func word(_ offset: Int) -> Int { data[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) } }
        #expect(word(0) == 0x4a69_5444 && word(4) == 1 && word(8) == 40)
        #expect(name == "jit-\(word(20)).dump")
        var offset = 40
        var records = 0
        while offset + 56 <= data.count, word(offset) == 0, word(offset + 4) > 56 {
            let (codeSize, index) = (word(offset + 40), word(offset + 48))
            let name = data[(offset + 56)...].prefix { $0 != 0 }
            #expect(index == records && String(decoding: name, as: UTF8.self).contains("0x"))
            #expect(word(offset + 4) == 56 + name.count + 1 + codeSize)
            offset += word(offset + 4)
            records += 1
        }
        #expect(offset == data.count && records > 0)
    }
}
