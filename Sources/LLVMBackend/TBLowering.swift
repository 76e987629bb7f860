internal import CHost
internal import CLLVM
internal import EmuIR
internal import GuestState

/// Lowers one IR block to one LLVM function `i64 (ptr cpu, ptr tb)` with the preserve_none convention.
///
/// Guest registers stay in the CPU struct: each `set` is a store, in order, so state is exact before every access that can
/// fault. Nothing here may reorder: LLVM sees may-alias accesses and runs no IR passes on tier 1.
/// Slots are reached through the `tb` argument, so the function holds no address of its own TB.
struct TBLowering {
    let l: LoweringContext
    let function: LLVMValueRef
    let cpu: LLVMValueRef
    let tb: LLVMValueRef
    let block: IRBlock
    let options: LoweringOptions
    let intrinsics: Intrinsics
    /// LLVM value of each IR value.
    var values: [LLVMValueRef?]
    /// Index of the guest instruction being lowered, and the one whose fault point is in memory.
    var instruction = -1
    var storedFaultPoint = -1
    /// Index of the IR instruction being lowered.
    var current = 0
    /// Integer loads that only become the low part of a vector register (LDP of D registers): their place is the host's vector
    /// unit from the start.
    private(set) var isVectorLoad: [Bool] = []
    /// Set when the TB loops inside its function.
    var loop: SelfLoop?
    let exits = SharedExits()
    /// Set when the TB is part of a region.
    var region: RegionLowering?
    let hasFloatingPoint: Bool

    var b: LLVMBuilderRef { l.builder }

    /// Adds the function `name` to `module`.
    @discardableResult
    static func lower(
        _ block: IRBlock, name: String, module: LLVMModuleRef, context l: LoweringContext, intrinsics: Intrinsics,
        options: LoweringOptions
    ) -> LLVMValueRef {
        let function = LLVMAddFunction(module, name, l.codeType)!
        LLVMSetFunctionCallConv(function, LoweringContext.preserveNone)
        intrinsics.addFunctionAttributes(function)
        let entry = LLVMAppendBasicBlockInContext(l.context, function, "")
        LLVMPositionBuilderAtEnd(l.builder, entry)
        var lowering = TBLowering(
            block, function: function, tb: LLVMGetParam(function, 1), context: l, intrinsics: intrinsics, options: options)
        if options.chains, options.keepsLoops, SelfLoop.isSuitable(block) { lowering.loop = SelfLoop.begin(block, lowering) }
        lowering.lowerAll()
        lowering.exits.finish(lowering)
        return function
    }

    /// - Parameter tb: the TB's C struct, whose slots its branches go through.
    init(
        _ block: IRBlock, function: LLVMValueRef, tb: LLVMValueRef, context l: LoweringContext, intrinsics: Intrinsics,
        options: LoweringOptions
    ) {
        self.l = l
        self.function = function
        cpu = LLVMGetParam(function, 0)
        self.tb = tb
        self.block = block
        self.options = options
        self.intrinsics = intrinsics
        hasFloatingPoint = block.insts.contains { $0.exactEffects.contains(.floatingPoint) }
        values = Array(repeating: nil, count: block.insts.count)
        noteVectorLoads()
    }

    /// Makes the TB's code where the builder stands.
    mutating func lowerAll() {
        for i in block.insts.indices {
            let inst = block.insts[i]
            current = i
            if let region, region.registers.synchronises(inst) { region.registers.synchronise(&self) }
            values[i] = lower(inst)
        }
    }

    private mutating func noteVectorLoads() {
        isVectorLoad = block.insts.map { $0.op == .load && ($0.type == .i128 || $0.type == .i64) && $0.aux == 3 }
        for inst in block.insts where !(inst.op == .zext && inst.type == .i128) {
            for operand in [inst.a, inst.b, inst.c] where !operand.isNone && block.type(of: operand) == .i64 {
                isVectorLoad[operand.index] = false
            }
        }
    }

    // MARK: Access to operands, state, basic blocks

    func value(_ v: Value) -> LLVMValueRef { values[v.index]! }

    func llvmType(_ type: IRType) -> LLVMTypeRef {
        switch type {
        case .none: l.void
        case .i1: l.i1
        case .i32: l.i32
        case .i64: l.i64
        case .i128: l.vector(lane: 3)
        }
    }

    func const(_ value: UInt64, _ type: IRType) -> LLVMValueRef { l.const(value, llvmType(type)) }

    func address(_ base: LLVMValueRef, _ offset: Int) -> LLVMValueRef {
        var index: LLVMValueRef? = l.const(offset, l.i64)
        return LLVMBuildInBoundsGEP2(b, l.i8, base, &index, 1, "")
    }
    func loadState(_ offset: Int, _ type: LLVMTypeRef) -> LLVMValueRef {
        if let loop, SelfLoop.tracks(offset) { return loop.load(offset, self) }
        if let region, let value = region.registers.load(offset, type, self) { return value }
        return LLVMBuildLoad2(b, type, address(cpu, offset), "")
    }
    func storeState(_ offset: Int, _ value: LLVMValueRef) {
        if let loop, SelfLoop.tracks(offset), !loop.store(offset, value) { return }
        if let region, region.registers.store(offset, value, self) { return }
        LLVMBuildStore(b, value, address(cpu, offset))
    }

    func newBlock() -> LLVMBasicBlockRef { LLVMAppendBasicBlockInContext(l.context, function, "") }
    func position(_ block: LLVMBasicBlockRef) { LLVMPositionBuilderAtEnd(b, block) }

