internal import EmuIR

/// Vector operations. What the host has no few instructions for is left to the other compiler.
extension BaselineCompiler {
    private typealias V1 = Assembler.VectorOperation
    private typealias V2 = Assembler.VectorOperation2

    private mutating func binary(_ op: V1, _ i: IRInst, swapped: Bool = false) {
        let a = xmm(i.a)
        let b = xmm(i.b)
        asm.vector(op, resultXMM(), swapped ? b : a, swapped ? a : b)
    }
    private mutating func binary(_ op: V2, _ i: IRInst) {
        let a = xmm(i.a)
        let b = xmm(i.b)
        asm.vector(op, resultXMM(), a, b)
    }
    /// One operation for each lane size, of either opcode map; nil where the host has none.
    private mutating func byLane(_ i: IRInst, _ small: [V1?], _ large: [V2?]) {
        let lane = Int(i.aux)
        if let op = small[lane] { return binary(op, i) }
        if let op = large[lane] { return binary(op, i) }
        hasFailed = true
    }

    private static let addition: [V1] = [.add8, .add16, .add32, .add64]
    private static let subtraction: [V1] = [.sub8, .sub16, .sub32, .sub64]
    private static let lowUnpack: [V1] = [.unpackLow8, .unpackLow16, .unpackLow32, .unpackLow64]
    private static let highUnpack: [V1] = [.unpackHigh8, .unpackHigh16, .unpackHigh32, .unpackHigh64]

    /// XMM0 = all ones where a > b, signed.
    private mutating func greater(_ d: XMM, _ a: XMM, _ b: XMM, lane: Int) {
        switch lane {
        case 0: asm.vector(.compareGreater8, d, a, b)
        case 1: asm.vector(.compareGreater16, d, a, b)
        case 2: asm.vector(.compareGreater32, d, a, b)
        default: asm.vector(.compareGreater64, d, a, b)
        }
    }
    private mutating func invert(_ d: XMM, _ s: XMM) {
        asm.vector(.compareEqual32, .scratch2, .scratch2, .scratch2)
        asm.vector(.xor, d, s, .scratch2)
    }
    /// The top bit of each lane.
    private func tops(_ lane: Int) -> UInt64 {
        [0x8080_8080_8080_8080, 0x8000_8000_8000_8000, 0x8000_0000_8000_0000, 0x8000_0000_0000_0000][lane]
    }
    private func splat(_ number: UInt64, _ lane: Int) -> UInt64 {
        number &* [0x0101_0101_0101_0101, 0x0001_0001_0001_0001, 0x0000_0001_0000_0001, 1][lane]
    }

