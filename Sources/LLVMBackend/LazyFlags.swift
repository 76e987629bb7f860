internal import CLLVM
internal import EmuIR

/// NZCV in a region: the last operation that set them and its operands, from which they are computed where somebody reads them.
/// Most are never read but by the branch behind, which compares by itself.
final class LazyFlags {
    /// What the flags are computed from. `words`: they were, and are in the CPU struct.
    enum Source: UInt64, CaseIterable {
        case words, add32, add64, sub32, sub64, logic32, logic64

        init(_ op: Opcode, _ type: IRType) {
            switch op {
            case .flagsAdd: self = type == .i32 ? .add32 : .add64
            case .flagsSub: self = type == .i32 ? .sub32 : .sub64
            default: self = type == .i32 ? .logic32 : .logic64
            }
        }
        var type: IRType { self == .add32 || self == .sub32 || self == .logic32 ? .i32 : .i64 }
    }

    private let source: LLVMValueRef
    private let first: LLVMValueRef
    private let second: LLVMValueRef
    /// Where the flags come from at the place where code is being made; nil when another TB set them.
    private(set) var known: (source: Source, a: LLVMValueRef?, c: LLVMValueRef?)?

    init(_ lowering: TBLowering) {
        source = LLVMBuildAlloca(lowering.b, lowering.l.i32, "")
        first = LLVMBuildAlloca(lowering.b, lowering.l.i64, "")
        second = LLVMBuildAlloca(lowering.b, lowering.l.i64, "")
        for place in [first, second] { LLVMBuildStore(lowering.b, lowering.l.const(0, lowering.l.i64), place) }
    }

    /// What comes next is reached from several places.
    func beginBlock() { known = nil }

    func becomeWords(_ lowering: TBLowering) {
        LLVMBuildStore(lowering.b, lowering.l.const(Source.words.rawValue, lowering.l.i32), source)
        known = (.words, nil, nil)
    }

    func set(_ source: Source, _ a: LLVMValueRef, _ c: LLVMValueRef, _ lowering: TBLowering) {
        func wide(_ v: LLVMValueRef) -> LLVMValueRef {
            source.type == .i64 ? v : LLVMBuildZExt(lowering.b, v, lowering.l.i64, "")
        }
        LLVMBuildStore(lowering.b, lowering.l.const(source.rawValue, lowering.l.i32), self.source)
        LLVMBuildStore(lowering.b, wide(a), first)
        LLVMBuildStore(lowering.b, wide(c), second)
        known = (source, a, c)
    }

    /// Writes the flag words to the CPU struct, on the path where code is being made.
    func writeBack(_ lowering: inout TBLowering) {
        if let known {
            if known.source != .words { lowering.storeFlagWords(lowering.flags(of: known.source, known.a!, known.c!)) }
            return
        }
        // Another TB noted the operation: by its number.
        let b = lowering.b
        let l = lowering.l
        let number = LLVMBuildLoad2(b, l.i32, source, "")!
        let a = LLVMBuildLoad2(b, l.i64, first, "")!
        let c = LLVMBuildLoad2(b, l.i64, second, "")!
        let done = lowering.newBlock()
        let choice = LLVMBuildSwitch(b, number, done, UInt32(Source.allCases.count - 1))
        for source in Source.allCases.dropFirst() {
            let block = lowering.newBlock()
            LLVMAddCase(choice, l.const(source.rawValue, l.i32), block)
            lowering.position(block)
            func operand(_ v: LLVMValueRef) -> LLVMValueRef { source.type == .i64 ? v : LLVMBuildTrunc(b, v, l.i32, "") }
            lowering.storeFlagWords(lowering.flags(of: source, operand(a), operand(c)))
            LLVMBuildBr(b, done)
        }
        lowering.position(done)
    }
}
