internal import CHost
internal import EmuIR

/// Calls of C functions, and instrumentation.
extension BaselineCompiler {
    enum CallArgument {
        case cpu
        case cpuIndex
        case value(Value)
        case number(UInt64)
        case userdata(UInt64)
    }

    /// RDI, RSI, RDX, RCX, R8, R9.
    private static let argumentRegisters: [GPR] = [.rdi, .rsi, .rdx, .rcx, .r8, .r9]

    /// Bytes at the start of the scratch area that calls use: eight arguments, and all registers of a cold path.
    static var coldSaveBytes: Int32 { 8 * 8 + 16 * 8 + 16 * 16 }
    private static func argumentSlot(_ n: Int) -> HostAddress { HostAddress(cpu: Int(NT_CPU_TEMPS) + n * 8) }

    /// Calls a function with the C convention.
    mutating func call(_ function: UInt, _ arguments: [CallArgument], result: IRType) {
        spillForCall()
        placeArguments(arguments)
        forgetForCall()
        callFunction(function)
        switch result {
        case .none: break
        case .i128: asm.move(resultXMM(), .scratch0)
        default: asm.mov(resultGPR(), .rax, wide: result == .i64)
        }
    }

    mutating func callFunction(_ function: UInt, _ kind: Relocation.Kind = .function) {
        // The convention of TBs enters with RSP 8 off a multiple of 16.
        asm.lea(.rsp, HostAddress(.rsp, -8), wide: true)
        asm.mov(.rax, address: function, kind)
        asm.call(.rax)
        asm.lea(.rsp, HostAddress(.rsp, 8), wide: true)
    }

    mutating func placeArguments(_ arguments: [CallArgument]) {
        var general = 0
        var vectors = 0
        var places: [(GPR, CallArgument, Bool)] = []
        for argument in arguments {
            if case .value(let v) = argument, insts[v.index].resultType == .i128 {
                copy(v, to: XMM(number: UInt8(vectors)))
                vectors += 1
                continue
            }
            places.append((Self.argumentRegisters[general], argument, false))
            general += 1
        }
        // Values in registers that earlier arguments are about to take.
        for n in places.indices {
            guard case .value(let v) = places[n].1 else { continue }
            if states[root(v)].kind == .deferred { _ = gpr(v) }
            guard states[root(v)].hasRegister else { continue }
            let source = GPR(number: states[root(v)].register)
            if places[..<n].contains(where: { $0.0 == source }) {
                asm.mov(Self.argumentSlot(n), source, wide: true)
                places[n].2 = true
            }
        }
        for (n, (register, argument, isSaved)) in places.enumerated() {
            switch argument {
            case .cpu: asm.mov(register, HostRegisters.cpu, wide: true)
            case .cpuIndex: asm.mov(register, HostAddress(cpu: Int(NT_CPU_CPU_INDEX)), wide: false)
            case .number(let number): asm.mov(register, number)
            case .userdata(let number): asm.mov(register, address: UInt(number), .userdata)
            case .value(let v):
                if isSaved { asm.mov(register, Self.argumentSlot(n), wide: true) } else { copy(v, to: register) }
            }
        }
    }

    // MARK: Helpers

    mutating func emitHelperCall(_ i: IRInst) {
        let helper = Helper(rawValue: UInt16(truncatingIfNeeded: i.imm))!
        let signature = helper.signature
        let operands = Array([i.a, i.b, i.c].prefix(signature.parameters.count))
        callHelper(
            UInt(bitPattern: nt_helper_address(UInt32(helper.rawValue))), operands.map { .value($0) },
            result: signature.result, mayFault: signature.effects.contains(.mayFault),
            writesState: !signature.effects.isDisjoint(with: [.writesState, .writesFlags]))
    }

    mutating func callHelper(
        _ function: UInt, _ arguments: [CallArgument], result: IRType, mayFault: Bool = false, writesState: Bool = false
    ) {
        if writesState {
            // What only a guest register's memory holds must be elsewhere before it changes, arguments too.
            for case .value(let v) in arguments { hold(v) }
            displaceAllHolders()
        }
        if mayFault { storeFaultPoint() }
        call(function, [.cpu] + arguments, result: result)
    }

