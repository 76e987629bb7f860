/// What the kernel remembers of a thread's last fault and puts into every later frame: FAR and ESR_EL1.
struct FaultReport: Equatable, Sendable {
    private(set) var address: UInt64 = 0
    /// ESR_EL1; 0: none, and no esr_context.
    private(set) var syndrome: UInt64 = 0

    /// ESR_ELx.EC of faults from EL0.
    enum Class: UInt64 {
        case branchTarget = 0x0d
        case pointerAuthentication = 0x1c
        case instructionAbort = 0x20
        case pcAlignment = 0x22
        case dataAbort = 0x24
    }
    /// Fault status codes, those of level 3 but for addresses that no table covers.
    enum Status: UInt64 {
        case translationLevel0 = 0x04
        case translation = 0x07
        case permission = 0x0f
        case alignment = 0x21
    }

    /// For signals that have no report of their own: undefined instructions, bad frames.
    static let none = FaultReport()

    /// An exception without address or status.
    init(_ exceptionClass: Class) { syndrome = Self.syndrome(exceptionClass) }
    private init() {}

    /// A failed access or fetch. `address` is without its tag.
    init(_ exceptionClass: Class, _ status: Status, isWrite: Bool, address: UInt64) {
        self.address = address
        // Of addresses in the kernel's half no more is told than that they are.
        let isKernel = address >> 55 & 1 != 0
        let told = isKernel || address >> 48 != 0 ? Status.translationLevel0 : status
        syndrome = Self.syndrome(exceptionClass) | (isWrite ? 1 << 6 : 0) | told.rawValue
    }

    private static func syndrome(_ exceptionClass: Class) -> UInt64 { exceptionClass.rawValue << 26 | 1 << 25 }

    /// An address as the kernel reports it: the tag replaced by copies of bit 55.
    static func untagged(_ address: UInt64) -> UInt64 {
        UInt64(bitPattern: Int64(bitPattern: address << 8) >> 8)
    }
}
