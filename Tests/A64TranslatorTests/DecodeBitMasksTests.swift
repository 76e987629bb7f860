import Testing

@testable import A64Translator

@Suite struct DecodeBitMasksTests {
    /// Every N:imms:immr that is not reserved, with the mask built bit by bit from the definition: elements of 2...64
    /// bits, each a run of `ones` ones rotated right.
    private static func masks(is64Bit: Bool) -> [Int: UInt64] {
        var masks: [Int: UInt64] = [:]
        for size in [2, 4, 8, 16, 32, 64] where is64Bit || size < 64 {
            for ones in 1..<size {
                for rotation in 0..<size {
                    var mask: UInt64 = 0
                    for bit in 0..<(is64Bit ? 64 : 32) where (bit + rotation) % size < ones { mask |= 1 << UInt64(bit) }
                    // imms is ones - 1 with the size in its upper bits (0 below a run of ones); N says 64.
                    let imms = size == 64 ? ones - 1 : (0x3f & ~(2 * size - 1)) | (ones - 1)
                    masks[(size == 64 ? 1 : 0) << 12 | imms << 6 | rotation] = mask
                }
            }
        }
        return masks
    }

    @Test(arguments: [true, false])
    func agreesWithTheDefinition(is64Bit: Bool) {
        let masks = Self.masks(is64Bit: is64Bit)
        #expect(masks.count == (is64Bit ? 5334 : 1302))
        #expect(Set(masks.values).count == masks.count)
        for code in 0..<(1 << 13) {
            let (n, imms, immr) = (code >> 12, code >> 6 & 63, code & 63)
            // Bits of immr above the element size are ignored.
            let size = n == 1 ? 64 : [32, 16, 8, 4, 2].first { imms & (0x3f & ~($0 - 1)) == 0x3f & ~(2 * $0 - 1) }
            let expected = size.flatMap { masks[n << 12 | imms << 6 | (immr & ($0 - 1))] }
            #expect(decodeBitMasks(N: n, imms: imms, immr: immr, is64Bit: is64Bit) == expected)
        }
    }
}
