internal import Glibc
package import GuestMemory

/// Random access to the bytes of an image: a file or, in tests, an array. Offsets and counts are checked by the caller
/// against `size`; a short read is an error because the file shrank meanwhile.
package protocol ELFSource {
    var size: UInt64 { get }
    func read(at offset: UInt64, count: Int) throws(ELFError) -> [UInt8]
}

/// The headers of an AArch64 ELF64 little-endian executable, checked: whatever is in here is in bounds, does not
/// overflow and is page-congruent, so that the loader only has to map it.
package struct ELFImage: Sendable {
    package struct Segment: Sendable, Equatable {
        /// Virtual addresses before the load bias.
        package let memory: Range<UInt64>
        package let fileOffset: UInt64
        /// At most `memory.count`.
        package let fileSize: UInt64
        package let protection: PageProtection
        package let alignment: UInt64

        /// `memory` rounded out to pages.
        package var pages: Range<UInt64> { memory.lowerBound.pageRoundedDown..<memory.upperBound.pageRoundedUp }
    }

    /// ET_DYN: may be loaded at any page.
    package let isPositionIndependent: Bool
    package let entry: UInt64
    package let segments: [Segment]
    package let programHeaderCount: Int
    /// Address of the program headers before the bias; 0 when no segment holds them.
    package let programHeaderAddress: UInt64
    /// PT_INTERP's path, without NUL.
    package let interpreter: [UInt8]?
    package let wantsExecutableStack: Bool
    /// GNU_PROPERTY_AARCH64_FEATURE_1_BTI: all indirect branches lead to landing pads.
    package let hasLandingPads: Bool
    /// From the first to past the last page of all segments.
    package let span: Range<UInt64>

    /// User addresses end here on a host with 47-bit user space; an arm64 process would have 48 bits.
    static let addressLimit: UInt64 = 1 << 47
    /// The kernel reads no more than this of program headers.
    private static let programHeaderLimit = 65536
    static let programHeaderSize = 56

    /// Whether an open file begins like an ELF file.
    static func isELF(_ descriptor: Int32) -> Bool {
        var magic: UInt32 = 0
        return pread(descriptor, &magic, 4, 0) == 4 && magic.bigEndian == 0x7f45_4c46
    }

    package init(_ source: some ELFSource) throws(ELFError) {
        guard source.size >= 4 else { throw .notELF }
        let magic = try source.read(at: 0, count: 4)
        guard magic == [0x7f, 0x45, 0x4c, 0x46] else { throw .notELF }
        guard source.size >= 64 else { throw .truncated("the ELF header") }
        let header = GuestRecord(try source.read(at: 0, count: 64))
        guard header[4, as: UInt8.self] == 2 else { throw .wrongMachine("not 64-bit") }
        guard header[5, as: UInt8.self] == 1 else { throw .wrongMachine("not little-endian") }
        let machine = header[18, as: UInt16.self]
        guard machine == 183 else { throw .wrongMachine("machine \(machine)") }
        let type = header[16, as: UInt16.self]
        guard type == 2 || type == 3 else { throw .unsupportedType(type) }
        isPositionIndependent = type == 3
        entry = header[24, as: UInt64.self]

        let tableOffset = header[32, as: UInt64.self]
        let count = Int(header[56, as: UInt16.self])
        guard header[54, as: UInt16.self] == Self.programHeaderSize else { throw .badHeader("program header size") }
        guard count > 0 else { throw .badHeader("no program headers") }
        guard count * Self.programHeaderSize <= Self.programHeaderLimit else {
            throw .badHeader("too many program headers")
        }
        let tableSize = UInt64(count * Self.programHeaderSize)
        let (tableEnd, tableWraps) = tableOffset.addingReportingOverflow(tableSize)
        guard !tableWraps, tableEnd <= source.size else { throw .truncated("the program header table") }
        programHeaderCount = count
        let table = GuestRecord(try source.read(at: tableOffset, count: Int(tableSize)))

        var segments: [Segment] = []
        var interpreter: [UInt8]?
        var landingPads = false
        var executableStack = false  // what arm64 kernels do without PT_GNU_STACK
        for index in 0..<count {
            let at = index * Self.programHeaderSize
            let flags = table[at + 4, as: UInt32.self]
            switch table[at, as: UInt32.self] {
            case 1:
                if let segment = try Self.load(table, index: index, fileSize: source.size) { segments.append(segment) }
            case 3:
                guard interpreter == nil else { throw .badSegment(index, "a second interpreter") }
                interpreter = try Self.interpreterPath(table, index: index, source)
            case 0x6474_e553:
                landingPads = try Self.hasLandingPads(table, index: index, source)
            case 0x6474_e551:
                executableStack = flags & 1 != 0
            default:
                break  // PT_TLS, PT_DYNAMIC, PT_NOTE, ...: for the program itself
            }
        }
        guard let first = segments.map(\.pages.lowerBound).min(), let end = segments.map(\.pages.upperBound).max()
        else {
            throw .badHeader("nothing to load")
        }
        self.segments = segments
        self.interpreter = interpreter
        wantsExecutableStack = executableStack
        hasLandingPads = landingPads
        span = first..<end
        let holder = segments.first {
            $0.fileOffset <= tableOffset && tableEnd - $0.fileOffset <= $0.fileSize
        }
        programHeaderAddress = holder.map { $0.memory.lowerBound + (tableOffset - $0.fileOffset) } ?? 0
    }

    /// Checks one PT_LOAD; nil when it is empty.
    private static func load(_ table: GuestRecord, index: Int, fileSize limit: UInt64) throws(ELFError) -> Segment? {
        let at = index * programHeaderSize
        let flags = table[at + 4, as: UInt32.self]
        let offset = table[at + 8, as: UInt64.self]
        let address = table[at + 16, as: UInt64.self]
        let fileSize = table[at + 32, as: UInt64.self]
        let memorySize = table[at + 40, as: UInt64.self]
        let alignment = table[at + 48, as: UInt64.self]
        guard fileSize <= memorySize else { throw .badSegment(index, "more bytes in the file than in memory") }
        if memorySize == 0 { return nil }
        let (end, wraps) = address.addingReportingOverflow(memorySize)
        guard !wraps, end <= 1 << 48 else {
            throw .badSegment(index, "address range \(String(address, radix: 16))+\(String(memorySize, radix: 16))")
        }
        guard end <= addressLimit - guestPageSize else { throw .tooHigh(end) }
        let (fileEnd, fileWraps) = offset.addingReportingOverflow(fileSize)
        guard !fileWraps, fileEnd <= limit else { throw .truncated("program header \(index)") }
        guard fileSize == 0 || offset % guestPageSize == address % guestPageSize else {
            throw .badSegment(index, "file offset and address differ within a page")
        }
        var protection: PageProtection = []
        if flags & 4 != 0 { protection.insert(.read) }
        if flags & 2 != 0 { protection.insert(.write) }
        if flags & 1 != 0 { protection.insert(.execute) }
        return Segment(
            memory: address..<end, fileOffset: offset, fileSize: fileSize, protection: protection,
            alignment: Self.usableAlignment(alignment))
    }

    /// Looks through PT_GNU_PROPERTY. As in Linux, one that is damaged says nothing.
    private static func hasLandingPads(_ table: GuestRecord, index: Int, _ source: some ELFSource) throws(ELFError) -> Bool {
        let at = index * programHeaderSize
        let offset = table[at + 8, as: UInt64.self]
        let size = table[at + 32, as: UInt64.self]
        let (end, wraps) = offset.addingReportingOverflow(size)
        guard size >= 16, size <= 1024, !wraps, end <= source.size else { return false }
        let note = GuestRecord(try source.read(at: offset, count: Int(size)))
        // namesz, descsz, NT_GNU_PROPERTY_TYPE_0, "GNU"
        guard note[0, as: UInt32.self] == 4, note[8, as: UInt32.self] == 5, note[12, as: UInt32.self] == 0x554e47 else {
            return false
        }
        let descriptionEnd = min(16 + Int(note[4, as: UInt32.self]), Int(size))
        var place = 16
        while place + 8 <= descriptionEnd {
            let type = note[place, as: UInt32.self]
            let length = Int(note[place + 4, as: UInt32.self])
            guard place + 8 + length <= descriptionEnd else { return false }
            if type == 0xc000_0000, length == 4 { return note[place + 8, as: UInt32.self] & 1 != 0 }
            place += 8 + (length + 7) / 8 * 8
        }
        return false
    }

    /// As in Linux, an alignment that is no power of two asks for nothing. Neither does one that no file needs.
    private static func usableAlignment(_ alignment: UInt64) -> UInt64 {
        guard alignment & (alignment &- 1) == 0, alignment <= 1 << 30 else { return guestPageSize }
        return max(alignment, guestPageSize)
    }

    private static func interpreterPath(
        _ table: GuestRecord, index: Int, _ source: some ELFSource
    ) throws(ELFError) -> [UInt8] {
        let at = index * programHeaderSize
        let offset = table[at + 8, as: UInt64.self]
        let size = table[at + 32, as: UInt64.self]
        guard size >= 2, size <= 4096 else { throw .badSegment(index, "interpreter path length") }
        let (end, wraps) = offset.addingReportingOverflow(size)
        guard !wraps, end <= source.size else { throw .truncated("the interpreter path") }
        let text = try source.read(at: offset, count: Int(size))
        guard text.last == 0 else { throw .badSegment(index, "interpreter path without end") }
        return Array(text.prefix { $0 != 0 })
    }
}
