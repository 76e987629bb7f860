internal import EmuIR
internal import Support

/// The files by which Linux `perf` knows generated code.
package struct PerfFormats: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let map = PerfFormats(rawValue: 1)
    package static let dump = PerfFormats(rawValue: 2)
}

/// Writes them. Threads: one at a time.
final class PerfFiles {
    private let map: PerfMap?
    private let dump: JITDump?
    private let symbol: (UInt64) -> String?

    /// - Parameter symbol: the name of the guest function at an address.
    init(_ formats: PerfFormats, symbol: @escaping (UInt64) -> String?) {
        map = formats.contains(.map) ? PerfMap() : nil
        dump = formats.contains(.dump) ? JITDump() : nil
        self.symbol = symbol
    }

    /// - Parameter prefix: stands before the guest function's name.
    func add(_ prefix: String, _ block: IRBlock, at address: UInt64, size: UInt64) {
        let function = symbol(block.pc).map { "\($0)@" } ?? ""
        let name = "\(prefix)\(function)\(hex(block.pc))"
        map?.add(name, at: address, size: size)
        dump?.add(name, at: address, size: size)
    }
}
