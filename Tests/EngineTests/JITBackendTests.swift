import A64Translator
import EmuIR
import IRPasses
import LLVMBackend
import Support
import Synchronization
import Testing

/// LLVM used by several threads at a time: each compilation has a compiler of its own, and memory goes back to whom it came from.
@Suite struct JITBackendTests {
    /// `add x0, x0, #n`, `b .+0x1000`.
    private static func unit(_ n: UInt32) -> CompileUnit {
        var translator = Translator(config: TranslationConfig(features: .max))
        var block = translator.translate(at: 0x1000, flags: 0) { pc in
            pc == 0x1000 ? 0x9100_0000 | (n & 0xfff) << 10 : pc == 0x1004 ? 0x1400_0400 : nil
        }
        var passes = PassPipeline()
        passes.run(&block)
        return CompileUnit(block: block, tbIndex: n, tbAddress: 0)
    }

    /// Where code lives now, and how much there was at the most.
    private final class Place: Sendable {
        private let entries = Mutex<Set<UInt>>([])
        let most = Atomic<Int>(0)

        func add(_ code: [CompiledCode]) { entries.withLock { all in for one in code { #expect(all.insert(one.entry).inserted) } } }
        func remove(_ code: [CompiledCode]) { entries.withLock { all in for one in code { all.remove(one.entry) } } }
    }

    @Test func compilesOnSeveralThreads() async throws {
        let backend = JITBackend(log: Log())
        let rounds = 30
        let place = Place()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    var old: [CompiledCode] = []
                    for round in 0...rounds {
                        var code: [CompiledCode] = []
                        if round < rounds {
                            let units = (0..<3).map { Self.unit(UInt32(thread * 1000 + round * 3 + $0)) }
                            code = backend.compile(units, chains: true) ?? []
                            #expect(code.count == 3 && code.allSatisfy { $0.contains(UInt64($0.entry)) })
                        }
                        // What lives at the same time lies apart.
                        place.add(code)
                        place.most.max(backend.codeBytes, ordering: .relaxed)
                        place.remove(old)
                        for compiled in old { backend.release(compiled) }
                        old = code
                    }
                }
            }
        }
        // The next compilation frees what is left, also of compilers that nobody uses any more.
        let last = try #require(backend.compile([Self.unit(1)], chains: true))
        #expect(backend.codeBytes == last[0].size)
        #expect(place.most.load(ordering: .relaxed) > backend.codeBytes)
        backend.release(last[0])
        #expect(backend.stageTimes.codeGeneration > 0)
    }
}
