/// IR text that cannot be read. Line and column count from 1; columns are bytes.
package struct IRParseError: Error, Equatable, Sendable, CustomStringConvertible {
    package let line: Int
    package let column: Int
    package let message: String

    package init(line: Int, column: Int, message: String) {
        self.line = line
        self.column = column
        self.message = message
    }

    package var description: String { "\(line):\(column): \(message)" }
}

/// Reads IR text as `IRBlock.text` prints it (`IRPrinter.swift` describes the form).
///
/// More lenient than the printer in three ways, for text written by hand: the `block` line and its fields may be missing
/// (`insns` is then counted, `pc` taken from the first `insn`), numbers may be decimal or hexadecimal, and `%n` may be any
/// number not used before: values are renumbered to their indices. Reading says nothing about validity; that is the
/// verifier's.
package struct IRParser {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lineStart = 0
    private var block = IRBlock(pc: 0)
    private var values: [UInt32: Value] = [:]

    package static func parse(_ text: String) throws(IRParseError) -> IRBlock {
        var parser = IRParser(bytes: Array(text.utf8))
        return try parser.parse()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private static let opcodes: [String: Opcode] = Dictionary(
        uniqueKeysWithValues: Opcode.table.map { ("\($0.name)", $0.opcode) })

    private mutating func parse() throws(IRParseError) -> IRBlock {
        var hasPC = false
        var count: Int?
        var isFirst = true
        while position < bytes.count {
            skipSpace()
            if atEndOfLine {
                endLine()
                continue
            }
            if isFirst, startsWord("block") {
                (hasPC, count) = try header()
            } else {
                try instruction()
            }
            isFirst = false
            skipSpace()
            guard atEndOfLine else { throw error("expected end of line") }
            endLine()
        }
        let markers = block.insts.lazy.filter { $0.op == .insn }
        block.guestInstructionCount = count ?? markers.count
        if !hasPC, let first = markers.first { block.pc = first.imm }
        return block
    }

    // MARK: Lines

    private mutating func header() throws(IRParseError) -> (hasPC: Bool, count: Int?) {
        _ = word()
        var hasPC = false
        var count: Int?
        skipSpace()
        while !atEndOfLine {
            let start = position
            let key = word()
            guard take("=") else { throw error("expected key=value") }
            let value = try number()
            switch key {
            case "pc":
                block.pc = value
                hasPC = true
            case "flags":
                guard let flags = UInt32(exactly: value) else { throw error("flags has 32 bits", at: start) }
                block.flags = flags
            case "insns":
                guard value <= 512 else { throw error("a block has at most 512 instructions", at: start) }
                count = Int(value)
            default: throw error("a block has no '\(key)'", at: start)
            }
            skipSpace()
            if !take(",") { break }
            skipSpace()
        }
        return (hasPC, count)
    }

    private mutating func instruction() throws(IRParseError) {
        var defined: UInt32?
        let start = position
        if peek == UInt8(ascii: "%") {
            defined = try valueNumber()
            skipSpace()
            guard take("=") else { throw error("expected '=' after the value's name") }
            skipSpace()
        }
        let opStart = position
        let name = word()
        guard !name.isEmpty else { throw error("expected an operation") }
        guard let op = IRParser.opcodes[name] else { throw error("no operation is called '\(name)'", at: opStart) }
        var inst = IRInst(op)
        inst.type = try typeSuffix(op.info)
        try items(&inst, op.info)

        if let defined {
            guard inst.resultType != .none else { throw error("'\(name)' defines no value", at: start) }
            guard values[defined] == nil else { throw error("%\(defined) is defined twice", at: start) }
            values[defined] = Value(index: block.insts.count)
        } else if inst.resultType != .none {
            throw error("'\(name)' defines a value: write '%n = '", at: start)
        }
        block.insts.append(inst)
    }

    private mutating func typeSuffix(_ info: OpcodeInfo) throws(IRParseError) -> IRType {
        let start = position
        guard take(".") else {
            if info.types.count == 1 { return info.types[0] }
            if info.types.isEmpty || info.types.contains(.none) { return .none }
            throw error("'\(info.name)' needs a type suffix", at: start)
        }
        let name = word()
        guard let type = IRType.allCases.first(where: { "\($0.name)" == name }) else {
            throw error("no type is called '\(name)'", at: start + 1)
        }
        guard info.types.contains(type) else { throw error("'\(info.name)' cannot have type \(name)", at: start + 1) }
        return type
    }

    // MARK: Names, operands and fields of an instruction

    private mutating func items(_ inst: inout IRInst, _ info: OpcodeInfo) throws(IRParseError) {
        var operands: [Value] = []
        // aux, flags, imm, imm2
        let kinds = [info.aux, info.flags, info.imm, info.imm2]
        var given: [UInt64?] = [nil, nil, nil, nil]
        skipSpace()
        while !atEndOfLine {
            let start = position
            if peek == UInt8(ascii: "%") {
                let number = try valueNumber()
                guard let value = values[number] else { throw error("%\(number) is not defined before", at: start) }
                operands.append(value)
            } else {
                let name = dottedWord()
                if name == "_" {
                    operands.append(.none)
                } else if take("=") {
                    guard let field = kinds.firstIndex(where: { $0.key == name }) else {
                        throw error("'\(info.name)' has no '\(name)'", at: start)
                    }
                    guard given[field] == nil else { throw error("'\(name)' is given twice", at: start) }
                    given[field] = try value(of: kinds[field])
                } else {
                    guard !name.isEmpty else { throw error("expected an operand, a name or key=value") }
                    guard let field = kinds.firstIndex(where: { $0.bareNames != nil }), let names = kinds[field].bareNames else {
                        throw error("'\(info.name)' takes no name", at: start)
                    }
                    guard let named = names.first(where: { $0.name == name }) else {
                        throw error("no \(kinds[field].kindName) is called '\(name)'", at: start)
                    }
                    guard given[field] == nil else { throw error("a second \(kinds[field].kindName)", at: start) }
                    given[field] = named.raw
                }
            }
            if operands.count > info.operands.count {
                throw error("'\(info.name)' takes \(info.operands.count) operands", at: start)
            }
            skipSpace()
            guard take(",") else { break }
            skipSpace()
            if atEndOfLine { throw error("expected something after ','") }
        }
        for (index, kind) in kinds.enumerated() where given[index] == nil && !kind.mayBeOmitted {
            throw error("'\(info.name)' needs its \(kind.kindName)")
        }
        if operands.count > 0 { inst.a = operands[0] }
        if operands.count > 1 { inst.b = operands[1] }
        if operands.count > 2 { inst.c = operands[2] }
        // `value(of:)` and the name lists keep these two within 8 bits.
        inst.aux = UInt8(truncatingIfNeeded: given[0] ?? 0)
        inst.flags = UInt8(truncatingIfNeeded: given[1] ?? 0)
        inst.imm = given[2] ?? 0
        inst.imm2 = given[3] ?? 0
    }

    private mutating func value(of kind: Field) throws(IRParseError) -> UInt64 {
        let start = position
        switch kind {
        case .hex: return try number()
        case .number(let key, below: let bound):
            let value = try number()
            guard value < bound else { throw error("\(key) must be below \(bound)", at: start) }
            return value
        case .signed(let key):
            let isNegative = take("-")
            let magnitude = try number()
            guard magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) else {
                throw error("\(key) has 64 bits with sign", at: start)
            }
            return isNegative ? 0 &- magnitude : magnitude
        case .memFlags:
            var flags: MemFlags = []
            repeat {
                let at = position
                let name = word()
                guard let flag = MemFlags.names.first(where: { "\($0.name)" == name })?.flag else {
                    throw error("no memory flag is called '\(name)'", at: at)
                }
                flags.insert(flag)
            } while take("|")
            return UInt64(flags.rawValue)
        case .unused, .slot, .condition, .atomicOp, .fenceKind, .exceptionKind, .helper, .fpBinary, .fpUnary:
            preconditionFailure("a field without key: \(kind)")
        }
    }

    // MARK: Characters

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// At a line's end, its comment or the end of the text.
    private var atEndOfLine: Bool {
        guard let c = peek else { return true }
        return c == UInt8(ascii: "\n") || c == UInt8(ascii: ";")
    }

    private mutating func endLine() {
        while let c = peek, c != UInt8(ascii: "\n") { position += 1 }
        if peek != nil {
            position += 1
            line += 1
            lineStart = position
        }
    }

    private mutating func skipSpace() {
        while let c = peek, c == UInt8(ascii: " ") || c == UInt8(ascii: "\t") || c == UInt8(ascii: "\r") { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private func startsWord(_ text: StaticString) -> Bool {
        var copy = self
        return copy.word() == "\(text)"
    }

    private mutating func word() -> String { characters { $0 != UInt8(ascii: ".") } }
    /// A word that may have dots in it, as register names do.
    private mutating func dottedWord() -> String { characters { _ in true } }

    private mutating func characters(_ accept: (UInt8) -> Bool) -> String {
        let start = position
        while let c = peek, accept(c) {
            switch c {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
                position += 1
            default: return String(decoding: bytes[start..<position], as: UTF8.self)
            }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func valueNumber() throws(IRParseError) -> UInt32 {
        let start = position
        position += 1
        guard let number = UInt32(word()) else { throw error("expected a number after '%'", at: start) }
        return number
    }

    private mutating func number() throws(IRParseError) -> UInt64 {
        let start = position
        let text = word()
        let value = text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
        guard let value else { throw error("'\(text)' is no 64-bit number", at: start) }
        return value
    }

    private func error(_ message: String, at: Int? = nil) -> IRParseError {
        IRParseError(line: line, column: (at ?? position) - lineStart + 1, message: message)
    }
}
