internal import CHost
internal import EmuIR

/// Floating point. While FPCR is zero (which the TB's key says), the frequent operations are the host's own, with their flags left in
/// MXCSR; results that the host may have got differently, and all other operations, are CHost's functions (nt_fp.h).
extension BaselineCompiler {
    private static var functions: nt_fp_functions { nt_fp_function_addresses() }

    private struct Shape {
        let double: Bool
        let count: Int
        var scalar: Bool { count == 1 }
        /// Two singles: computed doubled, so that what is above raises nothing of its own.
        var isHalf: Bool { count > 1 && !double && count == 2 }
    }

    mutating func emitFloatingPoint(_ i: IRInst) {
        switch i.op {
        case .fpCollect:
            spillForCall()
            forgetForCall()
            asm.mov(.rdi, HostRegisters.cpu, wide: true)
            callFunction(UInt(bitPattern: Self.functions.collect))
            return
        case .flagsFPCompare:
            return compareFloatingPoint(i)
        default: break
        }
        let lane = Int(i.aux)
        guard tbFlags & UInt32(NT_TB_FPCR) == 0, lane != 1 else { return callSlow(i) }
        let shape = Shape(double: lane == 3, count: max(Int(i.flags), 1))
        switch i.op {
        case .fpBinary:
            switch FPBinary(rawValue: UInt8(i.imm))! {
            case .add: elementwise(i, .add, shape, underflows: false)
            case .sub: elementwise(i, .sub, shape, underflows: false)
            case .mul: elementwise(i, .mul, shape, underflows: true)
            case .div: elementwise(i, .div, shape, underflows: true)
            default: callSlow(i)
            }
        case .fpFMA:
            if shape.isHalf { return callSlow(i) }
            let a = xmm(i.a)
            let b = xmm(i.b)
            let c = xmm(i.c)
            asm.move(.scratch0, a)
            asm.multiplyAdd(.scratch0, b, c, double: shape.double, scalar: shape.scalar)
            finish(i, shape, underflows: true, a, b, c)
        case .fpUnary:
            switch (FPUnary(rawValue: UInt8(i.imm))!, FPMode(rawValue: UInt32(i.imm2))) {
            case (.sqrt, _) where !shape.isHalf:
                let a = xmm(i.a)
                asm.float(.sqrt, .scratch0, a, a, double: shape.double, scalar: shape.scalar)
                finish(i, shape, underflows: false, a)
            case (.round, let mode) where !shape.isHalf:
                guard let immediate = Self.rounding(mode) else { return callSlow(i) }
                let a = xmm(i.a)
                asm.round(.scratch0, a, double: shape.double, scalar: shape.scalar, mode: immediate)
                finish(i, shape, underflows: false, a)
            default: callSlow(i)
            }
        case .fpConvert:
            let to = Int(i.imm)
            guard shape.scalar, i.imm2 == 0, to != 1, to != lane else { return callSlow(i) }
            let a = xmm(i.a)
            asm.convertScalar(.scratch0, a, fromDouble: lane == 3)
            finish(i, Shape(double: to == 3, count: 1), underflows: to == 2, a)
        case .fpToGeneral: toGeneral(i, shape)
        case .fpFromGeneral: fromGeneral(i, shape)
        default: callSlow(i)
        }
    }

    /// ROUNDSD's immediate: bit 2 the mode of MXCSR, bit 3 no Inexact.
    private static func rounding(_ mode: FPMode) -> UInt8? {
        switch mode.rounding {
        case 0, 7: mode.contains(.inexact) ? 4 : 12
        case 1: 10
        case 2: 9
        case 3: 11
        default: nil
        }
    }

    // MARK: CHost's functions

    /// The operation by CHost's function, whatever its operands.
    private mutating func callSlow(_ i: IRInst) {
        let (function, numbers) = slowCall(i)
        let operands = [i.a, i.b, i.c].filter { !$0.isNone }.map { CallArgument.value($0) }
        if i.op == .fpFromGeneral, insts[i.a.index].resultType == .i32 {
            // 64 bits are asked for: the upper half must be zero.
            let a = gpr(i.a)
            asm.mov(a, a, wide: false)
            let r = root(i.a)
            if insts[r].resultType != .i32 { return hasFailed = true }
            states[r].isClean = true
        }
        call(function, [.cpu] + operands + numbers.map { .number($0) }, result: i.type)
    }

