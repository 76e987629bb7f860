internal import A64ISA
internal import EmuIR

extension Translator {
    /// LDP, STP, LDNP, STNP, LDPSW in all addressing modes (`mode`: 0 no-allocate, 1 post, 2 offset, 3 pre).
    ///
    /// Two X or two W registers are one access to observers; two SIMD&FP registers are two.
    mutating func loadStorePair(_ f: LoadStorePair) -> TranslationStep {
        let isVector = f.V != 0
        // opc: general 0 W, 1 LDPSW, 2 X; SIMD&FP 0 S, 1 D, 2 Q.
        let size = isVector ? f.opc + 2 : (f.opc == 2 ? 3 : 2)
        let displacement = signExtend(f.imm7, 7) << Int64(size)
        let base = XSP(f.Rn)
        let place = effectiveAddress(base, f.mode == 1 ? 0 : displacement)
        let second = place.offset + Int64(1 << size)
        if !isVector, config.isParallel, has(.FEAT_LSE2) {
            accessPairAtOnce(f, size: size, at: place)
        } else if f.L != 0 {
            let type: IRType
            var flags: MemFlags = []
            if isVector {
                type = size == 4 ? .i128 : .i64
            } else {
                type = f.opc == 0 ? .i32 : .i64
                if f.opc == 1 { flags = .signExtend }
            }
            let first = isVector ? flags : flags.union(.pairFirst)
            let last = isVector ? flags : flags.union(.pairSecond)
            let a = ir.load(place.base, offset: place.offset, size: size, type, first)
            let b = ir.load(place.base, offset: second, size: size, type, last)
            if isVector {
                setV(f.Rt, a)
                setV(f.Rt2, b)
            } else {
                setX(f.Rt, a)
                setX(f.Rt2, b)
            }
        } else if isVector {
            let a = size == 4 ? V(f.Rt) : D(f.Rt)
            let b = size == 4 ? V(f.Rt2) : D(f.Rt2)
            ir.store(place.base, offset: place.offset, a, size: size)
            ir.store(place.base, offset: second, b, size: size)
        } else {
            let a = X(f.Rt, is64Bit: size == 3)
            let b = X(f.Rt2, is64Bit: size == 3)
            ir.store(place.base, offset: place.offset, a, size: size, .pairFirst)
            ir.store(place.base, offset: second, b, size: size, .pairSecond)
        }
        if f.mode & 1 != 0 {
            let next = sum(base, displacement)
            setXSP(f.Rn, next)
        }
        return .next
    }

    /// Two general-purpose registers as one access. FEAT_LSE2 makes 16 bytes single-copy atomic at a multiple of 16, and eight inside
    /// of 16. So are the host's: 16 bytes on processors with AVX; a misaligned access may be split between cache lines, which leaves each
    /// aligned half whole. While nobody else looks, two accesses are cheaper: data stored by halves forwards to them.
    private mutating func accessPairAtOnce(_ f: LoadStorePair, size: Int, at place: (base: Value, offset: Int64)) {
        let type: IRType = size == 3 ? .i128 : .i64
        if f.L != 0 {
            let both = ir.load(place.base, offset: place.offset, size: size + 1, type)
            let low: Value
            let high: Value
            switch f.opc {
            case 0:
                low = ir.trunc(both, .i32)
                high = ir.shift(.lshr, both, by: 32)
            case 1:
                low = ir.sbfx(both, lsb: 0, width: 32)
                high = ir.shift(.ashr, both, by: 32)
            default:
                low = ir.lo64(both)
                high = ir.hi64(both)
            }
            setX(f.Rt, low)
            setX(f.Rt2, high)
        } else {
            let low = X(f.Rt)
            let high = X(f.Rt2)
            let both = size == 3 ? ir.pack128(lo: low, hi: high) : ir.bfi(low, high, lsb: 32, width: 32)
            ir.store(place.base, offset: place.offset, both, size: size + 1)
        }
    }
}
