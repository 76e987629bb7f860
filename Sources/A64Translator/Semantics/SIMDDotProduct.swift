internal import A64ISA
internal import EmuIR

// Dot products of bytes into words (FEAT_DotProd), of mixed signs and as 2x8 matrices (FEAT_I8MM). Products of two bytes fit
// 16 bits in the signedness that the factors have together.
extension Translator {
    private struct Signs {
        let isFirstUnsigned: Bool
        let isSecondUnsigned: Bool
        static let signed = Signs(isFirstUnsigned: false, isSecondUnsigned: false)
        static let unsigned = Signs(isFirstUnsigned: true, isSecondUnsigned: true)
        static let unsignedBySigned = Signs(isFirstUnsigned: true, isSecondUnsigned: false)
        static let signedByUnsigned = Signs(isFirstUnsigned: false, isSecondUnsigned: true)
    }

    /// Sums of neighbouring products of the low halves, in words.
    private mutating func productPairs(_ n: Value, _ m: Value, _ signs: Signs) -> Value {
        let a = widened(n, lane: 0, isUnsigned: signs.isFirstUnsigned)
        let product = ir.vector(.vmul, a, widened(m, lane: 0, isUnsigned: signs.isSecondUnsigned), lane: 1)
        return addedPairs(product, lane: 1, isUnsigned: signs.isFirstUnsigned && signs.isSecondUnsigned)
    }

    /// The dot product of each four bytes, in words.
    private mutating func dotProducts(_ n: Value, _ m: Value, _ signs: Signs, Q: Int) -> Value {
        let low = productPairs(n, m, signs)
        var high = low
        if Q == 1 {
            let n1 = ir.vector(.vext, n, n, imm: 8)
            high = productPairs(n1, ir.vector(.vext, m, m, imm: 8), signs)
        }
        let even = ir.vector(.vuzp1, low, high, lane: 2)
        return ir.vector(.vadd, even, ir.vector(.vuzp2, low, high, lane: 2), lane: 2)
    }

    private mutating func dot(_ n: Int, _ m: Value, _ d: Int, _ signs: Signs, Q: Int) -> TranslationStep {
        let sums = dotProducts(V(n), m, signs, Q: Q)
        setV(d, ir.vector(.vadd, V(d), sums, lane: 2), Q: Q)
        return .next
    }
    private mutating func dot(_ f: SIMDThreeSameExtra, _ signs: Signs) -> TranslationStep {
        let m = V(f.Rm)
        return dot(f.Rn, m, f.Rd, signs, Q: f.Q)
    }
    /// The element is four bytes, whatever `size` says.
    private mutating func dot(_ f: SIMDIndexed, _ signs: Signs) -> TranslationStep {
        let element = ir.vextract(V(f.M << 4 | f.Rm), lane: 2, index: f.H << 1 | f.L)
        let m = ir.vdup(element, lane: 2)
        return dot(f.Rn, m, f.Rd, signs, Q: f.Q)
    }
    mutating func SDOT_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep { dot(f, .signed) }
    mutating func UDOT_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep { dot(f, .unsigned) }
    mutating func USDOT_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep { dot(f, .unsignedBySigned) }
    mutating func SDOT_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { dot(f, .signed) }
    mutating func UDOT_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { dot(f, .unsigned) }
    mutating func USDOT_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { dot(f, .unsignedBySigned) }
    mutating func SUDOT_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep { dot(f, .signedByUnsigned) }

    /// Rows of eight bytes: each row of Vn with both of Vm.
    private mutating func matrixMultiply(_ f: SIMDThreeSameExtra, _ signs: Signs) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        let first = dotProducts(ir.vdup(ir.lo64(n), lane: 3), m, signs, Q: 1)
        let second = dotProducts(ir.vdup(ir.hi64(n), lane: 3), m, signs, Q: 1)
        let even = ir.vector(.vuzp1, first, second, lane: 2)
        let sums = ir.vector(.vadd, even, ir.vector(.vuzp2, first, second, lane: 2), lane: 2)
        ir.set(.v(f.Rd), ir.vector(.vadd, V(f.Rd), sums, lane: 2))
        return .next
    }
    mutating func SMMLA_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep { matrixMultiply(f, .signed) }
    mutating func UMMLA_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep { matrixMultiply(f, .unsigned) }
    mutating func USMMLA_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep {
        matrixMultiply(f, .unsignedBySigned)
    }
}
