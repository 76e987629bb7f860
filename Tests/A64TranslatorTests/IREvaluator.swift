import EmuIR

/// Runs the integer part of the IR straight from the opcode table's meanings: slow, and independent of the interpreter
/// and of the lowering. Memory operations are only recorded.
struct IREvaluator {
    /// Guest registers by slot name, and `nzcv` (bits 31:28).
    var state: [String: UInt64]
    /// Where the block left to.
    var pc: UInt64?
    var exception: (kind: ExceptionKind, info: UInt64)?
    /// What was done beside registers: `fence full`, `zero_block 0x…`, `call icache_invalidate 0x…`.
    var effects: [String] = []
    /// The left out operation, when the block has one.
    var unsupported: Opcode?

    private var values: [UInt64] = []

    init(state: [String: UInt64]) { self.state = state }

    private func mask(_ type: IRType) -> UInt64 {
        switch type {
        case .none: 0
        case .i1: 1
        case .i32: 0xffff_ffff
        case .i64, .i128: .max
        }
    }
    private func signed(_ value: UInt64, _ type: IRType) -> Int64 {
        switch type {
        case .i1: value & 1 == 0 ? 0 : -1
        case .i32: Int64(Int32(truncatingIfNeeded: value))
        case .none, .i64, .i128: Int64(bitPattern: value)
        }
    }

    private var nzcv: UInt64 {
        get { state["nzcv"] ?? 0 }
        set { state["nzcv"] = newValue }
    }
    private var carry: UInt64 { nzcv >> 29 & 1 }

    /// NZCV of a + b + carry at the width of `type`, as the manual's `AddWithCarry`.
    private func flagsOfSum(_ a: UInt64, _ b: UInt64, _ carry: UInt64, _ type: IRType) -> UInt64 {
        let bits = type.bits
        let (a, b) = (a & mask(type), b & mask(type))
        let wide = UInt128(a) + UInt128(b) + UInt128(carry)
        let result = UInt64(truncatingIfNeeded: wide) & mask(type)
        let exact = Int128(signed(a, type)) + Int128(signed(b, type)) + Int128(carry)
        return (result >> UInt64(bits - 1) & 1) << 31 | (result == 0 ? 1 << 30 : 0)
            | (UInt128(result) == wide ? 0 : 1 << 29) | (Int128(signed(result, type)) == exact ? 0 : 1 << 28)
    }

    private func holds(_ condition: Condition) -> Bool {
        let (n, z, c, v) = (nzcv >> 31 & 1 == 1, nzcv >> 30 & 1 == 1, nzcv >> 29 & 1 == 1, nzcv >> 28 & 1 == 1)
        return switch condition {
        case .eq: z
        case .ne: !z
        case .cs: c
        case .cc: !c
        case .mi: n
        case .pl: !n
        case .vs: v
        case .vc: !v
        case .hi: c && !z
        case .ls: !(c && !z)
        case .ge: n == v
        case .lt: n != v
        case .gt: n == v && !z
        case .le: !(n == v && !z)
        case .al, .nv: true
        }
    }

    /// CRC-32 bit by bit, reflected polynomial.
    private func crc(_ accumulator: UInt64, _ data: UInt64, bytes: Int, reflected polynomial: UInt64) -> UInt64 {
        var crc = accumulator & 0xffff_ffff
        for byte in 0..<bytes {
            crc ^= data >> UInt64(8 * byte) & 0xff
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
        }
        return crc
    }

    mutating func run(_ block: IRBlock) {
        values = [UInt64](repeating: 0, count: block.insts.count)
        for (index, inst) in block.insts.enumerated() {
            func operand(_ v: Value) -> UInt64 { v.isNone ? 0 : values[v.index] }
            let value = evaluate(inst, operand(inst.a), operand(inst.b), operand(inst.c), block)
            values[index] = value & mask(inst.resultType)
            if unsupported != nil { return }
        }
    }