    mutating func emitVector(_ i: IRInst) {
        let lane = Int(i.aux)
        switch i.op {
        case .vconst:
            states[current].kind = .constant
            states[current].isVector = true
        case .pack128:
            let a = gpr(i.a)
            if let m = memoryOperand(i.b) {
                let d = resultXMM()
                asm.moveIn(d, a, wide: true)
                // PINSRQ from memory.
                asm.vex(1, 3, 0x22, d.number, d.number, m, wide: true, trailing: 1)
                asm.byte(1)
            } else {
                let b = gpr(i.b)
                let d = resultXMM()
                asm.moveIn(d, a, wide: true)
                asm.insert(d, d, b, lane: 3, index: 1)
            }
        case .lo64: emitHalf(i, 0)
        case .hi64: emitHalf(i, 1)
        case .vand: binary(.and, i)
        case .vor: binary(.or, i)
        case .vxor: binary(.xor, i)
        case .vandNot: binary(.andNot, i, swapped: true)
        case .vnot:
            let a = xmm(i.a)
            invert(resultXMM(), a)
        case .vselect:
            let a = xmm(i.a)
            let b = xmm(i.b)
            let c = xmm(i.c)
            asm.vector(.and, .scratch0, a, b)
            asm.vector(.andNot, .scratch1, a, c)
            asm.vector(.or, resultXMM(), .scratch0, .scratch1)
        case .vadd: binary(Self.addition[lane], i)
        case .vsub: binary(Self.subtraction[lane], i)
        case .vmul: byLane(i, [nil, .mul16, nil, nil], [nil, nil, .mul32, nil])
        case .vneg:
            let a = xmm(i.a)
            asm.vector(.xor, .scratch0, .scratch0, .scratch0)
            asm.vector(Self.subtraction[lane], resultXMM(), .scratch0, a)
        case .vabs:
            let a = xmm(i.a)
            if lane < 3 {
                asm.vector(unary: [V2.abs8, .abs16, .abs32][lane], resultXMM(), a)
            } else {
                asm.vector(.xor, .scratch0, .scratch0, .scratch0)
                asm.vector(.compareGreater64, .scratch0, .scratch0, a)
                asm.vector(.xor, .scratch1, a, .scratch0)
                asm.vector(.sub64, resultXMM(), .scratch1, .scratch0)
            }
        case .vsmax: byLane(i, [nil, .max16, nil, nil], [.max8, nil, .max32, nil])
        case .vsmin: byLane(i, [nil, .min16, nil, nil], [.min8, nil, .min32, nil])
        case .vumax: byLane(i, [.maxUnsigned8, nil, nil, nil], [nil, .maxUnsigned16, .maxUnsigned32, nil])
        case .vumin: byLane(i, [.minUnsigned8, nil, nil, nil], [nil, .minUnsigned16, .minUnsigned32, nil])
        case .vsqadd: byLane(i, [.addSigned8, .addSigned16, nil, nil], [nil, nil, nil, nil])
        case .vuqadd: byLane(i, [.addUnsigned8, .addUnsigned16, nil, nil], [nil, nil, nil, nil])
        case .vsqsub: byLane(i, [.subSigned8, .subSigned16, nil, nil], [nil, nil, nil, nil])
        case .vuqsub: byLane(i, [.subUnsigned8, .subUnsigned16, nil, nil], [nil, nil, nil, nil])
        case .vsqdmulh, .vsqrdmulh: hasFailed = true
        case .vcmpEQ:
            byLane(i, [.compareEqual8, .compareEqual16, .compareEqual32, nil], [nil, nil, nil, .compareEqual64])
        case .vcmpSGT:
            let a = xmm(i.a)
            let b = xmm(i.b)
            greater(resultXMM(), a, b, lane: lane)
        case .vcmpSGE:
            let a = xmm(i.a)
            let b = xmm(i.b)
            greater(.scratch0, b, a, lane: lane)
            invert(resultXMM(), .scratch0)
        case .vcmpUGT, .vcmpUGE:
            let a = xmm(i.a)
            let b = xmm(i.b)
            // Unsigned order is signed order with the top bits turned over.
            asm.load(.scratch2, asm.constant(tops(lane), tops(lane)))
            asm.vector(.xor, .scratch0, a, .scratch2)
            asm.vector(.xor, .scratch1, b, .scratch2)
            if i.op == .vcmpUGT {
                greater(resultXMM(), .scratch0, .scratch1, lane: lane)
            } else {
                greater(.scratch0, .scratch1, .scratch0, lane: lane)
                invert(resultXMM(), .scratch0)
            }
        case .vshl, .vlshr, .vashr: emitShift(i, lane: lane)
        case .vdup:
            let a = gpr(i.a)
            let d = resultXMM()
            asm.moveIn(d, a, wide: lane == 3)
            asm.vector(unary: [V2.broadcast8, .broadcast16, .broadcast32, .broadcast64][lane], d, d)
        case .vinsert:
            let b = gpr(i.b)
            let a = xmm(i.a)
            asm.insert(resultXMM(), a, b, lane: lane, index: UInt8(truncatingIfNeeded: i.imm))
        case .vextract:
            let a = xmm(i.a)
            asm.extract(resultGPR(), a, lane: lane, index: UInt8(truncatingIfNeeded: i.imm))
        case .vext:
            let a = xmm(i.a)
            let b = xmm(i.b)
            asm.align(resultXMM(), high: b, low: a, UInt8(truncatingIfNeeded: i.imm))
        case .vzip1: binary(Self.lowUnpack[lane], i)
        case .vzip2: binary(Self.highUnpack[lane], i)
        case .vuzp1, .vuzp2: emitUnzip(i, lane: lane, odd: i.op == .vuzp2)
        case .vtrn1, .vtrn2: emitTranspose(i, lane: lane, odd: i.op == .vtrn2)
        case .vrev: emitReversal(i, lane: lane)
        case .vnarrow: emitNarrow(i, lane: lane)
        case .vsextLow:
            let a = xmm(i.a)
            asm.vector(unary: [V2.signExtend8, .signExtend16, .signExtend32][lane], resultXMM(), a)
        case .vzextLow:
            let a = xmm(i.a)
            asm.vector(unary: [V2.zeroExtend8, .zeroExtend16, .zeroExtend32][lane], resultXMM(), a)
        case .vcnt:
            // Of each nibble from a table.
            let a = xmm(i.a)
            asm.load(.scratch2, asm.constant(0x0f0f_0f0f_0f0f_0f0f, 0x0f0f_0f0f_0f0f_0f0f))
            asm.vector(.and, .scratch0, a, .scratch2)
            asm.shift(.right, .scratch1, a, lane: 1, 4)
            asm.vector(.and, .scratch1, .scratch1, .scratch2)
            asm.load(.scratch2, asm.constant(0x0302_0201_0201_0100, 0x0403_0302_0302_0201))
            asm.vector(.shuffle8, .scratch0, .scratch2, .scratch0)
            asm.vector(.shuffle8, .scratch1, .scratch2, .scratch1)
            asm.vector(.add8, resultXMM(), .scratch0, .scratch1)
        default: preconditionFailure("not a vector operation: \(i.op)")
        }
    }

