internal import EmuIR

extension IREvaluator {
    /// The result of an operation, not yet truncated to its type; 0 for one without result.
    mutating func evaluate(_ inst: IRInst, _ block: IRBlock) -> UInt128 {
        func operand(_ v: Value) -> UInt128 { v.isNone ? 0 : values[v.index] }
        let a = operand(inst.a)
        let b = operand(inst.b)
        let c = operand(inst.c)
        let bits = inst.type.bits
        let width = UInt128(max(bits, 1))
        switch inst.op {
        case .nop, .insn: return 0
        case .chain, .branchIf, .branchIndirect, .raise, .exitTo: preconditionFailure("a terminator has no value")
        case .const: return UInt128(inst.imm)
        case .vconst: return UInt128(inst.imm2) << 64 | UInt128(inst.imm)
        case .get:
            let whole = image.slots[Int(inst.slot.storage.rawValue)]
            return inst.slot.rawValue >= 128 ? whole >> 64 : whole & mask(inst.type.bits)
        case .set:
            image.slots[Int(inst.imm)] = a
            return 0

        case .add: return a &+ b
        case .sub: return a &- b
        case .mul: return a &* b
        case .umulh: return (a * b) >> 64
        case .smulh: return UInt128(truncatingIfNeeded: (signed(a, 64) * signed(b, 64)) >> 64)
        case .udiv: return b == 0 ? 0 : a / b
        case .sdiv: return b == 0 ? 0 : UInt128(truncatingIfNeeded: signed(a, bits) / signed(b, bits))
        case .adc: return a &+ b &+ carry
        case .sbc: return a &+ (~b & mask(bits)) &+ carry
        case .and, .vand: return a & b
        case .or, .vor: return a | b
        case .xor, .vxor: return a ^ b
        case .andNot, .vandNot: return a & ~b
        case .not, .vnot: return ~a
        case .shl: return a << (b % width)
        case .lshr: return a >> (b % width)
        case .ashr: return UInt128(truncatingIfNeeded: signed(a, bits) >> Int128(b % width))
        case .ror: return a >> (b % width) | a << (width - b % width)
        case .clz: return UInt128(a.leadingZeroBitCount - (128 - bits))
        case .cls:
            let x = signed(a, bits)
            return UInt128((x < 0 ? ~x : x).leadingZeroBitCount - (128 - bits) - 1)
        case .rbit:
            var reversed: UInt128 = 0
            for n in 0..<bits where a >> UInt128(n) & 1 != 0 { reversed |= 1 << UInt128(bits - 1 - n) }
            return reversed
        case .bswap: return joined(lanes(a, 1).prefix(bits / 8).reversed(), 1)
        case .rev16: return (a & 0x00ff_00ff_00ff_00ff) << 8 | (a >> 8) & 0x00ff_00ff_00ff_00ff
        case .ubfx: return a >> UInt128(inst.imm) & mask(Int(inst.imm2))
        case .sbfx: return UInt128(truncatingIfNeeded: signed(a >> UInt128(inst.imm), Int(inst.imm2)))
        case .bfi:
            let field = mask(Int(inst.imm2)) << UInt128(inst.imm)
            return a & ~field | b << UInt128(inst.imm) & field
        case .extr: return (a << width | b) >> UInt128(inst.imm)
        case .zext, .trunc, .lo64: return a & mask(bits)
        case .sext: return UInt128(truncatingIfNeeded: signed(a, block.type(of: inst.a).bits))
        case .icmpEQ: return a == b ? 1 : 0
        case .icmpNE: return a != b ? 1 : 0
        case .icmpULT: return a < b ? 1 : 0
        case .icmpULE: return a <= b ? 1 : 0
        case .icmpSLT: return signed(a, bits) < signed(b, bits) ? 1 : 0
        case .icmpSLE: return signed(a, bits) <= signed(b, bits) ? 1 : 0
        case .select: return a != 0 ? b : c

        case .flagsAdd: setFlags(a, b, 0, bits)
        case .flagsSub: setFlags(a, ~b & mask(bits), 1, bits)
        case .flagsAdc: setFlags(a, b, carry, bits)
        case .flagsSbc: setFlags(a, ~b & mask(bits), carry, bits)
        case .flagsLogic: image.nzcv = (a >> UInt128(bits - 1) != 0 ? 8 : 0) | (a == 0 ? 4 : 0)
        case .flagsCcmpSub: if a != 0 { setFlags(b, ~c & mask(bits), 1, bits) } else { image.nzcv = inst.aux }
        case .flagsCcmpAdd: if a != 0 { setFlags(b, c, 0, bits) } else { image.nzcv = inst.aux }
        case .flagsSet: image.nzcv = UInt8(truncatingIfNeeded: a >> 28 & 15)
        case .flagsGet: return UInt128(image.nzcv) << 28
        case .cond: return holds(inst.aux) ? 1 : 0
        case .crc32: return crc(a, b, inst.aux, 0xedb8_8320)
        case .crc32c: return crc(a, b, inst.aux, 0x82f6_3b78)

        case .load, .store, .loadExclusive, .storeExclusive, .atomicRMW, .compareAndSwap, .zeroBlock:
            return access(inst, a, b, c, block)
        case .clearExclusive: image.monitor = nil
        case .fence: events.append(.fence(inst.aux))

        case .pack128: return b << 64 | a
        case .hi64: return a >> 64
        case .fpBinary, .fpUnary, .fpFMA, .fpConvert, .fpToInt, .fpFromInt, .fpToGeneral, .fpFromGeneral, .flagsFPCompare:
            let number = UInt128(inst.op.rawValue) << 96 | UInt128(inst.aux) << 80 | UInt128(inst.flags) << 64
            let mixed = standIn(number ^ UInt128(inst.imm) ^ UInt128(inst.imm2) << 32, inst.op.effects, inst.type, a, b, c)
            guard inst.op == .flagsFPCompare else { return mixed }
            image.nzcv = UInt8(truncatingIfNeeded: mixed >> 40 & 15)
        case .fpCollect: break
        case .call: return callHelper(inst, a, b, c)
        case .pluginAdd:
            if inst.a.isNone || a != 0 { image.arena[inst.imm, default: 0] &+= inst.imm2 }
        case .pluginStore: if inst.a.isNone || a != 0 { image.arena[inst.imm] = inst.imm2 }
        case .pluginLoad: return UInt128(image.arena[inst.imm] ?? 0)
        case .pluginCall: call(function: inst.imm, userdata: inst.imm2, regs: inst.flags)
        case .pluginCallIf: if a != 0 { call(function: inst.imm, userdata: inst.imm2, regs: inst.flags) }
        case .pluginMemCall:
            guard inst.c.isNone || c != 0 else { break }
            let value = inst.b.isNone ? nil : b & mask(8 << Int(inst.aux & 7))
            call(
                function: inst.imm, userdata: inst.imm2, regs: inst.flags,
                memoryAccess: ReportedAccess(info: UInt32(inst.aux), address: UInt64(truncatingIfNeeded: a), value: value))

        case .vselect: return a & b | ~a & c
        case .vadd, .vsub, .vmul, .vneg, .vabs, .vsmax, .vsmin, .vumax, .vumin,
            .vsqadd, .vuqadd, .vsqsub, .vuqsub, .vsqdmulh, .vsqrdmulh,
            .vcmpEQ, .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE,
            .vshl, .vlshr, .vashr:
            return laneWise(inst, a, b)
        case .vdup: return joined(Array(repeating: a, count: 16 >> Int(inst.aux)), 1 << Int(inst.aux))
        case .vinsert:
            var all = lanes(a, 1 << Int(inst.aux))
            all[Int(inst.imm)] = b
            return joined(all, 1 << Int(inst.aux))
        case .vextract: return lanes(a, 1 << Int(inst.aux))[Int(inst.imm)]
        case .vext: return inst.imm == 0 ? a : a >> UInt128(inst.imm * 8) | b << UInt128(128 - inst.imm * 8)
        case .vzip1, .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2: return permute(inst, a, b)
        case .vrev:
            let size = 1 << Int(inst.aux)
            let perContainer = (1 << Int(inst.imm)) / size
            let all = lanes(a, size)
            return joined(all.indices.map { all[$0 - $0 % perContainer + perContainer - 1 - $0 % perContainer] }, size)
        case .vnarrow: return joined(lanes(a, 1 << Int(inst.aux)), (1 << Int(inst.aux)) / 2)
        case .vsextLow:
            let size = 1 << Int(inst.aux)
            let low = lanes(a, size).prefix(8 / size)
            return joined(low.map { UInt128(truncatingIfNeeded: signed($0, size * 8)) }, size * 2)
        case .vzextLow: return joined(Array(lanes(a, 1 << Int(inst.aux)).prefix(8 >> Int(inst.aux))), 2 << Int(inst.aux))
        case .vcnt: return joined(lanes(a, 1).map { UInt128($0.nonzeroBitCount) }, 1)
        }
        return 0
    }

