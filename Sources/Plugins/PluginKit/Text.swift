public import CPluginKit

/// A C string that someone else owns.
public typealias CText = UnsafePointer<CChar>

/// UTF-8 under construction. Plugins are Embedded Swift, where `String` would bring the Unicode tables along.
public struct Text {
    private var bytes: [UInt8] = []

    public init() {}

    public mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(_ text: CText) {
        var next = text
        while next.pointee != 0 {
            bytes.append(UInt8(bitPattern: next.pointee))
            next += 1
        }
    }

    public mutating func append(_ number: UInt64, radix: UInt64 = 10) {
        var digits: [UInt8] = []
        var rest = number
        repeat {
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            digits.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            rest /= radix
        } while rest != 0
        while let digit = digits.popLast() { bytes.append(digit) }
    }

    /// Writes it to the emulator's plugin log in one piece.
    public func outs() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            for index in 0..<bytes.count { buffer[index] = CChar(bitPattern: bytes[index]) }
            buffer[bytes.count] = 0
            qemu_plugin_outs(buffer.baseAddress)
        }
    }
}
