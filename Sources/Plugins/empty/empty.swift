// The empty plugin: asks to see every block and does nothing. It measures what the interface itself costs. Takes any option.

public import NeedletailPlugin

private struct Settings {}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("empty", id, info)
    var settings = Settings()
    guard plugin.parse(count, arguments, into: &settings, ignoresUnknown: true, []) else { return -1 }
    plugin.onTranslation { _ in }
    plugin.onExit { if Report.hasFile || Report.isJSON { Report.finish(text: { _ in }, json: { _ in }) } }
    return 0
}
