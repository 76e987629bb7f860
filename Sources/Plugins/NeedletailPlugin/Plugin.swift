public import CNeedletailPlugin

/// Names a loaded plugin for the emulator.
public typealias PluginID = qemu_plugin_id_t
/// What install is told of the emulator.
public typealias PluginInfo = UnsafePointer<qemu_info_t>
/// argv of install.
public typealias PluginArguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
/// Numbers vCPUs; in user mode each running thread has one, and a new thread may get that of one that ended.
public typealias VCPUIndex = UInt32

/// Called in generated code's place: a C function, so it has no context to retain. What it needs comes as `data`.
public typealias ExecutionCallback = @convention(c) (VCPUIndex, UnsafeMutableRawPointer?) -> Void
public typealias AccessCallback =
    @convention(c) (VCPUIndex, qemu_plugin_meminfo_t, UInt64, UnsafeMutableRawPointer?) -> Void

/// What a callback does with guest registers.
public enum RegisterUse {
    case none, read, write
    /// As `write`, and it may `GuestAccess.jump(to:)`.
    case jump
    var flags: qemu_plugin_cb_flags {
        switch self {
        case .none: QEMU_PLUGIN_CB_NO_REGS
        case .read: QEMU_PLUGIN_CB_R_REGS
        case .write: QEMU_PLUGIN_CB_RW_REGS
        // QEMU_PLUGIN_CB_RW_REGS_PC, which version 5 of the header has not.
        case .jump: qemu_plugin_cb_flags(rawValue: 3)
        }
    }
}

/// The plugin as the emulator sees it: made in install, to parse options and to ask for events.
///
/// Each event has one handler; asking again replaces it. Handlers are Swift closures kept here: they run where blocks are translated,
/// threads begin and end and so on. What runs with the guest's instructions is an `ExecutionCallback`.
public struct Plugin: Sendable {
    public let id: PluginID
    /// False: one user program is run.
    public let isSystemEmulation: Bool
    /// vCPUs at start in system emulation, 0 in user mode.
    public let initialVCPUs: Int

    /// For messages.
    nonisolated(unsafe) public private(set) static var name: StaticString = "plugin"
    /// `isSystemEmulation`, for callbacks.
    nonisolated(unsafe) public private(set) static var hasMachine = false

    public init(_ name: StaticString, _ id: PluginID, _ info: PluginInfo?) {
        self.id = id
        isSystemEmulation = info?.pointee.system_emulation ?? false
        initialVCPUs = isSystemEmulation ? Int(info?.pointee.system.smp_vcpus ?? 0) : 0
        Self.name = name
        Self.hasMachine = isSystemEmulation
    }

    /// Number of vCPU indices so far.
    public static var vcpuCount: Int { Int(qemu_plugin_num_vcpus()) }
    public static var vcpus: Range<VCPUIndex> { 0..<VCPUIndex(max(0, qemu_plugin_num_vcpus())) }

    /// A line on stderr: the plugin's name, `problem`, and what it is about.
    public static func complain(_ problem: StaticString, _ subject: CText? = nil) {
        withCTexts(name, problem) { nt_plugin_complain($0, $1, subject) }
    }

    /// Runs `body` with the plugin's lock held, which guards what translation callbacks change.
    @inline(__always)
    public static func withLock<Result>(_ body: () -> Result) -> Result {
        nt_plugin_lock()
        defer { nt_plugin_unlock() }
        return body()
    }

    // MARK: Events

    /// A block was translated: the place to ask for callbacks and counters. Blocks are translated more than once.
    public func onTranslation(_ handler: @escaping (TranslationBlock) -> Void) {
        Handlers.translation = handler
        qemu_plugin_register_vcpu_tb_trans_cb(id) { _, tb in
            if let tb { Handlers.translation?(TranslationBlock(handle: tb)) }
        }
    }

    /// The emulator is about to leave. Other threads may still run.
    public func onExit(_ handler: @escaping () -> Void) {
        Handlers.exit = handler
        qemu_plugin_register_atexit_cb(id, { _, _ in Handlers.exit?() }, nil)
    }

    /// A vCPU is about to run its first instruction.
    public func onVCPUStart(_ handler: @escaping (VCPUIndex) -> Void) {
        Handlers.vcpuStart = handler
        qemu_plugin_register_vcpu_init_cb(id) { _, vcpu in Handlers.vcpuStart?(vcpu) }
    }

    /// A thread ended, and so its vCPU. QEMU does not tell of the last one.
    public func onVCPUEnd(_ handler: @escaping (VCPUIndex) -> Void) {
        Handlers.vcpuEnd = handler
        qemu_plugin_register_vcpu_exit_cb(id) { _, vcpu in Handlers.vcpuEnd?(vcpu) }
    }

    /// System emulation: a vCPU goes to sleep.
    @_alwaysEmitIntoClient
    public func onIdle(_ handler: @escaping (VCPUIndex) -> Void) {
        Handlers.idle = handler
        qemu_plugin_register_vcpu_idle_cb(id) { _, vcpu in Handlers.idle?(vcpu) }
    }

    /// System emulation: it woke.
    @_alwaysEmitIntoClient
    public func onResume(_ handler: @escaping (VCPUIndex) -> Void) {
        Handlers.resume = handler
        qemu_plugin_register_vcpu_resume_cb(id) { _, vcpu in Handlers.resume?(vcpu) }
    }

