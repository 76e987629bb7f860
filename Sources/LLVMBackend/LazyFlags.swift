internal import CLLVM
internal import EmuIR

/// NZCV in a region: the last operation that set them and its operands, from which they are computed where somebody reads them.
/// Most are never read but by the branch behind, which compares by itself.
final class LazyFlags {
    /// What the flags are computed from. `words`: they were, and are in the CPU struct. `packed`: `first` has them in bits 31 to 28.
    /// The operands of `float` and `double` are bit patterns.
    enum Source: UInt64, CaseIterable {
        case words, add32, add64, sub32, sub64, logic32, logic64, adc32, adc64, float, double, packed

        init(_ op: Opcode, _ type: IRType) {
            let isNarrow = type == .i32
            switch op {
            case .flagsAdd, .flagsCcmpAdd: self = isNarrow ? .add32 : .add64
            case .flagsSub, .flagsCcmpSub: self = isNarrow ? .sub32 : .sub64
            case .flagsAdc, .flagsSbc: self = isNarrow ? .adc32 : .adc64
            case .flagsLogic: self = isNarrow ? .logic32 : .logic64
            case .flagsSet: self = .packed
            default: preconditionFailure("not a flag operation: \(op)")
            }
        }
        var type: IRType {
            switch self {
            case .add32, .sub32, .logic32, .adc32, .float: .i32
            case .words, .add64, .sub64, .logic64, .adc64, .double, .packed: .i64
            }
        }
    }

    /// An operation and its operands; `third` is the carry that ADC and SBC add.
    struct Operation {
        var source: Source
        var first: LLVMValueRef
        var second: LLVMValueRef
        var third: LLVMValueRef?
    }
    /// Where the flags come from at the place where code is being made.
    enum Known {
        case operation(Operation)
        /// From the operation when the condition holds, else these bits (CCMP).
        case either(LLVMValueRef, Operation, nzcv: UInt64)
        case values(TBLowering.FlagValues)
        /// The CPU struct has them.
        case inMemory
    }

    private let source: LLVMValueRef
    private let first: LLVMValueRef
    private let second: LLVMValueRef
    private let third: LLVMValueRef
    /// Those that occur in the region, but `words`.
    private let sources: [Source]
    /// Nil when another TB set them.
    private(set) var known: Known?

    init(_ lowering: TBLowering, _ blocks: [IRBlock]) {
        sources = Self.sources(in: blocks)
        source = LLVMBuildAlloca(lowering.b, lowering.l.i32, "")
        first = LLVMBuildAlloca(lowering.b, lowering.l.i64, "")
        second = LLVMBuildAlloca(lowering.b, lowering.l.i64, "")
        third = LLVMBuildAlloca(lowering.b, lowering.l.i64, "")
        for place in [first, second, third] { LLVMBuildStore(lowering.b, lowering.l.const(0, lowering.l.i64), place) }
    }

    private static func sources(in blocks: [IRBlock]) -> [Source] {
        var found: Set<Source> = []
        for block in blocks {
            for inst in block.insts {
                switch inst.op {
                case .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsSet: found.insert(Source(inst.op, inst.type))
                case .flagsCcmpAdd, .flagsCcmpSub: found.formUnion([Source(inst.op, inst.type), .packed])
                case .flagsFPCompare: found.formUnion([inst.aux == 3 ? .double : .float, .packed])
                default: break
                }
            }
        }
        return Source.allCases.filter { found.contains($0) }
    }

    /// What comes next is reached from several places.
    func beginBlock() { known = nil }

    func becomeWords(_ lowering: TBLowering) {
        LLVMBuildStore(lowering.b, lowering.l.const(Source.words.rawValue, lowering.l.i32), source)
        known = .inMemory
    }

