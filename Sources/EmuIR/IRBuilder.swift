public import Support

/// Appends instructions to a block. One function per operation, named as in IR text; result types follow the operands.
///
/// Folds constants where both operands are constant and the identities that A64 code produces often (add 0, shift by 0).
/// Preconditions on types are checked by the verifier, not here.
public struct IRBuilder: ~Copyable {
    public var insts = Scratch<IRInst>(capacity: 1024)
    private var pc: UInt64
    private var flags: UInt32
    private var guestInstructionCount = 0

    public init(pc: UInt64, flags: UInt32 = 0) {
        self.pc = pc
        self.flags = flags
    }

    /// Starts anew, keeping the storage.
    public mutating func reset(pc: UInt64, flags: UInt32 = 0) {
        insts.removeAll()
        self.pc = pc
        self.flags = flags
        guestInstructionCount = 0
    }

    /// What was appended since the last `reset`, as a block of its own.
    public var block: IRBlock {
        IRBlock(
            pc: pc, flags: flags, insts: ContiguousArray(insts.elements), guestInstructionCount: guestInstructionCount)
    }

    @inlinable @discardableResult
    public mutating func append(_ inst: IRInst) -> Value {
        insts.append(inst)
        return Value(index: insts.count - 1)
    }

    @inlinable public func type(of v: Value) -> IRType { insts[v.index].resultType }

    /// The constant `v` holds, if it is one.
    @inlinable public func constant(of v: Value) -> UInt64? {
        let i = v.index
        return insts[i].op == .const ? insts[i].imm : nil
    }

    // MARK: Structure

    public mutating func insn(pc: UInt64, word: UInt32) {
        guestInstructionCount += 1
        append(IRInst(.insn, imm: pc, imm2: UInt64(word)))
    }

    // MARK: Constants and guest registers

    public mutating func const(_ value: UInt64, _ type: IRType = .i64) -> Value {
        append(IRInst(.const, type, imm: value & IRBuilder.mask(type)))
    }
    public mutating func get(_ slot: StateSlot) -> Value {
        append(IRInst(.get, slot.valueType, imm: UInt64(slot.rawValue)))
    }
    public mutating func set(_ slot: StateSlot, _ value: Value) {
        append(IRInst(.set, slot.valueType, value, imm: UInt64(slot.rawValue)))
    }

    @inlinable public static func mask(_ type: IRType) -> UInt64 {
        switch type {
        case .i1: 1
        case .i32: 0xffff_ffff
        default: .max
        }
    }

    // MARK: Integer operations

    /// Any two-operand integer operation whose type is its operands'.
    public mutating func binary(_ op: Opcode, _ a: Value, _ b: Value) -> Value {
        append(IRInst(op, type(of: a), a, b))
    }
    public mutating func unary(_ op: Opcode, _ a: Value) -> Value { append(IRInst(op, type(of: a), a)) }

    public mutating func add(_ a: Value, _ b: Value) -> Value {
        let t = type(of: a)
        switch (constant(of: a), constant(of: b)) {
        case (let x?, let y?): return const(x &+ y, t)
        case (_, 0?): return a
        case (0?, _): return b
        default: return binary(.add, a, b)
        }
    }
    public mutating func sub(_ a: Value, _ b: Value) -> Value {
        switch (constant(of: a), constant(of: b)) {
        case (let x?, let y?): return const(x &- y, type(of: a))
        case (_, 0?): return a
        default: return binary(.sub, a, b)
        }
    }
    public mutating func mul(_ a: Value, _ b: Value) -> Value { binary(.mul, a, b) }
    public mutating func and(_ a: Value, _ b: Value) -> Value {
        if let x = constant(of: a), let y = constant(of: b) { return const(x & y, type(of: a)) }
        return binary(.and, a, b)
    }
    public mutating func or(_ a: Value, _ b: Value) -> Value {
        switch (constant(of: a), constant(of: b)) {
        case (let x?, let y?): return const(x | y, type(of: a))
        case (_, 0?): return a
        case (0?, _): return b
        default: return binary(.or, a, b)
        }
    }
    public mutating func xor(_ a: Value, _ b: Value) -> Value {
        if let x = constant(of: a), let y = constant(of: b) { return const(x ^ y, type(of: a)) }
        return binary(.xor, a, b)
    }
    public mutating func andNot(_ a: Value, _ b: Value) -> Value { binary(.andNot, a, b) }
    public mutating func not(_ a: Value) -> Value {
        if let x = constant(of: a) { return const(~x, type(of: a)) }
        return unary(.not, a)
    }
    /// Shift by a constant amount, 0..<width.
    public mutating func shift(_ op: Opcode, _ a: Value, by amount: Int) -> Value {
        if amount == 0 { return a }
        let t = type(of: a)
        if op == .shl, let x = constant(of: a) { return const(x << UInt64(amount), t) }
        return binary(op, a, const(UInt64(amount), t))
    }
    public mutating func ubfx(_ a: Value, lsb: Int, width: Int) -> Value {
        append(IRInst(.ubfx, type(of: a), a, imm: UInt64(lsb), imm2: UInt64(width)))
    }
    public mutating func sbfx(_ a: Value, lsb: Int, width: Int) -> Value {
        append(IRInst(.sbfx, type(of: a), a, imm: UInt64(lsb), imm2: UInt64(width)))
    }
    public mutating func bfi(_ a: Value, _ b: Value, lsb: Int, width: Int) -> Value {
        append(IRInst(.bfi, type(of: a), a, b, imm: UInt64(lsb), imm2: UInt64(width)))
    }
    public mutating func extr(_ a: Value, _ b: Value, lsb: Int) -> Value {
        append(IRInst(.extr, type(of: a), a, b, imm: UInt64(lsb)))
    }

