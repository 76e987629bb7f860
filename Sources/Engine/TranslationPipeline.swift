internal import A64ISA
internal import A64Translator
internal import CHost
internal import EmuIR
internal import GuestState
internal import IRPasses
internal import LLVMBackend
internal import Support

/// What the engine has learnt of the guest and of the TB's page, and what translation depends on.
struct TranslationMode {
    var isParallel: Bool
    var cleansTags: Bool
    var tracksBranchTypes: Bool
    var isGuarded: Bool
    /// Callbacks exist in the process (`PluginGen.run`).
    var collectsFPFlags: Bool
}

/// From guest bytes to instrumented, optimised IR, with a dump after each stage. One per translating thread.
struct TranslationPipeline: ~Copyable {
    private var translator: Translator
    private var passes: PassPipeline
    private let log: Log
    private let reportsUnimplemented: Bool
    /// What is dumped, asked at every TB.
    private let dumpsGuestCode: Bool
    private let dumpsIR: Bool
    private let dumpsOptimisedIR: Bool
    /// Encodings already reported: each is worth one line.
    private var reported: Set<A64Encoding> = []

    /// - Parameter feedsInterpreter: tier 0 reads registers in place and conditions from flags, so forwarding values would only
    ///   lengthen their lives.
    init(configuration: EngineConfiguration, feedsInterpreter: Bool, log: Log) {
        translator = Translator(config: configuration.translation)
        passes = PassPipeline(enabled: feedsInterpreter ? .deadState : .all)
        self.log = log
        reportsUnimplemented = log.isOn(.unimp)
        dumpsGuestCode = log.isOn(.inAsm)
        dumpsIR = log.isOn(.op)
        dumpsOptimisedIR = log.isOn(.opOpt)
    }

    mutating func translate(_ key: TBKey, _ mode: TranslationMode, fetch: (UInt64) -> UInt32?) -> IRBlock {
        translator.config.isParallel = mode.isParallel
        translator.config.cleansTags = mode.cleansTags
        translator.config.tracksBranchTypes = mode.tracksBranchTypes
        translator.config.isGuarded = mode.isGuarded
        let block = translator.translate(at: key.pc, flags: key.flags, fetch: fetch)
        if !translator.unimplementedSeen.isEmpty { reportUnimplemented(block) }
        return block
    }

    /// The same, of code as the environment gives it. A TB is a few words of one page: they are fetched many at a time.
    mutating func translate(_ key: TBKey, _ mode: TranslationMode, in environment: any GuestEnvironment) -> IRBlock {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.wordsAtOnce) { words in
            var start = key.pc
            var end = key.pc
            return translate(key, mode) { pc in
                if pc &- start >= end &- start {
                    let count = environment.fetch(pc, into: words)
                    if count == 0 { return nil }
                    start = pc
                    end = pc &+ UInt64(count * 4)
                }
                return words[Int((pc &- start) / 4)]
            }
        }
    }
    private static var wordsAtOnce: Int { 16 }

    private mutating func reportUnimplemented(_ block: IRBlock) {
        for encoding in translator.unimplementedSeen where reportsUnimplemented && reported.insert(encoding).inserted {
            let word = UInt32(truncatingIfNeeded: block.insts.last { $0.op == .insn }?.imm2 ?? 0)
            log.put("unimplemented instruction \(encoding) (\(hex(word, width: 8))) in the TB at \(hex(block.pc))\n")
        }
        translator.unimplementedSeen.removeAll(keepingCapacity: true)
    }

    /// Plugin-gen and passes.
    /// - Parameter collectsFPFlags: as PluginGen's.
    /// - Parameter isRepeated: true when the TB was dumped before (a later tier).
    /// - Returns: what a fault in mid-TB must take back.
    mutating func finish(
        _ block: inout IRBlock, _ instrumentation: TBInstrumentation, collectsFPFlags: Bool, symbol: (UInt64) -> String?,
        isRepeated: Bool = false
    ) -> [FaultAdjustment] {
        if dumpsGuestCode, !isRepeated { dumpGuestCode(block, symbol: symbol) }
        if dumpsIR, !isRepeated { log.put("OP:\n\(text(block))\n") }
        let adjustments = PluginGen.run(
            &block, instrumentation, collectsFPFlags: collectsFPFlags, exclusiveValue: UInt64(NT_CPU_EXCLUSIVE_VALUE),
            helperRecords: UInt64(NT_CPU_MEM_RECORDS))
        passes.run(&block)
        if dumpsOptimisedIR, !isRepeated { log.put("OP after optimization:\n\(text(block))\n") }
        return adjustments
    }

    private func text(_ block: IRBlock) -> String {
        block.text { pc, word in GuestDisassembler.shared.text(of: word, at: pc) }
    }

    private func dumpGuestCode(_ block: IRBlock, symbol: (UInt64) -> String?) {
        var text = "----------------\nIN: \(symbol(block.pc) ?? "")\n"
        for inst in block.insts where inst.op == .insn {
            let word = UInt32(truncatingIfNeeded: inst.imm2)
            let digits = hex(word, width: 8).dropFirst(2)
            text += "\(hex(inst.imm)):  \(digits)  \(GuestDisassembler.shared.text(of: word, at: inst.imm))\n"
        }
        log.put(text + "\n")
    }

    /// Gives the TB's slots the PCs its terminator leads to.
    static func initialiseSlots(of tb: TranslationBlock, for block: IRBlock) {
        var targets: (UInt64, UInt64) = (0, 0)
        if let end = block.insts.last {
            if end.op == .chain { targets.0 = end.imm }
            if end.op == .branchIf { targets = (end.imm, end.imm2) }
        }
        nt_slot_init(tb.slot(0), targets.0)
        nt_slot_init(tb.slot(1), targets.1)
    }
}
