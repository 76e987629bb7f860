internal import CHost
internal import CLLVM
internal import EmuIR
internal import GuestState

/// NZCV as the CPU struct keeps it: `nf` has N in bit 63, `zf` is 0 when Z, `cf` and `vf` are 0 or 1.
extension TBLowering {
    /// The C flag as a number of the given type.
    mutating func carry(_ type: LLVMTypeRef) -> LLVMValueRef {
        let c = region == nil ? loadState(Int(NT_CPU_CF), l.i64) : flagValues().c
        return type == l.i64 ? c : LLVMBuildTrunc(b, c, type, "")
    }

    /// The four flag words.
    struct FlagValues {
        var n: LLVMValueRef
        var z: LLVMValueRef
        var c: LLVMValueRef
        var v: LLVMValueRef
    }

    /// The flags as they are now.
    mutating func flagValues() -> FlagValues {
        if let region { return region.registers.flags.values(&self) }
        return flagWords()
    }

    /// The words of the CPU struct.
    func flagWords() -> FlagValues {
        func word(_ offset: Int) -> LLVMValueRef { loadState(offset, l.i64) }
        return FlagValues(n: word(Int(NT_CPU_NF)), z: word(Int(NT_CPU_ZF)), c: word(Int(NT_CPU_CF)), v: word(Int(NT_CPU_VF)))
    }

    /// Writes the words to memory, wherever the flags may be noted.
    func storeFlagWords(_ f: FlagValues) {
        for (offset, value) in zip(HeldRegister.flagOffsets, [f.n, f.z, f.c, f.v]) {
            LLVMBuildStore(b, value, address(cpu, offset))
        }
    }

    /// - Returns: nil when they are in the CPU struct.
    func flags(_ known: LazyFlags.Known) -> FlagValues? {
        switch known {
        case .operation(let operation): flags(of: operation, isHere: true)
        case .either(let condition, let operation, let nzcv): pick(condition, flags(of: operation, isHere: true), nzcv)
        case .values(let values): values
        case .inMemory: nil
        }
    }

    /// - Parameter isHere: The operation stands here. Otherwise a comparison of floating-point numbers must raise no flags of theirs again.
    func flags(of operation: LazyFlags.Operation, isHere: Bool) -> FlagValues {
        let (a, c, type) = (operation.first, operation.second, operation.source.type)
        switch operation.source {
        case .add32, .add64: return arithmetic(a, c, type, subtract: false)
        case .sub32, .sub64: return arithmetic(a, c, type, subtract: true)
        case .adc32, .adc64: return withCarry(a, c, operation.third!, type)
        case .logic32, .logic64:
            let s = signed(a, type)
            return FlagValues(n: s, z: s, c: l.const(0, l.i64), v: l.const(0, l.i64))
        case .float, .double:
            if isHere {
                let (x, y) = floatingPoint(operation)
                return comparison(
                    isLess: LLVMBuildFCmp(b, LLVMRealOLT, x, y, ""), isUnequal: LLVMBuildFCmp(b, LLVMRealUNE, x, y, ""),
                    isUnordered: LLVMBuildFCmp(b, LLVMRealUNO, x, y, ""))
            }
            return comparisonOfBits(a, c, type)
        case .packed: return unpacked(a)
        case .words: preconditionFailure("no operation")
        }
    }

    /// NZCV in bits 31 to 28.
    private func unpacked(_ nzcv: LLVMValueRef) -> FlagValues {
        func bit(_ n: UInt64) -> LLVMValueRef {
            LLVMBuildAnd(b, LLVMBuildLShr(b, nzcv, l.const(n, l.i64), ""), l.const(1, l.i64), "")
        }
        return FlagValues(
            n: LLVMBuildShl(b, nzcv, l.const(32, l.i64), ""), z: LLVMBuildXor(b, bit(30), l.const(1, l.i64), ""), c: bit(29),
            v: bit(28))
    }

    private func pick(_ condition: LLVMValueRef, _ yes: FlagValues, _ nzcv: UInt64) -> FlagValues {
        let no = constants(nzcv)
        func pick(_ part: KeyPath<FlagValues, LLVMValueRef>) -> LLVMValueRef {
            LLVMBuildSelect(b, condition, yes[keyPath: part], no[keyPath: part], "")
        }
        return FlagValues(n: pick(\.n), z: pick(\.z), c: pick(\.c), v: pick(\.v))
    }

