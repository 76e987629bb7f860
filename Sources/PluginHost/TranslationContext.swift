internal import CPluginCalls
internal import Glibc
package import IRPasses
internal import Synchronization

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

    static let wordOffset = MemoryLayout<InsnHandle>.offset(of: \.word) ?? 0
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
    /// The thread whose TB it is; another one's registrations are a plugin's mistake. Atomic, as such a thread reads it; nil
    /// when there is no TB.
    private let owner: UnsafeMutablePointer<Atomic<UInt>>

    private static let capacity = 512

    init() {
        tb = .allocate(capacity: 1)
        insns = .allocate(capacity: Self.capacity)
        owner = .allocate(capacity: 1)
        owner.initialize(to: Atomic(0))
        let context = Unmanaged.passUnretained(self)
        tb.initialize(to: TBHandle(context: context, pc: 0, count: 0))
        for index in 0..<Self.capacity {
            (insns + index).initialize(to: InsnHandle(context: context, index: index, pc: 0, word: 0))
        }
    }

    deinit {
        tb.deallocate()
        insns.deallocate()
        owner.deallocate()
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
        owner.pointee.store(UInt(pthread_self()), ordering: .relaxed)
    }

    func end() -> TBInstrumentation {
        owner.pointee.store(0, ordering: .relaxed)
        defer { records = nil }
        var result = records ?? TBInstrumentation()
        if (0..<result.mem.count).contains(where: isCopyOrSet) {
            result.helperRecords = result.mem.enumerated().map { index, list in
                isCopyOrSet(index) && !list.isEmpty ? MemoryRecordTable.make(list) : nil
            }
        }
        return result
    }

    /// Memory Copy and Memory Set (FEAT_MOPS), whose accesses a helper makes.
    private func isCopyOrSet(_ index: Int) -> Bool { insns[index].word & 0xfb20_0c00 == 0x1900_0400 }

    /// What a plugin's handle points to, with a line on stderr when it is none of ours.
    func tb(_ handle: OpaquePointer?) -> UnsafePointer<TBHandle>? {
        if handle == tbHandle { return UnsafePointer(tb) }
        pluginDiagnostic("a plugin passed \(handle == nil ? "NULL" : "a wrong pointer") as a block")
        return nil
    }

    func insn(_ handle: OpaquePointer?) -> UnsafePointer<InsnHandle>? {
        let distance = Int(bitPattern: handle) &- Int(bitPattern: insns)
        let stride = MemoryLayout<InsnHandle>.stride
        if distance >= 0, distance < Self.capacity * stride, distance % stride == 0 {
            return UnsafePointer(insns + distance / stride)
        }
        pluginDiagnostic("a plugin passed \(handle == nil ? "NULL" : "a wrong pointer") as an instruction")
        return nil
    }

    private var isOwn: Bool { owner.pointee.load(ordering: .relaxed) == UInt(pthread_self()) }

    func insnHandle(_ index: Int) -> OpaquePointer? {
        index >= 0 && index < count ? OpaquePointer(insns + index) : nil
    }

    // MARK: Registration

    func append(_ record: InstrumentationRecord) {
        guard isOwn else { return complainStale() }
        records?.tb.append(record)
    }

    func append(_ record: InstrumentationRecord, toInsn index: Int) {
        guard isOwn, index < count else { return complainStale() }
        if records?.insns.isEmpty == true { records?.insns = Array(repeating: [], count: count) }
        records?.insns[index].append(record)
    }

    func append(_ record: MemoryInstrumentationRecord, toInsn index: Int) {
        guard isOwn, index < count else { return complainStale() }
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
        dispatch(.tbTrans) {
            nt_plugin_call_tb(&$0, UnsafeRawPointer(translation.tbHandle))
        }
        return translation.end()
    }
}
