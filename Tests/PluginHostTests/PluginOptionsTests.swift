import Testing

@testable import PluginHost

@Suite struct PluginOptionsTests {
    private func parse(_ options: String...) throws -> PluginOptions {
        var parsed = PluginOptions()
        for option in options { try parsed.add(option) }
        return parsed
    }

    @Test(
        arguments: [
            ("libbb.so", "libbb.so", []),
            ("file=libbb.so", "libbb.so", []),
            ("libbb.so,inline=true", "libbb.so", ["inline=true"]),
            ("file=a,b=1,c=2", "a", ["b=1", "c=2"]),
            ("a,b=", "a", ["b="]),
            ("a,b=c=d", "a", ["b=c=d"]),
            ("a,b=x,,y", "a", ["b=x,y"]),
            ("a,,b,c=1", "a,b", ["c=1"]),
            ("a,,,b=1", "a,", ["b=1"]),
            ("a,", "a", []),
            ("id=7,file=a,b=1", "a", ["b=1"]),
            ("a,id=7,b=1", "a", ["b=1"]),
            ("a,arg=on", "a", ["arg=on"]),
            ("a,arg=no", "a", ["arg=no"]),
            ("a,b=maybe", "a", ["b=maybe"]),
        ] as [(String, String, [String])])
    func parsesPlainForms(option: String, path: String, arguments: [String]) throws {
        let parsed = try parse(option)
        #expect(parsed.requests == [PluginRequest(path: path, arguments: arguments)])
        #expect(parsed.warnings == [])
        #expect(!parsed.wantsHelp)
    }

    @Test(arguments: [
        ("a,inline", "inline=on"),
        ("a,noinline", "inline=off"),
        // The first letters are all it looks at.
        ("a,notify", "tify=off"),
        ("a,arg=x", "x=on"),
        ("a,arg=x=3", "x=3"),
        ("a,arg=1", "1=on"),
    ])
    func keepsDeprecatedFormsWithAWarning(option: String, argument: String) throws {
        let parsed = try parse(option)
        #expect(parsed.requests == [PluginRequest(path: "a", arguments: [argument])])
        #expect(parsed.warnings.count == 1)
        #expect(parsed.warnings[0].contains("'\(argument)'"))
        #expect(!parsed.warnings[0].contains("\n"))
    }

    @Test func theSamePathAgainAddsArguments() throws {
        let parsed = try parse("a,x=1", "b", "a,y=2")
        #expect(
            parsed.requests == [
                PluginRequest(path: "a", arguments: ["x=1", "y=2"]), PluginRequest(path: "b", arguments: []),
            ])
    }

    @Test func aSecondFileInOneStringTakesWhatFollows() throws {
        let parsed = try parse("a,x=1,file=b,y=2")
        #expect(
            parsed.requests == [
                PluginRequest(path: "a", arguments: ["x=1"]), PluginRequest(path: "b", arguments: ["y=2"]),
            ])
    }

    @Test(arguments: ["help", "?", "file=help", "a,x=help", "a,x=?"])
    func asksForHelp(option: String) throws {
        #expect(try parse(option).wantsHelp)
    }

    @Test func usageIsThreeLines() {
        #expect(PluginOptions.usage.split(separator: "\n", omittingEmptySubsequences: false).count == 4)
        #expect(PluginOptions.usage.hasSuffix("\n"))
    }

    @Test(arguments: ["inline=on", "file=", "a,file="])
    func refuses(option: String) throws {
        let error = try #require(throws: PluginError.self) { _ = try parse(option) }
        #expect(error.kind == .badOption)
        #expect(!error.description.contains("\n"))
    }

    @Test func anEmptyStringNamesNothing() throws {
        #expect(try parse("").requests.isEmpty)
    }
}