    // MARK: Flags

    private var carry: UInt128 { UInt128(image.nzcv >> 1 & 1) }

    /// AddWithCarry of the manual, its NZCV.
    private mutating func setFlags(_ a: UInt128, _ b: UInt128, _ carryIn: UInt128, _ bits: Int) {
        let sum = a + b + carryIn
        let result = sum & mask(bits)
        let signedSum = signed(a, bits) + signed(b, bits) + Int128(carryIn)
        image.nzcv =
            (result >> UInt128(bits - 1) != 0 ? 8 : 0) | (result == 0 ? 4 : 0) | (sum != result ? 2 : 0)
            | (signed(result, bits) != signedSum ? 1 : 0)
    }

    private func holds(_ condition: UInt8) -> Bool {
        let n = image.nzcv & 8 != 0
        let z = image.nzcv & 4 != 0
        let c = image.nzcv & 2 != 0
        let v = image.nzcv & 1 != 0
        let base =
            switch condition >> 1 {
            case 0: z
            case 1: c
            case 2: n
            case 3: v
            case 4: c && !z
            case 5: n == v
            case 6: n == v && !z
            default: true
            }
        return condition & 1 != 0 && condition != 15 ? !base : base
    }

    // MARK: Memory

    private mutating func access(_ inst: IRInst, _ a: UInt128, _ b: UInt128, _ c: UInt128, _ block: IRBlock) -> UInt128 {
        var address = UInt64(truncatingIfNeeded: a)
        var bytes = 1 << Int(inst.aux)
        if inst.op == .load || inst.op == .store { address &+= inst.imm }
        if inst.op == .zeroBlock {
            address &= ~63
            bytes = 16
        }
        let bits = bytes * 8
        let old = image.read(address, bytes: bytes)
        var result: UInt128 = 0
        var new = old
        var operand = b & mask(bits)
        var happened = true
        events.append(
            .access(inst.op, address: address, bytes: bytes, flags: inst.memFlags.subtracting([.unreported]).rawValue))
        switch inst.op {
        case .load: result = inst.memFlags.contains(.signExtend) ? UInt128(truncatingIfNeeded: signed(old, bits)) : old
        case .store: new = operand
        case .zeroBlock:
            for k in UInt64(0)..<64 { image.memory[address &+ k] = 0 }
            operand = 0
            new = 0
        case .loadExclusive:
            result = old
            image.monitor = GuestImage.Monitor(address: address, size: inst.aux, value: old)
        case .storeExclusive:
            happened = image.monitor == GuestImage.Monitor(address: address, size: inst.aux, value: old)
            image.monitor = nil
            result = happened ? 0 : 1
            if happened { new = operand }
        case .compareAndSwap:
            result = old
            operand = c & mask(bits)
            if old == b & mask(bits) { new = operand }
        case .atomicRMW:
            result = old
            let less = signed(old, bits) < signed(operand, bits)
            switch AtomicOp(rawValue: UInt8(inst.imm))! {
            case .add: new = (old &+ operand) & mask(bits)
            case .clr: new = old & ~operand
            case .eor: new = old ^ operand
            case .set: new = old | operand
            case .smax: new = less ? operand : old
            case .smin: new = less ? old : operand
            case .umax: new = max(old, operand)
            case .umin: new = min(old, operand)
            case .swp: new = operand
            }
        default: preconditionFailure("no access: \(inst.op)")
        }
        if new != old { image.write(address, bytes: bytes, new) }
        completed = CompletedAccess(
            inst: inst, address: address, old: old, new: new, operand: operand, happened: happened)
        return result
    }

