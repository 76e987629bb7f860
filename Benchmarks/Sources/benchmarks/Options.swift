/// A way to run Needletail: a column of the comparisons.
struct Variant {
    let name: String
    /// What it gets before the program.
    let words: [String]
    /// Another executable than that of `--needletail`.
    var executable: String?
    /// Each run finds an empty code cache; otherwise what the run before it has left.
    var startsCold = false
}

/// What the command line asks for.
struct Options {
    static let allSets = ["start-up", "micro", "programs", "plugins", "scaling", "tiers"]

    private(set) var needletail = ".build/release/needletail"
    /// Tests/Guests, built; those of Benchmarks/Guests in `bench`, for this machine in `bench/native`, plugins in `bench/plugins`.
    private(set) var guests = "Tests/Guests/.out"
    /// The sources of Benchmarks: the programs' scripts are in `Programs`.
    private(set) var sources = "Benchmarks"
    private(set) var qemu = "qemu-aarch64"
    private(set) var isQuick = false
    private(set) var sets = ["start-up", "micro", "programs", "plugins", "scaling"]
    /// Only items whose name contains it.
    private(set) var filter = ""
    /// Where the report's files go.
    private(set) var output: String?
    /// Runs of each command in start-up, micro, programs and plugins; nil for each set's own number.
    private(set) var rounds: Int?
    private(set) var variants = [Variant(name: "needletail", words: [])]
    /// None was given.
    private(set) var hasDefaultVariants = true
    /// How long one run may take, in seconds.
    private(set) var limit = 300

    static let usage = """
        usage: benchmarks [--quick] [--set NAME,NAME] [--filter NAME] [--rounds N] [--variant NAME=WORDS]... [--out FOLDER]
                          [--needletail FILE] [--guests FOLDER] [--sources FOLDER] [--qemu FILE] [--limit SECONDS]
        sets: \(allSets.map { $0 }.joined(separator: ", ")); all but tiers unless --set says which
        --filter: only items of the sets whose name contains it
        --variant: compare several ways to run Needletail, as in --variant default= --variant "block=--tier=block"
                   --variant "old=@/path/of/another/needletail"; targets are about the first
        --out: writes bench.json, bench.md and bench.svg there
        """

    /// - Throws: with the usage when a word is not known or has no value.
    init(_ words: [String]) throws(BenchmarkError) {
        let wrong = BenchmarkError(message: Self.usage)
        var rest = words[...]
        var given: [Variant] = []
        while let word = rest.popFirst() {
            if word == "--quick" {
                isQuick = true
                continue
            }
            guard let value = rest.popFirst() else { throw wrong }
            switch word {
            case "--needletail": needletail = value
            case "--guests": guests = value
            case "--sources": sources = value
            case "--qemu": qemu = value
            case "--filter": filter = value
            case "--out": output = value
            case "--set":
                let wanted = value.split(separator: ",").map { String($0) }
                guard wanted.allSatisfy(Self.allSets.contains) else { throw wrong }
                sets = Self.allSets.filter(wanted.contains)
            case "--variant":
                guard let equals = value.firstIndex(of: "=") else { throw wrong }
                let arguments = value[value.index(after: equals)...].split(separator: " ").map { String($0) }
                let executable = arguments.first { $0.hasPrefix("@") }.map { String($0.dropFirst()) }
                given.append(
                    Variant(
                        name: String(value[..<equals]), words: arguments.filter { !$0.hasPrefix("@") }, executable: executable))
            case "--limit", "--rounds":
                guard let number = Int(value), number > 0 else { throw wrong }
                if word == "--limit" { limit = number } else { rounds = number }
            default: throw wrong
            }
        }
        if !given.isEmpty {
            variants = given
            hasDefaultVariants = false
        }
    }

    func wants(_ item: String) -> Bool { filter.isEmpty || contains(Array(item.utf8), Array(filter.utf8)) }

    // The library's `contains` for strings comes with Foundation's or the regular expressions' modules.
    private func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        text.indices.contains { text[$0...].starts(with: part) }
    }
}
