internal import A64ISA
internal import EmuIR

/// Registers and element size of an operation that exists as vector and as scalar.
struct SIMDShape {
    let Rn: Int
    let Rm: Int
    let Rd: Int
    /// log2 of the element size in bytes; of the narrow elements where sizes differ.
    let lane: Int
    /// 0 for a scalar.
    let Q: Int
    let isScalar: Bool
    let isUnsigned: Bool

    init(_ f: SIMDThreeSame) {
        self.init(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: f.Q, U: f.U)
    }
    init(_ f: SIMDScalarThreeSame) {
        self.init(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: nil, U: f.U)
    }
    init(_ f: SIMDThreeSameExtra) {
        self.init(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: f.Q, U: f.U)
    }
    init(_ f: SIMDScalarThreeSameExtra) {
        self.init(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: nil, U: f.U)
    }
    init(_ f: SIMDThreeDifferent) {
        self.init(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: f.Q, U: f.U)
    }
    init(_ f: SIMDScalarThreeDifferent) {
        self.init(Rn: f.Rn, Rm: f.Rm, Rd: f.Rd, lane: f.size, Q: nil, U: f.U)
    }
    init(_ f: SIMDTwoRegisterMisc) {
        self.init(Rn: f.Rn, Rm: 0, Rd: f.Rd, lane: f.size, Q: f.Q, U: f.U)
    }
    init(_ f: SIMDScalarTwoRegisterMisc) {
        self.init(Rn: f.Rn, Rm: 0, Rd: f.Rd, lane: f.size, Q: nil, U: f.U)
    }
    /// Rm is that of the indexed element only for words.
    init(_ f: SIMDIndexed) {
        self.init(Rn: f.Rn, Rm: f.M << 4 | f.Rm, Rd: f.Rd, lane: f.size, Q: f.Q, U: f.U)
    }
    init(_ f: SIMDScalarIndexed) {
        self.init(Rn: f.Rn, Rm: f.M << 4 | f.Rm, Rd: f.Rd, lane: f.size, Q: nil, U: f.U)
    }
    /// The element size is that of the shift's amount.
    init(_ f: SIMDShiftImmediate, lane: Int) {
        self.init(Rn: f.Rn, Rm: 0, Rd: f.Rd, lane: lane, Q: f.Q, U: f.U)
    }
    init(_ f: SIMDScalarShiftImmediate, lane: Int) {
        self.init(Rn: f.Rn, Rm: 0, Rd: f.Rd, lane: lane, Q: nil, U: f.U)
    }

    /// - Parameter Q: nil for a scalar.
    private init(Rn: Int, Rm: Int, Rd: Int, lane: Int, Q: Int?, U: Int) {
        self.Rn = Rn
        self.Rm = Rm
        self.Rd = Rd
        self.lane = lane
        self.Q = Q ?? 0
        isScalar = Q == nil
        isUnsigned = U == 1
    }
}

// Saturation and FPSR.QC. What lies outside of the datasize, or of a scalar, is zero in the operands: none of these
// operations saturates or gives anything but zero there, so results and QC need no masks.
extension Translator {
    /// `V[n, datasize]`, or the element of a scalar, zero-extended.
    mutating func operand(_ n: Int, _ shape: SIMDShape, lane: Int? = nil) -> Value {
        let lane = lane ?? shape.lane
        if shape.isScalar, lane < 3 {
            let element = ir.vextract(V(n), lane: lane, index: 0)
            return ir.zext(element, .i128)
        }
        if shape.Q == 1 { return V(n) }
        return ir.zext(D(n), .i128)
    }

    /// `FPSR.QC = '1'` if a bit of `saturated` is set.
    mutating func setQC(ifAny saturated: Value) {
        let low = ir.lo64(saturated)
        let any = ir.or(low, ir.hi64(saturated))
        let bit = ir.zext(ir.icmp(.icmpNE, any, ir.const(0)), .i64)
        let old = ir.get(.fpsr)
        ir.set(.fpsr, ir.or(old, ir.shift(.shl, bit, by: 27)))
    }

    /// `a` saturated is `b`: sets QC where they differ.
    mutating func setQC(where a: Value, differs b: Value) { setQC(ifAny: ir.vector(.vxor, a, b)) }

    /// The constant with only the sign bit in every element.
    mutating func signBits(lane: Int) -> Value { vreplicate(1 << UInt64((8 << lane) - 1), lane: lane) }

    /// A saturating addition or subtraction with QC.
    mutating func saturating(_ a: Value, _ b: Value, lane: Int, isUnsigned: Bool, subtracts: Bool) -> Value {
        let wrapped = ir.vector(subtracts ? .vsub : .vadd, a, b, lane: lane)
        let op: Opcode =
            switch (isUnsigned, subtracts) {
            case (false, false): .vsqadd
            case (true, false): .vuqadd
            case (false, true): .vsqsub
            case (true, true): .vuqsub
            }
        let result = ir.vector(op, a, b, lane: lane)
        setQC(where: wrapped, differs: result)
        return result
    }

    private mutating func addOrSubtract(_ shape: SIMDShape, subtracts: Bool) -> TranslationStep {
        let n = operand(shape.Rn, shape)
        let m = operand(shape.Rm, shape)
        let result = saturating(n, m, lane: shape.lane, isUnsigned: shape.isUnsigned, subtracts: subtracts)
        setV(shape.Rd, result, Q: shape.Q)
        return .next
    }
    /// `SQADD`, `UQADD`
    mutating func saturatingAdd(_ f: SIMDThreeSame) -> TranslationStep { addOrSubtract(SIMDShape(f), subtracts: false) }
    mutating func saturatingAdd(_ f: SIMDScalarThreeSame) -> TranslationStep {
        addOrSubtract(SIMDShape(f), subtracts: false)
    }
    /// `SQSUB`, `UQSUB`
    mutating func saturatingSubtract(_ f: SIMDThreeSame) -> TranslationStep {
        addOrSubtract(SIMDShape(f), subtracts: true)
    }
    mutating func saturatingSubtract(_ f: SIMDScalarThreeSame) -> TranslationStep {
        addOrSubtract(SIMDShape(f), subtracts: true)
    }

