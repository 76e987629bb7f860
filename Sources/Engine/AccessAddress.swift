internal import GuestState

/// The address of a load or store, from the instruction and the registers before it: for faults whose address the host does
/// not tell.
enum AccessAddress {
    static func of(_ word: UInt32, _ registers: GuestRegisters) -> UInt64 {
        // Loads and stores have x1x0 in bits 28:25.
        guard word >> 25 & 0b0101 == 0b0100 else { return 0 }
        let n = Int(word >> 5 & 31)
        let base = n == 31 ? registers.sp : registers[x: n]
        return base &+ offset(word, registers)
    }

    /// As Linux tells it in si_addr: without tag in the lower half of the address space.
    static func withoutTag(_ address: UInt64) -> UInt64 { address & VCPU.withoutTag(address) }

    private static func offset(_ word: UInt32, _ registers: GuestRegisters) -> UInt64 {
        let size = UInt64(word >> 30)
        let isVector = word >> 26 & 1 != 0
        func signed(_ lsb: UInt32, _ width: UInt32) -> UInt64 {
            UInt64(bitPattern: Int64(Int32(bitPattern: word << (32 - lsb - width)) >> Int32(32 - width)))
        }
        switch word >> 27 & 7 {
        case 0b101:  // pairs; post-index accesses the base
            let scale = isVector ? 2 + size : 2 + size >> 1
            return word >> 23 & 3 == 1 ? 0 : signed(15, 7) << scale
        case 0b111:  // one register
            let scale = isVector && word >> 23 & 1 != 0 ? 4 : size
            if word >> 24 & 1 != 0 { return UInt64(word >> 10 & 0xfff) << scale }
            switch (word >> 21 & 1, word >> 10 & 3) {
            case (0, 1): return 0  // post-index
            case (0, _): return signed(12, 9)
            case (1, 2):
                let m = Int(word >> 16 & 31)
                let index = m == 31 ? 0 : registers[x: m]
                let extended =
                    switch word >> 13 & 7 {
                    case 2: index & 0xffff_ffff
                    case 6: UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: index)))
                    default: index
                    }
                return extended << (word >> 12 & 1 != 0 ? scale : 0)
            default: return 0  // atomic operations
            }
        default: return 0  // exclusives, vector structures
        }
    }
}
