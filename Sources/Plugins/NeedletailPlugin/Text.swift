public import CNeedletailPlugin

/// A C string that someone else owns.
public typealias CText = UnsafePointer<CChar>

/// UTF-8 under construction. Plugins are Embedded Swift, where `String` would bring the Unicode tables along.
///
/// Has one owner and no reference count. Once it is as large as it gets, appending allocates nothing, so execution callbacks may
/// write to one that they keep.
public struct Text: ~Copyable {
    private var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    public private(set) var count = 0

    /// - Parameter capacity: Bytes to make room for.
    public init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        start = .allocate(capacity: self.capacity)
    }

    deinit { start.deallocate() }

    public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }
    public var isEmpty: Bool { count == 0 }

    public mutating func removeAll() { count = 0 }

    public mutating func reserve(_ more: Int) {
        if count + more <= capacity { return }
        let grownCapacity = max(capacity * 2, count + more)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: grownCapacity)
        grown.update(from: start, count: count)
        start.deallocate()
        start = grown
        capacity = grownCapacity
    }

    public mutating func append(byte: UInt8) {
        reserve(1)
        start[count] = byte
        count += 1
    }

    public mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let base = bytes.baseAddress else { return }
        reserve(bytes.count)
        (start + count).update(from: base, count: bytes.count)
        count += bytes.count
    }

    public mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Labelled, because Swift would make a pointer of any string literal with values in it.
    public mutating func append(cText text: CText) {
        text.withMemoryRebound(to: UInt8.self, capacity: 1) {
            append(UnsafeBufferPointer(start: $0, count: strlen(text)))
        }
    }

    public mutating func append(_ other: borrowing Text) { append(other.bytes) }

    @_disfavoredOverload
    public mutating func append(_ piece: Piece) {
        piece.bytes.withUnsafeBufferPointer { append($0) }
    }

    public mutating func append(_ number: UInt64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var at = digits.count
            var rest = number
            repeat {
                at -= 1
                digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest != 0
            append(UnsafeBufferPointer(rebasing: digits.bindMemory(to: UInt8.self)[at...]))
        }
    }

    public mutating func append(_ number: Int64) {
        if number < 0 { append(byte: UInt8(ascii: "-")) }
        append(number.magnitude)
    }

    public mutating func append(_ number: Int) { append(Int64(number)) }
    public mutating func append(_ number: UInt32) { append(UInt64(number)) }

    /// Lower-case digits without a prefix, with zeros in front up to `width` of them.
    public mutating func append(hex number: UInt64, width: Int = 1) {
        var digits = 1
        while digits < 16, number >> UInt64(digits * 4) != 0 { digits += 1 }
        var left = max(digits, width)
        reserve(left)
        while left > 0 {
            left -= 1
            let digit = left < 16 ? UInt8(truncatingIfNeeded: number >> UInt64(left * 4)) & 15 : 0
            append(byte: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// `0x` and the digits.
    public mutating func append(address: UInt64, width: Int = 1) {
        append("0x")
        append(hex: address, width: width)
    }

    /// Right-aligned in `width`.
    public mutating func append(_ number: Double, width: Int = 0, decimals: Int) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 48) { buffer in
            guard let base = buffer.baseAddress else { return }
            let count = nt_plugin_format_double(base, number, Int32(width), Int32(decimals))
            base.withMemoryRebound(to: UInt8.self, capacity: 48) {
                append(UnsafeBufferPointer(start: $0, count: min(Int(count), 47)))
            }
        }
    }

    /// What `body` appends is followed by spaces up to `width`.
    public mutating func left(_ width: Int, _ body: (inout Text) -> Void) {
        let from = count
        body(&self)
        while count - from < width { append(byte: UInt8(ascii: " ")) }
    }

    /// What `body` appends has spaces before it up to `width`.
    public mutating func right(_ width: Int, _ body: (inout Text) -> Void) {
        let from = count
        body(&self)
        let missing = width - (count - from)
        guard missing > 0 else { return }
        reserve(missing)
        memmove(start + from + missing, start + from, count - from)
        memset(start + from, Int32(UInt8(ascii: " ")), missing)
        count += missing
    }

    /// Ends it with a NUL, which `count` does not include.
    public mutating func withCText<Result: ~Copyable>(_ body: (CText) -> Result) -> Result {
        reserve(1)
        start[count] = 0
        return start.withMemoryRebound(to: CChar.self, capacity: count + 1) { body($0) }
    }

    /// Writes it to the emulator's plugin log in one piece.
    public mutating func outs() {
        if isEmpty { return }
        withCText { qemu_plugin_outs($0) }
    }
}

extension Text {
    /// What a string literal with values in it makes: `text.append("cpu \(index): \(count)\n")`. Allocates; for reports.
    public struct Piece: ExpressibleByStringInterpolation {
        var bytes: [UInt8] = []

        public init(stringLiteral text: StaticString) { bytes.add(text) }
        public init(stringInterpolation: StringInterpolation) { bytes = stringInterpolation.bytes }

        public struct StringInterpolation: StringInterpolationProtocol {
            var bytes: [UInt8] = []

            public init(literalCapacity: Int, interpolationCount: Int) {
                bytes.reserveCapacity(literalCapacity + interpolationCount * 16)
            }
            public mutating func appendLiteral(_ text: StaticString) { bytes.add(text) }
            public mutating func appendInterpolation(_ text: StaticString) { bytes.add(text) }
            public mutating func appendInterpolation(_ text: CText) { add { $0.append(cText: text) } }
            public mutating func appendInterpolation(_ number: UInt64) { add { $0.append(number) } }
            public mutating func appendInterpolation(_ number: UInt32) { add { $0.append(number) } }
            public mutating func appendInterpolation(_ number: Int) { add { $0.append(number) } }
            public mutating func appendInterpolation(_ number: Int64) { add { $0.append(number) } }
            public mutating func appendInterpolation(hex number: UInt64, width: Int = 1) {
                add { $0.append(hex: number, width: width) }
            }
            public mutating func appendInterpolation(address: UInt64, width: Int = 1) {
                add { $0.append(address: address, width: width) }
            }
            public mutating func appendInterpolation(_ counter: Counter) { add { $0.append(counter.sum) } }

            private mutating func add(_ body: (inout Text) -> Void) {
                var text = Text(capacity: 64)
                body(&text)
                bytes.append(contentsOf: text.bytes)
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func add(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
