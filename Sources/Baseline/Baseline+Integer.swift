internal import CHost
internal import EmuIR

extension BaselineCompiler {
    /// d = d op b, with the operand wherever it is.
    mutating func apply(_ op: Assembler.Arithmetic, to d: GPR, _ b: Value, wide: Bool) {
        if let value = immediate(b) {
            asm.arithmetic(op, d, value, wide: wide)
        } else if let m = memoryOperand(b) {
            asm.arithmetic(op, d, m, wide: wide)
        } else {
            asm.arithmetic(op, d, gpr(b), wide: wide)
        }
    }

    mutating func emitInteger(_ i: IRInst) {
        let wide = i.type == .i64
        let width = i.type.bits
        switch i.op {
        case .add: emitAdd(i, wide: wide)
        case .sub:
            emitBinary(.sub, i, wide: wide)
            note(i.a, i.b, i.type)
        case .and, .or, .xor: emitLogic(i, wide: wide)
        case .mul:
            let b = gpr(i.b)
            asm.imul(resultGPR(copying: i.a), b, wide: wide)
        case .umulh, .smulh:
            copy(i.a, to: .rax)
            asm.multiplyWide(gpr(i.b), signed: i.op == .smulh)
            asm.mov(resultGPR(), .rdx, wide: true)
        case .udiv, .sdiv: emitDivision(i, wide: wide)
        case .adc, .sbc:
            let b = gpr(i.b)
            copy(i.a, to: .rax)
            loadCarry(borrow: i.op == .sbc)
            asm.arithmetic(i.op == .adc ? .adc : .sbb, .rax, b, wide: wide)
            asm.mov(resultGPR(), .rax, wide: wide)
        case .andNot:
            let a = gpr(i.a)
            let b = gpr(i.b)
            asm.andNot(resultGPR(), not: b, a, wide: wide)
        case .not:
            if i.type == .i1 {
                asm.arithmetic(.xor, resultGPR(copying: i.a), 1, wide: false)
            } else {
                asm.not(resultGPR(copying: i.a), wide: wide)
            }
        case .shl: emitShift(.left, i, wide: wide)
        case .lshr: emitShift(.right, i, wide: wide)
        case .ashr: emitShift(.arithmeticRight, i, wide: wide)
        case .ror:
            if let amount = constant(i.b) {
                let a = gpr(i.a)
                asm.rotateRight(resultGPR(), a, UInt8(amount & UInt64(width - 1)), wide: wide)
            } else {
                copy(i.b, to: .rcx)
                let d = resultGPR(copying: i.a)
                // A rotation by 0 need not clear the upper half.
                if !wide { asm.mov(d, d, wide: false) }
                asm.shiftByCL(.rotateRight, d, wide: wide)
            }
        case .clz:
            let a = gpr(i.a)
            asm.leadingZeros(resultGPR(), a, wide: wide)
        case .cls:
            let a = gpr(i.a)
            asm.mov(.rax, a, wide: wide)
            asm.shift(.arithmeticRight, .rax, UInt8(width - 1), wide: wide)
            asm.arithmetic(.xor, .rax, a, wide: wide)
            // Twice the number, with a one below: the sign bit itself does not count.
            asm.lea(.rax, HostAddress(.rax, index: .rax, 1), wide: wide)
            asm.leadingZeros(resultGPR(), .rax, wide: wide)
        case .rbit: emitBitReversal(i, wide: wide)
        case .bswap: asm.byteSwap(resultGPR(copying: i.a), wide: wide)
        case .rev16:
            let d = resultGPR(copying: i.a)
            asm.mov(.rcx, 0x00ff_00ff_00ff_00ff)
            asm.mov(.rax, d, wide: wide)
            asm.shift(.right, .rax, 8, wide: wide)
            asm.arithmetic(.and, .rax, .rcx, wide: wide)
            asm.arithmetic(.and, d, .rcx, wide: wide)
            asm.shift(.left, d, 8, wide: wide)
            asm.arithmetic(.or, d, .rax, wide: wide)
        case .ubfx, .sbfx: emitExtract(i, wide: wide, width: width)
        case .bfi: emitInsert(i, wide: wide, width: width)
        case .extr:
            if i.imm == 0 {
                let b = gpr(i.b)
                asm.mov(resultGPR(), b, wide: wide)
            } else {
                let a = gpr(i.a)
                let b = gpr(i.b)
                asm.mov(.rax, b, wide: wide)
                asm.shiftRightDouble(.rax, high: a, UInt8(i.imm), wide: wide)
                asm.mov(resultGPR(), .rax, wide: wide)
            }
        case .zext, .sext, .trunc: emitWidthChange(i, wide: wide)
        case .select: emitSelect(i, wide: wide)
        case .crc32, .crc32c: emitChecksum(i)
        default: preconditionFailure("not an integer operation: \(i.op)")
        }
    }

