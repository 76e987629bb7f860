/// A small seeded generator, the same numbers on every host (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
/// Generators").
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// The upper half of the next number.
    package mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next() >> 32) }

    /// True once in `n`.
    package mutating func oneIn(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &self) == 0 }
}
