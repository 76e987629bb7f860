internal import CHost
internal import CLLVM
internal import EmuIR
internal import Support

/// Calls of plugins' execution and memory callbacks, and their code in place of a call.
extension TBLowering {
    /// function(cpu_index, …, userdata), with the register permission set around it when it has one.
    /// - Parameter prepare: makes the code that only a real call needs before it.
    mutating func callPlugin(
        _ i: IRInst, parameters: [LLVMTypeRef], arguments: [LLVMValueRef], prepare: (inout TBLowering) -> Void = { _ in }
    ) {
        let all = [loadState(Int(NT_CPU_CPU_INDEX), l.i32)] + arguments + [l.const(i.imm2, l.i64)]
        let known = all.map { LLVMIsAConstantInt($0).map(LLVMConstIntGetZExtValue) }
        if let plan = options.callbacks?.plan(i, known) {
            return inline(plan, all) {
                prepare(&$0)
                $0.callPlugin(i, parameters, all)
            }
        }
        prepare(&self)
        callPlugin(i, parameters, all)
    }

    private mutating func callPlugin(_ i: IRInst, _ parameters: [LLVMTypeRef], _ arguments: [LLVMValueRef]) {
        if i.flags != 0 {
            // Not `synchronise`: the callback may stand on a path that is rarely taken.
            if let registers = region?.registers { registers.writeBack(registers.dirty, &self) }
            storeState(Int(NT_CPU_REG_PERMISSION), l.const(UInt64(i.flags), l.i32))
            // A callback that may read registers may read PC.
            storeState(Int(NT_CPU_PC), l.const(block.pc &+ UInt64(max(instruction, 0)) &* 4, l.i64))
        }
        _ = hostCall(UInt(i.imm), result: l.void, parameters: [l.i32] + parameters + [l.i64], arguments)
        if i.flags != 0 { storeState(Int(NT_CPU_REG_PERMISSION), l.const(0, l.i32)) }
        if i.flags > 1 { region?.registers.reload(self) }
        if let region, region.cleansLater, CallbackCache.callsOut(i, options.callbacks), !hasFloatingPoint { return }
        cleanFloatingPoint()
    }

    /// What a callback's own arithmetic left in MXCSR is not the guest's; fp_collect has taken the guest's flags before.
    func cleanFloatingPoint() { _ = call("llvm.x86.sse.ldmxcsr", [], [address(cpu, Int(NT_CPU_CLEAN_MXCSR))]) }

    // MARK: Callbacks in place

    /// Does what the callback does. `otherwise` calls it, for when the plugin has changed what the plan is based on.
    private mutating func inline(
        _ plan: CallbackPlan, _ arguments: [LLVMValueRef], otherwise: (inout TBLowering) -> Void
    ) {
        guard !plan.guards.isEmpty else { return run(plan, arguments) }
        var holds: LLVMValueRef?
        for (address, value) in plan.guards {
            let word = load(l.const(address, l.i64), 8)
            let same = LLVMBuildICmp(b, LLVMIntEQ, word, l.const(value, l.i64), "")!
            holds = holds.map { LLVMBuildAnd(b, $0, same, "") } ?? same
        }
        let usual = newBlock()
        let changed = newBlock()
        let next = newBlock()
        intrinsics.markUnlikely(LLVMBuildCondBr(b, LLVMBuildNot(b, holds, ""), changed, usual)!)
        position(changed)
        otherwise(&self)
        LLVMBuildBr(b, next)
        position(usual)
        run(plan, arguments)
        LLVMBuildBr(b, next)
        position(next)
    }

