// The howvec plugin: how often instructions of each class were executed, or each encoding of a class by itself.

import CNeedletailPlugin
public import NeedletailPlugin

private struct Settings {
    var isInline = false
    var isVerbose = false
}

/// An encoding of a class that is counted individually.
private struct Opcode {
    let disassembly: CText
    let classIndex: Int
    let hits: Counter
}

private let limit = 50
nonisolated(unsafe) private var settings = Settings()
nonisolated(unsafe) private var classes: [InstructionClass] = []
/// By encoding, which the map calls an address. Under the plugin's lock.
nonisolated(unsafe) private var opcodes = AddressMap<Opcode>()
nonisolated(unsafe) private var pool = CounterPool()

/// `count=KEY` or `count=!KEY`.
private func setCounting(_ value: CText) -> StaticString? {
    let isExcluded = value.pointee == CChar(UInt8(ascii: "!"))
    let key = isExcluded ? value + 1 : value
    guard let index = classes.firstIndex(where: { key == $0.key }) else { return "no class has this key; howvec,help lists them" }
    classes[index].counting = isExcluded ? .not : .individually
    return nil
}

private func counter(_ insn: Instruction) -> Counter? {
    let encoding = insn.encoding
    guard let index = classes.firstIndex(where: { $0.contains(encoding) }) else { return nil }
    switch classes[index].counting {
    case .not: return nil
    case .together: return classes[index].hits
    case .individually:
        return Plugin.withLock {
            opcodes.entry(UInt64(encoding)) {
                Opcode(disassembly: insn.disassembly, classIndex: index, hits: pool.take())
            }.pointee.value.hits
        }
    }
}

/// Callback data is one pointer, and a counter two words: kept for as long as blocks may lead to it. Under the plugin's lock.
nonisolated(unsafe) private var boxes = AddressMap<Counter>()

private func instrument(_ insn: Instruction) {
    guard let hits = counter(insn) else { return }
    if settings.isInline {
        insn.add(1, to: hits)
    } else {
        let box = Plugin.withLock { boxes.entry(UInt64(insn.encoding)) { hits } }
        insn.onExecution(data: box) { vcpu, box in
            box?.assumingMemoryBound(to: AddressMap<Counter>.Entry.self).pointee.value.add(1, vcpu)
        }
    }
}

private func report() {
    var individual: [(encoding: UInt64, opcode: Opcode, hits: UInt64)] = []
    Plugin.withLock {
        opcodes.forEach { individual.append(($0.pointee.address, $0.pointee.value, $0.pointee.value.hits.sum)) }
    }
    individual.sort { $0.hits != $1.hits ? $0.hits > $1.hits : $0.encoding < $1.encoding }
    let shown = individual.prefix(limit)
    Report.finish { text in
        text.append("Instruction Classes:\n")
        for row in classes {
            let hits = row.counting == .together ? row.hits.sum : 0
            if row.counting == .together, hits == 0, !settings.isVerbose { continue }
            text.append("Class: ")
            text.left(24) { $0.append(row.name) }
            switch row.counting {
            case .together: text.append("\t(\(hits) hits)\n")
            case .individually: text.append("\tcounted individually\n")
            case .not: text.append("\tnot counted\n")
            }
        }
        if shown.isEmpty { return }
        text.append("Individual Instructions:\n")
        for row in shown {
            text.append("Instr: ")
            text.left(24) { $0.append(cText: row.opcode.disassembly) }
            let name = classes[row.opcode.classIndex].name
            text.append("\t(\(row.hits) hits)\t(op=\(address: row.encoding, width: 8)/\(name))\n")
        }
    } json: { json in
        json.array("classes") { json in
            for row in classes where settings.isVerbose || row.counting != .together || row.hits.sum != 0 {
                json.object {
                    $0.member("class", row.key)
                    switch row.counting {
                    case .together: $0.member("hits", row.hits.sum)
                    case .individually: $0.member("counted", "individually")
                    case .not: $0.member("counted", "not")
                    }
                }
            }
        }
        json.array("instructions") { json in
            for row in shown {
                json.object {
                    $0.member("encoding", address: row.encoding, width: 8)
                    $0.member("disassembly", row.opcode.disassembly)
                    $0.member("class", classes[row.opcode.classIndex].key)
                    $0.member("hits", row.hits)
                }
            }
        }
    }
}

@c(qemu_plugin_install)
public func install(_ id: PluginID, _ info: PluginInfo?, _ count: Int32, _ arguments: PluginArguments) -> Int32 {
    let plugin = Plugin("howvec", id, info)
    let isA64 = info?.pointee.target_name.map { $0 == "aarch64" } ?? true
    classes = isA64 ? InstructionClass.a64 : InstructionClass.other
    let isParsed = plugin.parse(
        count, arguments, into: &settings,
        [
            .flag("inline", "count in generated code, without a call (off)") { $0.isInline = $1 },
            .flag("verbose", "report classes without a hit, too (off)") { $0.isVerbose = $1 },
            PluginOption("count", "[!]KEY", "count this class by encoding, or with ! not at all; repeatable") {
                setCounting($1)
            },
        ]
    ) { help in
        help.append("keys of instruction classes\n")
        for row in classes {
            help.append("  ")
            help.left(26) { $0.append(row.key) }
            help.append(" ")
            help.append(row.name)
            help.append(row.counting == .not ? " (not counted)\n" : "\n")
        }
    }
    guard isParsed else { return -1 }
    for index in classes.indices { classes[index].hits = pool.take() }
    plugin.onTranslation { for insn in $0 { instrument(insn) } }
    plugin.onExit { report() }
    return 0
}
