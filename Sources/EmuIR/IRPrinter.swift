// IR text: one line for each instruction, driven by the opcode table alone, so a new operation prints without further work.
//
//     block pc=0x400000, flags=0x0, insns=1
//     insn pc=0x400000, word=0xf8408c41          ; ldr x1, [x2, #8]!
//     %1 = get.i64 x2
//     %2 = load.i64 %1, size=3, offset=8
//
// Order within a line: a name without key (register, condition, helper …), operands, fields as `key=value`, memory flags last. `%n` is the
// index of the defining instruction; an absent operand before a present one is `_`. The type suffix is left out where the
// operation has no or only one type; fields of kind `signed` and memory flags where they are 0. `;` starts a comment.

extension IRBlock {
    /// The block as text that `IRParser` reads back to an equal block, if the block passes the verifier.
    package var text: String { text(annotating: { _, _ in nil }) }

    /// The block as text with a comment behind each `insn`.
    /// - Parameter annotate: Gets address and word of a guest instruction; its disassembly, say.
    package func text(annotating annotate: (UInt64, UInt32) -> String?) -> String {
        var out = "block pc=\(hex(pc)), flags=\(hex(UInt64(flags))), insns=\(guestInstructionCount)\n"
        for index in insts.indices {
            IRPrinter.write(insts[index], at: index, to: &out)
            if insts[index].op == .insn,
                let note = annotate(insts[index].imm, UInt32(truncatingIfNeeded: insts[index].imm2))
            {
                out += "  ; \(note)"
            }
            out += "\n"
        }
        return out
    }

    /// The line of one instruction, without end of line.
    package func text(of index: Int) -> String {
        var out = ""
        IRPrinter.write(insts[index], at: index, to: &out)
        return out
    }
}

enum IRPrinter {
    static func write(_ inst: IRInst, at index: Int, to out: inout String) {
        let info = inst.op.info
        if inst.resultType != .none { out += "%\(index) = " }
        out += "\(info.name)"
        if inst.type != .none, info.types != [inst.type] { out += ".\(inst.type.name)" }

        var separator = " "
        func item(_ text: String) {
            out += separator
            out += text
            separator = ", "
        }
        let fields = inst.fields(info)
        for (kind, value) in fields {
            if let name = kind.bareName(of: value) { item(name) }
        }
        for operand in inst.operandsToPrint(info) { item(operand.isNone ? "_" : "%\(operand.id)") }
        for (kind, value) in fields {
            switch kind {
            case .hex(let key): item("\(key)=\(hex(value))")
            case .number(let key, below: _): item("\(key)=\(value)")
            case .signed(let key): if value != 0 { item("\(key)=\(Int64(bitPattern: value))") }
            case .unused, .memFlags, .slot, .condition, .atomicOp, .fenceKind, .exceptionKind, .helper, .fpBinary,
                .fpUnary:
                break
            }
        }
        if case .memFlags = info.flags, inst.flags != 0 { item("flags=\(flagNames(inst.flags))") }
    }

    private static func flagNames(_ raw: UInt8) -> String {
        var names = MemFlags.names.filter { MemFlags(rawValue: raw).contains($0.flag) }.map { "\($0.name)" }
        let known = MemFlags.names.reduce(0) { $0 | $1.flag.rawValue }
        if raw & ~known != 0 { names.append("invalid\(raw & ~known)") }
        return names.joined(separator: "|")
    }
}

extension IRInst {
    /// Operands up to the last one present or required.
    fileprivate func operandsToPrint(_ info: OpcodeInfo) -> ArraySlice<Value> {
        let all = [a, b, c]
        let present = (all.lastIndex { !$0.isNone } ?? -1) + 1
        let required = info.operands.prefix { if case .optional = $0 { false } else { true } }.count
        return all.prefix(max(present, required))
    }
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
