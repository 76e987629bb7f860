internal import CHost
internal import CLLVM
package import EmuIR
internal import Glibc
package import Support
internal import Synchronization

/// One TB to compile.
package struct CompileUnit {
    package let block: IRBlock
    /// The TB's index in the engine's table, for fault points.
    package let tbIndex: UInt32
    /// Address of its `nt_tb`, which only code of regions needs to know.
    package let tbAddress: UInt
    package init(block: IRBlock, tbIndex: UInt32, tbAddress: UInt) {
        self.block = block
        self.tbIndex = tbIndex
        self.tbAddress = tbAddress
    }
}

/// A compiled TB. Code of one module is freed when all its TBs are released.
package struct CompiledCode {
    /// Address of the function, for `nt_tb.entry`.
    package let entry: UInt
    let module: CompiledModule
    /// Bytes of the module's code.
    package var size: Int { module.range.count }
    /// Of the module; newer ones have greater numbers.
    package var number: Int { module.number }
    /// Whether a host address is in the module's code.
    package func contains(_ address: UInt64) -> Bool { module.range.contains(address) }
}

/// LLVM's code generation level.
enum Effort: Int32 {
    /// FastISel and the fast register allocator: 55 to 95 µs a TB.
    case quick = 0
    /// SelectionDAG and the greedy allocator; several times as long.
    case thorough = 2
}

final class CompiledModule {
    let code: OpaquePointer
    /// Where it is; known without LLVM, which others may be using.
    let range: Range<UInt64>
    /// Who made it and must free it.
    let compiler: LLVMCompiler
    let number: Int
    /// The fault handler has a table of it, which goes first.
    var hasFaultWays = false
    /// Its compiler's borrower's.
    var users: Int
    init(code: OpaquePointer, compiler: LLVMCompiler, number: Int, users: Int) {
        var start: UInt64 = 0
        var end: UInt64 = 0
        nt_jit_code_range(code, &start, &end)
        self.code = code
        range = start..<max(start, end)
        self.compiler = compiler
        self.number = number
        self.users = users
    }
}

/// One instance of LLVM's compiler with memory for its code. For the thread that has borrowed it.
final class LLVMCompiler {
    let effort: Effort
    let jit: OpaquePointer
    /// Modules of its that lost a user. Guarded by the backend's `releasedLock`: those who release do not borrow it.
    var released: [CompiledModule] = []

    init(_ effort: Effort, _ jit: OpaquePointer) {
        self.effort = effort
        self.jit = jit
    }
}

