internal import CHost
internal import EmuIR

/// Guest memory: the host access at the guest address. Exclusives and read-modify-writes are CHost's functions, which every tier
/// shares.
extension BaselineCompiler {
    private static var guest: nt_guest_functions { nt_guest_function_addresses() }

    /// The operand of an access.
    private mutating func address(_ v: Value, _ offset: UInt64) -> HostAddress {
        let displacement = Int32(exactly: Int64(bitPattern: offset))
        let base = gpr(v)
        if let displacement { return HostAddress(base, displacement) }
        asm.mov(.rax, offset)
        asm.arithmetic(.add, .rax, base, wide: true)
        return HostAddress(.rax)
    }

    /// FEAT_LSE2: an ordered access may be misaligned inside 16 bytes, and faults otherwise. Leaves the address in RDX.
    private mutating func requireWithin16(_ m: HostAddress, size: Int) {
        if size == 0 { return }
        asm.lea(.rdx, m, wide: true)
        asm.mov(.rcx, .rdx, wide: false)
        asm.arithmetic(.and, .rcx, 15, wide: false)
        asm.arithmetic(.cmp, .rcx, Int32(16 - (1 << size)), wide: false)
        coldPaths.append(ColdPath(.alignment, asm.jump(if: .above), instruction: instruction))
    }

    mutating func emitMemory(_ i: IRInst) {
        let size = Int(i.aux)
        let flags = i.memFlags
        switch i.op {
        case .load:
            let m = address(i.a, i.imm)
            if !flags.isDisjoint(with: [.acquire, .acquirePC]) { requireWithin16(m, size: size) }
            noteFaultPoint()
            emitLoad(i, m, size: size, signed: flags.contains(.signExtend))
        case .store:
            emitStore(i, size: size, releases: flags.contains(.release))
        case .loadExclusive:
            if size == 4 {
                callGuest(UInt(bitPattern: Self.guest.load_exclusive16), [.value(i.a)], result: .i128)
            } else {
                callGuest(
                    UInt(bitPattern: Self.guest.load_exclusive), [.value(i.a), .number(UInt64(size))],
                    result: i.type)
                if i.type == .i128 { hasFailed = true }
            }
        case .storeExclusive:
            if size == 4 {
                callGuest(
                    UInt(bitPattern: Self.guest.store_exclusive16), [.value(i.a), .value(i.b)],
                    result: .i32)
            } else {
                if insts[i.b.index].resultType == .i128 { hasFailed = true }
                callGuest(
                    UInt(bitPattern: Self.guest.store_exclusive),
                    [.value(i.a), .value(i.b), .number(UInt64(size))], result: .i32)
            }
        case .clearExclusive: asm.mov(HostAddress(cpu: Int(NT_CPU_EXCLUSIVE_SIZE)), 0, size: 3)
        case .atomicRMW: emitReadModifyWrite(i, size: size)
        case .compareAndSwap:
            if size == 4 {
                callGuest(
                    UInt(bitPattern: Self.guest.cas16), [.value(i.a), .value(i.b), .value(i.c)],
                    result: .i128)
            } else {
                emitCompareAndSwap(i, size: size)
            }
        case .fence: if FenceKind(rawValue: i.aux) == .full { asm.fence() }
        case .zeroBlock:
            let base = gpr(i.a)
            asm.mov(.rax, base, wide: true)
            asm.arithmetic(.and, .rax, -64, wide: true)
            asm.vector(.xor, .scratch0, .scratch0, .scratch0)
            noteFaultPoint()
            for k in 0..<4 { asm.store(HostAddress(.rax, Int32(k * 16)), .scratch0) }
        default: preconditionFailure("not a memory operation: \(i.op)")
        }
    }

    private mutating func emitLoad(_ i: IRInst, _ m: HostAddress, size: Int, signed: Bool) {
        if i.type == .i128 {
            if size >= 2 {
                asm.load(resultXMM(), m, size: size)
            } else {
                asm.load(.rcx, m, size: size, signed: false, wide: false)
                asm.moveIn(resultXMM(), .rcx, wide: false)
            }
            return
        }
        let d = resultGPR()
        asm.load(d, m, size: size, signed: signed, wide: i.type == .i64)
    }

    private mutating func emitStore(_ i: IRInst, size: Int, releases: Bool) {
        if i.type == .i128 {
            let s = xmm(i.b)
            let m = address(i.a, i.imm)
            if releases { requireWithin16(m, size: size) }
            if size >= 2 {
                noteFaultPoint()
                asm.store(m, s, size: size)
            } else {
                asm.moveOut(.rcx, s, wide: false)
                noteFaultPoint()
                asm.store(m, .rcx, size: size)
            }
        } else if let value = immediate(i.b), !states[root(i.b)].hasRegister {
            let m = address(i.a, i.imm)
            if releases { requireWithin16(m, size: size) }
            noteFaultPoint()
            asm.mov(m, value, size: size)
        } else {
            let s = gpr(i.b)
            let m = address(i.a, i.imm)
            if releases { requireWithin16(m, size: size) }
            noteFaultPoint()
            asm.store(m, s, size: size)
        }
        // STLR followed by LDAR may not be reordered (RCsc), which x86 stores and loads are.
        if releases { asm.fence() }
    }

    /// LOCK XADD and XCHG do what is most frequent.
    private mutating func emitReadModifyWrite(_ i: IRInst, size: Int) {
        let op = AtomicOp(rawValue: UInt8(i.imm))!
        guard op == .add || op == .swp else {
            return callGuest(
                UInt(bitPattern: Self.guest.rmw),
                [.value(i.a), .value(i.b), .number(i.imm), .number(UInt64(size))], result: i.type)
        }
        let m = address(i.a, 0)
        requireWithin16(m, size: size)
        // After the check, which changes RCX.
        copy(i.b, to: .rcx)
        noteFaultPoint()
        asm.exchange(m, .rcx, adds: op == .add, size: size)
        takeOld(.rcx, size: size)
    }

    private mutating func emitCompareAndSwap(_ i: IRInst, size: Int) {
        let new = gpr(i.c)
        let expected = gpr(i.b)
        let m = address(i.a, 0)
        requireWithin16(m, size: size)
        asm.mov(.rax, expected, wide: true)
        noteFaultPoint()
        asm.compareExchange(m, new, size: size)
        takeOld(.rax, size: size)
    }

    /// The result, zero-extended from what memory held.
    private mutating func takeOld(_ r: GPR, size: Int) {
        let d = resultGPR()
        if size < 3 { asm.extend(d, r, from: size, signed: false, wide: false) } else { asm.mov(d, r, wide: true) }
    }

    /// A C function that accesses guest memory.
    private mutating func callGuest(_ function: UInt, _ arguments: [CallArgument], result: IRType) {
        storeFaultPoint()
        call(function, [.cpu] + arguments, result: result)
    }
}