    /// All translations were dropped, with what was asked for in them.
    @_alwaysEmitIntoClient
    public func onFlush(_ handler: @escaping () -> Void) {
        Handlers.flush = handler
        qemu_plugin_register_flush_cb(id) { _ in Handlers.flush?() }
    }

    /// A guest's system call, before it is made.
    @_alwaysEmitIntoClient
    public func onSystemCall(_ handler: @escaping (VCPUIndex, SystemCall) -> Void) {
        Handlers.systemCall = handler
        qemu_plugin_register_vcpu_syscall_cb(id) { _, vcpu, number, a1, a2, a3, a4, a5, a6, _, _ in
            Handlers.systemCall?(vcpu, SystemCall(number: number, arguments: (a1, a2, a3, a4, a5, a6)))
        }
    }

    /// Answers system calls in the kernel's place: a call for which `handler` has a result (a negative errno for a failure) is not made.
    /// After `onSystemCall`; of several plugins the one that was loaded last is asked first. QEMU 11.
    @_alwaysEmitIntoClient
    public func answerSystemCalls(_ handler: @escaping (VCPUIndex, SystemCall) -> Int64?) {
        Handlers.systemCallFilter = handler
        qemu_plugin_register_vcpu_syscall_filter_cb(id) { _, vcpu, number, a1, a2, a3, a4, a5, a6, _, _, result in
            let call = SystemCall(number: number, arguments: (a1, a2, a3, a4, a5, a6))
            guard let answer = Handlers.systemCallFilter?(vcpu, call) else { return false }
            result?.pointee = UInt64(bitPattern: answer)
            return true
        }
    }

    /// Its number and result, a negative errno when it failed.
    @_alwaysEmitIntoClient
    public func onSystemCallReturn(_ handler: @escaping (VCPUIndex, _ number: Int64, _ result: Int64) -> Void) {
        Handlers.systemCallReturn = handler
        qemu_plugin_register_vcpu_syscall_ret_cb(id) { _, vcpu, number, result in
            Handlers.systemCallReturn?(vcpu, number, result)
        }
    }

    /// Execution goes on elsewhere without a branch.
    @_alwaysEmitIntoClient
    public func onDiscontinuity(_ handler: @escaping (VCPUIndex, Discontinuity) -> Void) {
        Handlers.discontinuity = handler
        qemu_plugin_register_vcpu_discon_cb(id, QEMU_PLUGIN_DISCON_ALL) { _, vcpu, type, from, to in
            let kind: Discontinuity.Kind =
                type == QEMU_PLUGIN_DISCON_INTERRUPT
                ? .interrupt : type == QEMU_PLUGIN_DISCON_EXCEPTION ? .exception : .hostCall
            Handlers.discontinuity?(vcpu, Discontinuity(kind: kind, from: from, to: to))
        }
    }

    /// Asks for the plugin's end: with all vCPUs stopped its callbacks go, and its library is closed.
    @_alwaysEmitIntoClient
    public func uninstall(then completion: qemu_plugin_simple_cb_t? = nil) { qemu_plugin_uninstall(id, completion) }

    /// Asks for all its callbacks to go; `completion` may ask for others.
    @_alwaysEmitIntoClient
    public func reset(then completion: qemu_plugin_simple_cb_t? = nil) { qemu_plugin_reset(id, completion) }
}

/// A system call as the guest asks for it.
public struct SystemCall {
    public let number: Int64
    public let arguments: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    public init(number: Int64, arguments: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)) {
        self.number = number
        self.arguments = arguments
    }
}

/// A change of the program counter that no branch made.
public struct Discontinuity {
    public enum Kind { case interrupt, exception, hostCall }
    public let kind: Kind
    public let from: UInt64
    public let to: UInt64

    public init(kind: Kind, from: UInt64, to: UInt64) {
        self.kind = kind
        self.from = from
        self.to = to
    }
}

/// One slot for each event, as the interface has them.
@usableFromInline
enum Handlers {
    nonisolated(unsafe) static var translation: ((TranslationBlock) -> Void)?
    nonisolated(unsafe) static var exit: (() -> Void)?
    nonisolated(unsafe) static var vcpuStart: ((VCPUIndex) -> Void)?
    nonisolated(unsafe) static var vcpuEnd: ((VCPUIndex) -> Void)?
    @usableFromInline nonisolated(unsafe) static var idle: ((VCPUIndex) -> Void)?
    @usableFromInline nonisolated(unsafe) static var resume: ((VCPUIndex) -> Void)?
    @usableFromInline nonisolated(unsafe) static var flush: (() -> Void)?
    @usableFromInline nonisolated(unsafe) static var systemCall: ((VCPUIndex, SystemCall) -> Void)?
    @usableFromInline nonisolated(unsafe) static var systemCallFilter: ((VCPUIndex, SystemCall) -> Int64?)?
    @usableFromInline nonisolated(unsafe) static var systemCallReturn: ((VCPUIndex, Int64, Int64) -> Void)?
    @usableFromInline nonisolated(unsafe) static var discontinuity: ((VCPUIndex, Discontinuity) -> Void)?
}

/// String literals end with a NUL.
func withCTexts(_ a: StaticString, _ b: StaticString, _ body: (CText, CText) -> Void) {
    a.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) { a in
        b.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) { b in body(a, b) }
    }
}
