internal import CHost
internal import EmuIR

/// NZCV, as the CPU struct keeps it: `nf` has N in bit 63, `zf` is 0 when Z, `cf` and `vf` are 0 or 1; the upper bytes of the
/// last two are always zero, so that one byte is written. And what the host's own flags still know.
extension BaselineCompiler {
    /// When a condition holds.
    enum Truth {
        case always
        case never
        case when(HostCondition)
    }

    private static var n: HostAddress { HostAddress(cpu: Int(NT_CPU_NF)) }
    private static var z: HostAddress { HostAddress(cpu: Int(NT_CPU_ZF)) }
    private static var c: HostAddress { HostAddress(cpu: Int(NT_CPU_CF)) }
    private static var v: HostAddress { HostAddress(cpu: Int(NT_CPU_VF)) }

    // MARK: Conditions

    /// Sets the host's flags for an i1 value. Changes RAX; no register that holds a value.
    mutating func truth(_ value: Value) -> Truth {
        let r = root(value)
        if let known = constant(value) { return known & 1 != 0 ? .always : .never }
        if states[r].kind == .deferred {
            let inst = insts[r]
            return inst.op == .cond ? flagsCondition(Condition(rawValue: inst.aux)!) : .when(compare(inst))
        }
        let register = gpr(value)
        asm.test(register, register, wide: false)
        return .when(.notEqual)
    }

    private static func condition(_ op: Opcode) -> HostCondition {
        switch op {
        case .icmpEQ: .equal
        case .icmpNE: .notEqual
        case .icmpULT: .below
        case .icmpULE: .belowOrEqual
        case .icmpSLT: .less
        default: .lessOrEqual
        }
    }

    /// Makes a comparison, unless the flags are its already.
    private mutating func compare(_ i: IRInst) -> HostCondition {
        let condition = Self.condition(i.op)
        if asm.flagsEpoch == comparison.epoch, comparison.type == i.type {
            if comparison.isLogic {
                if comparison.a == i.a, constant(i.b) == 0 { return condition }
                if comparison.a == i.b, constant(i.a) == 0 { return condition.swapped }
            } else {
                if comparison.a == i.a, comparison.b == i.b { return condition }
                if comparison.a == i.b, comparison.b == i.a { return condition.swapped }
            }
        }
        let wide = i.type == .i64
        if constant(i.a) != nil, constant(i.b) == nil {
            emitCompare(i.b, i.a, wide: wide)
            return condition.swapped
        }
        emitCompare(i.a, i.b, wide: wide)
        return condition
    }

    private mutating func emitCompare(_ a: Value, _ b: Value, wide: Bool) {
        if let value = immediate(b) {
            if value == 0, !isInMemoryOnly(a) {
                let x = gpr(a)
                asm.test(x, x, wide: wide)
            } else if let m = memoryOperand(a) {
                asm.arithmetic(.cmp, m, value, wide: wide)
            } else {
                asm.arithmetic(.cmp, gpr(a), value, wide: wide)
            }
            return
        }
        let x = gpr(a)
        if let m = memoryOperand(b) {
            asm.arithmetic(.cmp, x, m, wide: wide)
        } else {
            asm.arithmetic(.cmp, x, gpr(b), wide: wide)
        }
    }
    private func isInMemoryOnly(_ v: Value) -> Bool { memoryOperand(v) != nil }

    mutating func emitCond(_ i: IRInst) {
        let condition = Condition(rawValue: i.aux)!
        if states[current].kind == .deferred { return }
        // The flags change before it is used.
        let truth = flagsCondition(condition)
        let d = resultGPR()
        put(truth, into: d)
    }

    /// 0 or 1.
    private mutating func put(_ truth: Truth, into d: GPR) {
        switch truth {
        case .always: asm.mov(d, 1)
        case .never: asm.mov(d, 0)
        case .when(let condition):
            asm.set(.rax, if: condition)
            asm.extend(d, .rax, from: 0, signed: false, wide: false)
        }
    }
    /// As `put`, for a comparison that must become a number after all.
    mutating func materialise(_ value: Value, into d: GPR) { put(truth(value), into: d) }

