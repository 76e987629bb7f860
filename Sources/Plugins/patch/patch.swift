// The patch plugin: replaces a pattern of instructions in guest memory when a block that holds it is executed.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var target: [UInt8] = []
    var replacement: [UInt8] = []
    var usesMachineAddress = true
}

nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var isSystem = false
nonisolated(unsafe) private var patched: UInt64 = 0
/// Where it failed, under the plugin's lock: it would be tried each time.
nonisolated(unsafe) private var failed = AddressMap<Void>()

/// Pairs of hexadecimal digits, in the order of memory.
private func parseBytes(_ value: CText) -> [UInt8]? {
    var bytes: [UInt8] = []
    var next = value
    while next.pointee != 0 {
        guard let high = digitValue(next[0]), high < 16, let low = digitValue(next[1]), low < 16 else { return nil }
        bytes.append(UInt8(high << 4 | low))
        next += 2
    }
    return bytes.isEmpty ? nil : bytes
}

private func tell(_ what: StaticString, _ address: UInt64) {
    var text = Text()
    text.append("\(what) \(address: address)\n")
    Report.line(&text)
}

/// The instructions from `index` on begin with the pattern.
private func matches(_ tb: TranslationBlock, _ index: Int) -> Bool {
    var matched = 0
    var next = index
    while matched < settings.target.count {
        guard next < tb.count else { return false }
        var buffer: (UInt64, UInt64) = (0, 0)
        let isSame = withUnsafeMutableBytes(of: &buffer) { buffer in
            let count = tb[next].copyBytes(to: buffer)
            for place in 0..<count where matched + place < settings.target.count {
                if buffer[place] != settings.target[matched + place] { return false }
            }
            matched += count
            return count > 0
        }
        if !isSame { return false }
        next += 1
    }
    return true
}

private func patch(_ address: UInt64) {
    let isWanted = Plugin.withLock {
        // A block that is under way, or another vCPU's, comes here again when it is done.
        if failed.find(address) != nil { return false }
        guard let bytes = GuestAccess.temporary.read(address, count: settings.target.count) else { return true }
        return bytes.elementsEqual(settings.target)
    }
    if !isWanted { return }
    tell("patching", address)
    let isDone = Plugin.withLock {
        let isDone = settings.replacement.withUnsafeBufferPointer {
            GuestAccess.temporary.write(address, $0, translates: isSystem && settings.usesMachineAddress)
        }
        if isDone { patched += 1 } else { _ = failed.entry(address) {} }
        return isDone
    }
    tell(isDone ? "patched" : "could not patch", address)
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("patch", id, info)
    guard
        plugin.parse(
            count, arguments, into: &settings,
            [
                PluginOption("target", "HEX", "bytes to look for, from the start of an instruction") {
                    guard let bytes = parseBytes($1) else { return "option needs pairs of hexadecimal digits" }
                    $0.target = bytes
                    return nil
                },
                PluginOption("patch", "HEX", "as many bytes to write there") {
                    guard let bytes = parseBytes($1) else { return "option needs pairs of hexadecimal digits" }
                    $0.replacement = bytes
                    return nil
                },
                .flag("use_hwaddr", "write by machine address; in user mode there is none (on)") { $0.usesMachineAddress = $1 },
            ])
    else { return -1 }
    guard !settings.target.isEmpty, settings.target.count == settings.replacement.count else {
        Plugin.complain("needs target and patch of the same length")
        return -1
    }
    isSystem = plugin.isSystemEmulation
    plugin.onTranslation { tb in
        for index in 0..<tb.count where matches(tb, index) {
            tb.onExecution(.write, data: UnsafeMutableRawPointer(bitPattern: UInt(tb[index].address))) { _, address in
                patch(UInt64(UInt(bitPattern: address)))
            }
        }
    }
    plugin.onExit {
        if Report.isJSON || Report.hasFile { Report.finish(text: { _ in }, json: { $0.member("patched", patched) }) }
    }
    return 0
}
