import CNeedletailPlugin
import NeedletailPlugin

/// Sizes of one cache, in bytes but for `ways`.
struct CacheGeometry {
    var size: UInt64
    var block: UInt64
    var ways: UInt64

    var sets: UInt64 { size / (block * ways) }

    /// What is wrong with it.
    var problem: StaticString? {
        guard block > 0, ways > 0, size > 0 else { return "sizes and ways must not be 0" }
        guard block.nonzeroBitCount == 1 else { return "the block size must be a power of two" }
        let (row, overflows) = block.multipliedReportingOverflow(by: ways)
        guard !overflows, size % row == 0 else { return "the size must be a multiple of block size and ways" }
        guard sets.nonzeroBitCount == 1 else { return "the number of sets must be a power of two" }
        return nil
    }
}

enum Eviction: Int { case lru, fifo, rand }

/// A set-associative cache: which blocks are in it, and how often they were. One thread at a time.
struct CacheModel {
    private let ways: Int
    private let blockShift: UInt64
    private let setMask: UInt64
    private let eviction: Eviction
    /// Block number + 1 of each way, set after set; 0 is empty.
    private let tags: UnsafeMutablePointer<UInt64>
    /// When each way was last used (lru) or filled (fifo).
    private let times: UnsafeMutablePointer<UInt64>
    private var time: UInt64 = 0
    private var random: UInt64 = 0x9e37_79b9_7f4a_7c15
    private(set) var accesses: UInt64 = 0
    private(set) var misses: UInt64 = 0

    init(_ geometry: CacheGeometry, _ eviction: Eviction) {
        ways = Int(geometry.ways)
        blockShift = UInt64(geometry.block.trailingZeroBitCount)
        setMask = geometry.sets - 1
        self.eviction = eviction
        let count = Int(geometry.size / geometry.block)
        tags = .allocate(capacity: count)
        tags.initialize(repeating: 0, count: count)
        times = .allocate(capacity: count)
        times.initialize(repeating: 0, count: count)
    }

    /// - Returns: Whether the block was there.
    mutating func access(_ address: UInt64) -> Bool {
        accesses += 1
        time += 1
        let block = address >> blockShift
        let first = Int(block & setMask) * ways
        var victim = first
        for way in first..<first + ways {
            if tags[way] == block + 1 {
                if eviction == .lru { times[way] = time }
                return true
            }
            // Empty ways have time 0.
            if times[way] < times[victim] { victim = way }
        }
        misses += 1
        if eviction == .rand, tags[victim] != 0 { victim = first + Int(nextRandom() % UInt64(ways)) }
        tags[victim] = block + 1
        times[victim] = time
        return false
    }

    /// Xorshift: repeatable, which a host's random numbers are not.
    private mutating func nextRandom() -> UInt64 {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random
    }

    var missRate: Double { Self.rate(misses, accesses) }
    /// In percent; 0 of nothing is 0.
    static func rate(_ misses: UInt64, _ accesses: UInt64) -> Double {
        accesses == 0 ? 0 : Double(misses) * 100 / Double(accesses)
    }
}
