internal import CHost
internal import CLLVM
internal import EmuIR

extension TBLowering {
    /// Integer arithmetic, logic, shifts, bit manipulation, width changes, comparisons.
    mutating func lowerInteger(_ i: IRInst) -> LLVMValueRef {
        let a = value(i.a)
        let type = llvmType(i.type)
        let width = i.type.bits
        func second() -> LLVMValueRef { value(i.b) }
        func constant(_ n: Int) -> LLVMValueRef { l.const(n, type) }
        func amount() -> LLVMValueRef {
            // A constant amount is already in range for most producers; masking a constant folds in the builder.
            LLVMBuildAnd(b, second(), constant(width - 1), "")
        }
        switch i.op {
        case .add: return LLVMBuildAdd(b, a, second(), "")
        case .sub: return LLVMBuildSub(b, a, second(), "")
        case .mul: return LLVMBuildMul(b, a, second(), "")
        case .umulh: return highProduct(LLVMBuildZExt(b, a, l.i128, ""), LLVMBuildZExt(b, second(), l.i128, ""))
        case .smulh: return highProduct(LLVMBuildSExt(b, a, l.i128, ""), LLVMBuildSExt(b, second(), l.i128, ""))
        case .udiv: return divide(i, signed: false)
        case .sdiv: return divide(i, signed: true)
        case .adc: return LLVMBuildAdd(b, LLVMBuildAdd(b, a, second(), ""), carry(type), "")
        case .sbc:
            return LLVMBuildAdd(b, LLVMBuildAdd(b, a, LLVMBuildNot(b, second(), ""), ""), carry(type), "")
        case .and: return LLVMBuildAnd(b, a, second(), "")
        case .or: return LLVMBuildOr(b, a, second(), "")
        case .xor: return LLVMBuildXor(b, a, second(), "")
        case .andNot: return LLVMBuildAnd(b, a, LLVMBuildNot(b, second(), ""), "")
        case .not: return LLVMBuildNot(b, a, "")
        case .shl: return LLVMBuildShl(b, a, amount(), "")
        case .lshr: return LLVMBuildLShr(b, a, amount(), "")
        case .ashr: return LLVMBuildAShr(b, a, amount(), "")
        case .ror: return call("llvm.fshr", [type], [a, a, amount()])
        case .clz: return call("llvm.ctlz", [type], [a, l.const(0, l.i1)])
        case .cls:
            // Leading bits equal to the sign bit, the sign bit itself not counted.
            let sign = LLVMBuildAShr(b, a, constant(width - 1), "")!
            let differing = LLVMBuildXor(b, a, sign, "")!
            let shifted = LLVMBuildOr(b, LLVMBuildShl(b, differing, constant(1), ""), constant(1), "")!
            return call("llvm.ctlz", [type], [shifted, l.const(0, l.i1)])
        case .rbit: return call("llvm.bitreverse", [type], [a])
        case .bswap: return call("llvm.bswap", [type], [a])
        case .rev16:
            let swapped = call("llvm.bswap", [type], [a])
            // Reversing all bytes and then the 16-bit units leaves each unit's bytes swapped in place.
            if width == 32 { return call("llvm.fshl", [type], [swapped, swapped, constant(16)]) }
            let low: UInt64 = 0x00ff_00ff_00ff_00ff
            let up = LLVMBuildShl(b, LLVMBuildAnd(b, a, l.const(low, type), ""), constant(8), "")!
            let down = LLVMBuildAnd(b, LLVMBuildLShr(b, a, constant(8), ""), l.const(low, type), "")!
            return LLVMBuildOr(b, up, down, "")
        case .ubfx:
            let shifted = i.imm == 0 ? a : LLVMBuildLShr(b, a, l.const(i.imm, type), "")!
            if i.imm + i.imm2 >= UInt64(width) { return shifted }
            return LLVMBuildAnd(b, shifted, l.const((1 << i.imm2) &- 1, type), "")
        case .sbfx:
            let left = UInt64(width) - i.imm - i.imm2
            let up = left == 0 ? a : LLVMBuildShl(b, a, l.const(left, type), "")!
            return LLVMBuildAShr(b, up, l.const(UInt64(width) - i.imm2, type), "")
        case .bfi:
            if i.imm2 >= UInt64(width) { return second() }
            let mask = (UInt64(1) << i.imm2) &- 1
            let kept = LLVMBuildAnd(b, a, l.const(~(mask << i.imm), type), "")!
            let field = LLVMBuildShl(b, LLVMBuildAnd(b, second(), l.const(mask, type), ""), l.const(i.imm, type), "")!
            return LLVMBuildOr(b, kept, field, "")
        case .extr:
            if i.imm == 0 { return second() }
            return call("llvm.fshr", [type], [a, second(), l.const(i.imm, type)])
        case .zext:
            guard i.type == .i128 else { return LLVMBuildZExt(b, a, type, "") }
            if isVectorLoad[i.a.index] {
                // Built of doubles: as integers, the load would go through a general register.
                let doubles = LLVMVectorType(l.double, 2)!
                let whole = LLVMBuildInsertElement(
                    b, LLVMConstNull(doubles), LLVMBuildBitCast(b, a, l.double, ""), l.const(0, l.i32), "")
                return LLVMBuildBitCast(b, whole, type, "")
            }
            let low = block.type(of: i.a) == .i64 ? a : LLVMBuildZExt(b, a, l.i64, "")!
            let zero = LLVMConstNull(type)!
            return LLVMBuildInsertElement(b, zero, low, l.const(0, l.i32), "")
        case .sext: return LLVMBuildSExt(b, a, type, "")
        case .trunc:
            guard block.type(of: i.a) == .i128 else { return LLVMBuildTrunc(b, a, type, "") }
            let low = LLVMBuildExtractElement(b, a, l.const(0, l.i32), "")!
            return i.type == .i64 ? low : LLVMBuildTrunc(b, low, type, "")
        case .icmpEQ: return LLVMBuildICmp(b, LLVMIntEQ, a, second(), "")
        case .icmpNE: return LLVMBuildICmp(b, LLVMIntNE, a, second(), "")
        case .icmpULT: return LLVMBuildICmp(b, LLVMIntULT, a, second(), "")
        case .icmpULE: return LLVMBuildICmp(b, LLVMIntULE, a, second(), "")
        case .icmpSLT: return LLVMBuildICmp(b, LLVMIntSLT, a, second(), "")
        case .icmpSLE: return LLVMBuildICmp(b, LLVMIntSLE, a, second(), "")
        case .select: return LLVMBuildSelect(b, a, second(), value(i.c), "")
        case .crc32, .crc32c: return checksum(i)
        case .nop, .insn, .const, .get, .set, .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsCcmpSub,
            .flagsCcmpAdd, .flagsSet, .flagsGet, .cond, .load, .store, .loadExclusive, .storeExclusive, .clearExclusive,
            .atomicRMW, .compareAndSwap, .fence, .zeroBlock, .pack128, .lo64, .hi64, .vconst, .vand, .vor, .vxor,
            .vandNot, .vnot, .vselect, .vadd, .vsub, .vmul, .vneg, .vabs, .vsmax, .vsmin, .vumax, .vumin,
            .vsqadd, .vuqadd, .vsqsub, .vuqsub, .vsqdmulh, .vsqrdmulh,
            .vcmpEQ,
            .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE, .vshl, .vlshr, .vashr, .vdup, .vinsert, .vextract, .vext, .vzip1,
            .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2, .vrev, .vnarrow, .vsextLow, .vzextLow, .vcnt, .fpBinary, .fpUnary, .fpFMA,
            .fpConvert, .fpToInt, .fpFromInt, .fpToGeneral, .fpFromGeneral, .flagsFPCompare, .fpCollect, .call, .pluginAdd,
            .pluginStore, .pluginLoad, .pluginCall, .pluginCallIf, .pluginMemCall, .chain, .branchIf, .branchIndirect,
            .raise, .exitTo:
            preconditionFailure("not an integer operation: \(i.op)")
        }
    }

