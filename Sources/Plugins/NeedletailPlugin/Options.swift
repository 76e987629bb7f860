public import CNeedletailPlugin

/// One `name=value` argument that a plugin takes. A plugin's table of them is all there is about its options: it is parsed by, and
/// `help` prints it.
public struct PluginOption<Settings> {
    let name: StaticString
    let argument: StaticString
    let help: StaticString
    /// - Returns: What is wrong with the value.
    let apply: (inout Settings, CText) -> StaticString?

    /// - Parameter argument: What stands behind `=` in the help.
    public init(
        _ name: StaticString, _ argument: StaticString, _ help: StaticString,
        _ apply: @escaping (inout Settings, CText) -> StaticString?
    ) {
        self.name = name
        self.argument = argument
        self.help = help
        self.apply = apply
    }

    /// The interface's words for truth: on, yes, true, y, off, no, false, n.
    public static func flag(
        _ name: StaticString, _ help: StaticString, _ store: @escaping (inout Settings, Bool) -> Void
    ) -> Self {
        Self(name, "BOOL", help) { settings, value in
            var flag = false
            guard qemu_plugin_bool_parse(value, value, &flag) else {
                return "option needs a boolean value (on, off, true, false, yes, no, y, n)"
            }
            store(&settings, flag)
            return nil
        }
    }

    /// Decimal, or any of C's forms with 0x and 0.
    public static func number(
        _ name: StaticString, _ argument: StaticString, _ help: StaticString,
        _ store: @escaping (inout Settings, UInt64) -> Void
    ) -> Self {
        Self(name, argument, help) { settings, value in
            var rest = value
            guard let number = parseNumber(&rest), rest.pointee == 0 else { return "option needs a number" }
            store(&settings, number)
            return nil
        }
    }

    /// Any text. It is argv's, which outlives the plugin's use of it.
    public static func text(
        _ name: StaticString, _ argument: StaticString, _ help: StaticString,
        _ store: @escaping (inout Settings, CText) -> Void
    ) -> Self {
        Self(name, argument, help) { settings, value in
            if value.pointee == 0 { return "option needs a value" }
            store(&settings, value)
            return nil
        }
    }

    /// One of some words; which, as its index.
    public static func choice(
        _ name: StaticString, _ words: StaticString, _ help: StaticString,
        _ store: @escaping (inout Settings, Int) -> Void
    ) -> Self {
        Self(name, words, help) { settings, value in
            guard let index = indexOfWord(value, in: words) else { return "option has no such value" }
            store(&settings, index)
            return nil
        }
    }
}

/// Reads a number in C's syntax (0x: base 16, 0: base 8) and moves `text` behind it.
/// - Returns: nil when there is none, or it needs more than 64 bits.
public func parseNumber(_ text: inout CText, radix: UInt64? = nil) -> UInt64? {
    var next = text
    var base = radix ?? 10
    if base == 10 && radix == nil || base == 16, next[0] == CChar(UInt8(ascii: "0")), next[1] | 0x20 == CChar(UInt8(ascii: "x")) {
        base = 16
        next += 2
    } else if radix == nil, next[0] == CChar(UInt8(ascii: "0")) {
        base = 8
    }
    let start = next
    var number: UInt64 = 0
    while let digit = digitValue(next.pointee), digit < base {
        let (product, overflows) = number.multipliedReportingOverflow(by: base)
        let (sum, carries) = product.addingReportingOverflow(digit)
        if overflows || carries { return nil }
        number = sum
        next += 1
    }
    if next == start { return nil }
    text = next
    return number
}

