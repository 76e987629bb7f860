internal import EmuIR

/// Where an IR value is while code is made.
struct ValueState: BitwiseCopyable {
    /// Index of the last operation that wants it; for operands of comparisons that are made where they are used, of those uses.
    var lastUse: Int32 = -1
    /// Byte offset in the CPU struct where memory holds it; -1 nowhere.
    var home: Int32 = -1
    /// The value whose register it shares; itself otherwise.
    var root: Int32
    /// Number of the register that holds it; 255 none.
    var register: UInt8 = 255
    var kind = Kind.computed
    /// Its register's upper half is zero, though it has 32 bits only.
    var isClean = false
    /// A 128-bit value, whose register is a vector register.
    var isVector = false

    enum Kind: UInt8 {
        case computed
        /// A constant: made again wherever its register was lost.
        case constant
        /// A comparison that is made where it is used.
        case deferred
    }

    var hasRegister: Bool { register != 255 }
}
