package import EmuIR

/// Makes random blocks that pass the verifier, from the opcode table: a new operation takes part without further work.
package struct RandomIR {
    package struct Options: Sendable {
        package var instructions = 1...6
        /// IR operations besides markers and terminator, about.
        package var operations = 10...60
        /// Plugin operations in the block itself (for the passes that run behind plugin-gen).
        package var withPlugins = true
        /// Exclude operations whose semantics need a host function or 128-bit arithmetic beyond moves.
        package var excluded: Set<Opcode> = []
        package init() {}
    }

    private var generator: SplitMix64
    private var block = IRBlock(pc: 0x40_0000)
    private let options: Options

    package static func block(seed: UInt64, _ options: Options = Options()) -> IRBlock {
        var maker = RandomIR(generator: SplitMix64(seed: seed), options: options)
        return maker.make()
    }

    private init(generator: SplitMix64, options: Options) {
        self.generator = generator
        self.options = options
    }

    private mutating func make() -> IRBlock {
        let markers = Int.random(in: options.instructions, using: &generator)
        let perMarker = Int.random(in: options.operations, using: &generator) / markers + 1
        for n in 0..<markers {
            block.insts.append(IRInst(.insn, imm: block.pc &+ UInt64(n * 4), imm2: UInt64(0xd503_201f as UInt32)))
            block.guestInstructionCount += 1
            for _ in 0..<perMarker {
                switch Int.random(in: 0..<24, using: &generator) {
                case 0: pair()
                case 1: exclusiveSequence()
                case 2: flagsThenCondition()
                default: anything()
                }
            }
        }
        let enders: [Opcode] = [.chain, .branchIf, .branchIndirect, .raise, .exitTo]
        while !attempt(enders.randomElement(using: &generator)!) {}
        return block
    }

    // MARK: Choices

    /// Operations that passes care about come more often than the table would have them.
    private mutating func anything() {
        let favourites: [Opcode] = [
            .get, .set, .get, .set, .set, .flagsSub, .flagsLogic, .flagsAdd, .cond, .cond, .load, .store, .const, .pluginCall,
            .pluginAdd,
        ]
        for _ in 0..<20 {
            let op =
                generator.oneIn(2)
                ? favourites.randomElement(using: &generator)! : Opcode.allCases.randomElement(using: &generator)!
            let effects = op.effects
            if op == .insn || effects.contains(.terminator) || options.excluded.contains(op) { continue }
            if effects.contains(.observer), !options.withPlugins { continue }
            if attempt(op) { return }
        }
    }

    private mutating func pair() {
        let isLoad = generator.oneIn(2)
        let type: IRType = generator.oneIn(2) ? .i64 : .i32
        let size: UInt8 = type == .i32 || generator.oneIn(3) ? 2 : 3
        let base = operand(.i64)
        let low = isLoad ? Value.none : operand(type)
        let high = isLoad ? Value.none : operand(type)
        let step = UInt64(1) << UInt64(size)
        let extend: MemFlags = isLoad && size == 2 && type == .i64 && generator.oneIn(2) ? [.signExtend] : []
        for (flag, value, offset) in [(MemFlags.pairFirst, low, 0), (.pairSecond, high, step)] {
            block.insts.append(
                IRInst(isLoad ? .load : .store, type, base, value, aux: size, flags: extend.union(flag).rawValue, imm: offset))
        }
    }

    /// Load, change, store exclusive, mostly to the same address, so that the store succeeds.
    private mutating func exclusiveSequence() {
        let size = UInt8.random(in: 0..<5, using: &generator)
        let type: IRType = size == 4 ? .i128 : size == 3 ? .i64 : .i32
        let base = operand(.i64)
        block.insts.append(IRInst(.loadExclusive, type, base, aux: size))
        if generator.oneIn(4) { anything() }
        let value = operand(type)
        let storeBase = generator.oneIn(4) ? operand(.i64) : base
        block.insts.append(IRInst(.storeExclusive, .i32, storeBase, value, aux: size))
    }

    private mutating func flagsThenCondition() {
        let ops: [Opcode] = [.flagsSub, .flagsSub, .flagsAdd, .flagsLogic, .flagsAdc, .flagsCcmpSub]
        while !attempt(ops.randomElement(using: &generator)!) {}
        if generator.oneIn(3) { anything() }
        _ = attempt(.cond)
    }

    /// Appends the operation with random operands and fields; false if no valid choice came up.
    private mutating func attempt(_ op: Opcode) -> Bool {
        let info = op.info
        let before = block.insts.count
        for _ in 0..<8 {
            var inst = IRInst(op)
            let helper = Helper.allCases.randomElement(using: &generator)!
            if let type = info.types.randomElement(using: &generator) { inst.type = type }
            if op == .call { inst.type = helper.signature.result }
            var operands: [Value] = []
            for (n, rule) in info.operands.enumerated() {
                switch rule {
                case .fixed(let type): operands.append(operand(type))
                case .own: operands.append(operand(inst.type))
                case .any: operands.append(operand([.i1, .i32, .i64, .i128].randomElement(using: &generator)!))
                case .optional:
                    if op == .call {
                        let parameters = helper.signature.parameters
                        operands.append(n < parameters.count ? operand(parameters[n]) : .none)
                    } else if op == .pluginMemCall, n == 1 {
                        operands.append(inst.type == .none ? .none : operand(inst.type))
                    } else {
                        operands.append(generator.oneIn(3) ? operand(.i1) : .none)
                    }
                }
            }
            operands += [.none, .none, .none]
            (inst.a, inst.b, inst.c) = (operands[0], operands[1], operands[2])
            inst.aux = UInt8(truncatingIfNeeded: field(info.aux, helper))
            inst.flags = UInt8(truncatingIfNeeded: field(info.flags, helper))
            inst.imm = field(info.imm, helper)
            inst.imm2 = field(info.imm2, helper)
            if [.pluginAdd, .pluginStore, .pluginLoad].contains(op) { inst.imm = 0x88000 + inst.imm % 4 * 8 }
            if op == .pluginMemCall { inst.aux = inst.aux % 5 | inst.aux & 0x28 }
            if op == .const { inst.imm = UInt64(truncatingIfNeeded: UInt128(inst.imm) & mask(inst.type.bits)) }
            if IRVerifier.problem(with: inst, at: block.insts.count, in: block) == nil {
                block.insts.append(inst)
                return true
            }
            block.insts.removeSubrange(before...)
        }
        return false
    }

    private mutating func field(_ kind: Field, _ helper: Helper) -> UInt64 {
        switch kind {
        case .unused: return 0
        case .hex: return generator.edgeValue()
        case .signed: return UInt64(bitPattern: Int64.random(in: -4...4, using: &generator) * 8)
        case .number(_, below: let bound): return UInt64.random(in: 0..<bound, using: &generator)
        case .slot:
            // Few registers, so that accesses meet.
            let n = Int.random(in: 0..<3, using: &generator)
            let slots: [StateSlot] = [.x(n), .x(n), .v(n), .v(n), .vlo(n), .vhi(n), .sp, .fpcr]
            return UInt64(slots.randomElement(using: &generator)!.rawValue)
        case .condition: return UInt64.random(in: 0..<16, using: &generator)
        case .atomicOp: return UInt64(AtomicOp.allCases.randomElement(using: &generator)!.rawValue)
        case .fenceKind: return UInt64(FenceKind.allCases.randomElement(using: &generator)!.rawValue)
        case .exceptionKind: return UInt64(ExceptionKind.allCases.randomElement(using: &generator)!.rawValue)
        case .memFlags:
            let flags: [MemFlags] = [[], [], [.signExtend], [.acquire], [.unreported]]
            return UInt64(flags.randomElement(using: &generator)!.rawValue)
        case .helper: return UInt64(helper.rawValue)
        case .fpBinary: return UInt64(FPBinary.allCases.randomElement(using: &generator)!.rawValue)
        case .fpUnary: return UInt64(FPUnary.allCases.randomElement(using: &generator)!.rawValue)
        }
    }

    /// A value of the type: one of the last few, or a new one.
    private mutating func operand(_ type: IRType) -> Value {
        if !generator.oneIn(4) {
            var found: [Value] = []
            for index in block.insts.indices.reversed() where block.insts[index].resultType == type {
                found.append(Value(index: index))
                if found.count == 6 { break }
            }
            if let value = found.randomElement(using: &generator) { return value }
        }
        let inst: IRInst
        switch type {
        case .none: return .none
        case .i1: inst = IRInst(.cond, aux: UInt8.random(in: 0..<16, using: &generator))
        case .i32: inst = IRInst(.const, .i32, imm: generator.edgeValue() & 0xffff_ffff)
        case .i64:
            let slot: StateSlot = [.x(0), .x(1), .x(2), .vlo(1), .vhi(1)].randomElement(using: &generator)!
            inst =
                generator.oneIn(4)
                ? IRInst(.const, .i64, imm: generator.edgeValue()) : IRInst(.get, .i64, imm: UInt64(slot.rawValue))
        case .i128: inst = IRInst(.get, .i128, imm: UInt64(StateSlot.v(Int.random(in: 0..<3, using: &generator)).rawValue))
        }
        block.insts.append(inst)
        return Value(index: block.insts.count - 1)
    }
}
