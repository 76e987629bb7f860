internal import CHost
internal import CLLVM
internal import EmuIR

/// Half precision in single precision, on hosts that convert between them (F16C): CHost's fp_half_host.c says why that is right and
/// which results are for CHost's functions to decide.
extension TBLowering {
    /// The elements of an operation: a scalar, or 4 or 8 places, of which 2 elements fill 4 twice (and raise the same flags).
    private struct Halves {
        let count: Int
        let width: Int
        private let context: LoweringContext

        init(_ count: Int, _ context: LoweringContext) {
            self.count = max(count, 1)
            width = count <= 1 ? 1 : count <= 4 ? 4 : 8
            self.context = context
        }

        func type(_ element: LLVMTypeRef) -> LLVMTypeRef { width == 1 ? element : LLVMVectorType(element, UInt32(width)) }
        var bits: LLVMTypeRef { type(context.i16) }
        var words: LLVMTypeRef { type(context.i32) }
        var singles: LLVMTypeRef { type(context.float) }
        var halves: LLVMTypeRef { type(LLVMHalfTypeInContext(context.context)) }

        func splat(_ element: LLVMValueRef) -> LLVMValueRef {
            if width == 1 { return element }
            var all = [LLVMValueRef?](repeating: element, count: width)
            return LLVMConstVector(&all, UInt32(width))
        }
        func constant(_ value: UInt64) -> LLVMValueRef { splat(context.const(value, context.i16)) }
        func word(_ value: UInt64) -> LLVMValueRef { splat(context.const(value, context.i32)) }
        func single(_ number: Double) -> LLVMValueRef { splat(LLVMConstReal(context.float, number)) }
    }

    /// nil for what CHost's functions do always.
    mutating func lowerHalfPrecision(_ i: IRInst) -> LLVMValueRef? {
        guard canComputeHalves else { return nil }
        let s = Halves(Int(i.flags), l)
        switch i.op {
        case .fpBinary: return binary(i, FPBinary(rawValue: UInt8(i.imm))!, s)
        case .fpUnary: return unary(i, FPUnary(rawValue: UInt8(i.imm))!, FPMode(rawValue: UInt32(i.imm2)), s)
        case .fpFMA: return multiplyAdd(i, s)
        case .fpConvert:
            guard i.imm2 == 0 else { return nil }
            if i.aux == 1, i.imm == 2 { return widenedRegister(i, s) }
            if i.aux == 2, i.imm == 1 { return narrowedRegister(i, s) }
            return nil
        case .fpToInt, .fpFromInt:
            let mode = FPMode(rawValue: UInt32(i.imm))
            guard mode.fractionBits == 0 else { return nil }
            if i.op == .fpFromInt { return fromIntegers(i, mode, s) }
            return mode.rounding == 3 ? toIntegers(i, mode, s) : nil
        case .fpToGeneral:
            let mode = FPMode(rawValue: UInt32(i.imm))
            guard mode.rounding == 3, mode.fractionBits == 0 else { return nil }
            let x = widened(bits(i.a, s), s)
            let limit = i.type == .i64 ? 0x1p63 : 0x1p31
            return unless(isOutside(x, mode.contains(.unsigned) ? 0 : -limit, limit, s), i) { t in
                t.intrinsics.strict(t.b, "fptosi", [t.llvmType(i.type), s.singles], [x], rounds: false)
            }
        default: return nil
        }
    }

    var canComputeHalves: Bool { nt_host_instructions() & NT_HOST_F16C != 0 }
    /// The lowest half of a register as a single.
    func widenedScalar(_ v: Value) -> LLVMValueRef {
        let s = Halves(1, l)
        return widened(bits(v, s), s)
    }

    // MARK: Registers

    /// The bit patterns of an operand's elements, with `lane` 1 or 2 for their size.
    private func bits(_ v: Value, _ s: Halves, lane: Int = 1) -> LLVMValueRef {
        let vector = LLVMBuildBitCast(b, value(v), l.vector(lane: lane), "")!
        if s.width == 1 { return LLVMBuildExtractElement(b, vector, l.const(0, l.i32), "") }
        if s.width << lane == 16, s.count == s.width { return vector }
        return LLVMBuildShuffleVector(b, vector, vector, l.shuffleMask((0..<s.width).map { $0 % s.count }), "")
    }

    /// A register's value from bit patterns of elements, zeros above.
    private func register(_ e: LLVMValueRef, _ s: Halves, lane: Int = 1) -> LLVMValueRef {
        let type = l.vector(lane: lane)
        let whole = l.vector(lane: 3)
        if s.width == 1 {
            return LLVMBuildBitCast(b, LLVMBuildInsertElement(b, LLVMConstNull(type), e, l.const(0, l.i32), ""), whole, "")
        }
        if s.count << lane == 16 { return LLVMBuildBitCast(b, e, whole, "") }
        let mask = l.shuffleMask((0..<16 >> lane).map { $0 < s.count ? $0 : s.width })
        return LLVMBuildBitCast(b, LLVMBuildShuffleVector(b, e, LLVMConstNull(LLVMTypeOf(e)), mask, ""), whole, "")
    }

