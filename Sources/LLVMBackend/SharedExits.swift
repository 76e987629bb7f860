internal import CLLVM

/// The ways out of a TB outside of regions, each made once: FastISel hands every return and tail call of the preserve_none convention to the
/// slow selector, which costs more than the rest of a small TB.
final class SharedExits {
    private var returns: (block: LLVMBasicBlockRef, incoming: [(LLVMValueRef, LLVMBasicBlockRef)])?
    private var calls: (block: LLVMBasicBlockRef, incoming: [(LLVMValueRef, LLVMBasicBlockRef)])?

    /// Leaves to the run loop with an `nt_exit`.
    func leave(_ exit: LLVMValueRef, _ lowering: TBLowering) { Self.go(exit, &returns, lowering) }
    /// Goes to another TB.
    func call(_ next: LLVMValueRef, _ lowering: TBLowering) { Self.go(next, &calls, lowering) }

    private static func go(
        _ value: LLVMValueRef, _ exit: inout (block: LLVMBasicBlockRef, incoming: [(LLVMValueRef, LLVMBasicBlockRef)])?,
        _ lowering: TBLowering
    ) {
        if exit == nil { exit = (lowering.newBlock(), []) }
        exit!.incoming.append((value, LLVMGetInsertBlock(lowering.b)!))
        LLVMBuildBr(lowering.b, exit!.block)
    }

    /// Makes the code of the exits, behind that of the TB.
    func finish(_ lowering: TBLowering) {
        if let calls {
            lowering.position(calls.block)
            lowering.callAndReturn(lowering.phi(lowering.l.pointer, calls.incoming))
        }
        if let returns {
            lowering.position(returns.block)
            LLVMBuildRet(lowering.b, lowering.phi(lowering.l.i64, returns.incoming))
        }
    }
}
