internal import CHost
internal import CLLVM
internal import EmuIR
internal import GuestState

/// A TB whose conditional branch leads back to its own start becomes a loop inside its function: general registers and flags
/// travel in SSA values, which the code generator keeps in host registers. Each round still polls for exit requests, so
/// invalidation and signals end it as they end a chain of TBs.
///
/// When nothing in the TB can fault or look at the registers, they are written back only where the loop is left; otherwise every
/// `set` stays a store, in order, and only the loads go away.
final class SelfLoop {
    let header: LLVMBasicBlockRef
    private let preheader: LLVMBasicBlockRef
    private let defersStores: Bool
    /// The value a register has now, by its offset in the CPU struct.
    private var current: [Int: LLVMValueRef] = [:]
    /// What the loop began with, and the phi that carries it.
    private var carried: [(offset: Int, initial: LLVMValueRef, phi: LLVMValueRef)] = []
    private var dirty: [Int] = []

    private init(preheader: LLVMBasicBlockRef, header: LLVMBasicBlockRef, defersStores: Bool) {
        self.preheader = preheader
        self.header = header
        self.defersStores = defersStores
    }

    /// Whether the TB ends in a conditional branch to its own start, and does nothing that could change registers behind the
    /// compiler's back.
    static func isSuitable(_ block: IRBlock) -> Bool {
        guard let end = block.insts.last, end.op == .branchIf, end.imm == block.pc || end.imm2 == block.pc else { return false }
        return block.insts.dropLast().allSatisfy { inst in
            switch inst.op {
            case .call, .pluginCall, .pluginCallIf, .pluginMemCall, .loadExclusive, .storeExclusive, .clearExclusive,
                .atomicRMW, .compareAndSwap, .zeroBlock:
                false
            default: true
            }
        }
    }

    /// Opens the loop: code built from now on is its body.
    static func begin(_ block: IRBlock, _ lowering: TBLowering) -> SelfLoop {
        let preheader = LLVMGetInsertBlock(lowering.b)!
        let header = lowering.newBlock()
        LLVMBuildBr(lowering.b, header)
        lowering.position(header)
        let canDefer = !block.insts.contains { $0.op.info.effects.contains(.mayFault) }
        return SelfLoop(preheader: preheader, header: header, defersStores: canDefer)
    }

    /// X0...X30, SP and the flags; all of them 64 bits wide.
    static func tracks(_ offset: Int) -> Bool {
        (Int(NT_CPU_X)..<Int(NT_CPU_X) + 32 * 8).contains(offset)
            || [Int(NT_CPU_NF), Int(NT_CPU_ZF), Int(NT_CPU_CF), Int(NT_CPU_VF)].contains(offset)
    }

    func load(_ offset: Int, _ lowering: TBLowering) -> LLVMValueRef {
        if let value = current[offset] { return value }
        let b = lowering.b
        let here = LLVMGetInsertBlock(b)!
        LLVMPositionBuilderBefore(b, LLVMGetBasicBlockTerminator(preheader))
        let initial = LLVMBuildLoad2(b, lowering.l.i64, lowering.address(lowering.cpu, offset), "")!
        if let first = LLVMGetFirstInstruction(header) {
            LLVMPositionBuilderBefore(b, first)
        } else {
            lowering.position(header)
        }
        let phi = LLVMBuildPhi(b, lowering.l.i64, "")!
        lowering.position(here)
        carried.append((offset, initial, phi))
        current[offset] = phi
        return phi
    }

    /// - Returns: whether the store itself must still be made.
    func store(_ offset: Int, _ value: LLVMValueRef) -> Bool {
        current[offset] = value
        if defersStores, !dirty.contains(offset) { dirty.append(offset) }
        return !defersStores
    }

    /// Writes back what the memory of the CPU struct lacks; before leaving the TB.
    func writeBack(_ lowering: TBLowering) {
        for offset in dirty {
            LLVMBuildStore(lowering.b, current[offset]!, lowering.address(lowering.cpu, offset))
        }
    }

    /// The back edge, from the current place.
    func close(_ lowering: TBLowering) {
        let latch = LLVMGetInsertBlock(lowering.b)!
        LLVMBuildBr(lowering.b, header)
        for (offset, initial, phi) in carried {
            var values: [LLVMValueRef?] = [initial, current[offset]]
            var blocks: [LLVMBasicBlockRef?] = [preheader, latch]
            LLVMAddIncoming(phi, &values, &blocks, 2)
        }
    }
}
