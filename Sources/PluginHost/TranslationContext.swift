internal import CPluginAPI
package import IRPasses

/// What a `struct qemu_plugin_tb *` points to.
struct TBHandle {
    let context: Unmanaged<TranslationContext>
    var pc: UInt64
    var count: Int
}

/// What a `struct qemu_plugin_insn *` points to.
struct InsnHandle {
    let context: Unmanaged<TranslationContext>
    let index: Int
    var pc: UInt64
    var word: UInt32
}

/// The TB that plugins are being shown, and what they registered on it. Its handles are the same memory for every TB, as
/// QEMU's are; outside a translation callback they name the last TB and registering on them does nothing.
///
/// Used under `PluginHost.translationLock`. Lives as long as the host, because handles point into it.
final class TranslationContext {
    private let tb: UnsafeMutablePointer<TBHandle>
    private let insns: UnsafeMutablePointer<InsnHandle>
    /// The records of the current TB; nil outside callbacks.
    private var records: TBInstrumentation?
    private var count = 0

    private static let capacity = 512

    init() {
        tb = .allocate(capacity: 1)
        insns = .allocate(capacity: Self.capacity)
        let context = Unmanaged.passUnretained(self)
        tb.initialize(to: TBHandle(context: context, pc: 0, count: 0))
        for index in 0..<Self.capacity {
            (insns + index).initialize(to: InsnHandle(context: context, index: index, pc: 0, word: 0))
        }
    }

    deinit {
        tb.deallocate()
        insns.deallocate()
    }

    /// The handle to pass to callbacks.
    var tbHandle: OpaquePointer { OpaquePointer(tb) }

    func begin(_ description: TBDescription) {
        precondition(description.words.count <= Self.capacity, "a TB has at most 512 instructions")
        count = description.words.count
        tb.pointee.pc = description.pc
        tb.pointee.count = count
        for (index, word) in description.words.enumerated() {
            insns[index].pc = description.pc &+ UInt64(index) &* 4
            insns[index].word = word
        }
        records = TBInstrumentation()
    }

    func end() -> TBInstrumentation {
        defer { records = nil }
        return records ?? TBInstrumentation()
    }

    func insnHandle(_ index: Int) -> OpaquePointer? {
        index >= 0 && index < count ? OpaquePointer(insns + index) : nil
    }

    // MARK: Registration

    func append(_ record: InstrumentationRecord) {
        if records == nil { return complainStale() }
        records?.tb.append(record)
    }

    func append(_ record: InstrumentationRecord, toInsn index: Int) {
        guard records != nil, index < count else { return complainStale() }
        if records?.insns.isEmpty == true { records?.insns = Array(repeating: [], count: count) }
        records?.insns[index].append(record)
    }

    func append(_ record: MemoryInstrumentationRecord, toInsn index: Int) {
        guard records != nil, index < count else { return complainStale() }
        if records?.mem.isEmpty == true { records?.mem = Array(repeating: [], count: count) }
        records?.mem[index].append(record)
    }

    private func complainStale() {
        pluginDiagnostic("a plugin registered on a block or instruction after its translation callback")
    }
}

extension PluginHost: InstrumentationSource {
    /// Shows a TB to the plugins and collects what they want in it. On the translating vCPU's thread, or any other as long as
    /// no vCPU needs to see register permission there; one TB at a time.
    package func instrument(tb description: TBDescription) -> TBInstrumentation {
        translationLock.lock()
        defer { translationLock.unlock() }
        translation.begin(description)
        dispatch(.tbTrans) { id, function, _ in
            // SAFETY: registered as this type.
            unsafeBitCast(function, to: qemu_plugin_vcpu_tb_trans_cb_t.self)(id, translation.tbHandle)
        }
        return translation.end()
    }
}
