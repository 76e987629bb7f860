public import CNeedletailPlugin

/// One element for each vCPU, zero at first. Generated code counts in its members.
public struct Scoreboard<Element: BitwiseCopyable> {
    /// nil until it is made, and where there was no room.
    let handle: OpaquePointer?

    /// No scoreboard; for a global, which then needs no initialiser at run time.
    public init(nothing: Void) { handle = nil }

    /// All bits of the elements are zero.
    public init() { handle = qemu_plugin_scoreboard_new(MemoryLayout<Element>.stride) }

    /// The element of a vCPU that has started. To be used in this callback: QEMU may move elements when a vCPU appears.
    /// - Returns: nil where there is no such vCPU.
    @inline(__always)
    public subscript(vcpu: VCPUIndex) -> UnsafeMutablePointer<Element>? {
        qemu_plugin_scoreboard_find(handle, vcpu)?.assumingMemoryBound(to: Element.self)
    }

    /// The `UInt64` at that many bytes in an element. (Embedded Swift has no key paths that a function could take.)
    public func counter(at offset: Int) -> Counter { Counter(entry: qemu_plugin_u64(score: handle, offset: offset)) }

    /// No block may count in it any more.
    public func free() { qemu_plugin_scoreboard_free(handle) }
}

extension Scoreboard<UInt64> {
    public var counter: Counter { counter(at: 0) }
}

/// A `UInt64` of each vCPU. Each is to be changed by its own vCPU only.
public struct Counter {
    let entry: qemu_plugin_u64

    init(entry: qemu_plugin_u64) { self.entry = entry }

    /// None; for a global, which then needs no initialiser at run time.
    public init(nothing: Void) { entry = qemu_plugin_u64(score: nil, offset: 0) }

    /// The first of a scoreboard's element given as callback data.
    public init(scoreboard: UnsafeMutableRawPointer?) {
        entry = qemu_plugin_u64(score: scoreboard.map { OpaquePointer($0) }, offset: 0)
    }

    /// To hand to a callback that makes the counter of it; right for counters at offset 0 only.
    public var scoreboardData: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(entry.score) }

    @inline(__always)
    public subscript(vcpu: VCPUIndex) -> UInt64 {
        get { qemu_plugin_u64_get(entry, vcpu) }
        nonmutating set { qemu_plugin_u64_set(entry, vcpu, newValue) }
    }

    @inline(__always)
    public func add(_ amount: UInt64, _ vcpu: VCPUIndex) { qemu_plugin_u64_add(entry, vcpu, amount) }

    /// Over all vCPUs there ever were, wrapping.
    public var sum: UInt64 { qemu_plugin_u64_sum(entry) }
}

/// What a conditional callback asks before it is called: the running vCPU's counter, unsigned, against a constant.
/// `tb.onExecution(if: count >= 1000) { … }`.
public struct Condition {
    let counter: Counter
    let comparison: qemu_plugin_cond
    let value: UInt64

    init(_ counter: Counter, _ comparison: qemu_plugin_cond, _ value: UInt64) {
        self.counter = counter
        self.comparison = comparison
        self.value = value
    }
}

extension Counter {
    public static func == (counter: Counter, value: UInt64) -> Condition { Condition(counter, QEMU_PLUGIN_COND_EQ, value) }
    public static func != (counter: Counter, value: UInt64) -> Condition { Condition(counter, QEMU_PLUGIN_COND_NE, value) }
    public static func < (counter: Counter, value: UInt64) -> Condition { Condition(counter, QEMU_PLUGIN_COND_LT, value) }
    public static func <= (counter: Counter, value: UInt64) -> Condition { Condition(counter, QEMU_PLUGIN_COND_LE, value) }
    public static func > (counter: Counter, value: UInt64) -> Condition { Condition(counter, QEMU_PLUGIN_COND_GT, value) }
    public static func >= (counter: Counter, value: UInt64) -> Condition { Condition(counter, QEMU_PLUGIN_COND_GE, value) }
}

/// Hands out many counters: one scoreboard holds 512, where one each would cost the emulator as many.
public struct CounterPool {
    private var current = Scoreboard<UInt64>(nothing: ())
    private var next = 512

    public init() {}

    /// Zero for every vCPU. Never taken back. With the plugin's lock held.
    public mutating func take() -> Counter {
        if next == 512 {
            current = Scoreboard(handle: qemu_plugin_scoreboard_new(512 * 8))
            next = 0
        }
        defer { next += 1 }
        return current.counter(at: next * 8)
    }
}

extension Scoreboard {
    init(handle: OpaquePointer?) { self.handle = handle }
}
