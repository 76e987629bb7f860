import Foundation
import Testing

/// What all bundled plugins have in common: options and their errors, `help`, `format=json`, `out=FILE`.
@Suite struct BundledPluginOptionTests {
    /// Each folder with a README is a plugin.
    static let names: [String] = {
        let folder = Installation.packageRoot + "/Sources/Plugins"
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/README.md") }.sorted()
    }()
    /// What a plugin needs to be given, or nothing.
    static func needs(_ name: String, in folder: String) -> String {
        switch name {
        case "bbv": ",interval=1000"
        case "stoptrigger": ",icount=1000"
        case "patch": ",target=00000000,patch=00000000"
        case "drcov": ",filename=\(folder)/coverage"
        default: ""
        }
    }

    /// lockstep waits for another, hwprofile wants a machine.
    static let reporting = names.filter { $0 != "lockstep" && $0 != "hwprofile" }

    @Test func areAllBundled() throws {
        #expect(Self.names.count >= 23)
        let folder = URL(fileURLWithPath: Installation.needletail).deletingLastPathComponent().path
        for name in Self.names { #expect(FileManager.default.fileExists(atPath: "\(folder)/lib\(name).so"), "\(name)") }
    }

    @Test(arguments: names) func listOptions(_ name: String) throws {
        let outcome = try needletail(["-plugin", "\(name),help", try Installation.guest("figures")])
        #expect(outcome.status == .exit(0) && outcome.stderr == "")
        #expect(outcome.stdout.hasPrefix("\(name): options\n"))
        // It needs no program.
        let alone = try needletail(["-plugin", "\(name),help"])
        #expect(alone.status == .exit(0) && alone.stdout == outcome.stdout && alone.stderr == "")
        #expect(outcome.stdout.contains("\n  out=FILE"))
        if name == "howvec" { #expect(outcome.stdout.contains("\n  cndb                         Cond Branch (imm)\n")) }
    }

    @Test(
        arguments: [
            ("insn,inline=maybe", "insn: option needs a boolean value (on, off, true, false, yes, no, y, n): inline=maybe"),
            ("bb,sizes=on", "bb: unknown option: sizes=on"),
            ("mem,inline=on,callback=on", "mem: inline and callback exclude each other"),
            ("mem,track=x", "mem: option has no such value: track=x"),
            ("mem,track=", "mem: option has no such value: track="),
            ("hotpages,pagesize=1000", "hotpages: pagesize must be a power of two"),
            ("hotpages,pagesize=4k", "hotpages: option needs a number: pagesize=4k"),
            ("hotblocks,inline=1", "hotblocks: option needs a boolean value (on, off, true, false, yes, no, y, n): inline=1"),
            ("howvec,count=none", "howvec: no class has this key; howvec,help lists them: count=none"),
            ("execlog,afilter=main", "execlog: option needs a hexadecimal address: afilter=main"),
            ("stoptrigger", "stoptrigger: needs icount or addr"),
            ("stoptrigger,icount=1:2:3", "stoptrigger: option needs N or N:CODE: icount=1:2:3"),
            ("stoptrigger,icount=99999999999999999999", "stoptrigger: option needs N or N:CODE: icount=99999999999999999999"),
            ("bbv", "bbv: needs outfile"),
            ("cache,dblksize=48", "cache: data cache: the block size must be a power of two"),
            ("cache,icachesize=1000", "cache: instruction cache: the size must be a multiple of block size and ways"),
            ("cache,l2assoc=0", "cache: l2: sizes and ways must not be 0"),
            ("lockstep", "lockstep: needs sockpath"),
            ("ips,ips=0", "ips: option needs a number above 0, with k, m or g: ips=0"),
            ("ips,ips=3x", "ips: option needs a number above 0, with k, m or g: ips=3x"),
            ("hwprofile", "hwprofile: there are no devices in user mode: it works in system emulation only"),
            ("patch,target=00,patch=0000", "patch: needs target and patch of the same length"),
            ("insn,format=xml", "insn: option needs text or json: format=xml"),
            ("insn,out=/nonexistent/report", "insn: cannot write: /nonexistent/report"),
        ])
    func refuse(_ option: String, _ message: String) throws {
        let outcome = try needletail(["-plugin", option, try Installation.guest("figures")])
        #expect(outcome.status == .exit(1) && outcome.stdout == "")
        #expect(outcome.errorLines.first == Substring(message), "\(outcome)")
        #expect(outcome.errorLines.count == 2)
    }

    /// The report is one JSON object that names its plugin, in the log and in a file; nothing else is left beside the file.
    @Test(arguments: reporting) func reportInJSON(_ name: String) throws {
        let folder = try TemporaryFolder()
        let guest = try Installation.guest("figures")
        let options = "\(name)\(Self.needs(name, in: folder.path)),format=json"
        let file = folder.path + "/report"
        for option in [options + ",out=\(file)", options] {
            let outcome = try needletail(["-plugin", option, "-d", "plugin", guest]) { $0.directory = folder.path }
            #expect(outcome.status == .exit(0))
            var text = outcome.stderr
            if option.contains("out=") {
                #expect(name == "reset" || text == "", "\(text)")
                text = try String(contentsOfFile: file, encoding: .utf8)
            } else if name == "reset" {
                text = String(text.drop { $0 != "{" })
            }
            let value = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            #expect(value?["plugin"] as? String == name, "\(text)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!left.contains { $0.hasSuffix(".tmp") }, "\(left)")
    }

    /// Quotes, a backslash, a line feed, letters beyond ASCII, control characters.
    @Test(arguments: ["a\"b\\c\nd", "grüße €𝄞", "x\u{7f}\u{1}"]) func escapeStrings(_ name: String) throws {
        let folder = try TemporaryFolder()
        let guest = folder.path + "/" + name
        try FileManager.default.copyItem(atPath: try Installation.guest("figures"), toPath: guest)
        let outcome = try needletail(["-plugin", "drcov,format=json", "-d", "plugin", guest])
        let value = try JSONSerialization.jsonObject(with: Data(outcome.stderr.utf8)) as? [String: Any]
        #expect((value?["module"] as? [String: Any])?["path"] as? String == guest, "\(outcome)")
    }

    @Test func writeToADevice() throws {
        let outcome = try needletail(["-plugin", "insn,inline=on,out=/dev/stdout", try Installation.guest("figures")])
        #expect(outcome.status == .exit(0) && outcome.stdout.contains("total insns: 12280\n"))
    }

    @Test func writeTextToAFile() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/report"
        let outcome = try needletail(["-plugin", "insn,inline=on,out=\(file)", try Installation.guest("figures")])
        #expect(outcome.status == .exit(0) && outcome.stderr == "")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "cpu 0 insns: 12280\ntotal insns: 12280\n")
    }

    /// A child that fork made ends first: its file has its process id behind the name, and the parent's is whole.
    @Test func childrenHaveFilesOfTheirOwn() throws {
        let folder = try TemporaryFolder()
        let guest = try Installation.guest("restart")
        for (plugin, files) in [
            ("insn,inline=on,out=insn", ["insn", "insn.*"]), ("drcov,filename=drcov", ["drcov", "drcov.*"]),
            ("bbv,interval=1,outfile=bbv", ["bbv.0.bb", "bbv.0.bb.*"]), ("uftrace,out=trace", ["trace"]),
        ] {
            let outcome = try needletail(["-plugin", plugin, guest]) { $0.directory = folder.path }
            #expect(outcome.status == .exit(0) && outcome.stderr == "", "\(plugin) \(outcome)")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            for name in names {
                let isKnown = files.contains { $0 == name || $0.hasSuffix("*") && name.hasPrefix($0.dropLast()) }
                #expect(isKnown && !name.hasSuffix(".tmp"), "\(plugin) \(names)")
            }
            #expect(names.count == files.count && names.contains(files[0]), "\(plugin) \(names)")
            for name in names { try FileManager.default.removeItem(atPath: folder.path + "/" + name) }
        }
    }

    /// Both by a signal from outside, in a loop that never ends.
    @Test(arguments: ["TERM", "INT"]) func writeWhenTheGuestIsKilled(_ signal: String) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/report"
        let guest = try Installation.guest("spin")
        var process = Subprocess(
            executable: "timeout",
            arguments: [
                "-s", signal, "0.5", Installation.needletail, "-plugin", "insn,inline=on,format=json,out=\(file)", guest,
            ])
        process.environment["PATH"] = "/usr/bin:/bin"
        #expect(try process.run().status == .exit(124))
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        let value = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        #expect((value?["insns"] as? Int ?? 0) > 1000)
    }

