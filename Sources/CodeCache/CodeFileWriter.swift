internal import CZstd

/// New entries of one image, on their way to its file.
package struct NewEntries {
    /// Key, and where the entry begins in `bytes`.
    private var places: [(key: CodeEntryKey, start: Int)] = []
    private var bytes: [UInt8] = []

    package init() {}
    package var count: Int { places.count }
    package var byteCount: Int { bytes.count }

    /// As `CodeEntry.append`.
    package mutating func append(
        _ key: CodeEntryKey, _ parts: CodeEntry.Parts, codeSize: Int, _ fill: (UnsafeMutableRawPointer) -> Void
    ) {
        let start = bytes.count
        if CodeEntry.append(parts, codeSize: codeSize, to: &bytes, fill) { places.append((key, start)) }
    }

    package mutating func removeAll() {
        places = []
        bytes = []
    }

    /// Bytes of entries in a chunk: few enough that one entry does not cost much of what is not wanted, enough to compress well.
    private static let chunkSize = 64 << 10

    /// The bytes of a file with these entries and those of another, whose chunks are taken over as they are. Of entries with one key
    /// the newest is kept.
    /// - Returns: nil when there is nothing to compress with, or too much.
    package func file(with old: CodeFile?, configuration: [UInt8]) -> [UInt8]? {
        // Stable by position, so that the last of equal keys is the newest.
        let sorted = places.indices.sorted { (places[$0].key, $0) < (places[$1].key, $1) }
        var newest: [Int] = []
        newest.reserveCapacity(sorted.count)
        for n in sorted {
            if let last = newest.last, places[last].key == places[n].key { newest[newest.count - 1] = n } else { newest.append(n) }
        }
        // Chunks keep what was replaced; when that is much, only what is new is worth keeping.
        var old = old.flatMap { $0.isDamaged ? nil : $0 }
        if let known = old, newest.count(where: { known.position(places[$0].key) != nil }) > known.entryCount / 4 { old = nil }

        guard let context = ZSTD_createCCtx() else { return nil }
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)

        var file = CodeFile.magic + [UInt8](repeating: 0, count: CodeFile.headerSize - CodeFile.magic.count)
        file += configuration
        var chunks: [(size: Int, rawSize: Int)] = []
        if let old {
            file.reserveCapacity(old.byteCount + bytes.count)
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
        for n in newest {
            let (key, start) = places[n]
            let end = start + size(at: start)
            if chunk.count + end - start > Self.chunkSize, !finishChunk() { return nil }
            index.append(CodeFile.IndexEntry(key: key.bits, chunk: UInt32(chunks.count), offset: UInt32(chunk.count)))
            chunk += bytes[start..<end]
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

    private func size(at start: Int) -> Int {
        bytes.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: start, as: UInt32.self)) }
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
