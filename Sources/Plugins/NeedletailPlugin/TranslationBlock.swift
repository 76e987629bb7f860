public import CNeedletailPlugin

/// A block that was translated. Lives as long as the translation handler runs.
///
/// What is asked for here happens each time the block begins, in the order of asking.
public struct TranslationBlock: RandomAccessCollection {
    let handle: OpaquePointer

    init(handle: OpaquePointer) { self.handle = handle }

    public var address: UInt64 { qemu_plugin_tb_vaddr(handle) }
    public var startIndex: Int { 0 }
    public var endIndex: Int { qemu_plugin_tb_n_insns(handle) }
    /// The index must be that of an instruction.
    public subscript(index: Int) -> Instruction { Instruction(handle: qemu_plugin_tb_get_insn(handle, index)) }
    /// In bytes, all instructions together.
    public var size: UInt64 {
        guard let last else { return 0 }
        return last.address &+ UInt64(last.size) &- address
    }

    public func onExecution(
        _ registers: RegisterUse = .none, data: UnsafeMutableRawPointer? = nil, _ callback: @escaping ExecutionCallback
    ) { qemu_plugin_register_vcpu_tb_exec_cb(handle, callback, registers.flags, data) }

    public func onExecution(
        if condition: Condition, _ registers: RegisterUse = .none, data: UnsafeMutableRawPointer? = nil,
        _ callback: @escaping ExecutionCallback
    ) {
        qemu_plugin_register_vcpu_tb_exec_cond_cb(
            handle, callback, registers.flags, condition.comparison, condition.counter.entry, condition.value, data)
    }

    /// In generated code, on the running vCPU's element.
    public func add(_ amount: UInt64, to counter: Counter) {
        qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(handle, QEMU_PLUGIN_INLINE_ADD_U64, counter.entry, amount)
    }
    public func store(_ value: UInt64, in counter: Counter) {
        qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(handle, QEMU_PLUGIN_INLINE_STORE_U64, counter.entry, value)
    }
}

/// An instruction of a block. Lives as long as the block.
public struct Instruction {
    let handle: OpaquePointer?

    public var address: UInt64 { qemu_plugin_insn_vaddr(handle) }
    /// In bytes.
    public var size: Int { qemu_plugin_insn_size(handle) }
    /// To tell instructions apart whatever their virtual address; nil when they are not in plain memory.
    public var hostAddress: UnsafeMutableRawPointer? { qemu_plugin_insn_haddr(handle) }
    /// Of the function it belongs to, for the life of the process.
    public var symbol: CText? { qemu_plugin_insn_symbol(handle) }
    /// The first four bytes as a little-endian number: A64's encoding. 0 when they cannot be had.
    public var encoding: UInt32 {
        var word: UInt32 = 0
        _ = qemu_plugin_insn_data(handle, &word, 4)
        return UInt32(littleEndian: word)
    }
    /// The text, copied to be kept; empty where the emulator has no disassembler. `free` it, or keep it.
    public var disassembly: UnsafeMutablePointer<CChar> { qemu_plugin_insn_disas(handle) ?? strdup("") }

    /// Copies the encoding as it stands in memory.
    /// - Returns: How many bytes: the buffer's, or fewer.
    public func copyBytes(to buffer: UnsafeMutableRawBufferPointer) -> Int {
        qemu_plugin_insn_data(handle, buffer.baseAddress, buffer.count)
    }

    public func onExecution(
        _ registers: RegisterUse = .none, data: UnsafeMutableRawPointer? = nil, _ callback: @escaping ExecutionCallback
    ) { qemu_plugin_register_vcpu_insn_exec_cb(handle, callback, registers.flags, data) }

    public func onExecution(
        if condition: Condition, _ registers: RegisterUse = .none, data: UnsafeMutableRawPointer? = nil,
        _ callback: @escaping ExecutionCallback
    ) {
        qemu_plugin_register_vcpu_insn_exec_cond_cb(
            handle, callback, registers.flags, condition.comparison, condition.counter.entry, condition.value, data)
    }

    public func add(_ amount: UInt64, to counter: Counter) {
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(handle, QEMU_PLUGIN_INLINE_ADD_U64, counter.entry, amount)
    }
    public func store(_ value: UInt64, in counter: Counter) {
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(handle, QEMU_PLUGIN_INLINE_STORE_U64, counter.entry, value)
    }

    /// After each of its memory accesses of that kind.
    public func onAccess(
        _ kind: AccessKind = .any, _ registers: RegisterUse = .none, data: UnsafeMutableRawPointer? = nil,
        _ callback: @escaping AccessCallback
    ) { qemu_plugin_register_vcpu_mem_cb(handle, callback, registers.flags, kind.direction, data) }

    public func add(_ amount: UInt64, to counter: Counter, on kind: AccessKind) {
        qemu_plugin_register_vcpu_mem_inline_per_vcpu(
            handle, kind.direction, QEMU_PLUGIN_INLINE_ADD_U64, counter.entry, amount)
    }
    public func store(_ value: UInt64, in counter: Counter, on kind: AccessKind) {
        qemu_plugin_register_vcpu_mem_inline_per_vcpu(
            handle, kind.direction, QEMU_PLUGIN_INLINE_STORE_U64, counter.entry, value)
    }
}

/// Which memory accesses.
public enum AccessKind {
    case reads, writes, any
    var direction: qemu_plugin_mem_rw {
        switch self {
        case .reads: QEMU_PLUGIN_MEM_R
        case .writes: QEMU_PLUGIN_MEM_W
        case .any: QEMU_PLUGIN_MEM_RW
        }
    }
}
