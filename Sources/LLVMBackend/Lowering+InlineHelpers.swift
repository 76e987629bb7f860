internal import CHost
internal import CLLVM
internal import EmuIR

/// Helpers that are a few host instructions: vector code, or special instructions of hosts that have them.
extension TBLowering {
    /// The helper's result computed in place; nil where it must be called.
    func inlined(_ helper: Helper, _ i: IRInst) -> LLVMValueRef? {
        if helper == .vshlRegister { return shiftByRegister(i) }
        if helper == .tableLookup { return tableLookup(i) }
        let host = nt_host_instructions()
        if helper == .aes, host & NT_HOST_AES != 0 { return aes(i) }
        if helper == .polynomialMultiply, host & NT_HOST_CARRYLESS_PRODUCT != 0 { return carrylessProduct(i) }
        if helper == .sha256h || helper == .sha256h2, host & NT_HOST_SHA256 != 0 {
            return sha256(i, second: helper == .sha256h2)
        }
        return nil
    }

    private func constant(_ v: Value) -> UInt64? { block[v].op == .const ? block[v].imm : nil }

    /// The host's last rounds add the key behind the substitution: a zero one here.
    private func aes(_ i: IRInst) -> LLVMValueRef? {
        let zero = LLVMConstNull(l.vector(lane: 3))!
        switch constant(i.c) {
        case 0: return call("llvm.x86.aesni.aesenclast", [], [LLVMBuildXor(b, value(i.a), value(i.b), ""), zero])
        case 1: return call("llvm.x86.aesni.aesdeclast", [], [LLVMBuildXor(b, value(i.a), value(i.b), ""), zero])
        case 2:
            // AESE and AESMC of its result are one round of the host's.
            if case let first = block[i.a], first.op == .call, first.imm == UInt64(Helper.aes.rawValue), constant(first.c) == 0 {
                return call("llvm.x86.aesni.aesenc", [], [LLVMBuildXor(b, value(first.a), value(first.b), ""), zero])
            }
            // Substitution and shift undone, then done again with the columns mixed.
            let plain = call("llvm.x86.aesni.aesdeclast", [], [value(i.a), zero])
            return call("llvm.x86.aesni.aesenc", [], [plain, zero])
        case 3:
            if case let first = block[i.a], first.op == .call, first.imm == UInt64(Helper.aes.rawValue), constant(first.c) == 1 {
                // The host mixes before it adds the key: its key is zero, so the order does not matter.
                return call("llvm.x86.aesni.aesdec", [], [LLVMBuildXor(b, value(first.a), value(first.b), ""), zero])
            }
            return call("llvm.x86.aesni.aesimc", [], [value(i.a)])
        default: return nil
        }
    }

    private func carrylessProduct(_ i: IRInst) -> LLVMValueRef? {
        guard constant(i.c) == 2 else { return nil }
        return call("llvm.x86.pclmulqdq", [], [value(i.a), value(i.b), l.const(0, l.i8)])
    }

    /// The host does two rounds on ABEF and CDGH, highest word first.
    private func sha256(_ i: IRInst, second: Bool) -> LLVMValueRef {
        let words = l.vector(lane: 2)
        func word(_ v: Value) -> LLVMValueRef { LLVMBuildBitCast(b, value(v), words, "") }
        func shuffle(_ x: LLVMValueRef, _ y: LLVMValueRef, _ indices: [Int]) -> LLVMValueRef {
            LLVMBuildShuffleVector(b, x, y, l.shuffleMask(indices), "")
        }
        let abcd = word(second ? i.b : i.a)
        let efgh = word(second ? i.a : i.b)
        let schedule = word(i.c)
        let abef = shuffle(efgh, abcd, [1, 0, 5, 4])
        let cdgh = shuffle(efgh, abcd, [3, 2, 7, 6])
        let half = call("llvm.x86.sha256rnds2", [], [cdgh, abef, schedule])
        let upper = shuffle(schedule, schedule, [2, 3, 2, 3])
        let whole = call("llvm.x86.sha256rnds2", [], [abef, half, upper])
        // The ABEF of two rounds before is the CDGH now.
        let result = shuffle(whole, half, second ? [1, 0, 5, 4] : [3, 2, 7, 6])
        return LLVMBuildBitCast(b, result, l.vector(lane: 3), "")
    }

