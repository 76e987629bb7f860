internal import Glibc
internal import Synchronization

/// What `-d` can switch on. Names are QEMU's where QEMU has the item.
package struct LogItems: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let inAsm = LogItems(rawValue: 1 << 0)
    package static let op = LogItems(rawValue: 1 << 1)
    package static let opOpt = LogItems(rawValue: 1 << 2)
    package static let llvm = LogItems(rawValue: 1 << 3)
    package static let outAsm = LogItems(rawValue: 1 << 4)
    package static let exec = LogItems(rawValue: 1 << 5)
    package static let cpu = LogItems(rawValue: 1 << 6)
    package static let int = LogItems(rawValue: 1 << 7)
    package static let strace = LogItems(rawValue: 1 << 8)
    package static let plugin = LogItems(rawValue: 1 << 9)
    package static let unimp = LogItems(rawValue: 1 << 10)
    package static let guestErrors = LogItems(rawValue: 1 << 11)
    package static let page = LogItems(rawValue: 1 << 12)
    package static let noChain = LogItems(rawValue: 1 << 13)
    package static let tid = LogItems(rawValue: 1 << 14)
    package static let region = LogItems(rawValue: 1 << 15)
    package static let cache = LogItems(rawValue: 1 << 16)

    /// One row per item: its `-d` word and the line `-d help` prints.
    package static let table: [(name: String, item: LogItems, help: String)] = [
        ("in_asm", .inAsm, "show guest code of each TB as it is translated"),
        ("op", .op, "show the IR of each TB as translated"),
        ("op_opt", .opOpt, "show the IR of each TB after plugin-gen and the passes"),
        ("llvm", .llvm, "show the LLVM IR of each compiled TB"),
        ("region", .region, "show each region: its TBs, why they were chosen, exits, size, time to compile"),
        ("cache", .cache, "show what cannot be done with the persistent code cache"),
        ("out_asm", .outAsm, "show the host code of each compiled TB"),
        ("exec", .exec, "show each TB before it runs (lookups only, unless nochain is on too)"),
        ("cpu", .cpu, "show the guest registers before each TB (as exec)"),
        ("int", .int, "show guest exceptions"),
        ("strace", .strace, "show every system call"),
        ("plugin", .plugin, "show what plugins print"),
        ("unimp", .unimp, "show what is not implemented"),
        ("guest_errors", .guestErrors, "show what the guest does wrong"),
        ("page", .page, "show the guest address map when it changes"),
        ("nochain", .noChain, "do not chain TBs, so that exec and cpu show each"),
        ("tid", .tid, "one log file per thread (with %d in -D)"),
    ]
}

/// Where the emulator's own words go: stderr or the `-D` file, never the guest's stdout.
///
/// Threads: `write` may be called from any thread; each call is one write(2), so lines of different threads do not mix.
/// The file may move to another descriptor at any time. `items` is set before the first vCPU runs and not changed afterwards. Not for signal handlers.
package final class Log: @unchecked Sendable {
    // @unchecked: `items` is written during start-up only, before other threads exist.
    package private(set) var items: LogItems
    private let descriptor: Atomic<Int32>

    package init(items: LogItems = [], descriptor: Int32 = 2) {
        self.items = items
        self.descriptor = Atomic(descriptor)
    }

    package func configure(items: LogItems, descriptor: Int32) {
        self.items = items
        move(to: descriptor)
    }

    package func move(to descriptor: Int32) { self.descriptor.store(descriptor, ordering: .relaxed) }

    /// The log file's descriptor; -1 when the log goes to stderr.
    package var ownDescriptor: Int32 {
        let number = descriptor.load(ordering: .relaxed)
        return number == 2 ? -1 : number
    }

    @inlinable package func isOn(_ item: LogItems) -> Bool { !items.isDisjoint(with: item) }

    /// Writes `text` verbatim when one of `item` is on; the text is not built otherwise.
    package func write(_ item: LogItems, _ text: @autoclosure () -> String) {
        if isOn(item) { put(text()) }
    }

    /// Writes `text` verbatim, whatever is on.
    package func put(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let n = Glibc.write(descriptor.load(ordering: .relaxed), rest.baseAddress, rest.count)
                if n < 0 {
                    if errno == EINTR { continue }
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(n))
            }
        }
    }
}

/// `0x` and lower-case hex digits, padded with zeros to `width` digits.
package func hex(_ value: some BinaryInteger, width: Int = 0) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, width - digits.count)) + digits
}
