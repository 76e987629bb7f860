internal import CHost

/// A general register of x86-64, by its number in instruction encodings (Intel SDM volume 2, 3.1.1.1).
struct GPR: Equatable, BitwiseCopyable {
    let number: UInt8

    static let rax = GPR(number: 0)
    static let rcx = GPR(number: 1)
    static let rdx = GPR(number: 2)
    static let rbx = GPR(number: 3)
    static let rsp = GPR(number: 4)
    static let rbp = GPR(number: 5)
    static let rsi = GPR(number: 6)
    static let rdi = GPR(number: 7)
    static let r8 = GPR(number: 8)
    static let r9 = GPR(number: 9)
    static let r12 = GPR(number: 12)
    static let r13 = GPR(number: 13)
}

/// A vector register, XMM0...XMM15.
struct XMM: Equatable, BitwiseCopyable {
    let number: UInt8
    /// Never hold a value between two IR operations; the first three arguments of C functions, too.
    static let scratch0 = XMM(number: 0)
    static let scratch1 = XMM(number: 1)
    static let scratch2 = XMM(number: 2)
}

/// Which host registers mean what in baseline code.
enum HostRegisters {
    /// As the preserve_none convention passes them: the CPU struct; and, where code goes through a slot or the jump cache, the `nt_tb`
    /// it goes to.
    static let cpu = GPR.r12
    static let tb = GPR.r13
    /// RAX, RCX and RDX hold no value between two IR operations: division, shifts and compare-and-exchange want them.
    static let generalPool: UInt32 = 0b1100_1111_1110_1000
    /// XMM3...XMM15.
    static let vectorPool: UInt32 = 0xfff8
    /// What C functions keep: RBX, RBP, R12...R15.
    static let keptByCalls: UInt32 = 0b1111_0000_0010_1000
}

/// Condition codes of Jcc, SETcc and CMOVcc (Intel SDM volume 1, appendix B).
enum HostCondition: UInt8 {
    case overflow = 0
    case noOverflow
    case below
    case aboveOrEqual
    case equal
    case notEqual
    case belowOrEqual
    case above
    case sign
    case noSign
    case parity
    case noParity
    case less
    case greaterOrEqual
    case lessOrEqual
    case greater

    /// Holds when this one does not.
    var opposite: HostCondition { HostCondition(rawValue: rawValue ^ 1)! }
    /// The condition on `cmp b, a` that this one is on `cmp a, b`.
    var swapped: HostCondition {
        switch self {
        case .below: .above
        case .aboveOrEqual: .belowOrEqual
        case .belowOrEqual: .aboveOrEqual
        case .above: .below
        case .less: .greater
        case .greaterOrEqual: .lessOrEqual
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        default: self
        }
    }
}

/// A memory operand: base + index * scale + displacement, or a constant of the code's own pool.
struct HostAddress: BitwiseCopyable {
    var base: GPR
    var index: GPR?
    /// log2.
    var scale: UInt8 = 0
    var displacement: Int32
    /// Index into the pool instead of all above; -1 none.
    var poolIndex: Int32 = -1
    /// The displacement is this process's (`Relocation.Kind.entry`).
    var isEntry = false

    init(_ base: GPR, _ displacement: Int32 = 0) {
        self.base = base
        self.displacement = displacement
        index = nil
    }
    init(_ base: GPR, index: GPR, scale: UInt8 = 0, _ displacement: Int32) {
        self.base = base
        self.index = index
        self.scale = scale
        self.displacement = displacement
    }
    /// A byte offset in the CPU struct.
    init(cpu offset: Int) { self.init(HostRegisters.cpu, Int32(truncatingIfNeeded: offset)) }
    /// What instrumentation works on: an entry of a scoreboard, or a counter of the CPU struct.
    init(entry offset: UInt64) {
        self.init(cpu: Int(offset))
        isEntry = offset >= UInt64(NT_SCOREBOARD_OFFSET)
    }
    init(tb offset: Int) { self.init(HostRegisters.tb, Int32(truncatingIfNeeded: offset)) }
    init(pool index: Int32) {
        self.init(.rax, 0)
        poolIndex = index
    }
}