/// Tier 1: compiles batches of TBs with LLVM and owns the executable memory.
///
/// Threads: any. Nothing of LLVM's compiler may be used by two threads, but several compilers may run at a time: each compilation borrows
/// one, and another is made only while all are lent, because each has some megabytes. Lock order: `lock`, then `releasedLock`; no lock is
/// held during a compilation. Nothing here is called from generated code.
package final class JITBackend: @unchecked Sendable {
    // @unchecked: everything is guarded by one of the locks, but for what is atomic; a compiler that is lent belongs to its borrower.
    private let lock = Lock()
    private let log: Log
    private let releasedLock = Lock()
    private var idleCompilers: [LLVMCompiler] = []
    private var moduleCount = 0
    private var times = StageTimes()
    /// Processor time spent so far.
    package var stageTimes: StageTimes { lock.withLock { times } }
    /// Code in memory. Does not wait for a compilation.
    package var codeBytes: Int { liveCodeBytes.load(ordering: .relaxed) }
    private let liveCodeBytes = Atomic(0)
    private var hasReportedFailure = false

    /// Guards what tells of host code: one TB's at a time.
    private let reportLock = Lock()
    private var hostDisassembler: HostDisassembler?
    private let perf: PerfFiles?
    private let callbacks: CallbackCache

    /// Costs nothing: LLVM is started by the first compilation.
    /// - Parameter symbol: names guest functions for `perf`.
    /// - Parameter scoreboards: how callbacks that add to one can be done without a call; nil calls them.
    package init(
        log: Log, scoreboards: ScoreboardAccess? = nil, perf formats: PerfFormats = [],
        symbol: @escaping (UInt64) -> String? = { _ in nil }
    ) {
        self.log = log
        callbacks = CallbackCache(scoreboards: scoreboards)
        perf = formats.isEmpty ? nil : PerfFiles(formats, symbol: symbol)
    }

    /// Compiles the units as one module.
    ///
    /// - Parameter chains: whether direct and indirect branches go straight to the next TB.
    /// - Parameter isFinal: whether no region will take a TB's place.
    /// - Returns: one entry per unit, in order; nil when the host has no memory for the code.
    package func compile(_ units: [CompileUnit], chains: Bool, isFinal: Bool = true) -> [CompiledCode]? {
        // Where no region will follow, loops are worth a thorough compilation: nothing else makes them keep registers. So is floating
        // point, whose operations FastISel hands to the slow selector one by one anyway.
        let deservesEffort = units.map { unit in
            chains && isFinal
                && (SelfLoop.isSuitable(unit.block) || unit.block.insts.contains { $0.op.effects.contains(.floatingPoint) })
        }
        func compile(_ units: [CompileUnit], _ effort: Effort) -> [CompiledCode]? {
            compileModule(units.map(\.block), effort) { module, names, lowering, intrinsics in
                for (unit, name) in zip(units, names) {
                    TBLowering.lower(
                        unit.block, name: name, module: module, context: lowering, intrinsics: intrinsics,
                        options: LoweringOptions(
                            tbIndex: unit.tbIndex, chains: chains, keepsLoops: isFinal,
                            callbacks: self.callbacks))
                }
            }
        }
        if !deservesEffort.contains(true) { return compile(units, .quick) }
        if !deservesEffort.contains(false) { return compile(units, .thorough) }
        let loops = compile(zip(units, deservesEffort).filter(\.1).map(\.0), .thorough)
        let others = compile(zip(units, deservesEffort).filter { !$0.1 }.map(\.0), .quick)
        guard var loop = loops?.makeIterator(), var other = others?.makeIterator() else {
            for code in (loops ?? []) + (others ?? []) { release(code) }
            return nil
        }
        return deservesEffort.map { $0 ? loop.next()! : other.next()! }
    }

    /// Compiles a region as one function.
    ///
    /// - Returns: its code; nil when the host has no memory for it.
    package func compile(_ region: RegionUnit) -> CompiledCode? {
        compileModule([region.units[0].block], .thorough, passes: Self.regionPasses) { module, names, lowering, intrinsics in
            RegionLowering.lower(
                region, name: names[0], module: module, context: lowering, intrinsics: intrinsics, callbacks: self.callbacks)
        }?[0]
    }

    /// Registers to SSA, then what pays for its time. No dead-store elimination: it does not know that a volatile store may
    /// fault, and what is stored before a fault is looked at.
    private static let regionPasses = "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg)"

    /// One module with a function for each of `blocks`, which `lower` makes by the names it is given.
    private func compileModule(
        _ blocks: [IRBlock], _ effort: Effort, passes: String? = nil,
        _ lower: (LLVMModuleRef, [String], LoweringContext, Intrinsics) -> Void
    ) -> [CompiledCode]? {
        let compiler = borrow(effort, near: Self.callback(in: blocks))
        defer { giveBack(compiler) }
        freeReleased(of: compiler)
        freeReleasedOfIdle()
        let jit = compiler.jit
        let context = LLVMContextCreate()!
        defer { LLVMContextDispose(context) }
        let number = lock.withLock {
            moduleCount += 1
            return moduleCount - 1
        }
        let name = "tb\(number)"
        let module = LLVMModuleCreateWithNameInContext(name, context)!
        LLVMSetTarget(module, nt_jit_triple(jit))
        LLVMSetDataLayout(module, nt_jit_data_layout(jit))
        let builder = LLVMCreateBuilderInContext(context)!
        defer { LLVMDisposeBuilder(builder) }
        let names = blocks.indices.map { "\(name)_\($0)" }
        var spent = StageTimes()
        var clock = StageClock()
        lower(module, names, LoweringContext(context: context, builder: builder), Intrinsics(module: module, context: context))
        check(module)
        clock.end(\.lowering, &spent)
        if let passes { nt_jit_optimize(jit, module, passes) }
        clock.end(\.passes, &spent)
        if log.isOn(.llvm) { dump(module) }
        nt_jit_emit(jit, module)
        clock.end(\.codeGeneration, &spent)
        let code = link(names, number, blocks, compiler, isRegion: passes != nil)
        clock.end(\.linking, &spent)
        lock.withLock { times.add(spent) }
        return code
    }

    // MARK: Compilers

    /// - Parameter near: What the code will call most; nil for functions of the emulator.
    private func borrow(_ effort: Effort, near: UInt?) -> LLVMCompiler {
        // The one that was used last: others sleep, and the processor's caches know this one.
        let known = lock.withLock {
            idleCompilers.lastIndex { $0.effort == effort }.map { idleCompilers.remove(at: $0) }
        }
        if let known { return known }
        var error: UnsafeMutablePointer<CChar>?
        guard let made = nt_jit_create(effort.rawValue, nt_code_range_add, near ?? 0, &error) else {
            preconditionFailure("LLVM cannot compile for this host: \(error.map { String(cString: $0) } ?? "")")
        }
        return LLVMCompiler(effort, made)
    }

    private func giveBack(_ compiler: LLVMCompiler) { lock.withLock { idleCompilers.append(compiler) } }

    /// Gives up one TB's code. No vCPU may be in it. Does not wait for a compilation: the next one frees the memory.
    package func release(_ code: CompiledCode) { releasedLock.withLock { code.module.compiler.released.append(code.module) } }

    private func freeReleased(of compiler: LLVMCompiler) {
        let modules = releasedLock.withLock {
            defer { compiler.released.removeAll() }
            return compiler.released
        }
        for module in modules {
            module.users -= 1
            guard module.users == 0 else { continue }
            liveCodeBytes.subtract(module.range.count, ordering: .relaxed)
            if module.hasFaultWays { nt_fault_ways_remove(module.range.lowerBound) }
            nt_jit_free(compiler.jit, module.code)
        }
    }

    /// A compiler that nobody borrows for long, as there is less to do than there was, frees its code all the same.
    private func freeReleasedOfIdle() {
        while true {
            let next = lock.withLock { () -> LLVMCompiler? in
                let index = releasedLock.withLock { idleCompilers.firstIndex { !$0.released.isEmpty } }
                return index.map { idleCompilers.remove(at: $0) }
            }
            guard let next else { return }
            freeReleased(of: next)
            // To where it is taken last.
            lock.withLock { idleCompilers.insert(next, at: 0) }
        }
    }

    /// The first plugin callback of the blocks: who instruments one TB mostly instruments all.
    private static func callback(in blocks: [IRBlock]) -> UInt? {
        for block in blocks {
            if let call = block.insts.first(where: { $0.op == .pluginCall || $0.op == .pluginMemCall }) { return UInt(call.imm) }
        }
        return nil
    }

    private func link(
        _ names: [String], _ number: Int, _ blocks: [IRBlock], _ compiler: LLVMCompiler, isRegion: Bool
    ) -> [CompiledCode]? {
        var addresses = [UInt64](repeating: 0, count: names.count)
        var error: UnsafeMutablePointer<CChar>?
        let cNames = names.map { UnsafePointer(strdup($0)) }
        defer { cNames.forEach { free(UnsafeMutablePointer(mutating: $0)) } }
        var size = 0
        let object = nt_jit_object(compiler.jit, &size)
        guard let code = nt_jit_link(compiler.jit, object, size, cNames, cNames.count, &addresses, &error) else {
            // The object is ours, so only the host's memory can be at fault.
            let reason = error.map { String(cString: $0) } ?? ""
            free(error)
            let isFirst = lock.withLock {
                defer { hasReportedFailure = true }
                return !hasReportedFailure
            }
            if isFirst { log.put("needletail: no memory for compiled code: \(reason)\n") }
            return nil
        }
        let owner = CompiledModule(code: code, compiler: compiler, number: number, users: blocks.count)
        var wayCount = 0
        if let ways = nt_jit_code_faults(code, &wayCount), wayCount > 0 {
            // An nt_fault_way is three such words.
            owner.hasFaultWays = ways.withMemoryRebound(to: UInt64.self, capacity: 3 * wayCount) {
                nt_fault_ways_add(owner.range.lowerBound, owner.range.upperBound, $0, wayCount)
            }
            if !owner.hasFaultWays {
                nt_jit_free(compiler.jit, code)
                return nil
            }
        }
        if log.isOn(.outAsm) || perf != nil {
            // Functions lie in module order.
            let limits = addresses.indices.map { n in
                n + 1 < addresses.count && addresses[n + 1] > addresses[n] ? addresses[n + 1] : owner.range.upperBound
            }
            reportLock.withLock {
                if log.isOn(.outAsm) { dumpHostCode(blocks, addresses, limits) }
                for (n, block) in blocks.enumerated() {
                    perf?.add(isRegion ? "region " : "", block, at: addresses[n], size: limits[n] - addresses[n])
                }
            }
        }
        liveCodeBytes.add(owner.range.count, ordering: .relaxed)
        return addresses.map { CompiledCode(entry: UInt($0), module: owner) }
    }

    /// Dumps code that another compiler made (`-d out_asm`), and names it for `perf`.
    package func show(_ block: IRBlock, at address: UInt, size: Int) {
        reportLock.withLock {
            if log.isOn(.outAsm) { dumpHostCode([block], [UInt64(address)], [UInt64(address) + UInt64(size)]) }
            perf?.add("", block, at: UInt64(address), size: UInt64(size))
        }
    }

    private func check(_ module: LLVMModuleRef) {
        #if DEBUG
            var message: UnsafeMutablePointer<CChar>?
            if LLVMVerifyModule(module, LLVMReturnStatusAction, &message) != 0 {
                dump(module)
                preconditionFailure("the lowering made wrong LLVM IR: \(message.map { String(cString: $0) } ?? "")")
            }
            LLVMDisposeMessage(message)
        #endif
    }

    private func dump(_ module: LLVMModuleRef) {
        guard let text = LLVMPrintModuleToString(module) else { return }
        log.put(String(cString: text) + "\n")
        LLVMDisposeMessage(text)
    }

    private func dumpHostCode(_ blocks: [IRBlock], _ addresses: [UInt64], _ limits: [UInt64]) {
        let disassembler = hostDisassembler ?? HostDisassembler()
        hostDisassembler = disassembler
        for (n, (block, address)) in zip(blocks, addresses).enumerated() {
            log.put("OUT: TB \(hex(block.pc)) [size=\(limits[n] - address)]\n\(disassembler.text(address..<limits[n]))\n")
        }
    }
}
