// Names that IR text uses for the values of fields. Printer and parser share them, so they cannot differ.

extension IRType {
    /// The type's name in IR text, the suffix of an operation: `i64` in `add.i64`.
    package var name: StaticString {
        switch self {
        case .none: "none"
        case .i1: "i1"
        case .i32: "i32"
        case .i64: "i64"
        case .i128: "i128"
        }
    }
}

extension MemFlags {
    /// Every flag with its name, in the order of printing.
    package static let names: [(flag: MemFlags, name: StaticString)] = [
        (.signExtend, "sign_extend"), (.acquire, "acquire"), (.release, "release"), (.acquirePC, "acquire_pc"),
        (.pairFirst, "pair_first"), (.pairSecond, "pair_second"), (.unreported, "unreported"), (.halves, "halves"),
    ]
}

extension ExceptionKind {
    package var name: StaticString {
        switch self {
        case .svc: "svc"
        case .undefined: "undefined"
        case .breakpoint: "breakpoint"
        case .halt: "halt"
        case .pcAlignment: "pc_alignment"
        case .instructionAbort: "instruction_abort"
        case .dataAlignment: "data_alignment"
        case .pacFail: "pac_fail"
        case .branchTarget: "branch_target"
        }
    }
}

extension Field {
    /// The values of a field that text names without a key, by raw value and name; nil for keyed fields.
    ///
    /// An operation has at most one such field (a test checks the table), so a bare name in text is never ambiguous.
    var bareNames: [(raw: UInt64, name: String)]? {
        switch self {
        case .unused, .hex, .signed, .number, .memFlags: nil
        case .slot: StateSlot.all.map { (UInt64($0.rawValue), $0.name) }
        // Their names are those of the cases.
        case .condition: Condition.allCases.map { (UInt64($0.rawValue), "\($0)") }
        case .atomicOp: AtomicOp.allCases.map { (UInt64($0.rawValue), "\($0)") }
        case .fenceKind: FenceKind.allCases.map { (UInt64($0.rawValue), "\($0)") }
        case .exceptionKind: ExceptionKind.allCases.map { (UInt64($0.rawValue), "\($0.name)") }
        case .helper: Helper.allCases.map { (UInt64($0.rawValue), "\($0.signature.name)") }
        case .fpBinary: FPBinary.allCases.map { (UInt64($0.rawValue), "\($0)") }
        case .fpUnary: FPUnary.allCases.map { (UInt64($0.rawValue), "\($0)") }
        }
    }

    /// The name of a value of a bare-named field, nil for keyed fields. A value that has no name is the verifier's to reject;
    /// here it prints as `invalid…`, so that the reader sees it.
    func bareName(of value: UInt64) -> String? {
        let name: String? =
            switch self {
            case .unused, .hex, .signed, .number, .memFlags: nil
            case .slot: StateSlot(exactly: value).map(\.name) ?? invalid(value)
            case .condition: named(Condition.self, value) ?? invalid(value)
            case .atomicOp: named(AtomicOp.self, value) ?? invalid(value)
            case .fenceKind: named(FenceKind.self, value) ?? invalid(value)
            case .exceptionKind:
                UInt8(exactly: value).flatMap(ExceptionKind.init(rawValue:)).map { "\($0.name)" } ?? invalid(value)
            case .helper:
                UInt16(exactly: value).flatMap(Helper.init(rawValue:)).map { "\($0.signature.name)" } ?? invalid(value)
            case .fpBinary: named(FPBinary.self, value) ?? invalid(value)
            case .fpUnary: named(FPUnary.self, value) ?? invalid(value)
            }
        return name
    }

    private func invalid(_ value: UInt64) -> String { "invalid\(value)" }

    private func named<T: RawRepresentable<UInt8>>(_: T.Type, _ value: UInt64) -> String? {
        UInt8(exactly: value).flatMap(T.init(rawValue:)).map { "\($0)" }
    }

    /// What error messages call a bare-named field.
    var kindName: String {
        switch self {
        case .unused: "unused field"
        case .hex(let key), .signed(let key), .number(let key, below: _): "\(key)"
        case .memFlags: "flags"
        case .slot: "register"
        case .condition: "condition"
        case .atomicOp: "atomic operator"
        case .fenceKind: "fence kind"
        case .exceptionKind: "exception kind"
        case .helper: "helper"
        case .fpBinary, .fpUnary: "floating-point operation"
        }
    }

    /// The key before `=`, nil for bare-named and unused fields.
    var key: String? {
        switch self {
        case .hex(let key), .signed(let key), .number(let key, below: _): "\(key)"
        case .memFlags: "flags"
        case .unused, .slot, .condition, .atomicOp, .fenceKind, .exceptionKind, .helper, .fpBinary, .fpUnary: nil
        }
    }

    /// Whether text may leave the field out, which then is 0.
    var mayBeOmitted: Bool {
        switch self {
        case .unused, .signed, .memFlags: true
        case .hex, .number, .slot, .condition, .atomicOp, .fenceKind, .exceptionKind, .helper, .fpBinary, .fpUnary: false
        }
    }
}

extension StateSlot {
    /// The slot of a field's value; nil when no slot has that number.
    init?(exactly value: UInt64) {
        guard let raw = UInt16(exactly: value) else { return nil }
        self.init(rawValue: raw)
        if type == nil { return nil }
    }
}

extension IRInst {
    /// The four fields beside the operands with their kinds, in the order of text.
    func fields(_ info: OpcodeInfo) -> [(kind: Field, value: UInt64)] {
        [(info.aux, UInt64(aux)), (info.flags, UInt64(flags)), (info.imm, imm), (info.imm2, imm2)]
    }
}