    private func constants(_ nzcv: UInt64) -> FlagValues {
        FlagValues(
            n: l.const((nzcv >> 3) << 63, l.i64), z: l.const(nzcv & 4 != 0 ? 0 : 1, l.i64), c: l.const(nzcv >> 1 & 1, l.i64),
            v: l.const(nzcv & 1, l.i64))
    }

    // MARK: Comparisons of floating-point numbers

    private func comparison(isLess: LLVMValueRef, isUnequal: LLVMValueRef, isUnordered: LLVMValueRef) -> FlagValues {
        FlagValues(
            n: LLVMBuildSExt(b, isLess, l.i64, ""), z: bool(isUnequal), c: bool(LLVMBuildNot(b, isLess, "")), v: bool(isUnordered))
    }

    /// The operands as numbers.
    private func floatingPoint(_ operation: LazyFlags.Operation) -> (LLVMValueRef, LLVMValueRef) {
        let type = operation.source == .double ? l.double : l.float
        return (LLVMBuildBitCast(b, operation.first, type, ""), LLVMBuildBitCast(b, operation.second, type, ""))
    }

    /// Compares by integer operations, which raise nothing.
    private func comparisonOfBits(_ a: LLVMValueRef, _ c: LLVMValueRef, _ type: IRType) -> FlagValues {
        let t = llvmType(type)
        let magnitudeMask = l.const(type == .i64 ? UInt64(Int64.max) : UInt64(Int32.max), t)
        let infinity = l.const(type == .i64 ? 0x7ff0_0000_0000_0000 : 0x7f80_0000, t)
        let signShift = l.const(UInt64(type.bits - 1), t)
        func magnitude(_ v: LLVMValueRef) -> LLVMValueRef { LLVMBuildAnd(b, v, magnitudeMask, "") }
        func isNaN(_ v: LLVMValueRef) -> LLVMValueRef { LLVMBuildICmp(b, LLVMIntUGT, magnitude(v), infinity, "") }
        // In the order of the numbers, with -0 just below 0.
        func key(_ v: LLVMValueRef) -> LLVMValueRef {
            LLVMBuildXor(b, v, LLVMBuildAnd(b, LLVMBuildAShr(b, v, signShift, ""), magnitudeMask, ""), "")
        }
        let isUnordered = LLVMBuildOr(b, isNaN(a), isNaN(c), "")!
        let areZeros = LLVMBuildICmp(b, LLVMIntEQ, magnitude(LLVMBuildOr(b, a, c, "")), l.const(0, t), "")!
        let differs = LLVMBuildAnd(
            b, LLVMBuildICmp(b, LLVMIntNE, a, c, ""), LLVMBuildNot(b, areZeros, ""), "")!
        let isLess = LLVMBuildAnd(b, LLVMBuildICmp(b, LLVMIntSLT, key(a), key(c), ""), differs, "")!
        return comparison(
            isLess: LLVMBuildAnd(b, isLess, LLVMBuildNot(b, isUnordered, ""), ""),
            isUnequal: LLVMBuildOr(b, differs, isUnordered, ""), isUnordered: isUnordered)
    }

    /// FCMP and FCMPE, after their exceptions: `isLess` is what their comparison said.
    mutating func setFlags(comparing x: LLVMValueRef, _ y: LLVMValueRef, isDouble: Bool, isLess: LLVMValueRef) {
        guard let region else {
            return store(
                comparison(
                    isLess: isLess, isUnequal: LLVMBuildFCmp(b, LLVMRealUNE, x, y, ""),
                    isUnordered: LLVMBuildFCmp(b, LLVMRealUNO, x, y, "")))
        }
        let type = isDouble ? l.i64 : l.i32
        let operation = LazyFlags.Operation(
            source: isDouble ? .double : .float, first: LLVMBuildBitCast(b, x, type, ""), second: LLVMBuildBitCast(b, y, type, ""))
        region.registers.setFlags(.operation(operation), self)
    }

    /// - Parameter nzcv: in bits 31 to 28.
    mutating func setFlags(packed nzcv: LLVMValueRef) {
        guard let region else { return store(unpacked(nzcv)) }
        region.registers.setFlags(.operation(.init(source: .packed, first: nzcv, second: l.const(0, l.i64))), self)
    }

    // MARK: Integer operations

    private func store(_ f: FlagValues) {
        storeState(Int(NT_CPU_NF), f.n)
        storeState(Int(NT_CPU_ZF), f.z)
        storeState(Int(NT_CPU_CF), f.c)
        storeState(Int(NT_CPU_VF), f.v)
    }

    private func bool(_ i1: LLVMValueRef) -> LLVMValueRef { LLVMBuildZExt(b, i1, l.i64, "") }

