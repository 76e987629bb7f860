/// Where a load or store instruction accesses memory, and how: what the host does not tell of a fault. (It tells no address
/// when that is none a host program can have, and calls every locked instruction a write.)
///
/// Arm ARM (DDI 0487), "Loads and Stores", by encoding class. Registers are those before the instruction.
package struct FaultingAccess: Equatable {
    /// With its tag.
    package private(set) var address: UInt64
    package private(set) var isWrite: Bool
    /// Reads and writes: it counts as a read when reading alone fails.
    package private(set) var isReadModifyWrite = false

    /// nil when `word` is no instruction of these classes, or its address is not to be had from registers alone.
    package init?(_ word: UInt32, pc: UInt64, _ registers: GuestRegisters) {
        func bits(_ high: UInt32, _ low: UInt32) -> UInt32 { word >> low & ((1 << (high - low + 1)) - 1) }
        func bit(_ n: UInt32) -> Bool { word >> n & 1 != 0 }
        func signed(_ high: UInt32, _ low: UInt32) -> UInt64 {
            let width = high - low + 1
            return UInt64(bitPattern: Int64(Int32(bitPattern: bits(high, low) << (32 - width)) >> (32 - Int32(width))))
        }
        let base = bits(9, 5) == 31 ? registers.sp : registers[x: Int(bits(9, 5))]
        let isVector = bit(26)
        let isLoad = bit(22)

        // DC ZVA
        if word & ~31 == 0xd50b_7420 {
            address = registers[x: Int(bits(4, 0))]
            isWrite = true
            return
        }
        guard bit(27), !bit(25) else { return nil }
        switch (bits(29, 28), isVector) {
        case (0b00, true):  // Advanced SIMD structures
            address = base
            isWrite = !isLoad
        case (0b00, false):  // exclusives, ordered, compare and swap
            guard !bit(24) else { return nil }
            address = base
            let isCompareAndSwap = bit(21) && (bit(23) || !bit(31))
            isReadModifyWrite = isCompareAndSwap
            isWrite = isCompareAndSwap || !isLoad
        case (0b01, _) where !bit(24):  // literal
            address = pc &+ signed(23, 5) &* 4
            isWrite = false
        case (0b01, false) where !bit(21) && bits(11, 10) == 0:  // LDAPUR, STLUR
            address = base &+ signed(20, 12)
            isWrite = bits(23, 22) == 0
        case (0b01, _) where !bit(21) && bits(11, 10) == 1:  // memory copy and set
            let to = registers[x: Int(bits(4, 0))]
            let from = registers[x: Int(bits(20, 16))]
            // The one that cannot be; the host knows better of others.
            isWrite = bits(23, 22) == 3 || to >> 47 & 0x1ff != 0
            address = isWrite ? to : from
        case (0b10, _):  // pairs
            let scale: UInt32 = isVector ? 2 + bits(31, 30) : bit(31) ? 3 : 2
            address = bits(24, 23) == 1 ? base : base &+ (signed(21, 15) << UInt64(scale))
            isWrite = !isLoad
        case (0b11, _):
            let opc = bits(23, 22)
            let scale = isVector && opc >= 2 ? 4 : bits(31, 30)
            isWrite = isVector ? !isLoad : opc == 0
            if bit(24) {  // unsigned offset
                address = base &+ (UInt64(bits(21, 10)) << UInt64(scale))
            } else if !bit(21) {  // unscaled, post-indexed, unprivileged, pre-indexed
                address = bits(11, 10) == 1 ? base : base &+ signed(20, 12)
            } else if bits(11, 10) == 2 {  // register offset
                let index = bits(20, 16) == 31 ? 0 : registers[x: Int(bits(20, 16))]
                let extended: UInt64
                switch bits(15, 13) {
                case 0b010: extended = UInt64(UInt32(truncatingIfNeeded: index))
                case 0b110: extended = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: index)))
                default: extended = index
                }
                address = base &+ (extended << (bit(12) ? UInt64(scale) : 0))
            } else if bits(11, 10) == 0 {  // atomics; LDAPR among them
                address = base
                let isLDAPR = bits(15, 12) == 0b1100
                isWrite = !isLDAPR
                isReadModifyWrite = !isLDAPR
            } else {
                return nil  // LDRAA, LDRAB
            }
        default:
            return nil
        }
    }
}
