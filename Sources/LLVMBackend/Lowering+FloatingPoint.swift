internal import CHost
internal import CLLVM
internal import EmuIR

/// Floating point. While FPCR is zero (which the TB's key says), an operation is the host's own, with its flags left in MXCSR;
/// results that the host may have got differently send the operands to CHost's function, as does every operation of other TBs
/// (CHost, nt_fp.h and fp_vector.c, say which results those are).
///
/// Host operations are LLVM's constrained ones: none may be dropped, moved or computed for lanes that are not there.
extension TBLowering {
    mutating func lowerFloatingPoint(_ i: IRInst) -> LLVMValueRef? {
        switch i.op {
        case .fpCollect:
            _ = hostCall(UInt(bitPattern: nt_fp_function_addresses().collect), result: l.void, parameters: [l.pointer], [cpu])
            return nil
        case .flagsFPCompare:
            compareFloatingPoint(i)
            return nil
        default: break
        }
        guard block.flags & UInt32(NT_TB_FPCR) == 0 else { return slowFloatingPoint(i) }
        if i.aux == 1 || i.op == .fpConvert && i.imm == 1 { return lowerHalfPrecision(i) ?? slowFloatingPoint(i) }
        switch i.op {
        case .fpBinary: return fpBinary(i, FPBinary(rawValue: UInt8(i.imm))!)
        case .fpFMA:
            guard i.aux != 1, nt_host_instructions() & NT_HOST_FMA != 0 else { return slowFloatingPoint(i) }
            return elementwise(i, check: .underflow) { $0.strict("fma", $1, [$2[1], $2[2], $2[0]]) }
        case .fpUnary: return fpUnary(i, FPUnary(rawValue: UInt8(i.imm))!)
        case .fpConvert: return fpConvert(i)
        case .fpToInt: return fpToInt(i)
        case .fpFromInt: return fpFromInt(i)
        case .fpToGeneral: return fpToGeneral(i)
        case .fpFromGeneral: return fpFromGeneral(i)
        default: preconditionFailure("not a floating-point operation: \(i.op)")
        }
    }

    // MARK: CHost's functions

    /// The operation by CHost's function, whatever its operands.
    private func slowFloatingPoint(_ i: IRInst) -> LLVMValueRef {
        let functions = nt_fp_function_addresses()
        let v = l.vector(lane: 3)
        let shape = l.const(UInt64(i.aux) | UInt64(i.flags) << 8, l.i32)
        let lane = l.const(UInt64(i.aux), l.i32)
        let mode = l.const(i.imm, l.i32)
        func call(_ function: UnsafeMutableRawPointer?, _ result: LLVMTypeRef, _ types: [LLVMTypeRef], _ values: [LLVMValueRef])
            -> LLVMValueRef
        {
            hostCall(UInt(bitPattern: function), result: result, parameters: [l.pointer] + types, [cpu] + values)
        }
        switch i.op {
        case .fpBinary: return call(functions.binary, v, [v, v, l.i32, l.i32], [value(i.a), value(i.b), mode, shape])
        case .fpUnary:
            return call(functions.unary, v, [v, l.i32, l.i32, l.i32], [value(i.a), mode, l.const(i.imm2, l.i32), shape])
        case .fpFMA: return call(functions.fma, v, [v, v, v, l.i32], [value(i.a), value(i.b), value(i.c), shape])
        case .fpConvert:
            return call(functions.convert, v, [v, l.i32, l.i32], [value(i.a), l.const(i.imm | i.imm2 << 8, l.i32), shape])
        case .fpToInt: return call(functions.to_int, v, [v, l.i32, l.i32], [value(i.a), mode, shape])
        case .fpFromInt: return call(functions.from_int, v, [v, l.i32, l.i32], [value(i.a), mode, shape])
        case .fpToGeneral:
            let result = call(functions.to_general, l.i64, [v, l.i32, l.i32], [value(i.a), mode, lane])
            return i.type == .i64 ? result : LLVMBuildTrunc(b, result, l.i32, "")
        case .fpFromGeneral:
            let a = value(i.a)
            let wide = block.type(of: i.a) == .i64 ? a : LLVMBuildZExt(b, a, l.i64, "")!
            return call(functions.from_general, v, [l.i64, l.i32, l.i32], [wide, mode, lane])
        case .flagsFPCompare:
            return call(functions.compare, l.i64, [v, v, l.i32, l.i32], [value(i.a), value(i.b), mode, lane])
        default: preconditionFailure("no function for \(i.op)")
        }
    }

