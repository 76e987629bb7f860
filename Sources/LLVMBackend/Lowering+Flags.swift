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
        if let registers = region?.registers {
            if let known = registers.flags.known, known.source != .words { return flags(of: known.source, known.a!, known.c!) }
            registers.flags.writeBack(&self)
        }
        func word(_ offset: Int) -> LLVMValueRef { loadState(offset, l.i64) }
        return FlagValues(n: word(Int(NT_CPU_NF)), z: word(Int(NT_CPU_ZF)), c: word(Int(NT_CPU_CF)), v: word(Int(NT_CPU_VF)))
    }

    /// Writes the words to memory, wherever the flags may be noted.
    func storeFlagWords(_ f: FlagValues) {
        for (offset, value) in zip(HeldRegister.flagOffsets, [f.n, f.z, f.c, f.v]) {
            LLVMBuildStore(b, value, address(cpu, offset))
        }
    }

    func flags(of source: LazyFlags.Source, _ a: LLVMValueRef, _ c: LLVMValueRef) -> FlagValues {
        switch source {
        case .add32, .add64: return arithmetic(a, c, source.type, subtract: false)
        case .sub32, .sub64: return arithmetic(a, c, source.type, subtract: true)
        case .logic32, .logic64:
            let s = signed(a, source.type)
            return FlagValues(n: s, z: s, c: l.const(0, l.i64), v: l.const(0, l.i64))
        case .words: preconditionFailure("no operation")
        }
    }

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

    /// AddWithCarry(a, c, C): flags of a + c + C.
    private mutating func withCarry(_ a: LLVMValueRef, _ c: LLVMValueRef, _ type: IRType) -> FlagValues {
        let t = llvmType(type)
        let carryIn = carry(t)
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
        switch i.op {
        case .flagsAdd, .flagsSub, .flagsLogic:
            let a = value(i.a)
            let c = i.op == .flagsLogic ? a : value(i.b)
            let source = LazyFlags.Source(i.op, i.type)
            if let region { return region.registers.setFlags(source, a, c, self) }
            store(flags(of: source, a, c))
        case .flagsAdc: store(withCarry(value(i.a), value(i.b), i.type))
        case .flagsSbc: store(withCarry(value(i.a), LLVMBuildNot(b, value(i.b), ""), i.type))
        case .flagsCcmpSub, .flagsCcmpAdd:
            let f = arithmetic(value(i.b), value(i.c), i.type, subtract: i.op == .flagsCcmpSub)
            let k = UInt64(i.aux)
            func pick(_ yes: LLVMValueRef, _ no: UInt64) -> LLVMValueRef {
                LLVMBuildSelect(b, value(i.a), yes, l.const(no, l.i64), "")
            }
            store(
                FlagValues(
                    n: pick(f.n, (k >> 3) << 63), z: pick(f.z, k & 4 != 0 ? 0 : 1), c: pick(f.c, k >> 1 & 1),
                    v: pick(f.v, k & 1)))
        case .flagsSet:
            let p = value(i.a)
            func bit(_ n: UInt64) -> LLVMValueRef {
                LLVMBuildAnd(b, LLVMBuildLShr(b, p, l.const(n, l.i64), ""), l.const(1, l.i64), "")
            }
            store(
                FlagValues(
                    n: LLVMBuildShl(b, p, l.const(32, l.i64), ""),
                    z: LLVMBuildXor(b, bit(30), l.const(1, l.i64), ""), c: bit(29), v: bit(28)))
        default: preconditionFailure("not a flag operation: \(i.op)")
        }
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
        // Outside of regions only what the condition reads is loaded.
        let f = region == nil ? nil : flagValues()
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
