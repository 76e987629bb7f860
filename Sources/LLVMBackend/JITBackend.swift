internal import CHost
internal import CLLVM
package import EmuIR
internal import Glibc
package import Support

/// One TB to compile.
package struct CompileUnit {
    package let block: IRBlock
    /// The TB's index in the engine's table, for fault points.
    package let tbIndex: UInt32
    package init(block: IRBlock, tbIndex: UInt32) {
        self.block = block
        self.tbIndex = tbIndex
    }
}

/// A compiled TB. Code of one module is freed when all its TBs are released.
package struct CompiledCode {
    /// Address of the function, for `nt_tb.entry`.
    package let entry: UInt
    let module: CompiledModule
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
    let effort: Effort
    var users: Int
    init(code: OpaquePointer, effort: Effort, users: Int) {
        self.code = code
        self.effort = effort
        self.users = users
    }
}

/// Tier 1: compiles batches of TBs with LLVM and owns the executable memory.
///
/// Threads: any; one compiles at a time. Nothing here is called from generated code.
package final class JITBackend: @unchecked Sendable {
    // @unchecked: everything is guarded by `lock`.
    private let lock = Lock()
    private let log: Log
    private var jits: [Effort: OpaquePointer] = [:]
    private var hostDisassembler: HostDisassembler?
    private var moduleCount = 0
    private var hasReportedFailure = false

    package init(log: Log) { self.log = log }

    /// Compiles the units as one module.
    ///
    /// - Parameter chains: whether direct and indirect branches go straight to the next TB.
    /// - Returns: one entry per unit, in order; nil when the host has no memory for the code.
    package func compile(_ units: [CompileUnit], chains: Bool) -> [CompiledCode]? {
        // Loops are worth a thorough compilation at once: nothing else could make them keep registers. So is floating point, whose
        // operations FastISel hands to the slow selector one by one anyway.
        let deservesEffort = units.map { unit in
            chains && (SelfLoop.isSuitable(unit.block) || unit.block.insts.contains { $0.op.effects.contains(.floatingPoint) })
        }
        if !deservesEffort.contains(true) { return compileModule(units, .quick, chains: chains) }
        if !deservesEffort.contains(false) { return compileModule(units, .thorough, chains: chains) }
        let loops = compileModule(zip(units, deservesEffort).filter(\.1).map(\.0), .thorough, chains: chains)
        let others = compileModule(zip(units, deservesEffort).filter { !$0.1 }.map(\.0), .quick, chains: chains)
        guard var loop = loops?.makeIterator(), var other = others?.makeIterator() else {
            for code in (loops ?? []) + (others ?? []) { release(code) }
            return nil
        }
        return deservesEffort.map { $0 ? loop.next()! : other.next()! }
    }

    private func compileModule(_ units: [CompileUnit], _ effort: Effort, chains: Bool) -> [CompiledCode]? {
        lock.withLock {
            let jit = jits[effort] ?? start(effort)
            let context = LLVMContextCreate()!
            defer { LLVMContextDispose(context) }
            let name = "tb\(moduleCount)"
            moduleCount += 1
            let module = LLVMModuleCreateWithNameInContext(name, context)!
            LLVMSetTarget(module, nt_jit_triple(jit))
            LLVMSetDataLayout(module, nt_jit_data_layout(jit))
            let builder = LLVMCreateBuilderInContext(context)!
            defer { LLVMDisposeBuilder(builder) }
            let lowering = LoweringContext(context: context, builder: builder)
            let intrinsics = Intrinsics(module: module, context: context)
            let names = units.indices.map { "\(name)_\($0)" }
            for (unit, function) in zip(units, names) {
                TBLowering.lower(
                    unit.block, name: function, module: module, context: lowering, intrinsics: intrinsics,
                    options: LoweringOptions(tbIndex: unit.tbIndex, chains: chains))
            }
            check(module)
            if log.isOn(.llvm) { dump(module) }
            return link(module, names, units, jit, effort)
        }
    }

    /// Gives up one TB's code. No vCPU may be in it.
    package func release(_ code: CompiledCode) {
        lock.withLock {
            code.module.users -= 1
            guard code.module.users == 0, let jit = jits[code.module.effort] else { return }
            nt_jit_free(jit, code.module.code)
        }
    }

    private func start(_ effort: Effort) -> OpaquePointer {
        var error: UnsafeMutablePointer<CChar>?
        guard let made = nt_jit_create(effort.rawValue, nt_code_range_add, &error) else {
            preconditionFailure("LLVM cannot compile for this host: \(error.map { String(cString: $0) } ?? "")")
        }
        jits[effort] = made
        return made
    }

    private func link(
        _ module: LLVMModuleRef, _ names: [String], _ units: [CompileUnit], _ jit: OpaquePointer, _ effort: Effort
    ) -> [CompiledCode]? {
        var addresses = [UInt64](repeating: 0, count: names.count)
        var error: UnsafeMutablePointer<CChar>?
        let cNames = names.map { UnsafePointer(strdup($0)) }
        defer { cNames.forEach { free(UnsafeMutablePointer(mutating: $0)) } }
        guard let code = nt_jit_compile(jit, module, cNames, cNames.count, &addresses, &error) else {
            // The object is ours, so only the host's memory can be at fault.
            let reason = error.map { String(cString: $0) } ?? ""
            free(error)
            if !hasReportedFailure { log.put("needletail: no memory for compiled code: \(reason)\n") }
            hasReportedFailure = true
            return nil
        }
        if log.isOn(.outAsm) {
            var start: UInt64 = 0
            var end: UInt64 = 0
            nt_jit_code_range(code, &start, &end)
            dumpHostCode(units, addresses, end: end)
        }
        let owner = CompiledModule(code: code, effort: effort, users: units.count)
        return addresses.map { CompiledCode(entry: UInt($0), module: owner) }
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

    private func dumpHostCode(_ units: [CompileUnit], _ addresses: [UInt64], end: UInt64) {
        let disassembler = hostDisassembler ?? HostDisassembler()
        hostDisassembler = disassembler
        for (n, (unit, address)) in zip(units, addresses).enumerated() {
            // Functions lie in module order.
            let limit = n + 1 < addresses.count && addresses[n + 1] > address ? addresses[n + 1] : end
            log.put("OUT: TB \(hex(unit.block.pc)) [size=\(limit - address)]\n\(disassembler.text(address..<limit))\n")
        }
    }
}
