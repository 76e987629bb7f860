internal import CHost
internal import CLLVM
internal import EmuIR
internal import GuestState

/// Calls to the host, instrumentation, and the ways out of a TB.
extension TBLowering {
    /// Calls a host function by its address with the C convention.
    func hostCall(
        _ address: UInt, result: LLVMTypeRef, parameters: [LLVMTypeRef], _ arguments: [LLVMValueRef]
    ) -> LLVMValueRef {
        var types: [LLVMTypeRef?] = parameters
        var values: [LLVMValueRef?] = arguments
        let type = LLVMFunctionType(result, &types, UInt32(types.count), 0)
        let function = LLVMBuildIntToPtr(b, l.const(UInt64(address), l.i64), l.pointer, "")
        return LLVMBuildCall2(b, type, function, &values, UInt32(values.count), "")
    }

    mutating func lowerHelperCall(_ i: IRInst) -> LLVMValueRef? {
        let helper = Helper(rawValue: UInt16(i.imm))!
        if let result = inlined(helper, i) { return result }
        let signature = helper.signature
        if signature.effects.contains(.mayFault) { noteFaultPoint(isForced: true) }
        let operands = [i.a, i.b, i.c].prefix(signature.parameters.count).map(value)
        let result = hostCall(
            HostFunctions.helper(helper), result: llvmType(signature.result),
            parameters: [l.pointer] + signature.parameters.map(llvmType), [cpu] + operands)
        if !signature.effects.isDisjoint(with: [.writesState, .writesFlags]) { region?.registers.reload(self) }
        return signature.result == .none ? nil : result
    }

    // MARK: Instrumentation

    mutating func lowerPlugin(_ i: IRInst) -> LLVMValueRef? {
        let l = l
        switch i.op {
        case .pluginAdd:
            if region?.movesAdds(of: block, toCounterAt: i.imm) ?? false { return nil }
            guarded(by: i.a) { $0.add(i.imm2, toCounterAt: Int(i.imm)) }
            return nil
        case .pluginStore:
            guarded(by: i.a) { $0.storeState(Int(i.imm), l.const(i.imm2, l.i64)) }
            return nil
        case .pluginLoad: return loadState(Int(i.imm), l.i64)
        case .pluginCall:
            callPlugin(i, parameters: [], arguments: [])
            return nil
        case .pluginCallIf:
            unlikelyDetour(value(i.a)) { $0.callPlugin(i, parameters: [], arguments: []) }
            return nil
        case .pluginMemCall:
            let info = l.const(UInt64(i.aux), l.i32)
            guarded(by: i.c) {
                $0.callPlugin(i, parameters: [l.i32, l.i64], arguments: [info, $0.value(i.a)]) {
                    if !i.b.isNone { $0.storeState(Int(NT_CPU_MEM_VALUE), $0.value(i.b)) }
                }
            }
            return nil
        default: preconditionFailure("not instrumentation: \(i.op)")
        }
    }

    func add(_ amount: UInt64, toCounterAt offset: Int) {
        storeState(offset, LLVMBuildAdd(b, loadState(offset, l.i64), l.const(amount, l.i64), ""))
    }

    /// Instrumentation of an access that may not have happened (a store-exclusive), if there is a condition.
    private mutating func guarded(by condition: Value, _ body: (inout TBLowering) -> Void) {
        if condition.isNone { body(&self) } else { unlikelyDetour(value(condition), body) }
    }

    // MARK: Terminators

    mutating func lowerTerminator(_ i: IRInst) {
        switch i.op {
        case .chain: jump(to: i.imm, slot: 0)
        case .branchIf:
            let taken = newBlock()
            let other = newBlock()
            let branch = LLVMBuildCondBr(b, value(i.a), taken, other)!
            if i.imm != i.imm2, let counts = region?.counts(block, i.imm, i.imm2) { intrinsics.weigh(branch, counts) }
            position(taken)
            jump(to: i.imm, slot: 0)
            position(other)
            jump(to: i.imm2, slot: 1)
        case .branchIndirect: jumpIndirect(value(i.a))
        case .raise:
            storeState(Int(NT_CPU_EXCEPTION), l.const(UInt64(i.aux), l.i64))
            storeState(Int(NT_CPU_EXCEPTION_INFO), l.const(i.imm, l.i64))
            storeState(Int(NT_CPU_PC), l.const(i.imm2, l.i64))
            region?.count(from: block, to: nil, self)
            ret(NT_EXIT_EXCEPTION)
        case .exitTo: leave(to: l.const(i.imm, l.i64), NT_EXIT_LOOKUP)
        default: preconditionFailure("not a terminator: \(i.op)")
        }
    }

    func leave(to pc: LLVMValueRef, _ exit: nt_exit) {
        loop?.writeBack(self)
        storeState(Int(NT_CPU_PC), pc)
        region?.count(from: block, to: nil, self)
        ret(exit)
    }

