// Checked, for every block:
//   - it starts with `insn` at the block's PC; markers follow each other at 4 bytes; their count is
//     `guestInstructionCount`, 1...512
//   - exactly one terminator, the last instruction
//   - operands: as many as the row says, each defined before, with the type its rule asks for
//   - `type` is one of the row's
//   - fields: names name something, numbers are below their bound, fields the operation does not use are 0
//   - `get`/`set`: the slot exists and has the type; `set` only to a writable slot
//   - `zext`/`sext` from a narrower, `trunc` from a wider type
//   - shifts and fields by constant: ubfx, sbfx, bfi, extr stay within the type; lane index, shift amount and container
//     within the vector
//   - accesses: the size fits the type; `sign_extend` only on a load that is narrower than an integer type; `pair_first` is
//     followed by its `pair_second`, the next access of the same instruction, with the same operation and size
//   - `call`: the helper's parameters and result
//   - the condition of a `plugin_…` operation is i1; the value of `plugin_mem_call` has its type
// Not yet checked:
//   - that guest state is exact where it must be (the passes' tests compare executions instead), and that an instruction's
//     `set`s stand behind all of its accesses
//   - branch targets, exception info, and that the last instruction's address fits the terminator
//   - that bits of `const` above its type are 0 (the operation truncates)
//   - which memory-order flags make sense on which access

/// An invariant of the IR that a block breaks. Always a bug of ours: of the translator, a pass, or whoever wrote the text.
package struct IRVerifierError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Number of the instruction at fault; nil for the block as a whole.
    package let index: Int?
    /// Its text.
    package let text: String
    package let message: String

    package var description: String {
        index.map { "#\($0): \(text): \(message)" } ?? message
    }
}

