import A64Translator
import Baseline
import EmuIR
import Foundation
import IRPasses
import LLVMBackend
import Support
import Testing

/// What the baseline compiler makes of frequent sequences. That the code is right, `EngineTests` and the fuzzer say.
@Suite(.serialized) struct BaselineCodeTests {
    /// Names of the host instructions of a TB that ends in a branch forward, up to the jump that leaves it.
    private func hostCode(_ words: [UInt32], last: UInt32 = 0x1400_0004) throws -> [String] {
        var translator = Translator(config: TranslationConfig(features: .max))
        var block = translator.translate(at: 0x1000, flags: 0) { pc in
            let index = Int(pc - 0x1000) / 4
            return index < words.count ? words[index] : index == words.count ? last : nil
        }
        var passes = PassPipeline()
        passes.run(&block)
        var compiler = BaselineCompiler()
        let made = compiler.compile(block, tbIndex: 1, tbAddress: 0x1234_5678_9000, chains: true)
        let code = try #require(made)
        let file = FileManager.default.temporaryDirectory.appending(path: "baseline-code-\(UUID().uuidString)")
        let descriptor = open(file.path, O_RDWR | O_CREAT, 0o600)
        try #require(descriptor >= 0)
        defer {
            close(descriptor)
            try? FileManager.default.removeItem(at: file)
        }
        let backend = JITBackend(log: Log(items: .outAsm, descriptor: descriptor))
        backend.show(block, at: UInt(bitPattern: code.baseAddress), size: code.count)
        let names = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("0x") }
            .compactMap { line in line.split(separator: " ", omittingEmptySubsequences: true).dropFirst().first.map(String.init) }
        let end = try #require(names.firstIndex { $0 == "jmp" })
        return names[...end].filter { !$0.hasPrefix("nop") && !$0.hasPrefix("xchg") }
    }

    /// Registers in memory are operands; the result is stored once.
    @Test func arithmeticTakesOperandsFromMemory() throws {
        // add x0, x1, x2
        #expect(try hostCode([0x8b02_0020]) == ["movq", "addq", "movq", "jmp"])
        // add x0, x0, x1; add x0, x0, x2: one store of each, as each could be seen at a fault; no load between
        #expect(try hostCode([0x8b01_0000, 0x8b02_0000]).filter { $0 == "movq" }.count <= 3)
    }

    /// An access is one instruction beside its operands: nothing is stored for the sake of a fault.
    @Test func accessesCostNothingMore() throws {
        // ldr x0, [x1, #8]
        #expect(try hostCode([0xf940_0420]) == ["movq", "movq", "movq", "jmp"])
        // str w0, [x1]
        #expect(try hostCode([0xb900_0020]).count == 4)
    }

    /// CMP and the branch behind it compare once.
    @Test func branchesUseTheFlagsThatAreThere() throws {
        // cmp x0, #7; b.ne +16
        let names = try hostCode([0xf100_1c1f], last: 0x5400_0081)
        #expect(names.filter { $0.hasPrefix("sub") || $0.hasPrefix("cmp") || $0.hasPrefix("test") }.count == 1)
        #expect(names.contains("jne"))
        // cbz w3, +16
        #expect(try hostCode([], last: 0x3400_0083).filter { $0.hasPrefix("cmp") || $0.hasPrefix("test") }.count == 1)
    }

    /// What it has no code for it says so.
    @Test func refusesWhatItHasNoCodeFor() {
        var translator = Translator(config: TranslationConfig(features: .max))
        // sqdmulh v0.4s, v1.4s, v2.4s; then the page ends for the translator
        var block = translator.translate(at: 0x1000, flags: 0) { $0 == 0x1000 ? 0x4ea2_b420 : $0 == 0x1004 ? 0x1400_0004 : nil }
        var passes = PassPipeline()
        passes.run(&block)
        var compiler = BaselineCompiler()
        let made = compiler.compile(block, tbIndex: 1, tbAddress: 0, chains: true)
        #expect(made == nil)
    }
}
