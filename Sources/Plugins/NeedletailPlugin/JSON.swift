/// Writes one JSON value. Commas are its business, names and nesting the caller's.
public struct JSON: ~Copyable {
    public private(set) var text: Text
    private var needsComma = false

    public init(capacity: Int = 1024) { text = Text(capacity: capacity) }

    /// What goes between two values.
    mutating func separate() { text.append(",\n") }

    /// Hands over what was written so far, and begins again behind it.
    mutating func drain(_ body: (inout Text) -> Void) {
        body(&text)
        text.removeAll()
    }

    // MARK: Members of an object

    public mutating func member(_ name: StaticString, _ value: UInt64) {
        begin(name)
        text.append(value)
    }
    public mutating func member(_ name: StaticString, _ value: UInt32) { member(name, UInt64(value)) }
    public mutating func member(_ name: StaticString, _ value: Int) {
        begin(name)
        text.append(value)
    }
    public mutating func member(_ name: StaticString, _ value: Bool) {
        begin(name)
        text.append(value ? "true" : "false")
    }
    public mutating func member(_ name: StaticString, _ value: StaticString) {
        begin(name)
        string(UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }
    /// nil is null.
    public mutating func member(_ name: StaticString, _ value: CText?) {
        begin(name)
        string(value)
    }
    /// `"0x…"`: readers that keep numbers as doubles would lose bits of a number.
    public mutating func member(_ name: StaticString, address: UInt64, width: Int = 1) {
        begin(name)
        quoted(address, width)
    }
    public mutating func member(_ name: StaticString, _ value: Double, decimals: Int) {
        begin(name)
        text.append(value, decimals: decimals)
    }
    public mutating func object(_ name: StaticString, _ body: (inout JSON) -> Void) {
        begin(name)
        nest("{", body, "}")
    }
    public mutating func array(_ name: StaticString, _ body: (inout JSON) -> Void) {
        begin(name)
        nest("[", body, "]")
    }

    // MARK: Elements of an array, or the value itself

    public mutating func object(_ body: (inout JSON) -> Void) {
        comma()
        nest("{", body, "}")
    }
    public mutating func array(_ body: (inout JSON) -> Void) {
        comma()
        nest("[", body, "]")
    }
    public mutating func element(_ value: UInt64) {
        comma()
        text.append(value)
    }
    public mutating func element(address: UInt64) {
        comma()
        quoted(address, 1)
    }

    // MARK: Parts, for a value that is not written at once

    public mutating func beginObject() {
        comma()
        enter("{")
    }
    public mutating func endObject() { leave("}") }
    public mutating func beginArray(_ name: StaticString) {
        begin(name)
        enter("[")
    }
    public mutating func endArray() { leave("]") }
    /// Begins again, with nothing written.
    public mutating func removeAll() {
        text.removeAll()
        needsComma = false
    }

    private mutating func enter(_ bracket: StaticString) {
        text.append(bracket)
        needsComma = false
    }
    private mutating func leave(_ bracket: StaticString) {
        text.append(bracket)
        needsComma = true
    }

    private mutating func nest(_ opening: StaticString, _ body: (inout JSON) -> Void, _ closing: StaticString) {
        enter(opening)
        body(&self)
        leave(closing)
    }

    private mutating func comma(_ separator: StaticString = ",\n") {
        if needsComma { text.append(separator) }
        needsComma = true
    }

    private mutating func begin(_ name: StaticString) {
        comma(", ")
        text.append("\"")
        text.append(name)
        text.append("\": ")
    }

    private mutating func quoted(_ address: UInt64, _ width: Int) {
        text.append("\"")
        text.append(address: address, width: width)
        text.append("\"")
    }

    private mutating func string(_ value: CText?) {
        guard let value else { return text.append("null") }
        var length = 0
        while value[length] != 0 { length += 1 }
        value.withMemoryRebound(to: UInt8.self, capacity: length) { string(UnsafeBufferPointer(start: $0, count: length)) }
    }

    /// Bytes that are no UTF-8 (a path may hold any) become the characters of the same numbers.
    private mutating func string(_ bytes: UnsafeBufferPointer<UInt8>) {
        let isUTF8 = Self.isUTF8(bytes)
        text.append("\"")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): text.append("\\\"")
            case UInt8(ascii: "\\"): text.append("\\\\")
            case 0..<0x20, 0x7f:
                text.append("\\u")
                text.append(hex: UInt64(byte), width: 4)
            case 0x80... where !isUTF8:
                text.append("\\u")
                text.append(hex: UInt64(byte), width: 4)
            default: text.append(byte: byte)
            }
        }
        text.append("\"")
    }

    /// Well-formed, surrogates and overlong forms excluded.
    static func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            index += 1
            if lead < 0x80 { continue }
            let more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1
            guard (0xc2...0xf4).contains(lead), index + more <= bytes.count else { return false }
            for place in 0..<more {
                var allowed: ClosedRange<UInt8> = 0x80...0xbf
                if place == 0 {
                    switch lead {
                    case 0xe0: allowed = 0xa0...0xbf
                    case 0xed: allowed = 0x80...0x9f
                    case 0xf0: allowed = 0x90...0xbf
                    case 0xf4: allowed = 0x80...0x8f
                    default: break
                    }
                }
                guard allowed.contains(bytes[index + place]) else { return false }
            }
            index += more
        }
        return true
    }
}

extension JSON {
    /// The member `vcpus`: an object for each vCPU, with its number and what `body` adds of its element.
    public mutating func vcpus<Element>(
        _ scoreboard: Scoreboard<Element>, where isShown: (Element) -> Bool = { _ in true }, _ body: (inout JSON, Element) -> Void
    ) {
        array("vcpus") { json in
            for vcpu in Plugin.vcpus {
                guard let element = scoreboard[vcpu]?.pointee, isShown(element) else { continue }
                json.object {
                    $0.member("vcpu", vcpu)
                    body(&$0, element)
                }
            }
        }
    }
}
