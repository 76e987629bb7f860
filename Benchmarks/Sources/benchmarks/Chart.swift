import Glibc

/// The report as a picture: for every item its time as a multiple of native and of QEMU's, on logarithmic scales.
struct Chart {
    private struct Row {
        let name: String
        let isMean: Bool
        /// Time over native (with plugins: over that without), for QEMU.
        let qemu: Double?
        /// The same for each variant.
        let own: [Double?]
        /// Time over QEMU's for each variant.
        let perQEMU: [Double?]
    }
    private struct Section {
        let title: String
        let rows: [Row]
    }

    private let sections: [Section]
    private let names: [String]
    private let about: String

    init(_ report: Report) {
        about = report.about.split(separator: "\n").first.map { String($0) } ?? ""
        var sections = report.sets.map { set in
            var rows = set.items.map { item in
                Row(
                    name: item.name, isMean: false, qemu: item.perNative(item.qemu), own: item.own.map { item.perNative($0) },
                    perQEMU: item.own.map { item.perQEMU($0) })
            }
            let variants = set.variants.indices
            rows.append(
                Row(
                    name: "geometric mean", isMean: true, qemu: set.qemuPerNative, own: variants.map { set.perNative($0) },
                    perQEMU: variants.map { set.perQEMU($0) }))
            return Section(title: set.plan.name, rows: rows)
        }
        if let plugins = report.plugins {
            let rows = plugins.rows.filter { $0.emulator == "needletail" && $0.name != "none" }.map { row in
                let other = plugins.row(row.name, "qemu-aarch64")
                return Row(
                    name: row.name, isMean: false, qemu: other?.ratio, own: [row.ratio],
                    perQEMU: [other.map { row.sample.median / $0.sample.median }])
            }
            sections.append(Section(title: "plugins / no plugin", rows: rows))
        }
        self.sections = sections
        names = report.sets.first?.variants ?? ["needletail"]
    }

    // Lengths are in the picture's units, about a pixel each.
    private static let rowHeight = 20.0
    private static let (left, right) = (
        Panel(x: 190, width: 400, from: 0.5, to: 100), Panel(x: 640, width: 300, from: 0.05, to: 20)
    )

    /// A logarithmic axis.
    private struct Panel {
        let x: Double
        let width: Double
        let from: Double
        let to: Double

        func position(_ value: Double) -> Double {
            x + width * log(min(max(value, from), to) / from) / log(to / from)
        }
        /// One, two, five and so on between the ends.
        var ticks: [Double] {
            var ticks: [Double] = []
            var power = 0.01
            while power < 1000 {
                ticks += [1, 2, 5].map { $0 * power }.filter { $0 >= from * 0.999 && $0 <= to * 1.001 }
                power *= 10
            }
            return ticks
        }
    }

    var text: String {
        let height = 84 + sections.map { 40 + Double($0.rows.count) * Self.rowHeight }.reduce(0, +)
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 \(fixed(height, 0))" font-family="system-ui, sans-serif" font-size="12">
            <style>
            .back { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d1d9e0 } .one { stroke: #59636e }
            .qemu { fill: #8b949e } .own0 { fill: #0969da } .own1 { fill: #bf8700 } .own2 { fill: #8250df } .better { fill: #1a7f37 } .worse { fill: #cf222e }
            @media (prefers-color-scheme: dark) {
            .back { fill: #0d1117 } .ink { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #30363d } .one { stroke: #9198a1 }
            .qemu { fill: #6e7681 } .own0 { fill: #4493f8 } .own1 { fill: #d29922 } .own2 { fill: #ab7df8 } .better { fill: #3fb950 } .worse { fill: #f85149 }
            }
            </style>
            <rect class="back" width="960" height="\(fixed(height, 0))"/>
            \(words(20, 24, about, "ink", size: 14))
            \(words(Self.left.x, 48, "time / native", "ink", weight: 600))\(words(Self.right.x, 48, "time / QEMU's (left of 1 is faster)", "ink", weight: 600))

            """
        var x = Self.left.x + 110
        for (name, kind) in [("QEMU", "qemu")] + names.enumerated().map({ ($1, "own\(min($0, 2))") }) {
            text += "\(box(x, 39, 10, 10, kind))\(words(x + 14, 48, name, "ink"))\n"
            x += 34 + 7 * Double(name.count)
        }
        var y = 64.0
        for section in sections {
            y += 22
            text += words(20, y, section.title, "ink", size: 14, weight: 600) + "\n"
            let top = y + 8
            let bottom = top + Double(section.rows.count) * Self.rowHeight
            for panel in [Self.left, Self.right] { text += grid(panel, top, bottom) }
            for (index, row) in section.rows.enumerated() {
                text += draw(row, y: top + Double(index) * Self.rowHeight)
            }
            y = bottom + 10
        }
        return text + "</svg>\n"
    }

    private func grid(_ panel: Panel, _ top: Double, _ bottom: Double) -> String {
        var text = ""
        for tick in panel.ticks {
            let x = fixed(panel.position(tick), 1)
            text +=
                "<line class=\"\(tick == 1 ? "one" : "grid")\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(fixed(top, 1))\" y2=\"\(fixed(bottom, 1))\"/>"
            let label = fixed(tick, tick < 0.1 ? 2 : tick < 1 ? 1 : 0)
            text += words(panel.position(tick), top - 3, label, "faint", size: 9, anchor: "middle")
        }
        return text + "\n"
    }

    private func draw(_ row: Row, y: Double) -> String {
        let weight = row.isMean ? 600 : 400
        var text = words(Self.left.x - 8, y + 14, row.name, "ink", weight: weight, anchor: "end")
        let bars = [(row.qemu, "qemu")] + row.own.enumerated().map { ($1, "own\(min($0, 2))") }
        let thickness = (Self.rowHeight - 4) / Double(bars.count)
        for (index, bar) in bars.enumerated() {
            guard let value = bar.0 else { continue }
            let (at, zero) = (y + 2 + Double(index) * thickness, Self.left.position(Self.left.from))
            let end = Self.left.position(value)
            text += box(zero, at, end - zero, thickness - 1, bar.1)
            text += words(end + 3, at + thickness / 2 + 3, ratio(value), "faint", size: 9)
        }
        let part = (Self.rowHeight - 4) / Double(max(1, row.perQEMU.count))
        for (index, value) in row.perQEMU.enumerated() {
            guard let value else { continue }
            let (at, one, end) = (y + 2 + Double(index) * part, Self.right.position(1), Self.right.position(value))
            text += box(min(one, end), at, abs(end - one), part - 1, value <= 1 ? "better" : "worse")
            let beside = value <= 1 ? (end - 3, "end") : (end + 3, "start")
            text += words(beside.0, at + part / 2 + 3, ratio(value), "faint", size: 9, weight: weight, anchor: beside.1)
        }
        return text + "\n"
    }

    private func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ kind: String) -> String {
        "<rect class=\"\(kind)\" x=\"\(fixed(x, 1))\" y=\"\(fixed(y, 1))\" width=\"\(fixed(max(0, width), 1))\" height=\"\(fixed(height, 1))\"/>"
    }

    private func words(
        _ x: Double, _ y: Double, _ text: String, _ kind: String, size: Int = 12, weight: Int = 400, anchor: String = "start"
    ) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            default: escaped.append(character)
            }
        }
        return
            "<text class=\"\(kind)\" x=\"\(fixed(x, 1))\" y=\"\(fixed(y, 1))\" font-size=\"\(size)\" font-weight=\"\(weight)\" text-anchor=\"\(anchor)\">\(escaped)</text>"
    }
}
