/// Floating-point operations of `fp_binary`. Raw values equal C's `nt_fp_binary` (CHost); 0 to 8 are the `opcode` field of
/// "Floating-point data-processing (2 source)".
public enum FPBinary: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case mul = 0
    case div
    case add
    case sub
    case max
    case min
    case maxnm
    case minnm
    case nmul
    case mulx
    /// FRECPS, FRSQRTS.
    case recps
    case rsqrts
    case abd
    /// Comparisons: all ones or zero. `ac…` compare magnitudes.
    case cmeq = 16
    case cmge
    case cmgt
    case acge
    case acgt
}

/// Floating-point operations of `fp_unary`. Raw values equal C's `nt_fp_unary`.
public enum FPUnary: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case sqrt = 0
    /// To an integral value; the mode says how.
    case round
    /// FRECPE, FRSQRTE, FRECPX.
    case recpe
    case rsqrte
    case recpx
    /// FRINT32, FRINT64: `is64Bit` in the mode.
    case roundInt
    /// URECPE, URSQRTE of unsigned fixed-point words.
    case urecpe
    case ursqrte
    /// Single to BFloat16, in the low half of the element.
    case bfcvt
}

/// How a rounding or a conversion is done. Raw values equal C's `NT_FP_MODE_…`.
public struct FPMode: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A rounding of the `rmode` field: 0 ties to even, 1 up, 2 down, 3 zero; 4 ties away; 7 as FPCR says.
    public static func rounding(_ mode: Int) -> FPMode { FPMode(rawValue: UInt32(mode) & 7) }
    public static let zero = rounding(3)
    public static let tiesAway = rounding(4)
    public static let current = rounding(7)
    /// FRINTX, FRINT32X, FRINT64X: notes a result that differs from the operand.
    public static let inexact = FPMode(rawValue: 1 << 3)
    /// The integer is unsigned.
    public static let unsigned = FPMode(rawValue: 1 << 4)
    /// The integer has 64 bits.
    public static let is64Bit = FPMode(rawValue: 1 << 5)
    /// The integer has 16 bits: elements of that size only.
    public static let is16Bit = FPMode(rawValue: 1 << 6)
    /// Fixed point with this many bits behind the point, 0...64.
    public static func fraction(_ bits: Int) -> FPMode { FPMode(rawValue: UInt32(bits) << 8) }

    public var rounding: Int { Int(rawValue & 7) }
    public var fractionBits: Int { Int(rawValue >> 8 & 127) }
}