    func set(_ new: Known, _ lowering: TBLowering) {
        let (b, l) = (lowering.b, lowering.l)
        known = new
        func wide(_ v: LLVMValueRef, _ type: IRType) -> LLVMValueRef { type == .i64 ? v : LLVMBuildZExt(b, v, l.i64, "") }
        func note(_ operation: Operation) {
            LLVMBuildStore(b, l.const(operation.source.rawValue, l.i32), source)
            LLVMBuildStore(b, wide(operation.first, operation.source.type), first)
            LLVMBuildStore(b, wide(operation.second, operation.source.type), second)
            if let value = operation.third { LLVMBuildStore(b, wide(value, operation.source.type), third) }
        }
        switch new {
        case .operation(let operation): note(operation)
        case .either(let condition, let operation, let nzcv):
            note(operation)
            func otherwise(_ place: LLVMValueRef, _ yes: LLVMValueRef, _ no: LLVMValueRef) {
                LLVMBuildStore(b, LLVMBuildSelect(b, condition, yes, no, ""), place)
            }
            otherwise(
                source, l.const(operation.source.rawValue, l.i32), l.const(Source.packed.rawValue, l.i32))
            otherwise(first, wide(operation.first, operation.source.type), l.const(nzcv << 28, l.i64))
        case .values, .inMemory: preconditionFailure("no operation")
        }
    }

    /// The flags at the place where code is being made.
    func values(_ lowering: inout TBLowering) -> TBLowering.FlagValues {
        if let known, let values = lowering.flags(known) { return values }
        let inMemory = lowering.newBlock()
        let done = lowering.newBlock()
        var found: [(TBLowering.FlagValues, LLVMBasicBlockRef)] = []
        dispatch(&lowering, inMemory: inMemory) { lowering, operation in
            found.append((lowering.flags(of: operation, isHere: false), LLVMGetInsertBlock(lowering.b)))
            LLVMBuildBr(lowering.b, done)
        }
        lowering.position(inMemory)
        found.append((lowering.flagWords(), inMemory))
        LLVMBuildBr(lowering.b, done)
        lowering.position(done)
        func merged(_ part: KeyPath<TBLowering.FlagValues, LLVMValueRef>) -> LLVMValueRef {
            lowering.phi(lowering.l.i64, found.map { ($0.0[keyPath: part], $0.1) })
        }
        let values = TBLowering.FlagValues(n: merged(\.n), z: merged(\.z), c: merged(\.c), v: merged(\.v))
        known = .values(values)
        return values
    }

    /// Writes the flag words to the CPU struct, on the path where code is being made.
    func writeBack(_ lowering: inout TBLowering) {
        if let known {
            if let values = lowering.flags(known) { lowering.storeFlagWords(values) }
            return
        }
        let done = lowering.newBlock()
        dispatch(&lowering, inMemory: done) { lowering, operation in
            lowering.storeFlagWords(lowering.flags(of: operation, isHere: false))
            LLVMBuildBr(lowering.b, done)
        }
        lowering.position(done)
    }

    /// Another TB noted the operation: makes code for each that it may have been, in blocks of their own.
    private func dispatch(
        _ lowering: inout TBLowering, inMemory: LLVMBasicBlockRef, _ body: (inout TBLowering, Operation) -> Void
    ) {
        let (b, l) = (lowering.b, lowering.l)
        let number = LLVMBuildLoad2(b, l.i32, source, "")!
        let operands = [first, second, third].map { LLVMBuildLoad2(b, l.i64, $0, "")! }
        let choice = LLVMBuildSwitch(b, number, inMemory, UInt32(sources.count))
        for source in sources {
            let block = lowering.newBlock()
            LLVMAddCase(choice, l.const(source.rawValue, l.i32), block)
            lowering.position(block)
            body(&lowering, operation(source, operands, lowering))
        }
    }

    private func operation(_ source: Source, _ operands: [LLVMValueRef], _ lowering: TBLowering) -> Operation {
        let narrow = operands.map { source.type == .i64 ? $0 : LLVMBuildTrunc(lowering.b, $0, lowering.l.i32, "")! }
        return Operation(source: source, first: narrow[0], second: narrow[1], third: narrow[2])
    }
}