    private mutating func callHelper(_ inst: IRInst, _ a: UInt128, _ b: UInt128, _ c: UInt128) -> UInt128 {
        let helper = Helper(rawValue: UInt16(inst.imm))!
        switch helper {
        case .cntvct: return 0x1234_5678
        case .randomNumber: return 0x9abc_def0
        case .icacheInvalidate, .spinHint:
            events.append(.helper(helper))
            return a == 0 ? 0 : 0
        case .crc32: return crc(a, b, UInt8(truncatingIfNeeded: c & 3), 0xedb8_8320)
        case .vshlRegister, .vshlSaturating, .polynomialMultiply, .aes, .sha1Rounds, .sha256h, .sha256h2,
            .sha512h, .sha512h2, .sm3Round, .sm3partw1, .sm3partw2, .sm4, .tableLookup, .fpFMAHalfLong, .fpBFDot,
            .fpJavaScript, .pacSign, .pacAuthenticate, .pacGeneric, .mops:
            return standIn(UInt128(helper.rawValue), helper.signature.effects, helper.signature.result, a, b, c)
        case .fpsrRead: return image.slots[Int(StateSlot.fpsr.rawValue)]
        case .fpsrWrite:
            image.slots[Int(StateSlot.fpsr.rawValue)] = a
            return 0
        }
    }

