import CodeCache

/// `--cache stats|clear [--cache-dir DIR]`.
struct CacheCommand: Equatable, Sendable {
    enum Action: String, Sendable {
        case stats
        case clear
    }
    var action: Action
    /// nil: what the environment says.
    var directory: String?

    /// - Returns: nil when `words` do not begin with `--cache`.
    init?(_ words: [String]) throws {
        guard let first = words.first, first == "--cache" || first.hasPrefix("--cache=") else { return nil }
        var rest = words.dropFirst()
        let usage = UsageError(message: "usage: needletail --cache stats|clear [--cache-dir DIR]")
        let word = first == "--cache" ? rest.popFirst() : String(first.dropFirst("--cache=".count))
        guard let word, let action = Action(rawValue: word) else { throw usage }
        self.action = action
        while let option = rest.popFirst() {
            guard option == "--cache-dir", let value = rest.popFirst() else { throw usage }
            directory = value
        }
    }

    /// - Returns: what is to be printed.
    func perform(variable: (String) -> String?) throws -> String {
        guard let path = CodeDirectory.path(directory: directory ?? variable("NEEDLETAIL_CACHE_DIR"), variable: variable) else {
            throw UsageError(message: "no directory for the code cache: neither XDG_CACHE_HOME nor HOME is set")
        }
        guard let found = CodeDirectory(path: path, creates: false) else { return "\(path): no code cache\n" }
        switch action {
        case .clear: return "\(path): \(found.clear()) files removed\n"
        case .stats:
            let (files, bytes, entries, unreadable) = found.statistics()
            let damaged = unreadable == 0 ? "" : ", \(unreadable) files damaged"
            return "\(path): \(files) files, \(bytes) bytes, \(entries) TBs\(damaged)\n"
        }
    }
}
