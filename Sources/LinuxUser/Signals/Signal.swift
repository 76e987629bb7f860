/// Linux signal numbers, the same on x86-64 and arm64. 1...64.
enum Signal {
    static let SIGHUP = 1
    static let SIGINT = 2
    static let SIGQUIT = 3
    static let SIGILL = 4
    static let SIGTRAP = 5
    static let SIGABRT = 6
    static let SIGBUS = 7
    static let SIGFPE = 8
    static let SIGKILL = 9
    static let SIGSEGV = 11
    static let SIGCHLD = 17
    static let SIGCONT = 18
    static let SIGSTOP = 19
    static let SIGTSTP = 20
    static let SIGTTIN = 21
    static let SIGTTOU = 22
    static let SIGURG = 23
    static let SIGWINCH = 28
    static let SIGSYS = 31
    static let count = 64

    static let names: [String] = [
        "0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
        "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
        "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR",
        "SIGSYS",
    ]
    static func name(_ signal: Int) -> String {
        names.indices.contains(signal) && signal > 0 ? names[signal] : "\(signal)"
    }

    /// Those the processor raises.
    static let synchronous: SignalSet = [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV]
    /// Those the host never blocks: accesses of guest memory fail by them.
    static let fault: SignalSet = [SIGBUS, SIGSEGV]
    /// All that the host can block.
    static let hostBlockable = SignalSet.all.subtracting(fault)
    /// Those nobody can catch, block or ignore.
    static let unblockable: SignalSet = [SIGKILL, SIGSTOP]

    enum DefaultAction {
        case terminate
        case core
        case ignore
        case stop
    }
    static func defaultAction(_ signal: Int) -> DefaultAction {
        switch signal {
        case SIGCHLD, SIGCONT, SIGURG, SIGWINCH: .ignore
        case SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: .stop
        case SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, 24, 25, SIGSYS: .core
        default: .terminate
        }
    }
}

/// The kernel's 64-bit signal set: bit n-1 is signal n.
struct SignalSet: Equatable, Sendable, ExpressibleByArrayLiteral {
    var bits: UInt64
    init(bits: UInt64) { self.bits = bits }
    init(arrayLiteral elements: Int...) {
        bits = elements.reduce(0) { $0 | 1 << UInt64($1 - 1) }
    }
    func contains(_ signal: Int) -> Bool { bits >> UInt64(signal - 1) & 1 != 0 }
    mutating func insert(_ signal: Int) { bits |= 1 << UInt64(signal - 1) }
    func union(_ other: SignalSet) -> SignalSet { SignalSet(bits: bits | other.bits) }
    func subtracting(_ other: SignalSet) -> SignalSet { SignalSet(bits: bits & ~other.bits) }
    static let all = SignalSet(bits: .max)
}

/// `struct sigaction` as arm64 passes it: handler, flags, restorer, mask; 32 bytes.
struct SignalAction: Equatable, Sendable {
    var handler: UInt64 = 0
    var flags: UInt64 = 0
    var restorer: UInt64 = 0
    var mask = SignalSet(bits: 0)

    static let defaultHandler: UInt64 = 0
    static let ignoreHandler: UInt64 = 1

    enum Flag {
        static let noChildStop: UInt64 = 1
        static let noChildWait: UInt64 = 2
        static let signalInfo: UInt64 = 4
        static let restorer: UInt64 = 0x0400_0000
        static let onStack: UInt64 = 0x0800_0000
        static let restart: UInt64 = 0x1000_0000
        static let noDefer: UInt64 = 0x4000_0000
        static let resetHand: UInt64 = 0x8000_0000
        /// The top byte of si_addr, which is a tag, is shown.
        static let exposeTagBits: UInt64 = 0x800
        /// Others are not kept, so that a program can ask which there are.
        static let known =
            noChildStop | noChildWait | signalInfo | restorer | onStack | restart | noDefer | resetHand | exposeTagBits
    }

    var isHandler: Bool { handler != Self.defaultHandler && handler != Self.ignoreHandler }
}

/// `siginfo_t`: 128 bytes, the same layout on every 64-bit Linux.
struct SignalInfo: Sendable {
    /// si_code values.
    enum Code {
        static let user: Int32 = 0
        static let kernel: Int32 = 0x80
        static let illegalOpcode: Int32 = 1
        static let illegalOperand: Int32 = 2
        static let breakpoint: Int32 = 1
        static let segmentNotMapped: Int32 = 1
        static let segmentProtection: Int32 = 2
        static let busAlignment: Int32 = 1
        static let busNoAddress: Int32 = 2
        static let busAddress: Int32 = 2
    }

    private(set) var record: GuestRecord

    /// A fault of the thread itself.
    init(signal: Int, code: Int32, address: UInt64) {
        record = GuestRecord(size: 128)
        record[0, as: Int32.self] = Int32(signal)
        record[8, as: Int32.self] = code
        record[16, as: UInt64.self] = address
    }
    /// Forced by the kernel for no address.
    init(forced signal: Int) { self.init(signal: signal, code: Code.kernel, address: 0) }
    init(bytes: [UInt8]) { record = GuestRecord(bytes) }

    var signal: Int { Int(record[0, as: Int32.self]) }
    var code: Int32 { record[8, as: Int32.self] }
    var faultAddress: UInt64 {
        get { record[16, as: UInt64.self] }
        set { record[16, as: UInt64.self] = newValue }
    }
    var senderPID: Int32 { record[16, as: Int32.self] }
    var senderUID: UInt32 { record[20, as: UInt32.self] }

    /// What QEMU's `-strace` prints between the braces.
    var traceText: String {
        let head = "si_signo=\(Signal.name(signal)), si_code="
        switch code {
        case 0: return head + "SI_USER, si_pid=\(senderPID), si_uid=\(senderUID)"
        case -6: return head + "SI_TKILL, si_pid=\(senderPID), si_uid=\(senderUID)"
        case -1: return head + "SI_QUEUE, si_pid=\(senderPID), si_uid=\(senderUID)"
        default:
            if Signal.synchronous.contains(signal) {
                return head + "\(code), si_addr=\(Strace.pointer(faultAddress))"
            }
            return head + "\(code), si_pid=\(senderPID), si_uid=\(senderUID)"
        }
    }
}
