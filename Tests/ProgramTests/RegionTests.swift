import Foundation
import Testing

/// Regions seen from outside: what `-d region` and `-perfmap` say, and what a guest sees of them, which is nothing.
@Suite struct RegionTests {
    @Test(arguments: [("tight", 1), ("call", 1), ("default", 5)])
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
        let script = "echo $$ > \(folder.path)/pid; exec \(Installation.needletail) --tier=\(tier) -perfmap \(guest)"
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
}
