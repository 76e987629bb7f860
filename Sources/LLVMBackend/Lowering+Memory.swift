internal import CHost
internal import CLLVM
internal import EmuIR
internal import GuestState

/// Guest memory: the host access at the guest address (user mode: guest base 0; this file is the one place to add it).
extension TBLowering {
    func pointer(_ address: LLVMValueRef, _ offset: UInt64) -> LLVMValueRef {
        let sum = offset == 0 ? address : LLVMBuildAdd(b, address, l.const(offset, l.i64), "")!
        return LLVMBuildIntToPtr(b, sum, l.pointer, "")
    }

    /// The type a value of `size` (log2 bytes) has in memory.
    private func memoryType(_ size: Int) -> LLVMTypeRef { size == 4 ? l.vector(lane: 3) : l.int(8 << size) }

    private func extended(_ raw: LLVMValueRef, size: Int, to type: IRType, signed: Bool) -> LLVMValueRef {
        if size == 4 || 8 << size == type.bits { return raw }
        if type == .i128 {
            let wide = size == 3 ? raw : LLVMBuildZExt(b, raw, l.i64, "")!
            return LLVMBuildInsertElement(b, LLVMConstNull(l.vector(lane: 3)), wide, l.const(0, l.i32), "")
        }
        return signed ? LLVMBuildSExt(b, raw, llvmType(type), "") : LLVMBuildZExt(b, raw, llvmType(type), "")
    }

    private func narrowed(_ value: LLVMValueRef, from type: IRType, size: Int) -> LLVMValueRef {
        if type == .i128 {
            if size == 4 { return value }
            let low = LLVMBuildExtractElement(b, value, l.const(0, l.i32), "")!
            return size == 3 ? low : LLVMBuildTrunc(b, low, l.int(8 << size), "")
        }
        return 8 << size == type.bits ? value : LLVMBuildTrunc(b, value, l.int(8 << size), "")
    }

    /// Leaves with an alignment exception; the engine takes the PC from the fault point.
    private func raiseAlignment(_ address: LLVMValueRef) {
        if region?.omitsFaultPoints ?? false { storeFaultPoint() }
        storeState(Int(NT_CPU_EXCEPTION), l.const(UInt64(NT_EXCEPTION_DATA_ALIGNMENT.rawValue), l.i64))
        storeState(Int(NT_CPU_EXCEPTION_INFO), address)
        region?.countFault(in: block, instruction: instruction, self)
        ret(NT_EXIT_EXCEPTION)
    }

    /// The address must be a multiple of the size.
    private mutating func requireAligned(_ address: LLVMValueRef, size: Int) {
        if size == 0 { return }
        let low = LLVMBuildAnd(b, address, l.const((1 << size) - 1, l.i64), "")!
        unlikely(LLVMBuildICmp(b, LLVMIntNE, low, l.const(0, l.i64), "")) { $0.raiseAlignment(address) }
    }

    /// FEAT_LSE2: an atomic, exclusive or ordered access may be misaligned inside a 16-byte window (one host cache line, so the host's
    /// access is atomic too), and faults otherwise.
    private mutating func requireWithin16(_ address: LLVMValueRef, size: Int) {
        if size == 0 { return }
        if size == 4 { return requireAligned(address, size: 4) }
        let low = LLVMBuildAnd(b, address, l.const(15, l.i64), "")!
        unlikely(LLVMBuildICmp(b, LLVMIntUGT, low, l.const(16 - (1 << size), l.i64), "")) { $0.raiseAlignment(address) }
    }