    private func widened(_ e: LLVMValueRef, _ s: Halves) -> LLVMValueRef {
        let halves = LLVMBuildBitCast(b, e, s.halves, "")!
        return intrinsics.strict(b, "fpext", [s.singles, s.halves], [halves], rounds: false)
    }
    private func narrowed(_ x: LLVMValueRef, _ s: Halves) -> LLVMValueRef {
        let halves = intrinsics.strict(b, "fptrunc", [s.halves, s.singles], [x], rounds: true)
        return LLVMBuildBitCast(b, halves, s.bits, "")
    }

    private func any(_ condition: LLVMValueRef, _ s: Halves) -> LLVMValueRef {
        if s.width == 1 { return condition }
        let type = l.int(s.width)
        return LLVMBuildICmp(b, LLVMIntNE, LLVMBuildBitCast(b, condition, type, ""), LLVMConstNull(type), "")
    }
    private func hasNaN(_ e: LLVMValueRef, _ s: Halves) -> LLVMValueRef {
        any(LLVMBuildICmp(b, LLVMIntUGT, LLVMBuildAnd(b, e, s.constant(0x7fff), ""), s.constant(0x7c00), ""), s)
    }
    /// NaNs, and the smallest normal number.
    private func isDubious(_ e: LLVMValueRef, _ s: Halves) -> LLVMValueRef {
        let magnitude = LLVMBuildAnd(b, e, s.constant(0x7fff), "")!
        let isNaN = LLVMBuildICmp(b, LLVMIntUGT, magnitude, s.constant(0x7c00), "")
        return any(LLVMBuildOr(b, isNaN, LLVMBuildICmp(b, LLVMIntEQ, magnitude, s.constant(0x400), ""), ""), s)
    }
    private func isOutside(_ x: LLVMValueRef, _ low: Double, _ high: Double, _ s: Halves) -> LLVMValueRef {
        let tooHigh = LLVMBuildFCmp(b, LLVMRealUGE, x, s.single(high), "")
        return any(LLVMBuildOr(b, tooHigh, LLVMBuildFCmp(b, LLVMRealULT, x, s.single(low), ""), ""), s)
    }

    /// The result in single precision, narrowed, unless CHost must decide; `finish` changes its bits.
    private mutating func rounded(
        _ i: IRInst, _ x: LLVMValueRef, _ s: Halves, finish: ((TBLowering, LLVMValueRef) -> LLVMValueRef)? = nil
    ) -> LLVMValueRef {
        let e = narrowed(x, s)
        return unless(isDubious(e, s), i) { $0.register(finish?($0, e) ?? e, s) }
    }

    // MARK: Operations

    private mutating func binary(_ i: IRInst, _ op: FPBinary, _ s: Halves) -> LLVMValueRef? {
        let (p, q) = (bits(i.a, s), bits(i.b, s))
        func result(_ name: String) -> LLVMValueRef {
            intrinsics.strict(b, name, [s.singles], [widened(p, s), widened(q, s)], rounds: true)
        }
        switch op {
        case .add: return rounded(i, result("fadd"), s)
        case .sub: return rounded(i, result("fsub"), s)
        case .mul: return rounded(i, result("fmul"), s)
        case .div: return rounded(i, result("fdiv"), s)
        case .nmul: return rounded(i, result("fmul"), s) { LLVMBuildXor($0.b, $1, s.constant(0x8000), "") }
        case .abd: return rounded(i, result("fsub"), s) { LLVMBuildAnd($0.b, $1, s.constant(0x7fff), "") }
        case .mulx, .recps, .rsqrts: return nil
        case .max, .maxnm: return extreme(i, p, q, s, isMaximum: true)
        case .min, .minnm: return extreme(i, p, q, s, isMaximum: false)
        case .cmeq: return mask(p, q, "oeq", signals: false, s)
        case .cmge: return mask(p, q, "oge", signals: true, s)
        case .cmgt: return mask(p, q, "ogt", signals: true, s)
        case .acge, .acgt:
            func magnitude(_ e: LLVMValueRef) -> LLVMValueRef { LLVMBuildAnd(b, e, s.constant(0x7fff), "") }
            return mask(magnitude(p), magnitude(q), op == .acge ? "oge" : "ogt", signals: true, s)
        }
    }

    private func mask(_ p: LLVMValueRef, _ q: LLVMValueRef, _ predicate: String, signals: Bool, _ s: Halves) -> LLVMValueRef {
        let holds = intrinsics.compare(b, widened(p, s), widened(q, s), predicate, signals: signals)
        return register(LLVMBuildSExt(b, holds, s.bits, ""), s)
    }

    /// Without NaNs: halves are ordered as integers once those of negative ones are turned round. Equal ones differ only as zeros.
    private mutating func extreme(
        _ i: IRInst, _ p: LLVMValueRef, _ q: LLVMValueRef, _ s: Halves, isMaximum: Bool
    ) -> LLVMValueRef {
        unless(LLVMBuildOr(b, hasNaN(p, s), hasNaN(q, s), ""), i) { t in
            let b = t.b
            // The sign fills 15 bits, which turns a negative half's magnitude round; -0 is below +0.
            func key(_ e: LLVMValueRef) -> LLVMValueRef {
                LLVMBuildXor(b, e, LLVMBuildLShr(b, LLVMBuildAShr(b, e, s.constant(15), ""), s.constant(1), ""), "")
            }
            let wins = LLVMBuildICmp(b, isMaximum ? LLVMIntSGT : LLVMIntSLT, key(p), key(q), "")
            return t.register(LLVMBuildSelect(b, wins, p, q, ""), s)
        }
    }