    // MARK: Shapes

    /// The elements an operation computes on: a scalar, or a whole vector. Two singles are doubled into the upper half: what is
    /// computed there raises no flag that the lower half does not.
    struct FPShape {
        let lane: Int
        let count: Int
        let type: LLVMTypeRef
        var isScalar: Bool { count == 1 }
        var isHalf: Bool { count > 1 && count << lane == 8 }
        /// Places computed on, 1 for a scalar.
        var width: Int { isScalar ? 1 : 16 >> lane }
    }

    private func shape(_ i: IRInst) -> FPShape { shape(lane: Int(i.aux), count: max(Int(i.flags), 1)) }
    private func shape(lane: Int, count: Int) -> FPShape {
        let element = lane == 3 ? l.double : l.float
        return FPShape(lane: lane, count: count, type: count == 1 ? element : LLVMVectorType(element, UInt32(16 >> lane)))
    }

    /// The elements of an operand as the shape's type.
    private func elements(_ v: Value, _ s: FPShape) -> LLVMValueRef {
        let vector = LLVMBuildBitCast(b, value(v), LLVMVectorType(s.lane == 3 ? l.double : l.float, UInt32(16 >> s.lane)), "")!
        if s.isScalar { return LLVMBuildExtractElement(b, vector, l.const(0, l.i32), "") }
        if s.isHalf { return LLVMBuildShuffleVector(b, vector, vector, l.shuffleMask([0, 1, 0, 1]), "") }
        return vector
    }

    /// A register's value from elements (floating point or integers of the same size), zeros above.
    private func register(_ e: LLVMValueRef, _ s: FPShape) -> LLVMValueRef {
        let whole = l.vector(lane: 3)
        if s.isScalar {
            let type = LLVMVectorType(LLVMTypeOf(e), UInt32(16 >> s.lane))!
            return LLVMBuildBitCast(b, LLVMBuildInsertElement(b, LLVMConstNull(type), e, l.const(0, l.i32), ""), whole, "")
        }
        let vector = LLVMBuildBitCast(b, e, whole, "")!
        guard s.isHalf else { return vector }
        return LLVMBuildShuffleVector(b, vector, LLVMConstNull(whole), l.shuffleMask([0, 2]), "")
    }

    // MARK: Host operations

    private func strict(_ name: String, _ type: LLVMTypeRef, _ arguments: [LLVMValueRef]) -> LLVMValueRef {
        intrinsics.strict(b, name, [type], arguments, rounds: true)
    }

    /// Whether any element compares so; plain comparisons, which raise nothing for NaNs that are quiet.
    private func any(_ predicate: LLVMRealPredicate, _ x: LLVMValueRef, _ y: LLVMValueRef, _ s: FPShape) -> LLVMValueRef {
        anyTrue(LLVMBuildFCmp(b, predicate, x, y, "")!, s)
    }
    private func anyTrue(_ bits: LLVMValueRef, _ s: FPShape) -> LLVMValueRef {
        if s.isScalar { return bits }
        let type = l.int(s.width)
        return LLVMBuildICmp(b, LLVMIntNE, LLVMBuildBitCast(b, bits, type, ""), LLVMConstNull(type), "")
    }

    private func splat(_ number: Double, _ s: FPShape) -> LLVMValueRef {
        let element = LLVMConstReal(s.lane == 3 ? l.double : l.float, number)
        if s.isScalar { return element! }
        var all = [LLVMValueRef?](repeating: element, count: s.width)
        return LLVMConstVector(&all, UInt32(s.width))
    }

