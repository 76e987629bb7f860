package import CHost
package import GuestState
internal import Support
internal import Synchronization

/// One guest processor: its registers, its arena, and the loop that runs it. One host thread at a time.
package final class VCPU: @unchecked Sendable {
    // @unchecked: `isRunning` is atomic; all else is touched by the vCPU's own thread, or by others in exclusive sections.
    package let index: Int
    package let cpu: UnsafeMutablePointer<nt_cpu>
    package let registers: GuestRegisters
    /// Outlives its vCPUs: it ends with the process. Used at every step, so it is not counted.
    package unowned(unsafe) let engine: Engine
    let isRunning = Atomic<Bool>(false)
    /// The TB that the last step chained to and will run next, and the generation in which it was found.
    private var successor: (tb: TranslationBlock, generation: Int)?
    /// What IC IVAU named since the last look, neighbouring lines as one range.
    private var staleCode: [Range<UInt64>] = []
    /// What runs next is to be recorded: `PathRequest`'s raw value.
    private let wantsPath = Atomic<UInt8>(PathRequest.none.rawValue)
    private enum PathRequest: UInt8 {
        case none, outsideRegions, anywhere
    }
    /// Notes the TBs that run, for a region.
    private var recorder: PathRecorder?
    /// Kept for the environment: per-thread data of the guest operating system.
    package var environmentData: AnyObject?

    init(index: Int, cpu: UnsafeMutablePointer<nt_cpu>, engine: Engine) {
        self.index = index
        self.cpu = cpu
        self.registers = GuestRegisters(cpu)
        self.engine = engine
        cpu.pointee.cpu_index = UInt32(index)
        cpu.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
        cpu.pointee.finds_tbs = engine.mayFindInGeneratedCode ? 1 : 0
    }

    /// Takes TBs out of the jump cache. Exclusive sections only.
    func forget(_ removed: [TranslationBlock]) {
        if removed.count > Int(NT_JUMP_CACHE_SIZE) {
            let cache = nt_jump_cache(cpu, 0)!
            for i in 0..<2 * Int(NT_JUMP_CACHE_SIZE) { cache[i] = nt_jump_cache_entry(pc: .max, tb: nil) }
            return
        }
        // Reads first: most entries are others', and the pages of a thread that does little were never touched.
        for tb in removed {
            let entry = nt_jump_cache(cpu, tb.key.flags)! + Int(nt_jump_cache_index(tb.key.pc))
            if entry.pointee.pc == Self.jumpCachePC(tb.key) { entry.pointee = nt_jump_cache_entry(pc: .max, tb: nil) }
        }
    }

    private func remember(_ tb: TranslationBlock) {
        nt_jump_cache(cpu, tb.key.flags)![Int(nt_jump_cache_index(tb.key.pc))] = nt_jump_cache_entry(
            pc: Self.jumpCachePC(tb.key), tb: tb.c)
        nt_publish_tb(tb.c)
    }

    /// The PC as an indirect branch looks it up: with BTYPE.
    private static func jumpCachePC(_ key: TBKey) -> UInt64 {
        key.pc | UInt64(key.flags >> UInt32(NT_TB_BTYPE_SHIFT) & 3) << UInt64(NT_PC_BTYPE_SHIFT)
    }

    /// IC IVAU on this vCPU: handled at the next exit, which is asked for here. Called from generated code.
    func noteStaleCode(at address: UInt64) {
        // CTR_EL0 tells the guest 64-byte instruction-cache lines. The last line of all is never code.
        let start = min(Self.withoutTag(address) & ~63, UInt64.max - 127)
        noteStaleCode(start..<start + 64)
    }

    /// The same of any range.
    func noteStaleCode(_ range: Range<UInt64>) {
        if let last = staleCode.last, last.upperBound == range.lowerBound {
            staleCode[staleCode.count - 1] = last.lowerBound..<range.upperBound
        } else {
            staleCode.append(range)
        }
        nt_request_exit(cpu)
    }

    /// Makes the vCPU leave generated code within one loop iteration. Any thread; async-signal-safe.
    package func requestExit() { nt_request_exit(cpu) }

    /// Has the vCPU record what it runs next. Any thread.
    /// - Parameter evenInRegion: also when it runs code that a region has.
    func requestPath(evenInRegion: Bool) {
        wantsPath.store((evenInRegion ? PathRequest.anywhere : .outsideRegions).rawValue, ordering: .releasing)
        requestExit()
    }

    /// Runs the guest from `cpu->pc` until the process ends.
    ///
    /// Must be called on the thread that owns the vCPU.
    /// - Returns: `.exit` or `.killed`, never `.resume`.
    package func run() -> VCPUAction {
        nt_thread_set_cpu(cpu)
        defer {
            nt_thread_set_cpu(nil)
            finishRecording()
        }
        while true {
            if nt_take_exit_request(cpu) != 0 {
                let action = handleExitRequest()
                if action != .resume { return action }
            }
            let action = step()
            if action != .resume { return action }
        }
    }

    private func handleExitRequest() -> VCPUAction {
        if !staleCode.isEmpty {
            engine.invalidate(staleCode)
            staleCode.removeAll()
        }
        if cpu.pointee.met_tag != 0 {
            cpu.pointee.met_tag = 0
            engine.startCleaningTags()
        }
        engine.runSafeWork()
        let request = PathRequest(rawValue: wantsPath.exchange(PathRequest.none.rawValue, ordering: .acquiring))
        if let request, request != .none, recorder == nil { beginRecording(request) }
        return engine.environment.deliverPending(on: self)
    }

    /// The TB that runs next.
    private var key: TBKey {
        let fpcr = cpu.pointee.fpcr == 0 ? 0 : UInt32(NT_TB_FPCR)
        return TBKey(pc: cpu.pointee.pc, flags: fpcr | UInt32(branchType) << UInt32(NT_TB_BTYPE_SHIFT))
    }

    /// PSTATE.BTYPE, in place while the vCPU is outside generated code.
    private var branchType: UInt64 {
        get { cpu.pointee.pstate >> 10 & 3 }
        set { cpu.pointee.pstate = cpu.pointee.pstate & ~(3 << 10) | newValue << 10 }
    }

    /// A branch to a tagged address drops the tag (BranchAddr with TBI and without TBID). Where branch types are tracked there
    /// never is one, but the type.
    private func tidyPC() {
        let pc = cpu.pointee.pc
        if pc >> 55 == 0 { return }
        if engine.tracksBranchTypes { branchType = pc >> UInt64(NT_PC_BTYPE_SHIFT) & 3 }
        cpu.pointee.pc = Self.withoutTag(pc)
    }

    /// An address as translation sees it with top-byte-ignore: bit 55 says which half of the address space it is in.
    static func withoutTag(_ address: UInt64) -> UInt64 { UInt64(bitPattern: Int64(bitPattern: address << 8) >> 8) }

    /// One stay in generated code and what made it end.
    private func step() -> VCPUAction {
        let generation = engine.generation
        tidyPC()
        let key = self.key
        let tb = successor(key, generation) ?? engine.findOrTranslate(key, for: self)
        // A plugin may have moved the PC, or written FPCR, when it was shown the TB.
        if engine.plugins != nil, self.key != key { return .resume }
        // Its copies may be of code that has changed since. Before entering: a fork holds the compile threads' lock while it waits for
        // those that have entered.
        if let recorder, recorder.generation != generation { finishRecording() }
        engine.world.enter(self)
        guard engine.generation == generation else {
            // Code was removed between the look-up and now: `tb` may be gone.
            engine.world.leave(self)
            return .resume
        }
        remember(tb)
        engine.traceExecution(of: tb, on: self)
        var exit = enter(recorder?.step(tb) ?? tb)
        // Still inside, so that no other vCPU can remove the TB that the fault point names.
        var meetsFirstTag = false
        while exit == NT_EXIT_FAULT {
            if let region = engine.fastRegion(at: cpu.pointee.fault_host_pc) {
                cpu.pointee.pc = region.members[0].key.pc
                if region.hasFaultPoints { engine.restoreStateAtFaultPoint(of: self, isFault: true) }
                break
            }
            let faulted = engine.restoreStateAtFaultPoint(of: self, isFault: true)
            if !isFaultNonCanonical || faulted.cleansTags { break }
            // If there was no tag it faults again.
            meetsFirstTag = true
            exit = enter(engine.makeRest(of: faulted, at: cpu.pointee.pc))
        }
        if exit == NT_EXIT_EXCEPTION, Self.cameFromHelper(cpu.pointee.exception) {
            engine.restoreStateAtFaultPoint(of: self, isFault: false)
        }
        engine.world.leave(self)
        if let recorder, recorder.isComplete || recorder.isUseless { finishRecording() }
        if meetsFirstTag { engine.startCleaningTags() }
        switch exit {
        case NT_EXIT_LOOKUP, NT_EXIT_REQUEST: return .resume
        case NT_EXIT_CHAIN:
            // A plugin may have written FPCR: the TB that was left is none of the new state.
            let next = self.key
            let differs = (next.flags ^ key.flags) & UInt32(NT_TB_FPCR) != 0
            if !differs { successor = engine.chain(cpu.pointee.exit_slot, to: next, generation, for: self) }
            return .resume
        case NT_EXIT_HOT:
            engine.promote(self.key)
            return .resume
        case NT_EXIT_EXCEPTION: return handleException()
        case NT_EXIT_FAULT: return handleFault()
        case let other: preconditionFailure("generated code returned \(other)")
        }
    }

    private func beginRecording(_ request: PathRequest) {
        tidyPC()
        // Of what becomes a region right now a path would say nothing new.
        let key = self.key
        let isCovered = request == .outsideRegions && engine.isInRegion(key) || engine.compiler.isUnderWay(key)
        if isCovered { return engine.compiler.take(.covered) }
        recorder = PathRecorder(engine)
        cpu.pointee.finds_tbs = 0
    }

    private func finishRecording() {
        guard let recorder else { return }
        engine.compiler.take(recorder.finish().map { .path($0) } ?? .nothing)
        self.recorder = nil
        cpu.pointee.finds_tbs = engine.mayFindInGeneratedCode ? 1 : 0
    }

    /// The TB of a key, if it is the one that was chained to, and still there.
    private func successor(_ key: TBKey, _ generation: Int) -> TranslationBlock? {
        guard let (tb, found) = successor else { return nil }
        successor = nil
        return found == generation && tb.key == key ? tb : nil
    }

    /// Runs from a TB on. Inside `world` only.
    private func enter(_ tb: TranslationBlock) -> nt_exit {
        // The TB knows; what follows its first instruction has none.
        branchType = 0
        let exit = nt_exit(UInt32(truncatingIfNeeded: nt_run(cpu, tb.c)))
        if exit == NT_EXIT_HOT { branchType = UInt64(cpu.pointee.exit_tb.pointee.flags >> UInt32(NT_TB_BTYPE_SHIFT) & 3) }
        tidyPC()
        return exit
    }

    /// Exceptions that leave in mid-TB: the PC is the fault point's.
    private static func cameFromHelper(_ exception: UInt64) -> Bool {
        exception == NT_EXCEPTION_DATA_ALIGNMENT.rawValue || exception == NT_EXCEPTION_PAC_FAIL.rawValue
    }

    private func handleException() -> VCPUAction {
        let info = cpu.pointee.exception_info
        guard let kind = GuestExceptionKind(rawValue: UInt8(truncatingIfNeeded: cpu.pointee.exception)) else {
            preconditionFailure("generated code raised exception \(cpu.pointee.exception)")
        }
        // The page may be mapped later, or its file grow.
        if kind == .branchTarget { branchType = info }
        if kind == .instructionAbort { engine.invalidate([cpu.pointee.pc..<cpu.pointee.pc | 3]) }
        engine.log.write(.int, "exception \(kind) info=\(hex(info)) pc=\(hex(cpu.pointee.pc))\n")
        return engine.environment.handle(kind, info: info, on: self)
    }

    /// The host processor refused an address whose top bits differ. It does not say which address.
    private var isFaultNonCanonical: Bool { cpu.pointee.fault_code == UInt32(bitPattern: HostFault.kernelCode) }

    private func handleFault() -> VCPUAction {
        var fault = HostFault(
            signal: Int32(cpu.pointee.fault_signal), code: Int32(bitPattern: cpu.pointee.fault_code),
            address: cpu.pointee.fault_address)
        if isFaultNonCanonical {
            let pc = cpu.pointee.pc
            let access = engine.environment.fetch(pc).flatMap { FaultingAccess($0, pc: pc, registers) }
            fault = HostFault(
                signal: HostFault.segmentation, code: HostFault.notMapped, address: access?.address ?? 0)
            cpu.pointee.fault_write = access?.isWrite ?? false ? 1 : 0
        }
        engine.log.write(.int, "fault signal=\(fault.signal) address=\(hex(fault.address)) pc=\(hex(cpu.pointee.pc))\n")
        return engine.environment.handleFault(fault, on: self)
    }
}