/// Of a letter or digit in any base up to 36.
public func digitValue(_ character: CChar) -> UInt64? {
    switch UInt8(bitPattern: character) {
    case let c where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(c): UInt64(c - UInt8(ascii: "0"))
    case let c where (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(c): UInt64(c - UInt8(ascii: "a") + 10)
    case let c where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(c): UInt64(c - UInt8(ascii: "A") + 10)
    default: nil
    }
}

/// - Parameter words: Separated by `|`.
private func indexOfWord(_ value: CText, in words: StaticString) -> Int? {
    var index = 0
    var matched = 0
    var isEqual = true
    for place in 0...words.utf8CodeUnitCount {
        let isEnd = place == words.utf8CodeUnitCount
        let byte = isEnd ? 0 : words.utf8Start[place]
        if isEnd || byte == UInt8(ascii: "|") {
            if isEqual, value[matched] == 0 { return index }
            index += 1
            matched = 0
            isEqual = true
        } else if isEqual {
            isEqual = UInt8(bitPattern: value[matched]) == byte
            matched += 1
        }
    }
    return nil
}

public func == (_ text: CText, _ word: StaticString) -> Bool {
    for index in 0..<word.utf8CodeUnitCount where UInt8(bitPattern: text[index]) != word.utf8Start[index] { return false }
    return text[word.utf8CodeUnitCount] == 0
}

extension Plugin {
    /// Reads the arguments into `settings`. Every plugin has `format`, `out` and `help` besides its own.
    /// - Parameters:
    ///   - unknown: For plugins that take whatever comes.
    ///   - opensFile: False leaves the file of `out=` to the plugin, which writes another format than text.
    ///   - moreHelp: Printed behind the options by `help`.
    /// - Returns: False, after a line on stderr, when install is to return -1.
    public func parse<Settings>(
        _ count: Int32, _ arguments: PluginArguments, into settings: inout Settings, ignoresUnknown: Bool = false,
        _ options: [PluginOption<Settings>], opensFile: Bool = true, moreHelp: (inout Text) -> Void = { _ in }
    ) -> Bool {
        for index in 0..<Int(count) {
            guard let text = arguments?[index] else { continue }
            let argument = CText(text)
            var nameCount = 0
            while argument[nameCount] != 0, argument[nameCount] != CChar(UInt8(ascii: "=")) { nameCount += 1 }
            let value = argument + nameCount + (argument[nameCount] == 0 ? 0 : 1)
            func isNamed(_ name: StaticString) -> Bool {
                name.utf8CodeUnitCount == nameCount && strncmp(argument, cText(name), nameCount) == 0
            }
            // Last to first: nothing of a plugin's own hides these.
            if isNamed("help") {
                printHelp(options, moreHelp)
                nt_plugin_exit(0)
            }
            if isNamed("format") {
                guard value == "text" || value == "json" else {
                    Self.complain("option needs text or json", argument)
                    return false
                }
                Report.format = value == "json" ? .json : .text
                continue
            }
            if isNamed("out") {
                Report.path = value
                continue
            }
            guard let option = options.first(where: { isNamed($0.name) }) else {
                if ignoresUnknown { continue }
                Self.complain("unknown option", argument)
                return false
            }
            if let problem = option.apply(&settings, value) {
                Self.complain(problem, argument)
                return false
            }
        }
        return opensFile || Report.isJSON ? Report.open() : true
    }

    private func printHelp<Settings>(_ options: [PluginOption<Settings>], _ more: (inout Text) -> Void) {
        var text = Text(capacity: 2048)
        func line(_ name: StaticString, _ argument: StaticString, _ help: StaticString) {
            text.append("  ")
            text.left(26) {
                $0.append(name)
                $0.append("=")
                $0.append(argument)
            }
            text.append(" ")
            text.append(help)
            text.append("\n")
        }
        text.append(Self.name)
        text.append(": options\n")
        for option in options { line(option.name, option.argument, option.help) }
        line("format", "text|json", "of the report (text)")
        line("out", "FILE", "write the report there, whole at the end, in place of the plugin log")
        more(&text)
        nt_plugin_print(text.bytes.baseAddress, text.count)
    }
}

/// String literals end with a NUL and live as long as the plugin.
public func cText(_ text: StaticString) -> CText {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