    /// TBL, TBX: PSHUFB of each table register. An index outside of the register gets its top bit set by a saturating addition,
    /// which makes the byte zero.
    private func tableLookup(_ i: IRInst) -> LLVMValueRef? {
        guard let table = constant(i.c) else { return nil }
        let bytes = l.vector(lane: 0)
        let count = Int(table >> 5) + 1
        let indices = LLVMBuildBitCast(b, value(i.a), bytes, "")!
        var result = LLVMConstNull(bytes)!
        for n in 0..<count {
            let register = (Int(table & 31) + n) & 31
            let source = LLVMBuildBitCast(b, loadState(Int(NT_CPU_V) + register * 16, l.vector(lane: 3)), bytes, "")!
            let relative = n == 0 ? indices : LLVMBuildSub(b, indices, l.splat(UInt64(16 * n), lane: 0), "")!
            let marked = call("llvm.uadd.sat", [bytes], [relative, l.splat(0x70, lane: 0)])
            let part = call("llvm.x86.ssse3.pshuf.b.128", [], [source, marked])
            result = n == 0 ? part : LLVMBuildOr(b, result, part, "")
        }
        let isTBL = block[i.b].op == .vconst && block[i.b].imm == 0 && block[i.b].imm2 == 0
        if !isTBL {
            let isInside = LLVMBuildICmp(b, LLVMIntULT, indices, l.splat(UInt64(16 * count), lane: 0), "")
            result = LLVMBuildSelect(b, isInside, result, LLVMBuildBitCast(b, value(i.b), bytes, ""), "")
        }
        return LLVMBuildBitCast(b, result, l.vector(lane: 3), "")
    }

    /// Both directions, selected by the amount's sign. LLVM shifts by less than the width only.
    private func shiftByRegister(_ i: IRInst) -> LLVMValueRef? {
        guard let mode = constant(i.c) else { return nil }
        let lane = Int(mode & 3)
        let isUnsigned = mode & 4 != 0
        let width = UInt64(8 << lane)
        let type = l.vector(lane: lane)
        let zero = LLVMConstNull(type)!
        let limit = l.splat(width, lane: lane)
        let x = LLVMBuildBitCast(b, value(i.a), type, "")!
        var amount = LLVMBuildBitCast(b, value(i.b), type, "")!
        if lane > 0 {
            // The low byte, sign-extended.
            let rest = l.splat(width - 8, lane: lane)
            amount = LLVMBuildAShr(b, LLVMBuildShl(b, amount, rest, ""), rest, "")
        }
        /// Zero where the distance is the width or more.
        func bounded(_ shift: (LLVMValueRef) -> LLVMValueRef, _ distance: LLVMValueRef) -> LLVMValueRef {
            let inside = LLVMBuildICmp(b, LLVMIntULT, distance, limit, "")!
            let modulo = LLVMBuildAnd(b, distance, l.splat(width - 1, lane: lane), "")!
            return LLVMBuildSelect(b, inside, shift(modulo), zero, "")
        }
        func right(_ distance: LLVMValueRef) -> LLVMValueRef {
            if isUnsigned { return bounded({ LLVMBuildLShr(b, x, $0, "") }, distance) }
            let clamped = call("llvm.umin", [type], [distance, l.splat(width - 1, lane: lane)])
            return LLVMBuildAShr(b, x, clamped, "")
        }
        let left = bounded({ LLVMBuildShl(b, x, $0, "") }, amount)
        let distance = LLVMBuildSub(b, zero, amount, "")!
        var shifted = right(distance)
        if mode & 8 != 0 {
            // Rounding adds the last bit shifted out.
            let one = l.splat(1, lane: lane)
            let last = LLVMBuildAnd(b, right(LLVMBuildSub(b, distance, one, "")), one, "")!
            shifted = LLVMBuildAdd(b, shifted, last, "")
        }
        let isRight = LLVMBuildICmp(b, LLVMIntSLT, amount, zero, "")!
        let result = LLVMBuildSelect(b, isRight, shifted, left, "")!
        return LLVMBuildBitCast(b, result, l.vector(lane: 3), "")
    }
}
