// The opcode table: one row per operation, in the order of `Opcode`.

private let int: [IRType] = [.i32, .i64]
private let logic: [IRType] = [.i1, .i32, .i64]
private let vector: [IRType] = [.i128]
private let lane = Field.number("lane", below: 4)
private let read: Effects = [.readsMemory, .mayFault, .readsState]
private let write: Effects = [.writesMemory, .mayFault, .readsState]
private let rw: Effects = [.readsMemory, .writesMemory, .mayFault, .readsState]
private let binary: [OperandRule] = [.own, .own]

private func row(
    _ opcode: Opcode, _ name: StaticString, _ result: ResultRule, _ types: [IRType] = [], _ operands: [OperandRule] = [],
    aux: Field = .unused, flags: Field = .unused, imm: Field = .unused, imm2: Field = .unused,
    does effects: Effects = [], says meaning: StaticString
) -> OpcodeInfo {
    OpcodeInfo(
        opcode: opcode, name: name, result: result, types: types, operands: operands, aux: aux, flags: flags, imm: imm,
        imm2: imm2, effects: effects, meaning: meaning)
}

extension Opcode {
    package var info: OpcodeInfo { Opcode.table[Int(rawValue)] }

    /// Cheap copy of `info.effects` for passes.
    package var effects: Effects { Opcode.effectsTable[number] }
    /// By `number`, for passes that ask it of every operation. Never freed.
    package nonisolated(unsafe) static let effectsTable: UnsafePointer<Effects> = {
        let copy = UnsafeMutablePointer<Effects>.allocate(capacity: table.count)
        for (n, row) in table.enumerated() { copy[n] = row.effects }
        return UnsafePointer(copy)
    }()

