/// A plugin to load and the arguments its install function gets.
package struct PluginRequest: Equatable, Sendable {
    package let path: String
    package internal(set) var arguments: [String] = []
}

/// What the `-plugin` options and QEMU_PLUGIN ask for: `[file=]PATH[,NAME=VALUE]...`, in QEMU's syntax.
///
/// `,,` in a value is a comma. An option without `=` means `NAME=on`, or `REST=off` if it begins with `no`: deprecated, kept
/// with a warning. `id=` is dropped. The same path given again adds arguments to the first request.
package struct PluginOptions: Equatable, Sendable {
    /// In the order in which to load.
    package private(set) var requests: [PluginRequest] = []
    /// Lines for stderr about deprecated spellings.
    package private(set) var warnings: [String] = []
    /// A value was `help` or `?`: print `usage` to stdout and exit with status 0.
    package private(set) var wantsHelp = false

    /// Three lines on what `-plugin` takes, with the final newline.
    package static let usage = """
        -plugin [file=]PATH[,NAME=VALUE]...
          file=PATH   the plugin to load: a shared object, or the bare name of a bundled plugin
          NAME=VALUE  an argument for the plugin; a comma in a value is written twice

        """

    package init() {}

    /// Adds one option string.
    package mutating func add(_ option: String) throws(PluginError) {
        var elements = OptionElements(option)
        var current: Int?
        var isFirst = true
        while let element = elements.next(impliesFile: isFirst) {
            isFirst = false
            if element.value == "help" || element.value == "?" {
                wantsHelp = true
                return
            }
            switch element.key {
            case "id": continue
            case "file": current = try request(for: element.value)
            case let key:
                guard let current else { throw .fileMustComeFirst(key) }
                requests[current].arguments.append(argument(element))
            }
        }
    }

    private mutating func request(for path: String) throws(PluginError) -> Int {
        if path.isEmpty { throw .emptyFile }
        if let known = requests.firstIndex(where: { $0.path == path }) { return known }
        requests.append(PluginRequest(path: path))
        return requests.count - 1
    }

    private mutating func argument(_ element: OptionElement) -> String {
        if element.isShort, element.key != "help" {
            let written = element.value == "off" ? "no\(element.key)" : element.key
            warnings.append("plugin option '\(written)' without a value is deprecated; use '\(element.key)=\(element.value)'")
        }
        // Up to QEMU 6.1 every plugin argument was written arg="...".
        if element.key == "arg", BoolWord(element.value) == nil {
            let plain = element.value.contains("=") ? element.value : "\(element.value)=on"
            warnings.append("plugin option 'arg=\(element.value)' is deprecated; use '\(plain)'")
            return plain
        }
        return "\(element.key)=\(element.value)"
    }
}

/// The words for truth in plugin arguments. Case matters.
enum BoolWord {
    case yes
    case no

    init?(_ word: String) {
        switch word {
        case "on", "yes", "true", "y": self = .yes
        case "off", "no", "false", "n": self = .no
        default: return nil
        }
    }
}

private struct OptionElement {
    var key: String
    var value: String
    /// Written without `=`.
    var isShort = false
}

/// Splits one option string at its single commas.
private struct OptionElements {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    /// - Parameter impliesFile: An element without `=` is the value of `file`.
    /// - Returns: nil at the end of the string.
    mutating func next(impliesFile: Bool) -> OptionElement? {
        guard !rest.isEmpty else { return nil }
        let keyEnd = rest.firstIndex { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ",") } ?? rest.endIndex
        if keyEnd < rest.endIndex, rest[keyEnd] == UInt8(ascii: "=") {
            let key = String(Substring(rest[..<keyEnd]))
            rest = rest[rest.index(after: keyEnd)...]
            return OptionElement(key: key, value: takeValue())
        }
        if impliesFile { return OptionElement(key: "file", value: takeValue()) }
        let word = String(Substring(rest[..<keyEnd]))
        rest = rest[keyEnd...].dropFirst()
        if word.hasPrefix("no") { return OptionElement(key: String(word.dropFirst(2)), value: "off", isShort: true) }
        return OptionElement(key: word, value: "on", isShort: true)
    }

    /// Up to a single comma, which is consumed; double commas become one.
    private mutating func takeValue() -> String {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: ",") {
                guard rest.first == UInt8(ascii: ",") else { break }
                rest.removeFirst()
            }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
