internal import CHost
package import EmuIR
internal import GuestState
internal import IRPasses
internal import LLVMBackend

package typealias GuestExceptionKind = ExceptionKind

/// Identity of a TB: its address and all state that changes what it means.
package struct TBKey: Hashable, Sendable {
    package let pc: UInt64
    package let flags: UInt32
}

/// The engine's side of one TB. Generated code sees only `c`.
///
/// Ownership: the TB cache holds the reference and the C struct; both die inside an exclusive section, when no vCPU can be in
/// the TB. All members are guarded by the cache's lock.
final class TranslationBlock {
    enum Stage {
        case tier0
        case queued
        case compiled
    }

    let key: TBKey
    let c: UnsafeMutablePointer<nt_tb>
    let instructionCount: Int
    /// Top-byte-ignore is applied to each address of its accesses.
    let cleansTags: Bool
    /// What plugins registered, kept so that a later tier is made from the same records.
    let instrumentation: TBInstrumentation
    /// Counter amounts that merging moved up; taken back at a fault in mid-TB.
    var faultAdjustments: [FaultAdjustment] = []
    var stage = Stage.tier0
    /// Its guest code was written in a callback: nobody begins it any more, and it is about to be removed.
    var isStale = false
    /// Its code found no room: it runs in tier 0 until the safe point at which others make room, and goes with them.
    var awaitsRoom = false
    /// Its code is of another process.
    var isKept = false
    /// The TBs around this one in the cache's list of its page.
    var nextInPage: UInt32?
    var previousInPage: UInt32?
    /// Its own code of tier 1: from LLVM, or from the baseline compiler.
    var compiledCode: CompiledCode?
    var baselineEntry: UInt?
    /// Where its own compiled code begins.
    var compiledEntry: UnsafeMutableRawPointer? {
        (compiledCode?.entry ?? baselineEntry).flatMap { UnsafeMutableRawPointer(bitPattern: $0) }
    }
    /// The region that runs instead of it.
    var region: Region?
    /// Regions it is part of, its own among them, and those that `region` has replaced.
    var memberships: [Region] = []

    /// With a C struct that has neither code nor slots yet.
    /// - Parameter roomForCells: Bytes for tier-0 cells behind the struct: one allocation, and neighbours in the host's cache.
    init(
        key: TBKey, index: UInt32, instructionCount: Int, cleansTags: Bool, instrumentation: TBInstrumentation,
        roomForCells: Int = 0
    ) {
        self.key = key
        let size = MemoryLayout<nt_tb>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size + roomForCells, alignment: MemoryLayout<nt_tb>.alignment)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        c = memory.bindMemory(to: nt_tb.self, capacity: 1)
        c.pointee.pc = key.pc
        c.pointee.flags = key.flags
        c.pointee.tb_index = index
        c.pointee.insn_count = UInt32(instructionCount)
        c.pointee.indirect_targets = (.max, .max)
        self.instructionCount = instructionCount
        self.cleansTags = cleansTags
        self.instrumentation = instrumentation
    }

    /// What is behind the C struct.
    var roomForCells: UnsafeMutableRawPointer { UnsafeMutableRawPointer(c) + MemoryLayout<nt_tb>.stride }

    var guestRange: Range<UInt64> { key.pc..<key.pc &+ UInt64(instructionCount * 4) }

    func slot(_ n: Int) -> UnsafeMutablePointer<nt_slot> {
        (UnsafeMutableRawPointer(c) + Int(NT_TB_SLOTS_OFFSET) + n * Int(NT_SLOT_SIZE))
            .assumingMemoryBound(to: nt_slot.self)
    }
}
