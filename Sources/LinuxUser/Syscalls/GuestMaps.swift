internal import GuestMemory

/// The guest's `/proc/self/maps` and `smaps`: the host's entries cut to guest mappings, with the guest's protection.
enum GuestMaps {
    /// - Parameter host: entries of one line each, which in `smaps` are followed by lines of details.
    static func text(host: [UInt8], areas: [VMA]) -> [UInt8] {
        var result: [UInt8] = []
        var mapping: HostMapping?
        var details: [UInt8] = []
        func finish() {
            guard let mapping else { return }
            for area in areas where area.range.overlaps(mapping.range) {
                result += Self.line(area.range.clamped(to: mapping.range), area, mapping) + details
            }
        }
        for line in host.split(separator: UInt8(ascii: "\n")) {
            if let next = HostMapping(line) {
                finish()
                mapping = next
                details = []
            } else {
                details += Array(line) + [UInt8(ascii: "\n")]
            }
        }
        finish()
        return result
    }

    private static func line(_ range: Range<UInt64>, _ area: VMA, _ mapping: HostMapping) -> [UInt8] {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, 8 - text.count)) + text
        }
        let p = area.protection
        let rights =
            (p.contains(.read) ? "r" : "-") + (p.contains(.write) ? "w" : "-") + (p.contains(.execute) ? "x" : "-")
            + (area.isShared ? "s" : "p")
        let offset = mapping.inode == "0" ? 0 : mapping.offset + (range.lowerBound - mapping.range.lowerBound)
        var text =
            "\(digits(range.lowerBound))-\(digits(range.upperBound)) \(rights) \(digits(offset)) "
            + "\(mapping.device) \(mapping.inode)"
        let name: [UInt8]
        switch area.label {
        case .none: name = mapping.name.first == UInt8(ascii: "[") ? [] : mapping.name
        case .stack: name = Array("[stack]".utf8)
        case .heap: name = Array("[heap]".utf8)
        }
        if !name.isEmpty { text += String(repeating: " ", count: max(1, 73 - text.utf8.count)) }
        return Array(text.utf8) + name + [UInt8(ascii: "\n")]
    }
}

/// One line of the host's `/proc/self/maps`.
struct HostMapping {
    let range: Range<UInt64>
    let offset: UInt64
    let device: String
    let inode: String
    let name: [UInt8]

    /// "start-end perms offset device inode   name"
    init?(_ line: ArraySlice<UInt8>) {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
        guard parts.count >= 5 else { return nil }
        let ends = parts[0].split(separator: UInt8(ascii: "-")).map {
            UInt64(String(decoding: $0, as: UTF8.self), radix: 16)
        }
        guard ends.count == 2, let start = ends[0], let end = ends[1], start < end,
            let offset = UInt64(String(decoding: parts[2], as: UTF8.self), radix: 16)
        else { return nil }
        range = start..<end
        self.offset = offset
        device = String(decoding: parts[3], as: UTF8.self)
        inode = String(decoding: parts[4], as: UTF8.self)
        name = parts.count > 5 ? Array(parts[5].drop { $0 == UInt8(ascii: " ") }) : []
    }
}
