import Testing

/// Plugins that make mistakes, and plugins that come and go while threads run.
@Suite struct PluginSafetyTests {
    @Test(arguments: [5, 7], Tier.allCases)
    func mistakesAreToldAndSurvived(_ version: Int, _ tier: Tier) throws {
        let plugin = try HostCompiler.plugin(file: "mistakes", version: version)
        for guest in [try Installation.guest("count"), try Installation.program("plugload", "O2")] {
            let plain = try needletail(["--tier=\(tier)", guest])
            let outcome = try needletail(["--tier=\(tier)", "-plugin", plugin.path, guest])
            #expect(outcome.status == plain.status)
            #expect(outcome.stdout == plain.stdout)
            #expect(outcome.errorLines.last == "survived")
            // Said by us, one line each and each once.
            let told = outcome.errorLines.dropLast()
            #expect(told.allSatisfy { $0.hasPrefix("needletail: ") }, "\(outcome.stderr)")
            #expect(Set(told).count == told.count)
            for part in ["scoreboard", "unknown plugin id 12345", "as a block", "as an instruction", "unknown flags 9"] {
                #expect(told.contains { $0.contains(part) }, "\(part)")
            }
        }
    }

    /// One plugin resets itself and uninstalls another, which is in the middle of everything.
    @Test(arguments: [5, 7], Tier.allCases)
    func comeAndGoDuringAStorm(_ version: Int, _ tier: Tier) throws {
        let guest = try Installation.program("plugload", "O2")
        let victim = try HostCompiler.plugin(file: "storm", version: version)
        let plugin = try HostCompiler.plugin(file: "storm", version: 12 - version)
        let plain = try needletail([guest])
        let outcome = try needletail([
            "--tier=\(tier)", "-plugin", victim.path + ",victim=on", "-plugin", plugin.path + ",cycles=200", guest,
        ])
        #expect(outcome.status == .exit(0))
        #expect(outcome.stdout == plain.stdout)
        #expect(outcome.errorLines.contains("uninstalled") && outcome.errorLines.contains("closed"), "\(outcome.stderr)")
        #expect(outcome.errorLines.contains { $0.hasPrefix("enough resets 1, grown by") }, "\(outcome.stderr)")
        #expect(outcome.errorLines.count == 3)
    }

    /// 100,000 resets, each of which drops all code, takes callbacks away and gives them back, and replaces a scoreboard.
    @Test func resetsDoNotMakeItGrow() throws {
        let guest = try Installation.guest("manycalls")
        let plugin = try HostCompiler.plugin(file: "storm", version: 7)
        let outcome = try needletail(["--tier=interp", "-plugin", plugin.path + ",cycles=100000", guest])
        #expect(outcome.status == .exit(0))
        let line = try #require(outcome.errorLines.last)
        #expect(line.hasPrefix("enough resets 1, grown by "))
        let growth = try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) })
        #expect(growth <= 4, "\(line)")
    }
}
