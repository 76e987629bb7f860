internal import A64ISA
internal import EmuIR

// BFloat16 (FEAT_BF16), and products of halves added to singles (FEAT_FHM).
extension Translator {
    // MARK: Halves

    /// FMLAL, FMLSL of `count` halves from `first` on. `index` is the one element of Vm that all are multiplied with.
    private mutating func halfMultiplyAddLong(
        Q: Int, Rd: Int, Rn: Int, Rm: Int, isSecond: Bool, subtracts: Bool, index: Int?
    ) {
        let count = 2 << Q
        let first = isSecond ? count : 0
        let result = (0..<count).map { n in
            let addend = element(Rd, n, lane: 2)
            var a = element(Rn, first + n, lane: 1)
            if subtracts { a = ir.xor(a, ir.const(0x8000)) }
            return ir.call(.fpFMAHalfLong, addend, a, element(Rm, index ?? first + n, lane: 1))
        }
        setElements(Rd, result, lane: 2)
    }

    mutating func halfMultiplyAddLong(_ f: SIMDThreeSame) -> TranslationStep {
        halfMultiplyAddLong(
            Q: f.Q, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, isSecond: f.U == 1, subtracts: f.size == 2, index: nil)
        return .next
    }

    mutating func halfMultiplyAddLongElement(_ f: SIMDIndexed) -> TranslationStep {
        halfMultiplyAddLong(
            Q: f.Q, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, isSecond: f.U == 1, subtracts: f.opcode & 4 != 0,
            index: f.H << 2 | f.L << 1 | f.M)
        return .next
    }

    // MARK: BFloat16

    mutating func BFCVT(_ f: FloatDataProcessing1Source) -> TranslationStep {
        let a = V(f.Rn)
        ir.set(.v(f.Rd), ir.fpUnary(.bfcvt, a, lane: 2, count: 1))
        return .next
    }

    /// BFCVTN; BFCVTN2 keeps the low half.
    mutating func BFCVTN_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let a = V(f.Rn)
        setVpart(f.Rd, ir.vector(.vnarrow, ir.fpUnary(.bfcvt, a, lane: 2, count: 4), lane: 2), Q: f.Q)
        return .next
    }

    mutating func BFDOT_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep {
        let result = (0..<(2 << f.Q)).map { n in
            let sum = element(f.Rd, n, lane: 2)
            let a = element(f.Rn, n, lane: 2)
            return ir.call(.fpBFDot, sum, a, element(f.Rm, n, lane: 2))
        }
        setElements(f.Rd, result, lane: 2)
        return .next
    }

    mutating func BFDOT_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep {
        let pair = element(f.M << 4 | f.Rm, f.H << 1 | f.L, lane: 2)
        let result = (0..<(2 << f.Q)).map { n in
            let sum = element(f.Rd, n, lane: 2)
            return ir.call(.fpBFDot, sum, element(f.Rn, n, lane: 2), pair)
        }
        setElements(f.Rd, result, lane: 2)
        return .next
    }

    /// 2x4 by 4x2 matrices: each row of Vn with both of Vm.
    mutating func BFMMLA_advsimd(_ f: SIMDThreeSameExtra) -> TranslationStep {
        let result = (0..<4).map { n in
            let row = n & 2
            let column = (n & 1) << 1
            var sum = element(f.Rd, n, lane: 2)
            for step in 0..<2 {
                let a = element(f.Rn, row + step, lane: 2)
                sum = ir.call(.fpBFDot, sum, a, element(f.Rm, column + step, lane: 2))
            }
            return sum
        }
        setElements(f.Rd, result, lane: 2)
        return .next
    }

    /// BFMLALB (Q 0), BFMLALT (1): even or odd elements. `index` is the one element of Vm that all are multiplied with.
    private mutating func bfloatMultiplyAddLong(Q: Int, Rd: Int, Rn: Int, Rm: Int, index: Int?) {
        let addend = V(Rd)
        let a = bfloatWidened(V(Rn), isOdd: Q == 1)
        let m = V(Rm)
        let b = bfloatWidened(index.map { ir.vdup(ir.vextract(m, lane: 1, index: $0), lane: 1) } ?? m, isOdd: Q == 1)
        ir.set(.v(Rd), ir.fpFMA(addend, a, b, lane: 2, count: 4))
    }

    /// Every other BFloat16 number as a single, of which it is the top half.
    private mutating func bfloatWidened(_ a: Value, isOdd: Bool) -> Value {
        isOdd ? ir.vector(.vand, a, vreplicate(0xffff_0000, lane: 2)) : ir.vector(.vshl, a, lane: 2, imm: 16)
    }

    mutating func BFMLAL_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep {
        bfloatMultiplyAddLong(Q: f.Q, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, index: nil)
        return .next
    }

    mutating func BFMLAL_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep {
        bfloatMultiplyAddLong(Q: f.Q, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, index: f.H << 2 | f.L << 1 | f.M)
        return .next
    }
}
