import A64ISA
import A64Translator
import CHost
import EmuIR
import Foundation
import IRPasses
import LLVMBackend
import Support
import Testing

/// What tier 1 makes of single instructions: vector code, and no call on the way that is usually taken.
@Suite(.serialized) struct HostCodeTests {
    /// Names of the host instructions of a TB, up to the jump that leaves it; what is behind is the rare cases.
    private func hostCode(_ words: [UInt32], fpcr: Bool = false) throws -> [String] {
        var translator = Translator(config: TranslationConfig(features: .max))
        let flags = fpcr ? UInt32(NT_TB_FPCR) : 0
        var block = translator.translate(at: 0x1000, flags: flags) { pc in
            let index = Int(pc - 0x1000) / 4
            return index < words.count ? words[index] : index == words.count ? 0x1400_0004 : nil
        }
        var passes = PassPipeline()
        passes.run(&block)
        let file = FileManager.default.temporaryDirectory.appending(path: "host-code-\(UUID().uuidString)")
        let descriptor = open(file.path, O_RDWR | O_CREAT, 0o600)
        try #require(descriptor >= 0)
        defer {
            close(descriptor)
            try? FileManager.default.removeItem(at: file)
        }
        let backend = JITBackend(log: Log(items: .outAsm, descriptor: descriptor))
        let code = try #require(backend.compile([CompileUnit(block: block, tbIndex: 1, tbAddress: 0)], chains: true))
        let text = try String(contentsOf: file, encoding: .utf8)
        for compiled in code { backend.release(compiled) }
        let names = text.split(separator: "\n").filter { $0.hasPrefix("0x") }.compactMap { line -> String? in
            line.split(separator: " ", omittingEmptySubsequences: true).dropFirst().first.map(String.init)
        }
        let end = try #require(names.firstIndex { $0.hasPrefix("jmpq") })
        return Array(names[...end])
    }

    private func expect(_ words: [UInt32], _ assembly: String, has wanted: [String], atMost count: Int) throws {
        let names = try hostCode(words)
        for name in wanted {
            #expect(names.contains { $0 == name || $0 == "v" + name || $0.hasPrefix(name + "2") }, "\(assembly): \(names)")
        }
        #expect(!names.contains { $0.hasPrefix("call") }, "\(assembly): \(names)")
        // Two moves more: the next TB's address crosses into the exit that the TB's branches share.
        #expect(names.count <= count + 2, "\(assembly): \(names)")
    }

    @Test func addsBytesInOneInstruction() throws {
        try expect([0x4e22_8420], "add v0.16b, v1.16b, v2.16b", has: ["paddb"], atMost: 9)
    }

    @Test func looksUpBytesByShuffles() throws {
        try expect([0x4e02_0020], "tbl v0.16b, {v1.16b}, v2.16b", has: ["paddusb", "pshufb"], atMost: 12)
        try expect([0x4e02_6020], "tbl v0.16b, {v1.16b-v4.16b}, v2.16b", has: ["pshufb", "por"], atMost: 32)
    }

    @Test func loadsStructuresByShuffles() throws {
        let names = try hostCode([0x4c40_8820])  // ld2 {v0.4s, v1.4s}, [x1]
        #expect(names.contains { $0.hasSuffix("shufps") }, "\(names)")
        #expect(!names.contains { $0.hasPrefix("call") }, "\(names)")
        #expect(names.count <= 24, "\(names)")
    }

    @Test func multipliesHighHalves() throws {
        let names = try hostCode([0x6e62_b420])  // sqrdmulh v0.8h, v1.8h, v2.8h
        #expect(names.contains { $0.hasSuffix("pmulhrsw") }, "\(names)")
        #expect(!names.contains { $0.hasPrefix("call") }, "\(names)")
    }

    @Test func encryptsWithOneInstruction() throws {
        guard nt_host_instructions() & NT_HOST_AES != 0 else {
            let names = try hostCode([0x4e28_4820, 0x4e28_6800])
            #expect(names.contains { $0.hasPrefix("call") })
            return
        }
        // aese v0.16b, v1.16b; aesmc v0.16b, v0.16b
        try expect([0x4e28_4820, 0x4e28_6800], "aese, aesmc", has: ["aesenc"], atMost: 12)
        let names = try hostCode([0x4e28_4820, 0x4e28_6800])
        #expect(!names.contains { $0.hasSuffix("aesenclast") || $0.hasSuffix("aesdeclast") }, "\(names)")
    }

    @Test func checksumsWithProducts() throws {
        try expect([0x9ac2_5c20], "crc32cx w0, w1, x2", has: ["crc32q"], atMost: 12)
        let names = try hostCode([0x9ac2_4c20])  // crc32x w0, w1, x2
        let hasProduct = nt_host_instructions() & NT_HOST_CARRYLESS_PRODUCT != 0
        #expect(names.filter { $0.contains("pclmul") }.count == (hasProduct ? 2 : 0), "\(names)")
        #expect(names.contains { $0.hasPrefix("call") } != hasProduct, "\(names)")
    }

    @Test func multipliesAndAddsInOneInstruction() throws {
        let names = try hostCode([0x4e22_cc20])  // fmla v0.4s, v1.4s, v2.4s
        let isFused = nt_host_instructions() & NT_HOST_FMA != 0
        #expect(names.contains { $0.hasPrefix("vfmadd") && $0.hasSuffix("ps") } == isFused, "\(names)")
        #expect(names.contains { $0.hasPrefix("call") } != isFused, "\(names)")
        if isFused { #expect(names.count <= 18, "\(names)") }
    }

    @Test func convertsWithTheHostsInstruction() throws {
        try expect([0x4ea1_b820], "fcvtzs v0.4s, v1.4s", has: ["cvttps2dq"], atMost: 20)
        let names = try hostCode([0x9e78_0020])  // fcvtzs x0, d1
        #expect(names.contains { $0.hasPrefix("cvttsd2si") || $0.hasPrefix("vcvttsd2si") }, "\(names)")
        #expect(!names.contains { $0.hasPrefix("call") }, "\(names)")
    }

    /// With another rounding mode the same words are calls.
    @Test func otherModesCall() throws {
        let names = try hostCode([0x4e22_cc20], fpcr: true)
        #expect(names.contains { $0.hasPrefix("call") }, "\(names)")
    }
}