    private func highProduct(_ a: LLVMValueRef, _ c: LLVMValueRef) -> LLVMValueRef {
        let product = LLVMBuildMul(b, a, c, "")!
        return LLVMBuildTrunc(b, LLVMBuildLShr(b, product, l.const(64, l.i128), ""), l.i64, "")
    }

    /// Arm division: x / 0 is 0 and minimum / -1 wraps, both of which trap on the host, so the divisor is replaced.
    private func divide(_ i: IRInst, signed: Bool) -> LLVMValueRef {
        let type = llvmType(i.type)
        let a = value(i.a)
        let d = value(i.b)
        let zero = l.const(0, type)
        let one = l.const(1, type)
        let isZero = LLVMBuildICmp(b, LLVMIntEQ, d, zero, "")!
        guard signed else {
            let quotient = LLVMBuildUDiv(b, a, LLVMBuildSelect(b, isZero, one, d, ""), "")!
            return LLVMBuildSelect(b, isZero, zero, quotient, "")
        }
        let isMinusOne = LLVMBuildICmp(b, LLVMIntEQ, d, l.const(-1, type), "")!
        let special = LLVMBuildOr(b, isZero, isMinusOne, "")!
        let quotient = LLVMBuildSDiv(b, a, LLVMBuildSelect(b, special, one, d, ""), "")!
        let negated = LLVMBuildSub(b, zero, a, "")!
        let other = LLVMBuildSelect(b, isZero, zero, negated, "")!
        return LLVMBuildSelect(b, special, other, quotient, "")
    }

