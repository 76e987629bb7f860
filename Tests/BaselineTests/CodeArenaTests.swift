import Baseline
import Testing

@Suite struct CodeArenaTests {
    private func place(_ size: Int, in arena: CodeArena, _ blockIndex: UInt32 = 1) -> UInt? {
        let bytes = [UInt8](repeating: 0xc3, count: size)
        return bytes.withUnsafeBytes { arena.place($0, blockIndex: blockIndex, faults: UnsafeBufferPointer(start: nil, count: 0)) }
    }

    /// Codes lie apart, at multiples of 16, and a host address says whose it is.
    @Test func findsTheCodeOfAnAddress() throws {
        let arena = CodeArena(limit: 4 << 20)
        let first = try #require(place(100, in: arena, 7))
        let second = try #require(place(33, in: arena, 8))
        #expect(first % 16 == 0 && second % 16 == 0 && second >= first + 100)
        #expect(arena.faultPoint(at: first)?.blockIndex == 7 && arena.faultPoint(at: first + 99)?.blockIndex == 7)
        #expect(arena.faultPoint(at: second)?.blockIndex == 8 && arena.faultPoint(at: second + 32)?.blockIndex == 8)
        #expect(arena.faultPoint(at: first - 1) == nil && arena.faultPoint(at: 0) == nil)
    }

    /// Memory that nobody uses any more is filled again; what is over the limit is refused.
    @Test func reusesChunksWithoutUsers() throws {
        let arena = CodeArena(limit: 2 * Self.chunkSize)
        let big = Self.chunkSize - 64
        let first = try #require(place(big, in: arena))
        let second = try #require(place(big, in: arena))
        #expect(place(big, in: arena) == nil)
        arena.release(first)
        let third = try #require(place(big, in: arena))
        #expect(third == first)
        arena.release(second)
        arena.release(third)
        #expect(place(Self.chunkSize + 1, in: arena) == nil)
        #expect(place(16, in: arena) != nil)
    }

    /// Of arenas up to 2 MiB.
    private static let chunkSize = 128 << 10

    /// Codes of 1 KiB, numbered from 0, until there is no room.
    private func fill(_ arena: CodeArena, from first: UInt32 = 0) -> [UInt32: UInt] {
        var codes: [UInt32: UInt] = [:]
        while let address = place(1024, in: arena, first + UInt32(codes.count)) { codes[first + UInt32(codes.count)] = address }
        return codes
    }

    /// The oldest code of a full arena is a small part of it, and with that released there is room for as much new code, which faults
    /// where it stands; all other code keeps its place.
    @Test func givesUpTheOldestCodeFirst() throws {
        let arena = CodeArena(limit: 1 << 20)
        #expect(!arena.isFull(for: 16))
        var codes = fill(arena)
        #expect(codes.count == 1024 && arena.isFull(for: 16) && !arena.isFull(for: Self.chunkSize + 1))
        var next: UInt32 = 1024
        // More than once round.
        for _ in 0..<20 {
            let oldest = arena.oldest()
            #expect(oldest.count == 128 && oldest.count == Self.chunkSize / 1024)
            #expect(oldest.map(\.blockIndex) == Array(next - 1024..<next - 1024 + 128))
            for code in oldest {
                #expect(codes.removeValue(forKey: code.blockIndex) == code.address)
                arena.release(code.address)
            }
            #expect(!arena.isFull(for: 16))
            let new = fill(arena, from: next)
            #expect(Set(new.values) == Set(oldest.map(\.address)))
            codes.merge(new) { $1 }
            next += UInt32(new.count)
            #expect(arena.bytes == 1 << 20)
            #expect(codes.allSatisfy { arena.faultPoint(at: $0.value + 1000)?.blockIndex == $0.key })
        }
    }

    /// Code that is still in use when its chunk is the oldest stays where it is, and the chunk is not filled before it goes; the next turn
    /// is another chunk's.
    @Test func leavesCodeInUseAlone() throws {
        let arena = CodeArena(limit: 1 << 20)
        let codes = fill(arena)
        let kept = arena.oldest()
        for code in kept.dropFirst() { arena.release(code.address) }
        #expect(place(16, in: arena) == nil && arena.isFull(for: 16))
        #expect(arena.faultPoint(at: kept[0].address)?.blockIndex == kept[0].blockIndex)
        let others = arena.oldest()
        #expect(others.map(\.blockIndex) == Array(128..<256))
        for code in others { arena.release(code.address) }
        #expect(place(16, in: arena) == codes[128])
        arena.release(kept[0].address)
        #expect(fill(arena).values.contains(kept[0].address))
    }
}