    /// Two processes that run the same, and two that do not.
    @Test func runInLockstep() throws {
        func both(_ first: [String], _ second: [String]) throws -> [Outcome] {
            let folder = try TemporaryFolder()
            let plugin = ["-plugin", "lockstep,sockpath=\(folder.path)/socket", "-d", "plugin"]
            let results = Results()
            DispatchQueue.concurrentPerform(iterations: 2) { index in
                results.set(index, Result { try needletail(plugin + (index == 0 ? first : second)) })
            }
            return try results.values.map { try #require(try $0?.get()) }
        }
        let guest = try Installation.guest("figures")
        for outcome in try both(["--tier=interp", guest], ["--tier=block", guest]) {
            #expect(outcome.status == .exit(0) && outcome.stdout == "ok\n")
            #expect(outcome.stderr == "No divergence :-)\nExecuted 4259/4259 blocks\nExecuted ~12280 instructions\n")
        }
        for outcome in try both([guest], [try Installation.guest("count")]) {
            #expect(outcome.status == .exit(0))
            let lines = outcome.errorLines
            #expect(lines[0].hasPrefix("@ 0x") && lines[0].hasSuffix("(0) (1/1 since last)"), "\(lines)")
            #expect(lines[2] == "Δ too high, we have diverged, previous insns")
            #expect(lines.contains("giving up") && lines.contains("Executed 3/3 blocks"))
        }
    }

    private final class Results: @unchecked Sendable {
        // @unchecked: behind `lock`.
        private let lock = NSLock()
        private var results: [Result<Outcome, any Error>?] = [nil, nil]
        func set(_ index: Int, _ result: Result<Outcome, any Error>) { lock.withLock { results[index] = result } }
        var values: [Result<Outcome, any Error>?] { lock.withLock { results } }
    }

    /// 403006 instructions at 10^6 a second: never faster; how much slower is the machine's affair.
    @Test func holdARate() throws {
        let guest = try Installation.guest("count")
        let clock = ContinuousClock()
        let time = try clock.measure {
            let outcome = try needletail(["-plugin", "ips,ips=1m,format=json", "-d", "plugin", guest])
            #expect(outcome.stderr.contains("\"insns\": 403006"))
        }
        #expect(time > .milliseconds(400))
    }

    @Test(arguments: Tier.allCases) func resetAndUninstall(_ tier: Tier) throws {
        let outcome = try needletail(["--tier=\(tier)", "-plugin", "reset", "-d", "plugin", try Installation.guest("figures")])
        #expect(outcome.status == .exit(0) && outcome.stdout == "ok\n")
        #expect(outcome.stderr == "reset done\nuninstall done\nplugin exit\n")
    }

    @Test(arguments: Tier.allCases) func disconsFit(_ tier: Tier) throws {
        for guest in [try Installation.guest("figures"), try Installation.program("signals", "O2")] {
            let plain = try needletail(["--tier=\(tier)", guest])
            let outcome = try needletail(["--tier=\(tier)", "-plugin", "discons,format=json", "-d", "plugin", guest])
            #expect(outcome.status == plain.status && outcome.stdout == plain.stdout)
            #expect(!outcome.stderr.contains("does not fit"), "\(outcome.stderr)")
        }
    }
}
