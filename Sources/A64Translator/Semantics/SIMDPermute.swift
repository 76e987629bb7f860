internal import A64ISA
internal import EmuIR

// Advanced SIMD permute, extract, copy, table lookup: elements move, none changes.
extension Translator {
    mutating func UZP1_advsimd(_ f: SIMDPermute) -> TranslationStep { unzip(f, .vuzp1) }
    mutating func UZP2_advsimd(_ f: SIMDPermute) -> TranslationStep { unzip(f, .vuzp2) }
    mutating func TRN1_advsimd(_ f: SIMDPermute) -> TranslationStep { permute(f, .vtrn1) }
    mutating func TRN2_advsimd(_ f: SIMDPermute) -> TranslationStep { permute(f, .vtrn2) }
    mutating func ZIP1_advsimd(_ f: SIMDPermute) -> TranslationStep { permute(f, .vzip1) }

    private mutating func permute(_ f: SIMDPermute, _ op: Opcode) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        setV(f.Rd, ir.vector(op, n, m, lane: f.size), Q: f.Q)
        return .next
    }

    private mutating func unzip(_ f: SIMDPermute, _ op: Opcode) -> TranslationStep {
        if f.Q == 1 { return permute(f, op) }
        let both = concatenated(f.Rn, f.Rm)
        setV(f.Rd, ir.vector(op, both, both, lane: f.size), Q: 0)
        return .next
    }

    mutating func ZIP2_advsimd(_ f: SIMDPermute) -> TranslationStep {
        if f.Q == 1 { return permute(f, .vzip2) }
        // The low halves zipped are 128 bits, of which ZIP2 is the upper part.
        let (n, m) = (V(f.Rn), V(f.Rm))
        setV(f.Rd, ir.hi64(ir.vector(.vzip1, n, m, lane: f.size)))
        return .next
    }

    mutating func EXT_advsimd(_ f: SIMDExtract) -> TranslationStep {
        let low = f.Q == 1 ? V(f.Rn) : concatenated(f.Rn, f.Rm)
        let high = f.Q == 1 ? V(f.Rm) : low
        setV(f.Rd, ir.vector(.vext, low, high, imm: f.imm4), Q: f.Q)
        return .next
    }

    mutating func TBL_advsimd(_ f: SIMDTableLookup) -> TranslationStep {
        let outside = vzero
        return tableLookup(f, outside: outside)
    }
    mutating func TBX_advsimd(_ f: SIMDTableLookup) -> TranslationStep {
        let outside = V(f.Rd)
        return tableLookup(f, outside: outside)
    }

    /// The helper reads the `len` + 1 table registers from the CPU struct.
    private mutating func tableLookup(_ f: SIMDTableLookup, outside: Value) -> TranslationStep {
        let indices = V(f.Rm)
        let table = ir.const(UInt64(f.Rn | f.len << 5), .i32)
        setV(f.Rd, ir.call(.tableLookup, indices, outside, table), Q: f.Q)
        return .next
    }
}

// MARK: Copy

extension Translator {
    /// `DUP` of a general-purpose register.
    mutating func DUP_advsimd_gen(_ f: SIMDCopy) -> TranslationStep {
        let lane = f.imm5.trailingZeroBitCount
        setV(f.Rd, ir.vdup(X(f.Rn), lane: lane), Q: f.Q)
        return .next
    }
    mutating func DUP_advsimd_elt(_ f: SIMDCopy) -> TranslationStep {
        let (lane, element) = element(f.Rn, imm5: f.imm5)
        setV(f.Rd, ir.vdup(element, lane: lane), Q: f.Q)
        return .next
    }
    mutating func DUP_advsimd_elt_scalar(_ f: SIMDScalarCopy) -> TranslationStep {
        setV(f.Rd, element(f.Rn, imm5: f.imm5).value)
        return .next
    }
    mutating func UMOV_advsimd(_ f: SIMDCopy) -> TranslationStep {
        setX(f.Rd, element(f.Rn, imm5: f.imm5).value)
        return .next
    }
    mutating func SMOV_advsimd(_ f: SIMDCopy) -> TranslationStep {
        let (lane, element) = element(f.Rn, imm5: f.imm5)
        let value = ir.sbfx(element, lsb: 0, width: 8 << lane)
        setX(f.Rd, f.Q == 1 ? value : ir.trunc(value, .i32))
        return .next
    }
    mutating func INS_advsimd_gen(_ f: SIMDCopy) -> TranslationStep {
        let lane = f.imm5.trailingZeroBitCount
        let d = V(f.Rd)
        ir.set(.v(f.Rd), ir.vinsert(d, X(f.Rn), lane: lane, index: f.imm5 >> (lane + 1)))
        return .next
    }
    mutating func INS_advsimd_elt(_ f: SIMDCopy) -> TranslationStep {
        let lane = f.imm5.trailingZeroBitCount
        let element = ir.vextract(V(f.Rn), lane: lane, index: f.imm4 >> lane)
        ir.set(.v(f.Rd), ir.vinsert(V(f.Rd), element, lane: lane, index: f.imm5 >> (lane + 1)))
        return .next
    }

    /// The element that imm5 names, zero-extended, and its size.
    private mutating func element(_ n: Int, imm5: Int) -> (lane: Int, value: Value) {
        let lane = imm5.trailingZeroBitCount
        return (lane, ir.vextract(V(n), lane: lane, index: imm5 >> (lane + 1)))
    }
}