    /// Of one signed and one unsigned operand. With the sign bit of Vd flipped both ranges begin at the same end: what
    /// is signed (SUQADD) adds as unsigned, what is unsigned (USQADD) as signed.
    private mutating func accumulateMixed(_ shape: SIMDShape) -> TranslationStep {
        let n = operand(shape.Rn, shape)
        let d = operand(shape.Rd, shape)
        let sign = signBits(lane: shape.lane)
        let biased = ir.vector(.vxor, d, sign)
        let sum = saturating(n, biased, lane: shape.lane, isUnsigned: !shape.isUnsigned, subtracts: false)
        setScalarOrVector(shape, ir.vector(.vxor, sum, sign))
        return .next
    }
    /// `SUQADD`, `USQADD`
    mutating func saturatingAccumulate(_ f: SIMDTwoRegisterMisc) -> TranslationStep { accumulateMixed(SIMDShape(f)) }
    mutating func saturatingAccumulate(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        accumulateMixed(SIMDShape(f))
    }

    /// Writes a result whose elements beyond a scalar may not be zero.
    mutating func setScalarOrVector(_ shape: SIMDShape, _ result: Value) {
        if shape.isScalar, shape.lane < 3 {
            setV(shape.Rd, ir.vextract(result, lane: shape.lane, index: 0))
        } else {
            setV(shape.Rd, result, Q: shape.Q)
        }
    }

    /// `SQNEG`, and `SQABS` as the greater of the operand and that.
    private mutating func negate(_ shape: SIMDShape, absolute: Bool) -> TranslationStep {
        let n = operand(shape.Rn, shape)
        let zero = vzero
        var result = saturating(zero, n, lane: shape.lane, isUnsigned: false, subtracts: true)
        if absolute { result = ir.vector(.vsmax, n, result, lane: shape.lane) }
        setV(shape.Rd, result, Q: shape.Q)
        return .next
    }
    mutating func SQABS_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { negate(SIMDShape(f), absolute: true) }
    mutating func SQNEG_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { negate(SIMDShape(f), absolute: false) }
    mutating func SQABS_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        negate(SIMDShape(f), absolute: true)
    }
    mutating func SQNEG_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        negate(SIMDShape(f), absolute: false)
    }
}

// MARK: Narrowing

/// How a narrowing operation reads its wide elements and limits the narrow ones.
enum NarrowingSaturation {
    case signedToSigned, signedToUnsigned, unsignedToUnsigned
}

extension Translator {
    /// Elements of `lane` + 1 limited to what narrow ones hold; QC where that changes one.
    mutating func limited(_ value: Value, _ saturation: NarrowingSaturation, lane: Int) -> Value {
        let wide = lane + 1
        let bits = UInt64(8 << lane)
        let result: Value
        switch saturation {
        case .signedToSigned:
            let highest = vreplicate(1 << (bits - 1) - 1, lane: wide)
            let lowest = vreplicate(0 &- 1 << (bits - 1), lane: wide)
            result = ir.vector(.vsmax, ir.vector(.vsmin, value, highest, lane: wide), lowest, lane: wide)
        case .signedToUnsigned:
            let highest = vreplicate(1 << bits - 1, lane: wide)
            result = ir.vector(.vsmax, ir.vector(.vsmin, value, highest, lane: wide), vzero, lane: wide)
        case .unsignedToUnsigned:
            result = ir.vector(.vumin, value, vreplicate(1 << bits - 1, lane: wide), lane: wide)
        }
        setQC(where: value, differs: result)
        return result
    }

    /// The elements of `wide`, limited and narrowed, in the scalar or the part of Vd.
    mutating func setNarrowed(_ shape: SIMDShape, _ wide: Value, _ saturation: NarrowingSaturation) {
        let narrow = ir.vector(.vnarrow, limited(wide, saturation, lane: shape.lane), lane: shape.lane + 1)
        if shape.isScalar {
            setV(shape.Rd, ir.lo64(narrow))
        } else {
            setVpart(shape.Rd, narrow, Q: shape.Q)
        }
    }

    /// The wide elements to narrow: all of Vn, or a scalar.
    mutating func wideOperand(_ shape: SIMDShape) -> Value {
        shape.isScalar ? operand(shape.Rn, shape, lane: shape.lane + 1) : V(shape.Rn)
    }

    private mutating func narrow(_ shape: SIMDShape, _ saturation: NarrowingSaturation) -> TranslationStep {
        setNarrowed(shape, wideOperand(shape), saturation)
        return .next
    }
    mutating func SQXTN_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep { narrow(SIMDShape(f), .signedToSigned) }
    mutating func SQXTUN_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        narrow(SIMDShape(f), .signedToUnsigned)
    }
    mutating func UQXTN_advsimd(_ f: SIMDTwoRegisterMisc) -> TranslationStep {
        narrow(SIMDShape(f), .unsignedToUnsigned)
    }
    mutating func SQXTN_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        narrow(SIMDShape(f), .signedToSigned)
    }
    mutating func SQXTUN_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        narrow(SIMDShape(f), .signedToUnsigned)
    }
    mutating func UQXTN_advsimd_scalar(_ f: SIMDScalarTwoRegisterMisc) -> TranslationStep {
        narrow(SIMDShape(f), .unsignedToUnsigned)
    }
}
