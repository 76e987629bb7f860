/// A value of a block: the index of the instruction that defines it.
package struct Value: Hashable, BitwiseCopyable, Sendable {
    package var id: UInt32
    @inlinable package init(_ id: UInt32) { self.id = id }
    @inlinable package init(index: Int) { id = UInt32(truncatingIfNeeded: index) }
    /// No operand.
    package static let none = Value(.max)
    @inlinable package var isNone: Bool { id == .max }
    @inlinable package var index: Int { Int(id) }
}

/// One IR instruction. Trivial and 32 bytes: blocks are plain arrays of these. The meaning of `aux`, `flags`, `imm` and
/// `imm2` for each operation is in the opcode table.
package struct IRInst: BitwiseCopyable, Sendable, Equatable {
    package var op: Opcode
    /// Result type, or for operations without a result the type of their main operand.
    package var type: IRType
    package var aux: UInt8
    package var flags: UInt8
    package var a: Value
    package var b: Value
    package var c: Value
    package var imm: UInt64
    package var imm2: UInt64

    @inlinable
    package init(
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

    @inlinable package var memFlags: MemFlags { MemFlags(rawValue: flags) }
    @inlinable package var slot: StateSlot { StateSlot(rawValue: UInt16(truncatingIfNeeded: imm)) }
}

/// The IR of one TB: a straight list of instructions, the last of which is the only terminator. `%n` in text is the index
/// in `insts`. No internal control flow: what looks conditional inside an instruction is `select`, a flag operation or a call.
package struct IRBlock: Sendable, Equatable {
    /// Guest address of the first instruction.
    package var pc: UInt64
    /// Translation-relevant state: the other half of the TB key.
    package var flags: UInt32
    package var insts: ContiguousArray<IRInst>
    /// Number of guest instructions, 1...512.
    package var guestInstructionCount: Int

    package init(pc: UInt64, flags: UInt32 = 0) {
        self.pc = pc
        self.flags = flags
        self.insts = []
        self.guestInstructionCount = 0
    }

    /// Guest bytes covered.
    package var sizeInBytes: Int { guestInstructionCount * 4 }

    @inlinable package subscript(_ v: Value) -> IRInst {
        get { insts[v.index] }
        set { insts[v.index] = newValue }
    }
    @inlinable package func type(of v: Value) -> IRType { insts[v.index].resultType }
}

extension IRInst {
    /// The type of the value this instruction defines; `none` if it defines no value.
    @inlinable package var resultType: IRType {
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
