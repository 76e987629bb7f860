internal import CLLVM
internal import EmuIR

/// Vector operations. An IR value of type i128 is `<2 x i64>`; each operation casts to the lanes it works on.
extension TBLowering {
    private func lanes(_ v: Value, _ lane: Int) -> LLVMValueRef {
        LLVMBuildBitCast(b, value(v), l.vector(lane: lane), "")
    }
    private func whole(_ v: LLVMValueRef) -> LLVMValueRef { LLVMBuildBitCast(b, v, l.vector(lane: 3), "") }

    private func shuffle(_ a: LLVMValueRef, _ c: LLVMValueRef, _ indices: [Int]) -> LLVMValueRef {
        LLVMBuildShuffleVector(b, a, c, l.shuffleMask(indices), "")
    }

    /// The high half of the doubled product, which only the square of the minimum takes out of range.
    private func highProduct(_ x: LLVMValueRef, _ y: LLVMValueRef, _ lane: Int, rounds: Bool) -> LLVMValueRef {
        if lane == 1, rounds {
            // The host's instruction, but that it wraps at the one product out of range.
            let minimum = l.splat(0x8000, lane: 1)
            let product = call("llvm.x86.ssse3.pmul.hr.sw.128", [], [x, y])
            let wrapped = LLVMBuildSExt(b, LLVMBuildICmp(b, LLVMIntEQ, product, minimum, ""), l.vector(lane: 1), "")
            return LLVMBuildXor(b, product, wrapped, "")
        }
        let bits = UInt64(8 << lane)
        let count = 16 >> lane
        let wide = LLVMVectorType(l.int(Int(bits) * 2), UInt32(count))!
        func splat(_ number: UInt64) -> LLVMValueRef {
            var elements = [LLVMValueRef?](repeating: l.const(number, l.int(Int(bits) * 2)), count: count)
            return LLVMConstVector(&elements, UInt32(count))
        }
        var product = LLVMBuildMul(b, LLVMBuildSExt(b, x, wide, ""), LLVMBuildSExt(b, y, wide, ""), "")!
        if rounds { product = LLVMBuildAdd(b, product, splat(1 << (bits - 2)), "") }
        let high = LLVMBuildAShr(b, product, splat(bits - 1), "")!
        let limited = call("llvm.smin", [wide], [high, splat(1 << (bits - 1) - 1)])
        return LLVMBuildTrunc(b, limited, l.vector(lane: lane), "")
    }