    /// Which results need a second look.
    enum FPCheck {
        /// NaNs.
        case nan
        /// NaNs, and the smallest normal number, which may hide an underflow.
        case underflow
    }

    private func isDubious(_ r: LLVMValueRef, _ s: FPShape, _ check: FPCheck) -> LLVMValueRef {
        switch check {
        case .nan: return any(LLVMRealUNO, r, r, s)
        case .underflow:
            let magnitude = intrinsics.call(b, "llvm.fabs", [s.type], [r])
            return any(LLVMRealUEQ, magnitude, splat(s.lane == 3 ? 0x1p-1022 : 0x1p-126, s), s)
        }
    }

    /// `fast` unless `condition` holds; then CHost's function. All three are values of the operation's IR type.
    mutating func unless(
        _ condition: LLVMValueRef?, _ i: IRInst, fast: (inout TBLowering) -> LLVMValueRef
    ) -> LLVMValueRef {
        guard let condition else { return fast(&self) }
        let cold = newBlock()
        let warm = newBlock()
        let done = newBlock()
        intrinsics.markUnlikely(LLVMBuildCondBr(b, condition, cold, warm)!)
        position(cold)
        let slow = slowFloatingPoint(i)
        LLVMBuildBr(b, done)
        position(warm)
        let quick = fast(&self)
        let end = LLVMGetInsertBlock(b)!
        LLVMBuildBr(b, done)
        position(done)
        return phi(llvmType(i.type), [(slow, cold), (quick, end)])
    }

    /// An operation on elements whose result is checked afterwards.
    private mutating func elementwise(
        _ i: IRInst, check: FPCheck, finish: ((TBLowering, LLVMValueRef) -> LLVMValueRef)? = nil,
        _ operation: (TBLowering, LLVMTypeRef, [LLVMValueRef]) -> LLVMValueRef
    ) -> LLVMValueRef {
        let s = shape(i)
        let operands = [i.a, i.b, i.c].filter { !$0.isNone }.map { elements($0, s) }
        let r = operation(self, s.type, operands)
        return unless(isDubious(r, s, check), i) { $0.register(finish?($0, r) ?? r, s) }
    }

    // MARK: Arithmetic

    private mutating func fpBinary(_ i: IRInst, _ op: FPBinary) -> LLVMValueRef {
        if i.aux == 1 { return slowFloatingPoint(i) }
        switch op {
        case .add: return elementwise(i, check: .nan) { $0.strict("fadd", $1, $2) }
        case .sub: return elementwise(i, check: .nan) { $0.strict("fsub", $1, $2) }
        case .mul: return elementwise(i, check: .underflow) { $0.strict("fmul", $1, $2) }
        case .div: return elementwise(i, check: .underflow) { $0.strict("fdiv", $1, $2) }
        case .nmul:
            return elementwise(i, check: .underflow, finish: { LLVMBuildFNeg($0.b, $1, "") }) { $0.strict("fmul", $1, $2) }
        case .abd:
            return elementwise(i, check: .nan, finish: { $0.intrinsics.call($0.b, "llvm.fabs", [LLVMTypeOf($1)], [$1]) }) {
                $0.strict("fsub", $1, $2)
            }
        // Infinity times zero is 2 and no flag.
        case .mulx: return slowFloatingPoint(i)
        case .recps, .rsqrts: return step(i, op)
        case .max, .min, .maxnm, .minnm: return extreme(i, isMaximum: op == .max || op == .maxnm)
        case .cmeq: return mask(i, "oeq", signals: false)
        case .cmge: return mask(i, "oge", signals: true)
        case .cmgt: return mask(i, "ogt", signals: true)
        case .acge: return mask(i, "oge", signals: true, ofMagnitudes: true)
        case .acgt: return mask(i, "ogt", signals: true, ofMagnitudes: true)
        }
    }