package enum IRVerifier {
    /// Checks the invariants listed at the top of the file. Linear; allocates, so not for the translation path of a release.
    package static func verify(_ block: IRBlock) throws(IRVerifierError) {
        if let (index, message) = firstProblem(block) {
            throw IRVerifierError(index: index, text: index.map(block.text(of:)) ?? "", message: message)
        }
    }

    private static func firstProblem(_ block: IRBlock) -> (Int?, String)? {
        guard let first = block.insts.first else { return (nil, "the block is empty") }
        guard first.op == .insn else { return (0, "the block must start with insn") }
        guard (1...512).contains(block.guestInstructionCount) else {
            return (nil, "\(block.guestInstructionCount) guest instructions are not in 1...512")
        }
        var nextPC = block.pc
        var markers = 0
        for (index, inst) in block.insts.enumerated() {
            if inst.op == .insn {
                guard inst.imm == nextPC else { return (index, "the address should be \(hex(nextPC))") }
                nextPC &+= 4
                markers += 1
            }
            if let message = problem(with: inst, at: index, in: block) { return (index, message) }
            let isLast = index == block.insts.count - 1
            if inst.op.effects.contains(.terminator) != isLast {
                return (index, isLast ? "the block must end with a terminator" : "a terminator must be last")
            }
        }
        guard markers == block.guestInstructionCount else {
            return (nil, "\(markers) insn, but the block counts \(block.guestInstructionCount) guest instructions")
        }
        return nil
    }

    /// What is wrong with one instruction, given those before it; nil if nothing is.
    package static func problem(with inst: IRInst, at index: Int, in block: IRBlock) -> String? {
        let info = inst.op.info
        if info.types.isEmpty {
            guard inst.type == .none else { return "the operation has no type" }
        } else if !info.types.contains(inst.type) {
            return "the operation cannot have type \(inst.type.name)"
        }
        if let message = operandProblem(inst, info, at: index, in: block) { return message }
        for (kind, value) in inst.fields(info) {
            if let message = fieldProblem(kind, value) { return message }
        }
        return specificProblem(inst, at: index, in: block)
    }

    private static func operandProblem(_ inst: IRInst, _ info: OpcodeInfo, at index: Int, in block: IRBlock) -> String? {
        for (n, value) in [inst.a, inst.b, inst.c].enumerated() {
            guard n < info.operands.count else {
                guard value.isNone else { return "operand \(n + 1) is one too many" }
                continue
            }
            let wanted: IRType?
            switch info.operands[n] {
            case .fixed(let type): wanted = type
            case .own: wanted = inst.type
            case .any: wanted = nil
            case .optional:
                if value.isNone { continue }
                wanted = nil
            }
            guard !value.isNone else { return "operand \(n + 1) is missing" }
            guard value.index < index, value.index < block.insts.count else {
                return "%\(value.id) is not defined before its use"
            }
            let type = block.type(of: value)
            guard type != .none else { return "%\(value.id) defines no value" }
            if let wanted, type != wanted { return "%\(value.id) is \(type.name), not \(wanted.name)" }
        }
        return nil
    }

    private static func fieldProblem(_ kind: Field, _ value: UInt64) -> String? {
        switch kind {
        case .unused: value == 0 ? nil : "a field the operation does not use is \(hex(value))"
        case .hex, .signed: nil
        case .number(let key, below: let bound): value < bound ? nil : "\(key) \(value) is not below \(bound)"
        case .memFlags:
            value & ~MemFlags.names.reduce(0) { $0 | UInt64($1.flag.rawValue) } == 0 ? nil : "unknown memory flags"
        case .slot: StateSlot(exactly: value) == nil ? "no register has number \(value)" : nil
        case .condition: isRaw(Condition.self, value) ? nil : "no condition has number \(value)"
        case .atomicOp: isRaw(AtomicOp.self, value) ? nil : "no atomic operator has number \(value)"
        case .fenceKind: isRaw(FenceKind.self, value) ? nil : "no fence kind has number \(value)"
        case .exceptionKind: isRaw(ExceptionKind.self, value) ? nil : "no exception kind has number \(value)"
        case .helper: isRaw(Helper.self, value) ? nil : "no helper has number \(value)"
        case .fpBinary: isRaw(FPBinary.self, value) ? nil : "no floating-point operation has number \(value)"
        case .fpUnary: isRaw(FPUnary.self, value) ? nil : "no floating-point operation has number \(value)"
        }
    }

    private static func isRaw<T: RawRepresentable>(_: T.Type, _ value: UInt64) -> Bool where T.RawValue: FixedWidthInteger {
        T.RawValue(exactly: value).flatMap(T.init(rawValue:)) != nil
    }

    // MARK: What single operations ask for

    private static func specificProblem(_ inst: IRInst, at index: Int, in block: IRBlock) -> String? {
        let bits = inst.type.bits
        switch inst.op {
        case .get: return slotProblem(inst)
        case .set: return inst.slot.isWritable ? slotProblem(inst) : "\(inst.slot.name) cannot be written"
        case .zext, .sext:
            return block.type(of: inst.a).bits < bits ? nil : "the operand must be narrower than the result"
        case .trunc: return block.type(of: inst.a).bits > bits ? nil : "the operand must be wider than the result"
        case .ubfx, .sbfx, .bfi:
            guard inst.imm2 >= 1 else { return "width must not be 0" }
            return inst.imm + inst.imm2 <= UInt64(bits) ? nil : "lsb + width exceed \(bits) bits"
        case .extr: return inst.imm < UInt64(bits) ? nil : "lsb must be below \(bits)"
        case .crc32, .crc32c:
            let wanted: IRType = inst.aux == 3 ? .i64 : .i32
            return block.type(of: inst.b) == wanted ? nil : "data of this size must be \(wanted.name)"
        case .load:
            if inst.memFlags.contains(.signExtend), inst.type == .i128 || 8 << Int(inst.aux) >= bits {
                return "sign_extend needs an integer type wider than the access"
            }
            return sizeProblem(inst, inst.type) ?? pairProblem(inst, at: index, in: block)
        case .store: return loadOnly(inst) ?? sizeProblem(inst, inst.type) ?? pairProblem(inst, at: index, in: block)
        case .storeExclusive:
            return loadOnly(inst) ?? noPair(inst) ?? sizeProblem(inst, block.type(of: inst.b))
        case .loadExclusive, .atomicRMW, .compareAndSwap: return loadOnly(inst) ?? noPair(inst) ?? sizeProblem(inst, inst.type)
        case .vshl, .vlshr, .vashr:
            return inst.imm <= 8 << UInt64(inst.aux) ? nil : "the amount exceeds the lane"
        case .vinsert, .vextract: return inst.imm < 16 >> UInt64(inst.aux) ? nil : "no lane has this index"
        case .vrev: return inst.imm > UInt64(inst.aux) ? nil : "the container must be larger than the lane"
        case .vsqdmulh, .vsqrdmulh: return inst.aux == 1 || inst.aux == 2 ? nil : "lanes must have 2 or 4 bytes"
        case .vnarrow: return inst.aux >= 1 ? nil : "lanes of one byte cannot be narrowed"
        case .vsextLow, .vzextLow: return inst.aux <= 2 ? nil : "lanes of 8 bytes cannot be extended"
        case .fpBinary, .fpUnary, .fpFMA, .fpToInt, .fpFromInt: return elementProblem(inst, widest: inst.aux)
        case .fpConvert: return elementProblem(inst, widest: max(inst.aux, UInt8(inst.imm)))
        case .fpToGeneral, .flagsFPCompare: return inst.aux >= 1 ? nil : "elements must have 2, 4 or 8 bytes"
        case .fpFromGeneral:
            let type = block.type(of: inst.a)
            return inst.aux >= 1 && (type == .i32 || type == .i64) ? nil : "an i32 or i64 becomes an element of 2, 4 or 8 bytes"
        case .call: return callProblem(inst, in: block)
        case .pluginAdd, .pluginStore: return conditionProblem(inst.a, in: block)
        case .pluginMemCall:
            let type = inst.b.isNone ? .none : block.type(of: inst.b)
            guard type == inst.type else { return "the value is \(type.name), not \(inst.type.name)" }
            return conditionProblem(inst.c, in: block)
        case .nop, .insn, .const, .add, .sub, .mul, .umulh, .smulh, .udiv, .sdiv, .adc, .sbc, .and, .or, .xor, .andNot, .not,
            .shl, .lshr, .ashr, .ror, .clz, .cls, .rbit, .bswap, .rev16, .icmpEQ, .icmpNE, .icmpULT, .icmpULE, .icmpSLT,
            .icmpSLE, .select, .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsCcmpSub, .flagsCcmpAdd,
            .flagsSet, .flagsGet, .cond, .clearExclusive, .fence, .zeroBlock, .pack128, .lo64, .hi64, .vconst, .vand, .vor,
            .vxor, .vandNot, .vnot, .vselect, .vadd, .vsub, .vmul, .vneg, .vabs, .vsmax, .vsmin, .vumax, .vumin,
            .vsqadd, .vuqadd, .vsqsub, .vuqsub,
            .vcmpEQ,
            .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE, .vdup, .vext, .vzip1, .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2, .vcnt,
            .fpCollect, .pluginLoad, .pluginCall, .pluginCallIf, .chain, .branchIf, .branchIndirect, .raise, .exitTo:
            return nil
        }
    }

    private static func elementProblem(_ inst: IRInst, widest: UInt8) -> String? {
        guard inst.aux >= 1, widest >= 1 else { return "elements must have 2, 4 or 8 bytes" }
        let fits = inst.flags >= 1 && Int(inst.flags) << Int(widest) <= 16
        return fits ? nil : "\(inst.flags) elements do not fit a vector"
    }

    private static func slotProblem(_ inst: IRInst) -> String? {
        guard let type = inst.slot.type, type != inst.type else { return nil }
        return "\(inst.slot.name) is \(type.name)"
    }

    private static func sizeProblem(_ inst: IRInst, _ type: IRType) -> String? {
        8 << Int(inst.aux) <= type.bits ? nil : "an access of \(1 << Int(inst.aux)) bytes does not fit \(type.name)"
    }

    private static func loadOnly(_ inst: IRInst) -> String? {
        inst.memFlags.contains(.signExtend) ? "sign_extend is for load" : nil
    }

    private static func noPair(_ inst: IRInst) -> String? {
        inst.memFlags.isDisjoint(with: [.pairFirst, .pairSecond]) ? nil : "pairs are of load or store"
    }

    /// A `pair_first` is checked when its second half is met: the access before the second half must be it, and no other
    /// access may follow a first half.
    private static func pairProblem(_ inst: IRInst, at index: Int, in block: IRBlock) -> String? {
        let flags = inst.memFlags
        if flags.contains(.pairFirst) {
            guard !flags.contains(.pairSecond) else { return "pair_first and pair_second exclude each other" }
            guard inst.aux == 2 || inst.aux == 3 else { return "halves of a pair have 4 or 8 bytes" }
            guard inst.type != .i128 else { return "halves of a pair are integers" }
            for next in block.insts[(index + 1)...] {
                if next.op == inst.op, next.memFlags.contains(.pairSecond) { return nil }
                if next.op == .insn || next.op.effects.contains(.mayFault) { break }
            }
            return "pair_first without pair_second"
        }
        guard flags.contains(.pairSecond) else { return nil }
        for earlier in block.insts[..<index].reversed() {
            if earlier.op == .insn { break }
            guard earlier.op.effects.contains(.mayFault) else { continue }
            guard earlier.op == inst.op, earlier.memFlags.contains(.pairFirst) else { break }
            guard earlier.aux == inst.aux, earlier.type == inst.type else { return "the halves of the pair differ" }
            return nil
        }
        return "pair_second without pair_first"
    }

    private static func callProblem(_ inst: IRInst, in block: IRBlock) -> String? {
        guard let helper = Helper(rawValue: UInt16(truncatingIfNeeded: inst.imm)) else { return nil }
        let signature = helper.signature
        guard inst.type == signature.result else { return "\(signature.name) returns \(signature.result.name)" }
        for (n, value) in [inst.a, inst.b, inst.c].enumerated() {
            let type = value.isNone ? IRType.none : block.type(of: value)
            let wanted = n < signature.parameters.count ? signature.parameters[n] : .none
            guard type == wanted else { return "parameter \(n + 1) of \(signature.name) is \(wanted.name), not \(type.name)" }
        }
        return nil
    }

    private static func conditionProblem(_ value: Value, in block: IRBlock) -> String? {
        value.isNone || block.type(of: value) == .i1 ? nil : "the condition must be i1"
    }
}
