internal import Glibc
package import GuestMemory
internal import Support

/// Function symbols of one ELF file, for plugins and logs. Built at the first question.
///
/// Threads: any. A damaged symbol table gives no symbols.
package final class SymbolTable: @unchecked Sendable {
    // @unchecked: `entries` is only touched with `lock` held.
    package struct Entry: Sendable, Equatable {
        package let start: GuestAddress
        package let size: UInt64
        package let name: String
    }

    private let path: [UInt8]
    private let bias: UInt64
    private let lock = Lock()
    private var entries: [Entry]?

    package init(path: [UInt8], bias: UInt64) {
        self.path = path
        self.bias = bias
    }

    /// The function that covers `address`, or nil.
    package func function(at address: GuestAddress) -> Entry? {
        lock.withLock {
            let table = entries ?? Self.load(path, bias: bias)
            entries = table
            var low = 0
            var high = table.count
            while low < high {
                let middle = (low + high) / 2
                if table[middle].start <= address { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            let entry = table[low - 1]
            // A symbol without size (assembly) covers only its own address.
            return address - entry.start < max(entry.size, 1) ? entry : nil
        }
    }

    private static func load(_ path: [UInt8], bias: UInt64) -> [Entry] {
        guard let file = try? HostFile(reading: path) else { return [] }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0, status.st_size > 0 else { return [] }
        let size = UInt64(status.st_size)
        func section(_ offset: UInt64, _ count: UInt64) -> GuestRecord? {
            let (end, wraps) = offset.addingReportingOverflow(count)
            guard !wraps, end <= size, count <= 1 << 30 else { return nil }
            guard let bytes = try? file.read(at: offset, count: Int(count)), bytes.count == Int(count) else {
                return nil
            }
            return GuestRecord(bytes)
        }
        guard let header = section(0, 64), header[0, as: UInt32.self] == 0x464c_457f else { return [] }
        let sectionCount = Int(header[60, as: UInt16.self])
        guard header[58, as: UInt16.self] == 64,
            let sections = section(header[40, as: UInt64.self], UInt64(sectionCount * 64))
        else { return [] }
        // .symtab when there is one, else .dynsym.
        for wanted: UInt32 in [2, 11] {
            for index in 0..<sectionCount where sections[index * 64 + 4, as: UInt32.self] == wanted {
                let at = index * 64
                let strings = Int(sections[at + 40, as: UInt32.self])
                guard strings < sectionCount,
                    let symbols = section(sections[at + 24, as: UInt64.self], sections[at + 32, as: UInt64.self]),
                    let names = section(
                        sections[strings * 64 + 24, as: UInt64.self], sections[strings * 64 + 32, as: UInt64.self])
                else { continue }
                return functions(symbols, names.bytes, bias: bias)
            }
        }
        return []
    }

    /// What is to be added to an ELF file's addresses when its bytes from `offset` on stand at `start`; nil for what is no such
    /// file.
    static func bias(of path: [UInt8], mappedAt start: GuestAddress, offset: UInt64) -> UInt64? {
        guard let file = try? HostFile(reading: path), let bytes = try? file.read(at: 0, count: 64), bytes.count == 64
        else { return nil }
        let header = GuestRecord(bytes)
        let count = Int(header[56, as: UInt16.self])
        guard header[0, as: UInt32.self] == 0x464c_457f, header[4, as: UInt8.self] == 2, header[54, as: UInt16.self] == 56,
            let rows = try? file.read(at: header[32, as: UInt64.self], count: count * 56), rows.count == count * 56
        else { return nil }
        let table = GuestRecord(rows)
        for at in stride(from: 0, to: count * 56, by: 56) where table[at, as: UInt32.self] == 1 {
            let (from, address) = (table[at + 8, as: UInt64.self], table[at + 16, as: UInt64.self])
            let (end, wraps) = from.addingReportingOverflow(table[at + 32, as: UInt64.self])
            // Mappings begin at pages.
            guard !wraps, from.pageRoundedDown <= offset, offset < end else { continue }
            return start &- (address.pageRoundedDown &+ (offset - from.pageRoundedDown))
        }
        return nil
    }

    private static func functions(_ symbols: GuestRecord, _ names: [UInt8], bias: UInt64) -> [Entry] {
        var result: [Entry] = []
        for index in 0..<symbols.bytes.count / 24 {
            let at = index * 24
            let kind = symbols[at + 4, as: UInt8.self] & 15
            let defined = symbols[at + 6, as: UInt16.self] != 0
            let name = Int(symbols[at, as: UInt32.self])
            guard kind == 2 || kind == 10, defined, name < names.count else { continue }
            let text = names[name...].prefix { $0 != 0 }
            if text.isEmpty { continue }
            result.append(
                Entry(
                    start: symbols[at + 8, as: UInt64.self] &+ bias, size: symbols[at + 16, as: UInt64.self],
                    name: String(decoding: text, as: UTF8.self)))
        }
        // Several names of one function: the one with a size, then the first in the file.
        var seen: Set<GuestAddress> = []
        let sized = result.filter { $0.size > 0 } + result.filter { $0.size == 0 }
        return sized.filter { seen.insert($0.start).inserted }.sorted { $0.start < $1.start }
    }
}