    /// FRECPS 2 - a*b; FRSQRTS (3 - a*b) / 2. Operands that could overflow on the way, infinities among them, are CHost's. The
    /// difference is zero or far above the smallest normal number, so that halving is exact.
    private mutating func step(_ i: IRInst, _ op: FPBinary) -> LLVMValueRef {
        guard nt_host_instructions() & NT_HOST_FMA != 0 else { return slowFloatingPoint(i) }
        let s = shape(i)
        let x = elements(i.a, s)
        let y = elements(i.b, s)
        // By their bits: a comparison of numbers may raise Invalid for NaNs.
        let integers = s.isScalar ? l.int(8 << s.lane) : l.vector(lane: s.lane)
        let limit = s.lane == 3 ? (0x1p500).bitPattern : UInt64(Float(0x1p60).bitPattern)
        func number(_ bits: UInt64) -> LLVMValueRef { s.isScalar ? l.const(bits, integers) : l.splat(bits, lane: s.lane) }
        func isLarge(_ e: LLVMValueRef) -> LLVMValueRef {
            let sign: UInt64 = 1 << UInt64((8 << s.lane) - 1)
            let magnitude = LLVMBuildAnd(b, LLVMBuildBitCast(b, e, integers, ""), number(sign - 1), "")
            return LLVMBuildICmp(b, LLVMIntSGE, magnitude, number(limit), "")
        }
        return unless(anyTrue(LLVMBuildOr(b, isLarge(x), isLarge(y), ""), s), i) { t in
            let constant = t.splat(op == .recps ? 2 : 3, s)
            let r = t.strict("fma", s.type, [LLVMBuildFNeg(t.b, x, ""), y, constant])
            return t.register(op == .recps ? r : t.strict("fmul", s.type, [r, t.splat(0.5, s)]), s)
        }
    }

    /// NaNs apart, the greater or lesser one; of two zeros Arm has an opinion, and AND or OR of equal numbers says it.
    private mutating func extreme(_ i: IRInst, isMaximum: Bool) -> LLVMValueRef {
        let s = shape(i)
        let x = elements(i.a, s)
        let y = elements(i.b, s)
        // The one comparison that may raise Invalid comes first, and is the only one that sees NaNs.
        let unordered = anyTrue(intrinsics.compare(b, x, y, "uno", signals: false), s)
        return unless(unordered, i) { t in
            let b = t.b
            let integers = s.isScalar ? t.l.int(8 << s.lane) : t.l.vector(lane: s.lane)
            let p = LLVMBuildBitCast(b, x, integers, "")!
            let q = LLVMBuildBitCast(b, y, integers, "")!
            let equal = isMaximum ? LLVMBuildAnd(b, p, q, "")! : LLVMBuildOr(b, p, q, "")!
            let wins = LLVMBuildFCmp(b, isMaximum ? LLVMRealOGT : LLVMRealOLT, x, y, "")!
            let loses = LLVMBuildFCmp(b, isMaximum ? LLVMRealOLT : LLVMRealOGT, x, y, "")!
            let result = LLVMBuildSelect(b, wins, p, LLVMBuildSelect(b, loses, q, equal, ""), "")!
            return t.register(result, s)
        }
    }

    private func mask(_ i: IRInst, _ predicate: String, signals: Bool, ofMagnitudes: Bool = false) -> LLVMValueRef {
        let s = shape(i)
        func operand(_ v: Value) -> LLVMValueRef {
            let e = elements(v, s)
            return ofMagnitudes ? intrinsics.call(b, "llvm.fabs", [LLVMTypeOf(e)], [e]) : e
        }
        let holds = intrinsics.compare(b, operand(i.a), operand(i.b), predicate, signals: signals)
        let integers = s.isScalar ? l.int(8 << s.lane) : l.vector(lane: s.lane)
        return register(LLVMBuildSExt(b, holds, integers, ""), s)
    }