    // MARK: Width changes (identity when the type already fits)

    public mutating func zext(_ a: Value, _ type: IRType) -> Value {
        let from = self.type(of: a)
        if from == type { return a }
        if let x = constant(of: a), type != .i128 { return const(x, type) }
        return append(IRInst(.zext, type, a))
    }
    public mutating func sext(_ a: Value, _ type: IRType) -> Value {
        if self.type(of: a) == type { return a }
        return append(IRInst(.sext, type, a))
    }
    public mutating func trunc(_ a: Value, _ type: IRType) -> Value {
        if self.type(of: a) == type { return a }
        if let x = constant(of: a) { return const(x, type) }
        return append(IRInst(.trunc, type, a))
    }

    // MARK: Comparisons, selection, flags

    public mutating func icmp(_ op: Opcode, _ a: Value, _ b: Value) -> Value {
        append(IRInst(op, type(of: a), a, b))
    }
    public mutating func select(_ c: Value, _ a: Value, _ b: Value) -> Value {
        append(IRInst(.select, type(of: a), c, a, b))
    }
    public mutating func flags(_ op: Opcode, _ a: Value, _ b: Value = .none) {
        append(IRInst(op, type(of: a), a, b))
    }
    public mutating func flagsCcmp(subtract: Bool, _ condition: Value, _ a: Value, _ b: Value, otherwise nzcv: UInt8) {
        append(IRInst(subtract ? .flagsCcmpSub : .flagsCcmpAdd, type(of: a), condition, a, b, aux: nzcv))
    }
    public mutating func flagsSet(_ a: Value) { append(IRInst(.flagsSet, .i64, a)) }
    public mutating func flagsGet() -> Value { append(IRInst(.flagsGet, .i64)) }
    public mutating func cond(_ c: Condition) -> Value { append(IRInst(.cond, aux: c.rawValue)) }

    // MARK: Guest memory (size is log2 of bytes)

    public mutating func load(
        _ address: Value, offset: Int64 = 0, size: Int, _ type: IRType, _ flags: MemFlags = []
    ) -> Value {
        append(IRInst(.load, type, address, aux: UInt8(size), flags: flags.rawValue, imm: UInt64(bitPattern: offset)))
    }
    public mutating func store(
        _ address: Value, offset: Int64 = 0, _ value: Value, size: Int, _ flags: MemFlags = []
    ) {
        append(
            IRInst(
                .store, type(of: value), address, value, aux: UInt8(size), flags: flags.rawValue,
                imm: UInt64(bitPattern: offset)))
    }
    public mutating func loadExclusive(_ address: Value, size: Int, _ type: IRType, _ flags: MemFlags = []) -> Value {
        append(IRInst(.loadExclusive, type, address, aux: UInt8(size), flags: flags.rawValue))
    }
    public mutating func storeExclusive(_ address: Value, _ value: Value, size: Int, _ flags: MemFlags = []) -> Value {
        append(IRInst(.storeExclusive, .i32, address, value, aux: UInt8(size), flags: flags.rawValue))
    }
    public mutating func clearExclusive() { append(IRInst(.clearExclusive)) }
    public mutating func atomicRMW(_ op: AtomicOp, _ address: Value, _ value: Value, size: Int, _ flags: MemFlags) -> Value {
        append(
            IRInst(
                .atomicRMW, type(of: value), address, value, aux: UInt8(size), flags: flags.rawValue,
                imm: UInt64(op.rawValue)))
    }
    public mutating func compareAndSwap(
        _ address: Value, expected: Value, new: Value, size: Int, _ flags: MemFlags
    ) -> Value {
        append(IRInst(.compareAndSwap, type(of: new), address, expected, new, aux: UInt8(size), flags: flags.rawValue))
    }
    public mutating func fence(_ kind: FenceKind) { append(IRInst(.fence, aux: kind.rawValue)) }
    public mutating func zeroBlock(_ address: Value) { append(IRInst(.zeroBlock, .i64, address)) }

    // MARK: 128-bit and vectors (lane is log2 of bytes)