    private func run(_ plan: CallbackPlan, _ arguments: [LLVMValueRef]) {
        var registers: [LLVMValueRef?] = Array(repeating: nil, count: 16)
        for (register, argument) in zip(CallbackPlan.argumentRegisters, arguments) {
            let isNarrow = LLVMGetIntTypeWidth(LLVMTypeOf(argument)) < 64
            registers[register] = isNarrow ? LLVMBuildZExt(b, argument, l.i64, "") : argument
        }
        var pushed: [LLVMValueRef?] = []
        var entries = plan.entries.makeIterator()
        // The decoder has checked that whatever is read has a value.
        func value(_ register: Int) -> LLVMValueRef { registers[register]! }
        func value(_ operand: CallbackCode.Operand) -> LLVMValueRef {
            switch operand {
            case .register(let register): value(register)
            case .constant(let constant): l.const(constant, l.i64)
            }
        }
        func value(_ address: CallbackCode.Address) -> LLVMValueRef {
            var sum = l.const(address.displacement, l.i64)
            if let base = address.base { sum = LLVMBuildAdd(b, value(base), sum, "") }
            guard let index = address.index else { return sum }
            return LLVMBuildAdd(b, sum, LLVMBuildMul(b, value(index), l.const(address.scale, l.i64), ""), "")
        }
        func compute(_ kind: CallbackCode.Arithmetic, _ a: LLVMValueRef, _ c: LLVMValueRef) -> LLVMValueRef {
            switch kind {
            case .add: LLVMBuildAdd(b, a, c, "")
            case .sub: LLVMBuildSub(b, a, c, "")
            case .and: LLVMBuildAnd(b, a, c, "")
            case .or: LLVMBuildOr(b, a, c, "")
            case .xor: LLVMBuildXor(b, a, c, "")
            }
        }
        for operation in plan.code.operations {
            switch operation {
            case .move(let to, let from, let size): registers[to] = cut(value(from), size)
            case .address(let to, let address, let size): registers[to] = cut(value(address), size)
            case .load(let to, let address, let size, let isSigned):
                let loaded = load(value(address), size)
                registers[to] = isSigned ? LLVMBuildSExt(b, LLVMBuildTrunc(b, loaded, l.int(size * 8), ""), l.i64, "") : loaded
            case .store(let address, let from, let size): store(value(from), value(address), size)
            case .compute(let kind, let to, let from, let size): registers[to] = cut(compute(kind, value(to), value(from)), size)
            case .computeFromMemory(let kind, let to, let address, let size):
                registers[to] = cut(compute(kind, value(to), load(value(address), size)), size)
            case .computeInMemory(let kind, let address, let from, let size):
                let place = value(address)
                store(compute(kind, load(place, size), value(from)), place, size)
            case .push(let register): pushed.append(register.flatMap { registers[$0] })
            case .pop(let register):
                let value = pushed.popLast() ?? nil
                if let register { registers[register] = value }
            case .addToScoreboard:
                guard let entry = entries.next() else { return }
                storeState(Int(entry), LLVMBuildAdd(b, loadState(Int(entry), l.i64), value(1), ""))
            case .findElement:
                guard let entry = entries.next() else { return }
                registers[0] = LLVMBuildPtrToInt(b, address(cpu, Int(entry)), l.i64, "")
            }
        }
    }

    /// As an instruction of `size` bytes leaves it in a register.
    private func cut(_ value: LLVMValueRef, _ size: Int) -> LLVMValueRef {
        size == 8 ? value : LLVMBuildAnd(b, value, l.const(UInt64(1) << UInt64(size * 8) &- 1, l.i64), "")
    }

    /// A plugin's memory: at any address, in the order of the code.
    private func load(_ address: LLVMValueRef, _ size: Int) -> LLVMValueRef {
        let type = l.int(size * 8)
        let loaded = LLVMBuildLoad2(b, type, LLVMBuildIntToPtr(b, address, l.pointer, ""), "")!
        LLVMSetAlignment(loaded, 1)
        return size == 8 ? loaded : LLVMBuildZExt(b, loaded, l.i64, "")
    }
    private func store(_ value: LLVMValueRef, _ address: LLVMValueRef, _ size: Int) {
        let narrow = size == 8 ? value : LLVMBuildTrunc(b, value, l.int(size * 8), "")!
        LLVMSetAlignment(LLVMBuildStore(b, narrow, LLVMBuildIntToPtr(b, address, l.pointer, "")), 1)
    }
}

/// What is known of the process's callbacks. Threads: any.
final class CallbackCache: @unchecked Sendable {
    // @unchecked: `codes` is guarded by `lock`.
    private let lock = Lock()
    private let scoreboards: ScoreboardAccess?
    /// By address and arguments. Nothing is forgotten: plugins are loaded at the start only, and code for one that was
    /// unloaded meanwhile is never run.
    private var codes: [Key: CallbackCode?] = [:]
    private struct Key: Hashable {
        let function: UInt
        let argumentCount: Int
        let hasUserdata: Bool
    }

    init(scoreboards: ScoreboardAccess?) { self.scoreboards = scoreboards }

    /// Whether a callback's operation must be a call, as far as its code tells. One that need not be can do nothing but change
    /// the plugin's own memory.
    static func callsOut(_ i: IRInst, _ cache: CallbackCache?) -> Bool {
        switch i.op {
        case .pluginCall, .pluginMemCall: i.flags != 0 || cache?.code(i) == nil
        case .pluginCallIf: true
        default: false
        }
    }

    private func code(_ i: IRInst) -> CallbackCode? {
        let key = Key(function: UInt(i.imm), argumentCount: i.op == .pluginMemCall ? 4 : 2, hasUserdata: i.imm2 != 0)
        return lock.withLock {
            if let known = codes[key] { return known }
            let code = CallbackCode(
                at: key.function, argumentCount: key.argumentCount, hasUserdata: key.hasUserdata, scoreboards: scoreboards)
            codes[key] = .some(code)
            return code
        }
    }

    /// - Parameter arguments: the values that are known.
    /// - Returns: nil when the callback must be called.
    func plan(_ i: IRInst, _ arguments: [UInt64?]) -> CallbackPlan? {
        // What runs rarely is short as a call.
        guard i.flags == 0, i.op != .pluginCallIf, let code = code(i) else { return nil }
        return CallbackPlan(code, arguments: arguments, scoreboards: scoreboards)
    }
}
