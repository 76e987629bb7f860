internal import Baseline
internal import CHost
internal import CodeCache
internal import EmuIR
internal import Support
internal import Synchronization

/// Tier 1 where the host has what its code uses: made on the vCPU's own thread, in microseconds.
///
/// Threads: any, each with a compiler of its own.
final class BaselineTier: @unchecked Sendable {
    // @unchecked: the count is atomic; the arena has a lock.
    private let arena: CodeArena
    private unowned let engine: Engine
    private let failures = Atomic(0)

    /// - Returns: nil where the host lacks instructions.
    init?(_ engine: Engine) {
        guard BaselineCompiler.isSupported else { return nil }
        self.engine = engine
        arena = CodeArena(limit: engine.configuration.codeLimit)
    }

    /// Bytes of code.
    var codeBytes: Int { arena.bytes }
    /// TBs that had operations without code here.
    var failureCount: Int { failures.load(ordering: .relaxed) }

    /// Makes code of a TB's block that went through the passes.
    /// - Returns: the code; nil when an operation has no code here, or when there is no memory.
    func compile(
        _ block: IRBlock, for tb: TranslationBlock, index: UInt32, _ mode: TranslationMode, with compiler: inout BaselineCompiler
    ) -> BaselineCode? {
        let configuration = engine.configuration
        let code = compiler.compile(
            block, tbIndex: index, tbAddress: UInt(bitPattern: tb.c), chains: configuration.chains)
        guard let code else {
            failures.add(1, ordering: .relaxed)
            return nil
        }
        let address = compiler.faultTable.withUnsafeBufferPointer { arena.place(code, blockIndex: index, faults: $0) }
        guard let address else {
            if arena.isFull(for: code.count) { tb.awaitsRoom = true }
            return nil
        }
        engine.keptCode?.keep(code, of: block, tb, mode, compiler)
        if engine.showsHostCode { engine.backend.show(block, at: address, size: code.count) }
        return BaselineCode(entry: address, jumps: compiler.slotJumps)
    }

    /// What is to make room for new code, as far as it is still in use; nothing while there is room.
    func oldest() -> [(blockIndex: UInt32, address: UInt)] { arena.isFull(for: Self.usualSize) ? arena.oldest() : [] }
    /// Bytes that most TBs' code does with. For less, all others need not go.
    private static let usualSize = 1024

    /// Places kept code of a TB.
    /// - Parameter shape: of its instrumentation, which is the entry's.
    /// - Returns: nil when there is no memory, or what is kept is damaged.
    func place(
        _ entry: CodeEntry, for tb: TranslationBlock, index: UInt32, _ shape: InstrumentationShape
    ) -> BaselineCode? {
        let code = entry.code
        let faults = entry.faults.bindMemory(to: BaselineCompiler.FaultEntry.self)
        guard let address = arena.place(code, blockIndex: index, faults: faults) else { return nil }
        // Nobody knows of it yet.
        let memory = UnsafeMutableRawPointer(bitPattern: address)!
        let numbers = shape.numbers(tbIndex: index, tbAddress: UInt(bitPattern: tb.c))
        for n in 0..<entry.relocationCount {
            let relocation = Relocation(bits: entry.relocation(n), size: code.count)
            guard relocation?.apply(to: memory, numbers) ?? false else {
                arena.release(address)
                return nil
            }
        }
        var jumps: (BaselineCompiler.SlotJump?, BaselineCompiler.SlotJump?) = (nil, nil)
        jumps.0 = entry.jump(0).map { BaselineCompiler.SlotJump(distance: $0.distance, slow: $0.slow) }
        jumps.1 = entry.jump(1).map { BaselineCompiler.SlotJump(distance: $0.distance, slow: $0.slow) }
        return BaselineCode(entry: address, jumps: jumps)
    }

    /// Gives up one TB's code. No vCPU may be in it.
    func release(_ entry: UInt) { arena.release(entry) }

    /// Where an access at a host address belongs to, as `nt_cpu.fault_point` says it; nil when it is none of this code's.
    func faultPoint(at address: UInt) -> UInt32? {
        arena.faultPoint(at: address).map { $0.blockIndex << UInt32(NT_FAULT_POINT_INSN_BITS) | UInt32($0.instruction) }
    }

    /// No thread was at work here.
    func resumeInForkChild() { arena.reinitialiseAfterFork() }
}

/// Code that the baseline compiler made for a TB.
struct BaselineCode {
    let entry: UInt
    let jumps: (BaselineCompiler.SlotJump?, BaselineCompiler.SlotJump?)
}

extension TranslationBlock {
    /// Its slots' jumps are in this code from now on. Guarded by the cache's lock.
    func take(_ code: BaselineCode) {
        baselineEntry = code.entry
        for (n, jump) in [code.jumps.0, code.jumps.1].enumerated() {
            guard let jump else { continue }
            slot(n).pointee.jump = UnsafeMutablePointer(bitPattern: code.entry + UInt(jump.distance))
            slot(n).pointee.slow = UnsafePointer(bitPattern: code.entry + UInt(jump.slow))
        }
    }

    /// Where jumps of other baseline code may lead directly: its own such code, as long as it is what runs. Guarded by the cache's
    /// lock.
    var directEntry: UnsafeRawPointer? {
        guard let baselineEntry, region == nil, !isStale else { return nil }
        return UnsafeRawPointer(bitPattern: baselineEntry)
    }
}