    // MARK: Arithmetic and logic

    private mutating func emitBinary(_ op: Assembler.Arithmetic, _ i: IRInst, wide: Bool) {
        // The operand first: the result may take the first one's register.
        if let value = immediate(i.b) {
            asm.arithmetic(op, resultGPR(copying: i.a), value, wide: wide)
        } else if let m = memoryOperand(i.b) {
            // The first operand may be the same value.
            if root(i.a) == root(i.b) {
                let b = gpr(i.b)
                asm.arithmetic(op, resultGPR(copying: i.a), b, wide: wide)
            } else {
                asm.arithmetic(op, resultGPR(copying: i.a), m, wide: wide)
            }
        } else {
            let b = gpr(i.b)
            asm.arithmetic(op, resultGPR(copying: i.a), b, wide: wide)
        }
    }

    /// LEA where the operands live on; flags left alone.
    private mutating func emitAdd(_ i: IRInst, wide: Bool) {
        if let value = immediate(i.b), !diesHere(root(i.a)) {
            let a = gpr(i.a)
            asm.lea(resultGPR(), HostAddress(a, value), wide: wide)
        } else if constant(i.b) == nil, !diesHere(root(i.a)), memoryOperand(i.b) == nil {
            let a = gpr(i.a)
            let b = gpr(i.b)
            asm.lea(resultGPR(), HostAddress(a, index: b, 0), wide: wide)
        } else {
            emitBinary(.add, i, wide: wide)
        }
    }

    private mutating func emitLogic(_ i: IRInst, wide: Bool) {
        let op: Assembler.Arithmetic = i.op == .and ? .and : i.op == .or ? .or : .xor
        emitBinary(op, i, wide: wide)
        comparison = Comparison(
            a: Value(index: current), b: .none, type: i.type, isLogic: true, epoch: asm.flagsEpoch)
    }

    private mutating func emitDivision(_ i: IRInst, wide: Bool) {
        let isSigned = i.op == .sdiv
        let b = gpr(i.b)
        copy(i.a, to: .rax)
        let d = resultGPR()
        // Arm: x / 0 = 0, and the minimum / -1 wraps; both trap here.
        asm.test(b, b, wide: wide)
        let isZero = asm.jump(if: .equal)
        var isMinusOne: Assembler.Jump?
        if isSigned {
            asm.arithmetic(.cmp, b, -1, wide: wide)
            isMinusOne = asm.jump(if: .equal)
            asm.signIntoDX(wide: wide)
        } else {
            asm.mov(.rdx, 0)
        }
        asm.divide(b, signed: isSigned, wide: wide)
        asm.mov(d, .rax, wide: wide)
        let done = asm.jump()
        if let isMinusOne {
            asm.land(isMinusOne)
            asm.neg(.rax, wide: wide)
            asm.mov(d, .rax, wide: wide)
            let over = asm.jump()
            asm.land(isZero)
            asm.mov(d, 0)
            asm.land(over)
        } else {
            asm.land(isZero)
            asm.mov(d, 0)
        }
        asm.land(done)
        asm.clobberFlags()
    }

    // MARK: Shifts and bit fields

    private mutating func emitShift(_ kind: Assembler.Shift, _ i: IRInst, wide: Bool) {
        if let amount = constant(i.b) {
            asm.shift(kind, resultGPR(copying: i.a), UInt8(amount & (wide ? 63 : 31)), wide: wide)
            // A shift by 0 need not clear the upper half.
            if !wide, amount & 31 == 0 {
                let d = GPR(number: states[current].register)
                asm.mov(d, d, wide: false)
            }
        } else {
            let a = gpr(i.a)
            let b = gpr(i.b)
            asm.shift(kind, resultGPR(), a, by: b, wide: wide)
        }
    }