    func phi(_ type: LLVMTypeRef, _ incoming: [(LLVMValueRef, LLVMBasicBlockRef)]) -> LLVMValueRef {
        let phi = LLVMBuildPhi(b, type, "")!
        var values: [LLVMValueRef?] = incoming.map(\.0)
        var blocks: [LLVMBasicBlockRef?] = incoming.map(\.1)
        LLVMAddIncoming(phi, &values, &blocks, UInt32(incoming.count))
        return phi
    }

    /// When `condition` holds, runs `cold`, which must leave the TB.
    mutating func unlikely(_ condition: LLVMValueRef, _ cold: (inout TBLowering) -> Void) {
        unlikely(condition, rejoins: false, cold)
    }

    /// When `condition` holds, runs `cold` and goes on.
    mutating func unlikelyDetour(_ condition: LLVMValueRef, _ cold: (inout TBLowering) -> Void) {
        unlikely(condition, rejoins: true, cold)
    }

    private mutating func unlikely(
        _ condition: LLVMValueRef, rejoins: Bool, _ cold: (inout TBLowering) -> Void
    ) {
        let coldBlock = newBlock()
        let next = newBlock()
        intrinsics.markUnlikely(LLVMBuildCondBr(b, condition, coldBlock, next)!)
        position(coldBlock)
        cold(&self)
        if rejoins { LLVMBuildBr(b, next) }
        position(next)
    }

    /// Leaves generated code.
    func ret(_ exit: nt_exit) {
        if let region { return region.leave(exit, self) }
        exits.leave(l.const(UInt64(exit.rawValue), l.i64), self)
    }

    func call(_ intrinsic: String, _ types: [LLVMTypeRef], _ arguments: [LLVMValueRef]) -> LLVMValueRef {
        intrinsics.call(b, intrinsic, types, arguments)
    }

    /// Makes cpu->fault_point name the current instruction; needed before anything that may fault.
    /// - Parameter isForced: also where nobody looks at faults of plain accesses.
    mutating func noteFaultPoint(isForced: Bool = false) {
        if storedFaultPoint == instruction || !isForced && region?.omitsFaultPoints ?? false { return }
        storedFaultPoint = instruction
        storeFaultPoint()
    }
    func storeFaultPoint() { storeState(Int(NT_CPU_FAULT_POINT), l.const(UInt64(faultPoint), l.i32)) }
    /// Names the current instruction.
    var faultPoint: UInt32 { options.tbIndex << UInt32(NT_FAULT_POINT_INSN_BITS) | UInt32(instruction) }

    // MARK: Dispatch over operations

    mutating func lower(_ i: IRInst) -> LLVMValueRef? {
        switch i.op {
        case .nop: return nil
        case .insn:
            instruction += 1
            return nil
        case .const: return const(i.imm, i.type)
        case .get: return loadState(i.slot.cpuOffset, llvmType(i.type))
        case .set:
            storeState(i.slot.cpuOffset, value(i.a))
            return nil
        case .add, .sub, .mul, .umulh, .smulh, .udiv, .sdiv, .adc, .sbc, .and, .or, .xor, .andNot, .not, .shl, .lshr,
            .ashr, .ror, .clz, .cls, .rbit, .bswap, .rev16, .ubfx, .sbfx, .bfi, .extr, .zext, .sext, .trunc, .icmpEQ,
            .icmpNE, .icmpULT, .icmpULE, .icmpSLT, .icmpSLE, .select, .crc32, .crc32c:
            return lowerInteger(i)
        case .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsCcmpSub, .flagsCcmpAdd, .flagsSet:
            lowerFlagsWrite(i)
            return nil
        case .flagsGet: return lowerFlagsGet()
        case .cond: return lowerCondition(Condition(rawValue: i.aux)!)
        case .load, .store, .loadExclusive, .storeExclusive, .clearExclusive, .atomicRMW, .compareAndSwap, .fence,
            .zeroBlock:
            return lowerMemory(i)
        case .pack128, .lo64, .hi64, .vconst, .vand, .vor, .vxor, .vandNot, .vnot, .vselect, .vadd, .vsub, .vmul, .vneg,
            .vabs, .vsmax, .vsmin, .vumax, .vumin,
            .vsqadd, .vuqadd, .vsqsub, .vuqsub, .vsqdmulh, .vsqrdmulh,
            .vcmpEQ, .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE, .vshl, .vlshr,
            .vashr, .vdup, .vinsert, .vextract, .vext, .vzip1, .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2, .vrev, .vnarrow,
            .vsextLow, .vzextLow, .vcnt:
            return lowerVector(i)
        case .fpBinary, .fpUnary, .fpFMA, .fpConvert, .fpToInt, .fpFromInt, .fpToGeneral, .fpFromGeneral, .flagsFPCompare,
            .fpCollect:
            return lowerFloatingPoint(i)
        case .call: return lowerHelperCall(i)
        case .pluginAdd, .pluginStore, .pluginLoad, .pluginCall, .pluginCallIf, .pluginMemCall: return lowerPlugin(i)
        case .chain, .branchIf, .branchIndirect, .raise, .exitTo:
            lowerTerminator(i)
            return nil
        }
    }
}

/// What lowering needs to know beside the IR.
struct LoweringOptions {
    /// Index of the TB in the engine's table, for fault points.
    var tbIndex: UInt32
    /// Direct branches go through slots; otherwise every TB leaves to the run loop.
    var chains: Bool
    /// A TB that branches to itself does so without its slot. Not where a region may take its place.
    var keepsLoops = true
    /// Plugin callbacks whose code may stand in place of a call; nil calls all.
    var callbacks: CallbackCache?
}
