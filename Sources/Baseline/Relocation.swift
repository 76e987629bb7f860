internal import CHost

/// A number in host code that is another in each process: what code that is kept must have replaced before it runs again.
package struct Relocation: BitwiseCopyable {
    package enum Kind: UInt32 {
        /// Eight bytes: the address of a function of this program.
        case function
        /// Eight bytes: the address of the TB's own `nt_tb`.
        case block
        /// Four bytes: the TB's index in the engine's table, above the number of a guest instruction.
        case faultPoint

        var size: Int { self == .faultPoint ? 4 : 8 }
    }

    /// The offset, and in the two lowest bits the kind.
    package let bits: UInt32

    init(_ kind: Kind, at offset: UInt32) { bits = offset << 2 | kind.rawValue }

    /// - Returns: nil when the bits are none of these, or the place is not inside of `size` bytes.
    package init?(bits: UInt32, size: Int) {
        guard let kind = Kind(rawValue: bits & 3), Int(bits >> 2) + kind.size <= size else { return nil }
        self.bits = bits
    }

    private var kind: Kind { Kind(rawValue: bits & 3)! }
    private var offset: Int { Int(bits >> 2) }

    /// A function that moves with all others of this program.
    private static let anchor = UInt64(UInt(bitPattern: nt_helper_address(0)))
    private static let faultPointMask: UInt32 = 1 << UInt32(NT_FAULT_POINT_INSN_BITS) - 1

    /// Takes what is this process's out of a copy of the code: functions become distances.
    package func clear(in code: UnsafeMutableRawPointer) {
        let at = code + offset
        switch kind {
        case .function: at.storeBytes(of: at.loadUnaligned(as: UInt64.self) &- Self.anchor, as: UInt64.self)
        case .block: at.storeBytes(of: 0, as: UInt64.self)
        case .faultPoint: at.storeBytes(of: at.loadUnaligned(as: UInt32.self) & Self.faultPointMask, as: UInt32.self)
        }
    }

    /// Puts what is this process's into cleared code that does not run yet.
    package func apply(to code: UnsafeMutableRawPointer, tbIndex: UInt32, tbAddress: UInt) {
        let at = code + offset
        switch kind {
        case .function: at.storeBytes(of: at.loadUnaligned(as: UInt64.self) &+ Self.anchor, as: UInt64.self)
        case .block: at.storeBytes(of: UInt64(tbAddress), as: UInt64.self)
        case .faultPoint:
            let instruction = at.loadUnaligned(as: UInt32.self) & Self.faultPointMask
            at.storeBytes(of: tbIndex << UInt32(NT_FAULT_POINT_INSN_BITS) | instruction, as: UInt32.self)
        }
    }
}
