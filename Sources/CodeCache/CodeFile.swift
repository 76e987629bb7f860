internal import CZstd
internal import Glibc

/// The kept code of one image, read from a file: an index by guest PC, and chunks of entries that are decompressed when one of them is
/// wanted first. What a chunk gives stays in memory to the end of the process.
///
/// Layout: magic, length of the configuration text and of the index, the text, one zstd frame for each chunk, one for the index. Each
/// frame has a checksum. The index begins with the numbers of chunks and entries, then come sizes of the chunks, compressed and not,
/// then the entries' keys, sorted, with chunk and offset.
///
/// Threads: guarded by its owner.
package final class CodeFile {
    package enum Damage: Error, Equatable {
        /// No file of this format.
        case foreign
        /// Of this format, but made by another executable, for another host or with other options.
        case configuration
        /// Cut off or changed.
        case damaged
    }

    struct Chunk {
        /// In `bytes`.
        let range: Range<Int>
        let size: Int
        var memory: UnsafeRawBufferPointer?
    }
    /// As in the file.
    struct IndexEntry {
        let key: UInt64
        let chunk: UInt32
        let offset: UInt32
    }

    /// The whole file.
    let bytes: UnsafeRawBufferPointer
    private(set) var chunks: [Chunk] = []
    let index: UnsafeBufferPointer<IndexEntry>
    private let pool: MemoryPool
    /// A chunk was found to be damaged: what is in it is not there.
    package private(set) var isDamaged = false

    static let magic: [UInt8] = Array("NTCODE01".utf8)
    static let headerSize = 16
    static let indexEntrySize = 16
    /// Bytes at most of what a frame may say that it holds.
    private static let indexLimit = 256 << 20
    static let chunkLimit = 1 << 20
    /// Bytes of a whole file.
    package static let sizeLimit = 256 << 20

    package var entryCount: Int { index.count }
    package var byteCount: Int { bytes.count }

    /// How many entries a file has, whatever it was made for; nil when it is damaged. Takes over `bytes`.
    static func entryCount(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= headerSize else {
            bytes.deallocate()
            return nil
        }
        let size = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let configuration = Array(bytes.dropFirst(headerSize).prefix(size))
        return try? CodeFile(bytes, configuration: configuration, MemoryPool()).entryCount
    }

    /// Takes over `bytes`, which were allocated.
    /// - Parameter configuration: what the file must have been made for.
    /// - Parameter pool: what it is decompressed to. To be used by one thread at a time, as the file.
    package init(_ bytes: UnsafeRawBufferPointer, configuration: [UInt8], _ pool: MemoryPool) throws(Damage) {
        func word(_ at: Int) -> Int { Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        guard bytes.count >= Self.headerSize, bytes.prefix(Self.magic.count).elementsEqual(Self.magic) else {
            bytes.deallocate()
            throw .foreign
        }
        let textEnd = Self.headerSize + word(8)
        let indexStart = bytes.count - word(12)
        guard textEnd <= bytes.count, bytes[Self.headerSize..<textEnd].elementsEqual(configuration) else {
            bytes.deallocate()
            throw .configuration
        }
        guard indexStart >= textEnd, let memory = Self.decompress(bytes, indexStart..<bytes.count, limit: Self.indexLimit, pool)
        else {
            bytes.deallocate()
            throw .damaged
        }
        guard let (chunks, index) = Self.parse(memory, data: textEnd..<indexStart) else {
            bytes.deallocate()
            throw .damaged
        }
        self.bytes = bytes
        self.chunks = chunks
        self.index = index
        self.pool = pool
    }

    deinit { bytes.deallocate() }

    private static func parse(
        _ memory: UnsafeRawBufferPointer, data: Range<Int>
    ) -> ([Chunk], UnsafeBufferPointer<IndexEntry>)? {
        func word(_ at: Int) -> Int { Int(memory.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        guard memory.count >= 16 else { return nil }
        let chunkCount = word(0)
        let entryCount = word(4)
        // Both are a multiple of 16, as the allocation is.
        let entriesAt = 16 + (chunkCount * 8 + 15) & ~15
        guard entriesAt + entryCount * indexEntrySize == memory.count else { return nil }
        var chunks: [Chunk] = []
        chunks.reserveCapacity(chunkCount)
        var at = data.lowerBound
        for n in 0..<chunkCount {
            let end = at + word(16 + n * 8)
            let size = word(20 + n * 8)
            guard end <= data.upperBound, size <= chunkLimit else { return nil }
            chunks.append(Chunk(range: at..<end, size: size))
            at = end
        }
        guard at == data.upperBound else { return nil }
        let entries = UnsafeRawBufferPointer(rebasing: memory[entriesAt...]).bindMemory(to: IndexEntry.self)
        return (chunks, entries)
    }

    /// - Returns: memory that the caller owns; nil when the frame is damaged.
    private static func decompress(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, size: Int? = nil, limit: Int, _ pool: MemoryPool
    ) -> UnsafeRawBufferPointer? {
        guard let start = bytes.baseAddress.map({ $0 + range.lowerBound }), !range.isEmpty else { return nil }
        // Unknown sizes and errors are the largest numbers.
        let stated = ZSTD_getFrameContentSize(start, range.count)
        guard stated <= UInt64(limit), size == nil || Int(stated) == size, let memory = pool.allocate(Int(stated)) else {
            return nil
        }
        let count = ZSTD_decompressDCtx(pool.context, memory.baseAddress, memory.count, start, range.count)
        guard ZSTD_isError(count) == 0, count == memory.count else { return nil }
        return UnsafeRawBufferPointer(memory)
    }

    /// Of a key in `index`; nil when there is none.
    func position(_ key: CodeEntryKey) -> Int? {
        var low = 0
        var high = index.count
        while low < high {
            let middle = (low + high) / 2
            if index[middle].key < key.bits { low = middle + 1 } else { high = middle }
        }
        return low < index.count && index[low].key == key.bits ? low : nil
    }

    /// - Returns: the entry, valid as long as this file; nil when there is none.
    package func find(_ key: CodeEntryKey) -> CodeEntry? {
        guard let position = position(key) else { return nil }
        let entry = entry(index[position])
        if entry == nil { isDamaged = true }
        return entry
    }

    private func entry(_ place: IndexEntry) -> CodeEntry? {
        let n = Int(place.chunk)
        guard n < chunks.count else { return nil }
        if chunks[n].memory == nil {
            // Once only: what is damaged becomes empty.
            chunks[n].memory =
                Self.decompress(bytes, chunks[n].range, size: chunks[n].size, limit: Self.chunkLimit, pool)
                ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
        guard let memory = chunks[n].memory, Int(place.offset) < memory.count else { return nil }
        return CodeEntry(at: UnsafeRawBufferPointer(rebasing: memory[Int(place.offset)...]))
    }
}
