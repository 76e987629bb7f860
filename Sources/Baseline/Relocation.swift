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
        /// Four bytes: the offset of a scoreboard's entry in the vCPU's arena.
        case entry
        /// Eight bytes: the address of a plugin's function.
        case callback
        /// Eight bytes: what a plugin wants to be given.
        case userdata

        var size: Int {
            switch self {
            case .faultPoint, .entry: 4
            case .function, .block, .callback, .userdata: 8
            }
        }
    }

    /// The numbers of one process for one TB. Code that is kept has places in these lists.
    package struct Numbers {
        package var tbIndex: UInt32
        package var tbAddress: UInt
        package var entries: [UInt64]
        package var callbacks: [UInt64]
        package var userdata: [UInt64]

        package init(tbIndex: UInt32, tbAddress: UInt, entries: [UInt64], callbacks: [UInt64], userdata: [UInt64]) {
            self.tbIndex = tbIndex
            self.tbAddress = tbAddress
            self.entries = entries
            self.callbacks = callbacks
            self.userdata = userdata
        }

        fileprivate func list(_ kind: Kind) -> [UInt64] {
            switch kind {
            case .entry: entries
            case .callback: callbacks
            case .userdata: userdata
            case .function, .block, .faultPoint: []
            }
        }
    }

    /// The offset, and in the three lowest bits the kind.
    package let bits: UInt32

    init(_ kind: Kind, at offset: UInt32) { bits = offset << 3 | kind.rawValue }

    /// - Returns: nil when the bits are none of these, or the place is not inside of `size` bytes.
    package init?(bits: UInt32, size: Int) {
        guard let kind = Kind(rawValue: bits & 7), Int(bits >> 3) + kind.size <= size else { return nil }
        self.bits = bits
    }

    private var kind: Kind { Kind(rawValue: bits & 7)! }
    private var offset: Int { Int(bits >> 3) }

    /// A function that moves with all others of this program.
    private static let anchor = UInt64(UInt(bitPattern: nt_helper_address(0)))
    private static let faultPointMask: UInt32 = 1 << UInt32(NT_FAULT_POINT_INSN_BITS) - 1

    /// Takes what is this process's out of a copy of the code: functions become distances, plugins' numbers places in the lists.
    /// - Returns: false when the number is in no list.
    package func clear(in code: UnsafeMutableRawPointer, _ numbers: Numbers) -> Bool {
        let at = code + offset
        switch kind {
        case .function: at.storeBytes(of: at.loadUnaligned(as: UInt64.self) &- Self.anchor, as: UInt64.self)
        case .block: at.storeBytes(of: 0, as: UInt64.self)
        case .faultPoint: at.storeBytes(of: at.loadUnaligned(as: UInt32.self) & Self.faultPointMask, as: UInt32.self)
        case .entry:
            let number = UInt64(at.loadUnaligned(as: UInt32.self))
            guard let place = numbers.entries.firstIndex(of: number) else { return false }
            at.storeBytes(of: UInt32(place), as: UInt32.self)
        case .callback, .userdata:
            guard let place = numbers.list(kind).firstIndex(of: at.loadUnaligned(as: UInt64.self)) else { return false }
            at.storeBytes(of: UInt64(place), as: UInt64.self)
        }
        return true
    }

    /// Puts what is this process's into cleared code that does not run yet.
    /// - Returns: false when the lists have no such place: the code is damaged.
    package func apply(to code: UnsafeMutableRawPointer, _ numbers: Numbers) -> Bool {
        let at = code + offset
        switch kind {
        case .function: at.storeBytes(of: at.loadUnaligned(as: UInt64.self) &+ Self.anchor, as: UInt64.self)
        case .block: at.storeBytes(of: UInt64(numbers.tbAddress), as: UInt64.self)
        case .faultPoint:
            let instruction = at.loadUnaligned(as: UInt32.self) & Self.faultPointMask
            at.storeBytes(of: numbers.tbIndex << UInt32(NT_FAULT_POINT_INSN_BITS) | instruction, as: UInt32.self)
        case .entry:
            let place = Int(at.loadUnaligned(as: UInt32.self))
            guard place < numbers.entries.count else { return false }
            at.storeBytes(of: UInt32(truncatingIfNeeded: numbers.entries[place]), as: UInt32.self)
        case .callback, .userdata:
            let place = at.loadUnaligned(as: UInt64.self)
            let list = numbers.list(kind)
            guard place < UInt64(list.count) else { return false }
            at.storeBytes(of: list[Int(place)], as: UInt64.self)
        }
        return true
    }
}
