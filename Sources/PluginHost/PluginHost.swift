internal import CHost
internal import CPluginAPI
internal import Glibc
package import GuestState
internal import Support
internal import Synchronization

/// Loads plugins, keeps what they registered, and answers the functions of the plugin interface (`Exports/`), which reach
/// the one host of the process through `PluginHost.active`.
///
/// Execution callbacks and inline operations do not come through here: `instrument` gives them to the translator once for
/// each TB, and generated code does them.
///
/// Threads: any, unless a method says otherwise. Lock order: `translationLock`, then `lock`, then the scoreboard
/// allocator's. `lock` is never held while a plugin runs; `translationLock` is held while tb_trans callbacks run.
package final class PluginHost: @unchecked Sendable {
    // @unchecked: mutable state is behind `lock` (plugins, subscriptions, vCPUs, pending work, interned strings) or
    // `translationLock` (the translation context); the flags are atomic; the rest is immutable.

    /// API versions that can be loaded: QEMU 10.2's.
    package static let supportedVersions = 2...Int(QEMU_PLUGIN_VERSION)

    /// The host that exported functions serve: the last one created. Set before the first plugin is loaded and not changed
    /// while one is.
    package static var active: PluginHost? { activeHost }

    let services: any PluginHostServices
    let scoreboards: ScoreboardAllocator
    let translationLock = Lock()
    let translation = TranslationContext()

    private let lock = Lock()
    private var plugins: [UInt64: LoadedPlugin] = [:]
    private var subscriptions = SubscriptionTable()
    private var liveVCPUs: Set<Int> = []
    private var safeWork: [SafeWork] = []
    private var internedSymbols: [String: UnsafePointer<CChar>] = [:]
    private var nextSerial: UInt64 = 0

    private let translationFlag = Atomic(false)
    private let syscallFlag = Atomic(false)
    private let safeWorkFlag = Atomic(false)
    private let exitFlag = Atomic(false)

    struct SafeWork {
        let plugin: LoadedPlugin
        let kind: LoadedPlugin.Pending
        let completion: qemu_plugin_simple_cb_t?
    }

    package init(arena: VCPUArena, services: any PluginHostServices) {
        self.services = services
        scoreboards = ScoreboardAllocator(arena: arena)
        activeHost = self
    }

    /// A new TB must be shown to plugins.
    package var wantsTranslation: Bool { translationFlag.load(ordering: .relaxed) }
    /// Some plugin follows system calls.
    package var wantsSyscalls: Bool { syscallFlag.load(ordering: .relaxed) }
    /// An uninstall or reset waits for a safe point.
    package var hasSafeWork: Bool { safeWorkFlag.load(ordering: .acquiring) }
    /// Highest vCPU index so far plus one.
    package var vcpuCount: Int { scoreboards.vcpuCount.pointee.load(ordering: .acquiring) }

    // MARK: Plugins by id

    /// - Returns: nil, with a line on stderr, for an id that names no plugin.
    func plugin(_ id: UInt64) -> LoadedPlugin? {
        let plugin = lock.withLock { plugins[id] }
        if plugin == nil { pluginDiagnostic("a plugin call names the unknown plugin id \(id)") }
        return plugin
    }

    /// Ids look random so that a plugin cannot guess another's: SplitMix64 of a counter, which never repeats.
    func newID() -> UInt64 {
        lock.withLock {
            nextSerial &+= 0x9e37_79b9_7f4a_7c15
            var z = nextSerial
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }

    func add(_ plugin: LoadedPlugin) { lock.withLock { plugins[plugin.id] = plugin } }

    func remove(_ plugin: LoadedPlugin) {
        lock.withLock {
            subscriptions.removeAll(of: plugin)
            plugins[plugin.id] = nil
            updateFlags()
        }
    }

    // MARK: Subscriptions

    func subscribe(
        _ id: UInt64, _ event: PluginEvent, _ function: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer? = nil
    ) {
        guard let plugin = plugin(id) else { return }
        lock.withLock {
            guard plugin.pending != .uninstall else { return }
            subscriptions.set(event, plugin, function, userdata)
            updateFlags()
        }
    }

    private func updateFlags() {
        translationFlag.store(!subscriptions[.tbTrans].isEmpty, ordering: .relaxed)
        let follows = [PluginEvent.syscall, .syscallReturn, .syscallFilter].contains { !subscriptions[$0].isEmpty }
        syscallFlag.store(follows, ordering: .relaxed)
    }

    /// Calls `body` for each subscriber in calling order, without the lock. A subscriber that an earlier one unregistered is
    /// left out, and a replaced function is the new one.
    func dispatch(
        _ event: PluginEvent, _ permission: qemu_plugin_cb_flags = QEMU_PLUGIN_CB_RW_REGS,
        _ body: (_ id: UInt64, _ function: UnsafeRawPointer, _ userdata: UnsafeMutableRawPointer?) -> Void
    ) {
        let snapshot = lock.withLock { subscriptions[event] }
        if snapshot.isEmpty { return }
        withRegisterPermission(permission) {
            for subscription in snapshot {
                let slot = lock.withLock { (subscription.function, subscription.userdata) }
                if let function = slot.0 { body(subscription.plugin.id, function, slot.1) }
            }
        }
    }

    /// Lets the callbacks that `body` makes use guest registers, if this thread is a vCPU.
    func withRegisterPermission(_ permission: qemu_plugin_cb_flags, _ body: () -> Void) {
        guard let cpu = nt_thread_cpu() else { return body() }
        let previous = cpu.pointee.reg_permission
        cpu.pointee.reg_permission = UInt32(permission.rawValue)
        body()
        cpu.pointee.reg_permission = previous
    }

    // MARK: vCPUs

    func noteVCPU(_ index: Int) {
        scoreboards.noteVCPU(index)
        lock.withLock { _ = liveVCPUs.insert(index) }
    }

    func forgetVCPU(_ index: Int) { lock.withLock { _ = liveVCPUs.remove(index) } }

    /// Indices of vCPUs that were initialised and have not exited, ascending.
    var vcpus: [Int] { lock.withLock { liveVCPUs.sorted() } }

    // MARK: Work for a safe point

    /// - Returns: False when such a request, or an uninstall, is pending already.
    func enqueue(_ work: SafeWork) -> Bool {
        lock.withLock {
            guard work.plugin.pending != .uninstall, work.plugin.pending != work.kind else { return false }
            work.plugin.pending = work.kind
            safeWork.append(work)
            safeWorkFlag.store(true, ordering: .releasing)
            return true
        }
    }

    func takeSafeWork() -> [SafeWork] {
        lock.withLock {
            let work = safeWork
            safeWork.removeAll()
            safeWorkFlag.store(false, ordering: .releasing)
            return work
        }
    }

    /// Removes the plugin's subscriptions; after a reset it may register anew.
    func endCallbacks(of plugin: LoadedPlugin, for kind: LoadedPlugin.Pending) {
        lock.withLock {
            subscriptions.removeAll(of: plugin)
            if kind == .reset, plugin.pending == .reset { plugin.pending = .none }
            updateFlags()
        }
    }

    /// - Returns: False when it was called before in this process image.
    func beginExit() -> Bool {
        guard !exitFlag.exchange(true, ordering: .acquiringAndReleasing) else { return false }
        lock.withLock {
            for event in PluginEvent.allCases where event != .atExit { subscriptions.removeAll(of: event) }
            updateFlags()
        }
        return true
    }

    // MARK: Strings that live as long as the process

    func interned(_ name: String) -> UnsafePointer<CChar>? {
        lock.withLock {
            if let known = internedSymbols[name] { return known }
            let copy = UnsafePointer<CChar>(strdup(name))
            internedSymbols[name] = copy
            return copy
        }
    }

    // MARK: fork

    /// Before the host `fork`: no other thread is inside the host when the child is made.
    package func prepareFork() {
        // What is still buffered would be written by both processes.
        flushStandardOutput()
        translationLock.lock()
        lock.lock()
        scoreboards.lock.lock()
    }

    /// After it, in both processes. The child keeps plugins, subscriptions and counters; the vCPUs of threads it does not
    /// have stay known, as in QEMU.
    package func finishFork() {
        scoreboards.lock.unlock()
        lock.unlock()
        translationLock.unlock()
    }
}

// SAFETY: written by PluginHost.init, before plugins are loaded and their threads and vCPUs exist; read-only after that.
nonisolated(unsafe) private var activeHost: PluginHost?

/// One line on stderr about a plugin's mistake or the host's limits.
func pluginDiagnostic(_ text: String) {
    var line = "needletail: \(text)\n"
    line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}