    // swift-format-ignore
    package static let table: [OpcodeInfo] = [
        // Structure
        row(.nop, "nop", .none, says: "does nothing; left behind by passes"),
        row(.insn, "insn", .none, imm: .hex("pc"), imm2: .hex("word"), says: "a guest instruction starts here"),
        // Constants and guest registers
        row(.const, "const", .own, logic, imm: .hex("value"), says: "the constant `value`, truncated to the type"),
        row(.get, "get", .own, [.i64, .i128], imm: .slot, does: [.readsState], says: "the guest register `slot`"),
        row(.set, "set", .none, [.i64, .i128], [.own], imm: .slot, does: [.writesState], says: "writes the guest register `slot`"),
        // Integer arithmetic
        row(.add, "add", .own, int, binary, says: "a + b, wrapping"),
        row(.sub, "sub", .own, int, binary, says: "a - b, wrapping"),
        row(.mul, "mul", .own, int, binary, says: "low half of a * b"),
        row(.umulh, "umulh", .own, [.i64], binary, says: "high half of the unsigned product"),
        row(.smulh, "smulh", .own, [.i64], binary, says: "high half of the signed product"),
        row(.udiv, "udiv", .own, int, binary, says: "unsigned a / b; 0 when b is 0"),
        row(.sdiv, "sdiv", .own, int, binary, says: "signed a / b toward zero; 0 when b is 0; wraps for minimum / -1"),
        row(.adc, "adc", .own, int, binary, does: [.readsFlags], says: "a + b + C"),
        row(.sbc, "sbc", .own, int, binary, does: [.readsFlags], says: "a - b - 1 + C"),
        // Integer logic
        row(.and, "and", .own, logic, binary, says: "a AND b"),
        row(.or, "or", .own, logic, binary, says: "a OR b"),
        row(.xor, "xor", .own, logic, binary, says: "a EOR b"),
        row(.andNot, "and_not", .own, logic, binary, says: "a AND NOT b"),
        row(.not, "not", .own, logic, [.own], says: "NOT a"),
        // Shifts
        row(.shl, "shl", .own, int, binary, says: "a << (b mod width)"),
        row(.lshr, "lshr", .own, int, binary, says: "a >> (b mod width), zeros shifted in"),
        row(.ashr, "ashr", .own, int, binary, says: "a >> (b mod width), sign shifted in"),
        row(.ror, "ror", .own, int, binary, says: "a rotated right by b mod width"),
        // Bit manipulation
        row(.clz, "clz", .own, int, [.own], says: "count of leading zeros; the width for 0"),
        row(.cls, "cls", .own, int, [.own], says: "count of leading sign bits after the sign bit"),
        row(.rbit, "rbit", .own, int, [.own], says: "bits reversed"),
        row(.bswap, "bswap", .own, int, [.own], says: "bytes reversed"),
        row(.rev16, "rev16", .own, int, [.own], says: "bytes reversed in each 16-bit unit"),
        row(.ubfx, "ubfx", .own, int, [.own], imm: .number("lsb", below: 64), imm2: .number("width", below: 65), says: "bits lsb+width-1:lsb, zero-extended"),
        row(.sbfx, "sbfx", .own, int, [.own], imm: .number("lsb", below: 64), imm2: .number("width", below: 65), says: "bits lsb+width-1:lsb, sign-extended"),
        row(.bfi, "bfi", .own, int, binary, imm: .number("lsb", below: 64), imm2: .number("width", below: 65), says: "a with bits lsb+width-1:lsb replaced by the low bits of b"),
        row(.extr, "extr", .own, int, binary, imm: .number("lsb", below: 64), says: "bits lsb+width-1:lsb of a:b (a is the high half)"),
        // Width changes
        row(.zext, "zext", .own, [.i32, .i64, .i128], [.any], says: "zero-extends a narrower value"),
        row(.sext, "sext", .own, int, [.any], says: "sign-extends a narrower value (i1: 0 or -1)"),
        row(.trunc, "trunc", .own, [.i1, .i32, .i64], [.any], says: "low bits of a wider value"),
        // Comparisons and selection; `type` is that of the operands
        row(.icmpEQ, "icmp_eq", .fixed(.i1), int, binary, says: "a == b"),
        row(.icmpNE, "icmp_ne", .fixed(.i1), int, binary, says: "a != b"),
        row(.icmpULT, "icmp_ult", .fixed(.i1), int, binary, says: "a < b unsigned"),
        row(.icmpULE, "icmp_ule", .fixed(.i1), int, binary, says: "a <= b unsigned"),
        row(.icmpSLT, "icmp_slt", .fixed(.i1), int, binary, says: "a < b signed"),
        row(.icmpSLE, "icmp_sle", .fixed(.i1), int, binary, says: "a <= b signed"),
        row(.select, "select", .own, [.i1, .i32, .i64, .i128], [.fixed(.i1), .own, .own], says: "a ? b : c"),
        // NZCV; `type` is the width of the operation
        row(.flagsAdd, "flags_add", .none, int, binary, does: [.writesFlags], says: "NZCV of a + b"),
        row(.flagsSub, "flags_sub", .none, int, binary, does: [.writesFlags], says: "NZCV of a - b (C = no borrow)"),
        row(.flagsAdc, "flags_adc", .none, int, binary, does: [.readsFlags, .writesFlags], says: "NZCV of a + b + C"),
        row(.flagsSbc, "flags_sbc", .none, int, binary, does: [.readsFlags, .writesFlags], says: "NZCV of a - b - 1 + C"),
        row(.flagsLogic, "flags_logic", .none, int, [.own], does: [.writesFlags], says: "N and Z of a; C = V = 0"),
        row(.flagsCcmpSub, "flags_ccmp_sub", .none, int, [.fixed(.i1), .own, .own], aux: .number("nzcv", below: 16), does: [.writesFlags], says: "a ? NZCV of b - c : `nzcv`"),
        row(.flagsCcmpAdd, "flags_ccmp_add", .none, int, [.fixed(.i1), .own, .own], aux: .number("nzcv", below: 16), does: [.writesFlags], says: "a ? NZCV of b + c : `nzcv`"),
        row(.flagsSet, "flags_set", .none, [.i64], [.own], does: [.writesFlags], says: "NZCV from bits 31:28"),
        row(.flagsGet, "flags_get", .own, [.i64], does: [.readsFlags], says: "NZCV in bits 31:28, other bits 0"),
        row(.cond, "cond", .fixed(.i1), aux: .condition, does: [.readsFlags], says: "the condition holds for NZCV (al and nv: true)"),
        // Checksums; accumulator i32, data i32 or i64 by size
        row(.crc32, "crc32", .own, [.i32], [.own, .any], aux: .number("size", below: 4), says: "CRC-32 (0x04C11DB7) of the low 1 << size bytes of b into a"),
        row(.crc32c, "crc32c", .own, [.i32], [.own, .any], aux: .number("size", below: 4), says: "CRC-32C (0x1EDC6F41), as crc32"),
        // Guest memory; address = a + offset; `aux` is log2 of the access size in bytes
        row(.load, "load", .own, [.i32, .i64, .i128], [.fixed(.i64)], aux: .number("size", below: 5), flags: .memFlags, imm: .signed("offset"), does: read, says: "the value at the address, extended to the type"),
        row(.store, "store", .none, [.i32, .i64, .i128], [.fixed(.i64), .own], aux: .number("size", below: 5), flags: .memFlags, imm: .signed("offset"), does: write, says: "stores the low 1 << size bytes of b"),
        row(.loadExclusive, "load_exclusive", .own, [.i32, .i64, .i128], [.fixed(.i64)], aux: .number("size", below: 5), flags: .memFlags, does: read.union([.writesState]), says: "loads and opens the exclusive monitor"),
        row(.storeExclusive, "store_exclusive", .own, [.i32], [.fixed(.i64), .any], aux: .number("size", below: 5), flags: .memFlags, does: rw.union([.writesState]), says: "stores b if the monitor allows; 0 = stored, 1 = not; closes the monitor"),
        row(.clearExclusive, "clear_exclusive", .none, does: [.writesState], says: "closes the exclusive monitor"),
        row(.atomicRMW, "atomic_rmw", .own, [.i32, .i64], [.fixed(.i64), .own], aux: .number("size", below: 4), flags: .memFlags, imm: .atomicOp, does: rw, says: "atomically replaces memory; the old value, zero-extended"),
        row(.compareAndSwap, "compare_and_swap", .own, [.i32, .i64, .i128], [.fixed(.i64), .own, .own], aux: .number("size", below: 5), flags: .memFlags, does: rw, says: "if memory == b then memory = c; the old value, zero-extended"),
        row(.fence, "fence", .none, aux: .fenceKind, does: [.barrier], says: "memory barrier"),
        row(.zeroBlock, "zero_block", .none, [.i64], [.own], does: write, says: "zeroes the 64-byte block that holds the address (DC ZVA)"),
        // 128-bit and vectors
        row(.pack128, "pack128", .own, vector, [.fixed(.i64), .fixed(.i64)], says: "b:a (a is bits 63:0)"),
        row(.lo64, "lo64", .own, [.i64], [.fixed(.i128)], says: "bits 63:0"),
        row(.hi64, "hi64", .own, [.i64], [.fixed(.i128)], says: "bits 127:64"),
        row(.vconst, "vconst", .own, vector, imm: .hex("lo"), imm2: .hex("hi"), says: "the constant hi:lo"),
        row(.vand, "vand", .own, vector, binary, says: "a AND b"),
        row(.vor, "vor", .own, vector, binary, says: "a OR b"),
        row(.vxor, "vxor", .own, vector, binary, says: "a EOR b"),
        row(.vandNot, "vand_not", .own, vector, binary, says: "a AND NOT b"),
        row(.vnot, "vnot", .own, vector, [.own], says: "NOT a"),
        row(.vselect, "vselect", .own, vector, [.own, .own, .own], says: "bitwise (a AND b) OR (NOT a AND c)"),
        row(.vadd, "vadd", .own, vector, binary, aux: lane, says: "lane-wise a + b"),
        row(.vsub, "vsub", .own, vector, binary, aux: lane, says: "lane-wise a - b"),
        row(.vmul, "vmul", .own, vector, binary, aux: lane, says: "lane-wise low half of a * b"),
        row(.vneg, "vneg", .own, vector, [.own], aux: lane, says: "lane-wise 0 - a"),
        row(.vabs, "vabs", .own, vector, [.own], aux: lane, says: "lane-wise absolute value, minimum stays"),
        row(.vsmax, "vsmax", .own, vector, binary, aux: lane, says: "lane-wise signed maximum"),
        row(.vsmin, "vsmin", .own, vector, binary, aux: lane, says: "lane-wise signed minimum"),
        row(.vumax, "vumax", .own, vector, binary, aux: lane, says: "lane-wise unsigned maximum"),
        row(.vumin, "vumin", .own, vector, binary, aux: lane, says: "lane-wise unsigned minimum"),
        row(.vsqadd, "vsqadd", .own, vector, binary, aux: lane, says: "lane-wise a + b, saturated to the signed range"),
        row(.vuqadd, "vuqadd", .own, vector, binary, aux: lane, says: "lane-wise a + b, saturated to the unsigned range"),
        row(.vsqsub, "vsqsub", .own, vector, binary, aux: lane, says: "lane-wise a - b, saturated to the signed range"),
        row(.vuqsub, "vuqsub", .own, vector, binary, aux: lane, says: "lane-wise a - b, saturated to the unsigned range"),
        row(.vsqdmulh, "vsqdmulh", .own, vector, binary, aux: lane, says: "lane-wise high half of 2 * a * b signed, saturated (lanes of 2 or 4 bytes)"),
        row(.vsqrdmulh, "vsqrdmulh", .own, vector, binary, aux: lane, says: "as vsqdmulh, rounded"),
        row(.vcmpEQ, "vcmp_eq", .own, vector, binary, aux: lane, says: "lane-wise all ones where a == b"),
        row(.vcmpSGT, "vcmp_sgt", .own, vector, binary, aux: lane, says: "lane-wise all ones where a > b signed"),
        row(.vcmpSGE, "vcmp_sge", .own, vector, binary, aux: lane, says: "lane-wise all ones where a >= b signed"),
        row(.vcmpUGT, "vcmp_ugt", .own, vector, binary, aux: lane, says: "lane-wise all ones where a > b unsigned"),
        row(.vcmpUGE, "vcmp_uge", .own, vector, binary, aux: lane, says: "lane-wise all ones where a >= b unsigned"),
        row(.vshl, "vshl", .own, vector, [.own], aux: lane, imm: .number("amount", below: 65), says: "lane-wise a << amount; 0 when amount is the lane width"),
        row(.vlshr, "vlshr", .own, vector, [.own], aux: lane, imm: .number("amount", below: 65), says: "lane-wise logical a >> amount; 0 when amount is the lane width"),
        row(.vashr, "vashr", .own, vector, [.own], aux: lane, imm: .number("amount", below: 65), says: "lane-wise arithmetic a >> amount; sign when amount is the lane width"),
        row(.vdup, "vdup", .own, vector, [.fixed(.i64)], aux: lane, says: "the low bits of a in every lane"),
        row(.vinsert, "vinsert", .own, vector, [.own, .fixed(.i64)], aux: lane, imm: .number("index", below: 16), says: "a with lane `index` replaced by the low bits of b"),
        row(.vextract, "vextract", .own, [.i64], [.fixed(.i128)], aux: lane, imm: .number("index", below: 16), says: "lane `index`, zero-extended"),
        row(.vext, "vext", .own, vector, binary, imm: .number("bytes", below: 16), says: "bytes bytes+15:bytes of b:a (a is the low half)"),
        row(.vzip1, "vzip1", .own, vector, binary, aux: lane, says: "lanes a0 b0 a1 b1 … of the low halves"),
        row(.vzip2, "vzip2", .own, vector, binary, aux: lane, says: "as vzip1, of the high halves"),
        row(.vuzp1, "vuzp1", .own, vector, binary, aux: lane, says: "even lanes of a, then of b"),
        row(.vuzp2, "vuzp2", .own, vector, binary, aux: lane, says: "odd lanes of a, then of b"),
        row(.vtrn1, "vtrn1", .own, vector, binary, aux: lane, says: "a0 b0 a2 b2 …"),
        row(.vtrn2, "vtrn2", .own, vector, binary, aux: lane, says: "a1 b1 a3 b3 …"),
        row(.vrev, "vrev", .own, vector, [.own], aux: lane, imm: .number("container", below: 4), says: "lanes reversed within each container of 1 << container bytes"),
        row(.vnarrow, "vnarrow", .own, vector, [.own], aux: lane, says: "low half of each lane (`lane` is the wide size) into bits 63:0; zeros above"),
        row(.vsextLow, "vsext_low", .own, vector, [.own], aux: lane, says: "low-half lanes (`lane` is the narrow size) sign-extended to twice the size"),
        row(.vzextLow, "vzext_low", .own, vector, [.own], aux: lane, says: "as vsext_low, zero-extended"),
        row(.vcnt, "vcnt", .own, vector, [.own], says: "population count of each byte"),
        // Floating point as FPCR says, with what FPSR collects; `mode` is the number of CHost's nt_fp.h
        row(.fpBinary, "fp_binary", .own, vector, binary, aux: lane, flags: .number("count", below: 9), imm: .fpBinary, does: [.floatingPoint], says: "the named operation on elements of a and b"),
        row(.fpUnary, "fp_unary", .own, vector, [.own], aux: lane, flags: .number("count", below: 9), imm: .fpUnary, imm2: .number("mode", below: 1 << 16), does: [.floatingPoint], says: "the named operation on elements of a"),
        row(.fpFMA, "fp_fma", .own, vector, [.own, .own, .own], aux: lane, flags: .number("count", below: 9), does: [.floatingPoint], says: "a + b * c, rounded once"),
        row(.fpConvert, "fp_convert", .own, vector, [.own], aux: lane, flags: .number("count", below: 9), imm: .number("to", below: 4), imm2: .number("odd", below: 2), does: [.floatingPoint], says: "elements converted to the format of size `to` (log2 bytes), packed; odd: rounded to odd"),
        row(.fpToInt, "fp_to_int", .own, vector, [.own], aux: lane, flags: .number("count", below: 9), imm: .number("mode", below: 1 << 16), does: [.floatingPoint], says: "elements to integers of the same size, saturating"),
        row(.fpFromInt, "fp_from_int", .own, vector, [.own], aux: lane, flags: .number("count", below: 9), imm: .number("mode", below: 1 << 16), does: [.floatingPoint], says: "elements from integers of the same size"),
        row(.fpToGeneral, "fp_to_general", .own, int, [.fixed(.i128)], aux: lane, imm: .number("mode", below: 1 << 16), does: [.floatingPoint], says: "the lowest element to an integer, saturating"),
        row(.fpFromGeneral, "fp_from_general", .own, vector, [.any], aux: lane, imm: .number("mode", below: 1 << 16), does: [.floatingPoint], says: "one element from an i32 or i64"),
        row(.flagsFPCompare, "flags_fp_compare", .none, vector, binary, aux: lane, imm: .number("signals", below: 2), does: [.writesFlags, .floatingPoint], says: "NZCV of comparing the lowest elements; signals: quiet NaNs are invalid, too"),
        row(.fpCollect, "fp_collect", .none, does: [.floatingPoint, .observer], says: "adds what the host's unit has collected to FPSR: others are about to use the unit"),
        // Host functions
        row(.call, "call", .own, [.none, .i32, .i64, .i128], [.optional, .optional, .optional], imm: .helper, does: [.readsState, .writesState, .readsFlags, .writesFlags, .readsMemory, .writesMemory, .mayFault, .barrier], says: "calls the helper; its own row says what it takes and does"),
        // Instrumentation; `offset` is from the start of the vCPU arena
        row(.pluginAdd, "plugin_add", .none, [], [.optional], imm: .hex("offset"), imm2: .hex("value"), does: [.observer], says: "u64 at arena offset += value; only if a is true when there is an a (i1)"),
        row(.pluginStore, "plugin_store", .none, [], [.optional], imm: .hex("offset"), imm2: .hex("value"), does: [.observer], says: "u64 at arena offset = value; only if a is true when there is an a (i1)"),
        row(.pluginLoad, "plugin_load", .own, [.i64], imm: .hex("offset"), does: [.observer], says: "u64 at arena offset"),
        row(.pluginCall, "plugin_call", .none, flags: .number("regs", below: 4), imm: .hex("function"), imm2: .hex("userdata"), does: [.observer, .readsState, .writesState, .readsFlags, .writesFlags, .readsMemory, .writesMemory], says: "function(cpu_index, userdata)"),
        row(.pluginCallIf, "plugin_call_if", .none, [.i1], [.own], flags: .number("regs", below: 4), imm: .hex("function"), imm2: .hex("userdata"), does: [.observer, .readsState, .writesState, .readsFlags, .writesFlags, .readsMemory, .writesMemory], says: "as plugin_call when a is true"),
        row(.pluginMemCall, "plugin_mem_call", .none, [.none, .i32, .i64, .i128], [.fixed(.i64), .optional, .optional], aux: .number("info", below: 256), flags: .number("regs", below: 4), imm: .hex("function"), imm2: .hex("userdata"), does: [.observer, .readsState, .writesState, .readsFlags, .writesFlags, .readsMemory, .writesMemory], says: "function(cpu_index, info, a, userdata); b is the value; only if c is true when there is a c (i1)"),
        // Terminators
        row(.chain, "chain", .none, imm: .hex("pc"), does: [.terminator], says: "goes to the TB at pc through slot 0"),
        row(.branchIf, "branch_if", .none, [.i1], [.own], imm: .hex("taken"), imm2: .hex("fallthrough"), does: [.terminator], says: "a: to `taken` through slot 0; else to `fallthrough` through slot 1"),
        row(.branchIndirect, "branch_indirect", .none, [.i64], [.own], does: [.terminator], says: "to the guest PC a through the jump cache"),
        row(.raise, "raise", .none, aux: .exceptionKind, imm: .hex("info"), imm2: .hex("pc"), does: [.terminator], says: "leaves with a guest exception; cpu->pc = pc"),
        row(.exitTo, "exit_to", .none, imm: .hex("pc"), does: [.terminator], says: "leaves to the run loop with cpu->pc = pc (the context changed)"),
    ]
}