    func lowerVector(_ i: IRInst) -> LLVMValueRef {
        let lane = Int(i.aux)
        let count = 16 >> lane
        let bits = 8 << lane
        let type = l.vector(lane: lane)
        let index = Int(truncatingIfNeeded: i.imm)
        func a() -> LLVMValueRef { lanes(i.a, lane) }
        func c() -> LLVMValueRef { lanes(i.b, lane) }
        func compare(_ predicate: LLVMIntPredicate) -> LLVMValueRef {
            whole(LLVMBuildSExt(b, LLVMBuildICmp(b, predicate, a(), c(), ""), type, ""))
        }
        func binary(_ name: String) -> LLVMValueRef { whole(call(name, [type], [a(), c()])) }
        func permute(_ indices: [Int]) -> LLVMValueRef { whole(shuffle(a(), c(), indices)) }
        switch i.op {
        case .pack128:
            let low = LLVMBuildInsertElement(b, LLVMConstNull(l.vector(lane: 3)), value(i.a), l.const(0, l.i32), "")!
            return LLVMBuildInsertElement(b, low, value(i.b), l.const(1, l.i32), "")
        case .lo64: return LLVMBuildExtractElement(b, value(i.a), l.const(0, l.i32), "")
        case .hi64: return LLVMBuildExtractElement(b, value(i.a), l.const(1, l.i32), "")
        case .vconst:
            var parts: [LLVMValueRef?] = [l.const(i.imm, l.i64), l.const(i.imm2, l.i64)]
            return LLVMConstVector(&parts, 2)
        case .vand: return LLVMBuildAnd(b, value(i.a), value(i.b), "")
        case .vor: return LLVMBuildOr(b, value(i.a), value(i.b), "")
        case .vxor: return LLVMBuildXor(b, value(i.a), value(i.b), "")
        case .vandNot: return LLVMBuildAnd(b, value(i.a), LLVMBuildNot(b, value(i.b), ""), "")
        case .vnot: return LLVMBuildNot(b, value(i.a), "")
        case .vselect:
            let yes = LLVMBuildAnd(b, value(i.a), value(i.b), "")
            return LLVMBuildOr(b, yes, LLVMBuildAnd(b, LLVMBuildNot(b, value(i.a), ""), value(i.c), ""), "")
        case .vadd: return whole(LLVMBuildAdd(b, a(), c(), ""))
        case .vsub: return whole(LLVMBuildSub(b, a(), c(), ""))
        case .vmul: return whole(LLVMBuildMul(b, a(), c(), ""))
        case .vneg: return whole(LLVMBuildSub(b, LLVMConstNull(type), a(), ""))
        case .vabs: return whole(call("llvm.abs", [type], [a(), l.const(0, l.i1)]))
        case .vsmax: return binary("llvm.smax")
        case .vsmin: return binary("llvm.smin")
        case .vumax: return binary("llvm.umax")
        case .vumin: return binary("llvm.umin")
        case .vsqadd: return binary("llvm.sadd.sat")
        case .vuqadd: return binary("llvm.uadd.sat")
        case .vsqsub: return binary("llvm.ssub.sat")
        case .vuqsub: return binary("llvm.usub.sat")
        case .vsqdmulh, .vsqrdmulh: return whole(highProduct(a(), c(), lane, rounds: i.op == .vsqrdmulh))
        case .vcmpEQ: return compare(LLVMIntEQ)
        case .vcmpSGT: return compare(LLVMIntSGT)
        case .vcmpSGE: return compare(LLVMIntSGE)
        case .vcmpUGT: return compare(LLVMIntUGT)
        case .vcmpUGE: return compare(LLVMIntUGE)
        case .vshl:
            if index >= bits { return LLVMConstNull(l.vector(lane: 3)) }
            return whole(LLVMBuildShl(b, a(), l.splat(UInt64(index), lane: lane), ""))
        case .vlshr:
            if index >= bits { return LLVMConstNull(l.vector(lane: 3)) }
            return whole(LLVMBuildLShr(b, a(), l.splat(UInt64(index), lane: lane), ""))
        case .vashr: return whole(LLVMBuildAShr(b, a(), l.splat(UInt64(min(index, bits - 1)), lane: lane), ""))
        case .vdup:
            let element = lane == 3 ? value(i.a) : LLVMBuildTrunc(b, value(i.a), l.int(bits), "")!
            let first = LLVMBuildInsertElement(b, LLVMGetUndef(type), element, l.const(0, l.i32), "")!
            return whole(shuffle(first, first, Array(repeating: 0, count: count)))
        case .vinsert:
            let element = lane == 3 ? value(i.b) : LLVMBuildTrunc(b, value(i.b), l.int(bits), "")!
            return whole(LLVMBuildInsertElement(b, a(), element, l.const(index, l.i32), ""))
        case .vextract:
            let element = LLVMBuildExtractElement(b, a(), l.const(index, l.i32), "")!
            return lane == 3 ? element : LLVMBuildZExt(b, element, l.i64, "")
        case .vext:
            return whole(shuffle(lanes(i.a, 0), lanes(i.b, 0), (0..<16).map { $0 + index }))
        case .vzip1: return permute((0..<count).map { $0 / 2 + ($0 & 1) * count })
        case .vzip2: return permute((0..<count).map { count / 2 + $0 / 2 + ($0 & 1) * count })
        case .vuzp1: return permute((0..<count).map { $0 * 2 })
        case .vuzp2: return permute((0..<count).map { $0 * 2 + 1 })
        case .vtrn1: return permute((0..<count).map { $0 & ~1 | 0 + ($0 & 1) * count })
        case .vtrn2: return permute((0..<count).map { ($0 | 1) + ($0 & 1) * count })
        case .vrev:
            // Lanes of `lane` reversed in containers of `index` (log2 bytes): flip the bits of the lane number below it.
            let flip = (1 << (index - lane)) - 1
            return whole(shuffle(a(), a(), (0..<count).map { $0 ^ flip }))
        case .vnarrow:
            let narrow = l.vector(lane: lane - 1)
            let source = LLVMBuildBitCast(b, value(i.a), narrow, "")!
            let zero = LLVMConstNull(narrow)!
            return whole(shuffle(source, zero, (0..<count * 2).map { $0 < count ? $0 * 2 : count * 2 }))
        case .vsextLow, .vzextLow:
            let source = shuffle(a(), a(), Array(0..<count / 2))
            let wide = l.vector(lane: lane + 1)
            return whole(i.op == .vsextLow ? LLVMBuildSExt(b, source, wide, "") : LLVMBuildZExt(b, source, wide, ""))
        case .vcnt: return whole(call("llvm.ctpop", [l.vector(lane: 0)], [lanes(i.a, 0)]))
        default: preconditionFailure("not a vector operation: \(i.op)")
        }
    }
}