    /// ConditionHolds of the flags in memory.
    private mutating func flagsCondition(_ condition: Condition) -> Truth {
        switch condition {
        case .eq, .ne:
            asm.arithmetic(.cmp, Self.z, 0, wide: true)
            return .when(condition == .eq ? .equal : .notEqual)
        case .cs, .cc:
            asm.compareByte(Self.c, 0)
            return .when(condition == .cs ? .notEqual : .equal)
        case .mi, .pl:
            asm.arithmetic(.cmp, Self.n, 0, wide: true)
            return .when(condition == .mi ? .sign : .noSign)
        case .vs, .vc:
            asm.compareByte(Self.v, 0)
            return .when(condition == .vs ? .notEqual : .equal)
        case .hi, .ls:
            // C and not Z: C stays only where Z is clear.
            asm.mov(.rax, 0)
            asm.arithmetic(.cmp, Self.z, 0, wide: true)
            let isZero = asm.jump(if: .equal)
            asm.load(.rax, Self.c, size: 0, signed: false, wide: false)
            asm.land(isZero)
            asm.test(.rax, .rax, wide: false)
            return .when(condition == .hi ? .notEqual : .equal)
        case .ge, .lt:
            differenceOfNAndV()
            asm.test(.rax, .rax, wide: false)
            return .when(condition == .ge ? .equal : .notEqual)
        case .gt, .le:
            differenceOfNAndV()
            // Borrows when Z is set.
            asm.arithmetic(.cmp, Self.z, 1, wide: true)
            asm.arithmetic(.adc, .rax, 0, wide: false)
            return .when(condition == .gt ? .equal : .notEqual)
        case .al, .nv: return .always
        }
    }

    /// RAX = N XOR V.
    private mutating func differenceOfNAndV() {
        asm.load(.rax, Self.v, size: 0, signed: false, wide: false)
        asm.arithmetic(.cmp, Self.n, 0, wide: true)
        let isClear = asm.jump(if: .noSign)
        asm.arithmetic(.xor, .rax, 1, wide: false)
        asm.land(isClear)
    }

    // MARK: Operations that write NZCV

    mutating func emitFlags(_ i: IRInst) {
        let wide = i.type == .i64
        switch i.op {
        case .flagsAdd, .flagsSub:
            let isSub = i.op == .flagsSub
            if isSub, asm.flagsEpoch == comparison.epoch, !comparison.isLogic, comparison.type == i.type, comparison.a == i.a,
                comparison.b == i.b, let result = difference(behind: i)
            {
                // The subtraction itself stands just before.
                storeFlags(of: result, wide: wide, carry: .aboveOrEqual)
                return
            }
            copy(i.a, to: .rax)
            apply(isSub ? .sub : .add, to: .rax, i.b, wide: wide)
            if isSub { note(i.a, i.b, i.type) }
            storeFlags(of: .rax, wide: wide, carry: isSub ? .aboveOrEqual : .below)
        case .flagsLogic:
            let x = gpr(i.a)
            if asm.flagsEpoch != comparison.epoch || !comparison.isLogic || comparison.a != i.a || comparison.type != i.type {
                asm.test(x, x, wide: wide)
                comparison = Comparison(a: i.a, b: .none, type: i.type, isLogic: true, epoch: asm.flagsEpoch)
            }
            if wide {
                storeSign(x)
            } else {
                asm.extend(.rax, x, from: 2, signed: true, wide: true)
                storeSign(.rax)
            }
            asm.mov(Self.c, 0, size: 0)
            asm.mov(Self.v, 0, size: 0)
        case .flagsAdc, .flagsSbc:
            copy(i.a, to: .rax)
            let x = gpr(i.b)
            loadCarry(borrow: i.op == .flagsSbc)
            asm.arithmetic(i.op == .flagsAdc ? .adc : .sbb, .rax, x, wide: wide)
            storeFlags(of: .rax, wide: wide, carry: i.op == .flagsAdc ? .below : .aboveOrEqual)
        case .flagsCcmpSub, .flagsCcmpAdd: emitConditionalCompare(i)
        case .flagsSet:
            copy(i.a, to: .rax)
            storePacked()
        case .flagsGet:
            let d = resultGPR()
            asm.load(d, Self.v, size: 0, signed: false, wide: false)
            asm.load(.rax, Self.c, size: 0, signed: false, wide: false)
            asm.shift(.left, .rax, 1, wide: false)
            asm.arithmetic(.or, d, .rax, wide: false)
            asm.mov(.rax, 0)
            asm.arithmetic(.cmp, Self.z, 0, wide: true)
            asm.set(.rax, if: .equal)
            asm.shift(.left, .rax, 2, wide: false)
            asm.arithmetic(.or, d, .rax, wide: false)
            asm.mov(.rax, Self.n, wide: true)
            asm.shift(.right, .rax, 63, wide: true)
            asm.shift(.left, .rax, 3, wide: false)
            asm.arithmetic(.or, d, .rax, wide: false)
            asm.shift(.left, d, 28, wide: false)
        default: preconditionFailure("not a flag operation: \(i.op)")
        }
    }