    /// The function, and the numbers behind its operands.
    private func slowCall(_ i: IRInst) -> (UInt, [UInt64]) {
        let shape = UInt64(i.aux) | UInt64(i.flags) << 8
        let lane = UInt64(i.aux)
        let f = Self.functions
        func address(_ function: UnsafeMutableRawPointer?) -> UInt { UInt(bitPattern: function) }
        switch i.op {
        case .fpBinary: return (address(f.binary), [i.imm, shape])
        case .fpUnary: return (address(f.unary), [i.imm, i.imm2, shape])
        case .fpFMA: return (address(f.fma), [shape])
        case .fpConvert: return (address(f.convert), [i.imm | i.imm2 << 8, shape])
        case .fpToInt: return (address(f.to_int), [i.imm, shape])
        case .fpFromInt: return (address(f.from_int), [i.imm, shape])
        case .fpToGeneral: return (address(f.to_general), [i.imm, lane])
        case .fpFromGeneral: return (address(f.from_general), [i.imm, lane])
        case .flagsFPCompare: return (address(f.compare), [i.imm, lane])
        default: preconditionFailure("no function for \(i.op)")
        }
    }

    // MARK: Host operations

    private mutating func elementwise(_ i: IRInst, _ op: Assembler.FloatOperation, _ shape: Shape, underflows: Bool) {
        let a = xmm(i.a)
        let b = xmm(i.b)
        if shape.isHalf {
            asm.vector(.unpackLow64, .scratch0, a, a)
            asm.vector(.unpackLow64, .scratch1, b, b)
            asm.float(op, .scratch0, .scratch0, .scratch1, double: shape.double, scalar: false)
        } else {
            asm.float(op, .scratch0, a, b, double: shape.double, scalar: shape.scalar)
        }
        finish(i, shape, underflows: underflows, a, b)
    }

    /// Looks at the result in XMM0, which a cold path computes anew where it is dubious, and makes it the operation's.
    private mutating func finish(
        _ i: IRInst, _ shape: Shape, underflows: Bool, _ a: XMM, _ b: XMM? = nil, _ c: XMM? = nil
    ) {
        let double = shape.double
        // First: what it displaces must be stored on both ways.
        let d = resultXMM()
        var tested = XMM.scratch0
        if underflows {
            let magnitude: UInt64 = double ? .max >> 1 : 0x7fff_ffff_7fff_ffff
            asm.vector(.and, .scratch1, .scratch0, asm.constant(magnitude, magnitude))
            tested = .scratch1
        }
        // The smallest normal number, which may hide an underflow.
        let smallest: UInt64 = double ? (0x1p-1022).bitPattern : UInt64(Float(0x1p-126).bitPattern) * 0x1_0000_0001
        let jump: Assembler.Jump
        if shape.scalar {
            if underflows {
                asm.compare(tested, asm.constant(smallest, smallest), double: double)
                jump = asm.jump(if: .equal)
            } else {
                asm.compare(tested, tested, double: double)
                jump = asm.jump(if: .parity)
            }
        } else {
            if underflows {
                // EQ_UQ: equal or unordered.
                asm.compareMask(.scratch1, tested, asm.constant(smallest, smallest), double: double, predicate: 8)
            } else {
                asm.compareMask(.scratch1, tested, tested, double: double, scalar: false, predicate: 3)
            }
            asm.signs(.rax, .scratch1, double: double)
            asm.test(.rax, .rax, wide: false)
            jump = asm.jump(if: .notEqual)
        }
        var path = coldPath(jump)
        path.a = a.number
        path.b = b?.number ?? 255
        path.c = c?.number ?? 255
        path.result = d.number
        place(d, shape)
        path.resume = asm.offset
        asm.clobberFlags()
        coldPaths.append(path)
    }

    /// The elements of XMM0, zeros above.
    private mutating func place(_ d: XMM, _ shape: Shape) {
        if shape.scalar, !shape.double {
            asm.vector(.xor, .scratch1, .scratch1, .scratch1)
            // MOVSS: the low element of the second, the rest of the first.
            asm.vex(2, 1, 0x10, d.number, XMM.scratch1.number, XMM.scratch0.number)
        } else if shape.scalar || shape.isHalf {
            asm.moveLow(d, .scratch0)
        } else {
            asm.move(d, .scratch0)
        }
    }

    /// A cold path of the operation at hand.
    private func coldPath(_ jump: Assembler.Jump) -> ColdPath {
        var path = ColdPath(.floatingPoint, jump)
        path.index = current
        for n in 0..<32
        where owners[n] >= 0 && Int(owners[n]) != current && (n >= 16 || HostRegisters.keptByCalls >> UInt32(n) & 1 == 0) {
            path.live |= 1 << UInt32(n)
        }
        return path
    }

