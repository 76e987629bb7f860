import CLLVM
import Testing

/// Owner of one LLVM disassembler. One thread at a time.
struct Disassembler: ~Copyable {
    private let context: LLVMDisasmContextRef
    private let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 256)

    /// The one that `-d in_asm` prints with.
    init() throws { context = try #require(nt_disassembler_a64()) }

    /// - Parameter features: LLVM's names with `+` or `-`, separated by commas; what is not named is as in the Armv8.0-A base.
    init(features: String) throws {
        // Registers the target.
        LLVMDisasmDispose(try #require(nt_disassembler_a64()))
        context = try #require(LLVMCreateDisasmCPUFeatures("aarch64-linux-gnu", "", features, nil, 0, nil, nil))
    }

    deinit {
        LLVMDisasmDispose(context)
        buffer.deallocate()
    }

    func accepts(_ word: UInt32) -> Bool {
        var bytes = word.littleEndian
        return withUnsafeMutableBytes(of: &bytes) {
            LLVMDisasmInstruction(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 4, 0x10000, buffer, 256) == 4
        }
    }

    /// The instruction's text, blanks single; nil when LLVM rejects the word.
    func text(_ word: UInt32) -> String? {
        guard accepts(word) else { return nil }
        return String(cString: buffer).split(whereSeparator: { $0 == "\t" || $0 == " " }).joined(separator: " ")
    }
}
