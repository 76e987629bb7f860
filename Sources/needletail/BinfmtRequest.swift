/// `--binfmt install|remove|status [--force] [--root DIR]`.
struct BinfmtRequest: Equatable, Sendable {
    enum Action: String, Sendable {
        case install
        case remove
        case status
    }
    var action: Action
    /// Switch a foreign handler of the same programs off.
    var force = false
    /// Directory whose `proc/sys/fs/binfmt_misc` is meant: empty, or the root of a container.
    var root = ""

    /// - Returns: nil when `words` do not begin with `--binfmt`.
    init?(_ words: [String]) throws {
        guard let first = words.first, first == "--binfmt" || first.hasPrefix("--binfmt=") else { return nil }
        var rest = words.dropFirst()
        let usage = UsageError(message: "usage: needletail --binfmt install [--force]|remove|status [--root DIR]")
        let word = first == "--binfmt" ? rest.popFirst() : String(first.dropFirst("--binfmt=".count))
        guard let word, let action = Action(rawValue: word) else { throw usage }
        self.action = action
        while let option = rest.popFirst() {
            switch option {
            case "--force" where action == .install: force = true
            case "--root":
                guard let directory = rest.popFirst(), !directory.isEmpty else { throw usage }
                root = directory
            default: throw usage
            }
        }
    }
}