    private mutating func emitHalf(_ i: IRInst, _ half: Int) {
        let r = root(i.a)
        if let known = constantVector(i.a) {
            asm.mov(resultGPR(), half == 0 ? known.0 : known.1)
        } else if !states[r].hasRegister, states[r].home >= 0 {
            asm.mov(resultGPR(), HostAddress(cpu: Int(states[r].home) + half * 8), wide: true)
        } else {
            let a = xmm(i.a)
            if half == 0 { asm.moveOut(resultGPR(), a, wide: true) } else { asm.extract(resultGPR(), a, lane: 3, index: 1) }
        }
    }
    private func constantVector(_ v: Value) -> (UInt64, UInt64)? {
        let r = root(v)
        return states[r].kind == .constant ? (insts[r].imm, insts[r].imm2) : nil
    }

    private mutating func emitShift(_ i: IRInst, lane: Int) {
        let bits = 8 << lane
        var amount = Int(i.imm)
        if i.op == .vashr { amount = min(amount, bits - 1) }
        if amount >= bits {
            let d = resultXMM()
            asm.vector(.xor, d, d, d)
            return
        }
        let a = xmm(i.a)
        let d = resultXMM()
        let kind: Assembler.Shift = i.op == .vshl ? .left : i.op == .vlshr ? .right : .arithmeticRight
        if lane == 0 {
            // As words; what came from the neighbour is cut off.
            let kept = kind == .left ? 0xff << amount & 0xff : 0xff >> amount
            let mask = splat(UInt64(kept), 0)
            asm.shift(kind == .left ? .left : .right, d, a, lane: 1, UInt8(amount))
            asm.vector(.and, d, d, asm.constant(mask, mask))
            if kind == .arithmeticRight {
                let sign = splat(UInt64(0x80 >> amount), 0)
                asm.load(.scratch0, asm.constant(sign, sign))
                asm.vector(.xor, d, d, .scratch0)
                asm.vector(.sub8, d, d, .scratch0)
            }
        } else if lane == 3, kind == .arithmeticRight {
            asm.vector(.xor, .scratch0, .scratch0, .scratch0)
            asm.vector(.compareGreater64, .scratch0, .scratch0, a)
            asm.shift(.right, d, a, lane: 3, UInt8(amount))
            asm.shift(.left, .scratch0, .scratch0, lane: 3, UInt8(64 - amount))
            asm.vector(.or, d, d, .scratch0)
        } else {
            asm.shift(kind, d, a, lane: lane, UInt8(amount))
        }
    }

