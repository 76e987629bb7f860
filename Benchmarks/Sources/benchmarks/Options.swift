/// What the command line asks for.
struct Options {
    private(set) var needletail = ".build/release/needletail"
    private(set) var guests = "Tests/Guests/.out"
    private(set) var qemu = "qemu-aarch64"
    private(set) var isQuick = false
    /// Only groups whose name contains it.
    private(set) var filter = ""
    private(set) var json: String?
    /// How long one run may take, in seconds.
    private(set) var limit = 120

    static let usage = """
        usage: benchmarks [--quick] [--filter NAME] [--json FILE] [--needletail FILE] [--guests FOLDER] [--qemu FILE] [--limit SECONDS]
        groups: start-up, tight, default, indirect, copy, call, plugins default, plugins tight, exact count, vectors, scaling, programs
        """

    /// - Throws: with the usage when a word is not known or has no value.
    init(_ words: [String]) throws(BenchmarkError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--quick" {
                isQuick = true
                continue
            }
            guard let value = rest.popFirst() else { throw BenchmarkError(message: Self.usage) }
            switch word {
            case "--needletail": needletail = value
            case "--guests": guests = value
            case "--qemu": qemu = value
            case "--filter": filter = value
            case "--json": json = value
            case "--limit":
                guard let seconds = Int(value), seconds > 0 else { throw BenchmarkError(message: Self.usage) }
                limit = seconds
            default: throw BenchmarkError(message: Self.usage)
            }
        }
    }

    func wants(_ group: String) -> Bool { filter.isEmpty || contains(Array(group.utf8), Array(filter.utf8)) }

    // The library's `contains` for strings comes with Foundation's or the regular expressions' modules.
    private func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        text.indices.contains { text[$0...].starts(with: part) }
    }
}
