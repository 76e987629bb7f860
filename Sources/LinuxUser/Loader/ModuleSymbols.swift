package import GuestMemory
internal import Support

/// Symbols of everything the guest has code of: its program, the interpreter, and libraries that it maps later. A file is looked
/// at when somebody first asks for an address in it.
///
/// Threads: any. The lock is a leaf but for the symbol tables'.
package final class ModuleSymbols: @unchecked Sendable {
    // @unchecked: `modules` is only touched with `lock` held.

    /// A mapping of the host's, and the symbols of its file.
    private struct Module {
        let range: Range<GuestAddress>
        /// nil: no file, or none with symbols that could be found.
        let symbols: SymbolTable?
        let path: [UInt8]
        let bias: UInt64
    }

    private let program: SymbolTable
    private let programCode: Range<GuestAddress>
    private let lock = Lock()
    private var modules: [Module] = []

    init(program: SymbolTable, code: Range<GuestAddress>) {
        self.program = program
        programCode = code
    }

    /// The function that covers `address`, or nil.
    package func function(at address: GuestAddress) -> SymbolTable.Entry? {
        if programCode.contains(address) { return program.function(at: address) }
        let symbols = lock.withLock { () -> SymbolTable? in
            if let known = modules.first(where: { $0.range.contains(address) }) { return known.symbols }
            let found = find(address)
            // An address that is not mapped now may be later.
            guard let found else { return nil }
            modules.append(found)
            return found.symbols
        }
        return symbols?.function(at: address)
    }

    /// Another file may stand there from now on.
    package func forget(_ range: Range<GuestAddress>) {
        lock.withLock { modules.removeAll { $0.range.overlaps(range) } }
    }

    private func find(_ address: GuestAddress) -> Module? {
        guard let maps = try? LinuxThread.contents(of: Array("/proc/self/maps".utf8)) else { return nil }
        for line in maps.split(separator: UInt8(ascii: "\n")) {
            guard let mapping = HostMapping(line), mapping.range.contains(address) else { continue }
            guard mapping.inode != "0", mapping.name.first == UInt8(ascii: "/"),
                let bias = SymbolTable.bias(of: mapping.name, mappedAt: mapping.range.lowerBound, offset: mapping.offset)
            else { return Module(range: mapping.range, symbols: nil, path: [], bias: 0) }
            // A library's segments are mappings of one file with one bias.
            let known = modules.first { $0.path == mapping.name && $0.bias == bias }?.symbols
            return Module(
                range: mapping.range, symbols: known ?? SymbolTable(path: mapping.name, bias: bias), path: mapping.name,
                bias: bias)
        }
        return nil
    }
}
