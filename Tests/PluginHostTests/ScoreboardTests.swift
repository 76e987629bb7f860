import CHost
import CPluginAPI
import GuestState
import Testing

@testable import PluginHost

@Suite struct ScoreboardTests {
    let arena: VCPUArena
    let allocator: ScoreboardAllocator

    init() throws {
        arena = try VCPUArena(capacity: 4)
        allocator = ScoreboardAllocator(arena: arena)
    }

    @Test(arguments: [(0, 8), (1, 8), (8, 8), (9, 16), (15, 16), (16, 16), (17, 32), (24, 32), (4096, 4096)])
    func sizesAreRoundedUp(requested: Int, size: Int) throws {
        let handle = try #require(allocator.allocate(elementSize: requested))
        #expect(handle.pointee.size == size)
        #expect(handle.pointee.arenaOffset >= Int(NT_SCOREBOARD_OFFSET))
    }

    @Test func rangesAreAlignedAndApart() throws {
        var end = Int(NT_SCOREBOARD_OFFSET)
        for requested in [8, 8, 16, 1, 40, 8, 64] {
            let scoreboard = try #require(allocator.allocate(elementSize: requested)).pointee
            #expect(scoreboard.arenaOffset >= end)
            #expect(scoreboard.arenaOffset % (requested >= 16 ? 16 : 8) == 0)
            end = scoreboard.arenaOffset + scoreboard.size
        }
    }

    @Test func tooLargeIsRefused() throws {
        #expect(allocator.allocate(elementSize: Int(NT_SCOREBOARD_SIZE) + 1) == nil)
        #expect(allocator.allocate(elementSize: -1) == nil)
        #expect(allocator.allocate(elementSize: Int(NT_SCOREBOARD_SIZE)) != nil)
        #expect(allocator.allocate(elementSize: 8) == nil)
    }

    @Test func freedRangesComeBackZeroedButOnlyAfterReclaim() throws {
        _ = try #require(arena.activate(0))
        allocator.noteVCPU(0)
        let first = try #require(allocator.allocate(elementSize: 24))
        let offset = first.pointee.arenaOffset
        try #require(first.pointee.element(0)).storeBytes(of: 7, as: UInt64.self)
        allocator.free(first)
        #expect(try #require(allocator.allocate(elementSize: 24)).pointee.arenaOffset != offset)
        allocator.reclaim()
        let reused = try #require(allocator.allocate(elementSize: 24))
        #expect(reused.pointee.arenaOffset == offset)
        #expect(try #require(reused.pointee.element(0)).load(as: UInt64.self) == 0)
        // Once only.
        #expect(try #require(allocator.allocate(elementSize: 24)).pointee.arenaOffset != offset)
    }

    @Test func elementsExistForIndicesThatHadAVCPU() throws {
        let handle = try #require(allocator.allocate(elementSize: 8))
        #expect(handle.pointee.element(0) == nil)
        _ = try #require(arena.activate(0))
        _ = try #require(arena.activate(1))
        allocator.noteVCPU(0)
        allocator.noteVCPU(1)
        allocator.noteVCPU(0)
        let first = try #require(handle.pointee.element(0))
        #expect(handle.pointee.element(1) == first + VCPUArena.stride)
        #expect(handle.pointee.element(2) == nil)
        #expect(first == UnsafeMutableRawPointer(arena.cpu(0)) + handle.pointee.arenaOffset)
    }

    @Test func arithmeticOnMembers() throws {
        let handle = try #require(allocator.allocate(elementSize: 24))
        let entry = qemu_plugin_u64(score: OpaquePointer(handle), offset: 8)
        #expect(pluginU64Sum(entry) == 0)
        #expect(pluginU64Get(entry, 0) == 0)
        pluginU64Add(entry, 0, 5)
        for index in 0..<2 {
            _ = try #require(arena.activate(index))
            allocator.noteVCPU(index)
        }
        #expect(pluginU64Get(entry, 0) == 0)
        pluginU64Add(entry, 0, 5)
        pluginU64Set(entry, 1, .max)
        pluginU64Add(entry, 0, 2)
        pluginU64Add(entry, 2, 100)
        #expect(pluginU64Get(entry, 0) == 7)
        #expect(pluginU64Get(entry, 1) == .max)
        #expect(pluginU64Get(entry, 2) == 0)
        #expect(pluginU64Sum(entry) == 6)
        let neighbour = qemu_plugin_u64(score: OpaquePointer(handle), offset: 0)
        #expect(pluginU64Sum(neighbour) == 0)
        #expect(pluginScoreboardFind(OpaquePointer(handle), 1) == handle.pointee.element(1))
        #expect(pluginScoreboardFind(OpaquePointer(handle), 2) == nil)
        #expect(pluginScoreboardFind(nil, 0) == nil)
        #expect(pluginU64Sum(qemu_plugin_u64()) == 0)
    }

    @Test func aRecycledIndexKeepsItsCountersAndNothingElse() throws {
        let cpu = try #require(arena.activate(0))
        allocator.noteVCPU(0)
        let handle = try #require(allocator.allocate(elementSize: 8))
        let entry = qemu_plugin_u64(score: OpaquePointer(handle), offset: 0)
        pluginU64Set(entry, 0, 41)
        GuestRegisters(cpu)[x: 3] = 9
        nt_jump_cache(cpu, 0)[5].pc = 0x1000
        let again = arena.recycle(0)
        #expect(again == cpu)
        #expect(GuestRegisters(again)[x: 3] == 0)
        #expect(nt_jump_cache(again, 0)[5].pc == 0)
        #expect(nt_jump_cache(again, 0)[0].pc == .max)
        #expect(pluginU64Get(entry, 0) == 41)
    }

    @Test func arenasAreWhereTheHeaderSays() throws {
        let whole = try VCPUArena()
        #expect(whole.capacity >= 1)
        let last = whole.capacity - 1
        let cpu = try #require(whole.activate(last))
        #expect(cpu.pointee.cpu_index == UInt32(last))
        #expect(UnsafeMutableRawPointer(cpu) - whole.base == last * Int(NT_ARENA_STRIDE))
    }
}