    private mutating func emitExtract(_ i: IRInst, wide: Bool, width: Int) {
        let lsb = Int(i.imm)
        let count = Int(i.imm2)
        if i.op == .sbfx {
            if lsb == 0, count == 8 || count == 16 || count == 32 && wide {
                let a = gpr(i.a)
                asm.extend(resultGPR(), a, from: count == 8 ? 0 : count == 16 ? 1 : 2, signed: true, wide: wide)
                return
            }
            let d = resultGPR(copying: i.a)
            let left = width - lsb - count
            if left > 0 { asm.shift(.left, d, UInt8(left), wide: wide) }
            let right = width - count
            if right > 0 { asm.shift(.arithmeticRight, d, UInt8(right), wide: wide) }
            if left <= 0, right <= 0, !wide { asm.mov(d, d, wide: false) }
            return
        }
        if lsb == 0, count == 8 || count == 16 || count == 32 {
            let a = gpr(i.a)
            asm.extend(resultGPR(), a, from: count == 8 ? 0 : count == 16 ? 1 : 2, signed: false, wide: wide)
            return
        }
        let d = resultGPR(copying: i.a)
        if lsb > 0 { asm.shift(.right, d, UInt8(lsb), wide: wide) } else if !wide { asm.mov(d, d, wide: false) }
        if lsb + count < width { mask(d, count, wide: wide) }
    }

    /// Keeps the low bits, fewer than the width. Changes RAX.
    private mutating func mask(_ d: GPR, _ count: Int, wide: Bool) {
        if count < 32 {
            asm.arithmetic(.and, d, Int32(truncatingIfNeeded: (UInt64(1) << UInt64(count)) - 1), wide: false)
        } else if count == 32 {
            asm.mov(d, d, wide: false)
        } else {
            asm.mov(.rax, UInt64(count))
            asm.lowBits(d, d, count: .rax, wide: true)
        }
    }

    private mutating func emitInsert(_ i: IRInst, wide: Bool, width: Int) {
        let lsb = Int(i.imm)
        let count = Int(i.imm2)
        let b = gpr(i.b)
        if count >= width {
            asm.mov(resultGPR(), b, wide: wide)
            return
        }
        let field = (UInt64(1) << UInt64(count)) - 1
        asm.mov(.rcx, b, wide: wide)
        if count == 32 { asm.mov(.rcx, .rcx, wide: false) } else { mask(.rcx, count, wide: wide) }
        if lsb > 0 { asm.shift(.left, .rcx, UInt8(lsb), wide: wide) }
        let d = resultGPR(copying: i.a)
        let kept = ~(field << UInt64(lsb))
        if wide, Int64(Int32(truncatingIfNeeded: kept)) != Int64(bitPattern: kept) {
            asm.mov(.rax, kept)
            asm.arithmetic(.and, d, .rax, wide: true)
        } else {
            asm.arithmetic(.and, d, Int32(truncatingIfNeeded: kept), wide: wide)
        }
        asm.arithmetic(.or, d, .rcx, wide: wide)
    }

    /// Swaps neighbouring bits, pairs and nibbles, then bytes.
    private mutating func emitBitReversal(_ i: IRInst, wide: Bool) {
        let d = resultGPR(copying: i.a)
        if !wide { asm.mov(d, d, wide: false) }
        asm.byteSwap(d, wide: wide)
        for (amount, mask) in [
            (UInt8(4), UInt64(0x0f0f_0f0f_0f0f_0f0f)), (2, 0x3333_3333_3333_3333), (1, 0x5555_5555_5555_5555),
        ] {
            asm.mov(.rcx, wide ? mask : mask & 0xffff_ffff)
            asm.mov(.rax, d, wide: wide)
            asm.shift(.right, .rax, amount, wide: wide)
            asm.arithmetic(.and, .rax, .rcx, wide: wide)
            asm.arithmetic(.and, d, .rcx, wide: wide)
            asm.shift(.left, d, amount, wide: wide)
            asm.arithmetic(.or, d, .rax, wide: wide)
        }
    }

    // MARK: Widths