    mutating func hold(_ v: Value) {
        if insts[v.index].resultType == .i128 { _ = xmm(v) } else { _ = gpr(v) }
    }

    // MARK: Instrumentation

    mutating func emitPlugin(_ i: IRInst) {
        switch i.op {
        case .pluginAdd:
            let skip = guardJump(i.a)
            let m = HostAddress(entry: i.imm)
            if let value = Int32(exactly: Int64(bitPattern: i.imm2)) {
                asm.arithmetic(.add, m, value, wide: true)
            } else {
                asm.mov(.rax, i.imm2)
                asm.arithmetic(.add, m, .rax, wide: true)
            }
            end(skip)
        case .pluginStore:
            let skip = guardJump(i.a)
            let m = HostAddress(entry: i.imm)
            if let value = Int32(exactly: Int64(bitPattern: i.imm2)) {
                asm.mov(m, value, size: 3)
            } else {
                asm.mov(.rax, i.imm2)
                asm.mov(m, .rax, wide: true)
            }
            end(skip)
        case .pluginLoad: asm.mov(resultGPR(), HostAddress(entry: i.imm), wide: true)
        case .pluginCall: callPlugin(i, [])
        case .pluginCallIf: callPluginIf(i.a, i, [])
        case .pluginMemCall:
            if !i.b.isNone {
                // The value, whether or not the access happened.
                let m = HostAddress(cpu: Int(NT_CPU_MEM_VALUE))
                if insts[i.b.index].resultType == .i128 {
                    asm.store(m, xmm(i.b))
                } else {
                    asm.mov(m, gpr(i.b), wide: insts[i.b.index].resultType == .i64)
                }
            }
            let arguments: [CallArgument] = [.number(UInt64(i.aux)), .value(i.a)]
            if i.c.isNone { callPlugin(i, arguments) } else { callPluginIf(i.c, i, arguments) }
        default: preconditionFailure("not instrumentation: \(i.op)")
        }
    }

    /// The jump over instrumentation of an access that may not have happened (a store-exclusive), if there is a condition.
    private mutating func guardJump(_ condition: Value) -> Assembler.Jump? {
        if condition.isNone { return nil }
        switch truth(condition) {
        case .always: return nil
        case .never: return asm.jump()
        case .when(let holds): return asm.jump(if: holds.opposite)
        }
    }
    private mutating func end(_ skip: Assembler.Jump?) {
        guard let skip else { return }
        asm.land(skip)
        asm.clobberFlags()
    }

    /// A call on one of two ways: registers must be the same on both behind it.
    private mutating func callPluginIf(_ condition: Value, _ i: IRInst, _ arguments: [CallArgument]) {
        for case .value(let v) in arguments { hold(v) }
        if i.flags > 1 { displaceAllHolders() }
        spillForCall()
        // What the call loses is lost on the other way, too.
        let decision = truth(condition)
        var skip: Assembler.Jump?
        switch decision {
        case .always: break
        case .never: skip = asm.jump()
        case .when(let holds): skip = asm.jump(if: holds.opposite)
        }
        callPlugin(i, arguments)
        end(skip)
    }

    /// function(cpu_index, …, userdata), with the register permission set around it when it has one.
    private mutating func callPlugin(_ i: IRInst, _ arguments: [CallArgument]) {
        let permission = HostAddress(cpu: Int(NT_CPU_REG_PERMISSION))
        if i.flags > 1 {
            for case .value(let v) in arguments { hold(v) }
            displaceAllHolders()
        }
        spillForCall()
        if i.flags != 0 {
            asm.mov(permission, Int32(i.flags), size: 2)
            // A callback that may read registers may read PC.
            storePC(pc &+ UInt64(max(instruction, 0)) &* 4)
        }
        placeArguments([.cpuIndex] + arguments + [.userdata(i.imm2)])
        forgetForCall()
        callFunction(UInt(i.imm), .callback)
        if i.flags != 0 { asm.mov(permission, 0, size: 2) }
        // What the callback's own arithmetic left in MXCSR is not the guest's; fp_collect has taken the guest's flags before.
        asm.loadMXCSR(HostAddress(cpu: Int(NT_CPU_CLEAN_MXCSR)))
    }
}