    public mutating func pack128(lo: Value, hi: Value) -> Value { append(IRInst(.pack128, .i128, lo, hi)) }
    public mutating func lo64(_ a: Value) -> Value { append(IRInst(.lo64, .i64, a)) }
    public mutating func hi64(_ a: Value) -> Value { append(IRInst(.hi64, .i64, a)) }
    public mutating func vconst(lo: UInt64, hi: UInt64) -> Value { append(IRInst(.vconst, .i128, imm: lo, imm2: hi)) }
    /// Any lane-wise or bitwise vector operation of one to three vector operands.
    public mutating func vector(
        _ op: Opcode, _ a: Value, _ b: Value = .none, _ c: Value = .none, lane: Int = 0, imm: Int = 0
    ) -> Value {
        append(IRInst(op, .i128, a, b, c, aux: UInt8(lane), imm: UInt64(imm)))
    }
    public mutating func vdup(_ a: Value, lane: Int) -> Value { append(IRInst(.vdup, .i128, a, aux: UInt8(lane))) }
    public mutating func vinsert(_ v: Value, _ a: Value, lane: Int, index: Int) -> Value {
        append(IRInst(.vinsert, .i128, v, a, aux: UInt8(lane), imm: UInt64(index)))
    }
    public mutating func vextract(_ v: Value, lane: Int, index: Int) -> Value {
        append(IRInst(.vextract, .i64, v, aux: UInt8(lane), imm: UInt64(index)))
    }

    // MARK: Floating point (lane is log2 of bytes)

    public mutating func fpBinary(_ op: FPBinary, _ a: Value, _ b: Value, lane: Int, count: Int) -> Value {
        append(IRInst(.fpBinary, .i128, a, b, aux: UInt8(lane), flags: UInt8(count), imm: UInt64(op.rawValue)))
    }
    public mutating func fpUnary(_ op: FPUnary, _ a: Value, lane: Int, count: Int, mode: FPMode = []) -> Value {
        append(
            IRInst(
                .fpUnary, .i128, a, aux: UInt8(lane), flags: UInt8(count), imm: UInt64(op.rawValue),
                imm2: UInt64(mode.rawValue)))
    }
    public mutating func fpFMA(_ addend: Value, _ a: Value, _ b: Value, lane: Int, count: Int) -> Value {
        append(IRInst(.fpFMA, .i128, addend, a, b, aux: UInt8(lane), flags: UInt8(count)))
    }
    public mutating func fpConvert(_ a: Value, from: Int, to: Int, count: Int, toOdd: Bool = false) -> Value {
        append(
            IRInst(.fpConvert, .i128, a, aux: UInt8(from), flags: UInt8(count), imm: UInt64(to), imm2: toOdd ? 1 : 0))
    }
    /// `op`: fpToInt or fpFromInt.
    public mutating func fpInteger(_ op: Opcode, _ a: Value, lane: Int, count: Int, mode: FPMode) -> Value {
        append(IRInst(op, .i128, a, aux: UInt8(lane), flags: UInt8(count), imm: UInt64(mode.rawValue)))
    }
    public mutating func fpToGeneral(_ a: Value, lane: Int, _ type: IRType, mode: FPMode) -> Value {
        append(IRInst(.fpToGeneral, type, a, aux: UInt8(lane), imm: UInt64(mode.rawValue)))
    }
    public mutating func fpFromGeneral(_ a: Value, lane: Int, mode: FPMode) -> Value {
        append(IRInst(.fpFromGeneral, .i128, a, aux: UInt8(lane), imm: UInt64(mode.rawValue)))
    }
    public mutating func flagsFPCompare(_ a: Value, _ b: Value, lane: Int, signals: Bool) {
        append(IRInst(.flagsFPCompare, .i128, a, b, aux: UInt8(lane), imm: signals ? 1 : 0))
    }

    // MARK: Calls and terminators

    @discardableResult
    public mutating func call(_ helper: Helper, _ a: Value = .none, _ b: Value = .none, _ c: Value = .none) -> Value {
        append(IRInst(.call, helper.signature.result, a, b, c, imm: UInt64(helper.rawValue)))
    }
    public mutating func chain(_ pc: UInt64) { append(IRInst(.chain, imm: pc)) }
    public mutating func branchIf(_ c: Value, taken: UInt64, fallthrough: UInt64) {
        append(IRInst(.branchIf, .i1, c, imm: taken, imm2: `fallthrough`))
    }
    public mutating func branchIndirect(_ pc: Value) { append(IRInst(.branchIndirect, .i64, pc)) }
    public mutating func raise(_ kind: ExceptionKind, info: UInt64, pc: UInt64) {
        append(IRInst(.raise, aux: kind.rawValue, imm: info, imm2: pc))
    }
    public mutating func exitTo(_ pc: UInt64) { append(IRInst(.exitTo, imm: pc)) }
}
