/// Host functions that `call` may name. Each is a C function `nt_helper_<name>(nt_cpu *, …)` in CHost with the parameters
/// of its row in order; i128 parameters and results are 16-byte vectors. CHost keeps the same list (`nt_helpers.h`), and a
/// test compares them.
package enum Helper: UInt16, CaseIterable, BitwiseCopyable, Sendable {
    /// CNTVCT_EL0: ticks of the virtual counter at CNTFRQ_EL0.
    case cntvct
    /// IC IVAU: notes that code in the guest's instruction-cache line of the address changed.
    case icacheInvalidate
    /// CRC-32 (polynomial 0x04C11DB7) of the low `1 << size` bytes of the data into the accumulator: what `crc32` lowers to
    /// on hosts without the instruction.
    case crc32
    /// SSHL, USHL, SRSHL, URSHL: each element of the first vector shifted by the signed low byte of the second's. Mode: bits
    /// 1:0 log2 of the element size in bytes, bit 2 unsigned, bit 3 rounding.
    case vshlRegister
    /// TBL, TBX: indices, the bytes for indices outside of the table, and its first register in bits 4:0 with the number of
    /// registers less one above.
    case tableLookup

    package struct Signature: Sendable {
        package let name: StaticString
        package let parameters: [IRType]
        package let result: IRType
        package let effects: Effects
    }

    package var signature: Signature {
        switch self {
        case .cntvct: Signature(name: "cntvct", parameters: [], result: .i64, effects: [.readsState])
        case .icacheInvalidate:
            Signature(name: "icache_invalidate", parameters: [.i64], result: .none, effects: [.readsState, .barrier])
        case .crc32: Signature(name: "crc32", parameters: [.i32, .i64, .i32], result: .i32, effects: [])
        case .vshlRegister:
            Signature(name: "vshl_register", parameters: [.i128, .i128, .i32], result: .i128, effects: [])
        case .tableLookup:
            Signature(name: "table_lookup", parameters: [.i128, .i128, .i32], result: .i128, effects: [.readsState])
        }
    }
}
