import Foundation
import Testing

/// What each bundled plugin reports of programs whose figures are known by arithmetic, in every tier. The counts are those of
/// Tests/Guests/figures and figurethreads; 12280 instructions are 5 + 1000 * 12 + 250 + 13 + 3 + 6 + 3.
@Suite struct BundledReportTests {
    static let insns = 5 + 1000 * 12 + 250 + 1 + 3 * 4 + 3 + 6 + 3

    /// Runs `figures` and gives the plugin's log.
    private func report(_ plugin: String, _ tier: Tier = .auto, _ guest: String = "figures") throws -> String {
        let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin, "-d", "plugin", try Installation.guest(guest)])
        #expect(outcome.status == .exit(0), "\(plugin): \(outcome)")
        if guest == "figures" { #expect(outcome.stdout == "ok\n") }
        return outcome.stderr
    }

    private func json(_ plugin: String, _ tier: Tier = .auto, _ guest: String = "figures") throws -> [String: Any] {
        let text = try report(plugin + ",format=json", tier, guest)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(plugin): \(text)")
    }

    /// Where `figures` begins; its instructions are 4 bytes each from there.
    private static func entry(_ guest: String = "figures") throws -> UInt64 {
        let file = try Data(contentsOf: URL(fileURLWithPath: try Installation.guest(guest)))
        return file[24..<32].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    private static func hex(_ value: UInt64, width: Int = 0) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // MARK: Counts

    @Test(arguments: Tier.allCases) func mem(_ tier: Tier) throws {
        for (options, count) in [
            ("", 4000), (",inline=on", 4000), (",callback=on", 4000), (",track=r,callback=on", 2000), (",track=w", 2000),
        ] {
            #expect(try report("mem" + options, tier) == "mem accesses: \(count)\n", "\(options)")
        }
        #expect(try report("mem,haddr=on", tier) == "mem accesses: 4000\nio accesses: 0\n")
        let printed = try report("mem,print-accesses=on,track=r", tier).split(separator: "\n")
        let at = try Self.entry() + 7 * 4
        #expect(printed.count == 2001)
        #expect(printed[0] == "insn_vaddr,insn_symbol,mem_vaddr,mem_hwaddr,access_size,access_type,mem_value")
        let fields = printed[1].split(separator: ",", omittingEmptySubsequences: false)
        #expect(
            fields.count == 7 && fields[0] == "0x\(Self.hex(at))" && fields[3...] == ["0x0", "64", "load", "0x0000000000000001"])
        #expect(printed[2000].hasSuffix(",0x0,128,load,0x" + Self.hex(0, width: 16) + Self.hex(1000, width: 16)))
    }

    /// Both pages lie in one 16 KiB region, unless it begins between them. Reads come behind writes to the same place, and the half of
    /// LDP that nobody wrote is zero, as is what was never written.
    @Test(arguments: Tier.allCases) func memRegions(_ tier: Tier) throws {
        let lines = try report("mem,region-summary=on", tier).split(separator: "\n")
        #expect(lines.first == "Region Base, Reads, Writes, Seen all")
        let rows = lines.dropFirst().map { $0.components(separatedBy: ", ") }
        #expect((1...2).contains(rows.count) && rows.allSatisfy { $0[3] == "true" })
        #expect(rows.reduce(0) { $0 + (Int($1[1]) ?? 0) } == 2000 && rows.reduce(0) { $0 + (Int($1[2]) ?? 0) } == 2000)
    }

    @Test(arguments: Tier.allCases) func syscall(_ tier: Tier) throws {
        #expect(
            try report("syscall", tier) == """
                syscall no.  calls  errors
                172          3      0
                57           1      1
                64           1      0
                94           1      0

                """)
        let printed = try report("syscall,print=on,log_writes=on", tier)
        #expect(
            printed.hasSuffix(
                """
                syscall #57
                syscall #57 returned -> -9
                syscall #64
                6f 6b 0a                                         | ok.
                syscall #64 returned -> 3
                syscall #94

                """), "\(printed)")
    }

    @Test(arguments: Tier.allCases) func inlineAgrees(_ tier: Tier) throws {
        let blocks = 1 + 1000 * 3 + 250 + 999 + 1 + 3 + 2 + 3
        let report = try report("inline", tier)
        #expect(
            report == """
                cpu 0: tb (4259, 4259, 42 * 100 + 59) | insn (12280, 12280, 122 * 100 + 80) | mem (4000, 4000)
                tb: \(blocks)
                tb: \(blocks) (per vcpu)
                tb: \(blocks) (per vcpu inline)
                tb: \(blocks) (conditional cb)
                insn: \(Self.insns)
                insn: \(Self.insns) (per vcpu)
                insn: \(Self.insns) (per vcpu inline)
                insn: \(Self.insns) (cond cb)
                mem: 4000
                mem: 4000 (per vcpu)
                mem: 4000 (per vcpu inline)

                """)
    }

    @Test(arguments: Tier.allCases, ["", ",inline=on"]) func hotblocks(_ tier: Tier, _ inline: String) throws {
        let entry = try Self.entry()
        // Place of the first instruction, instructions, executions.
        let blocks = [
            (6, 7, 1000), (15, 2, 1000), (34, 2, 1000), (5, 1, 999), (13, 1, 250), (20, 2, 3), (18, 2, 2), (0, 6, 1), (17, 3, 1),
            (22, 3, 1), (25, 6, 1), (31, 3, 1),
        ]
        var expected = "collected \(blocks.count) entries in the hash table\npc, tcount, icount, ecount\n"
        for (place, insns, executions) in blocks {
            expected += "0x\(Self.hex(entry + UInt64(place) * 4, width: 16)), 1, \(insns), \(executions)\n"
        }
        #expect(try report("hotblocks" + inline, tier) == expected)
    }

    @Test(arguments: Tier.allCases) func hotpages(_ tier: Tier) throws {
        func rows(_ options: String) throws -> [String] {
            let lines = try report("hotpages" + options, tier).split(separator: "\n").map(String.init)
            #expect(lines.first == "Addr, RCPUs, Reads, WCPUs, Writes")
            return lines.dropFirst().map { String($0.dropFirst(20)) }
        }
        let (first, second) = ("0x0001, 2000, 0x0001, 1000", "0x0000, 0, 0x0001, 1000")
        #expect(try rows("") == [first, second])
        #expect(try rows(",sortby=address") == [first, second])
        #expect(try rows(",pagesize=1048576") == ["0x0001, 2000, 0x0001, 2000"])
        #expect(try rows(",io=on") == [])
    }

    @Test(arguments: Tier.allCases, ["", ",inline=on"]) func howvec(_ tier: Tier, _ inline: String) throws {
        let classes = [
            ("  UDEF", nil), ("  PCrel addr", 1002), ("  Add/Sub (imm)", 2004), ("  Logical (imm)", 1000),
            ("  Move Wide (imm)", 13),
            ("  Cond Branch (imm)", 2003), ("  Exception Gen", 6), ("    NOP", nil), ("  Branch (reg)", 1250),
            ("  Branch (imm)", 1000), ("  ldst pair", 1000), ("  ldst reg (imm)", 3000),
        ]
        var expected = "Instruction Classes:\n"
        func padded(_ name: String) -> String { name + String(repeating: " ", count: 24 - name.count) }
        for (name, hits) in classes {
            expected += "Class: \(padded(name))\t" + (hits.map { "(\($0) hits)\n" } ?? "not counted\n")
        }
        #expect(try report("howvec" + inline, tier) == expected)
        let individual = try report("howvec,count=breg,count=!excp" + inline, tier)
        #expect(individual.contains("Class: \(padded("  Branch (reg)"))\tcounted individually\n"))
        #expect(individual.contains("Class: \(padded("  Exception Gen"))\tnot counted\n"))
        #expect(
            individual.hasSuffix(
                """
                Individual Instructions:
                Instr: ret                     \t(1000 hits)\t(op=0xd65f03c0/  Branch (reg))
                Instr: br x9                   \t(250 hits)\t(op=0xd61f0120/  Branch (reg))

                """), "\(individual)")
        #expect(try report("howvec,verbose=on", tier).split(separator: "\n").count == 43)
    }

    @Test(arguments: Tier.allCases) func traps(_ tier: Tier) throws {
        let lines = try report("traps", tier).split(separator: "\n")
        // getpid three times, close, write; exit_group does not return.
        #expect(lines == ["VCPU, interrupts, exceptions, hostcalls", "   0,          0,          0,          5"])
    }

    // MARK: Models

    @Test(arguments: Tier.allCases) func cache(_ tier: Tier) throws {
        let lines = try report("cache", tier).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "core #, data accesses, data misses, dmiss rate, insn accesses, insn misses, imiss rate")
        #expect(lines[1] == "0       4000           2               0.0500%  12280          3               0.0244%")
        #expect(lines[2...3] == ["", "address, data misses, instruction"])
        let entry = try Self.entry()
        #expect(lines[4] == "0x\(Self.hex(entry + 6 * 4)), 1, str x0, [x20]")

        // One line each: STR comes back from the other page, and code goes through three lines each round.
        let small = "icachesize=64,iblksize=64,iassoc=1,dcachesize=64,dblksize=64,dassoc=1"
        let thrashing = try report("cache,\(small),l2=on,cores=2,limit=1", tier).split(separator: "\n")
        #expect(
            thrashing[0] == """
                core #, data accesses, data misses, dmiss rate, insn accesses, insn misses, imiss rate, l2 accesses, l2 misses, l2 miss rate
                """)
        let row =
            "4000           2000           50.0000%  12280          4001           32.5814%  6001         5               0.0833%"
        #expect(thrashing[1] == "0       \(row)" && thrashing[3] == "sum     \(row)")
        #expect(thrashing[5] == "0x\(Self.hex(entry + 6 * 4)), 1000, str x0, [x20]", "\(thrashing)")
        #expect(thrashing[7].hasSuffix(", 1000, str x0, [x20]"))
        for eviction in ["lru", "fifo", "rand"] {
            let misses = try json("cache,evict=\(eviction),dcachesize=128,dblksize=64,dassoc=2", tier)["sum"] as? [String: Any]
            #expect((misses?["data"] as? [String: Int])?["misses"] == 2)
        }
    }

    @Test(arguments: Tier.allCases) func controlFlow(_ tier: Tier) throws {
        let entry = try Self.entry()
        func place(_ n: UInt64) -> String { "0x\(Self.hex(entry + n * 4))" }
        let report = try report("cflow,totals=on", tier)
        #expect(report.hasPrefix("collected 6 control flow nodes in the hash table\n"))
        #expect(report.hasSuffix("taken 1751, not taken 252, unconditional 1000, indirect 1250, early exits 0\n"), "\(report)")
        for (from, text, to, count) in [
            (5, "bl ", 34, 1000), (12, "b.ne ", 15, 750), (13, "br x9", 15, 250), (16, "b.ne ", 5, 999), (21, "b.ne ", 18, 2),
            (35, "leaf: ret", 6, 1000),
        ] as [(UInt64, String, UInt64, Int)] {
            #expect(report.contains("  addr: \(place(from)) \(text)"))
            #expect(report.contains(" (branch)\n    branches \(count)\n      to \(place(to)) (\(count))\n"), "\(report)")
        }
        let totals = try json("cflow", tier)
        #expect(totals["taken"] as? Int == 1751 && totals["not_taken"] as? Int == 252 && totals["indirect"] as? Int == 1250)
    }

    // MARK: Traces

    @Test(arguments: Tier.allCases) func execlog(_ tier: Tier) throws {
        let entry = try Self.entry()
        func place(_ n: UInt64) -> String { "0x\(Self.hex(entry + n * 4))" }
        let all = try report("execlog", tier).split(separator: "\n")
        #expect(all.count == Self.insns)
        #expect(all[0].hasPrefix("0, \(place(0)), 0xd280001d, \"mov x29, #"))
        let store = try report("execlog,ifilter=str ", tier).split(separator: "\n")
        #expect(store.count == 1000)
        #expect(store[0].hasPrefix("0, \(place(6)), 0xf9000280, \"str x0, [x20]\", store, 0x"), "\(store[0])")
        let leaf = try report("execlog,afilter=\(Self.hex(entry + 34 * 4)),reg=X0,reg=x1*", tier).split(separator: "\n")
        #expect(leaf.count == 1000)
        for index in [0, 1, 999] {
            let value = Self.hex(UInt64(index) + 1, width: 16)
            #expect(leaf[index].hasPrefix("0, \(place(34)), 0x91000400, \"add x0, x0, #"))
            #expect(leaf[index].hasSuffix(", x0 -> 0x\(value)"), "\(leaf[index])")
        }
        // The instruction mentions no X1: its change is not told.
        let mentioned = try report("execlog,ifilter=strb,reg=x*,rdisas=on", tier)
        #expect(!mentioned.contains(" -> "))
        let loads = try report("execlog,ifilter=ldp,reg=x*,rdisas=on", tier).split(separator: "\n")
        #expect(loads.count == 1000 && loads[4].hasSuffix(", x2 -> 0x0000000000000005"), "\(loads[4])")
    }

    @Test(arguments: Tier.allCases) func stoptrigger(_ tier: Tier) throws {
        let guest = try Installation.guest("figures")
        func run(_ options: String) throws -> Outcome {
            try needletail([
                "--tier=\(tier)", "-plugin", "insn,inline=on", "-plugin", "stoptrigger," + options, "-d", "plugin", guest,
            ])
        }
        let entry = try Self.entry()
        // Rounds of 12 instructions behind 5, and a br in every fourth: instruction 5001 is in the 412th.
        let counted = try run("icount=5000:7")
        #expect(counted.status == .exit(7))
        #expect(counted.errorLines.first?.hasPrefix("icount reached at 0x") == true)
        // QEMU's order: the plugin loaded last is called first, so the instruction is not counted by the other.
        #expect(counted.errorLines.last == "total insns: 5000", "\(counted)")
        let address = "0x\(Self.hex(entry + 17 * 4))"
        let reached = try run("addr=\(address):3")
        #expect(reached.status == .exit(3))
        #expect(reached.stderr.hasPrefix("\(address) reached, exiting\n"), "\(reached)")
        #expect(reached.errorLines.last == "total insns: \(5 + 12 * 1000 + 250)")
        #expect(try run("addr=0x10").status == .exit(0))
    }

    @Test(arguments: Tier.allCases) func basicBlockVectors(_ tier: Tier) throws {
        let folder = try TemporaryFolder()
        #expect(try report("bbv,interval=1000,outfile=\(folder.path)/v", tier) == "")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["v.0.bb"])
        let lines = try String(contentsOfFile: folder.path + "/v.0.bb", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 12)
        for line in lines {
            #expect(line.hasPrefix("T:") && line.hasSuffix(" "))
            let items = line.dropFirst().split(separator: " ").map { $0.split(separator: ":").compactMap { Int($0) } }
            #expect(items.allSatisfy { $0.count == 2 && (1...12).contains($0[0]) })
            #expect((1000..<1007).contains(items.reduce(0) { $0 + $1[1] }), "\(line)")
        }
    }

    @Test(arguments: Tier.allCases) func coverage(_ tier: Tier) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/cov"
        #expect(try report("drcov,filename=\(file)", tier) == "")
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        let entry = try Self.entry()
        let path = try Installation.guest("figures")
        let marker = Data("BB Table: 12 bbs\n".utf8)
        let end = try #require(data.range(of: marker)).upperBound
        let header = String(decoding: data[..<end], as: UTF8.self).split(separator: "\n")
        #expect(header[0...2] == ["DRCOV VERSION: 2", "DRCOV FLAVOR: drcov-64", "Module Table: version 2, count 1"])
        #expect(header[3] == "Columns: id, base, end, entry, path")
        #expect(header[4].hasPrefix("0, 0x") && header[4].hasSuffix(", 0x\(Self.hex(entry)), \(path)"), "\(header[4])")
        let blocks = data[end...]
        #expect(blocks.count == 12 * 8)
        #expect(Array(blocks.prefix(8)) == withUnsafeBytes(of: (UInt32(entry), UInt16(24), UInt16(0))) { Array($0) })
    }

    @Test(arguments: Tier.allCases) func calls(_ tier: Tier) throws {
        let folder = try TemporaryFolder()
        let entry = try Self.entry()
        let directory = folder.path + "/trace"
        #expect(try report("uftrace,out=\(directory)", tier) == "")
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: directory)) == [
                "100.dat", "figures.sym", "info", "sid-0.map", "task.txt",
            ])
        let records = try Data(contentsOf: URL(fileURLWithPath: directory + "/100.dat"))
        #expect(records.count == 16 * 2 * 1001)
        let words = records.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
        #expect(stride(from: 2, to: words.count, by: 2).allSatisfy { words[$0] >= words[$0 - 2] }, "times go forward")
        let leaf = (entry + 34 * 4) << 16
        #expect(words[1] == entry << 16 | 5 << 3)
        #expect(words[3] == leaf | 1 << 6 | 5 << 3 && words[5] == leaf | 1 << 6 | 5 << 3 | 1)
        #expect(words[words.count - 1] == entry << 16 | 5 << 3 | 1)
        let info = try Data(contentsOf: URL(fileURLWithPath: directory + "/info"))
        #expect(info.prefix(8) == Data("Ftrace!\0".utf8) && info[8] == 4 && info[12] == 40)
        let tasks = try String(contentsOfFile: directory + "/task.txt", encoding: .utf8)
        #expect(tasks.contains("SESS timestamp=") && tasks.contains(" tid=100 pid=100\n"))
        // Debian's uftrace reads it.
        var uftrace = Subprocess(executable: "uftrace", arguments: ["replay", "--no-pager", "-d", directory])
        uftrace.environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        let replay = try uftrace.run()
        let lines = replay.stdout.split(separator: "\n")
        #expect(replay.status == .exit(0) && replay.stderr == "", "\(replay)")
        #expect(lines.filter { $0.hasSuffix("[   100] |   leaf();") }.count == 1000, "\(lines.prefix(5))")
        #expect(lines.count == 1003 && lines[1].hasSuffix(">() {") && lines[1002].hasSuffix("> */"))
    }

    // MARK: Several threads

    @Test(arguments: Tier.allCases) func threads(_ tier: Tier) throws {
        let guest = "figurethreads"
        #expect(try report("mem,track=w,inline=on", tier, guest) == "mem accesses: 8000\n")
        #expect(try report("mem,track=w,callback=on", tier, guest) == "mem accesses: 8000\n")
        for inline in ["", ",inline=on"] {
            #expect(
                try report("howvec,count=atomic" + inline, tier, guest).contains("\t(4000 hits)\t(op=0xf83702d8/  Atomic ldst)"))
            let loop = "0x\(Self.hex(try loopOfThreads(), width: 16)), "
            let row = try report("hotblocks" + inline, tier, guest).split(separator: "\n").first { $0.hasPrefix(loop) }
            #expect(row?.hasSuffix(", 4, 3996") == true, "\(row ?? "no row")")
        }
        let pages = try json("hotpages", tier, guest)["pages"] as? [[String: Any]] ?? []
        let counts = pages.map { [$0["reads"] as? Int ?? 0, $0["writes"] as? Int ?? 0] }
        #expect(counts.contains([4000, 4000]) && counts.contains([0, 4000]), "\(pages)")
        let flow = try report("cflow,sort=hottest", tier, guest)
        #expect(flow.contains("    branches 3996\n"), "\(flow)")
        #expect(try json("cache,cores=3", tier, guest)["cores"].map { ($0 as? [Any])?.count } == 3)
        let calls = try json("syscall", tier, guest)["calls"] as? [[String: Int]] ?? []
        #expect(calls.contains { $0["call"] == 220 && $0["calls"] == 4 } && calls.contains { $0["call"] == 93 && $0["calls"] == 4 })
    }

    /// The loop of `figurethreads`, which begins with its only LDADD.
    private func loopOfThreads() throws -> UInt64 {
        let file = try Data(contentsOf: URL(fileURLWithPath: try Installation.guest("figurethreads")))
        // ldadd x23, x24, [x22]
        let word = try #require(file.range(of: Data([0xd8, 0x02, 0x37, 0xf8])))
        let start = try #require(file.range(of: Data([0x93, 0x00, 0x80, 0xd2])), "mov x19, #4")
        return try Self.entry("figurethreads") + UInt64(word.lowerBound - start.lowerBound)
    }
}