    /// Barrett reduction in bit-reversed form: the quotient by P = 0x104C11DB7 from the low half of the product with
    /// floor(x^96 / P), the remainder in bits 95:64 of the quotient's product with P.
    private func crc32ByProducts(_ accumulator: LLVMValueRef, _ data: LLVMValueRef, size: Int) -> LLVMValueRef {
        let crc = LLVMBuildZExt(b, accumulator, l.i64, "")!
        var x = LLVMBuildXor(b, crc, data, "")!
        let bits = UInt64(8 << size)
        if bits < 64 { x = LLVMBuildShl(b, x, l.const(64 - bits, l.i64), "") }
        func vector(_ low: LLVMValueRef) -> LLVMValueRef {
            LLVMBuildInsertElement(b, LLVMConstNull(l.vector(lane: 3)), low, l.const(0, l.i32), "")
        }
        func product(_ a: LLVMValueRef, _ constant: UInt64) -> LLVMValueRef {
            call("llvm.x86.pclmulqdq", [], [a, vector(l.const(constant, l.i64)), l.const(0, l.i8)])
        }
        let quotient = product(vector(x), 0xb4e5_b025_f701_1641)
        let remainder = LLVMBuildExtractElement(b, product(quotient, 0x1_db71_0641), l.const(1, l.i32), "")!
        let result = LLVMBuildTrunc(b, remainder, l.i32, "")!
        if bits >= 32 { return result }
        return LLVMBuildXor(b, result, LLVMBuildLShr(b, accumulator, l.const(bits, l.i32), ""), "")
    }

    private func checksum(_ i: IRInst) -> LLVMValueRef {
        let size = Int(i.aux)
        let dataIs64 = block.type(of: i.b) == .i64
        if i.op == .crc32c {
            let data = value(i.b)
            switch size {
            case 3:
                let wide = LLVMBuildZExt(b, value(i.a), l.i64, "")!
                return LLVMBuildTrunc(b, call("llvm.x86.sse42.crc32.64.64", [], [wide, data]), l.i32, "")
            case 2:
                let word = dataIs64 ? LLVMBuildTrunc(b, data, l.i32, "")! : data
                return call("llvm.x86.sse42.crc32.32.32", [], [value(i.a), word])
            case 1:
                return call("llvm.x86.sse42.crc32.32.16", [], [value(i.a), LLVMBuildTrunc(b, data, l.i16, "")])
            default:
                return call("llvm.x86.sse42.crc32.32.8", [], [value(i.a), LLVMBuildTrunc(b, data, l.i8, "")])
            }
        }
        let data = dataIs64 ? value(i.b) : LLVMBuildZExt(b, value(i.b), l.i64, "")!
        if nt_host_instructions() & NT_HOST_CARRYLESS_PRODUCT != 0 { return crc32ByProducts(value(i.a), data, size: size) }
        return hostCall(
            HostFunctions.crc32, result: l.i32, parameters: [l.pointer, l.i32, l.i64, l.i32],
            [cpu, value(i.a), data, l.const(size, l.i32)])
    }
}