    private mutating func unary(_ i: IRInst, _ op: FPUnary, _ mode: FPMode, _ s: Halves) -> LLVMValueRef? {
        let name: String
        switch (op, mode.rounding) {
        case (.sqrt, _): name = "sqrt"
        case (.round, 0), (.round, 7): name = mode.contains(.inexact) ? "rint" : "nearbyint"
        case (.round, 1): name = "ceil"
        case (.round, 2): name = "floor"
        case (.round, 3): name = "trunc"
        default: return nil
        }
        let rounds = ["sqrt", "rint", "nearbyint"].contains(name)
        return rounded(i, intrinsics.strict(b, name, [s.singles], [widened(bits(i.a, s), s)], rounds: rounds), s)
    }

    /// The sum of the (exact) product and the addend, rounded to odd.
    private mutating func multiplyAdd(_ i: IRInst, _ s: Halves) -> LLVMValueRef {
        let operands = [i.b, i.c, i.a].map { widened(bits($0, s), s) }
        let product = intrinsics.strict(b, "fmul", [s.singles], [operands[0], operands[1]], rounds: true)
        let addend = operands[2]
        let sum = intrinsics.strict(b, "fadd", [s.singles], [product, addend], rounds: true)
        let pattern = LLVMBuildBitCast(b, sum, s.words, "")!
        let magnitude = LLVMBuildAnd(b, pattern, s.word(0x7fff_ffff), "")
        let isSpecial = any(LLVMBuildICmp(b, LLVMIntUGE, magnitude, s.word(0x7f80_0000), ""), s)
        return unless(isSpecial, i) { t in
            let b = t.b
            func subtract(_ x: LLVMValueRef, _ y: LLVMValueRef) -> LLVMValueRef {
                t.intrinsics.strict(b, "fsub", [s.singles], [x, y], rounds: true)
            }
            // Two-sum: what the sum lost; where a step is inexact, so was the sum.
            let part = subtract(sum, product)
            let first = subtract(product, subtract(sum, part))
            let lost = t.intrinsics.strict(b, "fadd", [s.singles], [first, subtract(addend, part)], rounds: true)
            let rest = LLVMBuildBitCast(b, lost, s.words, "")!
            let isInexact = LLVMBuildICmp(b, LLVMIntNE, LLVMBuildAnd(b, rest, s.word(0x7fff_ffff), ""), s.word(0), "")
            let isEven = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, pattern, s.word(1), ""), s.word(0), "")
            // Toward what was lost: -1 when the signs differ, else 1.
            let differ = LLVMBuildAShr(b, LLVMBuildXor(b, pattern, rest, ""), s.word(31), "")
            let step = LLVMBuildOr(b, differ, s.word(1), "")
            let change = LLVMBuildSelect(b, LLVMBuildAnd(b, isInexact, isEven, ""), step, s.word(0), "")
            let odd = LLVMBuildBitCast(b, LLVMBuildAdd(b, pattern, change, ""), s.singles, "")!
            return t.rounded(i, odd, s)
        }
    }

    // MARK: Conversions

    private mutating func widenedRegister(_ i: IRInst, _ s: Halves) -> LLVMValueRef {
        let e = bits(i.a, s)
        return unless(hasNaN(e, s), i) { t in
            t.register(LLVMBuildBitCast(t.b, t.widened(e, s), s.words, ""), s, lane: 2)
        }
    }
    private mutating func narrowedRegister(_ i: IRInst, _ s: Halves) -> LLVMValueRef {
        rounded(i, LLVMBuildBitCast(b, bits(i.a, s, lane: 2), s.singles, ""), s)
    }

    private mutating func toIntegers(_ i: IRInst, _ mode: FPMode, _ s: Halves) -> LLVMValueRef {
        let x = widened(bits(i.a, s), s)
        let isUnsigned = mode.contains(.unsigned)
        return unless(isOutside(x, isUnsigned ? 0 : -32768, isUnsigned ? 65536 : 32768, s), i) { t in
            let integers = t.intrinsics.strict(t.b, "fptosi", [s.words, s.singles], [x], rounds: false)
            return t.register(LLVMBuildTrunc(t.b, integers, s.bits, ""), s)
        }
    }
    private mutating func fromIntegers(_ i: IRInst, _ mode: FPMode, _ s: Halves) -> LLVMValueRef {
        let e = bits(i.a, s)
        let integers = mode.contains(.unsigned) ? LLVMBuildZExt(b, e, s.words, "")! : LLVMBuildSExt(b, e, s.words, "")!
        return rounded(i, intrinsics.strict(b, "sitofp", [s.singles, s.words], [integers], rounds: true), s)
    }
}
