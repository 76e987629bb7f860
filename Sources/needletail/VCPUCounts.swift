import CHost

/// What a vCPU has done, for `--stats`.
struct VCPUCounts {
    private(set) var instructions: UInt64 = 0
    /// How often generated code was left, by `nt_exit`.
    private var exits = [UInt64](repeating: 0, count: Int(NT_EXIT_COUNT))

    init() {}
    init(_ cpu: nt_cpu) {
        instructions = cpu.insn_count
        exits = withUnsafeBytes(of: cpu.exit_counts) { Array($0.bindMemory(to: UInt64.self)) }
    }

    mutating func add(_ other: VCPUCounts) {
        instructions &+= other.instructions
        for n in exits.indices { exits[n] &+= other.exits[n] }
    }

    /// In the order of `nt_exit`.
    private static let names = ["lookup", "chain", "request", "exception", "fault", "hot"]
    var exitText: String { zip(Self.names, exits).map { "\($0) \($1)" }.joined(separator: ", ") }
}