    /// For helpers whose arithmetic no pass looks into: a function of all that the real one may read, which writes what it may.
    private mutating func standIn(
        _ number: UInt128, _ effects: Effects, _ result: IRType, _ a: UInt128, _ b: UInt128, _ c: UInt128
    ) -> UInt128 {
        var mixed = number
        for value in [a, b, c] { mixed = (mixed ^ value) &* 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835 }
        if !effects.isDisjoint(with: [.readsState, .floatingPoint]) { mixed ^= image.slots[Int(StateSlot.fpcr.rawValue)] }
        if !effects.isDisjoint(with: [.writesState, .floatingPoint]) {
            image.slots[Int(StateSlot.fpsr.rawValue)] |= mixed >> 60 & 0x9f
        }
        return mixed & mask(result.bits)
    }

    private func crc(_ accumulator: UInt128, _ data: UInt128, _ size: UInt8, _ polynomial: UInt128) -> UInt128 {
        let bits = 8 << Int(size)
        var x = (accumulator & mask(32)) ^ (data & mask(bits))
        for _ in 0..<bits { x = x & 1 != 0 ? x >> 1 ^ polynomial : x >> 1 }
        return x & mask(32)
    }

    // MARK: Vectors

    private func laneWise(_ inst: IRInst, _ a: UInt128, _ b: UInt128) -> UInt128 {
        let size = 1 << Int(inst.aux)
        let bits = size * 8
        let amount = UInt128(inst.imm)
        let results = zip(lanes(a, size), lanes(b, size)).map { x, y -> UInt128 in
            let sx = signed(x, bits)
            let sy = signed(y, bits)
            switch inst.op {
            case .vadd: return x &+ y
            case .vsub: return x &- y
            case .vmul: return x &* y
            case .vneg: return 0 &- x
            case .vabs: return sx < 0 ? 0 &- x : x
            case .vsmax: return sx > sy ? x : y
            case .vsmin: return sx < sy ? x : y
            case .vumax: return max(x, y)
            case .vumin: return min(x, y)
            case .vsqadd: return saturated(sx + sy, bits)
            case .vsqsub: return saturated(sx - sy, bits)
            case .vuqadd: return min(x + y, mask(bits))
            case .vuqsub: return x > y ? x - y : 0
            case .vsqdmulh: return saturated((2 * sx * sy) >> Int128(bits), bits)
            case .vsqrdmulh: return saturated((2 * sx * sy + (1 << Int128(bits - 1))) >> Int128(bits), bits)
            case .vcmpEQ: return x == y ? .max : 0
            case .vcmpSGT: return sx > sy ? .max : 0
            case .vcmpSGE: return sx >= sy ? .max : 0
            case .vcmpUGT: return x > y ? .max : 0
            case .vcmpUGE: return x >= y ? .max : 0
            case .vshl: return x << amount
            case .vlshr: return x >> amount
            case .vashr: return UInt128(truncatingIfNeeded: sx >> Int128(amount))
            default: preconditionFailure("not lane-wise: \(inst.op)")
            }
        }
        return joined(results, size)
    }

    /// `SignedSat(x, bits)`
    private func saturated(_ x: Int128, _ bits: Int) -> UInt128 {
        let limit = Int128(1) << Int128(bits - 1)
        return UInt128(truncatingIfNeeded: max(-limit, min(limit - 1, x)))
    }

    private func permute(_ inst: IRInst, _ a: UInt128, _ b: UInt128) -> UInt128 {
        let size = 1 << Int(inst.aux)
        let x = lanes(a, size)
        let y = lanes(b, size)
        let half = x.count / 2
        var result: [UInt128] = []
        switch inst.op {
        case .vzip1: for n in 0..<half { result += [x[n], y[n]] }
        case .vzip2: for n in half..<x.count { result += [x[n], y[n]] }
        case .vuzp1: for n in 0..<x.count { result.append((x + y)[2 * n]) }
        case .vuzp2: for n in 0..<x.count { result.append((x + y)[2 * n + 1]) }
        case .vtrn1: for n in 0..<half { result += [x[2 * n], y[2 * n]] }
        case .vtrn2: for n in 0..<half { result += [x[2 * n + 1], y[2 * n + 1]] }
        default: preconditionFailure("no permutation: \(inst.op)")
        }
        return joined(result, size)
    }

    /// Lanes of `size` bytes, lowest first.
    private func lanes(_ v: UInt128, _ size: Int) -> [UInt128] {
        let all = mask(size * 8)
        return (0..<16 / size).map { (n: Int) -> UInt128 in (v >> UInt128(n * size * 8)) & all }
    }

    private func joined(_ lanes: [UInt128], _ size: Int) -> UInt128 {
        var result: UInt128 = 0
        for (n, lane) in lanes.enumerated() { result |= (lane & mask(size * 8)) << UInt128(n * size * 8) }
        return result
    }
}

/// The low bits as a number with sign.
func signed(_ x: UInt128, _ bits: Int) -> Int128 {
    let shift = Int128(128 - bits)
    return (Int128(truncatingIfNeeded: x) << shift) >> shift
}
