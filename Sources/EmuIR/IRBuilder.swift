/// Appends instructions to a block. One function per operation, named as in IR text; result types follow the operands.
///
/// Folds constants where both operands are constant and the identities that A64 code produces often (add 0, shift by 0).
/// Preconditions on types are checked by the verifier, not here.
package struct IRBuilder: ~Copyable {
    package var block: IRBlock

    package init(pc: UInt64, flags: UInt32 = 0) {
        block = IRBlock(pc: pc, flags: flags)
        block.insts.reserveCapacity(256)
    }

    /// Starts anew, keeping the storage.
    package mutating func reset(pc: UInt64, flags: UInt32 = 0) {
        block.insts.removeAll(keepingCapacity: true)
        block.pc = pc
        block.flags = flags
        block.guestInstructionCount = 0
    }

    @inlinable @discardableResult
    package mutating func append(_ inst: IRInst) -> Value {
        block.insts.append(inst)
        return Value(index: block.insts.count - 1)
    }

    @inlinable package func type(of v: Value) -> IRType { block.type(of: v) }

    /// The constant `v` holds, if it is one.
    @inlinable package func constant(of v: Value) -> UInt64? {
        let i = block.insts[v.index]
        return i.op == .const ? i.imm : nil
    }

    // MARK: Structure

    package mutating func insn(pc: UInt64, word: UInt32) {
        block.guestInstructionCount += 1
        append(IRInst(.insn, imm: pc, imm2: UInt64(word)))
    }

    // MARK: Constants and guest registers

    package mutating func const(_ value: UInt64, _ type: IRType = .i64) -> Value {
        append(IRInst(.const, type, imm: value & IRBuilder.mask(type)))
    }
    package mutating func get(_ slot: StateSlot) -> Value {
        append(IRInst(.get, slot.type!, imm: UInt64(slot.rawValue)))
    }
    package mutating func set(_ slot: StateSlot, _ value: Value) {
        append(IRInst(.set, slot.type!, value, imm: UInt64(slot.rawValue)))
    }

    @inlinable package static func mask(_ type: IRType) -> UInt64 {
        switch type {
        case .i1: 1
        case .i32: 0xffff_ffff
        default: .max
        }
    }

    // MARK: Integer operations

    /// Any two-operand integer operation whose type is its operands'.
    package mutating func binary(_ op: Opcode, _ a: Value, _ b: Value) -> Value {
        append(IRInst(op, type(of: a), a, b))
    }
    package mutating func unary(_ op: Opcode, _ a: Value) -> Value { append(IRInst(op, type(of: a), a)) }

    package mutating func add(_ a: Value, _ b: Value) -> Value {
        let t = type(of: a)
        switch (constant(of: a), constant(of: b)) {
        case (let x?, let y?): return const(x &+ y, t)
        case (_, 0?): return a
        case (0?, _): return b
        default: return binary(.add, a, b)
        }
    }
    package mutating func sub(_ a: Value, _ b: Value) -> Value {
        switch (constant(of: a), constant(of: b)) {
        case (let x?, let y?): return const(x &- y, type(of: a))
        case (_, 0?): return a
        default: return binary(.sub, a, b)
        }
    }
    package mutating func mul(_ a: Value, _ b: Value) -> Value { binary(.mul, a, b) }
    package mutating func and(_ a: Value, _ b: Value) -> Value {
        if let x = constant(of: a), let y = constant(of: b) { return const(x & y, type(of: a)) }
        return binary(.and, a, b)
    }
    package mutating func or(_ a: Value, _ b: Value) -> Value {
        switch (constant(of: a), constant(of: b)) {
        case (let x?, let y?): return const(x | y, type(of: a))
        case (_, 0?): return a
        case (0?, _): return b
        default: return binary(.or, a, b)
        }
    }
    package mutating func xor(_ a: Value, _ b: Value) -> Value {
        if let x = constant(of: a), let y = constant(of: b) { return const(x ^ y, type(of: a)) }
        return binary(.xor, a, b)
    }
    package mutating func andNot(_ a: Value, _ b: Value) -> Value { binary(.andNot, a, b) }
    package mutating func not(_ a: Value) -> Value {
        if let x = constant(of: a) { return const(~x, type(of: a)) }
        return unary(.not, a)
    }
    /// Shift by a constant amount, 0..<width.
    package mutating func shift(_ op: Opcode, _ a: Value, by amount: Int) -> Value {
        if amount == 0 { return a }
        let t = type(of: a)
        if op == .shl, let x = constant(of: a) { return const(x << UInt64(amount), t) }
        return binary(op, a, const(UInt64(amount), t))
    }
    package mutating func ubfx(_ a: Value, lsb: Int, width: Int) -> Value {
        append(IRInst(.ubfx, type(of: a), a, imm: UInt64(lsb), imm2: UInt64(width)))
    }
    package mutating func sbfx(_ a: Value, lsb: Int, width: Int) -> Value {
        append(IRInst(.sbfx, type(of: a), a, imm: UInt64(lsb), imm2: UInt64(width)))
    }
    package mutating func bfi(_ a: Value, _ b: Value, lsb: Int, width: Int) -> Value {
        append(IRInst(.bfi, type(of: a), a, b, imm: UInt64(lsb), imm2: UInt64(width)))
    }
    package mutating func extr(_ a: Value, _ b: Value, lsb: Int) -> Value {
        append(IRInst(.extr, type(of: a), a, b, imm: UInt64(lsb)))
    }

    // MARK: Width changes (identity when the type already fits)

    package mutating func zext(_ a: Value, _ type: IRType) -> Value {
        let from = self.type(of: a)
        if from == type { return a }
        if let x = constant(of: a), type != .i128 { return const(x, type) }
        return append(IRInst(.zext, type, a))
    }
    package mutating func sext(_ a: Value, _ type: IRType) -> Value {
        if self.type(of: a) == type { return a }
        return append(IRInst(.sext, type, a))
    }
    package mutating func trunc(_ a: Value, _ type: IRType) -> Value {
        if self.type(of: a) == type { return a }
        if let x = constant(of: a) { return const(x, type) }
        return append(IRInst(.trunc, type, a))
    }

    // MARK: Comparisons, selection, flags

    package mutating func icmp(_ op: Opcode, _ a: Value, _ b: Value) -> Value {
        append(IRInst(op, type(of: a), a, b))
    }
    package mutating func select(_ c: Value, _ a: Value, _ b: Value) -> Value {
        append(IRInst(.select, type(of: a), c, a, b))
    }
    package mutating func flags(_ op: Opcode, _ a: Value, _ b: Value = .none) {
        append(IRInst(op, type(of: a), a, b))
    }
    package mutating func flagsCcmp(subtract: Bool, _ condition: Value, _ a: Value, _ b: Value, otherwise nzcv: UInt8) {
        append(IRInst(subtract ? .flagsCcmpSub : .flagsCcmpAdd, type(of: a), condition, a, b, aux: nzcv))
    }
    package mutating func flagsSet(_ a: Value) { append(IRInst(.flagsSet, .i64, a)) }
    package mutating func flagsGet() -> Value { append(IRInst(.flagsGet, .i64)) }
    package mutating func cond(_ c: Condition) -> Value { append(IRInst(.cond, aux: c.rawValue)) }

    // MARK: Guest memory (size is log2 of bytes)

    package mutating func load(
        _ address: Value, offset: Int64 = 0, size: Int, _ type: IRType, _ flags: MemFlags = []
    ) -> Value {
        append(IRInst(.load, type, address, aux: UInt8(size), flags: flags.rawValue, imm: UInt64(bitPattern: offset)))
    }
    package mutating func store(
        _ address: Value, offset: Int64 = 0, _ value: Value, size: Int, _ flags: MemFlags = []
    ) {
        append(
            IRInst(
                .store, type(of: value), address, value, aux: UInt8(size), flags: flags.rawValue,
                imm: UInt64(bitPattern: offset)))
    }
    package mutating func loadExclusive(_ address: Value, size: Int, _ type: IRType, _ flags: MemFlags = []) -> Value {
        append(IRInst(.loadExclusive, type, address, aux: UInt8(size), flags: flags.rawValue))
    }
    package mutating func storeExclusive(_ address: Value, _ value: Value, size: Int, _ flags: MemFlags = []) -> Value {
        append(IRInst(.storeExclusive, .i32, address, value, aux: UInt8(size), flags: flags.rawValue))
    }
    package mutating func clearExclusive() { append(IRInst(.clearExclusive)) }
    package mutating func atomicRMW(_ op: AtomicOp, _ address: Value, _ value: Value, size: Int, _ flags: MemFlags) -> Value {
        append(
            IRInst(
                .atomicRMW, type(of: value), address, value, aux: UInt8(size), flags: flags.rawValue,
                imm: UInt64(op.rawValue)))
    }
    package mutating func compareAndSwap(
        _ address: Value, expected: Value, new: Value, size: Int, _ flags: MemFlags
    ) -> Value {
        append(IRInst(.compareAndSwap, type(of: new), address, expected, new, aux: UInt8(size), flags: flags.rawValue))
    }
    package mutating func fence(_ kind: FenceKind) { append(IRInst(.fence, aux: kind.rawValue)) }
    package mutating func zeroBlock(_ address: Value) { append(IRInst(.zeroBlock, .i64, address)) }

    // MARK: 128-bit and vectors (lane is log2 of bytes)

    package mutating func pack128(lo: Value, hi: Value) -> Value { append(IRInst(.pack128, .i128, lo, hi)) }
    package mutating func lo64(_ a: Value) -> Value { append(IRInst(.lo64, .i64, a)) }
    package mutating func hi64(_ a: Value) -> Value { append(IRInst(.hi64, .i64, a)) }
    package mutating func vconst(lo: UInt64, hi: UInt64) -> Value { append(IRInst(.vconst, .i128, imm: lo, imm2: hi)) }
    /// Any lane-wise or bitwise vector operation of one to three vector operands.
    package mutating func vector(
        _ op: Opcode, _ a: Value, _ b: Value = .none, _ c: Value = .none, lane: Int = 0, imm: Int = 0
    ) -> Value {
        append(IRInst(op, .i128, a, b, c, aux: UInt8(lane), imm: UInt64(imm)))
    }
    package mutating func vdup(_ a: Value, lane: Int) -> Value { append(IRInst(.vdup, .i128, a, aux: UInt8(lane))) }
    package mutating func vinsert(_ v: Value, _ a: Value, lane: Int, index: Int) -> Value {
        append(IRInst(.vinsert, .i128, v, a, aux: UInt8(lane), imm: UInt64(index)))
    }
    package mutating func vextract(_ v: Value, lane: Int, index: Int) -> Value {
        append(IRInst(.vextract, .i64, v, aux: UInt8(lane), imm: UInt64(index)))
    }

    // MARK: Floating point (lane is log2 of bytes)

    package mutating func fpBinary(_ op: FPBinary, _ a: Value, _ b: Value, lane: Int, count: Int) -> Value {
        append(IRInst(.fpBinary, .i128, a, b, aux: UInt8(lane), flags: UInt8(count), imm: UInt64(op.rawValue)))
    }
    package mutating func fpUnary(_ op: FPUnary, _ a: Value, lane: Int, count: Int, mode: FPMode = []) -> Value {
        append(
            IRInst(
                .fpUnary, .i128, a, aux: UInt8(lane), flags: UInt8(count), imm: UInt64(op.rawValue),
                imm2: UInt64(mode.rawValue)))
    }
    package mutating func fpFMA(_ addend: Value, _ a: Value, _ b: Value, lane: Int, count: Int) -> Value {
        append(IRInst(.fpFMA, .i128, addend, a, b, aux: UInt8(lane), flags: UInt8(count)))
    }
    package mutating func fpConvert(_ a: Value, from: Int, to: Int, count: Int, toOdd: Bool = false) -> Value {
        append(
            IRInst(.fpConvert, .i128, a, aux: UInt8(from), flags: UInt8(count), imm: UInt64(to), imm2: toOdd ? 1 : 0))
    }
    /// `op`: fpToInt or fpFromInt.
    package mutating func fpInteger(_ op: Opcode, _ a: Value, lane: Int, count: Int, mode: FPMode) -> Value {
        append(IRInst(op, .i128, a, aux: UInt8(lane), flags: UInt8(count), imm: UInt64(mode.rawValue)))
    }
    package mutating func fpToGeneral(_ a: Value, lane: Int, _ type: IRType, mode: FPMode) -> Value {
        append(IRInst(.fpToGeneral, type, a, aux: UInt8(lane), imm: UInt64(mode.rawValue)))
    }
    package mutating func fpFromGeneral(_ a: Value, lane: Int, mode: FPMode) -> Value {
        append(IRInst(.fpFromGeneral, .i128, a, aux: UInt8(lane), imm: UInt64(mode.rawValue)))
    }
    package mutating func flagsFPCompare(_ a: Value, _ b: Value, lane: Int, signals: Bool) {
        append(IRInst(.flagsFPCompare, .i128, a, b, aux: UInt8(lane), imm: signals ? 1 : 0))
    }

    // MARK: Calls and terminators

    @discardableResult
    package mutating func call(_ helper: Helper, _ a: Value = .none, _ b: Value = .none, _ c: Value = .none) -> Value {
        append(IRInst(.call, helper.signature.result, a, b, c, imm: UInt64(helper.rawValue)))
    }
    package mutating func chain(_ pc: UInt64) { append(IRInst(.chain, imm: pc)) }
    package mutating func branchIf(_ c: Value, taken: UInt64, fallthrough: UInt64) {
        append(IRInst(.branchIf, .i1, c, imm: taken, imm2: `fallthrough`))
    }
    package mutating func branchIndirect(_ pc: Value) { append(IRInst(.branchIndirect, .i64, pc)) }
    package mutating func raise(_ kind: ExceptionKind, info: UInt64, pc: UInt64) {
        append(IRInst(.raise, aux: kind.rawValue, imm: info, imm2: pc))
    }
    package mutating func exitTo(_ pc: UInt64) { append(IRInst(.exitTo, imm: pc)) }
}
