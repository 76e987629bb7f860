import CNeedletailPlugin
import NeedletailPlugin

/// A file in guest memory, from its first mapping to the end of its last.
struct Module {
    let path: CText
    let start: UInt64
    var end: UInt64

    func contains(_ address: UInt64) -> Bool { start <= address && address < end }

    /// The path's last part.
    var name: CText {
        var name = path
        var next = path
        while next.pointee != 0 {
            if next.pointee == CChar(UInt8(ascii: "/")) { name = next + 1 }
            next += 1
        }
        return name
    }

    /// The files of `/proc/self/maps` in their order: the guest lies in the emulator's address space. Paths are never freed.
    static func all() -> [Module] {
        var count = 0
        guard let text = nt_plugin_read_file("/proc/self/maps", &count) else { return [] }
        var modules: [Module] = []
        var line = 0
        while line < count {
            var end = line
            var path: Int?
            while end < count, text[end] != CChar(UInt8(ascii: "\n")) {
                if path == nil, text[end] == CChar(UInt8(ascii: "/")) { path = end }
                end += 1
            }
            if end < count, let path {
                text[end] = 0
                var numbers = CText(text + line)
                if let first = parseNumber(&numbers, radix: 16), numbers.pointee == CChar(UInt8(ascii: "-")) {
                    numbers += 1
                    if let last = parseNumber(&numbers, radix: 16) { modules.add(CText(text + path), first, last) }
                }
            }
            line = end + 1
        }
        return modules
    }
}

extension [Module] {
    fileprivate mutating func add(_ path: CText, _ start: UInt64, _ end: UInt64) {
        if let last, strcmp(last.path, path) == 0 {
            self[count - 1].end = end
        } else {
            append(Module(path: path, start: start, end: end))
        }
    }
}

/// Symbols of one module as uftrace keeps them, addresses from the module's start.
struct SymbolFile: ~Copyable {
    private var lines = Text(capacity: 4096)
    private var count = 0

    mutating func add(_ name: CText, _ offset: UInt64) {
        lines.append(hex: offset, width: 16)
        lines.append(" T ")
        lines.append(cText: name)
        lines.append("\n")
        count += 1
    }

    func write(to file: inout AtomicFile, of module: Module) {
        var head = Text()
        head.append("# symbols: \(count)\n# path name: \(module.path)\n")
        file.write(head)
        file.write(lines)
        // A symbol ends where the next begins.
        var end = Text()
        end.append("\(hex: module.end &- module.start, width: 16) ? __sym_end\n")
        file.write(end)
    }
}
