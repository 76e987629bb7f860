import A64ISA
import A64Translator
import CHost
import Engine
import Glibc
import GuestState
import Support
import TestSupport

/// The real engine around one instruction: the case's word at its PC, a HLT everywhere else that ends the run.
///
/// One machine runs many cases, one after the other; TBs are flushed between them, because cases share addresses.
final class CaseMachine: GuestEnvironment, @unchecked Sendable {
    // @unchecked: used by one thread at a time; `--tier=auto`, which fetches from another, is not among the configurations.
    enum Configuration: String, CaseIterable, Sendable {
        case interpreter
        case interpreterOneInstruction
        case compiled
        case compiledOneInstruction
        case compiledCounting
        case interpreterParallel
        case compiledParallel
        case baseline
        case baselineOneInstruction
    }

    private static let endHalt: UInt64 = 0x7a11
    private static let endWord: UInt32 = 0xd440_0000 | UInt32(endHalt) << 5

    private var engine: Engine!
    private var vcpu: VCPU!
    private var word: UInt32 = 0
    private var pc: UInt64 = 0
    private(set) var exception: (kind: String, info: UInt64)?
    private let counts: Bool

    init(_ configuration: Configuration) throws {
        var translation = TranslationConfig(
            features: .max, idRegisters: A64FeatureSet.max.idRegisters(midr: 0x410f_d083))
        if [.interpreterOneInstruction, .compiledOneInstruction, .baselineOneInstruction].contains(configuration) {
            translation.instructionLimit = 1
        }
        translation.isParallel = [.interpreterParallel, .compiledParallel].contains(configuration)
        let isInterpreter = [.interpreter, .interpreterOneInstruction, .interpreterParallel].contains(configuration)
        let isBaseline = [.baseline, .baselineOneInstruction].contains(configuration)
        counts = configuration == .compiledCounting
        engine = Engine(
            configuration: EngineConfiguration(
                tier: isInterpreter ? .interp : isBaseline ? .baseline : .block, translation: translation, countsInstructions: counts),
            environment: self, arena: try VCPUArena(capacity: 1), plugins: nil, log: Log())
        guard let vcpu = engine.makeVCPU(index: 0) else { throw CaseMachineError() }
        self.vcpu = vcpu
    }

    /// Runs one case from `state`, which names registers as `Tests/Cases` does.
    /// - Returns: the state afterwards, under the same names, with the PC the instruction left at.
    func run(_ word: UInt32, at pc: UInt64, _ state: [String: UInt64]) -> [String: UInt64] {
        engine.flush()
        self.word = word
        self.pc = pc
        exception = nil
        load(state)
        vcpu.registers.pc = pc
        vcpu.cpu.pointee.insn_count = 0
        _ = vcpu.run()
        var result = store(Array(state.keys))
        result["pc"] = vcpu.registers.pc
        return result
    }

    /// Guest instructions that the inline counter saw, less the HLT at the end; nil when none was put in.
    var count: UInt64? { counts ? vcpu.cpu.pointee.insn_count &- (exception == nil ? 1 : 0) : nil }

    /// The memory of cases, mapped once at its addresses: the guest's are the host's.
    // SAFETY: the pointer never changes; what it points to is used by one test at a time (the suite is serialized).
    private nonisolated(unsafe) static let memory: UnsafeMutableRawBufferPointer = {
        let range = InstructionCase.memory
        let wanted = UnsafeMutableRawPointer(bitPattern: UInt(range.lowerBound))
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | 0x100000  // MAP_FIXED_NOREPLACE
        let mapped = mmap(wanted, range.count, PROT_READ | PROT_WRITE, flags, -1, 0)
        precondition(mapped == wanted, "something lies at the addresses of the cases' memory")
        return UnsafeMutableRawBufferPointer(start: mapped, count: range.count)
    }()

    private func load(_ state: [String: UInt64]) {
        let registers = vcpu.registers
        for n in CaseMachine.memory.indices { CaseMachine.memory[n] = CaseMachine.junkByte(n) }
        for (name, value) in state {
            switch name {
            case "nzcv": registers.nzcv = UInt32(truncatingIfNeeded: value)
            default: slot(name).storeBytes(of: value, as: UInt64.self)
            }
        }
    }

    private static func junkByte(_ n: Int) -> UInt8 { UInt8(truncatingIfNeeded: n &* 0x9d &+ n >> 8) }

    /// Bytes of memory that changed and are not in one of the words of `names`.
    func strayBytes(beside names: some Sequence<String>) -> [UInt64] {
        let words = Set(names.compactMap(InstructionCase.memoryAddress))
        return CaseMachine.memory.indices.compactMap { n in
            if CaseMachine.memory[n] == CaseMachine.junkByte(n) { return nil }
            let address = InstructionCase.memory.lowerBound + UInt64(n)
            return (0..<8).contains { words.contains(address &- UInt64($0)) } ? nil : address
        }
    }

    private func store(_ names: [String]) -> [String: UInt64] {
        var state: [String: UInt64] = [:]
        for name in names {
            state[name] = name == "nzcv" ? UInt64(vcpu.registers.nzcv) : slot(name).load(as: UInt64.self)
        }
        return state
    }

    /// Where a register of the given name lies; vector halves are `v7.lo` and `v7.hi`.
    private func slot(_ name: String) -> UnsafeMutableRawPointer {
        let base = UnsafeMutableRawPointer(vcpu.cpu)
        switch name {
        case _ where name.hasPrefix("["):
            guard let address = InstructionCase.memoryAddress(name), InstructionCase.memory.contains(address) else {
                preconditionFailure("no memory at \(name)")
            }
            return CaseMachine.memory.baseAddress! + Int(address - InstructionCase.memory.lowerBound)
        case "sp": return base + Int(NT_CPU_X) + 31 * 8
        case "fpcr": return base + Int(NT_CPU_FPCR)
        case "fpsr": return base + Int(NT_CPU_FPSR)
        case "tpidr_el0": return base + Int(NT_CPU_TPIDR_EL0)
        case "tpidrro_el0": return base + Int(NT_CPU_TPIDRRO_EL0)
        case "pstate": return base + Int(NT_CPU_PSTATE)
        default:
            let digits = name.drop { !$0.isNumber }.prefix { $0.isNumber }
            guard let n = Int(digits), n < 32 else { preconditionFailure("no register is called \(name)") }
            if name.hasPrefix("x") { return base + Int(NT_CPU_X) + n * 8 }
            return base + Int(NT_CPU_V) + n * 16 + (name.hasSuffix(".hi") ? 8 : 0)
        }
    }

    // MARK: GuestEnvironment

    func fetch(_ pc: UInt64) -> UInt32? { pc == self.pc ? word : CaseMachine.endWord }

    func handle(_ kind: GuestExceptionKind, info: UInt64, on vcpu: VCPU) -> VCPUAction {
        // A branch to an address that is not aligned has done its part too.
        let isEnd = vcpu.registers.pc != pc && (kind == .halt && info == CaseMachine.endHalt || kind == .pcAlignment)
        if !isEnd { exception = ("\(kind)", info) }
        return .exit(status: 0)
    }

    func handleFault(_ fault: HostFault, on vcpu: VCPU) -> VCPUAction { .killed(signal: fault.signal) }
    func deliverPending(on vcpu: VCPU) -> VCPUAction { .resume }
    func symbol(at pc: UInt64) -> String? { nil }
}

struct CaseMachineError: Error {}
