/// LLVM's text of an A64 instruction in the form that plugins know from QEMU, whose disassembler is Capstone: addresses in place of
/// distances (`bl #0x400310`), immediates of one digit decimal and longer ones hexadecimal, `{v0.16b}` without blanks, and no
/// capitals (`mrs x0, tpidr_el0`). Shift amounts behind `lsl` and the like stay decimal.
func plainDisassembly(_ text: String, pc: UInt64) -> String {
    let text = text.lowercased()
    let mnemonic = text.prefix { $0 != " " }
    let target = PCRelativeOperand(mnemonic, isIndirect: text.utf8.contains(UInt8(ascii: "[")))
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "#"):
            let isShift =
                result.last == UInt8(ascii: " ") && result.dropLast().last.map { $0 != UInt8(ascii: ",") } == true
                && result.contains(UInt8(ascii: ","))
            guard let number = Immediate(&rest) else {
                result.append(byte)
                continue
            }
            let isLast = !rest.contains(UInt8(ascii: ","))
            if let target, isLast {
                result += Array("#\(hexadecimal(target.address(pc: pc, distance: number.value)))".utf8)
            } else {
                result += Array(number.text(isDecimal: isShift).utf8)
            }
        case UInt8(ascii: "{") where rest.first == UInt8(ascii: " "):
            result.append(byte)
            rest.removeFirst()
        case UInt8(ascii: " ") where rest.first == UInt8(ascii: "}"): break
        default: result.append(byte)
        }
    }
    return String(decoding: result, as: UTF8.self)
}

private func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

/// An instruction whose last operand LLVM prints as a distance.
private enum PCRelativeOperand {
    case address
    case page

    init?(_ mnemonic: Substring, isIndirect: Bool) {
        switch mnemonic {
        case "b", "bl", "cbz", "cbnz", "tbz", "tbnz", "adr": self = .address
        case "adrp": self = .page
        case "ldr", "ldrsw", "prfm":
            if isIndirect { return nil }
            self = .address
        case let other where other.hasPrefix("b.") || other.hasPrefix("bc."): self = .address
        default: return nil
        }
    }

    func address(pc: UInt64, distance: Int64) -> UInt64 {
        (self == .page ? pc & ~4095 : pc) &+ UInt64(bitPattern: distance)
    }
}

/// An integer behind `#`.
private struct Immediate {
    let isNegative: Bool
    let magnitude: UInt64

    /// Takes the digits away; nil, with nothing taken, for a number with a fraction or none.
    init?(_ rest: inout ArraySlice<UInt8>) {
        var at = rest
        isNegative = at.first == UInt8(ascii: "-")
        if isNegative { at.removeFirst() }
        let isHexadecimal = at.starts(with: "0x".utf8)
        if isHexadecimal { at = at.dropFirst(2) }
        let digits = at.prefix { byte in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || isHexadecimal && UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
        }
        at = at.dropFirst(digits.count)
        guard at.first != UInt8(ascii: "."),
            let value = UInt64(String(decoding: digits, as: UTF8.self), radix: isHexadecimal ? 16 : 10)
        else { return nil }
        magnitude = value
        rest = at
    }

    var value: Int64 {
        let value = Int64(bitPattern: magnitude)
        return isNegative ? 0 &- value : value
    }

    func text(isDecimal: Bool) -> String {
        let digits = magnitude < 10 || isDecimal ? "\(magnitude)" : hexadecimal(magnitude)
        return (isNegative ? "#-" : "#") + digits
    }
}