    /// Saves what lives in registers, calls CHost's function, and goes on behind the host's operation.
    mutating func finish(_ path: ColdPath) {
        let i = insts[path.index]
        let (function, numbers) = slowCall(i)
        let isGeneral = i.op == .fpToGeneral
        func place(_ n: Int) -> HostAddress {
            HostAddress(cpu: Int(NT_CPU_TEMPS) + 64 + (n < 16 ? n * 8 : 128 + (n - 16) * 16))
        }
        for n in 0..<32 where path.live >> UInt32(n) & 1 != 0 {
            if n < 16 {
                asm.mov(place(n), GPR(number: UInt8(n)), wide: true)
            } else {
                asm.store(place(n), XMM(number: UInt8(n - 16)))
            }
        }
        asm.move(.scratch0, XMM(number: path.a))
        if path.b != 255 { asm.move(.scratch1, XMM(number: path.b)) }
        if path.c != 255 { asm.move(.scratch2, XMM(number: path.c)) }
        asm.mov(.rdi, HostRegisters.cpu, wide: true)
        for (register, number) in zip([GPR.rsi, .rdx, .rcx], numbers) { asm.mov(register, number) }
        callFunction(function)
        for n in 0..<32 where path.live >> UInt32(n) & 1 != 0 {
            if n < 16 {
                asm.mov(GPR(number: UInt8(n)), place(n), wide: true)
            } else {
                asm.load(XMM(number: UInt8(n - 16)), place(n))
            }
        }
        if isGeneral {
            asm.mov(GPR(number: path.result), .rax, wide: i.type == .i64)
        } else {
            asm.move(XMM(number: path.result), .scratch0)
        }
        asm.jump(back: path.resume)
    }

    // MARK: Conversions

    /// Toward zero from where both sides agree; the rest is CHost's.
    private mutating func toGeneral(_ i: IRInst, _ shape: Shape) {
        let mode = FPMode(rawValue: UInt32(i.imm))
        guard mode.rounding == 3, mode.fractionBits == 0 else { return callSlow(i) }
        let double = shape.double
        let limit: Double = i.type == .i64 ? 0x1p63 : 0x1p31
        let low: Double = mode.contains(.unsigned) ? 0 : -limit
        func bits(_ x: Double) -> UInt64 { double ? x.bitPattern : UInt64(Float(x).bitPattern) }
        let a = xmm(i.a)
        let d = resultGPR()
        asm.load(.scratch0, asm.constant(bits(limit), 0))
        asm.compare(.scratch0, a, double: double)
        // NaNs, too.
        var high = coldPath(asm.jump(if: .belowOrEqual))
        asm.compare(a, asm.constant(bits(low), 0), double: double)
        var below = coldPath(asm.jump(if: .below))
        asm.truncate(d, a, double: double, wide: i.type == .i64)
        high.a = a.number
        high.result = d.number
        high.resume = asm.offset
        below.a = a.number
        below.result = d.number
        below.resume = asm.offset
        asm.clobberFlags()
        coldPaths.append(high)
        coldPaths.append(below)
    }

    private mutating func fromGeneral(_ i: IRInst, _ shape: Shape) {
        let mode = FPMode(rawValue: UInt32(i.imm))
        let from = insts[i.a.index].resultType
        guard mode.fractionBits == 0, !(mode.contains(.unsigned) && from == .i64) else { return callSlow(i) }
        let a = gpr(i.a)
        asm.vector(.xor, .scratch0, .scratch0, .scratch0)
        if mode.contains(.unsigned) {
            asm.mov(.rax, a, wide: false)
            asm.convert(resultXMM(), .scratch0, .rax, double: shape.double, wide: true)
        } else {
            asm.convert(resultXMM(), .scratch0, a, double: shape.double, wide: from == .i64)
        }
    }

    // MARK: Comparison

    /// N less, Z equal, C not less, V unordered.
    private mutating func compareFloatingPoint(_ i: IRInst) {
        guard i.aux != 1, tbFlags & UInt32(NT_TB_FPCR) == 0 else {
            let (function, numbers) = slowCall(i)
            spillForCall()
            placeArguments([.cpu, .value(i.a), .value(i.b)] + numbers.map { .number($0) })
            forgetForCall()
            callFunction(function)
            return storePacked()
        }
        let a = xmm(i.a)
        let b = xmm(i.b)
        asm.compare(a, b, double: i.aux == 3, signals: i.imm != 0)
        asm.set(HostAddress(cpu: Int(NT_CPU_VF)), if: .parity)
        asm.set(.rax, if: .below)
        asm.set(.rcx, if: .noParity)
        asm.set(.rdx, if: .notEqual)
        asm.arithmetic(.and, .rax, .rcx, wide: false)
        asm.extend(.rax, .rax, from: 0, signed: false, wide: false)
        asm.arithmetic(.xor, .rcx, 1, wide: false)
        asm.arithmetic(.or, .rdx, .rcx, wide: false)
        asm.extend(.rdx, .rdx, from: 0, signed: false, wide: false)
        asm.mov(HostAddress(cpu: Int(NT_CPU_ZF)), .rdx, wide: true)
        asm.mov(.rcx, .rax, wide: false)
        asm.neg(.rcx, wide: true)
        asm.mov(HostAddress(cpu: Int(NT_CPU_NF)), .rcx, wide: true)
        asm.arithmetic(.xor, .rax, 1, wide: false)
        asm.mov(HostAddress(cpu: Int(NT_CPU_CF)), .rax, wide: true)
    }
}
