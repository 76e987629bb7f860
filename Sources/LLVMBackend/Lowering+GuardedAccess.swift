internal import CHost
internal import CLLVM
internal import EmuIR
internal import GuestState

/// Guest accesses whose fault goes on in code of its own, which writes to memory what a fault must find there: nothing of that is done
/// before an access that does not fault.
///
/// Such an access is inline assembly with a second successor, and an entry in the section `.nt_faults`: address of the instruction,
/// address of that successor, fault point. LLVM allocates registers knowing both ways; the linker hands the entries on (`CLLVM/jit.cpp`), and
/// the signal handler takes the way (`CHost/code_ranges.c`).
extension TBLowering {
    /// Whether the operation is one of those: plain loads and stores, of sizes that have an instruction.
    static func canGuard(_ inst: IRInst) -> Bool {
        guard inst.op == .load || inst.op == .store else { return false }
        if !inst.memFlags.isDisjoint(with: [.acquire, .acquirePC, .release]) { return false }
        return inst.type != .i128 || inst.aux >= 2
    }

    /// - Parameter isVector: A load that has its place in the vector unit, as a double.
    /// - Returns: the value, extended to the operation's type.
    mutating func guardedLoad(_ i: IRInst, size: Int, isVector: Bool) -> LLVMValueRef {
        let (mnemonic, operand, type, constraint): (String, String, LLVMTypeRef, String)
        switch (i.type, size) {
        case (.i128, _): (mnemonic, operand, type, constraint) = (Self.vectorMove(size), "$0", l.vector(lane: 3), "=x")
        case _ where isVector: (mnemonic, operand, type, constraint) = (Self.vectorMove(3), "$0", l.double, "=x")
        case _ where i.memFlags.contains(.signExtend) && 8 << size < i.type.bits:
            let suffix = i.type == .i64 ? "q" : "l"
            (mnemonic, operand) = ("movs" + ["b", "w", "l"][size] + suffix, i.type == .i64 ? "${0:q}" : "${0:k}")
            (type, constraint) = (llvmType(i.type), "=r")
        default:
            (mnemonic, operand) = (["movzbl", "movzwl", "movl", "movq"][size], size == 3 ? "${0:q}" : "${0:k}")
            (type, constraint) = (l.i64, "=r")
        }
        let raw = guarded("\(mnemonic) $1, \(operand)", "\(constraint),*m,!i", type, pointer(value(i.a), i.imm), nil)
        if isVector { return LLVMBuildBitCast(b, raw, l.i64, "") }
        return type == llvmType(i.type) ? raw : LLVMBuildTrunc(b, raw, llvmType(i.type), "")
    }

    mutating func guardedStore(_ i: IRInst, size: Int) {
        let place = pointer(value(i.a), i.imm)
        if i.type == .i128 {
            _ = guarded("\(Self.vectorMove(size)) $1, $0", "=*m,x,!i", l.void, place, value(i.b))
        } else {
            let text = ["movb ${1:b}, $0", "movw ${1:w}, $0", "movl ${1:k}, $0", "movq ${1:q}, $0"][size]
            // Whole registers: LLVM has nothing to do to make a part of one.
            _ = guarded(text, "=*m,r,!i", l.void, place, value(i.b))
        }
    }

    /// The host's move between memory and a vector register, whose rest becomes zero.
    private static func vectorMove(_ size: Int) -> String {
        (hasAVX ? "v" : "") + ["", "", "movd", "movq", "movdqu"][size]
    }
    private static let hasAVX = nt_host_instructions() & NT_HOST_AVX != 0

    private mutating func guarded(
        _ instruction: String, _ constraints: String, _ type: LLVMTypeRef, _ place: LLVMValueRef, _ stored: LLVMValueRef?
    ) -> LLVMValueRef {
        let next = newBlock()
        // Not a numbered label: a kept MCContext mixes those of its modules up (LLVM 22).
        let entry = #".pushsection .nt_faults,"a",@progbits"# + "\n.quad .Lnt${:uid}, ${2:l}, \(faultPoint)\n.popsection"
        let text = ".Lnt${:uid}: \(instruction)\n\(entry)"
        var types: [LLVMTypeRef?] = [l.pointer] + (stored.map { [LLVMTypeOf($0)] } ?? [])
        let function = LLVMFunctionType(type, &types, UInt32(types.count), 0)!
        let assembly = LLVMGetInlineAsm(
            function, text, text.utf8.count, constraints, constraints.utf8.count, 1, 0, LLVMInlineAsmDialectATT, 0)
        var arguments: [LLVMValueRef?] = [place] + (stored.map { [$0] } ?? [])
        let region = region!
        let faulted = region.fault(&self)
        var ways: [LLVMBasicBlockRef?] = [faulted]
        let result = LLVMBuildCallBr(
            b, function, assembly, next, &ways, 1, &arguments, UInt32(arguments.count), nil, 0, "")!
        intrinsics.setElementType(ofArgument: 0, of: result, stored.map { LLVMTypeOf($0) } ?? type)
        position(next)
        return result
    }
}