    /// A result widened so that bit 63 is its sign and zero stays zero.
    private func signed(_ result: LLVMValueRef, _ type: IRType) -> LLVMValueRef {
        type == .i64 ? result : LLVMBuildSExt(b, result, l.i64, "")
    }

    /// NZCV of a + c or a - c.
    private func arithmetic(_ a: LLVMValueRef, _ c: LLVMValueRef, _ type: IRType, subtract: Bool) -> FlagValues {
        let zero = const(0, type)
        if subtract {
            let r = LLVMBuildSub(b, a, c, "")!
            let overflow = LLVMBuildAnd(b, LLVMBuildXor(b, a, c, ""), LLVMBuildXor(b, a, r, ""), "")!
            let s = signed(r, type)
            return FlagValues(
                n: s, z: s, c: bool(LLVMBuildICmp(b, LLVMIntUGE, a, c, "")),
                v: bool(LLVMBuildICmp(b, LLVMIntSLT, overflow, zero, "")))
        }
        let r = LLVMBuildAdd(b, a, c, "")!
        let overflow = LLVMBuildAnd(b, LLVMBuildXor(b, a, r, ""), LLVMBuildXor(b, c, r, ""), "")!
        let s = signed(r, type)
        return FlagValues(
            n: s, z: s, c: bool(LLVMBuildICmp(b, LLVMIntULT, r, a, "")),
            v: bool(LLVMBuildICmp(b, LLVMIntSLT, overflow, zero, "")))
    }

    /// AddWithCarry(a, c, carryIn): flags of a + c + carryIn.
    private func withCarry(_ a: LLVMValueRef, _ c: LLVMValueRef, _ carryIn: LLVMValueRef, _ type: IRType) -> FlagValues {
        let partial = LLVMBuildAdd(b, a, c, "")!
        let r = LLVMBuildAdd(b, partial, carryIn, "")!
        let carry1 = LLVMBuildICmp(b, LLVMIntULT, partial, a, "")!
        let carry2 = LLVMBuildICmp(b, LLVMIntULT, r, partial, "")!
        let overflow = LLVMBuildAnd(b, LLVMBuildXor(b, a, r, ""), LLVMBuildXor(b, c, r, ""), "")!
        let s = signed(r, type)
        return FlagValues(
            n: s, z: s, c: bool(LLVMBuildOr(b, carry1, carry2, "")),
            v: bool(LLVMBuildICmp(b, LLVMIntSLT, overflow, const(0, type), "")))
    }

    mutating func lowerFlagsWrite(_ i: IRInst) {
        if i.op == .flagsSet { return setFlags(packed: value(i.a)) }
        let source = LazyFlags.Source(i.op, i.type)
        let operation: LazyFlags.Operation
        switch i.op {
        case .flagsAdd, .flagsSub: operation = .init(source: source, first: value(i.a), second: value(i.b))
        case .flagsLogic: operation = .init(source: source, first: value(i.a), second: value(i.a))
        case .flagsAdc, .flagsSbc:
            let second = i.op == .flagsAdc ? value(i.b) : LLVMBuildNot(b, value(i.b), "")!
            operation = .init(source: source, first: value(i.a), second: second, third: carry(llvmType(i.type)))
        case .flagsCcmpSub, .flagsCcmpAdd:
            operation = .init(source: source, first: value(i.b), second: value(i.c))
            let nzcv = UInt64(i.aux)
            if let region { return region.registers.setFlags(.either(value(i.a), operation, nzcv: nzcv), self) }
            return store(pick(value(i.a), flags(of: operation, isHere: true), nzcv))
        default: preconditionFailure("not a flag operation: \(i.op)")
        }
        if let region { return region.registers.setFlags(.operation(operation), self) }
        store(flags(of: operation, isHere: true))
    }

    mutating func lowerFlagsGet() -> LLVMValueRef {
        let f = flagValues()
        let zero = l.const(0, l.i64)
        let parts = [
            LLVMBuildShl(b, bool(LLVMBuildICmp(b, LLVMIntSLT, f.n, zero, "")), l.const(31, l.i64), "")!,
            LLVMBuildShl(b, bool(LLVMBuildICmp(b, LLVMIntEQ, f.z, zero, "")), l.const(30, l.i64), "")!,
            LLVMBuildShl(b, f.c, l.const(29, l.i64), "")!, LLVMBuildShl(b, f.v, l.const(28, l.i64), "")!,
        ]
        return parts.dropFirst().reduce(parts[0]) { LLVMBuildOr(b, $0, $1, "") }
    }

