internal import GuestState

/// X0...X5 of a system call.
struct SyscallArguments: Sendable {
    private let values: InlineArray<6, UInt64>

    init(_ registers: GuestRegisters) {
        values = [
            registers[x: 0], registers[x: 1], registers[x: 2], registers[x: 3], registers[x: 4], registers[x: 5],
        ]
    }
    init(_ values: InlineArray<6, UInt64>) { self.values = values }

    subscript(_ index: Int) -> UInt64 { values[index] }
    /// The low half, as the kernel reads an `int` argument.
    func int(_ index: Int) -> Int32 { Int32(truncatingIfNeeded: values[index]) }
}

typealias SyscallHandler = @Sendable (LinuxThread, SyscallArguments) throws(LinuxErrno) -> UInt64

/// One arm64 system call.
struct SyscallRow: Sendable {
    enum Handling: Sendable {
        /// Given to the host as it is: same arguments, same structures, no descriptor or address of ours at risk.
        case host
        case emulated(SyscallHandler)
        /// ENOSYS, and why.
        case notEmulated(String)
    }
    let name: StaticString
    /// One letter per argument (`Strace.Format`), then `>` and a letter for a result that is not a decimal number.
    let signature: StaticString
    let handling: Handling
}

/// The arm64 table (`asm-generic/unistd.h`), indexed by number.
enum SyscallTable {
    /// nil for a number that arm64 does not have.
    static func row(_ number: UInt32) -> SyscallRow? {
        number < rows.count ? rows[Int(number)] : nil
    }

    static let rows: [SyscallRow?] = {
        var builder = Builder()
        builder.addFiles()
        builder.addProcess()
        builder.addMemory()
        builder.addMiscellaneous()
        return builder.rows
    }()

    struct Builder {
        var rows = [SyscallRow?](repeating: nil, count: 470)

        mutating func host(_ number: Int, _ name: StaticString, _ signature: StaticString = "") {
            add(number, SyscallRow(name: name, signature: signature, handling: .host))
        }
        mutating func emulate(
            _ number: Int, _ name: StaticString, _ signature: StaticString, _ handler: @escaping SyscallHandler
        ) {
            add(number, SyscallRow(name: name, signature: signature, handling: .emulated(handler)))
        }
        mutating func refuse(_ number: Int, _ name: StaticString, _ signature: StaticString, _ reason: String) {
            add(number, SyscallRow(name: name, signature: signature, handling: .notEmulated(reason)))
        }
        private mutating func add(_ number: Int, _ row: SyscallRow) {
            precondition(rows[number] == nil, "two rows for system call \(number)")
            rows[number] = row
        }
    }
}
