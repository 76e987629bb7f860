internal import A64ISA
internal import EmuIR

// What the AdvSIMD semantics share. `lane` is log2 of the element size in bytes. Every operation computes on 128 bits;
// a 64-bit datasize keeps the low half and zeroes the high one when the result is written.
extension Translator {
    /// `V[d, 64 << Q]`: a 64-bit write zeroes bits 127:64.
    mutating func setV(_ d: Int, _ value: Value, Q: Int) {
        if Q == 1 {
            ir.set(.v(d), value)
        } else {
            setV(d, ir.lo64(value))
        }
    }

    /// `Vpart[d, 1] =` for Q = 1, which keeps the low half; `V[d, 64] =` for Q = 0. The result is in the low half of `value`.
    mutating func setVpart(_ d: Int, _ value: Value, Q: Int) {
        if Q == 0 {
            setV(d, ir.lo64(value))
        } else {
            let kept = D(d)
            ir.set(.v(d), ir.pack128(lo: kept, hi: ir.lo64(value)))
        }
    }

    /// `Vpart[n, part, 64]` in the low half.
    mutating func Vpart(_ n: Int, _ part: Int) -> Value {
        let value = V(n)
        return part == 0 ? value : ir.vector(.vext, value, value, imm: 8)
    }

    /// `operand2:operand1` as the permutes with a 64-bit datasize see it: both low halves side by side.
    mutating func concatenated(_ n: Int, _ m: Int) -> Value {
        let low = D(n)
        return ir.pack128(lo: low, hi: D(m))
    }

    var vzero: Value { mutating get { ir.vconst(lo: 0, hi: 0) } }

    /// A constant in every element of the size.
    mutating func vreplicate(_ value: UInt64, lane: Int) -> Value {
        let bits = UInt64(8 << lane)
        var element = lane == 3 ? value : value & ((1 << bits) - 1)
        var width = bits
        while width < 64 {
            element |= element << width
            width *= 2
        }
        return ir.vconst(lo: element, hi: element)
    }

    /// Elements of the low half, extended to twice the size.
    mutating func widened(_ value: Value, lane: Int, isUnsigned: Bool) -> Value {
        ir.vector(isUnsigned ? .vzextLow : .vsextLow, value, lane: lane)
    }

    /// `Abs(a - b)` of elements that differ by less than half their range, or as wide as unsigned elements are.
    mutating func absoluteDifference(_ a: Value, _ b: Value, lane: Int, isUnsigned: Bool) -> Value {
        let greater = ir.vector(isUnsigned ? .vumax : .vsmax, a, b, lane: lane)
        let lesser = ir.vector(isUnsigned ? .vumin : .vsmin, a, b, lane: lane)
        return ir.vector(.vsub, greater, lesser, lane: lane)
    }
}