    mutating func lowerMemory(_ i: IRInst) -> LLVMValueRef? {
        let size = Int(i.aux)
        let flags = i.memFlags
        switch i.op {
        case .load where region?.registers.guards(i) ?? false:
            return guardedLoad(i, size: size, isVector: isVectorLoad[current])
        case .store where region?.registers.guards(i) ?? false:
            guardedStore(i, size: size)
            return nil
        case .load:
            noteFaultPoint()
            let ordered = !flags.isDisjoint(with: [.acquire, .acquirePC])
            if ordered { requireWithin16(LLVMBuildAdd(b, value(i.a), l.const(i.imm, l.i64), ""), size: size) }
            let isVector = isVectorLoad[current]
            let raw = LLVMBuildLoad2(b, isVector ? l.double : memoryType(size), pointer(value(i.a), i.imm), "")!
            LLVMSetAlignment(raw, 1)
            // A load whose result nobody wants must fault all the same; instruction selection would drop it.
            LLVMSetVolatile(raw, 1)
            // x86 loads are acquire loads already; the compiler must not move later accesses up.
            if ordered { compilerBarrier() }
            let bits = isVector ? LLVMBuildBitCast(b, raw, l.i64, "")! : raw
            return extended(bits, size: size, to: i.type, signed: flags.contains(.signExtend))
        case .store:
            noteFaultPoint()
            if flags.contains(.release) {
                requireWithin16(LLVMBuildAdd(b, value(i.a), l.const(i.imm, l.i64), ""), size: size)
                compilerBarrier()
            }
            let store = LLVMBuildStore(
                b, narrowed(value(i.b), from: i.type, size: size), pointer(value(i.a), i.imm))!
            LLVMSetAlignment(store, 1)
            // In regions passes run, and guest state must stay exact before it.
            LLVMSetVolatile(store, 1)
            // STLR followed by LDAR may not be reordered (RCsc), which x86 stores and loads are.
            if flags.contains(.release) { LLVMBuildFence(b, LLVMAtomicOrderingSequentiallyConsistent, 0, "") }
            return nil
        case .loadExclusive: return lowerLoadExclusive(i, size: size)
        case .storeExclusive: return lowerStoreExclusive(i, size: size)
        case .clearExclusive:
            storeState(Int(NT_CPU_EXCLUSIVE_SIZE), l.const(0, l.i64))
            return nil
        case .atomicRMW:
            noteFaultPoint()
            requireWithin16(value(i.a), size: size)
            let operand = narrowed(value(i.b), from: i.type, size: size)
            let (op, argument) = atomicOperation(AtomicOp(rawValue: UInt8(i.imm))!, operand)
            let old = LLVMBuildAtomicRMW(
                b, op, pointer(value(i.a), 0), opaque(argument), LLVMAtomicOrderingSequentiallyConsistent, 0)!
            return extended(old, size: size, to: i.type, signed: false)
        case .compareAndSwap:
            noteFaultPoint()
            requireWithin16(value(i.a), size: size)
            if size == 4 { return compareAndSwap128(value(i.a), value(i.b), value(i.c)).old }
            let (old, _) = compareAndSwap(
                value(i.a), narrowed(value(i.b), from: i.type, size: size),
                narrowed(value(i.c), from: i.type, size: size))
            return extended(old, size: size, to: i.type, signed: false)
        case .fence:
            switch FenceKind(rawValue: i.aux)! {
            case .full: LLVMBuildFence(b, LLVMAtomicOrderingSequentiallyConsistent, 0, "")
            // x86 keeps load-load, load-store and store-store order by itself.
            case .load, .store, .compiler: compilerBarrier()
            }
            return nil
        case .zeroBlock:
            noteFaultPoint()
            let start = LLVMBuildAnd(b, value(i.a), l.const(~UInt64(63), l.i64), "")!
            let zero = LLVMConstNull(l.vector(lane: 3))!
            for k in 0..<4 {
                let store = LLVMBuildStore(b, zero, pointer(start, UInt64(k * 16)))!
                LLVMSetAlignment(store, 16)
                LLVMSetVolatile(store, 1)
            }
            return nil
        default: preconditionFailure("not a memory operation: \(i.op)")
        }
    }

    /// A fence that costs no instruction: no access moves over it in the compiler.
    private func compilerBarrier() { LLVMBuildFence(b, LLVMAtomicOrderingAcquireRelease, 1, "") }

    /// A constant that LLVM does not see: it makes an update that changes nothing (LDADD of XZR) a plain load, which does not
    /// fault where the guest may read but not write.
    private func opaque(_ operand: LLVMValueRef) -> LLVMValueRef {
        guard LLVMIsConstant(operand) != 0 else { return operand }
        let zero = LLVMBuildLoad2(b, LLVMTypeOf(operand), address(cpu, Int(NT_CPU_ZERO)), "")!
        LLVMSetVolatile(zero, 1)
        return LLVMBuildXor(b, zero, operand, "")
    }

    private func atomicOperation(_ op: AtomicOp, _ operand: LLVMValueRef) -> (LLVMAtomicRMWBinOp, LLVMValueRef) {
        switch op {
        case .add: (LLVMAtomicRMWBinOpAdd, operand)
        case .clr: (LLVMAtomicRMWBinOpAnd, LLVMBuildNot(b, operand, ""))
        case .eor: (LLVMAtomicRMWBinOpXor, operand)
        case .set: (LLVMAtomicRMWBinOpOr, operand)
        case .smax: (LLVMAtomicRMWBinOpMax, operand)
        case .smin: (LLVMAtomicRMWBinOpMin, operand)
        case .umax: (LLVMAtomicRMWBinOpUMax, operand)
        case .umin: (LLVMAtomicRMWBinOpUMin, operand)
        case .swp: (LLVMAtomicRMWBinOpXchg, operand)
        }
    }

