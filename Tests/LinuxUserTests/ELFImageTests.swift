import TestSupport
import Testing

@testable import GuestMemory
@testable import LinuxUser

struct ArraySource: ELFSource {
    let bytes: [UInt8]
    var size: UInt64 { UInt64(bytes.count) }
    func read(at offset: UInt64, count: Int) throws(ELFError) -> [UInt8] {
        // The parser promises to ask only for what exists.
        precondition(offset <= size && UInt64(count) <= size - offset, "read out of bounds")
        return Array(bytes[Int(offset)..<Int(offset) + count])
    }
}

/// Writes small AArch64 executables.
struct ELFBuilder {
    struct Header {
        var type: UInt32 = 1
        var flags: UInt32 = 5
        var offset: UInt64 = 0
        var address: UInt64 = 0x400000
        var fileSize: UInt64 = 0x200
        var memorySize: UInt64 = 0x200
        var alignment: UInt64 = 0x1000
    }
    var type: UInt16 = 2
    var machine: UInt16 = 183
    var elfClass: UInt8 = 2
    var data: UInt8 = 1
    var entry: UInt64 = 0x400100
    var headers: [Header] = [Header()]
    var headerOffset: UInt64 = 64
    var headerSize: UInt16 = 56
    var headerCount: UInt16?
    var size = 0x1000

    func bytes() -> [UInt8] {
        var image = GuestRecord(size: size)
        for (index, byte) in ([0x7f, 0x45, 0x4c, 0x46, elfClass, data, 1] as [UInt8]).enumerated() {
            image[index, as: UInt8.self] = byte
        }
        image[16, as: UInt16.self] = type
        image[18, as: UInt16.self] = machine
        image[20, as: UInt32.self] = 1
        image[24, as: UInt64.self] = entry
        image[32, as: UInt64.self] = headerOffset
        image[52, as: UInt16.self] = 64
        image[54, as: UInt16.self] = headerSize
        image[56, as: UInt16.self] = headerCount ?? UInt16(headers.count)
        for (index, header) in headers.enumerated() {
            let at = 64 + index * 56
            image[at, as: UInt32.self] = header.type
            image[at + 4, as: UInt32.self] = header.flags
            image[at + 8, as: UInt64.self] = header.offset
            image[at + 16, as: UInt64.self] = header.address
            image[at + 24, as: UInt64.self] = header.address
            image[at + 32, as: UInt64.self] = header.fileSize
            image[at + 40, as: UInt64.self] = header.memorySize
            image[at + 48, as: UInt64.self] = header.alignment
        }
        return image.bytes
    }

    func parse() throws(ELFError) -> ELFImage { try ELFImage(ArraySource(bytes: bytes())) }
}

@Suite struct ELFImageTests {
    @Test func readsAPlainExecutable() throws {
        var builder = ELFBuilder()
        builder.headers.append(
            .init(flags: 6, offset: 0x810, address: 0x411810, fileSize: 0x100, memorySize: 0x3000))
        builder.headers.append(.init(type: 0x6474_e551, flags: 6, address: 0, fileSize: 0, memorySize: 0))
        let image = try builder.parse()
        #expect(!image.isPositionIndependent)
        #expect(image.entry == 0x400100)
        #expect(image.programHeaderCount == 3)
        #expect(image.programHeaderAddress == 0x400040)
        #expect(image.span == 0x400000..<0x415000)
        #expect(image.segments.map(\.protection) == [[.read, .execute], [.read, .write]])
        #expect(image.segments[1].pages == 0x411000..<0x415000)
        #expect(!image.wantsExecutableStack)
        #expect(image.interpreter == nil)
    }

    @Test func readsTheInterpreterPath() throws {
        var builder = ELFBuilder()
        builder.type = 3
        builder.headers.append(.init(type: 3, offset: 0x300, address: 0x300, fileSize: 6, memorySize: 6))
        var bytes = builder.bytes()
        bytes.replaceSubrange(0x300..<0x306, with: Array("/ld.x\0".utf8))
        let image = try ELFImage(ArraySource(bytes: bytes))
        #expect(image.isPositionIndependent)
        #expect(image.interpreter == Array("/ld.x".utf8))
    }

