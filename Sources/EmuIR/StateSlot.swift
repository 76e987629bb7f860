/// A guest register that `get` and `set` name. GuestState knows where each lives in the CPU struct.
///
/// NZCV is no slot: the flag operations own it. The PC is no slot either: terminators write it.
public struct StateSlot: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// General-purpose register `n`, 0...30.
    @inlinable public static func x(_ n: Int) -> StateSlot { StateSlot(rawValue: UInt16(truncatingIfNeeded: n)) }
    @inlinable public static var sp: StateSlot { StateSlot(rawValue: 31) }
    public static let tpidrEL0 = StateSlot(rawValue: 32)
    public static let tpidrroEL0 = StateSlot(rawValue: 33)
    public static let fpcr = StateSlot(rawValue: 34)
    public static let fpsr = StateSlot(rawValue: 35)
    public static let tpidr2EL0 = StateSlot(rawValue: 36)
    /// PSTATE.DIT (bit 24) and PSTATE.SSBS (bit 12), as in SPSR; other bits 0.
    public static let pstate = StateSlot(rawValue: 37)
    /// Vector register `n`, 0...31, all 128 bits.
    @inlinable public static func v(_ n: Int) -> StateSlot { StateSlot(rawValue: 64 + UInt16(truncatingIfNeeded: n)) }
    /// Bits 63:0 of vector register `n`; may be read, never written.
    @inlinable public static func vlo(_ n: Int) -> StateSlot { StateSlot(rawValue: 96 + UInt16(truncatingIfNeeded: n)) }
    /// Bits 127:64 of vector register `n`; may be read, never written.
    @inlinable public static func vhi(_ n: Int) -> StateSlot { StateSlot(rawValue: 128 + UInt16(truncatingIfNeeded: n)) }

    /// One past the largest raw value.
    public static let count = 160

    @inlinable public static func == (a: StateSlot, b: StateSlot) -> Bool { a.rawValue == b.rawValue }

    public var isWritable: Bool { rawValue < 96 }

    /// The slot whose storage this one shares (`vlo`/`vhi` give their `v`), itself otherwise.
    @inlinable public var storage: StateSlot {
        rawValue < 96 ? self : StateSlot(rawValue: 64 + ((rawValue - 96) & 31))
    }

    /// The type of the slot's value, nil for a number that names no slot.
    public var type: IRType? {
        switch rawValue {
        case 0...37: .i64
        case 64..<96: .i128
        case 96..<160: .i64
        default: nil
        }
    }

    /// The type of the value of a slot that exists.
    @inlinable public var valueType: IRType { rawValue &- 64 < 32 ? .i128 : .i64 }

    /// The slot's name in IR text: `x3`, `sp`, `v7`, `v7.lo`.
    public var name: String {
        switch rawValue {
        case 0...30: "x\(rawValue)"
        case 31: "sp"
        case 32: "tpidr_el0"
        case 33: "tpidrro_el0"
        case 34: "fpcr"
        case 35: "fpsr"
        case 36: "tpidr2_el0"
        case 37: "pstate"
        case 64..<96: "v\(rawValue - 64)"
        case 96..<128: "v\(rawValue - 96).lo"
        case 128..<160: "v\(rawValue - 128).hi"
        default: "slot\(rawValue)"
        }
    }

    /// Every slot that exists.
    public static let all: [StateSlot] = (0..<UInt16(count)).map(StateSlot.init(rawValue:)).filter { $0.type != nil }
}
