internal import CZstd

/// New entries of one image, on their way to its file.
package struct NewEntries {
    private typealias Place = (key: CodeEntryKey, entry: UnsafeRawBufferPointer)
    private var places: [Place] = []
    private let pool: MemoryPool
    package private(set) var byteCount = 0

    /// - Parameter pool: where entries wait; what they take is free only with the pool.
    package init(_ pool: MemoryPool) { self.pool = pool }
    package var count: Int { places.count }

    /// - Returns: where the entry's code is, to be cleared of what is this process's; nil when the entry is not kept.
    package mutating func append(_ key: CodeEntryKey, _ parts: CodeEntry.Parts) -> UnsafeMutableRawPointer? {
        guard let size = parts.size, let memory = pool.allocate(size), let start = memory.baseAddress else { return nil }
        places.append((key, UnsafeRawBufferPointer(memory)))
        byteCount += size
        return parts.write(to: start, size: size)
    }

    package mutating func removeLast() {
        guard let last = places.popLast() else { return }
        byteCount -= last.entry.count
    }

    package mutating func removeAll() {
        places = []
        byteCount = 0
    }

    /// Bytes of entries in a chunk: few enough that one entry does not cost much of what is not wanted, enough to compress well.
    private static let chunkSize = 64 << 10

    /// The bytes of a file with these entries and those of another, whose chunks are taken over as they are. Of entries with one key
    /// the newest is kept.
    /// - Returns: nil when there is nothing to compress with, or too much.
    package func file(with old: CodeFile?, configuration: [UInt8]) -> [UInt8]? {
        // Stable by position, so that the last of equal keys is the newest.
        let sorted = places.indices.sorted {
            places[$0].key == places[$1].key ? $0 < $1 : places[$0].key < places[$1].key
        }
        var newest: [Place] = []
        newest.reserveCapacity(sorted.count)
        for n in sorted {
            if newest.last?.key == places[n].key { newest[newest.count - 1] = places[n] } else { newest.append(places[n]) }
        }
        // Chunks keep what was replaced; when that is much, only what is new is worth keeping.
        var old = old.flatMap { $0.isDamaged ? nil : $0 }
        if let known = old, newest.count(where: { known.position($0.key) != nil }) > known.entryCount / 4 { old = nil }

        // Fast: the user waits for it, and a third more bytes cost less.
        guard let context = ZSTD_createCCtx() else { return nil }
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, -5)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)

        var file = CodeFile.magic + [UInt8](repeating: 0, count: CodeFile.headerSize - CodeFile.magic.count)
        file += configuration
        var chunks: [(size: Int, rawSize: Int)] = []
        file.reserveCapacity((old?.byteCount ?? 0) + byteCount / 2)
        if let old {
            for chunk in old.chunks {
                file += UnsafeRawBufferPointer(rebasing: old.bytes[chunk.range])
                chunks.append((chunk.range.count, chunk.size))
            }
        }
        var index: [CodeFile.IndexEntry] = []
        index.reserveCapacity(newest.count)
        var chunk: [UInt8] = []
        chunk.reserveCapacity(Self.chunkSize * 2)
        func finishChunk() -> Bool {
            if chunk.isEmpty { return true }
            let start = file.count
            guard Self.compress(chunk, to: &file, context) else { return false }
            chunks.append((file.count - start, chunk.count))
            chunk.removeAll(keepingCapacity: true)
            return true
        }
        for (key, entry) in newest {
            if chunk.count + entry.count > Self.chunkSize, !finishChunk() { return nil }
            index.append(CodeFile.IndexEntry(key: key.bits, chunk: UInt32(chunks.count), offset: UInt32(chunk.count)))
            chunk += entry
        }
        guard finishChunk() else { return nil }
        if let old { index = Self.merge(old.index, index) }
        let indexStart = file.count
        guard Self.compress(Self.bytes(chunks, index), to: &file, context), file.count <= CodeFile.sizeLimit else { return nil }
        file.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(configuration.count), toByteOffset: 8, as: UInt32.self)
            $0.storeBytes(of: UInt32($0.count - indexStart), toByteOffset: 12, as: UInt32.self)
        }
        return file
    }

    private static func compress(_ source: [UInt8], to file: inout [UInt8], _ context: OpaquePointer) -> Bool {
        let start = file.count
        let bound = ZSTD_compressBound(source.count)
        file.append(contentsOf: repeatElement(0, count: bound))
        let count = source.withUnsafeBytes { from in
            file.withUnsafeMutableBytes { ZSTD_compress2(context, $0.baseAddress! + start, bound, from.baseAddress, from.count) }
        }
        if ZSTD_isError(count) != 0 { return false }
        file.removeLast(bound - count)
        return true
    }

    /// Both are sorted; what is in both is taken from the second.
    private static func merge(
        _ old: UnsafeBufferPointer<CodeFile.IndexEntry>, _ new: [CodeFile.IndexEntry]
    ) -> [CodeFile.IndexEntry] {
        var result: [CodeFile.IndexEntry] = []
        result.reserveCapacity(old.count + new.count)
        var at = 0
        for entry in new {
            while at < old.count, old[at].key < entry.key {
                result.append(old[at])
                at += 1
            }
            if at < old.count, old[at].key == entry.key { at += 1 }
            result.append(entry)
        }
        result += old[at...]
        return result
    }

    private static func bytes(_ chunks: [(size: Int, rawSize: Int)], _ index: [CodeFile.IndexEntry]) -> [UInt8] {
        var words: [UInt32] = [UInt32(chunks.count), UInt32(index.count), 0, 0]
        words.reserveCapacity(8 + chunks.count * 2 + index.count * 4)
        for chunk in chunks { words += [UInt32(chunk.size), UInt32(chunk.rawSize)] }
        while words.count & 3 != 0 { words.append(0) }
        var result = words.withUnsafeBytes { Array($0) }
        index.withUnsafeBytes { result += $0 }
        return result
    }
}
