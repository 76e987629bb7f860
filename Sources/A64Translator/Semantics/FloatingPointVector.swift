internal import A64ISA
internal import EmuIR

// AdvSIMD floating point, vector and scalar, single and double precision: IR operations on whole vectors.
extension Translator {
    /// The elements an instruction works on. `lane` is 2 for single precision, 3 for double.
    struct FPElements {
        let lane: Int
        let count: Int

        /// A vector of `64 << Q` bits.
        init(lane: Int, Q: Int) {
            self.lane = lane
            count = (8 << Q) >> lane
        }
        /// One element in a scalar register.
        init(scalar lane: Int) {
            self.lane = lane
            count = 1
        }
    }

    /// `Elem[V[n], index]`, zero-extended.
    mutating func element(_ n: Int, _ index: Int, lane: Int) -> Value {
        let bit = index << (lane + 3)
        let word = bit < 64 ? D(n) : ir.get(.vhi(n))
        return lane == 3 ? word : ir.ubfx(word, lsb: bit & 63, width: 8 << lane)
    }

    /// Writes elements, the first lowest; everything above them becomes zero. Each must be zero above its width.
    mutating func setElements(_ d: Int, _ elements: [Value], lane: Int) {
        let perWord = 8 >> lane
        var words: [Value] = []
        for start in stride(from: 0, to: elements.count, by: perWord) {
            var word = elements[start]
            for n in 1..<max(perWord, 1) where start + n < elements.count {
                word = ir.bfi(word, elements[start + n], lsb: n << (lane + 3), width: 8 << lane)
            }
            words.append(word)
        }
        if words.count == 1 { setV(d, words[0]) } else { ir.set(.v(d), ir.pack128(lo: words[0], hi: words[1])) }
    }

    private mutating func binary(_ op: FPBinary, _ a: Value, _ b: Value, _ e: FPElements) -> Value {
        ir.fpBinary(op, a, b, lane: e.lane, count: e.count)
    }
    private mutating func unary(_ op: FPUnary, _ a: Value, _ e: FPElements, _ mode: FPMode = []) -> Value {
        ir.fpUnary(op, a, lane: e.lane, count: e.count, mode: mode)
    }
    private mutating func multiplyAdd(_ addend: Value, _ a: Value, _ b: Value, _ e: FPElements) -> Value {
        ir.fpFMA(addend, a, b, lane: e.lane, count: e.count)
    }
    /// What the operations leave above their elements is zero, so the result is the whole register.
    private mutating func setElements(_ d: Int, _ result: Value) { ir.set(.v(d), result) }

    /// One element in every place.
    private mutating func replicated(_ n: Int, _ index: Int, lane: Int) -> Value {
        ir.vdup(ir.vextract(V(n), lane: lane, index: index), lane: lane)
    }
    /// Neighbours swapped.
    private mutating func swapped(_ a: Value, lane: Int) -> Value {
        lane == 3 ? ir.vector(.vext, a, a, imm: 8) : ir.vector(.vrev, a, lane: lane, imm: lane + 1)
    }
    /// The signs of even and odd elements changed.
    private mutating func negated(_ a: Value, even: Bool, odd: Bool, lane: Int) -> Value {
        if !even, !odd { return a }
        if even, odd { return fpNegated(a, lane: lane) }
        let bits = UInt64(8 << lane)
        let sign: UInt64 = 1 << (bits - 1)
        if lane == 3 { return ir.vector(.vxor, a, ir.vconst(lo: even ? sign : 0, hi: odd ? sign : 0)) }
        return ir.vector(.vxor, a, vreplicate(even ? sign : sign << bits, lane: lane + 1))
    }

    // MARK: Three registers

    /// The operation by U, bit 1 of size and opcode of "Advanced SIMD three same".
    private static func binaryOperation(U: Int, a: Int, opcode: Int) -> FPBinary {
        switch (U, a, opcode) {
        case (0, 0, 0b11000), (1, 0, 0b11000): .maxnm
        case (0, 1, 0b11000), (1, 1, 0b11000): .minnm
        case (0, 0, 0b11010), (1, 0, 0b11010): .add
        case (0, 1, 0b11010): .sub
        case (1, 1, 0b11010): .abd
        case (0, 0, 0b11011): .mulx
        case (1, 0, 0b11011): .mul
        case (0, 0, 0b11100): .cmeq
        case (1, 0, 0b11100): .cmge
        case (1, 1, 0b11100): .cmgt
        case (1, 0, 0b11101): .acge
        case (1, 1, 0b11101): .acgt
        case (0, 0, 0b11110), (1, 0, 0b11110): .max
        case (0, 1, 0b11110), (1, 1, 0b11110): .min
        case (0, 0, 0b11111): .recps
        case (0, 1, 0b11111): .rsqrts
        case (1, 0, 0b11111): .div
        default: preconditionFailure("no floating-point row")
        }
    }