    private mutating func fpUnary(_ i: IRInst, _ op: FPUnary) -> LLVMValueRef {
        if i.aux == 1 { return slowFloatingPoint(i) }
        switch op {
        case .sqrt: return elementwise(i, check: .nan) { $0.strict("sqrt", $1, $2) }
        case .round:
            let mode = FPMode(rawValue: UInt32(i.imm2))
            // The host's instruction rounds so itself; FPCR says ties to even.
            let name: String
            switch mode.rounding {
            case 0, 7: name = mode.contains(.inexact) ? "rint" : "nearbyint"
            case 1: name = "ceil"
            case 2: name = "floor"
            case 3: name = "trunc"
            default: return slowFloatingPoint(i)
            }
            let rounds = name == "rint" || name == "nearbyint"
            return elementwise(i, check: .nan) { $0.intrinsics.strict($0.b, name, [$1], $2, rounds: rounds) }
        case .recpe, .rsqrte, .recpx, .roundInt, .urecpe, .ursqrte, .bfcvt: return slowFloatingPoint(i)
        }
    }

    // MARK: Conversions

    private mutating func fpConvert(_ i: IRInst) -> LLVMValueRef {
        let from = Int(i.aux)
        let to = Int(i.imm)
        guard i.imm2 == 0, from != 1, to != 1, from != to else { return slowFloatingPoint(i) }
        let count = max(Int(i.flags), 1)
        let source = LLVMBuildBitCast(b, value(i.a), LLVMVectorType(from == 3 ? l.double : l.float, UInt32(16 >> from)), "")!
        // One element, or two: the low half of singles.
        let operand: LLVMValueRef
        if count == 1 {
            operand = LLVMBuildExtractElement(b, source, l.const(0, l.i32), "")
        } else if from == 2 {
            operand = LLVMBuildShuffleVector(b, source, source, l.shuffleMask([0, 1]), "")
        } else {
            operand = source
        }
        let element = to == 3 ? l.double : l.float
        let type = count == 1 ? element : LLVMVectorType(element, 2)!
        let narrows = to == 2
        let r = intrinsics.strict(
            b, narrows ? "fptrunc" : "fpext", [type, LLVMTypeOf(operand)], [operand], rounds: narrows)
        let s = FPShape(lane: to, count: count, type: type)
        // Two elements are not a whole vector of singles here.
        func bits(_ condition: LLVMValueRef) -> LLVMValueRef {
            if count == 1 { return condition }
            return LLVMBuildICmp(b, LLVMIntNE, LLVMBuildBitCast(b, condition, l.int(2), ""), LLVMConstNull(l.int(2)), "")
        }
        let dubious: LLVMValueRef
        if narrows {
            let magnitude = intrinsics.call(b, "llvm.fabs", [type], [r])
            var smallest: [LLVMValueRef?] = [LLVMConstReal(l.float, 0x1p-126), LLVMConstReal(l.float, 0x1p-126)]
            let limit = count == 1 ? smallest[0]! : LLVMConstVector(&smallest, 2)!
            dubious = bits(LLVMBuildFCmp(b, LLVMRealUEQ, magnitude, limit, ""))
        } else {
            dubious = bits(LLVMBuildFCmp(b, LLVMRealUNO, r, r, ""))
        }
        return unless(dubious, i) { t in
            if count == 1 || to == 3 { return t.register(r, s) }
            let zero = LLVMConstNull(type)!
            let whole = LLVMBuildShuffleVector(t.b, r, zero, t.l.shuffleMask([0, 1, 2, 3]), "")
            return LLVMBuildBitCast(t.b, whole, t.l.vector(lane: 3), "")
        }
    }

    /// Toward zero from where both sides agree; the rest is CHost's.
    private mutating func fpToInt(_ i: IRInst) -> LLVMValueRef {
        let mode = FPMode(rawValue: UInt32(i.imm))
        guard i.aux != 1, mode.rounding == 3, mode.fractionBits == 0 else { return slowFloatingPoint(i) }
        let s = shape(i)
        let x = elements(i.a, s)
        return unless(isOutside(x, s, isUnsigned: mode.contains(.unsigned), is64Bit: s.lane == 3), i) { t in
            let integers = s.isScalar ? t.l.int(8 << s.lane) : t.l.vector(lane: s.lane)
            return t.register(t.intrinsics.strict(t.b, "fptosi", [integers, s.type], [x], rounds: false), s)
        }
    }