    /// ConditionHolds.
    mutating func lowerCondition(_ condition: Condition) -> LLVMValueRef {
        switch region?.registers.flags.known {
        case .operation(let operation)?:
            if let holds = lowerCondition(condition, operation) { return holds }
        case .either(let choice, let operation, let nzcv)?:
            if let holds = lowerCondition(condition, operation) {
                return LLVMBuildSelect(b, choice, holds, lowerCondition(condition, constants(nzcv)), "")
            }
        case .values?, .inMemory?, nil: break
        }
        // Outside of regions only what the condition reads is loaded.
        return lowerCondition(condition, region == nil ? nil : flagValues())
    }

    /// The condition as one comparison of the operands.
    /// - Returns: nil where there is none.
    private func lowerCondition(_ condition: Condition, _ operation: LazyFlags.Operation) -> LLVMValueRef? {
        let (a, c) = (operation.first, operation.second)
        func compare(_ predicate: LLVMIntPredicate) -> LLVMValueRef { LLVMBuildICmp(b, predicate, a, c, "") }
        switch operation.source {
        case .sub32, .sub64:
            switch condition {
            case .eq: return compare(LLVMIntEQ)
            case .ne: return compare(LLVMIntNE)
            case .cs: return compare(LLVMIntUGE)
            case .cc: return compare(LLVMIntULT)
            case .hi: return compare(LLVMIntUGT)
            case .ls: return compare(LLVMIntULE)
            case .ge: return compare(LLVMIntSGE)
            case .lt: return compare(LLVMIntSLT)
            case .gt: return compare(LLVMIntSGT)
            case .le: return compare(LLVMIntSLE)
            case .mi, .pl, .vs, .vc, .al, .nv: return nil
            }
        case .float, .double:
            let (x, y) = floatingPoint(operation)
            let predicate: LLVMRealPredicate
            switch condition {
            case .eq: predicate = LLVMRealOEQ
            case .ne: predicate = LLVMRealUNE
            case .cs, .pl: predicate = LLVMRealUGE
            case .cc, .mi: predicate = LLVMRealOLT
            case .vs: predicate = LLVMRealUNO
            case .vc: predicate = LLVMRealORD
            case .hi: predicate = LLVMRealUGT
            case .ls: predicate = LLVMRealOLE
            case .ge: predicate = LLVMRealOGE
            case .lt: predicate = LLVMRealULT
            case .gt: predicate = LLVMRealOGT
            case .le: predicate = LLVMRealULE
            case .al, .nv: return nil
            }
            return LLVMBuildFCmp(b, predicate, x, y, "")
        case .words, .add32, .add64, .logic32, .logic64, .adc32, .adc64, .packed: return nil
        }
    }

    /// - Parameter f: nil when the words are in the CPU struct.
    private func lowerCondition(_ condition: Condition, _ f: FlagValues?) -> LLVMValueRef {
        let zero = l.const(0, l.i64)
        func n() -> LLVMValueRef { LLVMBuildICmp(b, LLVMIntSLT, f?.n ?? loadState(Int(NT_CPU_NF), l.i64), zero, "") }
        func z() -> LLVMValueRef { LLVMBuildICmp(b, LLVMIntEQ, f?.z ?? loadState(Int(NT_CPU_ZF), l.i64), zero, "") }
        func c() -> LLVMValueRef { LLVMBuildICmp(b, LLVMIntNE, f?.c ?? loadState(Int(NT_CPU_CF), l.i64), zero, "") }
        func v() -> LLVMValueRef { LLVMBuildICmp(b, LLVMIntNE, f?.v ?? loadState(Int(NT_CPU_VF), l.i64), zero, "") }
        func not(_ x: LLVMValueRef) -> LLVMValueRef { LLVMBuildNot(b, x, "") }
        switch condition {
        case .eq: return z()
        case .ne: return not(z())
        case .cs: return c()
        case .cc: return not(c())
        case .mi: return n()
        case .pl: return not(n())
        case .vs: return v()
        case .vc: return not(v())
        case .hi: return LLVMBuildAnd(b, c(), not(z()), "")
        case .ls: return LLVMBuildOr(b, not(c()), z(), "")
        case .ge: return not(LLVMBuildXor(b, n(), v(), ""))
        case .lt: return LLVMBuildXor(b, n(), v(), "")
        case .gt: return LLVMBuildAnd(b, not(z()), not(LLVMBuildXor(b, n(), v(), "")), "")
        case .le: return LLVMBuildOr(b, z(), LLVMBuildXor(b, n(), v(), ""), "")
        case .al, .nv: return l.const(1, l.i1)
        }
    }
}