    struct Hostile: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let kind: ELFError.Kind
        let change: @Sendable (inout ELFBuilder) -> Void
        init(_ name: String, _ kind: ELFError.Kind, _ change: @escaping @Sendable (inout ELFBuilder) -> Void) {
            testDescription = name
            self.kind = kind
            self.change = change
        }
    }

    static let hostile: [Hostile] = [
        Hostile("x86-64", .wrongMachine) { $0.machine = 62 },
        Hostile("32-bit", .wrongMachine) { $0.elfClass = 1 },
        Hostile("big-endian", .wrongMachine) { $0.data = 2 },
        Hostile("object file", .unsupportedType) { $0.type = 1 },
        Hostile("core file", .unsupportedType) { $0.type = 4 },
        Hostile("no headers", .badSegment) { $0.headers = [] },
        Hostile("header size", .badSegment) { $0.headerSize = 55 },
        Hostile("too many headers", .badSegment) { $0.headerCount = 2000 },
        Hostile("headers beyond the end", .truncated) { $0.headerCount = 1000 },
        Hostile("header offset wraps", .truncated) { $0.headerOffset = .max - 8 },
        Hostile("nothing to load", .badSegment) { $0.headers[0].type = 4 },
        Hostile("empty segment only", .badSegment) {
            $0.headers[0].fileSize = 0
            $0.headers[0].memorySize = 0
        },
        Hostile("file part larger than memory", .badSegment) { $0.headers[0].memorySize = 0x10 },
        Hostile("file part beyond the end", .truncated) {
            $0.headers[0].fileSize = 0x2000
            $0.headers[0].memorySize = 0x2000
        },
        Hostile("file offset wraps", .truncated) { $0.headers[0].offset = .max - 0xfff },
        Hostile("address wraps", .badSegment) { $0.headers[0].address = .max - 0xfff },
        Hostile("kernel address", .badSegment) { $0.headers[0].address = 1 << 48 },
        Hostile("address of 48 bits", .badSegment) { $0.headers[0].address = 1 << 47 },
        Hostile("last page", .badSegment) { $0.headers[0].address = 1 << 47 - 0x1000 },
        Hostile("memory size wraps", .badSegment) { $0.headers[0].memorySize = .max },
        Hostile("not congruent", .badSegment) { $0.headers[0].address = 0x400010 },
        Hostile("interpreter path too long", .badSegment) {
            $0.headers.append(.init(type: 3, fileSize: 5000, memorySize: 5000))
        },
        Hostile("interpreter path beyond the end", .truncated) {
            $0.headers.append(.init(type: 3, offset: 0xfff, fileSize: 8, memorySize: 8))
        },
        Hostile("interpreter path without NUL", .badSegment) {
            $0.headers.append(.init(type: 3, offset: 0, fileSize: 4, memorySize: 4))
        },
    ]

    @Test(arguments: hostile)
    func refusesWithAClearKind(_ hostile: Hostile) {
        var builder = ELFBuilder()
        hostile.change(&builder)
        let error = #expect(throws: ELFError.self) { try builder.parse() }
        #expect(error?.kind == hostile.kind)
        #expect(error?.message.contains("\n") == false)
    }

    /// As in Linux, which takes only powers of two.
    @Test(arguments: [0, 1, 8, 0x3000, 1 << 40, .max] as [UInt64])
    func alignmentsThatMeanNothingAreIgnored(_ alignment: UInt64) throws {
        var builder = ELFBuilder()
        builder.headers[0].alignment = alignment
        #expect(try builder.parse().segments[0].alignment == 0x1000)
        builder.headers[0].alignment = 0x20_0000
        #expect(try builder.parse().segments[0].alignment == 0x20_0000)
    }

    @Test func everyTruncationIsRefused() {
        var builder = ELFBuilder()
        builder.size = 0x200
        let whole = builder.bytes()
        for count in 0..<whole.count {
            let error = #expect(throws: ELFError.self) {
                try ELFImage(ArraySource(bytes: Array(whole[..<count])))
            }
            #expect(error?.kind == (count < 4 ? .notELF : .truncated))
        }
    }

    /// Random damage: parsing ends in an image whose promises hold, or in an error.
    @Test func damagedHeadersKeepThePromises() {
        var generator = SplitMix64(seed: 1)
        var builder = ELFBuilder()
        builder.headers.append(.init(flags: 6, offset: 0x810, address: 0x411810, fileSize: 0x100, memorySize: 0x3000))
        let whole = builder.bytes()
        for _ in 0..<20_000 {
            var bytes = whole
            var changes: [Int: UInt8] = [:]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changes[Int.random(in: 16..<176, using: &generator)] =
                    [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &generator)].randomElement() ?? 0
            }
            for (at, value) in changes { bytes[at] = value }
            guard let image = try? ELFImage(ArraySource(bytes: bytes)) else { continue }
            for segment in image.segments {
                #expect(segment.fileSize <= UInt64(segment.memory.count), "\(changes)")
                #expect(segment.fileOffset + segment.fileSize <= UInt64(bytes.count), "\(changes)")
                #expect(segment.pages.upperBound <= 1 << 47, "\(changes)")
                #expect(image.span.lowerBound <= segment.pages.lowerBound, "\(changes)")
                #expect(segment.pages.upperBound <= image.span.upperBound, "\(changes)")
            }
        }
    }

    /// The files that the executable is tried on, and many more of them.
    @Test func whatTheFuzzerMakesKeepsThePromises() {
        var mutator = ELFMutator(seed: 2)
        var accepted = 0
        for number in 0..<20_000 {
            let bytes = mutator.next(ELFMutator.Paths(texts: ["/lib/ld.so", "", "/"]))
            guard let image = try? ELFImage(ArraySource(bytes: bytes)) else { continue }
            accepted += 1
            for segment in image.segments {
                #expect(segment.fileSize <= UInt64(segment.memory.count), "file \(number)")
                #expect(segment.fileOffset + segment.fileSize <= UInt64(bytes.count), "file \(number)")
                #expect(segment.pages.upperBound <= 1 << 47, "file \(number)")
                #expect(image.span.lowerBound <= segment.pages.lowerBound, "file \(number)")
                #expect(segment.pages.upperBound <= image.span.upperBound, "file \(number)")
            }
        }
        #expect(accepted > 2000)
    }
}