    private mutating func emitUnzip(_ i: IRInst, lane: Int, odd: Bool) {
        let a = xmm(i.a)
        let b = xmm(i.b)
        let d = resultXMM()
        switch lane {
        case 3: asm.vector(odd ? V1.unpackHigh64 : .unpackLow64, d, a, b)
        case 2: asm.shufflePairs(d, a, b, odd ? 0xdd : 0x88)
        default:
            // The wanted halves alone in lanes of twice the size, which packing then does not saturate.
            if odd {
                asm.shift(.right, .scratch0, a, lane: lane + 1, UInt8(8 << lane))
                asm.shift(.right, .scratch1, b, lane: lane + 1, UInt8(8 << lane))
            } else {
                let mask: UInt64 = lane == 0 ? 0x00ff_00ff_00ff_00ff : 0x0000_ffff_0000_ffff
                asm.load(.scratch2, asm.constant(mask, mask))
                asm.vector(.and, .scratch0, a, .scratch2)
                asm.vector(.and, .scratch1, b, .scratch2)
            }
            if lane == 0 {
                asm.vector(.packUnsigned16, d, .scratch0, .scratch1)
            } else {
                asm.vector(.packUnsigned32, d, .scratch0, .scratch1)
            }
        }
    }

    private mutating func emitTranspose(_ i: IRInst, lane: Int, odd: Bool) {
        let a = xmm(i.a)
        let b = xmm(i.b)
        let d = resultXMM()
        if lane == 3 {
            asm.vector(odd ? V1.unpackHigh64 : .unpackLow64, d, a, b)
            return
        }
        // Even lanes of the result from `low`, odd ones from `high`.
        var low = a
        var high = b
        if odd {
            asm.shift(.right, .scratch0, a, lane: lane + 1, UInt8(8 << lane))
            low = .scratch0
        } else {
            asm.shift(.left, .scratch0, b, lane: lane + 1, UInt8(8 << lane))
            high = .scratch0
        }
        switch lane {
        case 2: asm.blend(d, low, high, 0xcc)
        case 1: asm.blend(d, low, high, 0xaa)
        default:
            asm.load(.scratch2, asm.constant(0x00ff_00ff_00ff_00ff, 0x00ff_00ff_00ff_00ff))
            asm.vector(.and, .scratch1, low, .scratch2)
            asm.vector(.andNot, .scratch0, .scratch2, high)
            asm.vector(.or, d, .scratch1, .scratch0)
        }
    }

    /// The bytes of `indices` of `a`; 0x80 makes a zero.
    private mutating func shuffle(_ a: XMM, _ indices: (Int) -> UInt8) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for n in 0..<8 {
            low |= UInt64(indices(n)) << UInt64(n * 8)
            high |= UInt64(indices(n + 8)) << UInt64(n * 8)
        }
        asm.vector(.shuffle8, resultXMM(), a, asm.constant(low, high))
    }

    private mutating func emitReversal(_ i: IRInst, lane: Int) {
        let a = xmm(i.a)
        // Lanes of `lane` reversed in containers: flip the bits of the lane number below it.
        let flip = ((1 << (Int(i.imm) - lane)) - 1) << lane
        shuffle(a) { UInt8($0 ^ flip) }
    }

    private mutating func emitNarrow(_ i: IRInst, lane: Int) {
        let a = xmm(i.a)
        let narrow = 1 << (lane - 1)
        shuffle(a) { n in n >= 8 ? 0x80 : UInt8(n / narrow * narrow * 2 + n % narrow) }
    }
}
