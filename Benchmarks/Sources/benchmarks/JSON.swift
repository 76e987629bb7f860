/// Builds JSON text without Foundation; values come out in the order they were put in.
enum JSON {
    case text(String)
    case number(Double)
    case flag(Bool)
    case list([JSON])
    case object([(String, JSON)])
    case null

    /// - Parameter depth: From the root; the outer levels have lines of their own.
    func written(depth: Int = 0) -> String {
        switch self {
        case .text(let text): return Self.quoted(text)
        case .number(let value): return value.isFinite ? fixed(value, 6) : "null"
        case .flag(let flag): return flag ? "true" : "false"
        case .null: return "null"
        case .list(let values): return Self.joined(values.map { $0.written(depth: depth + 1) }, "[", "]", depth)
        case .object(let members):
            return Self.joined(
                members.map { "\(Self.quoted($0.0)): \($0.1.written(depth: depth + 1))" }, "{", "}", depth)
        }
    }

    private static func joined(_ parts: [String], _ open: String, _ close: String, _ depth: Int) -> String {
        if depth > 4 || parts.isEmpty { return open + parts.joined(separator: ", ") + close }
        let space = String(repeating: "  ", count: depth)
        return "\(open)\n\(parts.map { "\(space)  \($0)" }.joined(separator: ",\n"))\n\(space)\(close)"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20: quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension JSON {
    static func optional(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
}

extension Report {
    /// Times in seconds, memory in bytes.
    var json: String {
        JSON.object([
            ("about", .text(about)), ("sets", .list(sets.map(json))),
            ("plugins", plugins.map { .list($0.rows.map(json)) } ?? .null),
            (
                "others",
                .list(others.map { json($0.sample, [("group", .text($0.group)), ("ratio", .optional($0.ratio))]) })
            ),
            (
                "targets",
                .list(
                    verdicts.map {
                        .object([
                            ("set", .text($0.set)), ("what", .text($0.text)), ("value", .number($0.value)),
                            ("wanted", .text($0.target.text)), ("met", .flag($0.isMet)),
                        ])
                    })
            ),
        ]).written() + "\n"
    }

    private func json(_ set: SetResult) -> JSON {
        .object([
            ("name", .text(set.plan.name)), ("rounds", .number(Double(set.plan.rounds))),
            (
                "items",
                .list(
                    set.items.map { item in
                        let samples = (item.native.map { [$0] } ?? []) + [item.qemu] + item.own
                        return .object([
                            ("name", .text(item.name)),
                            (
                                "runs",
                                .list(
                                    samples.map {
                                        json(
                                            $0,
                                            [
                                                ("perNative", .optional(item.perNative($0))),
                                                ("perQEMU", .number(item.perQEMU($0))),
                                            ])
                                    })
                            ),
                        ])
                    })
            ),
            (
                "geometricMeans",
                .list(
                    [.object([("name", .text("qemu-aarch64")), ("perNative", .optional(set.qemuPerNative))])]
                        + set.variants.indices.map {
                            .object([
                                ("name", .text(set.variants[$0])), ("perNative", .optional(set.perNative($0))),
                                ("perQEMU", .optional(set.perQEMU($0))),
                            ])
                        })
            ),
        ])
    }

    private func json(_ row: PluginResult.Row) -> JSON {
        json(
            row.sample,
            [
                ("emulator", .text(row.emulator)), ("perPlain", .number(row.ratio)),
                ("nanosecondsPerEvent", .optional(row.nanosecondsPerEvent)),
            ])
    }

    private func json(_ sample: Sample, _ more: [(String, JSON)]) -> JSON {
        .object(
            [
                ("name", .text(sample.command.name)), ("command", .text(quoted(sample.command.words))),
                ("seconds", .list(sample.seconds.map { .number($0) })), ("median", .number(sample.median)),
                ("minimum", .number(sample.minimum)), ("processorMinimum", .number(sample.processorMinimum)),
                ("peakMemory", .number(Double(sample.peakMemory))),
            ] + more)
    }
}
