internal import CLLVM
internal import Support

/// Guest disassembly text through LLVM. Not for hot paths.
package final class GuestDisassembler: @unchecked Sendable {
    // @unchecked: the context is guarded by `lock`.
    private let lock = Lock()
    private let context: LLVMDisasmContextRef?

    /// The process's one; made at first use.
    package static let shared = GuestDisassembler()

    private init() { context = nt_disassembler_a64() }

    /// `mnemonic operands` with one space between, as plugins know it from QEMU (`plainDisassembly`), or `.word 0x…` for what LLVM does not know.
    package func text(of word: UInt32, at pc: UInt64) -> String {
        lock.withLock {
            let bytes = [
                UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8),
                UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 24),
            ]
            guard let text = disassemble(context, bytes, pc)?.text else { return ".word \(hex(word, width: 8))" }
            return plainDisassembly(text, pc: pc)
        }
    }
}

/// Host code as text.
final class HostDisassembler {
    private let context = nt_disassembler_host()

    func text(_ range: Range<UInt64>) -> String {
        let start = UnsafePointer<UInt8>(bitPattern: UInt(range.lowerBound))
        let bytes = Array(UnsafeBufferPointer(start: start, count: range.count))
        var text = ""
        var at = 0
        while at < bytes.count {
            let pc = range.lowerBound + UInt64(at)
            guard let (line, size) = disassemble(context, bytes[at...], pc) else {
                text += "\(hex(pc)):  .byte \(hex(bytes[at]))\n"
                at += 1
                continue
            }
            text += "\(hex(pc)):  \(line)\n"
            at += size
        }
        return text
    }
}

/// One instruction as text and its size in bytes; nil when the bytes are none.
private func disassemble(
    _ context: LLVMDisasmContextRef?, _ bytes: some Collection<UInt8>, _ pc: UInt64
) -> (text: String, size: Int)? {
    guard let context else { return nil }
    var code = Array(bytes.prefix(16))
    var buffer = [CChar](repeating: 0, count: 256)
    let size = LLVMDisasmInstruction(context, &code, UInt64(code.count), pc, &buffer, buffer.count)
    if size == 0 { return nil }
    let raw = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // LLVM separates with tabs: "\tadd\tx0, x1, #0x1".
    let words = raw.split(separator: "\t", omittingEmptySubsequences: true)
    return (words.joined(separator: " "), size)
}