    private mutating func evaluate(_ inst: IRInst, _ a: UInt64, _ b: UInt64, _ c: UInt64, _ block: IRBlock) -> UInt64 {
        let type = inst.type
        let bits = UInt64(type.bits)
        let (sa, sb) = (signed(a, type), signed(b, type))
        switch inst.op {
        case .nop, .insn: break
        case .const: return inst.imm
        case .get: return state[inst.slot.name] ?? 0
        case .set: state[inst.slot.name] = a
        case .add: return a &+ b
        case .sub: return a &- b
        case .mul: return a &* b
        case .umulh: return a.multipliedFullWidth(by: b).high
        case .smulh: return UInt64(bitPattern: sa.multipliedFullWidth(by: sb).high)
        case .udiv: return b == 0 ? 0 : a / b
        case .sdiv: return b == 0 ? 0 : UInt64(bitPattern: sa.dividedReportingOverflow(by: sb).partialValue)
        case .adc: return a &+ b &+ carry
        case .sbc: return a &+ ~b &+ carry
        case .and: return a & b
        case .or: return a | b
        case .xor: return a ^ b
        case .andNot: return a & ~b
        case .not: return ~a
        case .shl: return a << (b % bits)
        case .lshr: return a >> (b % bits)
        case .ashr: return UInt64(bitPattern: sa >> Int64(b % bits))
        case .ror: return b % bits == 0 ? a : a >> (b % bits) | a << (bits - b % bits)
        case .clz: return UInt64(a.leadingZeroBitCount) - (64 - bits)
        case .cls:
            let magnitude = UInt64(bitPattern: sa < 0 ? ~sa : sa)
            return UInt64(magnitude.leadingZeroBitCount) - (64 - bits) - 1
        case .rbit: return (0..<bits).reduce(0) { $0 | (a >> $1 & 1) << (bits - 1 - $1) }
        case .bswap: return a.byteSwapped >> (64 - bits)
        case .rev16: return (a & 0x00ff_00ff_00ff_00ff) << 8 | (a >> 8 & 0x00ff_00ff_00ff_00ff)
        case .ubfx: return a >> inst.imm & low(inst.imm2)
        case .sbfx:
            let unused = Int64(64 - inst.imm2)
            return UInt64(bitPattern: (Int64(bitPattern: a >> inst.imm) << unused) >> unused)
        case .bfi: return a & ~(low(inst.imm2) << inst.imm) | (b & low(inst.imm2)) << inst.imm
        case .extr: return inst.imm == 0 ? b : b >> inst.imm | a << (bits - inst.imm)
        case .zext, .trunc: return a
        case .sext: return UInt64(bitPattern: signed(a, block.type(of: inst.a)))
        case .icmpEQ: return a == b ? 1 : 0
        case .icmpNE: return a != b ? 1 : 0
        case .icmpULT: return a < b ? 1 : 0
        case .icmpULE: return a <= b ? 1 : 0
        case .icmpSLT: return sa < sb ? 1 : 0
        case .icmpSLE: return sa <= sb ? 1 : 0
        case .select: return a == 1 ? b : c
        case .flagsAdd: nzcv = flagsOfSum(a, b, 0, type)
        case .flagsSub: nzcv = flagsOfSum(a, ~b, 1, type)
        case .flagsAdc: nzcv = flagsOfSum(a, b, carry, type)
        case .flagsSbc: nzcv = flagsOfSum(a, ~b, carry, type)
        case .flagsLogic: nzcv = (a >> (bits - 1) & 1) << 31 | (a == 0 ? 1 << 30 : 0)
        case .flagsCcmpSub: nzcv = a == 1 ? flagsOfSum(b, ~c, 1, type) : UInt64(inst.aux) << 28
        case .flagsCcmpAdd: nzcv = a == 1 ? flagsOfSum(b, c, 0, type) : UInt64(inst.aux) << 28
        case .flagsSet: nzcv = a & 0xf000_0000
        case .flagsGet: return nzcv
        case .cond: return Condition(rawValue: inst.aux).map(holds) == true ? 1 : 0
        case .crc32: return crc(a, b, bytes: 1 << Int(inst.aux), reflected: 0xedb8_8320)
        case .crc32c: return crc(a, b, bytes: 1 << Int(inst.aux), reflected: 0x82f6_3b78)
        case .clearExclusive: effects.append("clear_exclusive")
        case .fence: effects.append("fence \(FenceKind(rawValue: inst.aux).map { "\($0)" } ?? "?")")
        case .zeroBlock: effects.append("zero_block 0x\(String(a, radix: 16))")
        case .call:
            guard let helper = Helper(rawValue: UInt16(truncatingIfNeeded: inst.imm)) else {
                unsupported = inst.op
                break
            }
            let arguments = [a, b, c].prefix(helper.signature.parameters.count).map { " 0x\(String($0, radix: 16))" }
            effects.append("call \(helper.signature.name)\(arguments.joined())")
        case .chain: pc = inst.imm
        case .exitTo:
            pc = inst.imm
            effects.append("exit_to")
        case .branchIf: pc = a == 1 ? inst.imm : inst.imm2
        case .branchIndirect: pc = a
        case .raise:
            pc = inst.imm2
            exception = ExceptionKind(rawValue: inst.aux).map { ($0, inst.imm) }
        case .load, .store, .loadExclusive, .storeExclusive, .atomicRMW, .compareAndSwap, .pack128, .lo64, .hi64,
            .vconst, .vand, .vor, .vxor, .vandNot, .vnot, .vselect, .vadd, .vsub, .vmul, .vneg, .vabs, .vsmax, .vsmin,
            .vumax, .vumin,
            .vsqadd, .vuqadd, .vsqsub, .vuqsub, .vsqdmulh, .vsqrdmulh,
            .vcmpEQ, .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE, .vshl, .vlshr, .vashr, .vdup, .vinsert,
            .vextract, .vext, .vzip1, .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2, .vrev, .vnarrow, .vsextLow, .vzextLow,
            .vcnt, .pluginAdd, .pluginStore, .pluginLoad, .pluginCall, .pluginCallIf, .pluginMemCall:
            unsupported = inst.op
        }
        return 0
    }

    private func low(_ width: UInt64) -> UInt64 { width == 64 ? .max : (1 << width) - 1 }
}
