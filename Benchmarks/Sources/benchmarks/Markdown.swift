extension Report {
    /// The report as it may be put into a page, with the chart beside it.
    var markdown: String {
        var text = "# Benchmark\n\n"
        text += about.split(separator: "\n").map { "\($0)  \n" }.joined()
        text += "\n![time as a multiple of native and of QEMU](bench.svg)\n\n"
        for set in sets { text += set.table.markdown + "\n" }
        if let plugins { text += plugins.table.markdown + "\n" }
        text += "## Targets\n\n\(summary.split(separator: "\n").map { "    \($0)\n" }.joined())"
        return text
    }
}

extension Table {
    var markdown: String {
        var text = "## \(title)\n\n"
        for (index, row) in rows.enumerated() {
            text += "| \(row.joined(separator: " | ")) |\n"
            if index == 0 { text += "|---|\(String(repeating: "--:|", count: row.count - 1))\n" }
        }
        return text
    }
}