    mutating func fpThreeSame(_ f: SIMDThreeSame) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let op = Self.binaryOperation(U: f.U, a: f.size >> 1, opcode: f.opcode)
        let a = V(f.Rn)
        setElements(f.Rd, binary(op, a, V(f.Rm), e))
        return .next
    }

    mutating func fpScalarThreeSame(_ f: SIMDScalarThreeSame) -> TranslationStep {
        let e = FPElements(scalar: 2 + (f.size & 1))
        let op = Self.binaryOperation(U: f.U, a: f.size >> 1, opcode: f.opcode)
        let a = V(f.Rn)
        setElements(f.Rd, binary(op, a, V(f.Rm), e))
        return .next
    }

    /// FADDP, FMAXP, FMINP, FMAXNMP, FMINNMP: neighbours of `Vm:Vn`.
    mutating func fpPairwise(_ f: SIMDThreeSame) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let op = Self.binaryOperation(U: f.U, a: f.size >> 1, opcode: f.opcode)
        let first = f.Q == 1 ? V(f.Rn) : concatenated(f.Rn, f.Rm)
        let second = f.Q == 1 ? V(f.Rm) : first
        let a = ir.vector(.vuzp1, first, second, lane: e.lane)
        let b = ir.vector(.vuzp2, first, second, lane: e.lane)
        setElements(f.Rd, binary(op, a, b, e))
        return .next
    }

    mutating func fpScalarPairwise(_ f: SIMDScalarPairwise) -> TranslationStep {
        let e = FPElements(scalar: 2 + (f.size & 1))
        let op: FPBinary = f.opcode == 0b01101 ? .add : Self.extreme(opcode: f.opcode, isMinimum: f.size & 2 != 0)
        let a = V(f.Rn)
        setElements(f.Rd, binary(op, a, ir.vector(.vext, a, a, imm: 1 << e.lane), e))
        return .next
    }

    private static func extreme(opcode: Int, isMinimum: Bool) -> FPBinary {
        if opcode == 0b01100 { return isMinimum ? .minnm : .maxnm }
        return isMinimum ? .min : .max
    }

    /// FMAXV, FMINV, FMAXNMV, FMINNMV of four singles: neighbours first, as `Reduce` does.
    mutating func fpAcrossLanes(_ f: SIMDAcrossLanes) -> TranslationStep {
        let op = Self.extreme(opcode: f.opcode, isMinimum: f.size & 2 != 0)
        let lane = 2
        var result = V(f.Rn)
        var count = (8 << f.Q) >> lane
        while count > 1 {
            count /= 2
            let a = ir.vector(.vuzp1, result, result, lane: lane)
            let b = ir.vector(.vuzp2, result, result, lane: lane)
            result = ir.fpBinary(op, a, b, lane: lane, count: count)
        }
        setElements(f.Rd, result)
        return .next
    }

    // MARK: Multiplications

    mutating func fpMultiplyAdd(_ f: SIMDThreeSame) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let addend = V(f.Rd)
        var a = V(f.Rn)
        let b = V(f.Rm)
        if f.size & 2 != 0 { a = fpNegated(a, lane: e.lane) }
        setElements(f.Rd, multiplyAdd(addend, a, b, e))
        return .next
    }

    /// FMUL, FMULX, FMLA, FMLS by an element of Vm.
    private mutating func multiplyByElement(
        _ e: FPElements, Rd: Int, Rn: Int, Rm: Int, index: Int, U: Int, opcode: Int
    ) {
        let a = V(Rn)
        let b = replicated(Rm, index, lane: e.lane)
        switch opcode {
        case 0b0001, 0b0101:
            let addend = V(Rd)
            setElements(Rd, multiplyAdd(addend, opcode == 0b0101 ? fpNegated(a, lane: e.lane) : a, b, e))
        default: setElements(Rd, binary(U == 0 ? .mul : .mulx, a, b, e))
        }
    }

    mutating func fpIndexed(_ f: SIMDIndexed) -> TranslationStep {
        if f.size == 0 { return undefined() }
        let index = f.size == 2 ? f.H << 1 | f.L : f.H
        multiplyByElement(
            FPElements(lane: f.size, Q: f.Q), Rd: f.Rd, Rn: f.Rn, Rm: f.M << 4 | f.Rm, index: index, U: f.U, opcode: f.opcode)
        return .next
    }

    mutating func fpScalarIndexed(_ f: SIMDScalarIndexed) -> TranslationStep {
        if f.size == 0 { return undefined() }
        let index = f.size == 2 ? f.H << 1 | f.L : f.H
        multiplyByElement(
            FPElements(scalar: f.size), Rd: f.Rd, Rn: f.Rn, Rm: f.M << 4 | f.Rm, index: index, U: f.U, opcode: f.opcode)
        return .next
    }

    /// FCADD: `rot` 0 adds i times Vm, 1 subtracts it.
    mutating func FCADD_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep {
        if f.size == 1 { return undefined() }
        let e = FPElements(lane: f.size, Q: f.Q)
        let subtracts = f.opcode & 2 != 0
        let a = V(f.Rn)
        let turned = negated(swapped(V(f.Rm), lane: e.lane), even: !subtracts, odd: subtracts, lane: e.lane)
        setElements(f.Rd, binary(.add, a, turned, e))
        return .next
    }

    /// FCMLA by `rot` quarter turns. The operand pair comes from the same place of Vm, or always from one.
    private mutating func complexMultiplyAdd(_ e: FPElements, Rd: Int, Rn: Int, Rm: Int, rot: Int, index: Int?) {
        let addend = V(Rd)
        let n = V(Rn)
        let factor = ir.vector(rot & 1 == 0 ? .vtrn1 : .vtrn2, n, n, lane: e.lane)
        var m = index.map { replicated(Rm, $0, lane: e.lane + 1) } ?? V(Rm)
        if rot & 1 != 0 { m = swapped(m, lane: e.lane) }
        m = negated(m, even: rot == 1 || rot == 2, odd: rot >= 2, lane: e.lane)
        setElements(Rd, multiplyAdd(addend, factor, m, e))
    }

    mutating func FCMLA_advsimd_vec(_ f: SIMDThreeSameExtra) -> TranslationStep {
        if f.size == 1 { return undefined() }
        complexMultiplyAdd(
            FPElements(lane: f.size, Q: f.Q), Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, rot: f.opcode & 3, index: nil)
        return .next
    }

    mutating func FCMLA_advsimd_elt(_ f: SIMDIndexed) -> TranslationStep {
        if f.size == 1 { return undefined() }
        complexMultiplyAdd(
            FPElements(lane: f.size, Q: f.Q), Rd: f.Rd, Rn: f.Rn, Rm: f.M << 4 | f.Rm, rot: f.opcode >> 1 & 3, index: f.H)
        return .next
    }

    // MARK: One register

    mutating func FABS_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { changeSign(f, .vandNot) }
    mutating func FNEG_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { changeSign(f, .vxor) }

    private mutating func changeSign(_ f: SIMDTwoRegisterMisc, _ op: Opcode) -> TranslationStep {
        let lane = 2 + (f.size & 1)
        let signs = vreplicate(lane == 3 ? 1 << 63 : 1 << 31, lane: lane)
        setV(f.Rd, ir.vector(op, V(f.Rn), signs), Q: f.Q)
        return .next
    }

    /// What "two-register miscellaneous" does to the elements, by U, bit 1 of size and opcode.
    private mutating func oneRegister(_ a: Value, U: Int, a high: Int, opcode: Int, _ e: FPElements) -> Value {
        let signedness: FPMode = U == 1 ? .unsigned : []
        switch (U, high, opcode) {
        case (0, 1, 0b01100): return binary(.cmgt, a, vzero, e)
        case (1, 1, 0b01100): return binary(.cmge, a, vzero, e)
        case (0, 1, 0b01101): return binary(.cmeq, a, vzero, e)
        case (1, 1, 0b01101): return binary(.cmge, vzero, a, e)
        case (0, 1, 0b01110): return binary(.cmgt, vzero, a, e)
        case (_, _, 0b11000), (_, _, 0b11001):
            // FRINTN, M, P, Z, A; X and I round as FPCR says.
            let mode: FPMode
            switch (U, high, opcode & 1) {
            case (0, 0, 0): mode = .rounding(0)
            case (0, 0, _): mode = .rounding(2)
            case (0, _, 0): mode = .rounding(1)
            case (0, _, _): mode = .zero
            case (_, 0, 0): mode = .tiesAway
            case (_, 0, _): mode = [.current, .inexact]
            default: mode = .current
            }
            return unary(.round, a, e, mode)
        case (_, _, 0b11010), (_, _, 0b11011):
            // FCVTN, M, P, Z.
            let mode = FPMode.rounding([[0, 2], [1, 3]][high][opcode & 1])
            return integer(.fpToInt, a, e, mode.union(signedness))
        case (_, 0, 0b11100): return integer(.fpToInt, a, e, FPMode.tiesAway.union(signedness))
        case (_, 0, 0b11101): return integer(.fpFromInt, a, e, signedness)
        case (0, 1, 0b11100): return unary(.urecpe, a, e)
        case (1, 1, 0b11100): return unary(.ursqrte, a, e)
        case (0, 1, 0b11101): return unary(.recpe, a, e)
        case (1, 1, 0b11101): return unary(.rsqrte, a, e)
        case (0, 1, 0b11111): return unary(.recpx, a, e)
        case (1, 1, 0b11111): return unary(.sqrt, a, e)
        case (_, 0, 0b11110), (_, 0, 0b11111):
            // FRINT32Z, FRINT32X, FRINT64Z, FRINT64X.
            return unary(.roundInt, a, e, (U == 0 ? FPMode.zero : .current).union(opcode & 1 != 0 ? .is64Bit : []))
        default: preconditionFailure("no floating-point row")
        }
    }

    /// Conversions to and from integers of the elements' size.
    private mutating func integer(_ op: Opcode, _ a: Value, _ e: FPElements, _ mode: FPMode) -> Value {
        ir.fpInteger(op, a, lane: e.lane, count: e.count, mode: mode.union(e.lane == 3 ? .is64Bit : []))
    }

    mutating func fpTwoRegister(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let a = V(f.Rn)
        setElements(f.Rd, oneRegister(a, U: f.U, a: f.size >> 1, opcode: f.opcode, e))
        return .next
    }

    mutating func fpScalarTwoRegister(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        let e = FPElements(scalar: 2 + (f.size & 1))
        let a = V(f.Rn)
        setElements(f.Rd, oneRegister(a, U: f.U, a: f.size >> 1, opcode: f.opcode, e))
        return .next
    }

    /// FRINT32Z, FRINT32X, FRINT64Z, FRINT64X of a scalar register: `opcode` 16 to 19.
    mutating func floatRoundToSize(_ f: FloatDataProcessing1Source) -> TranslationStep {
        let mode: FPMode = f.opcode & 1 == 0 ? .zero : .current
        let a = V(f.Rn)
        let e = FPElements(scalar: 2 + f.ftype)
        setElements(f.Rd, unary(.roundInt, a, e, mode.union(f.opcode & 2 != 0 ? .is64Bit : [])))
        return .next
    }

    // MARK: Conversions

    private static func fixedShape(immh: Int, immb: Int) -> (lane: Int, fractionBits: Int) {
        let lane = immh & 8 != 0 ? 3 : 2
        return (lane, (16 << lane) - (immh << 3 | immb))
    }

    private mutating func fixed(_ e: FPElements, Rd: Int, Rn: Int, U: Int, opcode: Int, fractionBits: Int) {
        let mode = FPMode.fraction(fractionBits).union(U == 1 ? .unsigned : [])
        let a = V(Rn)
        setElements(
            Rd, opcode == 0b11100 ? integer(.fpFromInt, a, e, mode) : integer(.fpToInt, a, e, mode.union(.zero)))
    }

    mutating func fpFixed(_ f: SIMDShiftImmediate) -> TranslationStep {
        if f.immh < 4 { return undefined() }
        let (lane, bits) = Self.fixedShape(immh: f.immh, immb: f.immb)
        fixed(FPElements(lane: lane, Q: f.Q), Rd: f.Rd, Rn: f.Rn, U: f.U, opcode: f.opcode, fractionBits: bits)
        return .next
    }

    mutating func fpScalarFixed(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        if f.immh < 4 { return undefined() }
        let (lane, bits) = Self.fixedShape(immh: f.immh, immb: f.immb)
        fixed(FPElements(scalar: lane), Rd: f.Rd, Rn: f.Rn, U: f.U, opcode: f.opcode, fractionBits: bits)
        return .next
    }

    /// FCVTL, FCVTL2: elements of one half, widened.
    mutating func FCVTL_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let narrow = 1 + f.size
        setElements(f.Rd, ir.fpConvert(Vpart(f.Rn, f.Q), from: narrow, to: narrow + 1, count: 8 >> narrow))
        return .next
    }

    /// FCVTN, FCVTXN and their second forms, which keep the low half.
    mutating func fpNarrow(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let narrow = 1 + f.size
        let a = V(f.Rn)
        let result = ir.fpConvert(a, from: narrow + 1, to: narrow, count: 8 >> narrow, toOdd: f.U == 1)
        setVpart(f.Rd, result, Q: f.Q)
        return .next
    }

    mutating func FCVTXN_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        let a = V(f.Rn)
        setElements(f.Rd, ir.fpConvert(a, from: 3, to: 2, count: 1, toOdd: true))
        return .next
    }
}
