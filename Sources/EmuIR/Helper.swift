/// Host functions that `call` may name. Each is a C function `nt_helper_<name>(nt_cpu *, …)` in CHost with the parameters
/// of its row in order; i128 parameters and results are 16-byte vectors. CHost keeps the same list (`nt_helpers.h`), and a
/// test compares them.
public enum Helper: UInt16, CaseIterable, BitwiseCopyable, Sendable {
    /// CNTVCT_EL0: ticks of the virtual counter at CNTFRQ_EL0.
    case cntvct
    /// RNDR, RNDRRS: 64 bits from the host's generator.
    case randomNumber
    /// IC IVAU: notes that code in the guest's instruction-cache line of the address changed.
    case icacheInvalidate
    /// YIELD, WFE: the guest waits for another thread. Now and then the host thread gives its processor away.
    case spinHint
    /// CRC-32 (polynomial 0x04C11DB7) of the low `1 << size` bytes of the data into the accumulator: what `crc32` lowers to
    /// on hosts without the instruction.
    case crc32
    /// SSHL, USHL, SRSHL, URSHL: each element of the first vector shifted by the signed low byte of the second's. Mode: bits
    /// 1:0 log2 of the element size in bytes, bit 2 unsigned, bit 3 rounding.
    case vshlRegister
    /// SQSHL, UQSHL, SQRSHL, UQRSHL by register: as `vshlRegister`, saturating, and adds QC to FPSR.
    case vshlSaturating
    /// PMUL, PMULL of the low halves. Mode: 0 low bytes of the products of bytes, 1 halfwords of those of the low eight bytes, 2
    /// the 128-bit product of the low doublewords.
    case polynomialMultiply
    /// AES state, key (zero for the mix columns steps). Mode: 0 AESE, 1 AESD, 2 AESMC, 3 AESIMC.
    case aes
    /// SHA1C (variant 0), SHA1P (1), SHA1M (2): hash ABCD, hash E with the variant above in bits 63:32, the schedule.
    case sha1Rounds
    case sha256h
    case sha256h2
    case sha512h
    case sha512h2
    /// SM3TT1A, SM3TT1B, SM3TT2A, SM3TT2B (variants 0 to 3): Vd, Vn, the word of Vm with the variant in bits 63:32.
    case sm3Round
    case sm3partw1
    case sm3partw2
    /// SM4E (mode 0): state, round keys. SM4EKEY (1): key words, constants.
    case sm4
    /// TBL, TBX: indices, the bytes for indices outside of the table, and its first register in bits 4:0 with the number of
    /// registers less one above.
    case tableLookup
    /// Single addend + a * b of two halves, one rounding (FMLAL). As all below: reads FPCR, adds to FPSR.
    case fpFMAHalfLong
    /// Single sum plus the products of two pairs of BFloat16 numbers (BFDOT).
    case fpBFDot
    /// FJCVTZS: the integer, and Z of its flags in bit 32.
    case fpJavaScript
    /// FPSR with what the host's unit has collected, and its replacement.
    case fpsrRead
    case fpsrWrite
    /// Pointer authentication: pointer, modifier, key (CHost's `nt_pac_key`). A disabled key leaves the pointer as it is.
    case pacSign
    /// Leaves with `pacFail` when the code is wrong.
    case pacAuthenticate
    /// PACGA: value, modifier.
    case pacGeneric
    /// CPY and SET: the PC and what CHost's `NT_MOPS_…` say. Reads and writes X registers, the flags and memory; leaves with a
    /// fault or an exit request in mid-work, and back to the prologue when the flags are not Option A's.
    case mops

    package struct Signature: Sendable {
        package let name: StaticString
        package let parameters: [IRType]
        package let result: IRType
        package let effects: Effects
    }

    package var signature: Signature {
        switch self {
        case .cntvct: Signature(name: "cntvct", parameters: [], result: .i64, effects: [.readsState])
        // Each call gives another number: never removed or merged.
        case .randomNumber: Signature(name: "random_number", parameters: [], result: .i64, effects: [.barrier])
        case .icacheInvalidate:
            Signature(name: "icache_invalidate", parameters: [.i64], result: .none, effects: [.readsState, .barrier])
        case .spinHint: Signature(name: "spin_hint", parameters: [], result: .none, effects: [.barrier])
        case .crc32: Signature(name: "crc32", parameters: [.i32, .i64, .i32], result: .i32, effects: [])
        case .vshlRegister: vectors("vshl_register", [.i128, .i128, .i32])
        case .vshlSaturating:
            Signature(
                name: "vshl_saturating", parameters: [.i128, .i128, .i32], result: .i128, effects: [.readsState, .writesState])
        case .polynomialMultiply: vectors("polynomial_multiply", [.i128, .i128, .i32])
        case .aes: vectors("aes", [.i128, .i128, .i32])
        case .sha1Rounds: vectors("sha1_rounds", [.i128, .i64, .i128])
        case .sha256h: vectors("sha256h", [.i128, .i128, .i128])
        case .sha256h2: vectors("sha256h2", [.i128, .i128, .i128])
        case .sha512h: vectors("sha512h", [.i128, .i128, .i128])
        case .sha512h2: vectors("sha512h2", [.i128, .i128, .i128])
        case .sm3Round: vectors("sm3_round", [.i128, .i128, .i64])
        case .sm3partw1: vectors("sm3partw1", [.i128, .i128, .i128])
        case .sm3partw2: vectors("sm3partw2", [.i128, .i128, .i128])
        case .sm4: vectors("sm4", [.i128, .i128, .i32])
        case .tableLookup:
            Signature(name: "table_lookup", parameters: [.i128, .i128, .i32], result: .i128, effects: [.readsState])
        case .fpFMAHalfLong: floatingPoint("fp_fma_half_long", [.i64, .i64, .i64])
        case .fpBFDot: floatingPoint("fp_bfdot", [.i64, .i64, .i64])
        case .fpJavaScript: floatingPoint("fp_javascript", [.i64])
        case .fpsrRead: floatingPoint("fpsr_read", [])
        case .fpsrWrite: Signature(name: "fpsr_write", parameters: [.i64], result: .none, effects: [.floatingPoint])
        // The keys are no guest registers: they change only between TBs.
        case .pacSign: Signature(name: "pac_sign", parameters: [.i64, .i64, .i32], result: .i64, effects: [])
        case .pacAuthenticate:
            Signature(name: "pac_authenticate", parameters: [.i64, .i64, .i32], result: .i64, effects: [.mayFault])
        case .mops:
            Signature(
                name: "mops", parameters: [.i64, .i32], result: .none,
                effects: [
                    .readsState, .writesState, .readsFlags, .writesFlags, .readsMemory, .writesMemory, .mayFault, .barrier,
                ])
        case .pacGeneric: Signature(name: "pac_generic", parameters: [.i64, .i64], result: .i64, effects: [])
        }
    }

    /// A pure function with a vector result.
    private func vectors(_ name: StaticString, _ parameters: [IRType]) -> Signature {
        Signature(name: name, parameters: parameters, result: .i128, effects: [])
    }
    private func floatingPoint(_ name: StaticString, _ parameters: [IRType]) -> Signature {
        Signature(name: name, parameters: parameters, result: .i64, effects: [.floatingPoint])
    }
}
