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
    /// Scalar floating point; the numbers in the last operand are CHost's `nt_fp_helpers.h`. Values are S or D bit patterns,
    /// zero-extended. All read FPCR and add to FPSR.
    case fpBinary
    case fpUnary
    /// addend + a * b, rounded once.
    case fpFMA32
    case fpFMA64
    /// Packed NZCV, as `flags_set` takes it.
    case fpCompare
    case fpToInt
    case fpFromInt

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
        case .fpBinary: floatingPoint("fp_binary", [.i64, .i64, .i32])
        case .fpUnary: floatingPoint("fp_unary", [.i64, .i32])
        case .fpFMA32: floatingPoint("fp_fma32", [.i64, .i64, .i64])
        case .fpFMA64: floatingPoint("fp_fma64", [.i64, .i64, .i64])
        case .fpCompare: floatingPoint("fp_compare", [.i64, .i64, .i32])
        case .fpToInt: floatingPoint("fp_to_int", [.i64, .i32])
        case .fpFromInt: floatingPoint("fp_from_int", [.i64, .i32])
        }
    }

    private func floatingPoint(_ name: StaticString, _ parameters: [IRType]) -> Signature {
        Signature(name: name, parameters: parameters, result: .i64, effects: [.readsState, .writesState])
    }
}