    private mutating func emitWidthChange(_ i: IRInst, wide: Bool) {
        let from = insts[i.a.index].resultType
        if let value = constant(i.a), from != .i128, i.type != .i128 {
            let result: UInt64
            switch (i.op, from) {
            case (.sext, .i32): result = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
            case (.sext, .i1): result = value & 1 != 0 ? .max : 0
            default: result = value
            }
            let d = resultGPR()
            asm.mov(d, i.type == .i1 ? result & 1 : i.type == .i32 ? result & 0xffff_ffff : result)
            return
        }
        switch (i.op, from, i.type) {
        case (.zext, .i128, _), (.sext, .i128, _): hasFailed = true
        case (.zext, .i64, .i128), (.zext, .i32, .i128):
            if let m = memoryOperand(i.a) {
                asm.load(resultXMM(), m, size: from == .i64 ? 3 : 2)
            } else {
                let a = gpr(i.a)
                asm.moveIn(resultXMM(), a, wide: from == .i64)
            }
        case (.zext, .i1, .i128): hasFailed = true
        case (.zext, .i1, _):
            let d = freeGPR()
            if states[root(i.a)].kind == .deferred { materialise(i.a, into: d) } else { asm.mov(d, gpr(i.a), wide: false) }
            adopt(d)
        case (.sext, .i1, _):
            let d = freeGPR()
            if states[root(i.a)].kind == .deferred { materialise(i.a, into: d) } else { asm.mov(d, gpr(i.a), wide: false) }
            asm.neg(d, wide: wide)
            adopt(d)
        case (.zext, .i32, .i64):
            let r = root(i.a)
            if insts[r].resultType == .i32, states[r].isClean, states[r].hasRegister {
                alias(i.a)
            } else if let m = memoryOperand(i.a) {
                asm.mov(resultGPR(), m, wide: false)
            } else {
                let a = gpr(i.a)
                asm.mov(resultGPR(), a, wide: false)
            }
        case (.sext, .i32, .i64):
            if let m = memoryOperand(i.a) {
                asm.load(resultGPR(), m, size: 2, signed: true, wide: true)
            } else {
                let a = gpr(i.a)
                asm.extend(resultGPR(), a, from: 2, signed: true, wide: true)
            }
        case (.trunc, .i128, .i32), (.trunc, .i128, .i64):
            if let m = memoryOperand(i.a) {
                asm.mov(resultGPR(), m, wide: wide)
            } else {
                let a = xmm(i.a)
                asm.moveOut(resultGPR(), a, wide: wide)
            }
        case (.trunc, .i64, .i32): alias(i.a)
        case (.trunc, .i32, .i1), (.trunc, .i64, .i1):
            asm.arithmetic(.and, resultGPR(copying: i.a), 1, wide: false)
        default:
            // The same width.
            alias(i.a)
        }
    }

    private mutating func emitSelect(_ i: IRInst, wide: Bool) {
        if i.type == .i128 {
            let yes = xmm(i.b)
            let no = xmm(i.c)
            switch truth(i.a) {
            case .always: asm.move(resultXMM(), yes)
            case .never: asm.move(resultXMM(), no)
            case .when(let condition):
                let d = resultXMM()
                asm.move(d, yes)
                let done = asm.jump(if: condition)
                asm.move(d, no)
                asm.land(done)
            }
            return
        }
        let yes = gpr(i.b)
        let no = gpr(i.c)
        let decision = truth(i.a)
        let d = resultGPR()
        switch decision {
        case .always: asm.mov(d, yes, wide: wide)
        case .never: asm.mov(d, no, wide: wide)
        case .when(let condition):
            asm.mov(d, no, wide: wide)
            asm.move(d, yes, if: condition, wide: wide)
        }
    }

    private mutating func emitChecksum(_ i: IRInst) {
        let size = Int(i.aux)
        if i.op == .crc32c {
            let data = gpr(i.b)
            let d = resultGPR(copying: i.a)
            if d == data {
                hasFailed = true
                return
            }
            asm.mov(d, d, wide: false)
            asm.crc32c(d, data, size: size)
            return
        }
        callHelper(
            UInt(bitPattern: nt_helper_address(UInt32(Helper.crc32.rawValue))),
            [.value(i.a), .value(i.b), .number(UInt64(size))], result: .i32)
    }
}
