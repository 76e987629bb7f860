/// A value of a block: the index of the instruction that defines it.
public struct Value: Hashable, BitwiseCopyable, Sendable {
    public var id: UInt32
    @inlinable public init(_ id: UInt32) { self.id = id }
    @inlinable public init(index: Int) { id = UInt32(truncatingIfNeeded: index) }
    /// No operand.
    @inlinable public static var none: Value { Value(.max) }
    @inlinable public var isNone: Bool { id == .max }
    @inlinable public var index: Int { Int(id) }
    // Written out, because a synthesized one is not inlined into other modules. So in all types that passes compare.
    @inlinable public static func == (a: Value, b: Value) -> Bool { a.id == b.id }
}

/// One IR instruction. Trivial and 32 bytes: blocks are plain arrays of these. The meaning of `aux`, `flags`, `imm` and
/// `imm2` for each operation is in the opcode table.
public struct IRInst: BitwiseCopyable, Sendable, Equatable {
    public var op: Opcode
    /// Result type, or for operations without a result the type of their main operand.
    public var type: IRType
    public var aux: UInt8
    public var flags: UInt8
    public var a: Value
    public var b: Value
    public var c: Value
    public var imm: UInt64
    public var imm2: UInt64

    @inlinable
    public init(
        _ op: Opcode, _ type: IRType = .none, _ a: Value = .none, _ b: Value = .none, _ c: Value = .none,
        aux: UInt8 = 0, flags: UInt8 = 0, imm: UInt64 = 0, imm2: UInt64 = 0
    ) {
        self.op = op
        self.type = type
        self.aux = aux
        self.flags = flags
        self.a = a
        self.b = b
        self.c = c
        self.imm = imm
        self.imm2 = imm2
    }

    @inlinable public var memFlags: MemFlags { MemFlags(rawValue: flags) }
    @inlinable public var slot: StateSlot { StateSlot(rawValue: UInt16(truncatingIfNeeded: imm)) }
}

/// The IR of one TB: a straight list of instructions, the last of which is the only terminator. `%n` in text is the index
/// in `insts`. No internal control flow: what looks conditional inside an instruction is `select`, a flag operation or a call.
public struct IRBlock: Sendable, Equatable {
    /// Guest address of the first instruction.
    public var pc: UInt64
    /// Translation-relevant state: the other half of the TB key.
    public var flags: UInt32
    public var insts: ContiguousArray<IRInst>
    /// Number of guest instructions, 1...512.
    public var guestInstructionCount: Int

    public init(pc: UInt64, flags: UInt32 = 0) {
        self.pc = pc
        self.flags = flags
        self.insts = []
        self.guestInstructionCount = 0
    }

    public init(pc: UInt64, flags: UInt32, insts: ContiguousArray<IRInst>, guestInstructionCount: Int) {
        self.pc = pc
        self.flags = flags
        self.insts = insts
        self.guestInstructionCount = guestInstructionCount
    }

    /// The words of its guest instructions. `words` has `guestInstructionCount` elements.
    package func copyWords(to words: UnsafeMutableBufferPointer<UInt32>) {
        var next = 0
        for inst in insts where inst.op == .insn {
            words[next] = UInt32(truncatingIfNeeded: inst.imm2)
            next += 1
        }
    }

    /// Guest bytes covered.
    public var sizeInBytes: Int { guestInstructionCount * 4 }

    @inlinable public subscript(_ v: Value) -> IRInst {
        get { insts[v.index] }
        set { insts[v.index] = newValue }
    }
    @inlinable public func type(of v: Value) -> IRType { insts[v.index].resultType }
}

extension IRInst {
    /// The type of the value this instruction defines; `none` if it defines no value.
    @inlinable public var resultType: IRType {
        switch op {
        case .nop, .insn, .set, .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsCcmpSub, .flagsCcmpAdd,
            .flagsSet, .flagsFPCompare, .fpCollect, .store, .clearExclusive, .fence, .zeroBlock, .pluginAdd, .pluginStore,
            .pluginCall,
            .pluginCallIf, .pluginMemCall, .chain, .branchIf, .branchIndirect, .raise, .exitTo:
            .none
        case .icmpEQ, .icmpNE, .icmpULT, .icmpULE, .icmpSLT, .icmpSLE, .cond: .i1
        default: type
        }
    }
}
