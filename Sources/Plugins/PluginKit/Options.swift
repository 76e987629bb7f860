public import CPluginKit

/// argv of an install call.
public typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

/// One `name=value` argument.
public struct PluginOption {
    private let text: CText

    /// The value when the option has this name; nil otherwise.
    public func value(named name: StaticString) -> CText? {
        let count = name.utf8CodeUnitCount
        for index in 0..<count where text[index] != CChar(bitPattern: name.utf8Start[index]) { return nil }
        return text[count] == CChar(bitPattern: UInt8(ascii: "=")) ? text + count + 1 : nil
    }

    /// Stores the value of a boolean option of this name.
    /// - Returns: nil for another name; false, after a line on stderr, when the value is no boolean.
    public func parse(_ name: StaticString, into flag: inout Bool) -> Bool? {
        guard let value = value(named: name) else { return nil }
        if qemu_plugin_bool_parse(text, value, &flag) { return true }
        plugin_kit_report("option needs a boolean value (on, off, true, false, yes, no, y, n)", text)
        return false
    }

    /// Calls `body` for each argument until one is refused.
    /// - Parameter body: nil means it knows no such option.
    /// - Returns: What install is to return: 0, or -1 after a line on stderr.
    public static func parseAll(_ count: Int32, _ arguments: Arguments, _ body: (PluginOption) -> Bool?) -> Int32 {
        guard let arguments else { return 0 }
        for index in 0..<Int(count) {
            guard let text = arguments[index] else { continue }
            switch body(PluginOption(text: CText(text))) {
            case true?: continue
            case false?: return -1
            case nil:
                plugin_kit_report("unknown option", text)
                return -1
            }
        }
        return 0
    }
}
