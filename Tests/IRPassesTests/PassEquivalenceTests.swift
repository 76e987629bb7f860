import EmuIR
import IRPasses
import TestSupport
import Testing

/// Random blocks executed before and after: registers, flags, memory, counters, the order of accesses and what every callback
/// sees must agree, at the end and at a fault of each operation that can.
@Suite struct PassEquivalenceTests {
    static let combinations: [PassPipeline.Flags] = [.forwarding, .deadState, .all]

    @Test(arguments: combinations, 0..<8)
    func passesKeepWhatCanBeObserved(_ flags: PassPipeline.Flags, _ group: UInt64) throws {
        var pipeline = PassPipeline(enabled: flags)
        for n in 0..<60 {
            let seed = group * 1000 + UInt64(n)
            let before = RandomIR.block(seed: seed)
            var after = before
            pipeline.run(&after)
            do { try IRVerifier.verify(after) } catch {
                Issue.record("seed \(seed): \(error)\n\(before.text)\n\(after.text)")
                return
            }
            var generator = SplitMix64(seed: ~seed)
            let image = GuestImage(using: &generator)
            let count = Execution(before, from: image).faultPoints
            for faultAt in [nil] + (0..<count).map(Optional.some) {
                let expected = Execution(before, from: image, faultAt: faultAt)
                let actual = Execution(after, from: image, faultAt: faultAt)
                guard expected == actual else {
                    Issue.record(
                        "seed \(seed), fault at \(faultAt.map(String.init) ?? "none")\n\(before.text)\n\(after.text)")
                    return
                }
            }
        }
    }

    @Test(arguments: 0..<12)
    func instrumentationMeansWhatItsRecordsSay(_ group: UInt64) throws {
        var options = RandomIR.Options()
        options.withPlugins = false
        options.operations = 5...40
        var pipeline = PassPipeline()
        for n in 0..<60 {
            let seed = group * 1000 + UInt64(n)
            var generator = SplitMix64(seed: ~seed)
            let before = RandomIR.block(seed: seed, options)
            let instrumentation = TBInstrumentation.random(
                instructions: before.guestInstructionCount, using: &generator)
            var generated = before
            let adjustments = PluginGen.run(&generated, instrumentation)
            var optimised = generated
            pipeline.run(&optimised)
            let image = GuestImage(using: &generator)
            let count = Execution(before, from: image).faultPoints
            for (name, block) in [("plugin-gen", generated), ("all passes", optimised)] {
                do { try IRVerifier.verify(block) } catch {
                    Issue.record("seed \(seed): \(error)\n\(block.text)")
                    return
                }
                for faultAt in [nil] + (0..<count).map(Optional.some) {
                    let actual = Execution(block, from: image, faultAt: faultAt, adjustments: adjustments)
                    let expected = Execution(before, from: image, faultAt: faultAt, reference: instrumentation)
                        .withoutValuesMissing(in: actual)
                    guard expected == actual else {
                        Issue.record(
                            """
                            seed \(seed), \(name), fault at \(faultAt.map(String.init) ?? "none")
                            \(instrumentation)
                            \(adjustments)
                            \(expected.image.arena) expected, \(actual.image.arena) found
                            \(before.text)
                            \(block.text)
                            """)
                        return
                    }
                }
            }
        }
    }

    /// The harness itself: an execution that differs is seen to differ.
    @Test func comparisonSeesALostWriteAtAFault() throws {
        let before = try IRParser.parse(
            """
            insn pc=0, word=0
            %1 = const.i64 value=7
            set.i64 x0, %1
            %3 = load.i64 %1, size=3
            set.i64 x0, %3
            chain pc=4
            """)
        var after = before
        after.insts[2] = IRInst(.nop)
        let image = GuestImage()
        #expect(Execution(before, from: image) == Execution(after, from: image))
        #expect(Execution(before, from: image, faultAt: 0) != Execution(after, from: image, faultAt: 0))
    }
}
