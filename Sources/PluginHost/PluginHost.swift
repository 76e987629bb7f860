internal import CHost
internal import CPluginAPI
internal import CPluginCalls
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
/// allocator's, then that of its handles. `lock` is never held while a plugin runs; `translationLock` is held while tb_trans callbacks run.
///
/// A library is closed when its plugin was uninstalled and no thread is in one of its functions: those that generated code
/// calls have ended when the uninstall is done, which is at a safe point; others are counted (`LoadedPlugin.callCount`).
package final class PluginHost: @unchecked Sendable {
    // @unchecked: mutable state is behind `lock` (plugins, subscriptions, vCPUs, pending work, interned strings) or
    // `translationLock` (the translation context); the flags are atomic; the rest is immutable.

    /// API versions that can be loaded: those of QEMU 9.0 to 11.1.
    package static let supportedVersions = 2...7

    /// The host that exported functions serve: the last one created. Set before the first plugin is loaded and not changed
    /// while one is.
    package static var active: PluginHost? { activeHost }

    let services: any PluginHostServices
    let scoreboards: ScoreboardAllocator
    let translationLock = Lock()
    let translation = TranslationContext()

    private let lock = Lock()
    private var registerList: PluginRegisterList?
    private var plugins: [UInt64: LoadedPlugin] = [:]
    private var subscriptions = SubscriptionTable()
    private var liveVCPUs: Set<Int> = []
    private var safeWork: [SafeWork] = []
    private var internedSymbols: [String: UnsafePointer<CChar>] = [:]
    private var nextSerial: UInt64 = 0

    /// Bits of the events that have subscribers (`PluginEvent.mask`).
    private let events = Atomic<UInt32>(0)
    private let safeWorkFlag = Atomic(false)
    /// The thread that ends the process; 0 before the end.
    private let exitThread = Atomic<UInt>(0)

    struct SafeWork {
        let plugin: LoadedPlugin
        let kind: LoadedPlugin.Pending
        let completion: UnsafeRawPointer?
        let userdata: UnsafeMutableRawPointer?
    }

    package init(arena: VCPUArena, services: any PluginHostServices) {
        self.services = services
        scoreboards = ScoreboardAllocator(arena: arena)
        activeHost = self
    }

    /// A new TB must be shown to plugins.
    package var wantsTranslation: Bool { wants(PluginEvent.tbTrans.mask) }
    /// Some plugin follows system calls.
    package var wantsSyscalls: Bool {
        wants(PluginEvent.syscall.mask | PluginEvent.syscallReturn.mask | PluginEvent.syscallFilter.mask)
    }
    /// Some plugin is told of the guest's faults, and may look at registers then.
    package var wantsFaults: Bool { wants(PluginEvent.disconException.mask) }
    private func wants(_ mask: UInt32) -> Bool { events.load(ordering: .relaxed) & mask != 0 }
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

    /// What tells the loaded plugins from others, sorted; nil when some file is not to be found.
    package var identities: [String]? {
        let texts = lock.withLock { plugins.values.map(\.identity) }
        return texts.contains(nil) ? nil : texts.compactMap { $0 }.sorted()
    }

    /// Of all loaded plugins.
    var ids: [UInt64] { lock.withLock { Array(plugins.keys) } }

    func add(_ plugin: LoadedPlugin) { lock.withLock { plugins[plugin.id] = plugin } }

    func remove(_ plugin: LoadedPlugin) {
        lock.withLock {
            subscriptions.removeAll(of: plugin)
            plugins[plugin.id] = nil
            noteEvents()
            nt_plugin_forget(plugin.number)
        }
    }

    // MARK: Subscriptions

    func subscribe(
        _ id: UInt64, _ event: PluginEvent, _ function: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer? = nil
    ) {
        guard let plugin = plugin(id) else { return }
        lock.withLock {
            // Once the end has begun, nothing but atexit is called any more.
            let isTooLate = exitThread.load(ordering: .relaxed) != 0 && event != .atExit
            guard plugin.pending != .uninstall, !isTooLate else { return }
            subscriptions.set(event, plugin, function, userdata)
            noteEvents()
        }
    }

    private func noteEvents() { events.store(subscriptions.mask, ordering: .relaxed) }

    /// Calls `body`, which calls the plugin, for each subscriber in calling order, without the lock. A subscriber that an
    /// earlier one unregistered is left out, and a replaced function is the new one.
    /// - Returns: Whether a plugin has moved the guest's PC by qemu_plugin_set_pc; it is done.
    @discardableResult
    func dispatch(
        _ event: PluginEvent, _ permission: qemu_plugin_cb_flags = QEMU_PLUGIN_CB_RW_REGS, maySetPC: Bool = true,
        _ body: (inout nt_plugin_callee) -> Void
    ) -> Bool {
        guard wants(event.mask) else { return false }
        let snapshot = lock.withLock { subscriptions[event] }
        var hasMoved = false
        withRegisterPermission(permission) {
            for subscription in snapshot {
                let begun = lock.withLock { () -> nt_plugin_callee? in
                    guard let function = subscription.function else { return nil }
                    subscription.plugin.callCount += 1
                    return subscription.plugin.callee(function, subscription.userdata, maySetPC: maySetPC)
                }
                guard var callee = begun else { continue }
                body(&callee)
                endCall(of: subscription.plugin)
                if callee.has_set_pc {
                    nt_thread_cpu()?.pointee.pc = callee.pc
                    hasMoved = true
                }
            }
        }
        return hasMoved
    }

    /// Calls a function of a plugin that is no subscriber's.
    func call(
        _ plugin: LoadedPlugin, _ function: UnsafeRawPointer, _ userdata: UnsafeMutableRawPointer?,
        _ body: (inout nt_plugin_callee) -> Void
    ) {
        lock.withLock { plugin.callCount += 1 }
        var callee = plugin.callee(function, userdata, maySetPC: false)
        body(&callee)
        endCall(of: plugin)
    }

    private func endCall(of plugin: LoadedPlugin) {
        let closes = lock.withLock {
            plugin.callCount -= 1
            return plugin.isGone && plugin.callCount == 0
        }
        if closes { dlclose(plugin.library) }
    }

    /// Closes the library of a removed plugin, now or when the last call into it ends.
    func close(_ plugin: LoadedPlugin) {
        let closes = lock.withLock {
            plugin.isGone = true
            return plugin.callCount == 0
        }
        if closes { dlclose(plugin.library) }
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

    // MARK: Registers

    /// The registers of the guest's CPU. In a vCPU's context only.
    var registers: PluginRegisterList {
        lock.withLock {
            if let registerList { return registerList }
            let list = PluginRegisterList(services.cpu)
            registerList = list
            return list
        }
    }

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
            noteEvents()
        }
    }

    /// Does not return on a thread that comes while another one ends the process: it would cut that one's last words short.
    /// - Returns: False when this thread called it before.
    func beginExit() -> Bool {
        let this = UInt(pthread_self())
        let (isFirst, other) = exitThread.compareExchange(expected: 0, desired: this, ordering: .acquiringAndReleasing)
        if !isFirst {
            while other != this { pause() }
            return false
        }
        lock.withLock {
            for event in PluginEvent.allCases where event != .atExit { subscriptions.removeAll(of: event) }
            noteEvents()
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
        ScoreboardHandles.lock.lock()
        saidTexts.lock.lock()
    }

    /// After it, in both processes. The child keeps plugins, subscriptions and counters; the vCPUs of threads it does not
    /// have stay known, as in QEMU.
    package func finishFork() {
        saidTexts.lock.unlock()
        ScoreboardHandles.lock.unlock()
        scoreboards.lock.unlock()
        lock.unlock()
        translationLock.unlock()
    }
}

// SAFETY: written by PluginHost.init, before plugins are loaded and their threads and vCPUs exist; read-only after that.
nonisolated(unsafe) private var activeHost: PluginHost?

/// One line on stderr about a plugin's mistake or the host's limits. The same text comes once: mistakes are made in callbacks, a
/// million times.
func pluginDiagnostic(_ text: String) {
    guard saidTexts.add(text) else { return }
    var line = "needletail: \(text)\n"
    line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

private let saidTexts = SaidTexts()

/// Texts that were said. Threads: any.
private final class SaidTexts: @unchecked Sendable {
    // @unchecked: `texts` is only touched with `lock` held.
    let lock = Lock()
    private var texts: Set<String> = []

    /// - Returns: False for a text that was there, and when there are too many.
    func add(_ text: String) -> Bool { lock.withLock { texts.count < 200 && texts.insert(text).inserted } }
}
