/// What sigaltstack set for a thread.
struct AlternateStack: Equatable, Sendable {
    private(set) var base: UInt64 = 0
    private(set) var size: UInt64 = 0
    /// As given to sigaltstack; frames save these.
    private(set) var flags = Flag.disable

    enum Flag {
        static let onStack: Int32 = 1
        static let disable: Int32 = 2
        static let autoDisarm = Int32(bitPattern: 1 << 31)
    }
    /// arm64's MINSIGSTKSZ, which is more than a frame takes.
    static let minimumSize: UInt64 = 5120

    /// No alternate stack.
    init() {}
    /// - Throws: EINVAL for flags that do not go together, ENOMEM when `size` is below `minimumSize`.
    init(base: UInt64, size: UInt64, flags: Int32) throws(LinuxErrno) {
        self.flags = flags
        switch flags & ~Flag.autoDisarm {
        case Flag.disable: return
        case 0, Flag.onStack:
            if size < Self.minimumSize { throw .ENOMEM }
        default: throw .EINVAL
        }
        self.base = base
        self.size = size
    }

    /// First address above it; stacks grow down.
    var top: UInt64 { base &+ size }
    var disarmsItself: Bool { flags & Flag.autoDisarm != 0 }

    /// Whether a thread with this SP runs on it.
    func contains(stackPointer sp: UInt64) -> Bool { !disarmsItself && sp > base && sp &- base <= size }

    /// Whether a handler that asks for it starts at its top.
    func isFree(stackPointer sp: UInt64) -> Bool { size != 0 && !contains(stackPointer: sp) }

    /// What sigaltstack tells a thread with this SP.
    func reportedFlags(stackPointer sp: UInt64) -> Int32 {
        let state = size == 0 ? Flag.disable : contains(stackPointer: sp) ? Flag.onStack : 0
        return state | flags & Flag.autoDisarm
    }
}