    /// Whether any element is NaN or outside of what a signed conversion takes; the lower bound of unsigned ones is 0.
    private func isOutside(_ x: LLVMValueRef, _ s: FPShape, isUnsigned: Bool, is64Bit: Bool) -> LLVMValueRef {
        let limit = is64Bit ? 0x1p63 : 0x1p31
        let high = LLVMBuildFCmp(b, LLVMRealUGE, x, splat(limit, s), "")
        let low = LLVMBuildFCmp(b, LLVMRealULT, x, splat(isUnsigned ? 0 : -limit, s), "")
        return anyTrue(LLVMBuildOr(b, high, low, ""), s)
    }

    private mutating func fpFromInt(_ i: IRInst) -> LLVMValueRef {
        let mode = FPMode(rawValue: UInt32(i.imm))
        guard i.aux != 1, mode.fractionBits == 0 else { return slowFloatingPoint(i) }
        let s = shape(i)
        let vector = LLVMBuildBitCast(b, value(i.a), l.vector(lane: s.lane), "")!
        let x: LLVMValueRef
        if s.isScalar {
            x = LLVMBuildExtractElement(b, vector, l.const(0, l.i32), "")
        } else if s.isHalf {
            x = LLVMBuildShuffleVector(b, vector, vector, l.shuffleMask([0, 1, 0, 1]), "")
        } else {
            x = vector
        }
        var condition: LLVMValueRef?
        if mode.contains(.unsigned) {
            condition = anyTrue(LLVMBuildICmp(b, LLVMIntSLT, x, LLVMConstNull(LLVMTypeOf(x)), ""), s)
        }
        return unless(condition, i) { t in
            t.register(t.intrinsics.strict(t.b, "sitofp", [s.type, LLVMTypeOf(x)], [x], rounds: true), s)
        }
    }

    private mutating func fpToGeneral(_ i: IRInst) -> LLVMValueRef {
        let mode = FPMode(rawValue: UInt32(i.imm))
        guard i.aux != 1, mode.rounding == 3, mode.fractionBits == 0 else { return slowFloatingPoint(i) }
        let s = shape(lane: Int(i.aux), count: 1)
        let x = elements(i.a, s)
        let is64Bit = i.type == .i64
        return unless(isOutside(x, s, isUnsigned: mode.contains(.unsigned), is64Bit: is64Bit), i) { t in
            t.intrinsics.strict(t.b, "fptosi", [t.llvmType(i.type), s.type], [x], rounds: false)
        }
    }

    private mutating func fpFromGeneral(_ i: IRInst) -> LLVMValueRef {
        let mode = FPMode(rawValue: UInt32(i.imm))
        guard i.aux != 1, mode.fractionBits == 0 else { return slowFloatingPoint(i) }
        let s = shape(lane: Int(i.aux), count: 1)
        var x = value(i.a)
        var condition: LLVMValueRef?
        if mode.contains(.unsigned) {
            if block.type(of: i.a) == .i32 {
                x = LLVMBuildZExt(b, x, l.i64, "")
            } else {
                condition = LLVMBuildICmp(b, LLVMIntSLT, x, l.const(0, l.i64), "")
            }
        }
        let operand = x
        return unless(condition, i) { t in
            t.register(t.intrinsics.strict(t.b, "sitofp", [s.type, LLVMTypeOf(operand)], [operand], rounds: true), s)
        }
    }

    // MARK: Comparison

    /// N less, Z equal, C not less, V unordered.
    private mutating func compareFloatingPoint(_ i: IRInst) {
        guard i.aux != 1 || canComputeHalves, block.flags & UInt32(NT_TB_FPCR) == 0 else {
            return setFlags(packed: slowFloatingPoint(i))
        }
        let s = shape(lane: Int(i.aux), count: 1)
        let x = i.aux == 1 ? widenedScalar(i.a) : elements(i.a, s)
        let y = i.aux == 1 ? widenedScalar(i.b) : elements(i.b, s)
        // It raises what the comparison raises, others of the same numbers then raise nothing new.
        let isLess = intrinsics.compare(b, x, y, "olt", signals: i.imm != 0)
        setFlags(comparing: x, y, isDouble: i.aux == 3, isLess: isLess)
    }
}
