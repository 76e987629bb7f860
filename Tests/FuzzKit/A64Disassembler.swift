internal import CLLVM

/// LLVM's AArch64 disassembler with all features of the project's scope on: a second opinion on which words are allocated, and
/// under which name. One thread at a time.
package struct A64Disassembler: ~Copyable {
    private let context: LLVMDisasmContextRef
    private let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 256)

    package init() {
        guard let made = nt_disassembler_a64() else { preconditionFailure("LLVM was built without its AArch64 target") }
        context = made
    }

    deinit {
        LLVMDisasmDispose(context)
        buffer.deallocate()
    }

    package func accepts(_ word: UInt32) -> Bool {
        var bytes = word.littleEndian
        return withUnsafeMutableBytes(of: &bytes) {
            LLVMDisasmInstruction(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4, 0x10000, buffer, 256) == 4
        }
    }

    /// The instruction's text, blanks single; nil when LLVM rejects the word.
    package func text(_ word: UInt32) -> String? {
        guard accepts(word) else { return nil }
        return String(cString: buffer).split(whereSeparator: { $0 == "\t" || $0 == " " }).joined(separator: " ")
    }

    /// The first word of the text: `add`, `b.eq`.
    package func mnemonic(_ word: UInt32) -> String? {
        guard accepts(word) else { return nil }
        var name = ""
        var at = 0
        while buffer[at] == 9 || buffer[at] == 32 { at += 1 }
        while buffer[at] > 32 {
            name.unicodeScalars.append(Unicode.Scalar(UInt8(bitPattern: buffer[at])))
            at += 1
        }
        return name
    }
}
