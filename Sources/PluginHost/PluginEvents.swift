internal import CPluginCalls

/// What plugins subscribe to apart from execution. Each plugin has one slot for each.
enum PluginEvent: Int, CaseIterable {
    case vcpuInit
    case vcpuExit
    case vcpuIdle
    case vcpuResume
    case tbTrans
    case syscall
    case syscallReturn
    case syscallFilter
    case flush
    case atExit
    case disconInterrupt
    case disconException
    case disconHostcall

    /// Bit of the event in `PluginHost.events`.
    var mask: UInt32 { 1 << UInt32(rawValue) }
}

/// One plugin's slot for one event.
final class Subscription {
    let plugin: LoadedPlugin
    /// A C function of the shape the event has; nil once unregistered, which also stops a dispatch that is under way.
    var function: UnsafeRawPointer?
    var userdata: UnsafeMutableRawPointer?

    init(plugin: LoadedPlugin, function: UnsafeRawPointer, userdata: UnsafeMutableRawPointer?) {
        self.plugin = plugin
        self.function = function
        self.userdata = userdata
    }
}

/// The subscriptions to each event, in calling order: who subscribed last is called first. Not itself locked.
struct SubscriptionTable {
    private var lists: [[Subscription]] = Array(repeating: [], count: PluginEvent.allCases.count)

    subscript(event: PluginEvent) -> [Subscription] { lists[event.rawValue] }

    /// The events that have subscribers.
    var mask: UInt32 { PluginEvent.allCases.reduce(0) { lists[$1.rawValue].isEmpty ? $0 : $0 | $1.mask } }

    /// Registering again keeps the plugin's place; nil unregisters.
    mutating func set(
        _ event: PluginEvent, _ plugin: LoadedPlugin, _ function: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?
    ) {
        let place = lists[event.rawValue].firstIndex { $0.plugin === plugin }
        switch (place, function) {
        case (let place?, let function?):
            lists[event.rawValue][place].function = function
            lists[event.rawValue][place].userdata = userdata
        case (let place?, nil):
            lists[event.rawValue].remove(at: place).function = nil
        case (nil, let function?):
            lists[event.rawValue].insert(Subscription(plugin: plugin, function: function, userdata: userdata), at: 0)
        case (nil, nil): break
        }
    }

    mutating func removeAll(of plugin: LoadedPlugin) {
        for event in PluginEvent.allCases { set(event, plugin, nil, nil) }
    }

    mutating func removeAll(of event: PluginEvent) {
        for subscription in lists[event.rawValue] { subscription.function = nil }
        lists[event.rawValue].removeAll()
    }
}

/// One installed plugin. What can change is guarded by `PluginHost.lock`.
final class LoadedPlugin {
    let id: UInt64
    let path: String
    /// Its file and arguments as a text that no other plugin has; nil when the file is not to be found.
    let identity: String?
    /// The API version it declares: 2...7.
    let version: Int
    /// From dlopen; closed by uninstall.
    let library: UnsafeMutableRawPointer
    /// argv as install got it; the plugin may keep pointers into it until it is uninstalled.
    let arguments: ArgumentVector
    /// From nt_plugin_note.
    let number: Int32
    /// An uninstall or reset was asked for and not done yet.
    var pending: Pending = .none
    /// Calls of its functions under way, on any thread, without those that generated code makes.
    var callCount = 0
    /// Uninstalled; its library is closed when no call is under way any more.
    var isGone = false

    enum Pending {
        case none
        case reset
        case uninstall
    }

    init(
        id: UInt64, path: String, identity: String?, version: Int, library: UnsafeMutableRawPointer, arguments: ArgumentVector,
        number: Int32
    ) {
        self.id = id
        self.path = path
        self.identity = identity
        self.version = version
        self.library = library
        self.arguments = arguments
        self.number = number
    }

    /// How to call one of its functions.
    func callee(
        _ function: UnsafeRawPointer, _ userdata: UnsafeMutableRawPointer?, maySetPC: Bool
    ) -> nt_plugin_callee {
        nt_plugin_callee(
            function: function, userdata: userdata, id: id, version: Int32(version), may_set_pc: maySetPC, has_set_pc: false,
            pc: 0)
    }
}