    /// The register of the subtraction right before a `flags_sub` of the same operands.
    private func difference(behind i: IRInst) -> GPR? {
        guard current > 0 else { return nil }
        let before = insts[current - 1]
        guard before.op == .sub, before.a == i.a, before.b == i.b, before.type == i.type, states[current - 1].hasRegister,
            states[current - 1].root == Int32(truncatingIfNeeded: current - 1)
        else { return nil }
        return GPR(number: states[current - 1].register)
    }

    /// The host's flags are those of a - b.
    mutating func note(_ a: Value, _ b: Value, _ type: IRType) {
        comparison = Comparison(a: a, b: b, type: type, isLogic: false, epoch: asm.flagsEpoch)
    }

    /// From a result and the host's flags, which stay as they are. May change RAX.
    private mutating func storeFlags(of result: GPR, wide: Bool, carry: HostCondition) {
        if wide {
            storeSign(result)
        } else {
            asm.extend(.rax, result, from: 2, signed: true, wide: true)
            storeSign(.rax)
        }
        asm.set(Self.c, if: carry)
        asm.set(Self.v, if: .overflow)
    }
    private mutating func storeSign(_ r: GPR) {
        asm.mov(Self.n, r, wide: true)
        asm.mov(Self.z, r, wide: true)
    }

    /// The host's carry = C, or its opposite for a borrow. Changes RCX.
    mutating func loadCarry(borrow: Bool) {
        asm.load(.rcx, Self.c, size: 0, signed: false, wide: false)
        if borrow {
            asm.arithmetic(.cmp, .rcx, 1, wide: false)
        } else {
            asm.arithmetic(.add, .rcx, -1, wide: false)
        }
    }

    /// NZCV from bits 31:28 of RAX. Changes RAX and RCX.
    mutating func storePacked() {
        asm.mov(.rcx, .rax, wide: true)
        asm.shift(.left, .rcx, 32, wide: true)
        asm.mov(Self.n, .rcx, wide: true)
        asm.mov(.rcx, .rax, wide: false)
        asm.shift(.right, .rcx, 30, wide: false)
        asm.arithmetic(.and, .rcx, 1, wide: false)
        asm.arithmetic(.xor, .rcx, 1, wide: false)
        asm.mov(Self.z, .rcx, wide: true)
        asm.mov(.rcx, .rax, wide: false)
        asm.shift(.right, .rcx, 29, wide: false)
        asm.arithmetic(.and, .rcx, 1, wide: false)
        asm.mov(Self.c, .rcx, wide: true)
        asm.shift(.right, .rax, 28, wide: false)
        asm.arithmetic(.and, .rax, 1, wide: false)
        asm.mov(Self.v, .rax, wide: true)
    }

    private mutating func emitConditionalCompare(_ i: IRInst) {
        let wide = i.type == .i64
        // All operands first: what is loaded on one way only would be taken for loaded on the other.
        let a = gpr(i.b)
        let small = immediate(i.c)
        let b = small == nil ? gpr(i.c) : GPR.rcx
        let k = UInt64(i.aux)
        var otherwise: Assembler.Jump?
        var isNever = false
        switch truth(i.a) {
        case .always: break
        case .never: isNever = true
        case .when(let condition): otherwise = asm.jump(if: condition.opposite)
        }
        if !isNever {
            asm.mov(.rax, a, wide: wide)
            let op = i.op == .flagsCcmpSub ? Assembler.Arithmetic.sub : .add
            if let small { asm.arithmetic(op, .rax, small, wide: wide) } else { asm.arithmetic(op, .rax, b, wide: wide) }
            storeFlags(of: .rax, wide: wide, carry: i.op == .flagsCcmpSub ? .aboveOrEqual : .below)
            guard let otherwise else { return }
            let done = asm.jump()
            asm.land(otherwise)
            storeConstantFlags(k)
            asm.land(done)
        } else {
            storeConstantFlags(k)
        }
        asm.clobberFlags()
    }

    private mutating func storeConstantFlags(_ k: UInt64) {
        asm.mov(.rax, k & 8 != 0 ? 1 << 63 : 0)
        asm.mov(Self.n, .rax, wide: true)
        asm.mov(Self.z, k & 4 != 0 ? 0 : 1, size: 3)
        asm.mov(Self.c, Int32(k >> 1 & 1), size: 0)
        asm.mov(Self.v, Int32(k & 1), size: 0)
    }
}
