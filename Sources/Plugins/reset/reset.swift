// The reset plugin: checks that a reset, an uninstall and the closing of the library come one after the other, with the guest running
// on. The first block asks for the reset, the first block after it for the uninstall.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {}
private enum Stage { case installed, resetting, reset, uninstalling, uninstalled }

nonisolated(unsafe) private var stage = Stage.installed
nonisolated(unsafe) private var plugin: Plugin?

private func advance(from: Stage, to: Stage) {
    if stage != from {
        Plugin.complain("events came in another order")
        abort()
    }
    stage = to
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let made = Plugin("reset", id, info)
    var settings = Settings()
    guard made.parse(count, arguments, into: &settings, ignoresUnknown: true, []) else { return -1 }
    plugin = made
    _ = nt_plugin_at_unload {
        // Nothing asks for output where the plugin was not uninstalled before the process ended.
        if stage == .uninstalled { qemu_plugin_outs("plugin exit\n") }
        if Report.isJSON || Report.hasFile {
            Report.finish(
                text: { $0.append(stage == .uninstalled ? "reset done\nuninstall done\nplugin exit\n" : "incomplete\n") },
                json: { $0.member("complete", stage == .uninstalled) })
        }
    }
    made.onTranslation { _ in
        if stage != .installed { return }
        stage = .resetting
        plugin?.reset { _ in
            advance(from: .resetting, to: .reset)
            qemu_plugin_outs("reset done\n")
            plugin?.onTranslation { _ in
                if stage != .reset { return }
                stage = .uninstalling
                plugin?.uninstall { _ in
                    advance(from: .uninstalling, to: .uninstalled)
                    qemu_plugin_outs("uninstall done\n")
                }
            }
        }
    }
    return 0
}
