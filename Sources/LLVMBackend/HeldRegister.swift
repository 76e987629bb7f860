internal import CHost
internal import EmuIR
internal import GuestState

/// A guest register that a region may hold in an SSA value: X0...X30 and SP, V0...V31, and the flags as one.
struct HeldRegister: Hashable {
    /// 0...31 general, 32 the flags, 33...64 vectors.
    let index: Int

    static let flags = HeldRegister(index: 32)
    static let flagOffsets = [Int(NT_CPU_NF), Int(NT_CPU_ZF), Int(NT_CPU_CF), Int(NT_CPU_VF)]
    static let count = 65

    init(index: Int) { self.index = index }

    /// The register whose storage in the CPU struct contains `offset`; nil for other state.
    init?(offset: Int) {
        if (Int(NT_CPU_X)..<Int(NT_CPU_X) + 32 * 8).contains(offset) {
            index = (offset - Int(NT_CPU_X)) / 8
        } else if Self.flagOffsets.contains(offset) {
            index = Self.flags.index
        } else if (Int(NT_CPU_V)..<Int(NT_CPU_V) + 32 * 16).contains(offset) {
            index = 33 + (offset - Int(NT_CPU_V)) / 16
        } else {
            return nil
        }
    }

    init?(_ slot: StateSlot) { self.init(offset: slot.cpuOffset) }

    var isVector: Bool { index >= 33 }
    var isFlags: Bool { index == 32 }

    /// Where its storage starts, in bytes from the CPU struct.
    var offset: Int { isVector ? Int(NT_CPU_V) + (index - 33) * 16 : isFlags ? Int(NT_CPU_NF) : Int(NT_CPU_X) + index * 8 }
}

/// A set of guest registers.
struct RegisterSet: Equatable {
    private var bits: UInt128 = 0

    static let all: RegisterSet = {
        var set = RegisterSet()
        set.bits = .max >> UInt128(128 - HeldRegister.count)
        return set
    }()

    mutating func insert(_ register: HeldRegister) { bits |= 1 << UInt128(register.index) }
    mutating func formUnion(_ other: RegisterSet) { bits |= other.bits }
    mutating func formIntersection(_ other: RegisterSet) { bits &= other.bits }
    func subtracting(_ other: RegisterSet) -> RegisterSet {
        var rest = self
        rest.bits &= ~other.bits
        return rest
    }
    var hasFlags: Bool { contains(.flags) }
    func isDisjoint(with other: RegisterSet) -> Bool { bits & other.bits == 0 }
    func contains(_ register: HeldRegister) -> Bool { bits >> UInt128(register.index) & 1 != 0 }

    func forEach(_ body: (HeldRegister) -> Void) {
        var rest = bits
        while rest != 0 {
            body(HeldRegister(index: rest.trailingZeroBitCount))
            rest &= rest - 1
        }
    }
}
