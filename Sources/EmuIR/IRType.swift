/// The type of an IR value. Integers have no sign; operations do. `i128` is also the type of vector values.
public enum IRType: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case none
    case i1
    case i32
    case i64
    case i128

    @inlinable public static func == (a: IRType, b: IRType) -> Bool {
        unsafeBitCast(a, to: UInt8.self) == unsafeBitCast(b, to: UInt8.self)
    }
    @inlinable public static func != (a: IRType, b: IRType) -> Bool { !(a == b) }

    /// Width in bits; 0 for `none`.
    public var bits: Int {
        switch self {
        case .none: 0
        case .i1: 1
        case .i32: 32
        case .i64: 64
        case .i128: 128
        }
    }
}

/// Arm condition codes, numbered as the `cond` field (Arm ARM, "Condition codes").
public enum Condition: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le, al, nv
}

/// Attributes of a guest memory access.
public struct MemFlags: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A load narrower than its result type is sign-extended to it (otherwise zero-extended).
    @inlinable public static var signExtend: MemFlags { MemFlags(rawValue: 1) }
    /// Load-acquire (LDAR, LDAXR, the A forms of atomics).
    @inlinable public static var acquire: MemFlags { MemFlags(rawValue: 2) }
    /// Store-release (STLR, STLXR, the L forms of atomics).
    @inlinable public static var release: MemFlags { MemFlags(rawValue: 4) }
    /// Load-acquire with RCpc ordering (LDAPR).
    @inlinable public static var acquirePC: MemFlags { MemFlags(rawValue: 8) }
    /// This access and the following one (`pairSecond`) are one access of twice the size to observers.
    @inlinable public static var pairFirst: MemFlags { MemFlags(rawValue: 16) }
    @inlinable public static var pairSecond: MemFlags { MemFlags(rawValue: 32) }
    /// Not reported to memory instrumentation.
    @inlinable public static var unreported: MemFlags { MemFlags(rawValue: 64) }
    /// A load or store of 16 bytes is two accesses of 8 to observers.
    @inlinable public static var halves: MemFlags { MemFlags(rawValue: 128) }

    // The protocol's own are generic, and other modules would call them as such.
    @inlinable public func contains(_ other: MemFlags) -> Bool { rawValue & other.rawValue == other.rawValue }
    @inlinable public func union(_ other: MemFlags) -> MemFlags { MemFlags(rawValue: rawValue | other.rawValue) }
}

/// Guest exceptions that a TB may end in; raw values equal C's `nt_exception` (CHost, a test compares them).
public enum ExceptionKind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case svc = 1
    case undefined = 2
    case breakpoint = 3
    case halt = 4
    case pcAlignment = 5
    case instructionAbort = 6
    case dataAlignment = 7
    case pacFail = 8
    case branchTarget = 9
}

/// Atomic read-modify-write operators (LSE), `aux` of `atomicRMW`.
public enum AtomicOp: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// new = old + operand
    case add
    /// new = old AND NOT operand
    case clr
    /// new = old EOR operand
    case eor
    /// new = old OR operand
    case set
    case smax
    case smin
    case umax
    case umin
    /// new = operand
    case swp
}

/// Barriers, `aux` of `fence`.
public enum FenceKind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// DMB LD / DSB LD: loads before, loads and stores after.
    case load
    /// DMB ST / DSB ST: stores before, stores after.
    case store
    /// DMB/DSB full.
    case full
    /// Host compiler barrier only (CSDB, SB).
    case compiler
}
