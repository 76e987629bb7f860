// Blocks and instructions: sections 1.4 and 1.5 of the interface. Only inside translation callbacks, which run one at a time.

public import CPluginAPI
internal import Glibc
internal import IRPasses

// What is no handle is nil, with a line on stderr.

private func tbHandle(_ tb: OpaquePointer?) -> TBHandle? {
    guard let host = PluginHost.active else { return nil }
    return host.translation.tb(tb)?.pointee
}
private func insnHandle(_ insn: OpaquePointer?) -> UnsafePointer<InsnHandle>? {
    guard let host = PluginHost.active else { return nil }
    return host.translation.insn(insn)
}

// MARK: Records from the interface's arguments; nil for what registers nothing

/// Offset of a u64 entry from the start of the vCPU arena.
private func arenaOffset(_ entry: qemu_plugin_u64) -> UInt64? {
    guard let scoreboard = ScoreboardHandles.scoreboard(entry.score) else { return nil }
    guard entry.offset >= 0, entry.offset <= scoreboard.pointee.size - 8 else {
        pluginDiagnostic("a plugin registered an inline operation or condition outside its scoreboard's elements")
        return nil
    }
    return UInt64(scoreboard.pointee.arenaOffset + entry.offset)
}

/// - Parameter callback: Address of a C function.
private func callRecord(
    _ callback: UnsafeRawPointer?, _ flags: qemu_plugin_cb_flags, _ userdata: UnsafeMutableRawPointer?
) -> InstrumentationRecord? {
    guard let callback else {
        pluginDiagnostic("a plugin registered a NULL execution callback")
        return nil
    }
    // QEMU_PLUGIN_CB_RW_REGS_PC is 3.
    guard flags.rawValue <= 3 else {
        pluginDiagnostic("a plugin registered a callback with unknown flags \(flags.rawValue)")
        return nil
    }
    return .call(
        function: UInt64(UInt(bitPattern: callback)), userdata: UInt64(UInt(bitPattern: userdata)),
        regs: UInt8(flags.rawValue))
}

private func conditionalRecord(
    _ callback: UnsafeRawPointer?, _ flags: qemu_plugin_cb_flags, _ condition: qemu_plugin_cond,
    _ entry: qemu_plugin_u64, _ immediate: UInt64, _ userdata: UnsafeMutableRawPointer?
) -> InstrumentationRecord? {
    let test: InstrumentationCondition
    switch condition {
    case QEMU_PLUGIN_COND_NEVER: return nil
    case QEMU_PLUGIN_COND_ALWAYS: return callRecord(callback, flags, userdata)
    case QEMU_PLUGIN_COND_EQ: test = .equal
    case QEMU_PLUGIN_COND_NE: test = .notEqual
    case QEMU_PLUGIN_COND_LT: test = .less
    case QEMU_PLUGIN_COND_LE: test = .lessOrEqual
    case QEMU_PLUGIN_COND_GT: test = .greater
    case QEMU_PLUGIN_COND_GE: test = .greaterOrEqual
    case let unknown:
        pluginDiagnostic("a plugin registered a callback with the unknown condition \(unknown.rawValue)")
        return nil
    }
    guard case .call(let function, let data, let regs)? = callRecord(callback, flags, userdata),
        let offset = arenaOffset(entry)
    else { return nil }
    return .callIf(
        condition: test, offset: offset, immediate: immediate, function: function, userdata: data, regs: regs)
}

private func inlineRecord(_ op: qemu_plugin_op, _ entry: qemu_plugin_u64, _ value: UInt64) -> InstrumentationRecord? {
    guard let offset = arenaOffset(entry) else { return nil }
    switch op {
    case QEMU_PLUGIN_INLINE_ADD_U64: return .add(offset: offset, value: value)
    case QEMU_PLUGIN_INLINE_STORE_U64: return .store(offset: offset, value: value)
    case let unknown:
        pluginDiagnostic("a plugin registered the unknown inline operation \(unknown.rawValue)")
        return nil
    }
}

