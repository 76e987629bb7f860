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
        let arena = CodeArena(limit: 2 << 20)
        let big = (1 << 20) - 64
        let first = try #require(place(big, in: arena))
        let second = try #require(place(big, in: arena))
        #expect(place(big, in: arena) == nil)
        arena.release(first)
        let third = try #require(place(big, in: arena))
        #expect(third == first)
        arena.release(second)
        arena.release(third)
        #expect(place((1 << 20) + 1, in: arena) == nil)
        #expect(place(16, in: arena) != nil)
    }
}
