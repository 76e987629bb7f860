import Testing

@testable import GuestMemory

/// A page table as a dictionary: the simplest thing that could be right.
private struct NaiveMap {
    var pages: [UInt64: VMA] = [:]

    mutating func insert(_ area: VMA) {
        for page in stride(from: area.range.lowerBound, to: area.range.upperBound, by: 4096) {
            var single = area
            single.range = page..<page + 4096
            pages[page] = single
        }
    }
    mutating func remove(_ range: Range<UInt64>) {
        for page in stride(from: range.lowerBound, to: range.upperBound, by: 4096) { pages[page] = nil }
    }
    mutating func protect(_ range: Range<UInt64>, _ protection: PageProtection) {
        for page in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
            pages[page]?.protection = protection
        }
    }
    /// Pages in order, equal neighbours joined.
    var areas: [VMA] {
        var result: [VMA] = []
        for page in pages.keys.sorted() {
            guard let area = pages[page] else { continue }
            if let last = result.last, last.range.upperBound == page, last.protection == area.protection,
                last.isShared == area.isShared, last.label == area.label
            {
                result[result.count - 1].range = last.range.lowerBound..<page + 4096
            } else {
                result.append(area)
            }
        }
        return result
    }
}

@Suite struct VMAMapTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func behavesLikeAPageTable(seed: UInt64) {
        var random = SplitMix(state: seed)
        var map = VMAMap()
        var naive = NaiveMap()
        for step in 0..<400 {
            let start = random.next() % 24
            let range = start * 4096..<(start + random.next() % 9) * 4096
            let protection = PageProtection(rawValue: UInt8(random.next() % 8))
            switch random.next() % 4 {
            case 0, 1:
                let area = VMA(
                    range: range, protection: protection, isShared: random.next() % 4 == 0,
                    label: random.next() % 4 == 0 ? .heap : .none)
                map.insert(area)
                naive.insert(area)
            case 2:
                map.remove(range)
                naive.remove(range)
            default:
                map.protect(range, protection)
                naive.protect(range, protection)
            }
            #expect(map.areas == naive.areas, "seed \(seed), step \(step)")
            let probe = random.next() % (34 * 4096)
            #expect(map.area(at: probe)?.protection == naive.pages[probe & ~4095]?.protection)
            let asked = probe & ~4095..<(probe & ~4095) + (random.next() % 6) * 4096
            let pages = stride(from: asked.lowerBound, to: asked.upperBound, by: 4096).map { naive.pages[$0] }
            #expect(map.covers(asked) == pages.allSatisfy { $0 != nil })
            #expect(map.hasExecutable(in: asked) == pages.contains { $0?.protection.contains(.execute) == true })
            #expect(
                map.allows([.read, .write], asked)
                    == pages.allSatisfy { $0?.protection.isSuperset(of: [.read, .write]) == true })
            let missing = map.gaps(in: asked).reduce(0) { $0 + $1.count / 4096 }
            #expect(missing == pages.filter { $0 == nil }.count)
        }
    }

    @Test func emptyRangesDoNothing() {
        var map = VMAMap()
        map.insert(VMA(range: 4096..<4096, protection: .read))
        #expect(map.areas.isEmpty)
        map.insert(VMA(range: 4096..<12288, protection: .read))
        map.remove(8192..<8192)
        map.protect(8192..<8192, [.write])
        #expect(map.areas == [VMA(range: 4096..<12288, protection: .read)])
        #expect(map.covers(0..<0))
    }

    @Test func fetchNeedsExecutePermission() {
        let space = AddressSpace()
        space.withMap { $0.insert(VMA(range: 0x1000..<0x2000, protection: [.read])) }
        space.withMap { $0.insert(VMA(range: 0x2000..<0x3000, protection: [.execute])) }
        #expect(!space.canFetch(0x1ffc))
        #expect(space.canFetch(0x2000))
        #expect(!space.canFetch(0x3000))
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
