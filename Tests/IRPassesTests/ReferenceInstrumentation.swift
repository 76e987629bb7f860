import EmuIR
import IRPasses
import TestSupport

/// What a plugin's records mean, done directly by the evaluator at each instruction and access, without any merging: the
/// reference for PluginGen.
enum ReferenceInstrumentation {
    final class PairState { var low: IREvaluator.CompletedAccess? }

    static func attach(_ instrumentation: TBInstrumentation, to evaluator: inout IREvaluator) {
        evaluator.onInstruction = { evaluator, instruction in
            if instruction == 0 { for record in instrumentation.tb { perform(record, nil, &evaluator) } }
            if instruction < instrumentation.insns.count {
                for record in instrumentation.insns[instruction] { perform(record, nil, &evaluator) }
            }
        }
        let pair = PairState()
        evaluator.onAccess = { evaluator, instruction, access in
            for (reported, isStore) in reports(access, pair) {
                guard instruction < instrumentation.mem.count else { continue }
                for entry in instrumentation.mem[instruction]
                where entry.directions.contains(isStore ? .write : .read) {
                    perform(entry.record, reported, &evaluator)
                }
            }
        }
    }

    private static func perform(
        _ record: InstrumentationRecord, _ access: IREvaluator.ReportedAccess?, _ evaluator: inout IREvaluator
    ) {
        switch record {
        case .add(let offset, let value): evaluator.image.arena[offset, default: 0] &+= value
        case .store(let offset, let value): evaluator.image.arena[offset] = value
        case .call(let function, let userdata, let regs):
            evaluator.call(function: function, userdata: userdata, regs: regs, memoryAccess: access)
        case .callIf(let condition, let offset, let immediate, let function, let userdata, let regs):
            let entry = evaluator.image.arena[offset] ?? 0
            let holds =
                switch condition {
                case .equal: entry == immediate
                case .notEqual: entry != immediate
                case .less: entry < immediate
                case .lessOrEqual: entry <= immediate
                case .greater: entry > immediate
                case .greaterOrEqual: entry >= immediate
                }
            if holds { evaluator.call(function: function, userdata: userdata, regs: regs) }
        }
    }

    /// The accesses that observers are told of, in order.
    private static func reports(
        _ access: IREvaluator.CompletedAccess, _ pair: PairState
    ) -> [(IREvaluator.ReportedAccess, isStore: Bool)] {
        let flags = access.inst.memFlags
        if flags.contains(.unreported) { return [] }
        let size = Int(access.inst.aux)
        func report(_ size: Int, _ value: UInt128, at address: UInt64? = nil, isStore: Bool, isSigned: Bool = false)
            -> (IREvaluator.ReportedAccess, isStore: Bool)
        {
            let info = MemoryAccessInfo(sizeShift: size, isStore: isStore, isSignExtended: isSigned)
            return (
                IREvaluator.ReportedAccess(info: info.rawValue, address: address ?? access.address, value: value), isStore
            )
        }
        switch access.inst.op {
        case .load, .store:
            let isStore = access.inst.op == .store
            if flags.contains(.pairFirst) {
                pair.low = access
                return []
            }
            if flags.contains(.pairSecond), let low = pair.low {
                let value = access.new << UInt128(8 << size) | low.new
                return [report(size + 1, value, at: low.address, isStore: isStore)]
            }
            return [report(size, access.new, isStore: isStore, isSigned: flags.contains(.signExtend))]
        case .loadExclusive: return [report(size, access.old, isStore: false)]
        case .storeExclusive:
            if !access.happened { return [] }
            return [report(size, access.old, isStore: false), report(size, access.new, isStore: true)]
        case .atomicRMW: return [report(size, access.old, isStore: false), report(size, access.new, isStore: true)]
        case .compareAndSwap:
            return [report(size, access.old, isStore: false), report(size, access.new, isStore: true)]
        case .zeroBlock:
            return (0..<4).map { report(4, 0, at: access.address &+ UInt64($0 * 16), isStore: true) }
        default: preconditionFailure("no access: \(access.inst.op)")
        }
    }
}

extension TBInstrumentation {
    /// Random records for a TB, on few entries.
    static func random(instructions: Int, using generator: inout SplitMix64) -> TBInstrumentation {
        let addsOnly = generator.oneIn(3)
        func record(isMemory: Bool, _ generator: inout SplitMix64) -> InstrumentationRecord {
            let offset = 0x88000 + UInt64.random(in: 0..<3, using: &generator) * 8
            let function = UInt64.random(in: 0..<8, using: &generator)
            let regs = UInt8.random(in: 0..<3, using: &generator)
            switch Int.random(in: 0..<(addsOnly ? 6 : 10), using: &generator) {
            case 0..<6: return .add(offset: offset, value: UInt64.random(in: 1..<4, using: &generator))
            case 6: return .store(offset: offset, value: UInt64.random(in: 0..<3, using: &generator))
            case 7 where !isMemory:
                return .callIf(
                    condition: InstrumentationCondition.allCases.randomElement(using: &generator)!, offset: offset,
                    immediate: UInt64.random(in: 0..<4, using: &generator), function: function, userdata: 5, regs: regs)
            default: return .call(function: function, userdata: generator.next() % 4, regs: regs)
            }
        }
        func list(_ generator: inout SplitMix64, isMemory: Bool = false) -> [InstrumentationRecord] {
            (0..<max(0, Int.random(in: -2..<3, using: &generator))).map { _ in record(isMemory: isMemory, &generator) }
        }
        var result = TBInstrumentation(tb: list(&generator))
        if !generator.oneIn(4) { result.insns = (0..<instructions).map { _ in list(&generator) } }
        if !generator.oneIn(4) {
            result.mem = (0..<instructions).map { _ in
                list(&generator, isMemory: true).map {
                    MemoryInstrumentationRecord(
                        directions: [[.read], [.write], [.read, .write]].randomElement(using: &generator)!, record: $0)
                }
            }
        }
        return result
    }
}