private func append(_ record: InstrumentationRecord?, _ tb: OpaquePointer?) {
    guard let record, let tb = tbHandle(tb) else { return }
    tb.context._withUnsafeGuaranteedRef { $0.append(record) }
}

private func append(_ record: InstrumentationRecord?, toInsn insn: OpaquePointer?) {
    guard let record, let insn = insnHandle(insn) else { return }
    insn.pointee.context._withUnsafeGuaranteedRef { $0.append(record, toInsn: insn.pointee.index) }
}

private func append(_ record: InstrumentationRecord?, _ rw: qemu_plugin_mem_rw, toInsn insn: OpaquePointer?) {
    guard let record, let insn = insnHandle(insn) else { return }
    // The interface's bits are those of MemoryDirections.
    let directions = MemoryDirections(rawValue: UInt8(truncatingIfNeeded: rw.rawValue & QEMU_PLUGIN_MEM_RW.rawValue))
    if directions.isEmpty { return }
    insn.pointee.context._withUnsafeGuaranteedRef {
        $0.append(MemoryInstrumentationRecord(directions: directions, record: record), toInsn: insn.pointee.index)
    }
}

// SAFETY of each unsafeBitCast below: an optional C function pointer is one pointer, null for nil.

private func address(_ callback: qemu_plugin_vcpu_udata_cb_t?) -> UnsafeRawPointer? {
    unsafeBitCast(callback, to: UnsafeRawPointer?.self)
}

// MARK: Blocks

@c(qemu_plugin_register_vcpu_tb_exec_cb)
public func pluginRegisterTBExec(
    _ tb: OpaquePointer?, _ callback: qemu_plugin_vcpu_udata_cb_t?, _ flags: qemu_plugin_cb_flags,
    _ userdata: UnsafeMutableRawPointer?
) { append(callRecord(address(callback), flags, userdata), tb) }

@c(qemu_plugin_register_vcpu_tb_exec_cond_cb)
public func pluginRegisterTBExecCond(
    _ tb: OpaquePointer?, _ callback: qemu_plugin_vcpu_udata_cb_t?, _ flags: qemu_plugin_cb_flags,
    _ condition: qemu_plugin_cond, _ entry: qemu_plugin_u64, _ immediate: UInt64, _ userdata: UnsafeMutableRawPointer?
) { append(conditionalRecord(address(callback), flags, condition, entry, immediate, userdata), tb) }

@c(qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu)
public func pluginRegisterTBExecInline(
    _ tb: OpaquePointer?, _ op: qemu_plugin_op, _ entry: qemu_plugin_u64, _ immediate: UInt64
) { append(inlineRecord(op, entry, immediate), tb) }

@c(qemu_plugin_tb_n_insns)
public func pluginTBInsnCount(_ tb: OpaquePointer?) -> Int { tbHandle(tb)?.count ?? 0 }

@c(qemu_plugin_tb_vaddr)
public func pluginTBVAddr(_ tb: OpaquePointer?) -> UInt64 { tbHandle(tb)?.pc ?? 0 }

@c(qemu_plugin_tb_get_insn)
public func pluginTBGetInsn(_ tb: OpaquePointer?, _ index: Int) -> OpaquePointer? {
    tbHandle(tb)?.context._withUnsafeGuaranteedRef { $0.insnHandle(index) }
}

// MARK: Instructions

@c(qemu_plugin_register_vcpu_insn_exec_cb)
public func pluginRegisterInsnExec(
    _ insn: OpaquePointer?, _ callback: qemu_plugin_vcpu_udata_cb_t?, _ flags: qemu_plugin_cb_flags,
    _ userdata: UnsafeMutableRawPointer?
) { append(callRecord(address(callback), flags, userdata), toInsn: insn) }

