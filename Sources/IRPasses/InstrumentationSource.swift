/// A TB as plugins are shown it: what was decoded, before any pass.
package struct TBDescription: Sendable {
    /// Guest address of the first instruction.
    package var pc: UInt64
    /// The instruction words in order, 1...512; instruction `i` is at `pc + 4 * i`.
    package var words: ContiguousArray<UInt32>

    package init(pc: UInt64, words: ContiguousArray<UInt32>) {
        self.pc = pc
        self.words = words
    }
}

/// One thing a plugin wants done at a point of a TB. Offsets are bytes from the start of the vCPU arena; functions and
/// userdata are host addresses; `regs` is a `qemu_plugin_cb_flags`.
package enum InstrumentationRecord: Equatable, Sendable {
    /// u64 at `offset` += value.
    case add(offset: UInt64, value: UInt64)
    /// u64 at `offset` = value.
    case store(offset: UInt64, value: UInt64)
    /// `function(cpu_index, userdata)`; in a memory record `function(cpu_index, info, vaddr, userdata)`.
    case call(function: UInt64, userdata: UInt64, regs: UInt8)
    /// As `call` when the u64 at `offset` compares so with `immediate`, unsigned. Never a memory record.
    case callIf(
        condition: InstrumentationCondition, offset: UInt64, immediate: UInt64, function: UInt64, userdata: UInt64,
        regs: UInt8)
}

extension InstrumentationRecord {
    package var isCallback: Bool {
        switch self {
        case .add, .store: false
        case .call, .callIf: true
        }
    }
}

/// `entry CONDITION immediate`, unsigned 64-bit.
package enum InstrumentationCondition: UInt8, Equatable, Sendable, CaseIterable {
    case equal
    case notEqual
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
}

/// Which accesses of its instruction a memory record is for.
package struct MemoryDirections: OptionSet, Equatable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let read = MemoryDirections(rawValue: 1)
    package static let write = MemoryDirections(rawValue: 2)
}

package struct MemoryInstrumentationRecord: Equatable, Sendable {
    package var directions: MemoryDirections
    package var record: InstrumentationRecord

    package init(directions: MemoryDirections, record: InstrumentationRecord) {
        self.directions = directions
        self.record = record
    }
}

/// What plugins registered on one TB. Records stand in the order in which they run.
package struct TBInstrumentation: Equatable, Sendable {
    /// Before the first instruction, at each execution of the TB.
    package var tb: [InstrumentationRecord]
    /// Before each instruction; empty, or one list for each instruction.
    package var insns: [[InstrumentationRecord]]
    /// After each successful access of each instruction; empty, or one list for each instruction.
    package var mem: [[MemoryInstrumentationRecord]]
    /// `mem` for those instructions whose accesses a helper makes; empty, or one element for each instruction.
    package var helperRecords: [HelperRecords?] = []

    package init(
        tb: [InstrumentationRecord] = [], insns: [[InstrumentationRecord]] = [], mem: [[MemoryInstrumentationRecord]] = []
    ) {
        self.tb = tb
        self.insns = insns
        self.mem = mem
    }

    /// Whether code of plugins runs in the TB.
    package var hasCallbacks: Bool {
        tb.contains(where: \.isCallback) || insns.contains { $0.contains(where: \.isCallback) }
            || mem.contains { $0.contains { $0.record.isCallback } }
    }

    package var isEmpty: Bool { tb.isEmpty && insns.isEmpty && mem.isEmpty }

    /// `helperRecords` follow from `mem`.
    package static func == (a: TBInstrumentation, b: TBInstrumentation) -> Bool {
        a.tb == b.tb && a.insns == b.insns && a.mem == b.mem
    }

    /// What is left to do when instruction `first` has begun and made no access yet.
    package func rest(from first: Int) -> TBInstrumentation {
        func tail<Element>(_ list: [Element]) -> [Element] { Array(list.dropFirst(first)) }
        var rest = TBInstrumentation(insns: tail(insns), mem: tail(mem))
        rest.helperRecords = tail(helperRecords)
        if !rest.insns.isEmpty { rest.insns[0] = [] }
        return rest
    }
}

/// The memory records of one instruction as a helper reads them. They live as long as a TB that was made with them.
package struct HelperRecords: @unchecked Sendable {
    // @unchecked: `owner` is immutable.
    /// The host address that the helper is given.
    package let address: UInt64
    package let hasCallbacks: Bool
    /// Frees them.
    private let owner: AnyObject

    package init(address: UInt64, hasCallbacks: Bool, owner: AnyObject) {
        self.address = address
        self.hasCallbacks = hasCallbacks
        self.owner = owner
    }
}

/// Who is asked what to put into a TB, once for each translation.
package protocol InstrumentationSource: AnyObject {
    func instrument(tb: TBDescription) -> TBInstrumentation
}

/// The `info` word of a memory access: what `pluginMemCall` carries and plugins read through accessors.
///
/// Public, because Swift 6.3 inlines no `package` declaration into another module, and plugins ask at every access.
public struct MemoryAccessInfo: Equatable, Sendable {
    /// Bits 2:0 log2 bytes (0...4), 3 sign-extending load, 4 big-endian data, 5 store.
    public let rawValue: UInt32

    @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable public init(sizeShift: Int, isStore: Bool, isSignExtended: Bool = false, isBigEndian: Bool = false) {
        rawValue = UInt32(sizeShift & 7) | (isSignExtended ? 8 : 0) | (isBigEndian ? 16 : 0) | (isStore ? 32 : 0)
    }

    @inlinable public var sizeShift: Int { Int(rawValue & 7) }
    @inlinable public var isSignExtended: Bool { rawValue & 8 != 0 }
    @inlinable public var isBigEndian: Bool { rawValue & 16 != 0 }
    @inlinable public var isStore: Bool { rawValue & 32 != 0 }
}
