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
        let result = ir.call(.fpUnary, element(f.Rn, 0, lane: 2), ir.const(9, .i32))
        setElements(f.Rd, [result], lane: 1)
        return .next
    }

    /// BFCVTN; BFCVTN2 keeps the low half.
    mutating func BFCVTN_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let op = ir.const(9, .i32)
        var result = (0..<4).map { n in ir.call(.fpUnary, element(f.Rn, n, lane: 2), op) }
        if f.Q == 1 { result = (0..<4).map { element(f.Rd, $0, lane: 1) } + result }
        setElements(f.Rd, result, lane: 1)
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
        let result = (0..<4).map { n in
            let addend = element(Rd, n, lane: 2)
            // A BFloat16 number is the top half of a single.
            let a = ir.shift(.shl, element(Rn, 2 * n + Q, lane: 1), by: 16)
            let b = ir.shift(.shl, element(Rm, index ?? 2 * n + Q, lane: 1), by: 16)
            return ir.call(.fpFMA32, addend, a, b)
        }
        setElements(Rd, result, lane: 2)
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