@c(qemu_plugin_register_vcpu_insn_exec_cond_cb)
public func pluginRegisterInsnExecCond(
    _ insn: OpaquePointer?, _ callback: qemu_plugin_vcpu_udata_cb_t?, _ flags: qemu_plugin_cb_flags,
    _ condition: qemu_plugin_cond, _ entry: qemu_plugin_u64, _ immediate: UInt64, _ userdata: UnsafeMutableRawPointer?
) { append(conditionalRecord(address(callback), flags, condition, entry, immediate, userdata), toInsn: insn) }

@c(qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu)
public func pluginRegisterInsnExecInline(
    _ insn: OpaquePointer?, _ op: qemu_plugin_op, _ entry: qemu_plugin_u64, _ immediate: UInt64
) { append(inlineRecord(op, entry, immediate), toInsn: insn) }

@c(qemu_plugin_register_vcpu_mem_cb)
public func pluginRegisterMem(
    _ insn: OpaquePointer?, _ callback: qemu_plugin_vcpu_mem_cb_t?, _ flags: qemu_plugin_cb_flags,
    _ rw: qemu_plugin_mem_rw, _ userdata: UnsafeMutableRawPointer?
) { append(callRecord(unsafeBitCast(callback, to: UnsafeRawPointer?.self), flags, userdata), rw, toInsn: insn) }

@c(qemu_plugin_register_vcpu_mem_inline_per_vcpu)
public func pluginRegisterMemInline(
    _ insn: OpaquePointer?, _ rw: qemu_plugin_mem_rw, _ op: qemu_plugin_op, _ entry: qemu_plugin_u64,
    _ immediate: UInt64
) { append(inlineRecord(op, entry, immediate), rw, toInsn: insn) }

/// The word as it stands in guest memory, little-endian: qemu_plugin_insn_data, API 3 and later.
@c(nt_plugin_copy_insn)
public func pluginInsnData(_ insn: OpaquePointer?, _ destination: UnsafeMutableRawPointer?, _ length: Int) -> Int {
    guard let insn = insnHandle(insn), let destination else { return 0 }
    let count = length < 0 || length > 4 ? 4 : length  // size_t
    // Hosts are little-endian.
    destination.copyMemory(from: UnsafeRawPointer(insn) + InsnHandle.wordOffset, byteCount: count)
    return count
}

/// qemu_plugin_insn_data, API 2: the bytes themselves. They stay readable, and become the next TB's.
@c(nt_plugin_insn_bytes)
public func pluginInsnBytes(_ insn: OpaquePointer?) -> UnsafeRawPointer? {
    guard let insn = insnHandle(insn) else { return nil }
    return UnsafeRawPointer(insn) + InsnHandle.wordOffset
}

@c(qemu_plugin_insn_size)
public func pluginInsnSize(_ insn: OpaquePointer?) -> Int { insnHandle(insn) == nil ? 0 : 4 }

@c(qemu_plugin_insn_vaddr)
public func pluginInsnVAddr(_ insn: OpaquePointer?) -> UInt64 { insnHandle(insn)?.pointee.pc ?? 0 }

@c(qemu_plugin_insn_haddr)
public func pluginInsnHAddr(_ insn: OpaquePointer?) -> UnsafeMutableRawPointer? {
    guard let insn = insnHandle(insn) else { return nil }
    return PluginHost.active?.services.hostAddress(ofCode: insn.pointee.pc)
}

/// malloc's memory, which is what g_free gives back.
@c(qemu_plugin_insn_disas)
public func pluginInsnDisas(_ insn: OpaquePointer?) -> UnsafeMutablePointer<CChar>? {
    guard let insn = insnHandle(insn), let host = PluginHost.active else { return strdup("") }
    return strdup(host.services.disassemble(insn.pointee.word, at: insn.pointee.pc))
}

@c(qemu_plugin_insn_symbol)
public func pluginInsnSymbol(_ insn: OpaquePointer?) -> UnsafePointer<CChar>? {
    guard let insn = insnHandle(insn), let host = PluginHost.active else { return nil }
    return host.services.symbol(at: insn.pointee.pc).flatMap { host.interned($0) }
}
