internal import CInterpreter

/// One cell as CInterpreter's `nt_op` lays it out (Swift cannot import preserve_none function pointers).
struct Cell: BitwiseCopyable {
    /// The operation's `code` while the TB is being predecoded, its handler's address afterwards; 0 when the cell only carries
    /// data.
    var handler: UInt
    var d: UInt16 = 0
    var a: UInt16 = 0
    var b: UInt16 = 0
    var c: UInt16 = 0
    var imm: UInt64 = 0

    init(_ operation: Operation, d: UInt16 = 0, a: UInt16 = 0, b: UInt16 = 0, c: UInt16 = 0, imm: UInt64 = 0) {
        handler = operation.code
        self.d = d
        self.a = a
        self.b = b
        self.c = c
        self.imm = imm
    }

    /// A cell that only carries data for the one before it.
    init(data imm: UInt64, a: UInt16 = 0, b: UInt16 = 0, c: UInt16 = 0) {
        handler = 0
        self.a = a
        self.b = b
        self.c = c
        self.imm = imm
    }

    /// The 32-bit field that shares its place with `b` and `c`.
    var point: UInt32 {
        get { UInt32(b) | UInt32(c) << 16 }
        set {
            b = UInt16(truncatingIfNeeded: newValue)
            c = UInt16(truncatingIfNeeded: newValue >> 16)
        }
    }
}

/// A tier-0 operation: a number in CInterpreter's list.
struct Operation: Equatable {
    let number: UInt32
    init(_ operation: nt_interp_op, offset: Int = 0) { number = operation.rawValue + UInt32(offset) }
    var code: UInt { UInt(number) + 1 }

    /// Families in the list's order: r32, i32, r64, i64.
    static func binary(_ first: nt_interp_op, is64Bit: Bool, isImmediate: Bool) -> Operation {
        Operation(first, offset: (is64Bit ? 2 : 0) + (isImmediate ? 1 : 0))
    }
    /// Families in the list's order: 32, 64.
    static func unary(_ first: nt_interp_op, is64Bit: Bool) -> Operation { Operation(first, offset: is64Bit ? 1 : 0) }
}
