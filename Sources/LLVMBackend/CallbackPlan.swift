internal import CHost

/// What generated code must know of the plugin interface to do a callback's work itself.
package struct ScoreboardAccess: Sendable {
    /// Addresses of `qemu_plugin_u64_add` and `qemu_plugin_scoreboard_find`.
    let add: UInt
    let find: UInt
    /// Where the running vCPU's entry of a live scoreboard is, from its CPU struct: of a handle and an offset in the element; nil when
    /// there is none.
    let entry: @Sendable (UInt, UInt) -> UInt64?

    package init(add: UInt, find: UInt, entry: @escaping @Sendable (UInt, UInt) -> UInt64?) {
        self.add = add
        self.find = find
        self.entry = entry
    }
}

/// How to do without calling a callback with certain userdata.
struct CallbackPlan {
    let code: CallbackCode
    /// 64-bit words of the plugin's that `code` reads, and what they must still hold: scoreboards were found by them.
    private(set) var guards: [(address: UInt64, value: UInt64)] = []
    /// For each operation on a scoreboard in `code`, in order: where, from the CPU struct.
    private(set) var entries: [UInt64] = []

    /// What is known of a register's value while code is made.
    private enum Known: Equatable {
        case constant(UInt64)
        /// The vCPU's index.
        case vcpu
        /// What that address holds.
        case word(at: UInt64)
    }

    /// - Returns: nil when it uses a scoreboard that cannot be told now.
    init?(_ code: CallbackCode, arguments: [UInt64?], scoreboards: ScoreboardAccess?) {
        self.code = code
        var known: [Known?] = Array(repeating: nil, count: 16)
        for (register, argument) in zip(Self.argumentRegisters, arguments) { known[register] = argument.map { .constant($0) } }
        known[Self.argumentRegisters[0]] = .vcpu
        var pushed: [Known?] = []
        var hasStored = false
        func value(_ operand: CallbackCode.Operand) -> Known? {
            switch operand {
            case .register(let register): known[register]
            case .constant(let value): .constant(value)
            }
        }
        func constant(_ address: CallbackCode.Address) -> UInt64? {
            guard address.index == nil else { return nil }
            guard let base = address.base else { return address.displacement }
            if case .constant(let value)? = known[base] { return value &+ address.displacement }
            return nil
        }
        for operation in code.operations {
            switch operation {
            case .move(let to, let from, let size):
                switch value(from) {
                case .constant(let value)?: known[to] = .constant(size == 4 ? value & 0xffff_ffff : value)
                case .vcpu?: known[to] = .vcpu
                case let other: known[to] = size == 8 ? other : nil
                }
            case .address(let to, let address, let size): known[to] = size == 8 ? constant(address).map { .constant($0) } : nil
            case .load(let to, let address, let size, _):
                known[to] = size == 8 && !hasStored ? constant(address).map { .word(at: $0) } : nil
            case .store, .computeInMemory: hasStored = true
            case .compute(_, let to, _, _), .computeFromMemory(_, let to, _, _): known[to] = nil
            case .push(let register): pushed.append(register.flatMap { known[$0] })
            case .pop(let register):
                let value = pushed.popLast() ?? nil
                if let register { known[register] = value }
            case .addToScoreboard, .findElement:
                let adds = operation == .addToScoreboard
                guard known[adds ? 2 : 6] == .vcpu, let handle = settle(known[7]),
                    let offset = settle(adds ? known[6] : .constant(0)),
                    let entry = scoreboards?.entry(UInt(handle), UInt(offset))
                else { return nil }
                // What is added to is no word of the plugin's own.
                entries.append(entry)
                for register in CallbackCode.callerSaved { known[register] = nil }
            }
        }
    }

    /// The C convention's RDI, RSI, RDX, RCX, R8, R9.
    static let argumentRegisters = [7, 6, 2, 1, 8, 9]

    /// The value a register has; a word of memory must then keep it.
    private mutating func settle(_ known: Known?) -> UInt64? {
        switch known {
        case .constant(let value): return value
        case .word(let address):
            var value: UInt64 = 0
            guard nt_read_own_memory(UnsafeRawPointer(bitPattern: UInt(address)), &value, 8) else { return nil }
            if !guards.contains(where: { $0.address == address }) { guards.append((address, value)) }
            return value
        case .vcpu, nil: return nil
        }
    }
}