    /// Every loop has a backward or an indirect branch, so polling there is enough to leave it.
    private mutating func poll(_ pc: LLVMValueRef) {
        let request = loadState(Int(NT_CPU_EXIT_REQUEST), l.i32)
        LLVMSetVolatile(request, 1)
        unlikely(LLVMBuildICmp(b, LLVMIntNE, request, l.const(0, l.i32), "")) { $0.leave(to: pc, NT_EXIT_REQUEST) }
    }

    private mutating func jump(to pc: UInt64, slot: Int) {
        let target = l.const(pc, l.i64)
        guard options.chains else { return leave(to: target, NT_EXIT_LOOKUP) }
        if pc <= block.pc || region?.hasCallbacks ?? false { poll(target) }
        if let region, let next = region.entry(pc) {
            region.count(from: block, to: pc, self)
            LLVMBuildBr(b, next)
            return
        }
        if let loop, pc == block.pc { return loop.close(self) }
        let slot = address(tb, Int(NT_TB_SLOTS_OFFSET) + slot * Int(NT_SLOT_SIZE) + Int(NT_SLOT_TARGET))
        if let region {
            region.count(from: block, to: nil, self)
            return region.leave(through: slot, self)
        }
        goThrough(slot)
    }

    /// Goes to the TB that a slot names; `slot` is the address of its target.
    func goThrough(_ slot: LLVMValueRef) { tailCall(LLVMBuildLoad2(b, l.pointer, slot, "")) }

    private func tailCall(_ next: LLVMValueRef) {
        loop?.writeBack(self)
        exits.call(next, self)
    }

    /// Ends a function: goes to the code of `next`, an `nt_tb`.
    func callAndReturn(_ next: LLVMValueRef) {
        let entry = LLVMBuildLoad2(b, l.pointer, address(next, Int(NT_TB_ENTRY)), "")
        var arguments: [LLVMValueRef?] = [cpu, next]
        let result = LLVMBuildCall2(b, l.codeType, entry, &arguments, 2, "")!
        LLVMSetInstructionCallConv(result, LoweringContext.preserveNone)
        LLVMSetTailCallKind(result, LLVMTailCallKindMustTail)
        LLVMBuildRet(b, result)
    }

    private mutating func jumpIndirect(_ pc: LLVMValueRef) {
        guard options.chains else { return leave(to: pc, NT_EXIT_LOOKUP) }
        if let region {
            jumpInside(region, pc)
            region.count(from: block, to: nil, self)
            return region.leave(toIndirect: pc, self)
        }
        lookUp(pc)
    }

    /// An indirect branch through the jump cache, inlined: nt_jump_cache_index and one compare.
    mutating func lookUp(_ pc: LLVMValueRef) {
        poll(pc)
        // index * sizeof(entry) in one mask: (pc >> 2 & (size - 1)) * 16 == (pc << 2) & ((size - 1) << 4)
        let mask = UInt64(NT_JUMP_CACHE_SIZE - 1) << 4
        let cache = UInt64(NT_JUMP_CACHE_OFFSET) + UInt64(block.flags & UInt32(NT_TB_FPCR)) * UInt64(NT_JUMP_CACHE_BYTES)
        let offset = LLVMBuildAnd(b, LLVMBuildShl(b, pc, l.const(2, l.i64), ""), l.const(mask, l.i64), "")
        var index: LLVMValueRef? = LLVMBuildAdd(b, offset, l.const(cache, l.i64), "")
        let entry = LLVMBuildInBoundsGEP2(b, l.i8, cpu, &index, 1, "")!
        let cachedPC = LLVMBuildLoad2(b, l.i64, entry, "")
        unlikely(LLVMBuildICmp(b, LLVMIntNE, cachedPC, pc, "")) { $0.leave(to: pc, NT_EXIT_LOOKUP) }
        let next = LLVMBuildLoad2(b, l.pointer, address(entry, 8), "")!
        tailCall(next)
    }

    /// The region's own targets, one comparison each; code that is made next runs when `pc` is none of them.
    private mutating func jumpInside(_ region: RegionLowering, _ pc: LLVMValueRef) {
        let targets = region.targets(of: block)
        if targets.isEmpty { return }
        let outside = newBlock()
        let choice = LLVMBuildSwitch(b, pc, outside, UInt32(targets.count))
        for target in targets {
            // A way back must poll; another may go straight.
            let polls = target.pc <= block.pc || region.hasCallbacks
            guard polls || region.counts(from: block, to: target.pc) else {
                LLVMAddCase(choice, l.const(target.pc, l.i64), target.entry)
                continue
            }
            let way = newBlock()
            LLVMAddCase(choice, l.const(target.pc, l.i64), way)
            position(way)
            if polls { poll(l.const(target.pc, l.i64)) }
            region.count(from: block, to: target.pc, self)
            LLVMBuildBr(b, target.entry)
        }
        position(outside)
    }
}
