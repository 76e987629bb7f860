/// Damaged AArch64 programs for loaders, the same ones for the same seed. What they start from writes "ok" and ends; it has no
/// loop, so a run of what is left of it always ends.
package struct ELFMutator {
    private var random: SplitMix64

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// Paths that a program may name as its interpreter.
    package struct Paths: Sendable {
        package var texts: [String]
        package init(texts: [String]) { self.texts = texts }
    }

    // MARK: What it starts from

    private static let headerSize = 64
    private static let entrySize = 56
    private static let codeOffset = 0x400
    private static let pathOffset = 0x600

    private static let code: [UInt32] = [
        0xd280_0020,  // mov x0, #1
        0x1000_0101,  // adr x1, text
        0xd280_0062,  // mov x2, #3
        0xd280_0808,  // mov x8, #64 (write)
        0xd400_0001,  // svc #0
        0xd280_0000,  // mov x0, #0
        0xd280_0ba8,  // mov x8, #93 (exit)
        0xd400_0001,  // svc #0
        0x0000_0000,  // udf
        0x000a_6b6f,  // "ok\n"
    ]

    private struct Segment {
        var type: UInt32
        var flags: UInt32
        var offset: UInt64
        var address: UInt64
        var fileSize: UInt64
        var memorySize: UInt64
        var alignment: UInt64 = 0x1000
    }

    /// A program of three segments: code, data with bss, and a stack note; with an interpreter when there is a path.
    package static func program(isPositionIndependent: Bool, interpreter: String?) -> [UInt8] {
        let base: UInt64 = isPositionIndependent ? 0 : 0x40_0000
        var segments = [
            Segment(type: 1, flags: 5, offset: 0, address: base, fileSize: 0x1000, memorySize: 0x1000),
            Segment(type: 1, flags: 6, offset: 0x1000, address: base + 0x11000, fileSize: 0x800, memorySize: 0x4000),
            Segment(type: 0x6474_e551, flags: 6, offset: 0, address: 0, fileSize: 0, memorySize: 0, alignment: 16),
        ]
        var bytes = [UInt8](repeating: 0, count: 0x1800)
        if let interpreter {
            let path = Array(interpreter.utf8) + [0]
            bytes.replaceSubrange(pathOffset..<pathOffset + path.count, with: path)
            let size = UInt64(path.count)
            segments.insert(
                Segment(
                    type: 3, flags: 4, offset: UInt64(pathOffset), address: base + UInt64(pathOffset), fileSize: size,
                    memorySize: size, alignment: 1), at: 0)
        }
        bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
        put(&bytes, 16, UInt64(isPositionIndependent ? 3 : 2), 2)
        put(&bytes, 18, 183, 2)
        put(&bytes, 20, 1, 4)
        put(&bytes, 24, base + UInt64(codeOffset), 8)
        put(&bytes, 32, UInt64(headerSize), 8)
        put(&bytes, 52, UInt64(headerSize), 2)
        put(&bytes, 54, UInt64(entrySize), 2)
        put(&bytes, 56, UInt64(segments.count), 2)
        for (index, segment) in segments.enumerated() { put(&bytes, at(index), segment) }
        for (index, word) in code.enumerated() { put(&bytes, codeOffset + index * 4, UInt64(word), 4) }
        return bytes
    }

    private static func at(_ index: Int) -> Int { headerSize + index * entrySize }

    private static func put(_ bytes: inout [UInt8], _ offset: Int, _ value: UInt64, _ width: Int) {
        for k in 0..<width where offset + k < bytes.count { bytes[offset + k] = UInt8(truncatingIfNeeded: value >> UInt64(8 * k)) }
    }
    private static func put(_ bytes: inout [UInt8], _ offset: Int, _ segment: Segment) {
        put(&bytes, offset, UInt64(segment.type), 4)
        put(&bytes, offset + 4, UInt64(segment.flags), 4)
        let words = [
            segment.offset, segment.address, segment.address, segment.fileSize, segment.memorySize, segment.alignment,
        ]
        for (k, word) in words.enumerated() { put(&bytes, offset + 8 + 8 * k, word, 8) }
    }
    private static func get(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        (0..<width).reduce(0) { $0 | UInt64(offset + $1 < bytes.count ? bytes[offset + $1] : 0) << UInt64(8 * $1) }
    }

    // MARK: Damage

    /// Offset and width of the header's fields, and of a program header's.
    private static let headerFields = [(4, 1), (5, 1), (6, 1), (16, 2), (18, 2), (24, 8), (32, 8), (52, 2), (54, 2), (56, 2)]
    private static let segmentFields = [(0, 4), (4, 4), (8, 8), (16, 8), (32, 8), (40, 8), (48, 8)]

    /// One damaged program.
    package mutating func next(_ paths: Paths) -> [UInt8] {
        let interpreter = pick(3) == 0 ? paths.texts[pick(paths.texts.count)] : nil
        var bytes = Self.program(isPositionIndependent: pick(2) == 0, interpreter: interpreter)
        for _ in 0..<1 + pick(3) { damage(&bytes) }
        return bytes
    }

    private mutating func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let count = max(1, min(8, Int(Self.get(bytes, 56, 2))))
        switch pick(10) {
        case 0:
            let field = Self.headerFields[pick(Self.headerFields.count)]
            Self.put(&bytes, field.0, value(near: Self.get(bytes, field.0, field.1), bytes.count), field.1)
        case 1...5:
            let field = Self.segmentFields[pick(Self.segmentFields.count)]
            let offset = Self.at(pick(count)) + field.0
            Self.put(&bytes, offset, value(near: Self.get(bytes, offset, field.1), bytes.count), field.1)
        case 6:  // one on top of another
            let (from, to) = (Self.at(pick(count)), Self.at(pick(count)))
            let field = Self.segmentFields[pick(Self.segmentFields.count)]
            Self.put(&bytes, to + field.0, Self.get(bytes, from + field.0, field.1), field.1)
        case 7:  // one more, a copy of another
            let (from, to) = (Self.at(pick(count)), Self.at(count))
            for k in 0..<Self.entrySize where to + k < bytes.count && from + k < bytes.count { bytes[to + k] = bytes[from + k] }
            Self.put(&bytes, 56, UInt64(count + 1), 2)
        case 8:
            bytes.removeLast(min(bytes.count, pick(2) == 0 ? pick(bytes.count + 1) : pick(64)))
        default:
            for _ in 0..<1 + pick(4) where !bytes.isEmpty {
                bytes[pick(min(bytes.count, 0x180))] = UInt8(truncatingIfNeeded: random.next())
            }
        }
    }

    private mutating func value(near old: UInt64, _ size: Int) -> UInt64 {
        let borders: [UInt64] = [
            0, 1, 0xfff, 0x1000, 0x1001, 0x1_0000, 0xffff, 0xffff_ffff, 1 << 31, 1 << 32, 1 << 40, 0x5555_5555_4000,
            0x7fff_ffff_e000, (1 << 47) - 4096, 1 << 47, 1 << 48, 1 << 55, 1 << 63, .max, .max - 0xfff, UInt64(size),
            0x7f00_0000_0000, 0xffff_ffff_ff60_0000,
        ]
        switch pick(6) {
        case 0: return old &+ 1
        case 1: return old &- 1
        case 2: return old &+ 0x1000
        case 3: return old ^ 1 << UInt64(pick(64))
        case 4: return borders[pick(borders.count)] &- old
        default: return borders[pick(borders.count)] &+ UInt64(pick(3)) &- 1
        }
    }
}