    private func compareAndSwap(
        _ address: LLVMValueRef, _ expected: LLVMValueRef, _ new: LLVMValueRef
    ) -> (old: LLVMValueRef, stored: LLVMValueRef) {
        let pair = LLVMBuildAtomicCmpXchg(
            b, pointer(address, 0), expected, new, LLVMAtomicOrderingSequentiallyConsistent,
            LLVMAtomicOrderingSequentiallyConsistent, 0)!
        return (LLVMBuildExtractValue(b, pair, 0, ""), LLVMBuildExtractValue(b, pair, 1, ""))
    }

    private func compareAndSwap128(
        _ address: LLVMValueRef, _ expected: LLVMValueRef, _ new: LLVMValueRef
    ) -> (old: LLVMValueRef, stored: LLVMValueRef) {
        let (old, stored) = compareAndSwap(
            address, LLVMBuildBitCast(b, expected, l.i128, ""), LLVMBuildBitCast(b, new, l.i128, ""))
        return (LLVMBuildBitCast(b, old, l.vector(lane: 3), ""), stored)
    }

    private mutating func lowerLoadExclusive(_ i: IRInst, size: Int) -> LLVMValueRef {
        noteFaultPoint()
        let address = value(i.a)
        requireWithin16(address, size: size)
        let raw: LLVMValueRef
        if size == 4 {
            // One access on processors with AVX. On others two halves may be read apart: the store-exclusive compares all 16
            // bytes again and fails, which makes the pair of them atomic; a compare-and-swap here would need write permission.
            raw = LLVMBuildLoad2(b, memoryType(4), pointer(address, 0), "")
            LLVMSetAlignment(raw, 16)
        } else {
            raw = LLVMBuildLoad2(b, memoryType(size), pointer(address, 0), "")
            LLVMSetAlignment(raw, 1)
        }
        // One access: instruction selection would read halves of it again where they are used, and they need not be those that the
        // monitor remembers.
        LLVMSetVolatile(raw, 1)
        if i.memFlags.contains(.acquire) { compilerBarrier() }
        storeState(Int(NT_CPU_EXCLUSIVE_ADDRESS), address)
        storeState(Int(NT_CPU_EXCLUSIVE_SIZE), l.const(1 << size, l.i64))
        let wide = size == 4 ? raw : size == 3 ? raw : LLVMBuildZExt(b, raw, l.i64, "")!
        storeState(Int(NT_CPU_EXCLUSIVE_VALUE), wide)
        return extended(raw, size: size, to: i.type, signed: false)
    }

    private mutating func lowerStoreExclusive(_ i: IRInst, size: Int) -> LLVMValueRef {
        noteFaultPoint()
        let address = value(i.a)
        requireWithin16(address, size: size)
        let type = block.type(of: i.b)
        let sameAddress = LLVMBuildICmp(b, LLVMIntEQ, address, loadState(Int(NT_CPU_EXCLUSIVE_ADDRESS), l.i64), "")!
        let sameSize = LLVMBuildICmp(
            b, LLVMIntEQ, loadState(Int(NT_CPU_EXCLUSIVE_SIZE), l.i64), l.const(1 << size, l.i64), "")!
        let before = LLVMGetInsertBlock(b)!
        let attempt = newBlock()
        let done = newBlock()
        LLVMBuildCondBr(b, LLVMBuildAnd(b, sameAddress, sameSize, ""), attempt, done)
        position(attempt)
        let stored: LLVMValueRef
        if size == 4 {
            let expected = loadState(Int(NT_CPU_EXCLUSIVE_VALUE), l.vector(lane: 3))
            stored = compareAndSwap128(address, expected, value(i.b)).stored
        } else {
            let expected = loadState(Int(NT_CPU_EXCLUSIVE_VALUE), l.int(8 << size))
            stored = compareAndSwap(address, expected, narrowed(value(i.b), from: type, size: size)).stored
        }
        let status = LLVMBuildZExt(b, LLVMBuildNot(b, stored, ""), l.i32, "")!
        let attemptEnd = LLVMGetInsertBlock(b)!
        LLVMBuildBr(b, done)
        position(done)
        let result = phi(l.i32, [(l.const(1, l.i32), before), (status, attemptEnd)])
        storeState(Int(NT_CPU_EXCLUSIVE_SIZE), l.const(0, l.i64))
        return result
    }
}
