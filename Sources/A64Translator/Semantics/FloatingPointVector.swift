internal import A64ISA
internal import EmuIR

// AdvSIMD floating point, vector and scalar, single and double precision: the scalar helpers, element by element.
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
        /// Bit 8 of a helper's operation number.
        var doubleBit: Int { lane == 3 ? 0x100 : 0 }
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

    private mutating func number(_ n: Int, _ e: FPElements) -> Value { ir.const(UInt64(n | e.doubleBit), .i32) }

    private mutating func binary(_ op: Int, _ a: Value, _ b: Value, _ e: FPElements) -> Value {
        ir.call(.fpBinary, a, b, number(op, e))
    }
    private mutating func unary(_ op: Int, _ a: Value, _ e: FPElements) -> Value { ir.call(.fpUnary, a, number(op, e)) }

    private mutating func negated(_ a: Value, _ e: FPElements) -> Value {
        ir.xor(a, ir.const(e.lane == 3 ? 1 << 63 : 1 << 31))
    }
    private mutating func multiplyAdd(_ addend: Value, _ a: Value, _ b: Value, _ e: FPElements) -> Value {
        ir.call(e.lane == 3 ? .fpFMA64 : .fpFMA32, addend, a, b)
    }

    // MARK: Three registers

    /// Numbers of `fp_binary` by U, bit 1 of size and opcode of "Advanced SIMD three same".
    private static func binaryNumber(U: Int, a: Int, opcode: Int) -> Int {
        switch (U, a, opcode) {
        case (0, 0, 0b11000), (1, 0, 0b11000): 6
        case (0, 1, 0b11000), (1, 1, 0b11000): 7
        case (0, 0, 0b11010), (1, 0, 0b11010): 2
        case (0, 1, 0b11010): 3
        case (1, 1, 0b11010): 12
        case (0, 0, 0b11011): 9
        case (1, 0, 0b11011): 0
        case (0, 0, 0b11100): 16
        case (1, 0, 0b11100): 17
        case (1, 1, 0b11100): 18
        case (1, 0, 0b11101): 19
        case (1, 1, 0b11101): 20
        case (0, 0, 0b11110), (1, 0, 0b11110): 4
        case (0, 1, 0b11110), (1, 1, 0b11110): 5
        case (0, 0, 0b11111): 10
        case (0, 1, 0b11111): 11
        case (1, 0, 0b11111): 1
        default: preconditionFailure("no floating-point row")
        }
    }

    mutating func fpThreeSame(_ f: SIMDThreeSame) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let op = Self.binaryNumber(U: f.U, a: f.size >> 1, opcode: f.opcode)
        let result = (0..<e.count).map { n in
            let a = element(f.Rn, n, lane: e.lane)
            return binary(op, a, element(f.Rm, n, lane: e.lane), e)
        }
        setElements(f.Rd, result, lane: e.lane)
        return .next
    }

    mutating func fpScalarThreeSame(_ f: SIMDScalarThreeSame) -> TranslationStep {
        let e = FPElements(scalar: 2 + (f.size & 1))
        let op = Self.binaryNumber(U: f.U, a: f.size >> 1, opcode: f.opcode)
        let a = element(f.Rn, 0, lane: e.lane)
        setElements(f.Rd, [binary(op, a, element(f.Rm, 0, lane: e.lane), e)], lane: e.lane)
        return .next
    }

    /// FADDP, FMAXP, FMINP, FMAXNMP, FMINNMP: neighbours of `Vm:Vn`.
    mutating func fpPairwise(_ f: SIMDThreeSame) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let op = Self.binaryNumber(U: f.U, a: f.size >> 1, opcode: f.opcode)
        let half = e.count / 2
        let result = (0..<e.count).map { n in
            let register = n < half ? f.Rn : f.Rm
            let first = 2 * (n % half)
            let a = element(register, first, lane: e.lane)
            return binary(op, a, element(register, first + 1, lane: e.lane), e)
        }
        setElements(f.Rd, result, lane: e.lane)
        return .next
    }

    mutating func fpScalarPairwise(_ f: SIMDScalarPairwise) -> TranslationStep {
        let e = FPElements(scalar: 2 + (f.size & 1))
        let op = f.opcode == 0b01101 ? 2 : Self.extremeNumber(opcode: f.opcode, isMinimum: f.size & 2 != 0)
        let a = element(f.Rn, 0, lane: e.lane)
        setElements(f.Rd, [binary(op, a, element(f.Rn, 1, lane: e.lane), e)], lane: e.lane)
        return .next
    }

    private static func extremeNumber(opcode: Int, isMinimum: Bool) -> Int {
        (opcode == 0b01100 ? 6 : 4) + (isMinimum ? 1 : 0)
    }

    /// FMAXV, FMINV, FMAXNMV, FMINNMV of four singles, by halves as `Reduce` does.
    mutating func fpAcrossLanes(_ f: SIMDAcrossLanes) -> TranslationStep {
        let e = FPElements(lane: 2, Q: 1)
        let op = Self.extremeNumber(opcode: f.opcode, isMinimum: f.size & 2 != 0)
        let elements = (0..<4).map { element(f.Rn, $0, lane: 2) }
        let low = binary(op, elements[0], elements[1], e)
        let high = binary(op, elements[2], elements[3], e)
        setElements(f.Rd, [binary(op, low, high, e)], lane: 2)
        return .next
    }

    // MARK: Multiplications

    mutating func fpMultiplyAdd(_ f: SIMDThreeSame) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let result = (0..<e.count).map { n in
            let addend = element(f.Rd, n, lane: e.lane)
            let a = element(f.Rn, n, lane: e.lane)
            let b = element(f.Rm, n, lane: e.lane)
            return multiplyAdd(addend, f.size & 2 != 0 ? negated(a, e) : a, b, e)
        }
        setElements(f.Rd, result, lane: e.lane)
        return .next
    }

    /// FMUL, FMULX, FMLA, FMLS by an element of Vm.
    private mutating func multiplyByElement(
        _ e: FPElements, Rd: Int, Rn: Int, Rm: Int, index: Int, U: Int, opcode: Int
    ) {
        let b = element(Rm, index, lane: e.lane)
        let result = (0..<e.count).map { n in
            let a = element(Rn, n, lane: e.lane)
            switch opcode {
            case 0b0001: return multiplyAdd(element(Rd, n, lane: e.lane), a, b, e)
            case 0b0101: return multiplyAdd(element(Rd, n, lane: e.lane), negated(a, e), b, e)
            default: return binary(U == 0 ? 0 : 9, a, b, e)
            }
        }
        setElements(Rd, result, lane: e.lane)
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
        let isReversed = f.opcode & 2 != 0
        var result: [Value] = []
        for pair in stride(from: 0, to: e.count, by: 2) {
            let real = element(f.Rm, pair, lane: e.lane)
            let imaginary = element(f.Rm, pair + 1, lane: e.lane)
            let a = element(f.Rn, pair, lane: e.lane)
            let b = element(f.Rn, pair + 1, lane: e.lane)
            result.append(binary(2, a, isReversed ? imaginary : negated(imaginary, e), e))
            result.append(binary(2, b, isReversed ? negated(real, e) : real, e))
        }
        setElements(f.Rd, result, lane: e.lane)
        return .next
    }

    /// FCMLA by `rot` quarter turns. The operand pair comes from the same place of Vm, or always from one.
    private mutating func complexMultiplyAdd(_ e: FPElements, Rd: Int, Rn: Int, Rm: Int, rot: Int, index: Int?) {
        var result: [Value] = []
        for pair in stride(from: 0, to: e.count, by: 2) {
            let from = index.map { $0 * 2 } ?? pair
            let real = element(Rm, from, lane: e.lane)
            let imaginary = element(Rm, from + 1, lane: e.lane)
            let factor = element(Rn, pair + (rot & 1), lane: e.lane)
            var first = rot & 1 == 0 ? real : imaginary
            var second = rot & 1 == 0 ? imaginary : real
            if rot == 1 || rot == 2 { first = negated(first, e) }
            if rot >= 2 { second = negated(second, e) }
            result.append(multiplyAdd(element(Rd, pair, lane: e.lane), factor, first, e))
            result.append(multiplyAdd(element(Rd, pair + 1, lane: e.lane), factor, second, e))
        }
        setElements(Rd, result, lane: e.lane)
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

    /// What "two-register miscellaneous" does to one element, by U, bit 1 of size and opcode.
    private mutating func oneRegister(_ a: Value, U: Int, a high: Int, opcode: Int, _ e: FPElements) -> Value {
        let zero = ir.const(0)
        switch (U, high, opcode) {
        case (0, 1, 0b01100): return binary(18, a, zero, e)
        case (1, 1, 0b01100): return binary(17, a, zero, e)
        case (0, 1, 0b01101): return binary(16, a, zero, e)
        case (1, 1, 0b01101): return binary(17, zero, a, e)
        case (0, 1, 0b01110): return binary(18, zero, a, e)
        case (_, _, 0b11000), (_, _, 0b11001):
            // FRINTN, M, P, Z, A; X and I round as FPCR says.
            let mode: Int
            switch (U, high, opcode & 1) {
            case (0, 0, 0): mode = 0
            case (0, 0, _): mode = 2
            case (0, _, 0): mode = 1
            case (0, _, _): mode = 3
            case (_, 0, 0): mode = 4
            default: mode = 7
            }
            return unary(2 | mode << 16 | (U == 1 && high == 0 && opcode & 1 == 1 ? 1 << 20 : 0), a, e)
        case (_, _, 0b11010), (_, _, 0b11011):
            // FCVTN, M, P, Z.
            let mode = [[0, 2], [1, 3]][high][opcode & 1]
            return toInteger(a, mode: mode, isUnsigned: U == 1, e)
        case (_, 0, 0b11100): return toInteger(a, mode: 4, isUnsigned: U == 1, e)
        case (_, 0, 0b11101): return fromInteger(a, isUnsigned: U == 1, e)
        case (0, 1, 0b11100): return unary(7, a, e)
        case (1, 1, 0b11100): return unary(8, a, e)
        case (0, 1, 0b11101): return unary(3, a, e)
        case (1, 1, 0b11101): return unary(4, a, e)
        case (0, 1, 0b11111): return unary(5, a, e)
        case (1, 1, 0b11111): return unary(0, a, e)
        case (_, 0, 0b11110), (_, 0, 0b11111):
            // FRINT32Z, FRINT32X, FRINT64Z, FRINT64X.
            return unary(6 | (U == 0 ? 3 : 7) << 16 | (opcode & 1) << 20, a, e)
        default: preconditionFailure("no floating-point row")
        }
    }

    private mutating func toInteger(_ a: Value, mode: Int, isUnsigned: Bool, fractionBits: Int = 0, _ e: FPElements) -> Value {
        let op = mode << 16 | (isUnsigned ? 1 << 20 : 0) | (e.lane == 3 ? 1 << 21 : 0) | fractionBits << 24
        return ir.call(.fpToInt, a, number(op, e))
    }
    private mutating func fromInteger(_ a: Value, isUnsigned: Bool, fractionBits: Int = 0, _ e: FPElements) -> Value {
        let op = (isUnsigned ? 1 << 20 : 0) | (e.lane == 3 ? 1 << 21 : 0) | fractionBits << 24
        return ir.call(.fpFromInt, a, number(op, e))
    }

    mutating func fpTwoRegister(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let e = FPElements(lane: 2 + (f.size & 1), Q: f.Q)
        let result = (0..<e.count).map { n in
            oneRegister(element(f.Rn, n, lane: e.lane), U: f.U, a: f.size >> 1, opcode: f.opcode, e)
        }
        setElements(f.Rd, result, lane: e.lane)
        return .next
    }

    mutating func fpScalarTwoRegister(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        let e = FPElements(scalar: 2 + (f.size & 1))
        let a = element(f.Rn, 0, lane: e.lane)
        setElements(f.Rd, [oneRegister(a, U: f.U, a: f.size >> 1, opcode: f.opcode, e)], lane: e.lane)
        return .next
    }

    /// FRINT32Z, FRINT32X, FRINT64Z, FRINT64X of a scalar register: `opcode` 16 to 19.
    mutating func floatRoundToSize(_ f: FloatDataProcessing1Source) -> TranslationStep {
        let e = FPElements(scalar: 2 + f.ftype)
        let a = element(f.Rn, 0, lane: e.lane)
        let mode = f.opcode & 1 == 0 ? 3 : 7
        setElements(f.Rd, [unary(6 | mode << 16 | (f.opcode >> 1 & 1) << 20, a, e)], lane: e.lane)
        return .next
    }

    // MARK: Conversions

    private static func fixedShape(immh: Int, immb: Int) -> (lane: Int, fractionBits: Int) {
        let lane = immh & 8 != 0 ? 3 : 2
        return (lane, (16 << lane) - (immh << 3 | immb))
    }

    mutating func fpFixed(_ f: SIMDShiftImmediate) -> TranslationStep {
        if f.immh < 4 { return undefined() }
        let (lane, bits) = Self.fixedShape(immh: f.immh, immb: f.immb)
        let e = FPElements(lane: lane, Q: f.Q)
        let result = (0..<e.count).map { n in
            let a = element(f.Rn, n, lane: lane)
            return f.opcode == 0b11100
                ? fromInteger(a, isUnsigned: f.U == 1, fractionBits: bits, e)
                : toInteger(a, mode: 3, isUnsigned: f.U == 1, fractionBits: bits, e)
        }
        setElements(f.Rd, result, lane: lane)
        return .next
    }

    mutating func fpScalarFixed(_ f: SIMDScalarShiftImmediate) -> TranslationStep {
        if f.immh < 4 { return undefined() }
        let (lane, bits) = Self.fixedShape(immh: f.immh, immb: f.immb)
        let e = FPElements(scalar: lane)
        let a = element(f.Rn, 0, lane: lane)
        let result =
            f.opcode == 0b11100
            ? fromInteger(a, isUnsigned: f.U == 1, fractionBits: bits, e)
            : toInteger(a, mode: 3, isUnsigned: f.U == 1, fractionBits: bits, e)
        setElements(f.Rd, [result], lane: lane)
        return .next
    }

    /// The number of `fp_unary` for a conversion between formats: log2 of the element sizes.
    private static func conversion(from: Int, to: Int, toOdd: Bool = false) -> Int {
        let formats = [1: 3, 2: 0, 3: 1]
        return 1 | formats[from]! << 16 | formats[to]! << 20 | (toOdd ? 1 << 22 : 0)
    }

    /// FCVTL, FCVTL2: elements of one half, widened.
    mutating func FCVTL_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let narrow = 1 + f.size
        let count = 8 >> narrow
        let op = ir.const(UInt64(Self.conversion(from: narrow, to: narrow + 1)), .i32)
        let result = (0..<count).map { n in ir.call(.fpUnary, element(f.Rn, n + f.Q * count, lane: narrow), op) }
        setElements(f.Rd, result, lane: narrow + 1)
        return .next
    }

    /// FCVTN, FCVTXN and their second forms, which keep the low half.
    mutating func fpNarrow(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        let narrow = 1 + f.size
        let count = 8 >> narrow
        let op = ir.const(UInt64(Self.conversion(from: narrow + 1, to: narrow, toOdd: f.U == 1)), .i32)
        var result = (0..<count).map { n in ir.call(.fpUnary, element(f.Rn, n, lane: narrow + 1), op) }
        if f.Q == 1 { result = (0..<count).map { element(f.Rd, $0, lane: narrow) } + result }
        setElements(f.Rd, result, lane: narrow)
        return .next
    }

    mutating func FCVTXN_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        let op = ir.const(UInt64(Self.conversion(from: 3, to: 2, toOdd: true)), .i32)
        setElements(f.Rd, [ir.call(.fpUnary, element(f.Rn, 0, lane: 3), op)], lane: 2)
        return .next
    }
}
