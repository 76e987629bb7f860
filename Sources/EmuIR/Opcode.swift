/// The IR operations. `Opcode.info` is the single table behind builder, printer, parser and verifier.
///
/// Adding one: a case here and its row in `OpcodeTable.swift`; the compiler then leads to the interpreter's predecoder and
/// to the LLVM lowering (no `default:` in any switch over opcodes). First ask whether existing operations compose.
public enum Opcode: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    // Structure
    case nop, insn
    // Constants and guest registers
    case const, get, set
    // Integer arithmetic (i32, i64)
    case add, sub, mul, umulh, smulh, udiv, sdiv, adc, sbc
    // Integer logic (i1, i32, i64)
    case and, or, xor, andNot, not
    // Shifts (amount is an operand of the same type, taken modulo the width)
    case shl, lshr, ashr, ror
    // Bit manipulation (i32, i64)
    case clz, cls, rbit, bswap, rev16, ubfx, sbfx, bfi, extr
    // Width changes
    case zext, sext, trunc
    // Comparisons and selection
    case icmpEQ, icmpNE, icmpULT, icmpULE, icmpSLT, icmpSLE, select
    // NZCV
    case flagsAdd, flagsSub, flagsAdc, flagsSbc, flagsLogic, flagsCcmpSub, flagsCcmpAdd, flagsSet, flagsGet, cond
    // Checksums
    case crc32, crc32c
    // Guest memory
    case load, store, loadExclusive, storeExclusive, clearExclusive, atomicRMW, compareAndSwap, fence, zeroBlock
    // 128-bit and vectors (lane size in `aux`, log2 bytes)
    case pack128, lo64, hi64, vconst
    case vand, vor, vxor, vandNot, vnot, vselect
    case vadd, vsub, vmul, vneg, vabs, vsmax, vsmin, vumax, vumin
    case vsqadd, vuqadd, vsqsub, vuqsub, vsqdmulh, vsqrdmulh
    case vcmpEQ, vcmpSGT, vcmpSGE, vcmpUGT, vcmpUGE
    case vshl, vlshr, vashr
    case vdup, vinsert, vextract, vext
    case vzip1, vzip2, vuzp1, vuzp2, vtrn1, vtrn2, vrev
    case vnarrow, vsextLow, vzextLow, vcnt
    // Floating point (element size in `aux`, log2 bytes; number of elements in `flags`, those above become zero)
    case fpBinary, fpUnary, fpFMA, fpConvert, fpToInt, fpFromInt, fpToGeneral, fpFromGeneral, flagsFPCompare, fpCollect
    // Host functions
    case call
    // Instrumentation
    case pluginAdd, pluginStore, pluginLoad, pluginCall, pluginCallIf, pluginMemCall
    // Terminators
    case chain, branchIf, branchIndirect, raise, exitTo

    /// The raw value, for tables.
    @inlinable public var number: Int { Int(unsafeBitCast(self, to: UInt8.self)) }
    @inlinable public static func == (a: Opcode, b: Opcode) -> Bool { a.number == b.number }
    @inlinable public static func != (a: Opcode, b: Opcode) -> Bool { a.number != b.number }
}

/// How an operation's result type follows from the instruction.
public enum ResultRule: BitwiseCopyable, Sendable {
    case none
    /// Always this type.
    case fixed(IRType)
    /// The instruction's `type` field, which must be one of the row's `types`.
    case own
}

/// What an operand's type must be.
public enum OperandRule: BitwiseCopyable, Sendable {
    case fixed(IRType)
    /// The instruction's `type` field.
    case own
    /// Any type but `none` (the operation's text says which make sense).
    case any
    /// May be absent (`Value.none`), otherwise any type.
    case optional
}

/// What an operation does beside its result.
public struct Effects: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    @inlinable public static var readsFlags: Effects { Effects(rawValue: 1) }
    @inlinable public static var writesFlags: Effects { Effects(rawValue: 2) }
    @inlinable public static var readsState: Effects { Effects(rawValue: 4) }
    @inlinable public static var writesState: Effects { Effects(rawValue: 8) }
    @inlinable public static var readsMemory: Effects { Effects(rawValue: 16) }
    @inlinable public static var writesMemory: Effects { Effects(rawValue: 32) }
    /// May leave the TB with a guest fault; guest state must be exact before it.
    @inlinable public static var mayFault: Effects { Effects(rawValue: 64) }
    @inlinable public static var terminator: Effects { Effects(rawValue: 128) }
    /// Observed from outside (plugin): never removed, merged or moved over another such operation.
    @inlinable public static var observer: Effects { Effects(rawValue: 256) }
    /// Orders other memory accesses.
    @inlinable public static var barrier: Effects { Effects(rawValue: 512) }
    /// Rounds as FPCR says and adds to FPSR; touches no other guest register.
    @inlinable public static var floatingPoint: Effects { Effects(rawValue: 1024) }

    @inlinable static var impure: UInt16 {
        Effects.writesFlags.rawValue | Effects.writesState.rawValue | Effects.writesMemory.rawValue | Effects.mayFault.rawValue
            | Effects.terminator.rawValue | Effects.observer.rawValue | Effects.barrier.rawValue | Effects.floatingPoint.rawValue
    }
    /// True when an unused result makes the operation removable.
    @inlinable public var isPure: Bool { rawValue & Self.impure == 0 }
    // The protocol's own are generic, and other modules would call them as such.
    @inlinable public func contains(_ other: Effects) -> Bool { rawValue & other.rawValue == other.rawValue }
    @inlinable public func union(_ other: Effects) -> Effects { Effects(rawValue: rawValue | other.rawValue) }
    /// True when any of `effects` is among these. For the passes, which ask it of every operation: a set literal in
    /// another module is built element by element at run time.
    @inlinable public func includesAny(of effects: Effects) -> Bool { rawValue & effects.rawValue != 0 }
}

/// What a field of `IRInst` means for an operation, for text and checks.
public enum Field: BitwiseCopyable, Sendable {
    case unused
    /// Unsigned number, printed in hex as `key=0x…`.
    case hex(StaticString)
    /// Signed 64-bit number, printed in decimal as `key=…`.
    case signed(StaticString)
    /// Unsigned number below the bound, printed in decimal.
    case number(StaticString, below: UInt64)
    case slot
    case condition
    case atomicOp
    case fenceKind
    case exceptionKind
    case memFlags
    case helper
    case fpBinary
    case fpUnary
}

/// One row of the opcode table.
public struct OpcodeInfo: Sendable {
    public let opcode: Opcode
    public let name: StaticString
    public let result: ResultRule
    /// Allowed values of `IRInst.type`; empty when the field must be `none`.
    public let types: [IRType]
    public let operands: [OperandRule]
    public let aux: Field
    public let flags: Field
    public let imm: Field
    public let imm2: Field
    public let effects: Effects
    public let meaning: StaticString
}
